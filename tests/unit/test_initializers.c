/* test_initializers.c: the distributions of start values, and their names. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/blas/gemm.h"
#include "kernels/blas/orthogonal.h"
#include "nn/initializers.h"

enum { IN = 200, OUT = 300, COUNT = IN * OUT };

static float w[COUNT], other[COUNT];

static void draw(const char *text, uint64_t seed, uint32_t tensor, size_t rows, size_t cols,
                 float *values)
{
    const lam__initializer *initializer;
    double parameter;
    cr_assert_eq(lam__parse_initializer(text, &initializer, &parameter), LAM_OK, "%s",
                 lam_error_message());
    lam__stream stream = lam__stream_open(lam__derive_key(seed, LAM__FOR_INITIAL, tensor), 0);
    cr_assert_eq(initializer->fill(rows, cols, parameter, &stream, values), LAM_OK, "%s",
                 lam_error_message());
}

typedef struct moments {
    double mean, deviation, skew, kurtosis, largest;
} moments;

static moments moments_of(const float *values, size_t n)
{
    moments m = {0};
    for (size_t i = 0; i < n; i++)
        m.mean += (double)values[i] / (double)n;
    double m2 = 0, m3 = 0, m4 = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)values[i] - m.mean;
        m2 += d * d / (double)n;
        m3 += d * d * d / (double)n;
        m4 += d * d * d * d / (double)n;
        m.largest = fmax(m.largest, fabs((double)values[i]));
    }
    m.deviation = sqrt(m2);
    m.skew = m3 / (m2 * m.deviation);
    m.kurtosis = m4 / (m2 * m2);
    return m;
}

/* Expected: deviation; kurtosis 1.8 of a uniform, 3 of a normal distribution, 2.0629 of a normal
 * one cut at two deviations; largest absolute value, 0 where there is no bound. The tolerances
 * are five standard errors of 60000 values. */
static void check(const char *text, double deviation, double kurtosis, double bound)
{
    draw(text, 1, 0, IN, OUT, w);
    const moments m = moments_of(w, COUNT);
    const double error = 1.0 / sqrt((double)COUNT);
    cr_expect_float_eq(m.mean, 0.0, 5 * error * deviation, "%s: mean %g", text, m.mean);
    cr_expect_float_eq(m.deviation, deviation, 5 * error * deviation, "%s: deviation %g, not %g",
                       text, m.deviation, deviation);
    cr_expect_float_eq(m.skew, 0.0, 5 * sqrt(6.0) * error, "%s: skew %g", text, m.skew);
    cr_expect_float_eq(m.kurtosis, kurtosis, 5 * sqrt(24.0) * error, "%s: kurtosis %g", text,
                       m.kurtosis);
    if (bound > 0.0) {
        cr_expect_leq(m.largest, bound * (1 + 1e-6), "%s: %g beyond %g", text, m.largest, bound);
        cr_expect_geq(m.largest, bound * 0.995, "%s: %g far from %g", text, m.largest, bound);
    } else {
        cr_expect_geq(m.largest, 3.5 * deviation, "%s is cut", text);
    }
}

Test(initializers, uniform)
{
    const double glorot = sqrt(6.0 / (IN + OUT)), he = sqrt(6.0 / IN), root = sqrt(3.0);
    check("glorot_uniform", glorot / root, 1.8, glorot);
    check("glorot", glorot / root, 1.8, glorot);
    check("he_uniform", he / root, 1.8, he);
    check("random_uniform", 0.05 / root, 1.8, 0.05);
    check("uniform:2", 2 / root, 1.8, 2);
}

Test(initializers, normal)
{
    check("random_normal", 0.05, 3.0, 0.0);
    check("normal", 0.05, 3.0, 0.0);
    check("normal:0.01", 0.01, 3.0, 0.0);
}

/* Values beyond two deviations of the normal before the cut do not occur, and the deviation after
 * the cut is the one asked for. Kurtosis of the cut normal: with m2 and m4 its central moments. */
Test(initializers, normal_cut)
{
    const double density = exp(-2.0) / sqrt(2.0 * acos(-1.0)), mass = erf(2.0 / sqrt(2.0));
    const double m2 = 1.0 - 4.0 * density / mass, m4 = 3.0 * m2 - 16.0 * density / mass;
    const double kurtosis = m4 / (m2 * m2);
    cr_assert_float_eq(sqrt(m2), 0.87962566103423978, 1e-15);
    const double glorot = sqrt(2.0 / (IN + OUT)), he = sqrt(2.0 / IN);
    check("glorot_normal", glorot, kurtosis, 2.0 * glorot / sqrt(m2));
    check("he_normal", he, kurtosis, 2.0 * he / sqrt(m2));
    check("he", he, kurtosis, 2.0 * he / sqrt(m2));
}

Test(initializers, constants)
{
    draw("zeros", 1, 0, IN, OUT, w);
    draw("ones", 1, 0, IN, OUT, other);
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(w[i], 0.0f);
        cr_assert_eq(other[i], 1.0f);
    }
}

/* Rows or columns, whichever are fewer, are orthonormal. */
static void check_orthogonal(size_t rows, size_t cols, double gain, const float *q)
{
    const size_t n = rows < cols ? rows : cols, length = rows < cols ? cols : rows;
    const size_t step = rows < cols ? 1 : cols, next = rows < cols ? cols : 1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++) {
            double dot = 0.0;
            for (size_t k = 0; k < length; k++)
                dot += (double)q[i * next + k * step] * (double)q[j * next + k * step];
            cr_assert_float_eq(dot, i == j ? gain * gain : 0.0, 1e-5, "%zux%zu: %zu with %zu: %g",
                               rows, cols, i, j, dot);
        }
}

Test(initializers, orthogonal)
{
    if (!lam__has_lapack())
        cr_skip_test("built without LAPACK");
    cr_assert_eq(lam__blas_acquire(), LAM_OK);
    static const size_t shapes[][2] = {{40, 40}, {20, 70}, {70, 20}, {1, 9}, {9, 1}, {1, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        draw("orthogonal", 5, 0, shapes[i][0], shapes[i][1], w);
        check_orthogonal(shapes[i][0], shapes[i][1], 1.0, w);
        draw("orthogonal:1.5", 5, 0, shapes[i][0], shapes[i][1], w);
        check_orthogonal(shapes[i][0], shapes[i][1], 1.5, w);
    }
    lam__blas_release();
}

/* Values are a function of (seed, tensor) alone. */
Test(initializers, are_keyed_by_seed_and_tensor)
{
    for (size_t i = 0; i < lam__initializer_count(); i++) {
        const char *name = lam__initializer_at(i)->name;
        if (strcmp(name, "zeros") == 0 || strcmp(name, "ones") == 0 ||
            (strcmp(name, "orthogonal") == 0 && !lam__has_lapack()))
            continue;
        enum { ROWS = 20, COLS = 30, N = ROWS * COLS };
        draw(name, 1, 0, ROWS, COLS, w);
        draw(name, 1, 0, ROWS, COLS, other);
        cr_expect_arr_eq(w, other, N * sizeof *w, "%s: the same key", name);
        static const struct {
            uint64_t seed;
            uint32_t tensor;
        } keys[] = {{2, 0}, {1, 1}, {1ull << 32 | 1, 0}};
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            draw(name, keys[k].seed, keys[k].tensor, ROWS, COLS, other);
            size_t equal = 0;
            double dot = 0, a = 0, b = 0;
            for (size_t j = 0; j < N; j++) {
                equal += w[j] == other[j];
                dot += (double)w[j] * (double)other[j];
                a += (double)w[j] * (double)w[j];
                b += (double)other[j] * (double)other[j];
            }
            cr_expect_leq(equal, 2, "%s, key %zu", name, k);
            cr_expect_lt(fabs(dot / sqrt(a * b)), 0.25, "%s, key %zu: correlated", name, k);
        }
    }
}

Test(initializers, names)
{
    const lam__initializer *initializer;
    double parameter;
    cr_assert_eq(lam__parse_initializer("normal:0.125", &initializer, &parameter), LAM_OK);
    cr_expect_str_eq(initializer->name, "random_normal");
    cr_expect_eq(parameter, 0.125);
    cr_assert_eq(lam__parse_initializer("normal", &initializer, &parameter), LAM_OK);
    cr_expect_eq(parameter, 0.05);
    static const struct {
        const char *text;
        lam_status status;
        const char *message;
    } bad[] = {
        {NULL, LAM_ERR_ARGUMENT, "NULL"},
        {"", LAM_ERR_NAME, "unknown initializer"},
        {"norml", LAM_ERR_NAME, "did you mean 'normal'"},
        {"norml:1", LAM_ERR_NAME, "did you mean 'normal'"},
        {":1", LAM_ERR_NAME, "unknown initializer"},
        {"normal:", LAM_ERR_ARGUMENT, "''"},
        {"normal:1x", LAM_ERR_ARGUMENT, "'1x'"},
        {"normal:1:2", LAM_ERR_ARGUMENT, "'1:2'"},
        {"normal:-0.5", LAM_ERR_ARGUMENT, "0..1000000"},
        {"normal:1e9", LAM_ERR_ARGUMENT, "'1e9'"},
        {"zeros:1", LAM_ERR_ARGUMENT, "'zeros' takes no parameter"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cr_expect_eq(lam__parse_initializer(bad[i].text, &initializer, &parameter), bad[i].status,
                     "%s", bad[i].text ? bad[i].text : "NULL");
        cr_expect(strstr(lam_error_message(), bad[i].message), "%s", lam_error_message());
    }
}
