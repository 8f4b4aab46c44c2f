/* measure.c: clocks, medians, and the limits of this machine. */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double measure_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double measure_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

enum { CHAINS = 12, ROUNDS = 1000000 };

/* `CHAINS` independent chains of x = x * a + b on vectors of `bytes` bytes: enough to cover the
 * latency of the unit (4 to 5 cycles, two units). Returns a sum so that nothing is left out. */
#define DEFINE_CHAINS(name, bytes, attribute)                                                      \
    typedef float name##_vector __attribute__((vector_size(bytes)));                               \
    attribute static float name(void)                                                              \
    {                                                                                              \
        name##_vector x[CHAINS], a, b;                                                             \
        for (size_t i = 0; i < bytes / sizeof(float); i++) {                                       \
            a[i] = 0.999f;                                                                         \
            b[i] = 0.001f;                                                                         \
            for (int c = 0; c < CHAINS; c++)                                                       \
                x[c][i] = (float)c;                                                                \
        }                                                                                          \
        for (int r = 0; r < ROUNDS; r++)                                                           \
            for (int c = 0; c < CHAINS; c++)                                                       \
                x[c] = x[c] * a + b;                                                               \
        float sum = 0.0f;                                                                          \
        for (int c = 0; c < CHAINS; c++)                                                           \
            for (size_t i = 0; i < bytes / sizeof(float); i++)                                     \
                sum += x[c][i];                                                                    \
        return sum;                                                                                \
    }

DEFINE_CHAINS(chains_baseline, 16, )
#if defined(__x86_64__)
DEFINE_CHAINS(chains_avx2, 32, __attribute__((target("avx2,fma"))))
DEFINE_CHAINS(chains_avx512, 64, __attribute__((target("avx512f,fma"))))
#endif

double measure_fma_peak(const char *instruction_set)
{
    float (*run)(void) = chains_baseline;
    double lanes = 4.0;
#if defined(__x86_64__)
    if (strcmp(instruction_set, "avx2") == 0) {
        run = chains_avx2;
        lanes = 8.0;
    } else if (strcmp(instruction_set, "avx512") == 0) {
        run = chains_avx512;
        lanes = 16.0;
    }
#else
    (void)instruction_set;
#endif
    static volatile float sink;
    double best = 0.0;
    for (int i = 0; i < 9; i++) {
        double start = measure_now();
        sink = run();
        double rate = 2.0 * lanes * CHAINS * ROUNDS / (measure_now() - start) * 1e-9;
        if (rate > best)
            best = rate;
    }
    (void)sink;
    return best;
}

const char *measure_processor(void)
{
    static char name[128] = "unknown";
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (file)
        fclose(file);
    return name;
}

double measure_peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024.0; /* kilobytes on Linux */
}
