/* cpu.c: the instruction set of the kernels. */
#include "base/machine/cpu.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool available[LAM__ISA_COUNT] = {[LAM__BASELINE] = true};
static lam__isa chosen = LAM__BASELINE;
static bool is_amd;
static struct utsname machine; /* where the compiler knows no makes */
static const char *make = machine.machine;

#if defined(__x86_64__) /* 32-bit x86 has the baseline alone */

/* The compiler's own check asks cpuid, and the system for the registers it keeps. */
static void detect(void)
{
    __builtin_cpu_init();
    is_amd = __builtin_cpu_is("amd");
    if (is_amd || __builtin_cpu_is("intel"))
        make = is_amd ? "AMD" : "Intel";
    available[LAM__AVX2] = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    available[LAM__AVX512] = available[LAM__AVX2] && __builtin_cpu_supports("avx512f") &&
                             __builtin_cpu_supports("avx512bw") &&
                             __builtin_cpu_supports("avx512dq") &&
                             __builtin_cpu_supports("avx512vl");
}

#else

static void detect(void)
{
}

#endif

static void choose(void)
{
    uname(&machine);
    detect();
    for (int i = 0; i < LAM__ISA_COUNT; i++)
        if (available[i])
            chosen = (lam__isa)i;
    const char *wish = getenv("LAMINA_CPU");
    for (int i = 0; wish && i < LAM__ISA_COUNT; i++)
        if (available[i] && strcmp(wish, lam__isa_name((lam__isa)i)) == 0)
            chosen = (lam__isa)i;
}

const char *lam__isa_name(lam__isa isa)
{
    static const char *const names[LAM__ISA_COUNT] = {"baseline", "avx2", "avx512"};
    return names[isa];
}

bool lam__isa_available(lam__isa isa)
{
    pthread_once(&once, choose);
    return isa < LAM__ISA_COUNT && available[isa];
}

lam__isa lam__isa_chosen(void)
{
    pthread_once(&once, choose);
    return chosen;
}

const char *lam__processor_make(void)
{
    pthread_once(&once, choose);
    return make;
}

bool lam__streaming_stores_pay(void)
{
    pthread_once(&once, choose);
    return is_amd;
}
