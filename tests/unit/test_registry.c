/* test_registry.c: names of one's own, the tables they join, the catalog. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/catalog.h>
#include <lamina/extend.h>

#include "nn/losses.h"
#include "nn/metrics.h"
#include "nn/registry.h"
#include "options/fit_options.h"

static void expect_message(const char *part)
{
    cr_expect(strstr(lam_error_message(), part), "'%s' not in '%s'", part, lam_error_message());
}

/* leaky: z where z > 0, else *user * z. */
static void leaky_forward(size_t n, const float *z, float *y, void *user)
{
    for (size_t i = 0; i < n; i++)
        y[i] = z[i] > 0.0f ? z[i] : *(float *)user * z[i];
}

static void leaky_backward(size_t n, const float *z, const float *y, const float *dy, float *dz,
                           void *user)
{
    (void)y;
    for (size_t i = 0; i < n; i++)
        dz[i] = z[i] > 0.0f ? dy[i] : *(float *)user * dy[i];
}

static double any_loss(size_t width, const float *y, const float *t, float *dy, void *user)
{
    (void)width, (void)t, (void)user;
    if (dy)
        dy[0] = 1.0f;
    return (double)y[0];
}

static void any_update(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    state[0] += (double)rows->rows;
}

static double any_result(const double *state, void *user)
{
    (void)user;
    return state[0];
}

static lam_signal any_event(const lam_event *event, void *user)
{
    (void)event, (void)user;
    return LAM_CONTINUE;
}

static float slope = 0.125f;

static lam_status register_activation(const char *name)
{
    const lam_activation activation = {name, NULL, leaky_forward, leaky_backward, &slope};
    return lam_register_activation(&activation);
}

Test(registry, an_activation_of_ones_own_works)
{
    char name[] = "leaky", help[] = "a leak";
    const lam_activation leaky = {name, help, leaky_forward, leaky_backward, &slope};
    cr_assert_eq(lam_register_activation(&leaky), LAM_OK, "%s", lam_error_message());
    memset(name, 'x', sizeof name - 1);
    memset(help, 'x', sizeof help - 1);
    const lam__activation *activation = lam__find_activation("leaky");
    cr_assert(activation);
    cr_expect_str_eq(activation->name, "leaky", "copied");
    cr_expect_str_eq(activation->help, "a leak", "copied");
    cr_expect_str_eq(activation->custom.name, "leaky");
    cr_expect(activation->needs_z);
    cr_expect_eq(activation->decision, LAM__DECIDE_VALUE);

    enum { ROWS = 2, COLS = 3, LD = 4 };
    float y[ROWS * LD] = {1, -2, 3, 77, -4, 5, -6, 77}, z[ROWS * LD] = {0};
    const float bias[COLS] = {1, 1, 1};
    lam__activate(activation, ROWS, COLS, LD, bias, y, z);
    static const float expected_z[ROWS * LD] = {2, -1, 4, 0, -3, 6, -5, 0};
    static const float expected_y[ROWS * LD] = {2, -0.125f, 4, 77, -0.375f, 6, -0.625f, 77};
    cr_expect_arr_eq(z, expected_z, sizeof z);
    cr_expect_arr_eq(y, expected_y, sizeof y);
    float dy[ROWS * LD] = {1, 1, 1, 55, 2, 2, 2, 55};
    lam__activate_backward(activation, ROWS, COLS, LD, y, z, dy);
    static const float expected_dy[ROWS * LD] = {1, 0.125f, 1, 55, 0.25f, 2, 0.25f, 55};
    cr_expect_arr_eq(dy, expected_dy, sizeof dy);
    lam__activate(activation, ROWS, COLS, LD, NULL, y, z);
    cr_expect_eq(z[0], 2.0f, "without bias");

    lam_model *model = lam_model_new(2);
    cr_expect_eq(lam_model_add_layers(model, "3:leaky,1"), LAM_OK, "%s", lam_error_message());
    lam_model_free(model);
}

Test(registry, losses_metrics_and_callbacks)
{
    const lam_loss loss = {"own_loss", "one", any_loss, NULL};
    const lam_metric metric = {"own_metric", "one", any_update, any_result, &slope};
    const lam_callback callback = {any_event, &slope};
    cr_assert_eq(lam_register_loss(&loss), LAM_OK);
    cr_assert_eq(lam_register_metric(&metric), LAM_OK);
    cr_expect_null(lam__find_callback("own_callback"));
    cr_expect_eq(lam_error_status(), LAM_ERR_NAME);
    cr_assert_eq(lam_register_callback("own_callback", &callback), LAM_OK);
    cr_expect_eq(lam__find_loss("own_loss")->custom.sample, any_loss);
    cr_expect_eq(lam__find_metric("own_metric")->update, any_update);
    cr_expect_eq(lam__find_metric("own_metric")->user, (void *)&slope);
    cr_assert(lam__find_callback("own_callback"));
    cr_expect_eq(lam__find_callback("own_callback")->on_event, any_event);
    cr_expect_eq(lam__find_callback("own_callback")->user, (void *)&slope);

    lam_fit_options options = lam_fit_options_default();
    cr_expect_eq(lam_fit_options_set(&options, "loss", "own_loss"), LAM_OK);
    cr_expect_eq(lam_fit_options_set(&options, "metrics", "own_metric,accuracy"), LAM_OK);
    cr_expect_eq(lam_fit_options_set(&options, "callbacks", "own_callback"), LAM_OK);
    cr_expect_eq(lam__check_fit_options(&options), LAM_OK);
}

Test(registry, refuses_malformed_names)
{
    static const char *const bad[] = {
        NULL,
        "",
        "Upper",
        "1st",
        "_x",
        "a-b",
        "a b",
        "a:b",
        "a,b",
        "\xc3\xa4",
        "a234567890123456789012345678901234567890123456789012345678901234",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_eq(register_activation(bad[i]), LAM_ERR_ARGUMENT, "%s", bad[i] ? bad[i] : "NULL");
    cr_expect_eq(
        register_activation("a23456789012345678901234567890123456789012345678901234567890123"),
        LAM_OK, "63 characters: %s", lam_error_message());
    cr_expect_eq(register_activation("z"), LAM_OK);
}

Test(registry, refuses_taken_names)
{
    cr_expect_eq(register_activation("relu"), LAM_ERR_NAME);
    expect_message("'relu'");
    cr_expect_eq(register_activation("twice"), LAM_OK);
    cr_expect_eq(register_activation("twice"), LAM_ERR_NAME);
    lam_loss loss = {"mse", NULL, any_loss, NULL};
    cr_expect_eq(lam_register_loss(&loss), LAM_ERR_NAME, "an alias");
    loss.name = "twice";
    cr_expect_eq(lam_register_loss(&loss), LAM_OK, "another table");
    lam_metric metric = {"accuracy", NULL, any_update, any_result, NULL};
    cr_expect_eq(lam_register_metric(&metric), LAM_ERR_NAME);
    metric.name = "loss";
    cr_expect_eq(lam_register_metric(&metric), LAM_ERR_NAME, "a word of lam_scores_get");
    const lam_callback callback = {any_event, NULL};
    cr_expect_eq(lam_register_callback("mine", &callback), LAM_OK);
    cr_expect_eq(lam_register_callback("mine", &callback), LAM_ERR_NAME);
}

Test(registry, refuses_missing_functions)
{
    const lam_activation no_forward = {"a", NULL, NULL, leaky_backward, NULL};
    const lam_activation no_backward = {"a", NULL, leaky_forward, NULL, NULL};
    const lam_loss no_sample = {"a", NULL, NULL, NULL};
    const lam_metric no_update = {"a", NULL, NULL, any_result, NULL};
    const lam_metric no_result = {"a", NULL, any_update, NULL, NULL};
    const lam_callback no_event = {NULL, NULL};
    cr_expect_eq(lam_register_activation(&no_forward), LAM_ERR_ARGUMENT);
    expect_message("activation 'a'");
    cr_expect_eq(lam_register_activation(&no_backward), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_loss(&no_sample), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_metric(&no_update), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_metric(&no_result), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_callback("a", &no_event), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_activation(NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_loss(NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_metric(NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_callback("a", NULL), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_register_callback(NULL, &no_event), LAM_ERR_ARGUMENT);
}

enum { THREADS = 4, EACH = 40 };

static void *register_many(void *user)
{
    const int thread = *(int *)user;
    for (int i = 0; i < EACH; i++) {
        char name[32];
        snprintf(name, sizeof name, "own_%d_%d", thread, i);
        if (register_activation(name) != LAM_OK || !lam__find_activation(name))
            return user;
        register_activation("the_same"); /* one of all wins */
    }
    return NULL;
}

Test(registry, takes_names_from_several_threads)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    const size_t before = lam__activation_count();
    const lam__activation *relu = lam__find_activation("relu");
    cr_assert_eq(register_activation("first"), LAM_OK);
    const lam__activation *first = lam__find_activation("first");
    for (int t = 0; t < THREADS; t++) {
        numbers[t] = t;
        cr_assert_eq(pthread_create(&threads[t], NULL, register_many, &numbers[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        void *failed;
        pthread_join(threads[t], &failed);
        cr_expect_null(failed);
    }
    cr_expect_eq(lam__activation_count(), before + 1 + THREADS * EACH + 1);
    cr_expect_eq(lam__find_activation("first"), first, "rows stay where they are");
    cr_expect_eq(lam__find_activation("relu"), relu);
    cr_expect_eq(lam_catalog_size(LAM_ACTIVATION), lam__activation_count());
    cr_expect_null(lam__find_activation("nonsense"), "a long list of known words");
    expect_message("unknown activation 'nonsense'");
}

/* Every list has entries with name and help; names and aliases are told apart. */
Test(registry, catalog_is_whole)
{
    for (int kind = LAM_ACTIVATION; kind <= LAM_MODEL_FORMAT; kind++) {
        const size_t size = lam_catalog_size((lam_catalog_kind)kind);
        cr_expect(size > 0 || kind == LAM_CALLBACK, "list %d", kind);
        const char **words = calloc(2 * size + 1, sizeof *words);
        size_t count = 0;
        for (size_t i = 0; i < size; i++) {
            lam_catalog_entry entry;
            cr_assert_eq(lam_catalog((lam_catalog_kind)kind, i, &entry), LAM_OK);
            cr_assert(entry.name && entry.help && *entry.help);
            cr_expect_null(strchr(entry.help, '\n'), "%s: one line", entry.name);
            words[count++] = entry.name;
            if (entry.alias)
                words[count++] = entry.alias;
        }
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < i; j++)
                cr_expect_str_neq(words[i], words[j]);
        free(words);
        lam_catalog_entry entry;
        cr_expect_eq(lam_catalog((lam_catalog_kind)kind, size, &entry), LAM_ERR_ARGUMENT);
    }
    lam_catalog_entry entry;
    cr_expect_eq(lam_catalog_size((lam_catalog_kind)99), 0);
    cr_expect_eq(lam_catalog((lam_catalog_kind)99, 0, &entry), LAM_ERR_ARGUMENT);
    cr_expect_eq(lam_catalog(LAM_LOSS, 0, NULL), LAM_ERR_ARGUMENT);
}

Test(registry, registered_names_follow_in_the_catalog)
{
    const size_t before = lam_catalog_size(LAM_ACTIVATION);
    cr_assert_eq(register_activation("newcomer"), LAM_OK);
    lam_catalog_entry entry;
    cr_assert_eq(lam_catalog(LAM_ACTIVATION, before, &entry), LAM_OK);
    cr_expect_str_eq(entry.name, "newcomer");
    cr_expect_str_eq(entry.help, "", "none given");
    const lam_callback callback = {any_event, NULL};
    cr_assert_eq(lam_register_callback("listener", &callback), LAM_OK);
    cr_assert_eq(lam_catalog(LAM_CALLBACK, 0, &entry), LAM_OK);
    cr_expect_str_eq(entry.name, "listener");
}
