/* sleef_loops.c: loops over SLEEF's vector functions; compiled once for each instruction set, with
 * SLEEF_SET its name. n is a multiple of the vector. */
#include "sleef_loops.h"

#include <immintrin.h>
#include <sleef.h>

#if defined(__AVX512F__)
#define WIDTH 16
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define FUNCTION(name) Sleef_##name##f16_u10avx512f
#elif defined(__AVX2__)
#define WIDTH 8
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define FUNCTION(name) Sleef_##name##f8_u10avx2
#else
#define WIDTH 4
#define LOAD _mm_loadu_ps
#define STORE _mm_storeu_ps
#define FUNCTION(name) Sleef_##name##f4_u10sse2
#endif

#define DEFINE_LOOP(name)                                                                          \
    static void loop_##name(size_t n, const float *x, float *y)                                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i += WIDTH)                                                      \
            STORE(y + i, FUNCTION(name)(LOAD(x + i)));                                             \
    }

DEFINE_LOOP(exp)
DEFINE_LOOP(log)
DEFINE_LOOP(tanh)

#define JOIN_AGAIN(a, b) a##b
#define JOIN(a, b) JOIN_AGAIN(a, b)

const sleef_loops JOIN(sleef_, SLEEF_SET) = {loop_exp, loop_log, loop_tanh};
