/* denormals.c: flush denormals to zero for the duration of a call on the caller's thread. */
#include "base/machine/denormals.h"

#if defined(__SSE2__)

#include <xmmintrin.h>

/* MXCSR: flush results to zero (FTZ, bit 15) and take denormal operands as zero (DAZ, bit 6).
 * Source: Intel SDM volume 1, section 10.2.3. */
#define FLUSH_BITS 0x8040u

static uint64_t get_mode(void)
{
    return _mm_getcsr();
}

static void set_mode(uint64_t mode)
{
    _mm_setcsr((unsigned)mode);
}

#elif defined(__aarch64__)

/* FPCR.FZ (bit 24) flushes both operands and results. Source: Arm ARM, FPCR. */
#define FLUSH_BITS (UINT64_C(1) << 24)

static uint64_t get_mode(void)
{
    uint64_t mode;
    __asm__ __volatile__("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

static void set_mode(uint64_t mode)
{
    __asm__ __volatile__("msr fpcr, %0" : : "r"(mode));
}

#else /* a processor whose mode we do not know: denormals stay, slower but as right */

#define FLUSH_BITS 0u

static uint64_t get_mode(void)
{
    return 0;
}

static void set_mode(uint64_t mode)
{
    (void)mode;
}

#endif

uint64_t lam__denormals_flush(void)
{
    const uint64_t mode = get_mode();
    set_mode(mode | FLUSH_BITS);
    return mode;
}

/* Only the bits that were changed: exception flags raised meanwhile stay. */
void lam__denormals_restore(uint64_t mode)
{
    set_mode((get_mode() & ~(uint64_t)FLUSH_BITS) | (mode & FLUSH_BITS));
}
