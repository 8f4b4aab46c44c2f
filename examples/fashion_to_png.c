/* fashion_to_png.c: exports a data set of images to a folder of PNG files.
 *
 *   example_fashion_to_png DATA FOLDER [LIMIT]
 *
 * Every sample becomes FOLDER/png/SPLIT/CLASS/NNNNN.png, with the number it has in DATA, so that
 * `lamina train FOLDER/png` reads what `lamina train DATA` reads: in the order of the classes.
 * FOLDER/idx gets the same samples in the same order as IDX files; both train to the same weights.
 * LIMIT: of each split, take this many samples. Without arguments: 100 samples of a set made here,
 * in a folder that is removed again. */
#include <lamina/lamina.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A set to export, one split. */
typedef struct export_job {
    const char *folder;
    const char *split;     /* "train" or "test" */
    const char *idx_split; /* "train" or "t10k" */
    const lam_dataset *data;
    size_t width, height, channels;
    FILE *images, *labels;
} export_job;

static int complain(const char *what, const char *name)
{
    fprintf(stderr, "fashion_to_png: %s %s\n", what, name);
    return 1;
}

/* Makes FOLDER, FOLDER/A, FOLDER/A/B ... where they are not there. */
static int make_folders(const char *path)
{
    char part[4096];
    const size_t length = strlen(path);
    if (length >= sizeof part)
        return complain("the path is too long:", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return complain("cannot make", part);
    }
    return 0;
}

static void write_number(FILE *file, size_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(number >> shift & 255), file);
}

/* Opens FOLDER/idx/SPLIT-NAME and writes its header. */
static FILE *open_idx(const export_job *job, const char *name, size_t rank, const size_t *sizes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/idx/%s-%s", job->folder, job->idx_split, name);
    FILE *file = fopen(path, "wb");
    if (!file) {
        complain("cannot create", path);
        return NULL;
    }
    write_number(file, 0x800 + rank); /* unsigned bytes */
    for (size_t i = 0; i < rank; i++)
        write_number(file, sizes[i]);
    return file;
}

/* All samples of one class, in their order. */
static int export_class(const export_job *job, int32_t class)
{
    const size_t values = job->width * job->height * job->channels;
    char path[4096];
    float *sample = malloc(values * sizeof *sample);
    unsigned char *pixels = malloc(values);
    int failed = !sample || !pixels;
    snprintf(path, sizeof path, "%s/png/%s/%d", job->folder, job->split, (int)class);
    failed = failed || make_folders(path);
    for (size_t i = 0; i < lam_dataset_samples(job->data) && !failed; i++) {
        if (lam_dataset_class(job->data, i) != class)
            continue;
        if (lam_dataset_sample(job->data, i, sample) != LAM_OK)
            failed = complain("", lam_error_message());
        for (size_t k = 0; k < values; k++)
            pixels[k] = (unsigned char)sample[k];
        snprintf(path, sizeof path, "%s/png/%s/%d/%05zu.png", job->folder, job->split, (int)class,
                 i);
        if (lam_image_write_png(path, pixels, job->width, job->height, job->channels) != LAM_OK)
            failed = complain("", lam_error_message());
        fwrite(pixels, 1, values, job->images);
        fputc((int)class, job->labels);
    }
    free(sample);
    free(pixels);
    return failed;
}

static int export_split(export_job *job)
{
    lam_input_info info;
    lam_dataset_input(job->data, &info);
    if (info.kind != LAM_INPUT_IMAGE || lam_dataset_dtype(job->data) != LAM_UINT8)
        return complain("these samples are no images of bytes:", job->split);
    job->width = info.width;
    job->height = info.height;
    job->channels = info.channels;
    const size_t sizes[4] = {lam_dataset_samples(job->data), info.height, info.width,
                             info.channels};
    job->images = open_idx(job, "images-idx3-ubyte", info.channels == 1 ? 3 : 4, sizes);
    job->labels = open_idx(job, "labels-idx1-ubyte", 1, sizes);
    int failed = !job->images || !job->labels;
    for (size_t c = 0; c < lam_dataset_classes(job->data) && !failed; c++)
        failed = export_class(job, (int32_t)c);
    if (job->images && fclose(job->images) != 0)
        failed = complain("cannot write the IDX files of", job->split);
    if (job->labels && fclose(job->labels) != 0)
        failed = complain("cannot write the IDX files of", job->split);
    return failed;
}

static int export_data(const char *data, const char *folder, size_t limit)
{
    char idx[4096];
    snprintf(idx, sizeof idx, "%s/idx", folder);
    int failed = make_folders(idx);
    for (int i = 0; i < 2 && !failed; i++) {
        lam_load_options options = lam_load_options_default();
        options.limit = limit;
        export_job job = {
            .folder = folder, .split = i ? "test" : "train", .idx_split = i ? "t10k" : "train"};
        lam_dataset *set = lam_dataset_load(data, i ? LAM_SPLIT_TEST : LAM_SPLIT_TRAIN, &options);
        job.data = set;
        failed = set ? export_split(&job) : complain("", lam_error_message());
        if (!failed)
            printf("%zu images in %s/png/%s\n", lam_dataset_samples(set), folder, job.split);
        lam_dataset_free(set);
    }
    return failed;
}

/* Without arguments: a small set, exported and read back. */
static int check(void)
{
    char folder[] = "/tmp/fashion_to_png.XXXXXX", command[64], path[64];
    unsigned char pixels[100][6 * 4];
    int32_t labels[100];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i / 24][i % 24] = (unsigned char)(i * 37 % 251);
    for (int i = 0; i < 100; i++)
        labels[i] = i * 7 % 3;
    if (!mkdtemp(folder))
        return complain("cannot make", folder);
    lam_dataset *set = lam_dataset_new(pixels, LAM_UINT8, 100, 24, LAM_COPY);
    export_job job = {.folder = folder, .split = "train", .idx_split = "train", .data = set};
    snprintf(path, sizeof path, "%s/idx", folder);
    int failed = !set || lam_dataset_set_classes(set, labels, 3) != LAM_OK ||
                 lam_dataset_set_image(set, 6, 4, 1) != LAM_OK || make_folders(path) != 0 ||
                 export_split(&job);
    lam_dataset_free(set);
    lam_dataset *idx = failed ? NULL : lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    snprintf(path, sizeof path, "%s/png", folder);
    lam_dataset *png = failed ? NULL : lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    failed = failed || !idx || !png || lam_dataset_samples(png) != 100;
    for (size_t i = 0; i < 100 && !failed; i++) {
        float a[24], b[24];
        failed = lam_dataset_sample(idx, i, a) != LAM_OK ||
                 lam_dataset_sample(png, i, b) != LAM_OK || memcmp(a, b, sizeof a) != 0 ||
                 lam_dataset_class(idx, i) != lam_dataset_class(png, i);
    }
    if (failed)
        complain("PNG and IDX files differ:", lam_error_message());
    lam_dataset_free(idx);
    lam_dataset_free(png);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 || failed;
}

int main(int argc, char **argv)
{
    if (argc == 1) /* a build without libpng has nothing to export */
        return strcmp(lam_build_info("images"), "yes") == 0 ? check() : 0;
    if (argc < 3) {
        fprintf(stderr, "usage: %s DATA FOLDER [LIMIT]\n", argv[0]);
        return 2;
    }
    return export_data(argv[1], argv[2], argc > 3 ? (size_t)strtoul(argv[3], NULL, 10) : 0);
}
