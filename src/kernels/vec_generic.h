/* vec_generic.h: vec.h in plain C on vector types of 16 bytes, with NEON where aarch64 has a better
 * word. The baseline wherever the processor is not x86-64. */
#ifndef LAMINA_VEC_GENERIC_H
#define LAMINA_VEC_GENERIC_H

#include <math.h>

#ifdef __aarch64__
#include <arm_neon.h>
#endif

typedef vi vm; /* all bits of a lane alike */

static inline vf v_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline vf v_load_n(const float *p, size_t n)
{
    vf v = {0};
    for (size_t i = 0; i < n && i < W; i++)
        v[i] = p[i];
    return v;
}

static inline void v_store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* No such instruction. */
static inline void v_stream(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

static inline void v_store_n(float *p, vf v, size_t n)
{
    for (size_t i = 0; i < n && i < W; i++)
        p[i] = v[i];
}

static inline vf v_load_u8(const uint8_t *p)
{
    return v_float((vi){p[0], p[1], p[2], p[3]});
}

static inline vf v_load_u8_n(const uint8_t *p, size_t n)
{
    vi v = {0};
    for (size_t i = 0; i < n && i < W; i++)
        v[i] = p[i];
    return v_float(v);
}

static inline vm v_lt(vf a, vf b)
{
    return (vm)(a < b);
}

static inline vm v_le(vf a, vf b)
{
    return (vm)(a <= b);
}

static inline vm v_eq(vf a, vf b)
{
    return (vm)(a == b);
}

static inline vm v_u32_ge(vu a, vu b)
{
    return (vm)(a >= b);
}

static inline vf v_pick(vm m, vf a, vf b)
{
    return (vf)((m & (vi)a) | (~m & (vi)b));
}

static inline vf v_keep(vm m, vf a)
{
    return (vf)(m & (vi)a);
}

static inline unsigned v_bits(vm m)
{
    return (m[0] & 1u) | (m[1] & 2u) | (m[2] & 4u) | (m[3] & 8u);
}

static inline vm v_mask(unsigned bits)
{
    const vi lane = {1, 2, 4, 8};
    return (vm)((v_set_i((int32_t)bits) & lane) == lane);
}

static inline vd v_low(vf a)
{
    return (vd){a[0], a[1]};
}

static inline vd v_high(vf a)
{
    return (vd){a[2], a[3]};
}

static inline float v_sum(vf a)
{
    return (a[0] + a[2]) + (a[1] + a[3]);
}

static inline double v_sum_d(vd a)
{
    return a[0] + a[1];
}

#ifdef __aarch64__

static inline vf v_fma(vf a, vf b, vf c)
{
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}

static inline vf v_max(vf a, vf b)
{
    return (vf)vmaxq_f32((float32x4_t)a, (float32x4_t)b);
}

static inline vf v_min(vf a, vf b)
{
    return (vf)vminq_f32((float32x4_t)a, (float32x4_t)b);
}

static inline vf v_sqrt(vf a)
{
    return (vf)vsqrtq_f32((float32x4_t)a);
}

static inline float v_most(vf a)
{
    return vmaxvq_f32((float32x4_t)a);
}

static inline vq v_mul_low(vq a, uint32_t k)
{
    return (vq)vmull_u32(vmovn_u64((uint64x2_t)a), vdup_n_u32(k));
}

#else

static inline vf v_fma(vf a, vf b, vf c)
{
    return a * b + c;
}

static inline vf v_max(vf a, vf b)
{
    return v_pick((vm)(a > b), a, b);
}

static inline vf v_min(vf a, vf b)
{
    return v_pick((vm)(a < b), a, b);
}

static inline vf v_sqrt(vf a)
{
    return (vf){sqrtf(a[0]), sqrtf(a[1]), sqrtf(a[2]), sqrtf(a[3])};
}

static inline float v_most(vf a)
{
    float p = a[0] > a[1] ? a[0] : a[1];
    float q = a[2] > a[3] ? a[2] : a[3];
    return p > q ? p : q;
}

static inline vq v_mul_low(vq a, uint32_t k)
{
    return (a & UINT32_MAX) * k;
}

#endif

static inline vf v_quotient(vf a, vf b)
{
    return a / b;
}

static inline void v_transpose(vf x[4])
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < i; j++) {
            const float t = x[i][j];
            x[i][j] = x[j][i];
            x[j][i] = t;
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
