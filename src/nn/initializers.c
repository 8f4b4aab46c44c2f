/* initializers.c: the table of initializers. W is [rows][cols] = [in][out], so fan-in is rows and
 * fan-out is cols. Sources: Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015; Saxe et al.,
 * ICLR 2014; truncation as in Keras. */
#include "nn/initializers.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernels/blas/orthogonal.h"

/* Standard deviation of a standard normal deviate cut at -2 and 2. */
#define TRUNCATED_DEVIATION 0.87962566103423978

/* Largest parameter of "name:X". */
#define LARGEST_PARAMETER 1e6

static lam_status fill_constant(size_t n, float value, float *w)
{
    for (size_t i = 0; i < n; i++)
        w[i] = value;
    return LAM_OK;
}

/* Uniform in [-limit, limit). */
static lam_status fill_uniform(size_t n, double limit, lam__stream *stream, float *w)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (float)((2.0 * lam__next_uniform(stream) - 1.0) * limit);
    return LAM_OK;
}

static lam_status fill_normal(size_t n, double deviation, lam__stream *stream, float *w)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (float)(lam__next_normal(stream) * deviation);
    return LAM_OK;
}

/* Normal deviates, those beyond two standard deviations drawn anew, with this deviation after the
 * cut. */
static lam_status fill_truncated(size_t n, double deviation, lam__stream *stream, float *w)
{
    for (size_t i = 0; i < n; i++) {
        double x;
        do
            x = lam__next_normal(stream);
        while (fabs(x) > 2.0);
        w[i] = (float)(x * (deviation / TRUNCATED_DEVIATION));
    }
    return LAM_OK;
}

/* The functions of the rows. */
#define FILL(function)                                                                             \
    static lam_status function(size_t rows, size_t cols, double parameter, lam__stream *stream,    \
                               float *w)

FILL(zeros)
{
    (void)parameter, (void)stream;
    return fill_constant(rows * cols, 0.0f, w);
}

FILL(ones)
{
    (void)parameter, (void)stream;
    return fill_constant(rows * cols, 1.0f, w);
}

FILL(glorot_uniform)
{
    (void)parameter;
    return fill_uniform(rows * cols, sqrt(6.0 / ((double)rows + (double)cols)), stream, w);
}

FILL(glorot_normal)
{
    (void)parameter;
    return fill_truncated(rows * cols, sqrt(2.0 / ((double)rows + (double)cols)), stream, w);
}

FILL(he_uniform)
{
    (void)parameter;
    return fill_uniform(rows * cols, sqrt(6.0 / (double)rows), stream, w);
}

FILL(he_normal)
{
    (void)parameter;
    return fill_truncated(rows * cols, sqrt(2.0 / (double)rows), stream, w);
}

FILL(random_uniform)
{
    return fill_uniform(rows * cols, parameter, stream, w);
}

FILL(random_normal)
{
    return fill_normal(rows * cols, parameter, stream, w);
}

FILL(orthogonal)
{
    fill_normal(rows * cols, 1.0, stream, w);
    LAM__TRY(lam__orthogonalize(w, rows, cols));
    for (size_t i = 0; i < rows * cols; i++)
        w[i] = (float)(w[i] * parameter);
    return LAM_OK;
}

static const lam__initializer table_rows[] = {
    {.name = "glorot_uniform",
     .alias = "glorot",
     .help = "uniform, limit sqrt(6 / (in + out))",
     .fill = glorot_uniform},
    {.name = "glorot_normal",
     .help = "normal, truncated at two deviations, with deviation sqrt(2 / (in + out))",
     .fill = glorot_normal},
    {.name = "he_uniform", .help = "uniform, limit sqrt(6 / in)", .fill = he_uniform},
    {.name = "he_normal",
     .alias = "he",
     .help = "normal, truncated at two deviations, with deviation sqrt(2 / in)",
     .fill = he_normal},
    {.name = "random_normal",
     .alias = "normal",
     .help = "normal; normal:X sets the deviation (0.05)",
     .has_parameter = true,
     .parameter = 0.05,
     .fill = random_normal},
    {.name = "random_uniform",
     .alias = "uniform",
     .help = "uniform in -X..X; uniform:X sets the limit (0.05)",
     .has_parameter = true,
     .parameter = 0.05,
     .fill = random_uniform},
    {.name = "orthogonal",
     .help = "orthonormal rows or columns; orthogonal:X sets the gain (1)",
     .has_parameter = true,
     .parameter = 1.0,
     .fill = orthogonal},
    {.name = "zeros", .help = "0", .fill = zeros},
    {.name = "ones", .help = "1", .fill = ones},
};

LAM__CHECK_ROW(lam__initializer);

static const void *built_in(size_t i)
{
    return &table_rows[i];
}

lam__name_table lam__initializers = {
    .kind = "initializer",
    .built_in = built_in,
    .built_in_count = sizeof table_rows / sizeof *table_rows,
};

size_t lam__initializer_count(void)
{
    return lam__table_size(&lam__initializers);
}

const lam__initializer *lam__initializer_at(size_t i)
{
    return lam__table_at(&lam__initializers, i);
}

lam_status lam__parse_initializer(const char *text, const lam__initializer **initializer,
                                  double *parameter)
{
    char name[64];
    const char *colon = text ? strchr(text, ':') : NULL;
    const char *word = text;
    if (colon && (size_t)(colon - text) < sizeof name) {
        memcpy(name, text, (size_t)(colon - text));
        name[colon - text] = '\0';
        word = name;
    }
    const lam__initializer *found = lam__table_find(&lam__initializers, word);
    if (!found)
        return lam_error_status();
    double value = found->parameter;
    if (colon && !found->has_parameter)
        return lam__fail(LAM_ERR_ARGUMENT, "initializer '%s' takes no parameter: '%.100s'",
                         found->name, text);
    if (colon &&
        (!lam__parse_double(colon + 1, &value) || value < 0.0 || value > LARGEST_PARAMETER))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "'%.64s' in '%.100s' is not a parameter of initializer '%s': expected a "
                         "number in 0..%ld",
                         colon + 1, text, found->name, (long)LARGEST_PARAMETER);
    *initializer = found;
    *parameter = value;
    return LAM_OK;
}
