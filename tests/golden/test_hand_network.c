/* test_hand_network.c: a 3-2-2 network worked out by hand, and cost that falls.
 *
 * Two samples go through sigmoid(x W1 + b1) and then f(a1 W2 + b2). For the first,
 *
 *     x = (0.5, -1, 0.25)
 *     z1[0] =  0.5 * 0.2  - 1 * 0.7 - 0.25 * 0.5 + 0.1 = -0.625
 *     z1[1] = -0.5 * 0.4  - 1 * 0.1 + 0.25 * 0.6 - 0.2 = -0.35
 *     a1 = (1 / (1 + e^0.625), 1 / (1 + e^0.35)) = (0.348645..., 0.413382...)
 *     z2[0] =  0.3 a1[0] + 0.8 a1[1] - 0.1
 *     z2[1] = -0.6 a1[0] + 0.5 a1[1] + 0.4
 *
 * and with the target t, d meaning dL/dz, the four key equations are
 *
 *     output error           d2 = dL/dy f'(z2)
 *                            squared, sigmoid:     (y - t) y (1 - y)    as L = sum (y - t)^2 / 2
 *                            categorical, softmax: y - t                as L = - sum t log y
 *     error of the layer before   d1[i] = (d2[0] W2[i][0] + d2[1] W2[i][1]) a1[i] (1 - a1[i])
 *     weight gradient        dW2[i][j] = a1[i] d2[j],  dW1[i][j] = x[i] d1[j]
 *     bias gradient          db2 = d2,  db1 = d1
 *
 * A batch has the mean of its samples' losses and gradients. make_hand_network.py prints the
 * numbers below. A batch of one sample has its errors as bias gradients, so they can be seen. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include <lamina/lamina.h>

#define TOLERANCE 1e-6

static const float samples[2][3] = {{0.5f, -1.0f, 0.25f}, {-0.75f, 0.5f, 1.0f}};
static const float targets[2][2] = {{1.0f, 0.0f}, {0.0f, 1.0f}};
static const float start[14] = {
    0.2f,  -0.4f, 0.7f, 0.1f, -0.5f, 0.6f, /* W1 [3][2] */
    0.1f,  -0.2f,                          /* b1 [2] */
    0.3f,  -0.6f, 0.8f, 0.5f,              /* W2 [2][2] */
    -0.1f, 0.4f,                           /* b2 [2] */
};

typedef struct expectation {
    double y[4], loss[1];
    double output_error[2], hidden_error[2];   /* d2, d1: the bias gradients */
    double output_weight[4], hidden_weight[6]; /* dW2 [2][2], dW1 [3][2] */
} expectation;

static const expectation squared_first = {
    .y = {0.583048259877873, 0.598087852938521},
    .loss = {0.265778916711740},
    .output_error = {-0.101362213263094, 0.143767624298910},
    .hidden_error = {-0.026494616298474, -0.002232420945483},
    .output_weight = {-0.035339442560860, 0.050123882830333, -0.041901357124996, 0.059431008605987},
    .hidden_weight = {-0.013247308149237, -0.001116210472741, 0.026494616298474, 0.002232420945483,
                      -0.006623654074619, -0.000558105236371},
};
static const expectation squared_second = {
    .y = {0.640697496675971, 0.615262979471924},
    .loss = {0.279257928605838},
    .output_error = {0.147491263908993, -0.091072810501962},
    .hidden_error = {0.024477177597918, 0.015787931685400},
    .output_weight = {0.066395552705242, -0.040997883057186, 0.100172924761444, -0.061854712966970},
    .hidden_weight = {-0.018357883198438, -0.011840948764050, 0.012238588798959, 0.007893965842700,
                      0.024477177597918, 0.015787931685400},
};
static const expectation squared_both = {
    .y = {0.583048259877873, 0.598087852938521, 0.640697496675971, 0.615262979471924},
    .loss = {0.272518422658789},
    .output_error = {0.023064525322949, 0.026347406898474},
    .hidden_error = {-0.001008719350278, 0.006777755369958},
    .output_weight = {0.015528055072191, 0.004562999886573, 0.029135783818224, -0.001211852180491},
    .hidden_weight = {-0.015802595673838, -0.006478579618396, 0.019366602548717, 0.005063193394091,
                      0.008926761761650, 0.007614913224514},
};
static const expectation categorical_first = {
    .y = {0.484453849588531, 0.515546150411469},
    .loss = {0.724733105875479},
    .output_error = {-0.515546150411469, 0.515546150411469},
    .hidden_error = {-0.105368628845866, -0.037505579546598},
    .output_weight = {-0.179742657381101, 0.179742657381101, -0.213117715836943, 0.213117715836943},
    .hidden_weight = {-0.052684314422933, -0.018752789773299, 0.105368628845866, 0.037505579546598,
                      -0.026342157211466, -0.009376394886649},
};
static const expectation categorical_second = {
    .y = {0.527198877101531, 0.472801122898469},
    .loss = {0.749080437896307},
    .output_error = {0.527198877101531, -0.527198877101531},
    .hidden_error = {0.117441413277941, 0.034462198811182},
    .output_weight = {0.237327011126146, -0.237327011126146, 0.358062247556546, -0.358062247556546},
    .hidden_weight = {-0.088081059958456, -0.025846649108387, 0.058720706638970, 0.017231099405591,
                      0.117441413277941, 0.034462198811182},
};
static const expectation categorical_both = {
    .y = {0.484453849588531, 0.515546150411469, 0.527198877101531, 0.472801122898469},
    .loss = {0.736906771885893},
    .output_error = {0.005826363345031, -0.005826363345031},
    .hidden_error = {0.006036392216037, -0.001521690367708},
    .output_weight = {0.028792176872523, -0.028792176872523, 0.072472265859801, -0.072472265859801},
    .hidden_weight = {-0.070382687190694, -0.022299719440843, 0.082044667742418, 0.027368339476094,
                      0.045549628033237, 0.012542901962266},
};

static lam_model *build(const char *output)
{
    lam_model *model = lam_model_new(3);
    lam_model_dense(model, 2, "sigmoid");
    lam_model_dense(model, 2, output);
    cr_assert_eq(lam_model_set_parameters(model, start, 14), LAM_OK, "%s", lam_error_message());
    return model;
}

static void compare(const char *what, const float *found, const double *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_expect(fabs((double)found[i] - expected[i]) <= TOLERANCE, "%s[%zu] is %.9g, not %.15f",
                  what, i, (double)found[i], expected[i]);
}

static void compare_tensor(const char *what, lam_trainer *trainer, size_t tensor,
                           const double *expected, size_t n)
{
    lam_tensor gradient;
    cr_assert_eq(lam_trainer_gradient(trainer, tensor, &gradient), LAM_OK);
    cr_assert_eq(gradient.rows * gradient.cols, n);
    compare(what, gradient.data, expected, n);
}

/* Samples first .. first + rows - 1 as one batch. */
static void check(const char *output, const char *loss, size_t first, size_t rows,
                  const expectation *expected)
{
    lam_model *model = build(output);
    lam_fit_options options = lam_fit_options_default();
    options.loss = loss;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    const lam_batch batch = {.rows = rows, .x = samples[first], .targets = targets[first]};
    lam_scores scores;
    cr_assert_eq(lam_trainer_gradients(trainer, &batch, &scores), LAM_OK);

    float y[4];
    size_t stride;
    const float *outputs = lam_trainer_outputs(trainer, &stride);
    for (size_t r = 0; r < rows; r++)
        memcpy(y + 2 * r, outputs + r * stride, 2 * sizeof *y);
    compare("outputs", y, expected->y, 2 * rows);
    cr_assert_eq(lam_predict(model, samples[first], rows, y), LAM_OK);
    compare("predictions", y, expected->y, 2 * rows);
    cr_expect_float_eq(scores.loss, expected->loss[0], TOLERANCE, "loss is %.15g", scores.loss);
    compare_tensor("hidden weight gradient", trainer, 0, expected->hidden_weight, 6);
    compare_tensor("hidden error", trainer, 1, expected->hidden_error, 2);
    compare_tensor("output weight gradient", trainer, 2, expected->output_weight, 4);
    compare_tensor("output error", trainer, 3, expected->output_error, 2);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

Test(hand_network, squared_error_of_sigmoid)
{
    check("sigmoid", "mean_squared_error", 0, 1, &squared_first);
    check("sigmoid", "mean_squared_error", 1, 1, &squared_second);
    check("sigmoid", "mean_squared_error", 0, 2, &squared_both);
}

Test(hand_network, cross_entropy_of_softmax)
{
    check("softmax", "categorical_crossentropy", 0, 1, &categorical_first);
    check("softmax", "categorical_crossentropy", 1, 1, &categorical_second);
    check("softmax", "categorical_crossentropy", 0, 2, &categorical_both);
}

/* Ten steps over the whole batch: each sees a smaller loss than the one before. */
static void check_fall(const char *output, const char *loss, const char *optimizer, float rate)
{
    lam_model *model = build(output);
    lam_fit_options options = lam_fit_options_default();
    options.loss = loss;
    options.optimizer = optimizer;
    options.learning_rate = rate;
    options.batch_size = 2;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    cr_assert_not_null(trainer, "%s", lam_error_message());
    const lam_batch batch = {.rows = 2, .x = samples[0], .targets = targets[0]};
    double before = INFINITY;
    for (int step = 0; step < 10; step++) {
        lam_scores scores;
        cr_assert_eq(lam_trainer_step(trainer, &batch, &scores), LAM_OK);
        cr_expect(scores.loss < before, "%s, %s, %s, step %d: %.9g after %.9g", output, loss,
                  optimizer, step, scores.loss, before);
        before = scores.loss;
    }
    lam_trainer_free(trainer);
    lam_model_free(model);
}

Test(hand_network, cost_falls)
{
    static const char *const pairs[][2] = {
        {"sigmoid", "mean_squared_error"},  {"softmax", "categorical_crossentropy"},
        {"sigmoid", "binary_crossentropy"}, {"linear", "mean_squared_error"},
        {"linear", "mean_absolute_error"},  {"softmax", "mean_squared_error"},
        {"tanh", "mean_absolute_error"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        check_fall(pairs[i][0], pairs[i][1], "sgd", 0.05f);
        check_fall(pairs[i][0], pairs[i][1], "adam", 0.01f);
    }
}
