/* model_files.h: a small model with everything a file can hold, and what makes two models equal. */
#ifndef LAMINA_TEST_MODEL_FILES_H
#define LAMINA_TEST_MODEL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <lamina/lamina.h>

#include "model/network.h"

/* 3 features, standardized; dense, dropout, dense; class names; a loss. NULL when a step fails. */
static inline lam_model *sample_model(void)
{
    const float x[] = {0.1f, 2, 5, 0.3f, -4, 5}; /* [2][3] */
    const char *const names[] = {"caf\xc3\xa9 \"au\" lait", "b\tc\\"};
    lam_dataset *set = lam_dataset_new(x, LAM_FLOAT32, 2, 3, LAM_COPY);
    lam_model *model = set ? lam_model_new(3) : NULL;
    lam_dense_options options = lam_dense_options_default();
    options.units = 5;
    options.activation = "relu";
    options.initializer = "normal:0.1";
    options.l1 = 0;
    options.l2 = 1e-4f;
    options.bias_l1 = 0.1f;
    bool made = model && lam_model_standardize_input(model, set) == LAM_OK &&
                lam_model_dense_with(model, &options) == LAM_OK &&
                lam_model_dropout(model, 0.1f) == LAM_OK &&
                lam_model_dense(model, 2, "softmax") == LAM_OK &&
                lam_model_set_class_names(model, names, 2) == LAM_OK &&
                lam_model_initialize(model, 5, NULL) == LAM_OK;
    lam_dataset_free(set);
    if (!made) {
        lam_model_free(model);
        return NULL;
    }
    model->loss = lam__find_loss("categorical_crossentropy");
    return model;
}

static inline bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool same_layer(const lam__layer *a, const lam__layer *b)
{
    if (a->type != b->type || a->in != b->in || a->out != b->out || a->rate != b->rate)
        return false;
    return !a->type->has_parameters ||
           (a->activation == b->activation && a->initializer == b->initializer &&
            a->bias_initializer == b->bias_initializer &&
            a->initializer_parameter == b->initializer_parameter &&
            a->bias_initializer_parameter == b->bias_initializer_parameter && a->l1 == b->l1 &&
            a->l2 == b->l2 && a->bias_l1 == b->bias_l1 && a->bias_l2 == b->bias_l2);
}

static inline bool same_transform(const lam__transform *a, const lam__transform *b, size_t n)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == LAM_TRANSFORM_SCALE)
        return a->from_lo == b->from_lo && a->from_hi == b->from_hi && a->to_lo == b->to_lo &&
               a->to_hi == b->to_hi;
    return a->kind == LAM_TRANSFORM_NONE || (memcmp(a->mean, b->mean, n * sizeof(float)) == 0 &&
                                             memcmp(a->std, b->std, n * sizeof(float)) == 0);
}

/* Whether two models are equal in all that is saved, parameters to the bit. */
static inline bool same_model(const lam_model *a, const lam_model *b)
{
    if (a->features != b->features || a->layer_count != b->layer_count ||
        a->class_count != b->class_count || a->loss != b->loss ||
        a->parameter_floats != b->parameter_floats ||
        !same_transform(&a->transform, &b->transform, a->features))
        return false;
    for (size_t i = 0; i < a->layer_count; i++)
        if (!same_layer(&a->layers[i], &b->layers[i]))
            return false;
    for (size_t i = 0; i < a->class_count; i++)
        if (!same_text(a->class_names[i], b->class_names[i]))
            return false;
    return memcmp(a->parameters, b->parameters, a->parameter_floats * sizeof(float)) == 0;
}

#endif
