/* own_parts.c: your own activation, loss, metric and callback, registered by name.
 *
 * Learns the 90th percentile of noisy data instead of their mean: the "pinball" loss punishes
 * targets above the prediction nine times as hard as targets below it. The metric "coverage" is the
 * share of targets that stay below, and must come out near 0.9. Source of the loss: R. Koenker, G.
 * Bassett, "Regression Quantiles", Econometrica 46, 1978. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lamina/lamina.h>

enum { SAMPLES = 2000 };

static const double pi = 3.14159265358979323846;

/* The bent identity, (sqrt(z^2 + 1) - 1) / 2 + z: smooth, and a line far from 0. */
static void bent_forward(size_t n, const float *z, float *y, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        y[i] = (sqrtf(z[i] * z[i] + 1) - 1) / 2 + z[i];
}

static void bent_backward(size_t n, const float *z, const float *y, const float *dy, float *dz,
                          void *user)
{
    (void)y;
    (void)user;
    for (size_t i = 0; i < n; i++)
        dz[i] = dy[i] * (z[i] / (2 * sqrtf(z[i] * z[i] + 1)) + 1);
}

/* `user` points at the quantile q: mean of max(q (t - y), (q - 1) (t - y)). */
static double pinball(size_t width, const float *y, const float *t, float *dy, void *user)
{
    double q = *(const double *)user, sum = 0;
    for (size_t i = 0; i < width; i++) {
        double over = (double)t[i] - y[i];
        double slope = over > 0 ? q : q - 1;
        sum += slope * over;
        if (dy)
            dy[i] = (float)(-slope / (double)width);
    }
    return sum / (double)width;
}

/* state[0]: targets at most as large as the prediction, state[1]: all. */
static void coverage_update(const lam_metric_rows *rows, double *state, void *user)
{
    (void)user;
    for (size_t r = 0; r < rows->rows; r++)
        for (size_t c = 0; rows->targets && c < rows->width; c++) {
            state[0] += rows->targets[r * rows->width + c] <= rows->y[r * rows->stride + c];
            state[1] += 1;
        }
}

static double coverage_result(const double *state, void *user)
{
    (void)user;
    return state[0] / state[1]; /* NaN when nothing was counted */
}

/* Stops when the loss has not fallen by a thousandth for 40 epochs. */
typedef struct patience {
    double best;
    size_t best_epoch;
    size_t stopped; /* epoch, 0 = not yet */
} patience;

static lam_signal be_patient(const lam_event *event, void *user)
{
    patience *p = user;
    if (event->kind != LAM_EVENT_EPOCH_END)
        return LAM_CONTINUE;
    const lam_epoch *epoch = event->progress;
    if (epoch->epoch == 1 || epoch->epoch % 50 == 0)
        printf("epoch %3zu: loss %.4f, coverage %.3f\n", epoch->epoch, epoch->train.loss,
               lam_scores_get(&epoch->train, "coverage"));
    if (epoch->epoch == 1 || epoch->train.loss < p->best * 0.999) {
        p->best = epoch->train.loss;
        p->best_epoch = epoch->epoch;
    } else if (epoch->epoch >= p->best_epoch + 40) {
        p->stopped = epoch->epoch;
        return LAM_STOP;
    }
    return LAM_CONTINUE;
}

static lam_status register_parts(double *quantile, patience *p)
{
    lam_activation activation = {.name = "bent_identity",
                                 .help = "(sqrt(z^2 + 1) - 1) / 2 + z",
                                 .forward = bent_forward,
                                 .backward = bent_backward};
    lam_loss loss = {
        .name = "pinball", .help = "quantile regression", .sample = pinball, .user = quantile};
    lam_metric metric = {.name = "coverage",
                         .help = "share of targets below the prediction",
                         .update = coverage_update,
                         .result = coverage_result};
    lam_callback callback = {.on_event = be_patient, .user = p};
    lam_status status = lam_register_activation(&activation);
    if (status == LAM_OK)
        status = lam_register_loss(&loss);
    if (status == LAM_OK)
        status = lam_register_metric(&metric);
    return status == LAM_OK ? lam_register_callback("patience", &callback) : status;
}

/* x in 0..1, t = sin(2 pi x) plus noise that grows with x, uniform in -x/2..x/2. */
static lam_dataset *noisy_sine(void)
{
    static float x[SAMPLES], t[SAMPLES];
    uint64_t state = 7;
    for (int i = 0; i < SAMPLES; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        double noise = (double)(state >> 40) / (double)(1 << 24) - 0.5;
        x[i] = (float)i / (SAMPLES - 1);
        t[i] = (float)(sin(2 * pi * x[i]) + noise * x[i]);
    }
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, SAMPLES, 1, LAM_COPY);
    if (data && lam_dataset_set_targets(data, t, 1) != LAM_OK) {
        lam_dataset_free(data);
        return NULL;
    }
    return data;
}

int main(void)
{
    double quantile = 0.9;
    patience p = {0};
    lam_dataset *data = noisy_sine();
    lam_model *model = lam_model_new(1);
    lam_scores scores;
    lam_fit_options fit = lam_fit_options_default();
    fit.loss = "pinball";
    fit.metrics = "coverage";
    fit.callbacks = "patience";
    fit.learning_rate = 5e-3f;
    fit.decay = 1e-3f;
    fit.batch_size = 100;
    fit.epochs = 1000;
    lam_model_scale_input(model, 0, 1, -1, 1);
    if (!data || register_parts(&quantile, &p) != LAM_OK ||
        lam_model_add_layers(model, "24:bent_identity,24:bent_identity,1:linear") != LAM_OK ||
        lam_fit(model, data, &fit, NULL) != LAM_OK ||
        lam_evaluate(model, data, &fit, &scores) != LAM_OK) {
        fprintf(stderr, "own_parts: %s\n", lam_error_message());
        return EXIT_FAILURE;
    }

    double coverage = lam_scores_get(&scores, "coverage");
    if (p.stopped)
        printf("patience ended after epoch %zu\n", p.stopped);
    printf("the learnt curve lies above %.1f%% of the targets, asked for %.0f%%\n", 100 * coverage,
           100 * quantile);

    /* At x the 90th percentile is sin(2 pi x) + 0.4 x. */
    double worst = 0;
    for (int i = 0; i <= 10; i++) {
        float x = (float)i / 10, y;
        if (lam_predict(model, &x, 1, &y) != LAM_OK)
            return EXIT_FAILURE;
        worst = fmax(worst, fabs(y - (sin(2 * pi * x) + 0.4 * x)));
    }
    printf("largest distance from the true percentile: %.3f\n", worst);
    lam_model_free(model);
    lam_dataset_free(data);
    return coverage > 0.86 && coverage < 0.94 && worst < 0.15 ? EXIT_SUCCESS : EXIT_FAILURE;
}
