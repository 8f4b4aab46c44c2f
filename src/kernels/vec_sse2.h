/* vec_sse2.h: vec.h for SSE2, the baseline of x86-64. */
#ifndef LAMINA_VEC_SSE2_H
#define LAMINA_VEC_SSE2_H

#include <emmintrin.h>

typedef __m128 vm; /* all bits of a lane alike */

static inline vf v_load(const float *p)
{
    return (vf)_mm_loadu_ps(p);
}

static inline vf v_load_n(const float *p, size_t n)
{
    vf v = {0};
    switch (n) {
    case 1:
        v[0] = p[0];
        break;
    case 2:
        v = (vf){p[0], p[1]};
        break;
    case 3:
        v = (vf){p[0], p[1], p[2]};
        break;
    }
    return v;
}

static inline void v_store(float *p, vf v)
{
    _mm_storeu_ps(p, (__m128)v);
}

static inline void v_stream(float *p, vf v)
{
    _mm_stream_ps(p, (__m128)v);
}

static inline void v_store_n(float *p, vf v, size_t n)
{
    switch (n) {
    case 3:
        p[2] = v[2]; /* fall through */
    case 2:
        p[1] = v[1]; /* fall through */
    case 1:
        p[0] = v[0];
    }
}

static inline vf v_bytes(uint32_t bytes)
{
    __m128i zero = _mm_setzero_si128();
    __m128i x = _mm_unpacklo_epi8(_mm_cvtsi32_si128((int)bytes), zero);
    return (vf)_mm_cvtepi32_ps(_mm_unpacklo_epi16(x, zero));
}

static inline vf v_load_u8(const uint8_t *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return v_bytes(bytes);
}

static inline vf v_load_u8_n(const uint8_t *p, size_t n)
{
    uint32_t bytes = 0;
    for (size_t i = 0; i < n && i < 4; i++)
        bytes |= (uint32_t)p[i] << 8 * i;
    return v_bytes(bytes);
}

static inline vf v_fma(vf a, vf b, vf c)
{
    return a * b + c;
}

static inline vf v_max(vf a, vf b)
{
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
}

static inline vf v_min(vf a, vf b)
{
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
}

static inline vf v_sqrt(vf a)
{
    return (vf)_mm_sqrt_ps((__m128)a);
}

static inline vf v_quotient(vf a, vf b)
{
    return a / b;
}

static inline vm v_lt(vf a, vf b)
{
    return _mm_cmplt_ps((__m128)a, (__m128)b);
}

static inline vm v_le(vf a, vf b)
{
    return _mm_cmple_ps((__m128)a, (__m128)b);
}

static inline vm v_eq(vf a, vf b)
{
    return _mm_cmpeq_ps((__m128)a, (__m128)b);
}

/* SSE2 compares signed only. */
static inline vm v_u32_ge(vu a, vu b)
{
    const __m128i flip = _mm_set1_epi32((int)0x80000000u);
    __m128i less =
        _mm_cmplt_epi32(_mm_xor_si128((__m128i)a, flip), _mm_xor_si128((__m128i)b, flip));
    return _mm_castsi128_ps(_mm_xor_si128(less, _mm_set1_epi32(-1)));
}

static inline vf v_pick(vm m, vf a, vf b)
{
    return (vf)_mm_or_ps(_mm_and_ps(m, (__m128)a), _mm_andnot_ps(m, (__m128)b));
}

static inline vf v_keep(vm m, vf a)
{
    return (vf)_mm_and_ps(m, (__m128)a);
}

static inline unsigned v_bits(vm m)
{
    return (unsigned)_mm_movemask_ps(m);
}

static inline vm v_mask(unsigned bits)
{
    const __m128i lane = _mm_setr_epi32(1, 2, 4, 8);
    __m128i hit = _mm_and_si128(_mm_set1_epi32((int)bits), lane);
    return _mm_castsi128_ps(_mm_cmpeq_epi32(hit, lane));
}

static inline vd v_low(vf a)
{
    return (vd)_mm_cvtps_pd((__m128)a);
}

static inline vd v_high(vf a)
{
    return (vd)_mm_cvtps_pd(_mm_movehl_ps((__m128)a, (__m128)a));
}

static inline float v_sum(vf a)
{
    __m128 s = (__m128)a;
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline double v_sum_d(vd a)
{
    __m128d s = (__m128d)a;
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

static inline float v_most(vf a)
{
    __m128 s = (__m128)a;
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline vq v_mul_low(vq a, uint32_t k)
{
    return (vq)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(k));
}

static inline void v_transpose(vf x[4])
{
    __m128 a = (__m128)x[0], b = (__m128)x[1], c = (__m128)x[2], d = (__m128)x[3];
    _MM_TRANSPOSE4_PS(a, b, c, d);
    x[0] = (vf)a;
    x[1] = (vf)b;
    x[2] = (vf)c;
    x[3] = (vf)d;
}

/* In two steps, so that neither factor leaves the range of normal numbers. */
static inline vf v_scale2(vf p, vf n, vi bits)
{
    (void)n;
    vi first = bits >> 1;
    vi second = bits - first;
    return p * v_power(first) * v_power(second);
}

#endif
