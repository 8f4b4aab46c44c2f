/* bench_images.c: decoding, resizing and changing images on one core, beside the memcpy of what
 * comes out or, for JPEG, libjpeg-turbo alone.
 *
 * What is compared runs in turns; medians and the median of the ratios within a turn are printed.
 * Results are checked. */
#include <lamina/lamina.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <turbojpeg.h>

#include "data/augment.h"
#include "data/readers/images/image_fit.h"
#include "measure.h"
#include "report.h"

enum { MOST_ROUNDS = 99, SMALL = 28, WIDTH = 640, HEIGHT = 480 };

static size_t rounds = 7, repeats = 200;

/* An image as a file and as the pixels it must give. */
typedef struct picture {
    const char *work;
    size_t width, height, channels;
    uint8_t *pixels;
    unsigned char *file;
    size_t size;
    size_t times; /* decoded in a turn */
    lam__image_decoder decoder;
    tjhandle alone; /* JPEG */
    uint8_t *space;
} picture;

static void expect(bool right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "bench_images: %s: %s\n", what, lam_error_message());
    exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    expect(memory != NULL, "out of memory");
    return memory;
}

/* Smooth shapes with a little noise, as photographs have. */
static void draw(picture *p)
{
    const size_t values = p->width * p->height * p->channels;
    unsigned state = 1;
    p->pixels = allocate(values);
    p->space = allocate(values);
    for (size_t i = 0; i < values; i++) {
        const double x = (double)(i / p->channels % p->width),
                     y = (double)(i / p->channels / p->width);
        state = state * 1664525u + 1013904223u;
        const double value = 127 + 100 * sin(x / 9 + (double)(i % p->channels)) * cos(y / 7);
        p->pixels[i] = (uint8_t)(value + (double)(state >> 30));
    }
}

static void read_back(picture *p, const char *path)
{
    FILE *file = fopen(path, "rb");
    expect(file != NULL, path);
    p->file = allocate(1 << 22);
    p->size = fread(p->file, 1, 1 << 22, file);
    fclose(file);
    unlink(path);
}

static void make_png(picture *p)
{
    char path[] = "/tmp/bench_images.XXXXXX";
    const int fd = mkstemp(path);
    expect(fd >= 0, path);
    close(fd);
    expect(lam_image_write_png(path, p->pixels, p->width, p->height, p->channels) == LAM_OK, path);
    read_back(p, path);
}

static void make_jpeg(picture *p)
{
    tjhandle encoder = tjInitCompress();
    unsigned long size = 0;
    expect(encoder && tjCompress2(encoder, p->pixels, (int)p->width, 0, (int)p->height, TJPF_RGB,
                                  &p->file, &size, TJSAMP_420, 85, 0) == 0,
           "encoding");
    p->size = size;
    tjDestroy(encoder);
    p->alone = tjInitDecompress();
}

static void decode(void *context)
{
    picture *p = context;
    lam__image image = {.width = 0};
    for (size_t i = 0; i < p->times; i++)
        expect(lam__image_decode(&p->decoder, p->file, p->size, "image", &image) == LAM_OK,
               p->work);
    for (size_t i = 0; i < p->width * p->height * p->channels; i++)
        expect(abs(image.pixels[i] - p->pixels[i]) <= (p->alone ? 60 : 0), p->work);
}

static void decode_alone(void *context)
{
    picture *p = context;
    for (size_t i = 0; i < p->times && p->alone; i++)
        expect(tjDecompress2(p->alone, p->file, (unsigned long)p->size, p->space, (int)p->width, 0,
                             (int)p->height, TJPF_RGB, 0) == 0,
               "libjpeg-turbo");
    for (size_t i = 0; i < p->times && !p->alone; i++)
        memcpy(p->space, p->pixels, p->width * p->height * p->channels);
}

static void fit(void *context)
{
    picture *p = context;
    const lam__image image = {p->width, p->height, p->channels, p->pixels};
    const lam__image_shape shape = {SMALL, SMALL, 1, false};
    for (size_t i = 0; i < p->times; i++)
        expect(lam__image_fit(&p->decoder, &image, &shape, p->space) == LAM_OK, p->work);
}

static void change(void *context)
{
    picture *p = context;
    enum { VALUES = SMALL * SMALL };
    const lam__input image = {
        .kind = LAM_INPUT_IMAGE, .width = SMALL, .height = SMALL, .channels = 1};
    lam_fit_options options = lam_fit_options_default();
    float x[VALUES], work[VALUES];
    lam__augment augment;
    options.rotation = 10.0f;
    options.width_shift = options.height_shift = options.zoom = 0.1f;
    options.horizontal_flip = true;
    lam__augment_open(&augment, &options);
    for (size_t i = 0; i < p->times; i++) {
        lam__change one;
        for (size_t k = 0; k < VALUES; k++)
            x[k] = p->pixels[k];
        lam__augment_draw(&augment, &image, 1, (uint32_t)i, &one);
        lam__augment_apply(&augment, &image, VALUES, true, &one, x, work);
        expect(x[0] >= 0.0f && x[VALUES - 1] <= 255.0f, p->work);
    }
}

static double seconds_of(void (*run)(void *), void *context)
{
    const double start = measure_now();
    run(context);
    return measure_now() - start;
}

static void fight(picture *p, void (*run)(void *), const char *beside)
{
    double times[MOST_ROUNDS], other[MOST_ROUNDS], ratio = NAN;
    for (size_t r = 0; r < rounds; r++) {
        times[r] = seconds_of(run, p);
        if (beside)
            other[r] = seconds_of(decode_alone, p);
    }
    if (beside)
        ratio = measure_median_ratio(other, times, rounds);
    const double seconds = measure_median(times, rounds) / (double)p->times;
    const double pixels = (double)(p->width * p->height);
    report_begin();
    report_text("work", p->work);
    report_number("microseconds", 2, seconds * 1e6);
    report_number("megapixels_per_s", 1, pixels / seconds * 1e-6);
    report_text("beside", beside ? beside : "-");
    report_number("times_faster", 3, ratio);
    report_end();
}

static void close_picture(picture *p)
{
    lam__image_decoder_close(&p->decoder);
    if (p->alone) {
        tjDestroy(p->alone);
        tjFree(p->file);
    } else {
        free(p->file);
    }
    free(p->pixels);
    free(p->space);
}

static void run_small(void)
{
    picture p = {.work = "PNG, 28 x 28 gray",
                 .width = SMALL,
                 .height = SMALL,
                 .channels = 1,
                 .times = 10 * repeats};
    draw(&p);
    make_png(&p);
    fight(&p, decode, "memcpy");
    p.work = "change of 28 x 28: matrix, flip";
    fight(&p, change, NULL);
    close_picture(&p);
}

static void run_large(void)
{
    picture png = {.work = "PNG, 640 x 480 colour",
                   .width = WIDTH,
                   .height = HEIGHT,
                   .channels = 3,
                   .times = repeats / 20 + 1};
    picture jpeg = png;
    draw(&png);
    make_png(&png);
    fight(&png, decode, "memcpy");
    png.work = "640 x 480 colour to 28 x 28 gray";
    fight(&png, fit, NULL);
    close_picture(&png);
    jpeg.work = "JPEG, 640 x 480 colour";
    draw(&jpeg);
    make_jpeg(&jpeg);
    fight(&jpeg, decode, "libjpeg-turbo alone");
    close_picture(&jpeg);
}

int main(int argc, char **argv)
{
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            rounds = 1;
            repeats = 2;
        } else {
            fputs("usage: bench_images [--json] [--quick]\n"
                  "Decodes, resizes and changes images made here, on one core. --quick: one\n"
                  "round; only the results are checked.\n",
                  strcmp(argv[i], "--help") == 0 ? stdout : stderr);
            return strcmp(argv[i], "--help") == 0 ? 0 : 2;
        }
    }
    report_open("images", json);
    report_text_width(34);
    run_small();
    run_large();
    return 0;
}
