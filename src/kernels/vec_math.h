/* vec_math.h: exp, expm1, log, tanh, sigmoid and erf of a vector, without branches.
 *
 * Coefficients come from tests/kernels/make_polynomials.py, which prints their errors. Accuracy
 * over all floats is held by tests/kernels (exhaustively in the suite slow); it does not rest on
 * fused multiply-add, which the baseline lacks. Reduction by ln 2 in two parts: Cody, Waite,
 * "Software Manual for the Elementary Functions", 1980. */
#ifndef LAMINA_VEC_MATH_H
#define LAMINA_VEC_MATH_H

#include "vec.h"

#define VM_INFINITY __builtin_inff()
#define VM_NAN __builtin_nanf("")

#define VM_LOG2_E 0x1.715476p+0f
#define VM_LN2_HIGH 0x1.62e4p-1f   /* 15 bits: times |n| < 512 it is exact */
#define VM_LN2_LOW 0x1.7f7d1cp-20f /* ln 2 - VM_LN2_HIGH */
#define VM_ROUNDER 0x1.8p+23f      /* adding it leaves an integer in the low bits */
#define VM_ROUNDER_BITS 0x4b400000

/* x = n ln 2 + r: returns p = e^r - 1, with n as a float and as integers. |x| < 512. */
static inline vf v_reduced_expm1(vf x, vf *n, vi *bits)
{
    vf shifted = v_fma(x, v_set(VM_LOG2_E), v_set(VM_ROUNDER));
    *n = shifted - VM_ROUNDER;
    *bits = (vi)shifted - VM_ROUNDER_BITS;
    vf r = v_fma(*n, v_set(-VM_LN2_HIGH), x);
    r = v_fma(*n, v_set(-VM_LN2_LOW), r);
    vf q = v_set(0x1.6ac050p-10f);
    q = v_fma(q, r, v_set(0x1.122e28p-7f));
    q = v_fma(q, r, v_set(0x1.555796p-5f));
    q = v_fma(q, r, v_set(0x1.5554a8p-3f));
    q = v_fma(q, r, v_set(0x1.fffffep-2f));
    return v_fma(r * r, q, r);
}

/* e^x where -110 < x < 110, NaN. */
static inline vf v_exp_near(vf x)
{
    vf n;
    vi bits;
    vf p = v_reduced_expm1(x, &n, &bits);
    return v_scale2(1.0f + p, n, bits);
}

/* e^x for x <= 0 or NaN. */
static inline vf v_exp_negative(vf x)
{
    return v_exp_near(v_max(v_set(-105.0f), x));
}

static inline vf v_exp(vf x)
{
    return v_exp_near(v_min(v_set(90.0f), v_max(v_set(-105.0f), x)));
}

static inline vf v_expm1(vf x)
{
    vf n;
    vi bits;
    vf p = v_reduced_expm1(v_min(v_set(89.0f), v_max(v_set(-20.0f), x)), &n, &bits);
    vf half = v_power(bits - 1); /* 2^(n-1), since 2^128 is no float */
    vf y = v_fma(half, p, half - 0.5f) * 2.0f;
    return v_pick(v_lt(v_abs(x), v_set(0x1p-24f)), x, y);
}

/* log(1 + f) for -0.25 <= f <= 0.5, plus e ln 2. */
static inline vf v_log_parts(vf f, vf e)
{
    vf z = f * f;
    vf p = v_set(-0x1.6c3fd2p-5f);
    p = v_fma(p, f, v_set(0x1.aa352ep-4f));
    p = v_fma(p, f, v_set(-0x1.0d6222p-3f));
    p = v_fma(p, f, v_set(0x1.28a19ap-3f));
    p = v_fma(p, f, v_set(-0x1.54f5b0p-3f));
    p = v_fma(p, f, v_set(0x1.9968c6p-3f));
    p = v_fma(p, f, v_set(-0x1.00002cp-2f));
    p = v_fma(p, f, v_set(0x1.5555a4p-2f));
    vf y = v_fma(e, v_set(VM_LN2_LOW), f * z * p);
    y = v_fma(z, v_set(-0.5f), y);
    return v_fma(e, v_set(VM_LN2_HIGH), f + y);
}

#if defined(__AVX512F__)

/* getexp and getmant take denormals as they are and give the right thing for 0 (-inf and 1), for
 * infinity (inf and 1), for NaN, and, asked to, NaN for negative numbers. */
static inline vf v_log(vf x)
{
    __m512 m = _mm512_getmant_ps((__m512)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    __m512 e = _mm512_getexp_ps((__m512)x);
    __mmask16 below = _mm512_cmp_ps_mask(m, _mm512_set1_ps(1.0f), _CMP_LT_OQ);
    e = _mm512_mask_add_ps(e, below, e, _mm512_set1_ps(1.0f));
    return v_log_parts((vf)m - 1.0f, (vf)e);
}

#else

static inline vf v_log(vf x)
{
    const uint32_t three_quarters = 0x3f400000;
    vm tiny = v_lt(x, v_set(0x1p-126f));
    vf normal = v_pick(tiny, x * 0x1p+23f, x);
    vi e = (vi)((vu)normal - three_quarters) >> 23;
    vf m = (vf)((vu)normal - ((vu)e << 23));
    vf y = v_log_parts(m - 1.0f, v_float(e) - v_keep(tiny, v_set(23.0f)));
    y = v_pick(v_lt(x, v_set(VM_INFINITY)), y, x); /* infinity and NaN stay */
    vf not_positive = v_pick(v_eq(x, v_set(0.0f)), v_set(-VM_INFINITY), v_set(VM_NAN));
    return v_pick(v_le(x, v_set(0.0f)), not_positive, y);
}

#endif

/* log(1 + x) for 0 <= x <= 1, NaN: Kahan's correction for the rounding of 1 + x, to first order. */
static inline vf v_log1p_unit(vf x)
{
    vf u = 1.0f + x;
    vm upper = v_lt(v_set(1.5f), u);
    vf e = v_keep(upper, v_set(1.0f));
    vf f = v_pick(upper, u * 0.5f, u) - 1.0f;
    return v_log_parts(f, e) + (x - (u - 1.0f)) / u;
}

static inline vf v_tanh(vf x)
{
    vf n;
    vi bits;
    vf a = v_min(v_set(10.0f), v_abs(x));
    vf p = v_reduced_expm1(a + a, &n, &bits);
    vf scale = v_power(bits);
    vf t = v_fma(scale, p, scale - 1.0f); /* e^2a - 1 */
    return v_with_sign(t / (t + 2.0f), v_sign(x));
}

/* sigmoid(x) with *e = e^-|x|, which others need too. */
static inline vf v_sigmoid_parts(vf x, vf *e)
{
    *e = v_exp_negative((vf)((vi)x | (int32_t)0x80000000));
    return v_pick(v_lt(x, v_set(0.0f)), *e, v_set(1.0f)) / (1.0f + *e);
}

static inline vf v_sigmoid(vf x)
{
    vf e;
    return v_sigmoid_parts(x, &e);
}

static inline vf v_erf(vf x)
{
    vf z = x * x;
    vf p = v_set(0x1.4771fep-14f);
    p = v_fma(p, z, v_set(-0x1.a3515ep-11f));
    p = v_fma(p, z, v_set(0x1.53f224p-8f));
    p = v_fma(p, z, v_set(-0x1.b7f71ap-6f));
    p = v_fma(p, z, v_set(0x1.ce2ce6p-4f));
    p = v_fma(p, z, v_set(-0x1.81273ep-2f));
    p = v_fma(p, z, v_set(0x1.06eba8p-3f));
    vf small = v_fma(p, x, x);

    vf a = v_min(v_set(4.0f), v_abs(x)); /* erf rounds to 1 before */
    vf g = v_set(0x1.86dcaap-13f);       /* log(1 - erf(a)) */
    g = v_fma(g, a, v_set(-0x1.825a5cp-9f));
    g = v_fma(g, a, v_set(0x1.65cb26p-6f));
    g = v_fma(g, a, v_set(-0x1.a6531cp-4f));
    g = v_fma(g, a, v_set(-0x1.46baf0p-1f));
    g = v_fma(g, a, v_set(-0x1.2088eap+0f));
    g = v_fma(g, a, v_set(-0x1.661cfep-12f));
    vf large = v_with_sign(1.0f - v_exp_near(g), v_sign(x));
    return v_pick(v_lt(v_abs(x), v_set(1.0f)), small, large);
}

#endif
