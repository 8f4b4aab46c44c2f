/* kernel_rows.h: the rows of the kernel table as calls on arrays of one size, with what each moves.
 */
#ifndef LAMINA_BENCH_KERNEL_ROWS_H
#define LAMINA_BENCH_KERNEL_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

enum { WORK_FLOATS = 4 };

/* The arrays a kernel works on, [rows][cols] each; those it does not use are NULL. */
typedef struct work {
    size_t rows, cols, n;
    float *f[WORK_FLOATS];
    float *bias;    /* [cols] */
    uint8_t *bytes; /* [rows][cols] */
    uint64_t *mask; /* [rows][(cols + 63) / 64] */
    double result;  /* of kernels that return one */
    size_t blocks;
    void *block[WORK_FLOATS + 3]; /* what to free */
} work;

/* What the kernels of one signature have in common. */
typedef struct family {
    void (*run)(const void *slot, work *w); /* calls the kernel whose pointer is at `slot` */
    const char *uses;                       /* arrays: digits of f, b = bytes, m = mask */
    double moved;                           /* bytes per element, read and written */
} family;

/* One kernel. */
typedef struct kernel_row {
    const char *name;
    size_t slot; /* offset in lam__kernels */
    const family *family;
} kernel_row;

extern const kernel_row kernel_rows[];
extern const size_t kernel_row_count;

/* Bytes an element that a kernel reads and writes. */
double kernel_moved(const kernel_row *row);

/* Bytes an element of all arrays together. */
double kernel_footprint(const kernel_row *row);

/* Whether arithmetic, not the bandwidth of the second-level cache, decides its speed. */
bool kernel_is_arithmetic(const kernel_row *row);

work work_open(const kernel_row *row, size_t rows, size_t cols);
void work_close(work *w);

/* Sets the same values each time: in (0, 1), which every kernel takes. */
void work_fill(work *w);

#endif
