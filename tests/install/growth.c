/* growth.c: a program from before or after the library it runs with: growth.py compiles it against
 * headers whose structs are shorter or longer. Nothing beyond the structs that it knows may be read
 * (the bytes there are no pointers) or written. LATER: the structs end with a field `later`. */
#include <lamina/lamina.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void check(int right, const char *what)
{
    if (right)
        return;
    failures++;
    printf("%s: %s\n", what, lam_error_message());
}

/* A struct as the program knows it, followed by what belongs to somebody else. */
#define GUARDED(type)                                                                              \
    struct {                                                                                       \
        type s;                                                                                    \
        unsigned char guard[64];                                                                   \
    }

static int untouched(const unsigned char *guard)
{
    for (int i = 0; i < 64; i++)
        if (guard[i] != 0x5a)
            return 0;
    return 1;
}

#define GUARD(g)                                                                                   \
    do {                                                                                           \
        memset(&(g), 0x5a, sizeof(g));                                                             \
        memset(&(g).s, 0, sizeof(g).s);                                                            \
    } while (0)

#ifdef LATER
#define SET_LATER(g) ((g).s.later = 1)
#define REFUSED(g, good)                                                                           \
    do {                                                                                           \
        SET_LATER(g);                                                                              \
        check(!(good) && lam_error_status() == LAM_ERR_UNSUPPORTED &&                              \
                  strstr(lam_error_message(), "later version") != NULL,                            \
              "not refused: " #good);                                                              \
        (g).s.later = 0;                                                                           \
    } while (0)
#else
#define REFUSED(g, good) ((void)0)
#endif

/* A call that takes the struct of `g`; refused where it sets what the library does not know. */
#define TAKES(g, good)                                                                             \
    do {                                                                                           \
        check((good) && untouched((g).guard), #good);                                              \
        REFUSED(g, good);                                                                          \
    } while (0)

/* A call that fills it. */
#define FILLS(g, good)                                                                             \
    do {                                                                                           \
        GUARD(g);                                                                                  \
        check((good) && untouched((g).guard), #good);                                              \
    } while (0)

static int read_rows(size_t first, size_t rows, void *x, int32_t *classes, float *targets, void *u)
{
    (void)u, (void)targets;
    for (size_t r = 0; r < rows; r++) {
        if (x)
            ((float *)x)[r] = (float)(first + r);
        if (classes)
            classes[r] = (int32_t)((first + r) % 2);
    }
    return 0;
}

static void forward(size_t n, const float *z, float *y, void *u)
{
    (void)u;
    memcpy(y, z, n * sizeof *y);
}

static void backward(size_t n, const float *z, const float *y, const float *dy, float *dz, void *u)
{
    (void)z, (void)y, (void)u;
    memmove(dz, dy, n * sizeof *dz);
}

static double sample(size_t width, const float *y, const float *t, float *dy, void *u)
{
    (void)u;
    for (size_t i = 0; dy && i < width; i++)
        dy[i] = y[i] - t[i];
    return 0.0;
}

static void update(const lam_metric_rows *rows, double *state, void *u)
{
    (void)u;
    state[0] += (double)rows->rows;
}

static double result(const double *state, void *u)
{
    (void)u;
    return state[0];
}

static lam_signal on_event(const lam_event *event, void *u)
{
    (void)event, (void)u;
    return LAM_CONTINUE;
}

static void *allocate(size_t size, size_t alignment, void *u)
{
    (void)u;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void release(void *pointer, void *u)
{
    (void)u;
    free(pointer);
}

static int make(lam_dataset *data)
{
    lam_dataset_free(data);
    return data != NULL;
}

static int make_predictor(lam_predictor *predictor)
{
    lam_predictor_free(predictor);
    return predictor != NULL;
}

static int make_trainer(lam_trainer *trainer)
{
    lam_trainer_free(trainer);
    return trainer != NULL;
}

static int make_batches(lam_batches *batches)
{
    lam_batches_free(batches);
    return batches != NULL;
}

static int make_model(lam_model *model)
{
    lam_model_free(model);
    return model != NULL;
}

static void descriptors(void)
{
    GUARDED(lam_activation) activation;
    GUARDED(lam_loss) loss;
    GUARDED(lam_metric) metric;
    GUARDED(lam_callback) callback;
    GUARDED(lam_source) source;
    GUARDED(lam_allocator) allocator;
    GUARD(allocator);
    allocator.s.allocate = allocate;
    allocator.s.release = release;
    TAKES(allocator, lam_set_allocator(&allocator.s) == LAM_OK);
    GUARD(activation);
    activation.s.name = "same";
    activation.s.forward = forward;
    activation.s.backward = backward;
    TAKES(activation, lam_register_activation(&activation.s) == LAM_OK);
    GUARD(loss);
    loss.s.name = "half_square";
    loss.s.sample = sample;
    TAKES(loss, lam_register_loss(&loss.s) == LAM_OK);
    GUARD(metric);
    metric.s.name = "rows_seen";
    metric.s.update = update;
    metric.s.result = result;
    TAKES(metric, lam_register_metric(&metric.s) == LAM_OK);
    GUARD(callback);
    callback.s.on_event = on_event;
    TAKES(callback, lam_register_callback("nothing", &callback.s) == LAM_OK);
    GUARD(source);
    source.s.samples = 8;
    source.s.features = 1;
    source.s.classes = 2;
    source.s.read = read_rows;
    TAKES(source, make(lam_dataset_from_source(&source.s)));
}

static lam_model *build(void)
{
    GUARDED(lam_dense_options) dense;
    GUARDED(lam_layer_norm_options) norm;
    lam_model *model = lam_model_new(2);
    GUARD(dense);
    dense.s = lam_dense_options_default();
    dense.s.units = 8;
    dense.s.activation = "relu";
    check(lam_model_dense_with(model, &dense.s) == LAM_OK && untouched(dense.guard), "dense");
    GUARD(norm);
    norm.s = lam_layer_norm_options_default();
    check(lam_model_layer_norm_with(model, &norm.s) == LAM_OK && untouched(norm.guard), "norm");
    check(lam_model_dense(model, 3, "softmax") == LAM_OK, "softmax");
#ifdef LATER
    lam_model *other = lam_model_new(2);
    REFUSED(dense, lam_model_dense_with(other, &dense.s) == LAM_OK);
    lam_model_free(other);
    other = lam_model_new(2);
    REFUSED(norm, lam_model_layer_norm_with(other, &norm.s) == LAM_OK);
    lam_model_free(other);
#endif
    return model;
}

static void describe(const lam_model *model, const lam_dataset *data)
{
    GUARDED(lam_layer_info) layer;
    GUARDED(lam_transform_info) transform;
    GUARDED(lam_input_info) input;
    GUARDED(lam_catalog_entry) entry;
    GUARDED(lam_model_format_info) format;
    GUARDED(lam_data_info) found;
    FILLS(layer, lam_model_layer(model, 1, &layer.s) == LAM_OK);
    check(layer.s.outputs == 8 && strcmp(layer.s.type, "layer_norm") == 0, "layer");
    FILLS(transform, (lam_model_transform(model, &transform.s), 1));
    FILLS(input, (lam_model_input(model, &input.s), 1));
    FILLS(input, (lam_dataset_input(data, &input.s), 1));
    FILLS(entry, lam_catalog(LAM_FIT_OPTION, 0, &entry.s) == LAM_OK);
    check(strcmp(entry.s.name, "loss") == 0, "entry");
    FILLS(format, lam_model_format("onnx", &format.s) == LAM_OK);
    check(strcmp(format.s.name, "onnx") == 0, "format");
    FILLS(found, lam_data_recognize("spiral", NULL, &found.s) == LAM_OK);
    check(found.s.format && found.s.help, "recognize");
}

static void steps(lam_model *model, const lam_dataset *data)
{
    GUARDED(lam_fit_options) fit;
    GUARDED(lam_batches_options) order;
    GUARDED(lam_batch) batch;
    GUARDED(lam_tensor) tensor;
    GUARD(fit);
    fit.s = lam_fit_options_default();
    fit.s.batch_size = 10;
    GUARD(order);
    order.s = lam_batches_options_default();
    order.s.batch_size = 10;
    TAKES(order, make_batches(lam_batches_new(data, &order.s)));
    TAKES(fit, make_trainer(lam_trainer_new(model, &fit.s)));
    lam_trainer *trainer = lam_trainer_new(model, &fit.s);
    lam_batches *batches = lam_batches_new(data, &order.s);
    FILLS(batch, lam_batches_next(batches, &batch.s) == LAM_OK);
    check(batch.s.rows == 10 && batch.s.classes != NULL, "batch");
    TAKES(batch, lam_trainer_gradients(trainer, &batch.s, NULL) == LAM_OK);
    FILLS(tensor, lam_trainer_gradient(trainer, 0, &tensor.s) == LAM_OK);
    check(lam_trainer_update(trainer) == LAM_OK, "update");
    TAKES(batch, lam_trainer_step(trainer, &batch.s, NULL) == LAM_OK);
    lam_batches_free(batches);
    lam_trainer_free(trainer);
    FILLS(tensor, lam_model_tensor(model, 0, &tensor.s) == LAM_OK);
    check(strcmp(tensor.s.name, "layers.0.weight") == 0, "tensor");
}

static void files(lam_model *model, const char *folder)
{
    GUARDED(lam_import_options) in;
    GUARDED(lam_export_options) out;
    GUARDED(lam_checkpoint_info) info;
    GUARDED(lam_column_info) column;
    GUARDED(lam_load_options) load;
    char path[1024];
    snprintf(path, sizeof path, "%s/table.csv", folder);
    FILE *file = fopen(path, "w");
    check(file != NULL, "table");
    if (!file)
        return;
    fputs("a,b,class\n1,2,yes\n3,4,no\n5,6,yes\n", file);
    fclose(file);
    GUARD(load);
    load.s = lam_load_options_default();
    load.s.target = "class";
    TAKES(load, make(lam_dataset_load(path, LAM_SPLIT_TRAIN, &load.s)));
    TAKES(load, make(lam_dataset_load_file(path, &load.s)));
    lam_dataset *table = lam_dataset_load(path, LAM_SPLIT_TRAIN, &load.s);
    FILLS(column, lam_dataset_column(table, 2, &column.s) == LAM_OK);
    check(column.s.target && strcmp(column.s.name, "class") == 0, "column");
    lam_dataset_free(table);

    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    GUARD(out);
    out.s = lam_export_options_default();
    TAKES(out, lam_model_export(model, path, &out.s) == LAM_OK);
    GUARD(in);
    in.s = lam_import_options_default();
    TAKES(in, make_model(lam_model_import(path, &in.s)));

    lam_trainer *trainer = lam_trainer_new(model, NULL);
    snprintf(path, sizeof path, "%s/state.checkpoint", folder);
    check(lam_trainer_save(trainer, path) == LAM_OK, "save");
    lam_trainer_free(trainer);
    lam_checkpoint *checkpoint = lam_checkpoint_open(path);
    FILLS(info, (lam_checkpoint_describe(checkpoint, &info.s), 1));
    check(!info.s.of_fit && info.s.seed == 1, "checkpoint");
    lam_checkpoint_free(checkpoint);
}

int main(int argc, char **argv)
{
    GUARDED(lam_fit_options) fit;
    GUARDED(lam_predictor_options) threads;
    lam_scores scores;
    if (argc != 2)
        return 2;
    descriptors();
    lam_dataset *data = lam_dataset_spiral(99, 3, 1);
    lam_model *model = build();
    GUARD(fit);
    fit.s = lam_fit_options_default();
    fit.s.epochs = 2;
    check(lam_fit_options_set(&fit.s, "batch_size", "33") == LAM_OK && fit.s.batch_size == 33,
          "set");
    TAKES(fit, lam_fit(model, data, &fit.s, NULL) == LAM_OK);
    fit.s.epochs = lam_fit_options_default().epochs;
    TAKES(fit, lam_evaluate(model, data, &fit.s, &scores) == LAM_OK);
    GUARD(threads);
    threads.s = lam_predictor_options_default();
    TAKES(threads, make_predictor(lam_predictor_new_with(model, 4, &threads.s)));
#ifdef SHORTER
    check(lam_load_options_set(&(lam_load_options){0}, "limit", "1") == LAM_ERR_ARGUMENT, "unset");
#endif
    memset(&fit.s, 0, sizeof fit.s);
    check(lam_fit(model, data, &fit.s, NULL) == LAM_ERR_ARGUMENT &&
              strstr(lam_error_message(), "lam_fit_options_default") != NULL,
          "options that nothing filled");
    describe(model, data);
    steps(model, data);
    files(model, argv[1]);
    lam_model_free(model);
    lam_dataset_free(data);
    if (!failures)
        puts("works");
    return failures != 0;
}
