/* vec_avx2.h: vec.h for AVX2 and FMA. */
#ifndef LAMINA_VEC_AVX2_H
#define LAMINA_VEC_AVX2_H

#include <immintrin.h>

typedef __m256 vm; /* all bits of a lane alike */

/* Lanes 0..n-1. */
static inline __m256i v_first(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(ones + 8 - n));
}

static inline vf v_load(const float *p)
{
    return (vf)_mm256_loadu_ps(p);
}

static inline vf v_load_n(const float *p, size_t n)
{
    return (vf)_mm256_maskload_ps(p, v_first(n));
}

static inline void v_store(float *p, vf v)
{
    _mm256_storeu_ps(p, (__m256)v);
}

static inline void v_stream(float *p, vf v)
{
    _mm256_stream_ps(p, (__m256)v);
}

/* In pieces: masked stores are slow on AMD's processors (masked loads are not). */
static inline void v_store_n(float *p, vf v, size_t n)
{
    __m128 rest = _mm256_castps256_ps128((__m256)v);
    if (n & 4) {
        _mm_storeu_ps(p, rest);
        rest = _mm256_extractf128_ps((__m256)v, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, rest);
        rest = _mm_movehl_ps(rest, rest);
        p += 2;
    }
    if (n & 1)
        _mm_store_ss(p, rest);
}

static inline vf v_load_u8(const uint8_t *p)
{
    return (vf)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

static inline vf v_load_u8_n(const uint8_t *p, size_t n)
{
    uint64_t bytes = 0;
    memcpy(&bytes, p, n);
    return (vf)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)bytes)));
}

static inline vf v_fma(vf a, vf b, vf c)
{
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

static inline vf v_max(vf a, vf b)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
}

static inline vf v_min(vf a, vf b)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
}

static inline vf v_sqrt(vf a)
{
    return (vf)_mm256_sqrt_ps((__m256)a);
}

/* A step of Newton's method from 12 bits, see vec_avx512.h. */
static inline vf v_quotient(vf a, vf b)
{
    const __m256 x = (__m256)a, y = _mm256_min_ps(_mm256_set1_ps(0x1p125f), (__m256)b); /* or NaN */
    const __m256 r = _mm256_rcp_ps(y), q = _mm256_mul_ps(x, r);
    return (vf)_mm256_fmadd_ps(_mm256_fnmadd_ps(q, y, x), r, q);
}

static inline vm v_lt(vf a, vf b)
{
    return _mm256_cmp_ps((__m256)a, (__m256)b, _CMP_LT_OQ);
}

static inline vm v_le(vf a, vf b)
{
    return _mm256_cmp_ps((__m256)a, (__m256)b, _CMP_LE_OQ);
}

static inline vm v_eq(vf a, vf b)
{
    return _mm256_cmp_ps((__m256)a, (__m256)b, _CMP_EQ_OQ);
}

static inline vm v_u32_ge(vu a, vu b)
{
    __m256i most = _mm256_max_epu32((__m256i)a, (__m256i)b);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(most, (__m256i)a));
}

static inline vf v_pick(vm m, vf a, vf b)
{
    return (vf)_mm256_blendv_ps((__m256)b, (__m256)a, m);
}

static inline vf v_keep(vm m, vf a)
{
    return (vf)_mm256_and_ps(m, (__m256)a);
}

static inline unsigned v_bits(vm m)
{
    return (unsigned)_mm256_movemask_ps(m);
}

static inline vm v_mask(unsigned bits)
{
    const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i hit = _mm256_and_si256(_mm256_set1_epi32((int)bits), lane);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(hit, lane));
}

static inline vd v_low(vf a)
{
    return (vd)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)a));
}

static inline vd v_high(vf a)
{
    return (vd)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)a, 1));
}

static inline float v_sum(vf a)
{
    __m256 x = (__m256)a;
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline double v_sum_d(vd a)
{
    __m256d x = (__m256d)a;
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

static inline float v_most(vf a)
{
    __m256 x = (__m256)a;
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

static inline vq v_mul_low(vq a, uint32_t k)
{
    return (vq)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(k));
}

/* Three stages: neighbours within 128 bits, pairs of them, then the halves. */
static inline void v_transpose(vf x[8])
{
    __m256 t[8], u[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps((__m256)x[i], (__m256)x[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps((__m256)x[i], (__m256)x[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            const __m256d a = _mm256_castps_pd(t[i + j]), b = _mm256_castps_pd(t[i + j + 2]);
            u[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            u[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
    for (int i = 0; i < 4; i++) {
        x[i] = (vf)_mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        x[i + 4] = (vf)_mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
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
