/* test_optimizers.c: the table of optimizers and the scalars of a step. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "nn/optimizers.h"

Test(optimizers, rates_and_moments)
{
    lam_fit_options options = lam_fit_options_default();
    const lam__optimizer *sgd = lam__find_optimizer("sgd"), *adam = lam__find_optimizer("adam");
    cr_assert(sgd && adam);
    cr_expect_eq(sgd->learning_rate, 0.01f);
    cr_expect_eq(adam->learning_rate, 0.001f);
    cr_expect_eq(sgd->moments(&options), 0);
    cr_expect_eq(adam->moments(&options), 2);
    options.momentum = 0.9f;
    cr_expect_eq(sgd->moments(&options), 1);
    cr_expect_null(lam__find_optimizer("adma"));
    cr_expect(strstr(lam_error_message(), "did you mean 'adam'"), "%s", lam_error_message());
    for (size_t i = 0; i < lam__optimizer_count(); i++) {
        cr_expect_gt(lam__optimizer_at(i)->learning_rate, 0.0f);
        cr_expect(lam__optimizer_at(i)->update(lam__kernels_chosen()), "%s",
                  lam__optimizer_at(i)->name);
    }
}

static void expect_close(const char *what, float found, double expected, uint64_t t)
{
    cr_expect_float_eq((double)found, expected, 1e-6 * expected, "%s at step %llu: %.9g, not %.9g",
                       what, (unsigned long long)t, (double)found, expected);
}

/* The rate falls with the inverse of time; corrections use the powers of the betas as floats,
 * which is what the update multiplies with. */
Test(optimizers, scalars_of_a_step)
{
    static const uint64_t steps[] = {0, 1, 9, 1000, 1000000, (uint64_t)1 << 40};
    lam_fit_options options = lam_fit_options_default();
    options.decay = 1e-3f;
    options.momentum = 0.5f;
    options.beta_1 = 0.8f;
    options.beta_2 = 0.99f;
    options.epsilon = 1e-5f;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        const uint64_t t = steps[i];
        lam__update_args args = {.n = 3};
        lam__optimizer_begin(&options, 0.01, t, 0, &args);
        expect_close("rate", args.learning_rate, 0.01 / (1.0 + (double)1e-3f * (double)t), t);
        expect_close("correction 1", args.correction_1,
                     1.0 / (1.0 - pow((double)0.8f, (double)t + 1)), t);
        expect_close("correction 2", args.correction_2,
                     1.0 / (1.0 - pow((double)0.99f, (double)t + 1)), t);
        cr_expect_eq(args.momentum, 0.5f);
        cr_expect_eq(args.beta_1, 0.8f);
        cr_expect_eq(args.beta_2, 0.99f);
        cr_expect_eq(args.epsilon, 1e-5f);
        cr_expect_eq(args.n, 3, "only the scalars");
    }
    options.beta_1 = options.beta_2 = 0.0f;
    lam__update_args args = {0};
    lam__optimizer_begin(&options, 0.01, 0, 0, &args);
    cr_expect_eq(args.correction_1, 1.0f);
    cr_expect_eq(args.correction_2, 1.0f);
}

/* Steps of both optimizers on three parameters, worked out in double. */
Test(optimizers, steps_by_hand)
{
    lam_fit_options options = lam_fit_options_default();
    options.momentum = 0.9f;
    options.decay = 0.5f;
    const float g[3] = {1.0f, -2.0f, 0.5f};
    for (int adam = 0; adam < 2; adam++) {
        float w[3] = {0.1f, 0.2f, -0.3f}, m[3] = {0}, v[3] = {0};
        double w2[3] = {0.1, 0.2, -0.3}, m2[3] = {0}, v2[3] = {0};
        const lam__optimizer *optimizer = lam__find_optimizer(adam ? "adam" : "sgd");
        for (uint64_t t = 0; t < 5; t++) {
            lam__update_args args = {.n = 3, .w = w, .g = g, .m = m, .v = adam ? v : NULL};
            lam__optimizer_begin(&options, 0.1, t, 0, &args);
            optimizer->update(lam__kernels_chosen())(&args);
            const double rate = 0.1 / (1.0 + 0.5 * (double)t), n = (double)t + 1.0;
            for (int i = 0; i < 3; i++) {
                const double gi = (double)g[i];
                if (adam) {
                    m2[i] = 0.9 * m2[i] + 0.1 * gi;
                    v2[i] = 0.999 * v2[i] + 0.001 * gi * gi;
                    const double mean = m2[i] / (1 - pow(0.9, n));
                    w2[i] -= rate * mean / (sqrt(v2[i] / (1 - pow(0.999, n))) + 1e-7);
                } else {
                    m2[i] = 0.9 * m2[i] - rate * gi;
                    w2[i] += m2[i];
                }
                cr_expect_float_eq((double)w[i], w2[i], 1e-6, "%s: w[%d] at step %d: %g, not %g",
                                   optimizer->name, i, (int)t, (double)w[i], w2[i]);
            }
        }
    }
}

/* Every hyperparameter spelled with the name of its optimizer arrives; the others keep theirs. */
Test(optimizers, hyperparameters_are_spelled)
{
    const lam__option *option;
    for (size_t i = 0; i < lam__optimizer_count(); i++) {
        const lam__optimizer *optimizer = lam__optimizer_at(i);
        for (size_t k = 0; (option = lam__hyperparameter(optimizer, k)); k++) {
            char text[128];
            const float value = 0.625f; /* in every range there is */
            lam_fit_options options = lam_fit_options_default(), usual = options;
            float own[LAM__OWN_MOST] = {0};
            snprintf(text, sizeof text, "%s:%s=0.625", optimizer->name, option->name);
            cr_expect_eq(lam__check_optimizer(text), LAM_OK, "%s", lam_error_message());
            cr_expect_eq(lam__find_optimizer(text), optimizer);
            options.optimizer = text;
            lam__optimizer_resolve(optimizer, &options, own);
            if (option->within) {
                bool found = false;
                for (size_t o = 0; o < LAM__OWN_MOST; o++)
                    found |= own[o] == value;
                cr_expect(found, "%s", text);
                continue;
            }
            cr_expect_eq(memcmp((char *)&options + option->offset, &value, sizeof value), 0, "%s",
                         text);
            memcpy((char *)&usual + option->offset, &value, sizeof value);
            usual.optimizer = text;
            cr_expect_eq(memcmp(&options, &usual, sizeof usual), 0, "%s: more than that", text);
        }
    }
}

/* A name is one option, whichever optimizers have it. */
Test(optimizers, hyperparameters_of_one_name_are_one)
{
    const lam__option *a, *b;
    for (size_t i = 0; i < lam__optimizer_count(); i++)
        for (size_t k = 0; (a = lam__hyperparameter(lam__optimizer_at(i), k)); k++)
            for (size_t j = 0; j < i; j++)
                for (size_t l = 0; (b = lam__hyperparameter(lam__optimizer_at(j), l)); l++)
                    cr_expect(strcmp(a->name, b->name) != 0 ||
                                  (a->offset == b->offset && a->within == b->within &&
                                   a->min == b->min && a->max == b->max &&
                                   strcmp(a->default_text, b->default_text) == 0),
                              "%s of two optimizers differs", a->name);
}
