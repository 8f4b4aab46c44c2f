/* vec_avx512.h: vec.h for AVX-512 F, BW, DQ and VL. */
#ifndef LAMINA_VEC_AVX512_H
#define LAMINA_VEC_AVX512_H

#include <immintrin.h>

typedef __mmask16 vm;

static inline __mmask16 v_first(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline vf v_load(const float *p)
{
    return (vf)_mm512_loadu_ps(p);
}

static inline vf v_load_n(const float *p, size_t n)
{
    return (vf)_mm512_maskz_loadu_ps(v_first(n), p);
}

static inline void v_store(float *p, vf v)
{
    _mm512_storeu_ps(p, (__m512)v);
}

static inline void v_stream(float *p, vf v)
{
    _mm512_stream_ps(p, (__m512)v);
}

static inline void v_store_n(float *p, vf v, size_t n)
{
    _mm512_mask_storeu_ps(p, v_first(n), (__m512)v);
}

static inline vf v_load_u8(const uint8_t *p)
{
    return (vf)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

static inline vf v_load_u8_n(const uint8_t *p, size_t n)
{
    return (vf)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(v_first(n), p)));
}

static inline vf v_fma(vf a, vf b, vf c)
{
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

static inline vf v_max(vf a, vf b)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
}

static inline vf v_min(vf a, vf b)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
}

static inline vf v_sqrt(vf a)
{
    return (vf)_mm512_sqrt_ps((__m512)a);
}

/* A step of Newton's method from 14 bits: the divider is slower, and the root keeps it busy. */
static inline vf v_quotient(vf a, vf b)
{
    const __m512 x = (__m512)a, y = _mm512_min_ps(_mm512_set1_ps(0x1p125f), (__m512)b); /* or NaN */
    const __m512 r = _mm512_rcp14_ps(y), q = _mm512_mul_ps(x, r);
    return (vf)_mm512_fmadd_ps(_mm512_fnmadd_ps(q, y, x), r, q);
}

static inline vm v_lt(vf a, vf b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ);
}

static inline vm v_le(vf a, vf b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LE_OQ);
}

static inline vm v_eq(vf a, vf b)
{
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ);
}

static inline vm v_u32_ge(vu a, vu b)
{
    return _mm512_cmpge_epu32_mask((__m512i)a, (__m512i)b);
}

static inline vf v_pick(vm m, vf a, vf b)
{
    return (vf)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a);
}

static inline vf v_keep(vm m, vf a)
{
    return (vf)_mm512_maskz_mov_ps(m, (__m512)a);
}

static inline unsigned v_bits(vm m)
{
    return m;
}

static inline vm v_mask(unsigned bits)
{
    return (vm)bits;
}

static inline vd v_low(vf a)
{
    return (vd)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)a));
}

static inline vd v_high(vf a)
{
    return (vd)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)a, 1));
}

static inline float v_sum(vf a)
{
    return _mm512_reduce_add_ps((__m512)a);
}

static inline double v_sum_d(vd a)
{
    return _mm512_reduce_add_pd((__m512d)a);
}

static inline float v_most(vf a)
{
    return _mm512_reduce_max_ps((__m512)a);
}

static inline vq v_mul_low(vq a, uint32_t k)
{
    return (vq)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(k));
}

/* Four stages: neighbours within 128 bits, pairs of them, then 128-bit quarters twice. */
static inline void v_transpose(vf x[16])
{
    __m512 t[16], u[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps((__m512)x[i], (__m512)x[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps((__m512)x[i], (__m512)x[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; j++) {
            const __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            u[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            u[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    for (int i = 0; i < 4; i++) { /* u[i + 4 q]: column i, i + 4, .. of rows 4 q .. 4 q + 3 */
        const __m512 low = _mm512_shuffle_f32x4(u[i], u[i + 4], 0x88);
        const __m512 odd = _mm512_shuffle_f32x4(u[i], u[i + 4], 0xdd);
        const __m512 high = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0x88);
        const __m512 last = _mm512_shuffle_f32x4(u[i + 8], u[i + 12], 0xdd);
        x[i] = (vf)_mm512_shuffle_f32x4(low, high, 0x88);
        x[i + 8] = (vf)_mm512_shuffle_f32x4(low, high, 0xdd);
        x[i + 4] = (vf)_mm512_shuffle_f32x4(odd, last, 0x88);
        x[i + 12] = (vf)_mm512_shuffle_f32x4(odd, last, 0xdd);
    }
}

static inline vf v_scale2(vf p, vf n, vi bits)
{
    (void)bits;
    return (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
}

#endif
