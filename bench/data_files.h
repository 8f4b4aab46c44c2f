/* data_files.h: a data set as IDX files, plain and gzipped, and as the bytes in them. */
#ifndef LAMINA_BENCH_DATA_FILES_H
#define LAMINA_BENCH_DATA_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct data_files {
    bool real; /* not made up */
    size_t samples, features;
    uint8_t *values;             /* [samples][features] */
    int32_t *labels;             /* [samples] */
    char plain[256];             /* a folder with the files of the training split, temporary */
    char packed[256];            /* the same with gzipped files; "" in a build without gzip */
    char plain_images[320];      /* one file of each */
    char packed_images[320];     /* or "" */
    unsigned char *packed_bytes; /* what packed_images holds, or NULL */
    size_t packed_size;
} data_files;

/* Reads the training split in `folder`, or makes up `samples` samples of Fashion-MNIST's shape, and
 * writes the files there are not. Ends the program on failure; at its end, however it comes, the
 * temporary files are removed. Once per program. */
const data_files *data_files_open(const char *folder, size_t samples);

/* Unpacks packed_bytes with zlib and nothing else to `to`, which has room for header and values.
 * Returns how many bytes came, 0 on failure and in a build without gzip. */
size_t data_files_inflate(const data_files *files, uint8_t *to, size_t room);

#endif
