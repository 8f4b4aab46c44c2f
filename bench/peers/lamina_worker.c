/* lamina_worker.c: Lamina among its peers: a trainer on a data set of bytes; a predictor. */
#include <lamina/lamina.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

static const worker_job *job;
static lam_model *model;
static lam_dataset *data;
static lam_trainer *trainer;
static lam_predictor *predictor;

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "lamina: %s: %s\n", what, lam_error_message());
    exit(1);
}

static void open_model(void)
{
    model = lam_model_new(job->features);
    for (size_t i = 0; i < job->layer_count; i++) {
        lam_model_dense(model, job->layers[i].units, job->layers[i].activation);
        if (job->layers[i].dropout > 0)
            lam_model_dropout(model, (float)job->layers[i].dropout);
    }
    check(lam_model_set_parameters(model, job->weights, job->weight_count) == LAM_OK, "weights");
}

static void open_trainer(void)
{
    lam_fit_options options = lam_fit_options_default();
    options.optimizer = job->optimizer;
    options.learning_rate = (float)job->rate;
    options.epsilon = 1e-8f; /* as in PyTorch and scikit-learn */
    options.batch_size = job->batch;
    options.threads = job->threads;
    options.metrics = "accuracy";
    check(lam_model_scale_input(model, 0, 255, -1, 1) == LAM_OK, "scaling");
    data = lam_dataset_new(job->x, LAM_UINT8, job->rows, job->features, LAM_BORROW);
    check(data &&
              lam_dataset_set_classes(data, job->y, job->outputs == 1 ? 2 : job->outputs) == LAM_OK,
          "data");
    trainer = lam_trainer_new(model, &options);
    check(trainer != NULL, "trainer");
}

static void open_lamina(const worker_job *given, char *version, size_t size)
{
    job = given;
    open_model();
    if (job->training)
        open_trainer();
    snprintf(version, size, "Lamina %s, %s, %s", LAM_VERSION_STRING, lam_build_info("blas"),
             lam_build_info("instruction_set"));
}

static void train(const uint32_t *order, size_t count)
{
    for (size_t first = 0; first < count; first += job->batch) {
        const size_t rows = count - first < job->batch ? count - first : job->batch;
        check(lam_trainer_step_rows(trainer, data, order + first, rows, NULL) == LAM_OK, "a step");
    }
}

static void prepare(size_t rows)
{
    lam_predictor_free(predictor);
    lam_predictor_options options = lam_predictor_options_default();
    options.threads = job->threads;
    predictor = lam_predictor_new_with(model, rows, &options);
    check(predictor != NULL, "predictor");
}

/* In training the model itself scales bytes, so it gets back what the inputs were made of. No
 * predictor stays: the next epoch changes the model. */
static void predict_bytes(const float *x, size_t rows, float *y)
{
    const size_t count = rows * job->features;
    uint8_t *bytes = worker_allocate(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)((x[i] + 1.0f) * 127.5f + 0.5f);
    check(lam_predictor_run_bytes(predictor, bytes, rows, y) == LAM_OK, "prediction");
    free(bytes);
    lam_predictor_free(predictor);
    predictor = NULL;
}

static void predict(const float *x, size_t rows, float *y)
{
    if (job->training) {
        predict_bytes(x, rows, y);
    } else {
        check(lam_predictor_run(predictor, x, rows, y) == LAM_OK, "prediction");
    }
}

int main(int argc, char **argv)
{
    return worker_main(argc, argv, &(worker){open_lamina, train, prepare, predict});
}
