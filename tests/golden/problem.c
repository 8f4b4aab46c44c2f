/* problem.c: a random network with a random batch, for the library and for the reference. */
#include "problem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Numerical Recipes' generator: enough for test data, the same everywhere. */
static double uniform(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / 16777216.0;
}

static void *new_array(size_t count, size_t size)
{
    void *array = calloc(count, size);
    cr_assert_not_null(array);
    return array;
}

void problem_open(problem *p)
{
    const size_t in = p->net.width[0], out = p->net.width[p->net.layers];
    p->parameter_count = reference_parameters(&p->net);
    p->x = new_array(p->rows * in, sizeof *p->x);
    p->x_exact = new_array(p->rows * in, sizeof *p->x_exact);
    p->targets = new_array(p->rows * out, sizeof *p->targets);
    p->targets_exact = new_array(p->rows * out, sizeof *p->targets_exact);
    p->parameters = new_array(p->parameter_count, sizeof *p->parameters);
    p->parameters_exact = new_array(p->parameter_count, sizeof *p->parameters_exact);
    p->classes = new_array(p->rows, sizeof *p->classes);
    for (size_t j = 0; j < REFERENCE_MAX_WIDTH; j++)
        p->net.keep[j] = 1.0;
}

void problem_close(problem *p)
{
    free(p->x);
    free(p->x_exact);
    free(p->targets);
    free(p->targets_exact);
    free(p->parameters);
    free(p->parameters_exact);
    free(p->classes);
}

/* Class numbers are one-hot rows to the reference; one output takes the class as it is. */
static void draw_targets(problem *p, uint32_t *state)
{
    const size_t out = p->net.width[p->net.layers];
    for (size_t r = 0; r < p->rows; r++) {
        float *t = p->targets + r * out;
        p->classes[r] = (int32_t)(uniform(state) * (double)(out == 1 ? 2 : out));
        for (size_t j = 0; j < out; j++) {
            double u = uniform(state);
            if (p->class_numbers)
                t[j] = out == 1 ? (float)p->classes[r] : (float)(p->classes[r] == (int32_t)j);
            else if (p->net.loss->probabilities) /* multi-hot, some of them soft */
                t[j] = u < 0.4 ? 0.0f : u < 0.8 ? 1.0f : (float)u - 0.5f;
            else
                t[j] = (float)(2.0 * u - 1.0);
        }
        float sum = 0.0f;
        for (size_t j = 0; j < out; j++)
            sum += t[j];
        if (out > 1 && p->net.loss->probabilities && sum == 0.0f)
            t[p->classes[r]] = 1.0f; /* categorical cross-entropy takes no row of zeros */
    }
}

void problem_draw(problem *p, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1u;
    const size_t in = p->net.width[0], out = p->net.width[p->net.layers];
    for (size_t i = 0; i < p->rows * in; i++)
        p->x[i] = (float)(3.0 * uniform(&state) - 1.5);
    float *w = p->parameters;
    for (size_t k = 0; k < p->net.layers; k++) {
        const size_t fan_in = p->net.width[k], fan_out = p->net.width[k + 1];
        const bool last = k + 1 == p->net.layers;
        const double limit = sqrt((fan_in < 16 ? 3.0 : 6.0) / (double)fan_in);
        const bool norm = p->net.epsilon[k] > 0.0; /* gamma in 0.5 .. 1.5 */
        for (size_t i = 0; i < reference_weights(&p->net, k); i++)
            *w++ = (float)(norm ? 0.5 + uniform(&state) : limit * (2.0 * uniform(&state) - 1.0));
        for (size_t i = 0; i < fan_out; i++) /* outputs about where probabilities are */
            *w++ = (float)(uniform(&state) - (last ? 0.1 : 0.5));
    }
    draw_targets(p, &state);
    for (size_t i = 0; i < p->rows * in; i++)
        p->x_exact[i] = p->x[i];
    for (size_t i = 0; i < p->rows * out; i++)
        p->targets_exact[i] = p->targets[i];
    for (size_t i = 0; i < p->parameter_count; i++)
        p->parameters_exact[i] = p->parameters[i];
}

double problem_loss(const problem *p, double *margin)
{
    double nearest;
    double loss = reference_data_loss(&p->net, p->parameters_exact, p->rows, p->x_exact,
                                      p->targets_exact, NULL, &nearest);
    if (margin)
        *margin = nearest;
    return loss + reference_penalty(&p->net, p->parameters_exact);
}

double problem_slope(problem *p, size_t parameter)
{
    const double h = 1e-5, at = p->parameters_exact[parameter];
    p->parameters_exact[parameter] = at + h;
    double above = problem_loss(p, NULL);
    p->parameters_exact[parameter] = at - h;
    double below = problem_loss(p, NULL);
    p->parameters_exact[parameter] = at;
    return (above - below) / (2.0 * h);
}

lam_model *problem_model(const problem *p, float dropout_rate)
{
    lam_model *model = lam_model_new(p->net.width[0]);
    for (size_t k = 0; k < p->net.layers; k++) {
        lam_layer_norm_options norm = lam_layer_norm_options_default();
        norm.epsilon = (float)p->net.epsilon[k];
        norm.activation = p->net.activation[k]->name;
        if (p->net.epsilon[k] > 0.0)
            lam_model_layer_norm_with(model, &norm);
        else
            lam_model_dense(model, p->net.width[k + 1], p->net.activation[k]->name);
        if (k == 0 && dropout_rate > 0.0f)
            lam_model_dropout(model, dropout_rate);
    }
    cr_assert_eq(lam_model_set_parameters(model, p->parameters, p->parameter_count), LAM_OK,
                 "%s: %s", p->label, lam_error_message());
    return model;
}

lam_fit_options problem_options(const problem *p)
{
    lam_fit_options options = lam_fit_options_default();
    options.loss = p->net.loss->name;
    options.metrics = "";
    options.batch_size = p->rows + 9; /* the batch is a partial one */
    options.l1 = (float)p->net.l1;
    options.l2 = (float)p->net.l2;
    options.bias_l1 = (float)p->net.bias_l1;
    options.bias_l2 = (float)p->net.bias_l2;
    return options;
}

lam_batch problem_batch(const problem *p)
{
    lam_batch batch = {.rows = p->rows, .x = p->x};
    if (p->class_numbers)
        batch.classes = p->classes;
    else
        batch.targets = p->targets;
    return batch;
}
