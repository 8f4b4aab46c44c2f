/* vec.h: one vector of floats of the instruction set being compiled for.
 *
 * GNU vector types carry the arithmetic (+ - * / and integer shifts); what they cannot say
 * (selects, masked loads, reductions) is the small set of functions each vec_*.h defines alike:
 *
 *   vf v_load(p), v_load_n(p, n)      W floats, or the first n < W and zeros; nothing else is read
 *   v_store(p, v), v_store_n(p, v, n) the reverse
 *   v_stream(p, v)                    v_store past the caches, p aligned to a vector
 *   vf v_load_u8(p), v_load_u8_n      bytes to floats
 *   vf v_fma(a, b, c)                 a * b + c, fused where the instruction exists
 *   vf v_max(a, b), v_min(a, b)       b where either is NaN (NEON: NaN)
 *   vf v_sqrt(a)
 *   vf v_quotient(a, b)               a / b for b > 0, where the last two bits do not matter; b
 *                                     beyond 2^125 may count as that, and a quotient that
 *                                     overflows be NaN
 *   vm v_lt(a, b), v_le, v_eq, v_u32_ge(vu, vu)   masks
 *   vf v_pick(m, a, b)                a where m, else b
 *   vf v_keep(m, a)                   a where m, else 0
 *   unsigned v_bits(m), vm v_mask(bits)           mask to W bits and back
 *   vd v_low(a), v_high(a)            halves as doubles
 *   float v_sum(a), v_most(a); double v_sum_d(vd)  over the lanes, in an order fixed by W
 *   vq v_mul_low(vq a, k)             the lower halves of the lanes times k, 64 bits each
 *   v_transpose(vf x[W])              x[i][j] and x[j][i] change places
 *   vf v_scale2(p, n, bits)           p * 2^n, correctly rounded also where denormal
 *
 * Where a product is added to something, write v_fma: left to itself the compiler may fuse it in
 * the loop and not in the tail, and a value would depend on its index.
 *
 * In long loops over many sums write v_add_product(sum, a, b): the same, but the sum stays in the
 * register it is in. Of the three forms of the instruction compilers pick those that overwrite a
 * factor now and then, and copy sums to and fro.
 *
 * Everything is static: an object compiled for one instruction set must not offer a function that
 * the linker could pick for all. */
#ifndef LAMINA_VEC_H
#define LAMINA_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define LAM__VEC_BYTES 64
#elif defined(__AVX2__)
#define LAM__VEC_BYTES 32
#else
#define LAM__VEC_BYTES 16
#endif

/* Floats in a vector. */
#define W (LAM__VEC_BYTES / sizeof(float))

typedef float vf __attribute__((vector_size(LAM__VEC_BYTES)));
typedef double vd __attribute__((vector_size(LAM__VEC_BYTES)));
typedef int32_t vi __attribute__((vector_size(LAM__VEC_BYTES)));
typedef uint32_t vu __attribute__((vector_size(LAM__VEC_BYTES)));
typedef uint64_t vq __attribute__((vector_size(LAM__VEC_BYTES)));

static inline vf v_set(float x)
{
    return x - (vf){0}; /* a broadcast; -0 stays -0 */
}

static inline vi v_set_i(int32_t x)
{
    return x + (vi){0};
}

static inline vf v_float(vi x)
{
    return __builtin_convertvector(x, vf);
}

/* 2^n for -126 <= n <= 127; no undefined behaviour beyond. */
static inline vf v_power(vi n)
{
    return (vf)((vu)(n + 127) << 23);
}

#if defined(__AVX512F__)
#include "vec_avx512.h"
#elif defined(__AVX2__)
#include "vec_avx2.h"
#elif defined(__SSE2__)
#include "vec_sse2.h"
#else
#include "vec_generic.h"
#endif

static inline vf v_add_product(vf sum, vf a, vf b)
{
#if LAM__VEC_BYTES > 16
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
#else
    return v_fma(a, b, sum);
#endif
}

static inline vf v_abs(vf x)
{
    return (vf)((vi)x & 0x7fffffff);
}

/* The sign bits alone. */
static inline vi v_sign(vf x)
{
    return (vi)x & (int32_t)0x80000000;
}

static inline vf v_with_sign(vf magnitude, vi sign)
{
    return (vf)((vi)magnitude | sign);
}

#endif
