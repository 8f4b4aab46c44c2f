/* quantized.h: the inside of lam_quantized.
 *
 * A byte q of a stage stands for low + q * step. A dense layer sums integers, sum[j] = bias[j] +
 * sum_i weight[j][i] q[i], so that what comes out is sum[j] * scale, scale being the product of
 * the steps of its input and of its weights. The range's lower ends, of input and output, are in
 * the bias. Layer normalization makes whole numbers of 2^-12 of its input, and sums
 * bias[j] + gamma[j] t[j]. Of other layers whose output j depends on input j alone there is a table
 * for each j, of 256 results. docs/formats.md says the same at length. */
#ifndef LAMINA_QUANTIZED_H
#define LAMINA_QUANTIZED_H

#include <stdint.h>

#include <lamina/quantize.h>

#include "model/network.h"

/* How sums become what the next layer reads. */
typedef enum lam__q_kind {
    LAM__Q_BYTES, /* linear, relu: scaled to bytes, cut off at 0 and 255 */
    LAM__Q_TABLE, /* elementwise: scaled to an index of a table of bytes */
    LAM__Q_ROW,   /* rowwise inside the network: floats, the activation, bytes again */
    LAM__Q_FLOATS /* the last layer: floats and the activation */
} lam__q_kind;

enum { LAM__Q_BYTE_VALUES = 256, LAM__Q_TABLE_SIZE = 1024, LAM__Q_INPUTS_MOST = 24576 };

typedef struct lam__q_layer {
    const lam__layer *layer;
    size_t index; /* of the layer in the model */
    lam__q_kind kind;
    signed char *weight;  /* dense: [out][in] */
    int *gamma;           /* layer_norm: [out] */
    uint64_t epsilon;     /* layer_norm: epsilon n^2 / step^2 of its input */
    unsigned char *bytes; /* tables: [out][256] of inputs, or NULL: */
    float *floats;        /* the same, of rows and floats: z */
    int *bias;            /* [out] */
    int *multiplier;      /* [out] bytes and tables: (sum * multiplier + half) >> shift */
    unsigned char *shift; /* [out] 1..62 */
    float *scale;         /* [out] rows and floats: z = sum * scale */
    unsigned char *table; /* [LAM__Q_TABLE_SIZE], or NULL */
    float low, twice;     /* rows: byte = ((y - low) * twice + 1) / 2 in integers */
} lam__q_layer;

struct lam_quantized {
    const lam_model *model;
    lam__q_layer *layers; /* [layer_count] */
    size_t layer_count;
    /* of the input: byte = ((x - low) * twice + 1) / 2; one for all, or one per feature */
    bool each;
    float *low, *twice; /* [1] or [features] */
};

/* Floats to bytes: ((x - low) * twice + 1) >> 1, cut off at 0 and 255. No product is added to
 * anything, so that no compiler can fuse the two and change a bit. */
unsigned char lam__q_byte(float x, float low, float twice);

/* Layer normalization of bytes x[n], in integers: (x - mean) / deviation is
 * (n x - total) 2^16 / root in units of 2^-12. */
typedef struct lam__q_norm {
    int64_t n, total, root;
} lam__q_norm;

lam__q_norm lam__q_norm_of(const unsigned char *x, size_t n, uint64_t epsilon);

/* Whether the layer is one of tables. */
static inline bool lam__q_is_tables(const lam__q_layer *layer)
{
    return layer->layer->type->integers == LAM__INTEGER_TABLES;
}

/* (sum * multiplier + half) >> shift, cut off at 0 and `most`. */
unsigned lam__q_scaled(int sum, int multiplier, unsigned shift, unsigned most);

#endif
