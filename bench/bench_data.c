/* bench_data.c: loading data sets and assembling batches, beside what they cannot beat: zlib alone,
 * and memcpy of the same bytes.
 *
 * What is compared runs in turns; medians and the median of the ratios within a turn are printed.
 * Results are checked. */
#include <lamina/lamina.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "data/source.h"
#include "data_files.h"
#include "measure.h"
#include "model/network.h"
#include "report.h"

enum { MOST_ROUNDS = 99, BATCH = 128, IDX_HEADER = 16 };

typedef struct settings {
    const char *data;
    size_t samples, rounds;
    bool json;
} settings;

/* One thing measured, and what it stands beside. */
typedef struct duel {
    const char *work, *beside; /* NULL: nothing beside */
    void (*run)(void *context);
    void (*run_beside)(void *context);
    void *context;
    double bytes, beside_bytes; /* read and written by a run; of loading: unpacked */
    double samples;             /* of a run */
} duel;

static void fail(const char *what)
{
    fprintf(stderr, "bench_data: %s: %s\n", what, lam_error_message());
    exit(1);
}

static void expect(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench_data: wrong result: %s\n", what);
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!memory) {
        fputs("bench_data: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static double seconds_of(void (*run)(void *), void *context)
{
    const double start = measure_now();
    run(context);
    return measure_now() - start;
}

static void fight(const settings *s, const data_files *files, const duel *d)
{
    double times[MOST_ROUNDS], beside[MOST_ROUNDS], ratio = NAN, beside_rate = NAN;
    for (size_t r = 0; r < s->rounds; r++) {
        times[r] = seconds_of(d->run, d->context);
        if (d->beside)
            beside[r] = seconds_of(d->run_beside, d->context);
    }
    if (d->beside) {
        ratio = measure_median_ratio(beside, times, s->rounds);
        beside_rate = d->beside_bytes / measure_median(beside, s->rounds) * 1e-9;
    }
    const double seconds = measure_median(times, s->rounds);
    report_begin();
    report_text("work", d->work);
    report_text("data", files->real ? "real" : "synthetic");
    report_number("milliseconds", 3, seconds * 1e3);
    report_number("gb_per_s", 3, d->bytes / seconds * 1e-9);
    report_number("samples_per_second", 0, d->samples / seconds);
    report_text("beside", d->beside ? d->beside : "-");
    report_number("beside_gb_per_s", 3, beside_rate);
    report_number("times_faster", 3, ratio);
    report_end();
}

/* Loading. */

typedef struct loading {
    const data_files *files;
    const char *path;
    size_t bytes;   /* of the values */
    uint8_t *space; /* for what zlib unpacks */
} loading;

static void load_images(void *context)
{
    const loading *l = context;
    lam_dataset *data = lam_dataset_load_idx(l->path, NULL);
    if (!data)
        fail(l->path);
    expect(data->samples == l->files->samples && data->features == l->files->features, l->path);
    lam_dataset_free(data);
}

static void load_folder(void *context)
{
    const loading *l = context;
    lam_dataset *data = lam_dataset_load(l->path, LAM_SPLIT_TRAIN, NULL);
    if (!data)
        fail(l->path);
    expect(data->samples == l->files->samples, l->path);
    lam_dataset_free(data);
}

/* Once, outside of what is timed. */
static void check_loading(const loading *images, const loading *folder)
{
    const data_files *f = images->files;
    lam_dataset *data = lam_dataset_load_idx(images->path, NULL);
    expect(data && memcmp(data->x, f->values, images->bytes) == 0, images->path);
    lam_dataset_free(data);
    data = lam_dataset_load(folder->path, LAM_SPLIT_TRAIN, NULL);
    expect(data && memcmp(data->x, f->values, images->bytes) == 0 &&
               memcmp(data->labels, f->labels, f->samples * sizeof *f->labels) == 0,
           folder->path);
    lam_dataset_free(data);
}

static void inflate_alone(void *context)
{
    const loading *l = context;
    const size_t room = l->bytes + IDX_HEADER;
    expect(data_files_inflate(l->files, l->space, room) == room &&
               memcmp(l->space + IDX_HEADER, l->files->values, l->files->features) == 0,
           "zlib");
}

static void copy_to_new(void *context)
{
    const loading *l = context;
    uint8_t *copy = allocate(l->bytes);
    memcpy(copy, l->files->values, l->bytes);
    expect(memcmp(copy + l->bytes / 2, l->files->values + l->bytes / 2, 64) == 0, "memcpy");
    free(copy);
}

static void run_loading(const settings *s, const data_files *files)
{
    const size_t bytes = files->samples * files->features;
    loading images = {files, files->plain_images, bytes, NULL};
    loading folder = {files, files->plain, bytes, NULL};
    const double b = (double)bytes, n = (double)files->samples;
    check_loading(&images, &folder);
    fight(s, files,
          &(duel){"plain images", "memcpy to new memory", load_images, copy_to_new, &images, b, b,
                  n});
    fight(s, files,
          &(duel){"plain images and labels", NULL, load_folder, NULL, &folder, b + n, 0.0, n});
    if (!files->packed_bytes) {
        report_note("This build reads no gzip.");
        return;
    }
    images.path = files->packed_images;
    folder.path = files->packed;
    images.space = allocate(bytes + IDX_HEADER);
    check_loading(&images, &folder);
    fight(s, files,
          &(duel){"gzipped images", "zlib alone", load_images, inflate_alone, &images, b, b, n});
    fight(s, files,
          &(duel){"gzipped images and labels", NULL, load_folder, NULL, &folder, b + n, 0.0, n});
    free(images.space);
}

/* Batches. */

typedef struct assembly {
    const lam_dataset *data;
    const lam__transform *transform;
    const uint32_t *order; /* [samples], or NULL: as they lie */
    float *x;              /* [BATCH][features] */
    void *copy;            /* the same of the data's type */
    size_t value;          /* bytes of one */
} assembly;

static void gather_batches(void *context)
{
    const assembly *a = context;
    const size_t samples = a->data->samples;
    for (size_t first = 0; first + BATCH <= samples; first += BATCH)
        a->data->ops->gather(a->data, a->order ? a->order + first : NULL, first, BATCH,
                             a->transform, a->x, a->data->features);
}

static void copy_batches(void *context)
{
    const assembly *a = context;
    const size_t samples = a->data->samples, row = a->data->features * a->value;
    const char *x = a->data->x;
    for (size_t first = 0; first + BATCH <= samples; first += BATCH)
        for (size_t r = 0; r < BATCH; r++)
            memcpy((char *)a->copy + r * row,
                   x + (a->order ? a->order[first + r] : first + r) * row, row);
}

/* The batch that was gathered last, against the transform in double. */
static void check_batch(assembly *a, const char *what)
{
    const size_t features = a->data->features, samples = a->data->samples;
    const size_t first = samples / BATCH * BATCH - BATCH;
    const lam__transform *t = a->transform;
    float *raw = allocate(features * sizeof *raw);
    gather_batches(a);
    for (size_t r = 0; r < BATCH; r++) {
        if (lam_dataset_sample(a->data, a->order ? a->order[first + r] : first + r, raw) != LAM_OK)
            fail(what);
        for (size_t j = 0; j < features; j++) {
            double want = raw[j] / 127.5 - 1.0;
            if (t->kind == LAM_TRANSFORM_STANDARDIZE)
                want = ((double)raw[j] - t->mean[j]) / (t->std[j] > 0.0f ? (double)t->std[j] : 1.0);
            const double got = a->x[r * features + j];
            expect(fabs(got - want) <= 1e-5 * fmax(1.0, fabs(want)), what);
        }
    }
    free(raw);
}

static void assemble(const settings *s, const data_files *files, assembly *a, const char *work)
{
    const double values = (double)(a->data->samples / BATCH * BATCH * a->data->features);
    const double each = (double)a->value;
    check_batch(a, work);
    fight(s, files,
          &(duel){work, "memcpy of the rows", gather_batches, copy_batches, a,
                  values * (each + 4.0), values * 2.0 * each,
                  (double)(a->data->samples / BATCH * BATCH)});
}

/* Standardization and shuffling. */

typedef struct preparation {
    const lam_dataset *data;
    lam_model *model;
    uint32_t *order;
    uint64_t epoch;
} preparation;

static void standardize(void *context)
{
    const preparation *p = context;
    if (lam_model_standardize_input(p->model, p->data) != LAM_OK)
        fail("standardization");
}

static void shuffle(void *context)
{
    preparation *p = context;
    lam__stream stream = lam__stream_open(lam__derive_key(1, LAM__FOR_ORDER, 0), ++p->epoch);
    lam__permute(&stream, p->order, p->data->samples);
}

static void check_preparation(const preparation *p)
{
    const size_t samples = p->data->samples, features = p->data->features;
    const uint8_t *x = p->data->x;
    bool *seen = calloc(samples, sizeof *seen);
    for (size_t i = 0; seen && i < samples; i++) {
        expect(p->order[i] < samples && !seen[p->order[i]], "a permutation");
        seen[p->order[i]] = true;
    }
    free(seen);
    for (size_t j = features / 2; j < features; j += 97) {
        double sum = 0.0, squares = 0.0;
        for (size_t i = 0; i < samples; i++) {
            sum += x[i * features + j];
            squares += (double)x[i * features + j] * x[i * features + j];
        }
        const double mean = sum / (double)samples;
        const double std = sqrt(squares / (double)samples - mean * mean);
        expect(fabs(p->model->transform.mean[j] - mean) <= 1e-5 * fmax(1.0, mean) &&
                   fabs(p->model->transform.std[j] - std) <= 1e-4 * fmax(1.0, std),
               "mean and deviation");
    }
}

/* A share of the data as floats, about as many bytes. */
static lam_dataset *as_floats(const lam_dataset *data)
{
    const size_t samples = data->samples / 4 < BATCH ? data->samples : data->samples / 4;
    float *x = allocate(samples * data->features * sizeof *x);
    for (size_t i = 0; i < samples; i++)
        if (lam_dataset_sample(data, i, x + i * data->features) != LAM_OK)
            fail("a sample");
    lam_dataset *floats = lam_dataset_new(x, LAM_FLOAT32, samples, data->features, LAM_COPY);
    if (!floats)
        fail("floats");
    free(x);
    return floats;
}

static void run_batches(const settings *s, const data_files *files)
{
    const double n = (double)files->samples, bytes = n * (double)files->features;
    lam_dataset *data =
        lam_dataset_new(files->values, LAM_UINT8, files->samples, files->features, LAM_COPY);
    preparation p = {.data = data, .model = lam_model_new(files->features)};
    lam__transform scale = {0};
    if (!data || !p.model || lam__transform_scale(&scale, 0, 255, -1, 1) != LAM_OK)
        fail("batches");
    p.order = allocate(files->samples * sizeof *p.order);
    fight(s, files,
          &(duel){"standardize each feature", NULL, standardize, NULL, &p, bytes, 0.0, n});
    fight(s, files, &(duel){"shuffle the order", NULL, shuffle, NULL, &p, 4.0 * n, 0.0, n});
    check_preparation(&p);

    const size_t batch_bytes = BATCH * files->features * sizeof(float);
    assembly a = {data, &scale, NULL, allocate(batch_bytes), allocate(batch_bytes), 1};
    assemble(s, files, &a, "batches of bytes in order");
    a.order = p.order;
    assemble(s, files, &a, "batches of bytes");
    a.transform = &p.model->transform;
    assemble(s, files, &a, "batches of bytes, standardized");

    lam_dataset *floats = as_floats(data);
    lam__stream stream = lam__stream_open(lam__derive_key(1, LAM__FOR_ORDER, 0), 0);
    lam__permute(&stream, p.order, floats->samples);
    a = (assembly){floats, &scale, p.order, a.x, a.copy, sizeof(float)};
    assemble(s, files, &a, "batches of floats");
    a.transform = &p.model->transform;
    assemble(s, files, &a, "batches of floats, standardized");
    lam_dataset_free(floats);
    free(a.x);
    free(a.copy);
    free(p.order);
    lam__transform_clear(&scale);
    lam_model_free(p.model);
    lam_dataset_free(data);
}

static void usage(FILE *to)
{
    fputs("usage: bench_data [--data DIR] [--samples N] [--rounds N] [--json] [--quick]\n"
          "Loads the training files in DIR, /usr/share/datasets/fashion-mnist by default, plain\n"
          "and gzipped, and makes batches of 128 rows of them. Where there are none, N samples\n"
          "of the same shape are made up (60000). N rounds in turns (7). --quick: one round; only\n"
          "the results are checked.\n",
          to);
}

static void parse(settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const bool pair = strcmp(argv[i], "--data") == 0 || strcmp(argv[i], "--samples") == 0 ||
                          strcmp(argv[i], "--rounds") == 0;
        if (strcmp(argv[i], "--json") == 0) {
            s->json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            s->rounds = 1;
            s->samples = 2000;
        } else if (strcmp(argv[i], "--help") == 0) {
            usage(stdout);
            exit(0);
        } else if (pair && i + 1 < argc) {
            if (strcmp(argv[i], "--data") == 0)
                s->data = argv[i + 1];
            else if (strcmp(argv[i], "--samples") == 0)
                s->samples = measure_number("bench_data", argv[i], argv[i + 1], BATCH, 1000000);
            else
                s->rounds = measure_number("bench_data", argv[i], argv[i + 1], 1, MOST_ROUNDS);
            i++;
        } else {
            fprintf(stderr, "bench_data: '%s' %s\n", argv[i],
                    pair ? "needs a value" : "is no option");
            usage(stderr);
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    settings s = {.data = "/usr/share/datasets/fashion-mnist", .samples = 60000, .rounds = 7};
    parse(&s, argc, argv);
    const data_files *files = data_files_open(s.data, s.samples);
    report_open("data", s.json);
    report_text_width(30);
    if (!files->real)
        report_note("No data set in '%s': %zu samples of %zu bytes are made up.", s.data,
                    files->samples, files->features);
    report_note(
        "Files are in the page cache. Loading counts the bytes unpacked; batches count what "
        "is read and written.");
    run_loading(&s, files);
    run_batches(&s, files);
    return 0;
}
