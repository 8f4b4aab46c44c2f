/* test_options.c: the table of training options against the struct, the text and the catalog. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <lamina/extend.h>

#include "../support/comma_locale.h"
#include "model/unregistered.h"
#include "options/fit_options.h"

static const lam__option *option_at(size_t i)
{
    return lam__table_at(&lam__fit_options, i);
}

static size_t option_count(void)
{
    return lam__table_size(&lam__fit_options);
}

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

Test(options, defaults)
{
    const lam_fit_options o = lam_fit_options_default();
    cr_expect_null(o.loss);
    cr_expect_str_eq(o.optimizer, "adam");
    cr_expect_null(o.metrics);
    cr_expect_str_eq(o.initializer, "glorot_uniform");
    cr_expect_eq(o.learning_rate, 0.0f);
    cr_expect_eq(o.decay, 0.0f);
    cr_expect_eq(o.momentum, 0.0f);
    cr_expect_eq(o.beta_1, 0.9f);
    cr_expect_eq(o.beta_2, 0.999f);
    cr_expect_eq(o.epsilon, 1e-7f);
    cr_expect_eq(o.l1 + o.l2 + o.bias_l1 + o.bias_l2, 0.0f);
    cr_expect_eq(o.epochs, 10);
    cr_expect_eq(o.batch_size, 128);
    cr_expect_eq(o.validation_split, 0.0);
    cr_expect(o.shuffle);
    cr_expect_eq(o.seed, 1);
    cr_expect_eq(o.threads, 0);
    cr_expect_eq(o.threshold, 0.5f);
    cr_expect_eq(o.tolerance, 0.0f);
    cr_expect_null(o.callbacks);
    cr_expect_null(o.validation);
    cr_expect_null(o.callback);
    cr_expect_eq(lam__check_fit_options(&o), LAM_OK, "%s", lam_error_message());
}

/* Rows do not overlap, and what no row covers is its own size, the two pointers and padding: fewer
 * bytes than the alignment of the field that follows. */
Test(options, every_field_has_a_row)
{
    unsigned char covered[sizeof(lam_fit_options)] = {0};
    for (size_t i = 0; i < option_count(); i++) {
        const lam__option *option = option_at(i);
        for (size_t k = 0; !option->within && k < lam__option_size(option); k++)
            cr_expect_eq(covered[option->offset + k]++, 0, "%s overlaps", option->name);
    }
    memset(covered + offsetof(lam_fit_options, struct_size), 1, sizeof(size_t));
    memset(covered + offsetof(lam_fit_options, validation), 1, sizeof(const lam_dataset *));
    memset(covered + offsetof(lam_fit_options, callback), 1, sizeof(const lam_callback *));
    size_t run = 0;
    for (size_t k = 0; k <= sizeof covered; k++) {
        if (k < sizeof covered && !covered[k]) {
            run++;
            continue;
        }
        cr_expect(run == 0 || (run < sizeof(double) && k % sizeof(float) == 0),
                  "%zu bytes before byte %zu belong to no row", run, k);
        if (run >= sizeof(float))
            cr_expect_eq(k % sizeof(double), 0, "a float before byte %zu has no row", k);
        run = 0;
    }
}

/* The catalog shows each row, and its default text means the default. */
Test(options, catalog_and_defaults_agree)
{
    const lam_fit_options defaults = lam_fit_options_default();
    cr_assert_eq(lam_catalog_size(LAM_FIT_OPTION), option_count());
    for (size_t i = 0; i < option_count(); i++) {
        lam_catalog_entry entry;
        cr_assert_eq(lam_catalog(LAM_FIT_OPTION, i, &entry), LAM_OK);
        cr_expect_str_eq(entry.name, option_at(i)->name);
        cr_expect(entry.help && *entry.help && !strchr(entry.help, '\n'), "%s", entry.name);
        cr_expect_eq(entry.argument == NULL, option_at(i)->type == LAM__OPTION_BOOL);
        if (!entry.default_value || option_at(i)->within)
            continue; /* what is spelled in another option has no field */
        lam_fit_options options = defaults;
        memset((char *)&options + option_at(i)->offset, 0, lam__option_size(option_at(i)));
        cr_expect_eq(lam_fit_options_set(&options, entry.name, entry.default_value), LAM_OK);
        if (option_at(i)->type != LAM__OPTION_TEXT)
            cr_expect_eq(memcmp((char *)&options + option_at(i)->offset,
                                (const char *)&defaults + option_at(i)->offset,
                                lam__option_size(option_at(i))),
                         0, "%s", entry.name);
    }
}

/* Puts x into a field of numbers. */
static void put(lam_fit_options *options, const lam__option *option, double x)
{
    void *field = (char *)options + option->offset;
    if (option->type == LAM__OPTION_FLOAT)
        *(float *)field = (float)x;
    else if (option->type == LAM__OPTION_DOUBLE)
        *(double *)field = x;
    else
        *(size_t *)field = (size_t)x;
}

static void expect_in_struct(const lam__option *option, double x, bool right)
{
    if (option->within)
        return; /* it has no field: test_optimizers.c */
    lam_fit_options options = lam_fit_options_default();
    put(&options, option, x);
    cr_expect_eq(lam__check_fit_options(&options), right ? LAM_OK : LAM_ERR_ARGUMENT, "%s = %.9g",
                 option->name, x);
    if (!right)
        expect_message(option->name);
}

static void expect_as_text(const lam__option *option, double x, bool right)
{
    lam_fit_options options = lam_fit_options_default();
    const lam_fit_options before = options;
    char text[400];
    snprintf(text, sizeof text, option->type == LAM__OPTION_SIZE ? "%.0f" : "%.17g", x);
    cr_expect_eq(lam_fit_options_set(&options, option->name, text),
                 right ? LAM_OK : LAM_ERR_ARGUMENT, "%s = %s: %s", option->name, text,
                 lam_error_message());
    if (!right) {
        expect_message(option->name);
        cr_expect_eq(memcmp(&options, &before, sizeof options), 0, "not changed");
    }
}

Test(options, ranges_hold_in_struct_and_text)
{
    size_t numbers = 0;
    for (size_t i = 0; i < option_count(); i++) {
        const lam__option *option = option_at(i);
        const bool real = option->type == LAM__OPTION_FLOAT || option->type == LAM__OPTION_DOUBLE;
        if (!real && option->type != LAM__OPTION_SIZE)
            continue;
        numbers++;
        const double min = option->min, max = option->max;
        expect_in_struct(option, min, !option->min_open);
        expect_as_text(option, min, !option->min_open);
        expect_in_struct(option, max, !option->max_open);
        expect_as_text(option, max, !option->max_open);
        if (real) {
            expect_in_struct(option, NAN, false);
            expect_in_struct(option, INFINITY, false);
            expect_in_struct(option, -INFINITY, false);
            expect_as_text(option, 1e300, false);
            if (min > -1e30) {
                expect_in_struct(option, min - 1e-6, false);
                expect_as_text(option, min - 1e-6, false);
            }
        } else {
            expect_as_text(option, max + 1.0, false);
            expect_in_struct(option, max + 1.0, false);
            if (min >= 1.0)
                expect_in_struct(option, min - 1.0, false);
            expect_as_text(option, -1.0, false);
        }
    }
    cr_expect_geq(numbers, 16);
}

Test(options, sets_from_text)
{
    lam_fit_options o = lam_fit_options_default();
    cr_expect_eq(lam_fit_options_set(&o, "learning-rate", "1e-3"), LAM_OK);
    cr_expect_eq(o.learning_rate, 1e-3f);
    cr_expect_eq(lam_fit_options_set(&o, "learning_rate", ".5"), LAM_OK);
    cr_expect_eq(o.learning_rate, 0.5f);
    cr_expect_eq(lam_fit_options_set(&o, "bias-l2", "0.25"), LAM_OK);
    cr_expect_eq(o.bias_l2, 0.25f);
    cr_expect_eq(lam_fit_options_set(&o, "epochs", "3"), LAM_OK);
    cr_expect_eq(o.epochs, 3);
    cr_expect_eq(lam_fit_options_set(&o, "seed", "18446744073709551615"), LAM_OK);
    cr_expect_eq(o.seed, UINT64_MAX);
    cr_expect_eq(lam_fit_options_set(&o, "shuffle", "false"), LAM_OK);
    cr_expect(!o.shuffle);
    cr_expect_eq(lam_fit_options_set(&o, "shuffle", "on"), LAM_OK);
    cr_expect(o.shuffle);
    cr_expect_eq(lam_fit_options_set(&o, "optimizer", "sgd"), LAM_OK);
    cr_expect_str_eq(o.optimizer, "sgd");
    cr_expect_eq(lam_fit_options_set(&o, "init", "normal:0.01"), LAM_OK, "an alias");
    cr_expect_str_eq(o.initializer, "normal:0.01");
    cr_expect_eq(lam_fit_options_set(&o, "metrics", ""), LAM_OK);
    cr_expect_str_eq(o.metrics, "");
    cr_expect_eq(lam_fit_options_set(&o, "metrics", "accuracy, mse"), LAM_OK);
    cr_expect_eq(lam_fit_options_set(&o, "metrics", " \t "), LAM_OK, "none");
    cr_expect_eq(lam_fit_options_set(&o, "callbacks", ""), LAM_OK);
    cr_expect_eq(lam_fit_options_set(&o, "callbacks", " \t "), LAM_OK, "none");
    cr_expect_eq(lam_fit_options_set(&o, "validation_split", "0.2"), LAM_OK);
    cr_expect_eq(o.validation_split, 0.2);
}

Test(options, refuses_with_reasons)
{
    static const struct {
        const char *name, *text;
        lam_status status;
        const char *message;
    } bad[] = {
        {"learning_rat", "1", LAM_ERR_NAME, "did you mean 'learning_rate'"},
        {"Epochs", "1", LAM_ERR_NAME, "did you mean 'epochs'"},
        {"", "1", LAM_ERR_NAME, "unknown option"},
        {"validation", "1", LAM_ERR_NAME, "unknown option"},
        {"learning_rate", "", LAM_ERR_ARGUMENT, "a number >= 0, not ''"},
        {"learning_rate", "1,5", LAM_ERR_ARGUMENT, "'1,5'"},
        {"learning_rate", "nan", LAM_ERR_ARGUMENT, "'nan'"},
        {"learning_rate", "0x1", LAM_ERR_ARGUMENT, "'0x1'"},
        {"learning_rate", "1e40", LAM_ERR_ARGUMENT, "'1e40'"},
        {"epsilon", "0", LAM_ERR_ARGUMENT, "a number > 0, not '0'"},
        {"epsilon", "1e-60", LAM_ERR_ARGUMENT, "a number > 0, not '0'"},
        {"momentum", "1", LAM_ERR_ARGUMENT, "a number in 0 <= X < 1, not '1'"},
        {"momentum", "0.99999999999", LAM_ERR_ARGUMENT, "not '1'"},
        {"momentum", "1.1", LAM_ERR_ARGUMENT, "not '1.1'"},
        {"l2", "-0.1", LAM_ERR_ARGUMENT, "a number >= 0, not '-0.1'"},
        {"epochs", "0", LAM_ERR_ARGUMENT, "a whole number in 1 <= N <= 1000000000, not '0'"},
        {"epochs", "1.5", LAM_ERR_ARGUMENT, "'1.5'"},
        {"epochs", "-1", LAM_ERR_ARGUMENT, "'-1'"},
        {"epochs", "99999999999999999999", LAM_ERR_ARGUMENT, "'99999999999999999999'"},
        {"seed", "-1", LAM_ERR_ARGUMENT, "0..18446744073709551615, not '-1'"},
        {"shuffle", "maybe", LAM_ERR_ARGUMENT, "true or false, not 'maybe'"},
        {"optimizer", "adm", LAM_ERR_NAME, "did you mean 'adam'"},
        {"optimizer", "adm:beta_1=0.5", LAM_ERR_NAME, "did you mean 'adam'"},
        {"optimizer", "adam:beta_1=1.5", LAM_ERR_ARGUMENT, "beta_1 must be a number in 0 <= X < 1"},
        {"optimizer", "adam:beta_1", LAM_ERR_ARGUMENT, "beta_1 must be a number in"},
        {"optimizer", "adam:beta_1=0.5,", LAM_ERR_NAME, "no hyperparameter ''"},
        {"optimizer", "adam:", LAM_ERR_NAME, "it has beta_1, beta_2, epsilon"},
        {"optimizer", "adam:betas=0.5", LAM_ERR_NAME, "no hyperparameter 'betas'"},
        {"loss", "categorical_crossentrpy", LAM_ERR_NAME, "'categorical_crossentropy'"},
        {"metrics", "accuracy,", LAM_ERR_ARGUMENT, "metric 2"},
        {"metrics", "mse,mean_squared_error", LAM_ERR_ARGUMENT, "twice"},
        {"initializer", "normal:x", LAM_ERR_ARGUMENT, "'x'"},
        {"callbacks", "nobody", LAM_ERR_NAME, "unknown callback 'nobody'; known: none"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lam_fit_options options = lam_fit_options_default();
        const lam_fit_options before = options;
        cr_expect_eq(lam_fit_options_set(&options, bad[i].name, bad[i].text), bad[i].status,
                     "%s=%s: %s", bad[i].name, bad[i].text, lam_error_message());
        expect_message(bad[i].message);
        cr_expect_eq(memcmp(&options, &before, sizeof options), 0, "%s", bad[i].name);
    }
    lam_fit_options options;
    cr_expect_eq(lam_fit_options_set(NULL, "epochs", "1"), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_fit_options_set(&options, NULL, "1"), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_fit_options_set(&options, "epochs", NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam__check_fit_options(NULL), LAM_ERR_ARGUMENT);
}

Test(options, names_in_the_struct_are_checked)
{
    lam_fit_options o = lam_fit_options_default();
    o.optimizer = NULL;
    cr_expect_eq(lam__check_fit_options(&o), LAM_ERR_ARGUMENT);
    expect_message("optimizer");
    o = lam_fit_options_default();
    o.initializer = NULL;
    cr_expect_eq(lam__check_fit_options(&o), LAM_OK);
    o.loss = "mea";
    cr_expect_eq(lam__check_fit_options(&o), LAM_ERR_NAME);
    expect_message("'mae'");
    o.loss = "mae";
    o.metrics = "acuracy";
    cr_expect_eq(lam__check_fit_options(&o), LAM_ERR_NAME);
    expect_message("'accuracy'");
}

/* Numbers do not change with the locale: '.' stays the point in text and in messages. */
Test(options, ignore_the_locale)
{
    if (!comma_locale_enter())
        cr_skip_test("no locale with a decimal comma here");
    lam_fit_options o = lam_fit_options_default();
    cr_expect_eq(o.threshold, 0.5f);
    cr_expect_eq(lam_fit_options_set(&o, "decay", "0.125"), LAM_OK);
    cr_expect_eq(o.decay, 0.125f);
    cr_expect_eq(lam_fit_options_set(&o, "momentum", "1.5"), LAM_ERR_ARGUMENT);
    expect_message("1.5");
}

static const char *chosen_loss(const lam_fit_options *o, const char *layers, const char *trained)
{
    lam_model *model = lam_model_new(1);
    cr_assert_eq(lam_model_add_layers(model, layers), LAM_OK);
    if (trained)
        cr_assert_eq(lam__take_loss_name(model, trained), LAM_OK);
    const lam__loss *loss = lam__choose_loss(o, model);
    lam_model_free(model);
    return loss ? loss->name : NULL;
}

Test(options, choose_the_loss)
{
    lam_fit_options o = lam_fit_options_default();
    cr_expect_str_eq(chosen_loss(&o, "2:softmax", NULL), "categorical_crossentropy");
    cr_expect_str_eq(chosen_loss(&o, "2:sigmoid", NULL), "binary_crossentropy");
    cr_expect_str_eq(chosen_loss(&o, "2:tanh", NULL), "mean_squared_error");
    cr_expect_str_eq(chosen_loss(&o, "2:softmax", "mse"), "mean_squared_error");
    cr_expect_null(chosen_loss(&o, "2:softmax", "of_another_program"));
    expect_message("of_another_program");
    o.loss = "mae";
    cr_expect_str_eq(chosen_loss(&o, "2:softmax", "mse"), "mean_absolute_error");
    cr_expect_str_eq(chosen_loss(&o, "2:softmax", "of_another_program"), "mean_absolute_error");
    o.loss = "nonsense";
    cr_expect_null(chosen_loss(&o, "2:softmax", "mse"));
}
