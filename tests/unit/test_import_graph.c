/* test_import_graph.c: networks told step by step, folded into models. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/draft_run.h"
#include "formats/import/import_graph.h"

enum { MOST = 8, ROWS = 20 };

static float wave(int i)
{
    return sinf(1.7f * (float)i + 0.3f);
}

static const float *waves(int from)
{
    static float values[4][64];
    static int next;
    float *at = values[next++ % 4];
    for (int i = 0; i < 64; i++)
        at[i] = wave(from + i);
    return at;
}

static void affine(lam__import_graph *imported, size_t n, double scale, double step, double offset)
{
    double a[MOST], b[MOST];
    for (size_t i = 0; i < n; i++) {
        a[i] = scale + step * (double)i;
        b[i] = offset + step * (double)i;
    }
    cr_assert_eq(lam__import_graph_affine(imported, "a scaling", n, a, b), LAM_OK);
}

/* The model must compute what the steps say. Values of a sample go from 0 to `reach`. */
static lam_model *finish(lam__import_graph *imported, float reach)
{
    double expected[ROWS][MOST];
    float x[ROWS][MOST], y[ROWS * MOST];
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < MOST; i++)
            x[r][i] = reach * 0.5f * (1.0f + wave(100 * r + i));
        draft_run(imported, x[r], expected[r]);
    }
    lam_model *model = NULL;
    cr_assert_eq(lam__import_graph_finish(imported, &model), LAM_OK, "%s", lam_error_message());
    lam__import_graph_free(imported);
    const size_t in = lam_model_features(model), out = lam_model_outputs(model);
    lam_predictor *predictor = lam_predictor_new(model, 1);
    for (int r = 0; r < ROWS; r++) {
        float row[MOST];
        memcpy(row, x[r], in * sizeof *row);
        cr_assert_eq(lam_predictor_run(predictor, row, 1, y), LAM_OK);
        for (size_t j = 0; j < out; j++)
            cr_expect_float_eq(y[j], expected[r][j], 1e-5, "row %d, output %zu", r, j);
    }
    lam_predictor_free(predictor);
    return model;
}

static lam_transform_kind transform_of(const lam_model *model)
{
    lam_transform_info info;
    lam_model_transform(model, &info);
    return info.kind;
}

Test(imported, plain_layers)
{
    lam__import_graph *imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "one", 5, 4, waves(0), waves(30));
    lam__import_graph_activation(imported, "two", "relu");
    lam__import_graph_dropout(imported, "three", 0.25f);
    lam__import_graph_dense(imported, "four", 4, 3, waves(50), NULL);
    lam__import_graph_activation(imported, "five", "softmax");
    cr_assert_eq(lam__import_graph_width(imported), 3);
    lam_model *model = finish(imported, 1.0f);
    lam_layer_info info;
    cr_assert_eq(lam_model_layers(model), 3);
    lam_model_layer(model, 0, &info);
    cr_expect_str_eq(info.activation, "relu");
    lam_model_layer(model, 1, &info);
    cr_expect_float_eq(info.rate, 0.25, 0);
    cr_expect_eq(transform_of(model), LAM_TRANSFORM_NONE);
    lam_model_free(model);
}

Test(imported, first_scaling_is_the_input_transform)
{
    lam__import_graph *imported = lam__import_graph_new("file");
    affine(imported, 1, 1.0 / 255, 0, 0);
    affine(imported, 1, 2, 0, -1);
    lam__import_graph_dense(imported, "dense", 5, 4, waves(0), NULL);
    lam_model *model = finish(imported, 255.0f);
    lam_transform_info info;
    lam_model_transform(model, &info);
    cr_expect_eq(info.kind, LAM_TRANSFORM_SCALE);
    cr_expect_float_eq(info.from_hi, 255.0f, 0);
    cr_expect_float_eq(info.to_lo, -1.0f, 0);
    cr_expect_float_eq(info.to_hi, 1.0f, 1e-6);
    lam_model_free(model);
}

Test(imported, first_normalization_standardizes)
{
    lam__import_graph *imported = lam__import_graph_new("file");
    affine(imported, 5, 0.5, 0.25, -2);
    lam__import_graph_dropout(imported, "dropout", 0.5f);
    lam__import_graph_dense(imported, "dense", 5, 4, waves(0), NULL);
    lam__import_graph_activation(imported, "f", "tanh");
    lam_model *model = finish(imported, 3.0f);
    cr_expect_eq(transform_of(model), LAM_TRANSFORM_STANDARDIZE);
    lam_model_free(model);
}

Test(imported, negative_scales_go_into_the_first_layer)
{
    lam__import_graph *imported = lam__import_graph_new("file");
    affine(imported, 5, -0.5, 0.25, 1); /* one of them is 0 */
    lam__import_graph_dense(imported, "dense", 5, 4, waves(0), waves(20));
    lam_model *model = finish(imported, 3.0f);
    cr_expect_eq(transform_of(model), LAM_TRANSFORM_NONE);
    lam_model_free(model);
}

Test(imported, layer_normalization_is_a_layer)
{
    lam__import_graph *imported = lam__import_graph_new("f");
    lam__import_graph_dense(imported, "one", 5, 4, waves(0), waves(30));
    lam__import_graph_layer_norm(imported, "norm", 4, waves(7), waves(9), 1e-3);
    affine(imported, 4, 2.0, 0.25, -0.5); /* goes into gamma and beta */
    lam__import_graph_activation(imported, "act", "tanh");
    lam__import_graph_layer_norm(imported, "plain", 4, NULL, NULL, 1e-2);
    lam_model *model = finish(imported, 1.0f);
    lam_layer_info info;
    cr_assert_eq(lam_model_layers(model), 3);
    cr_assert_eq(lam_model_layer(model, 1, &info), LAM_OK);
    cr_expect_str_eq(info.type, "layer_norm");
    cr_expect_str_eq(info.activation, "tanh");
    lam_model_free(model);
    imported = lam__import_graph_new("f");
    const double scales[] = {1.0, -2.0}, offsets[] = {0.0, 0.5};
    lam__import_graph_affine(imported, "a scaling", 2, scales, offsets);
    cr_expect_neq(lam__import_graph_finish(imported, &model), LAM_OK, "no layer at all");
    lam__import_graph_free(imported);
}

/* After a layer without activation: into it; after an activation: into the next. */
Test(imported, scalings_between_layers)
{
    lam__import_graph *imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "dense 0", 5, 4, waves(0), waves(20));
    affine(imported, 4, -1, 0.5, 2);
    lam__import_graph_dropout(imported, "dropout", 0.5f);
    cr_assert_eq(lam__import_graph_batch_norm(imported, "norm", 4, waves(3), NULL, waves(9),
                                              (const float[]){1, 2, 3, 0.5f}, 1e-3),
                 LAM_OK);
    lam__import_graph_activation(imported, "f", "sigmoid");
    affine(imported, 1, 3, 0, -1);
    affine(imported, 4, 0.5, -0.5, 0.25);
    lam__import_graph_activation(imported, "identity", "linear");
    lam__import_graph_dense(imported, "dense 1", 4, 6, waves(40), waves(7));
    affine(imported, 1, -2, 0, 1);
    lam_model *model = finish(imported, 1.0f);
    cr_expect_eq(lam_model_layers(model), 3);
    lam_model_free(model);
}

static void expect_refused(lam__import_graph *imported, lam_status status, const char *words)
{
    lam_model *model = NULL;
    cr_expect_eq(lam__import_graph_finish(imported, &model), status, "%s", lam_error_message());
    cr_expect_null(model);
    cr_expect(strstr(lam_error_message(), words), "%s", lam_error_message());
    lam__import_graph_free(imported);
}

Test(imported, what_cannot_be_folded_is_refused_by_its_place)
{
    lam__import_graph *imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "dense", 5, 4, waves(0), NULL);
    lam__import_graph_activation(imported, "f", "relu");
    affine(imported, 4, 2, 0, 0);
    expect_refused(imported, LAM_ERR_UNSUPPORTED,
                   "file: a scaling: scaling between the activation");

    imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "dense", 5, 4, waves(0), NULL);
    lam__import_graph_activation(imported, "f", "relu");
    affine(imported, 4, 2, 0, 0);
    lam__import_graph_activation(imported, "g", "tanh");
    expect_refused(imported, LAM_ERR_UNSUPPORTED, "a scaling: ");

    imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "dense", 5, 4, waves(0), NULL);
    lam__import_graph_activation(imported, "f", "relu");
    lam__import_graph_activation(imported, "node 7", "tanh");
    expect_refused(imported, LAM_ERR_UNSUPPORTED, "file: node 7: the activation 'tanh' follows");

    imported = lam__import_graph_new("file");
    affine(imported, 4, 2, 0, 0);
    lam__import_graph_activation(imported, "f", "relu");
    lam__import_graph_dense(imported, "dense", 4, 4, waves(0), NULL);
    expect_refused(imported, LAM_ERR_UNSUPPORTED, "f: the activation 'relu' has no dense layer");

    imported = lam__import_graph_new("file");
    expect_refused(imported, LAM_ERR_UNSUPPORTED, "no layers");
}

Test(imported, errors_are_sticky_and_name_the_place)
{
    const float bad[] = {1, NAN, 2, 3};
    lam__import_graph *imported = lam__import_graph_new("file");
    cr_expect_eq(lam__import_graph_dense(imported, "tensor 'w'", 2, 2, bad, NULL), LAM_ERR_NUMERIC);
    cr_expect_eq(lam__import_graph_activation(imported, "f", "relu"), LAM_ERR_NUMERIC);
    expect_refused(imported, LAM_ERR_NUMERIC, "file: tensor 'w': value 1 of the weights");

    imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "one", 5, 4, waves(0), NULL);
    cr_expect_eq(lam__import_graph_dense(imported, "two", 3, 4, waves(0), NULL), LAM_ERR_SHAPE);
    expect_refused(imported, LAM_ERR_SHAPE, "file: two: takes 3 values, but 4 come to it");

    imported = lam__import_graph_new("file");
    lam__import_graph_dense(imported, "one", 5, 4, waves(0), NULL);
    cr_expect_eq(lam__import_graph_activation(imported, "f", "rellu"), LAM_ERR_NAME);
    expect_refused(imported, LAM_ERR_NAME, "file: f: unknown activation 'rellu'");

    imported = lam__import_graph_new("file");
    const float large[] = {3e38f, 1};
    lam__import_graph_dense(imported, "one", 2, 1, large, NULL);
    affine(imported, 1, 10, 0, 0);
    expect_refused(imported, LAM_ERR_NUMERIC, "one: parameter 0 is too large");

    imported = lam__import_graph_new("file");
    const float variance[] = {1, -1};
    cr_expect_eq(
        lam__import_graph_batch_norm(imported, "bn", 2, NULL, NULL, waves(0), variance, 0.0),
        LAM_ERR_NUMERIC);
    expect_refused(imported, LAM_ERR_NUMERIC, "bn: feature 1");
}

/* Claims of a file's shapes, and arrays named many times. */
Test(imported, values_are_limited_by_the_size_of_the_file)
{
    const size_t most = ((size_t)1 << 18) + 500; /* of a file of 1000 bytes */
    lam__import_graph *imported = lam__import_graph_new("file");
    lam__import_graph_limit(imported, 1000);
    cr_expect_eq(lam__import_graph_allows(imported, "here", most), LAM_OK);
    cr_expect_eq(lam__import_graph_layer_norm(imported, "norm", most, NULL, NULL, 1e-5),
                 LAM_ERR_FORMAT);
    expect_refused(imported, LAM_ERR_FORMAT, "file: norm: 525288 values, more than a file of 1000");

    imported = lam__import_graph_new("file");
    lam__import_graph_limit(imported, 1000);
    float *w = calloc(most, sizeof *w);
    cr_assert_eq(lam__import_graph_dense(imported, "one", 1, most / 4, w, NULL), LAM_OK);
    cr_assert_eq(lam__import_graph_allows(imported, "two", most / 2), LAM_OK);
    affine(imported, 1, 2, 0, 0);
    affine(imported, 1, 2, 0, 0);
    expect_refused(imported, LAM_ERR_FORMAT, "a scaling: 131322 values"); /* when it is widened */
    free(w);

    imported = lam__import_graph_new("file");
    cr_expect_eq(lam__import_graph_layer_norm(imported, "norm", most, NULL, NULL, 1e-5), LAM_OK);
    lam__import_graph_free(imported);
}
