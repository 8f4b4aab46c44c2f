/* own_loop.c: one's own training loop on a lam_trainer.
 *
 * Fits a sine with two things lam_fit does not do: the learning rate follows half a cosine, and
 * gradients are scaled down when their norm over all parameters exceeds 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

enum { SAMPLES = 256, BATCH = 32, EPOCHS = 400, COLUMNS = 64, LINES = 15 };

static const double pi = 3.14159265358979323846;

static void stop_on(lam_status status)
{
    if (status == LAM_OK)
        return;
    fprintf(stderr, "own_loop: %s\n", lam_error_message());
    exit(EXIT_FAILURE);
}

/* A draw from 0..n-1: a small generator of our own, so that the order is the same everywhere. */
static size_t draw(size_t n)
{
    static uint64_t state = 2026;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)((state >> 33) % n);
}

/* Scales all gradients so that their common norm is at most `limit`; returns the norm before. */
static double clip(lam_trainer *trainer, size_t tensors, double limit)
{
    double sum = 0;
    lam_tensor g;
    for (size_t t = 0; t < tensors; t++) {
        stop_on(lam_trainer_gradient(trainer, t, &g));
        for (size_t i = 0; i < g.rows * g.cols; i++)
            sum += (double)g.data[i] * g.data[i];
    }
    double norm = sqrt(sum);
    for (size_t t = 0; norm > limit && t < tensors; t++) {
        stop_on(lam_trainer_gradient(trainer, t, &g));
        for (size_t i = 0; i < g.rows * g.cols; i++)
            g.data[i] *= (float)(limit / norm);
    }
    return norm;
}

/* Draws the learnt curve; returns its largest distance from the sine. */
static double plot(const lam_model *model)
{
    char screen[LINES][COLUMNS + 1];
    float x[COLUMNS], y[COLUMNS]; /* [COLUMNS][1] both */
    double worst = 0;
    memset(screen, ' ', sizeof screen);
    for (int c = 0; c < COLUMNS; c++)
        x[c] = (float)c / (COLUMNS - 1);
    stop_on(lam_predict(model, x, COLUMNS, y));
    for (int c = 0; c < COLUMNS; c++) {
        double truth = sin(2 * pi * x[c]);
        double line = (1 - y[c]) / 2 * (LINES - 1);
        worst = fmax(worst, fabs(y[c] - truth));
        screen[(int)lround((1 - truth) / 2 * (LINES - 1))][c] = '.';
        if (line > -0.5 && line < LINES - 0.5)
            screen[(int)lround(line)][c] = 'o';
    }
    for (int l = 0; l < LINES; l++)
        printf("  %.*s\n", COLUMNS, screen[l]);
    return worst;
}

int main(void)
{
    float x[SAMPLES], t[SAMPLES], batch_x[BATCH], batch_t[BATCH];
    for (int i = 0; i < SAMPLES; i++) {
        x[i] = (float)i / (SAMPLES - 1);
        t[i] = (float)sin(2 * pi * x[i]);
    }

    lam_model *model = lam_model_new(1);
    stop_on(lam_model_add_layers(model, "32:tanh,32:tanh,1:linear"));
    stop_on(lam_model_scale_input(model, 0, 1, -1, 1));
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = BATCH;
    options.learning_rate = 1e-2f;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    if (!trainer)
        stop_on(lam_error_status());

    lam_batch batch = {.rows = BATCH, .x = batch_x, .targets = batch_t};
    lam_scores scores;
    double first = 0, loss = 0;
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        double norm = 0;
        loss = 0;
        stop_on(lam_trainer_set_learning_rate(
            trainer, 1e-5 + 1e-2 * (1 + cos(pi * (epoch - 1) / EPOCHS)) / 2));
        for (int step = 0; step < SAMPLES / BATCH; step++) {
            for (int r = 0; r < BATCH; r++) {
                size_t i = draw(SAMPLES);
                batch_x[r] = x[i];
                batch_t[r] = t[i];
            }
            stop_on(lam_trainer_gradients(trainer, &batch, &scores));
            norm = fmax(norm, clip(trainer, lam_model_tensors(model), 1));
            stop_on(lam_trainer_update(trainer));
            loss += scores.loss / (SAMPLES / BATCH);
        }
        if (epoch == 1)
            first = loss;
        if (epoch == 1 || epoch % 100 == 0)
            printf("epoch %3d: loss %.6f, largest gradient %.3f, learning rate %.5f\n", epoch, loss,
                   norm, lam_trainer_learning_rate(trainer));
    }

    double worst = plot(model);
    printf("o learnt, . sine; largest error %.4f after %llu steps\n", worst,
           (unsigned long long)lam_trainer_steps(trainer));
    int good = worst < 0.1 && loss < first / 20 &&
               lam_trainer_steps(trainer) == EPOCHS * (SAMPLES / BATCH);
    lam_trainer_free(trainer);
    lam_model_free(model);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
