/* kernel_rows.c: the rows of the kernel table as calls on arrays of one size. */
#include "kernel_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run_unary(const void *slot, work *w)
{
    (*(lam__unary_kernel *const *)slot)(w->n, w->f[0], w->f[1]);
}

static void run_affine_u8(const void *slot, work *w)
{
    (*(lam__affine_u8_kernel *const *)slot)(w->n, w->bytes, 1.0f / 127.5f, -1.0f, w->f[1]);
}

static void run_affine_f32(const void *slot, work *w)
{
    (*(lam__affine_f32_kernel *const *)slot)(w->n, w->f[0], 1.0f / 127.5f, -1.0f, w->f[1]);
}

static void run_affine_each_u8(const void *slot, work *w)
{
    (*(lam__affine_each_u8_kernel *const *)slot)(w->n, w->bytes, w->f[0], w->f[2], w->f[1]);
}

static void run_affine_each_f32(const void *slot, work *w)
{
    (*(lam__affine_each_f32_kernel *const *)slot)(w->n, w->f[3], w->f[0], w->f[2], w->f[1]);
}

static void run_forward(const void *slot, work *w)
{
    (*(lam__forward_kernel *const *)slot)(w->rows, w->cols, w->cols, w->bias, w->f[1]);
}

static void run_backward(const void *slot, work *w)
{
    (*(lam__backward_kernel *const *)slot)(w->rows, w->cols, w->cols, w->f[0], w->f[0], w->f[1]);
}

static void run_loss(const void *slot, work *w)
{
    lam__loss_args a = {.rows = w->rows,
                        .cols = w->cols,
                        .ld = w->cols,
                        .y = w->f[0],
                        .targets = w->f[2],
                        .scale = 1.0f,
                        .dy = w->f[1]};
    w->result = (*(lam__loss_kernel *const *)slot)(&a);
}

static void run_update(const void *slot, work *w)
{
    lam__update_args a = {.n = w->n,
                          .w = w->f[1],
                          .g = w->f[0],
                          .m = w->f[2],
                          .v = w->f[3],
                          .learning_rate = 1e-3f,
                          .momentum = 0.9f,
                          .beta_1 = 0.9f,
                          .beta_2 = 0.999f,
                          .epsilon = 1e-7f,
                          .correction_1 = 1.5f,
                          .correction_2 = 50.0f};
    (*(lam__update_kernel *const *)slot)(&a);
}

static void run_penalty(const void *slot, work *w)
{
    w->result = (*(lam__penalty_kernel *const *)slot)(w->n, w->f[0], 1e-4f, 1e-4f, w->f[1]);
}

static void run_checked_copy(const void *slot, work *w)
{
    w->result = (double)(*(lam__checked_copy_kernel *const *)slot)(w->n, w->f[0], false, w->f[1]);
}

static void run_column_sums(const void *slot, work *w)
{
    (*(lam__column_sums_kernel *const *)slot)(w->rows, w->cols, w->cols, w->f[0], w->bias);
}

static void run_dropout(const void *slot, work *w)
{
    lam__dropout_args a = {.rows = w->rows,
                           .cols = w->cols,
                           .ld = w->cols,
                           .x = w->f[0],
                           .y = w->f[1],
                           .mask = w->mask,
                           .scale = 1.25f,
                           .key = {1, 2},
                           .step = 3,
                           .threshold = 0x33333333u};
    (*(lam__dropout_kernel *const *)slot)(&a);
}

/* Each kernel uses some of these; the statistics are any numbers in (0, 1). */
static void run_norm(const void *slot, work *w)
{
    lam__norm_args a = {.rows = w->rows,
                        .cols = w->cols,
                        .ldx = w->cols,
                        .ldy = w->cols,
                        .x = w->f[0],
                        .gamma = w->bias,
                        .epsilon = 1e-3f,
                        .y = w->f[3],
                        .stats = w->f[1],
                        .dy = w->f[2],
                        .dx = w->f[3],
                        .sums = w->f[3]};
    (*(lam__norm_kernel *const *)slot)(&a);
}

static const family family_unary = {run_unary, "01", 8},
                    family_affine_u8 = {run_affine_u8, "1b", 5},
                    family_affine_f32 = {run_affine_f32, "01", 8},
                    family_affine_each_u8 = {run_affine_each_u8, "012b", 13},
                    family_affine_each_f32 = {run_affine_each_f32, "0123", 16},
                    family_forward = {run_forward, "1", 8},
                    family_backward = {run_backward, "01", 12}, family_loss = {run_loss, "012", 12},
                    family_update = {run_update, "0123", 28},
                    family_penalty = {run_penalty, "01", 12},
                    family_checked_copy = {run_checked_copy, "01", 8},
                    family_column_sums = {run_column_sums, "0", 4},
                    family_dropout = {run_dropout, "01m", 8.125},
                    family_norm = {run_norm, "0123", 12};

const kernel_row kernel_rows[] = {
#define ROW(name, type, help) {#name, offsetof(lam__kernels, name), &family_##type},
    LAM__KERNEL_LIST(ROW)
#undef ROW
};
const size_t kernel_row_count = sizeof kernel_rows / sizeof *kernel_rows;

/* Kernels that differ from their family: other bytes (0 = the family's), or much arithmetic. */
static const struct trait {
    const char *name;
    double moved;
    bool arithmetic;
} traits[] = {
    {"exp", 0, true},
    {"expm1", 0, true},
    {"log", 0, true},
    {"tanh", 0, true},
    {"sigmoid", 0, true},
    {"erf", 0, true},
    {"sigmoid_forward", 0, true},
    {"tanh_forward", 0, true},
    {"softmax_forward", 0, true},
    {"softmax_crossentropy", 16, true}, /* writes the probabilities too */
    {"sigmoid_crossentropy", 16, true},
    {"categorical_crossentropy", 0, true},
    {"binary_crossentropy", 0, true},
    {"sgd", 20, false},   /* has no second moment */
    {"dropout", 0, true}, /* Philox */
    {"layer_norm", 8, false},
    {"layer_norm_sums", 8, false},
};

static const struct trait *trait_of(const kernel_row *row)
{
    for (size_t i = 0; i < sizeof traits / sizeof *traits; i++)
        if (strcmp(traits[i].name, row->name) == 0)
            return traits + i;
    return NULL;
}

double kernel_moved(const kernel_row *row)
{
    const struct trait *t = trait_of(row);
    return t && t->moved > 0.0 ? t->moved : row->family->moved;
}

double kernel_footprint(const kernel_row *row)
{
    double bytes = 0.0;
    for (const char *c = row->family->uses; *c; c++)
        bytes += *c == 'b' ? 1.0 : *c == 'm' ? 0.125 : 4.0;
    return bytes;
}

bool kernel_is_arithmetic(const kernel_row *row)
{
    const struct trait *t = trait_of(row);
    return t && t->arithmetic;
}

/* Large blocks all begin at the same place of a page, where stores to one array
 * look like stores to what is loaded from another; here they begin in different lines. */
static void *grab(work *w, size_t size)
{
    enum { LINE = 64, STAGGER = 9 * LINE };
    const size_t before = w->blocks * STAGGER;
    char *p = aligned_alloc(LINE, before + (size + LINE - 1) / LINE * LINE);
    if (!p) {
        fprintf(stderr, "bench_kernels: out of memory\n");
        exit(EXIT_FAILURE);
    }
    w->block[w->blocks++] = p;
    return p + before;
}

work work_open(const kernel_row *row, size_t row_count, size_t cols)
{
    work w = {.rows = row_count, .cols = cols, .n = row_count * cols};
    for (const char *c = row->family->uses; *c; c++)
        if (*c == 'b')
            w.bytes = grab(&w, w.n);
        else if (*c == 'm')
            w.mask = grab(&w, row_count * ((cols + 63) / 64) * sizeof *w.mask);
        else
            w.f[*c - '0'] = grab(&w, w.n * sizeof(float));
    w.bias = grab(&w, cols * sizeof(float));
    return w;
}

void work_close(work *w)
{
    for (size_t j = 0; j < w->blocks; j++)
        free(w->block[j]);
}

static void fill_floats(uint32_t *state, size_t n, float *x)
{
    for (size_t i = 0; x && i < n; i++) {
        *state = *state * 1664525u + 1013904223u;
        x[i] = ((float)(*state >> 9) + 0.5f) * 0x1p-23f;
    }
}

void work_fill(work *w)
{
    uint32_t state = 1;
    for (int j = 0; j < WORK_FLOATS; j++)
        fill_floats(&state, w->n, w->f[j]);
    fill_floats(&state, w->cols, w->bias);
    for (size_t i = 0; w->bytes && i < w->n; i++)
        w->bytes[i] = (uint8_t)(i * 37);
    if (w->mask)
        memset(w->mask, 0x5a, w->rows * ((w->cols + 63) / 64) * sizeof *w->mask);
    w->result = 0.0;
}
