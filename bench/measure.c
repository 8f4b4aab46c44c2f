/* measure.c: clocks, medians, the peak of multiply-adds, and what this process uses. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "measure.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

size_t measure_number(const char *program, const char *option, const char *value, size_t low,
                      size_t high)
{
    char *end = NULL;
    const unsigned long n = value ? strtoul(value, &end, 10) : 0;
    if (!value || *value < '0' || *value > '9' || *end || n < low || n > high) {
        fprintf(stderr, "%s: %s '%s': expected a whole number from %zu to %zu\n", program, option,
                value ? value : "", low, high);
        exit(2);
    }
    return n;
}

double measure_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

double measure_median_ratio(const double *over, const double *under, size_t count)
{
    double *ratios = malloc(count * sizeof *ratios);
    for (size_t i = 0; ratios && i < count; i++)
        ratios[i] = over[i] / under[i];
    const double median = ratios ? measure_median(ratios, count) : 0.0;
    free(ratios);
    return median;
}

enum { CHAINS = 12, ROUNDS = 1000000 };

/* Where the chains start: what a compiler may not know, or it leaves out the one that starts at the
 * fixed point of x * a + b, and the rate comes out a twelfth too high. */
static volatile float chain_start = 0.0f;

/* `CHAINS` independent chains of x = x * a + b on vectors of `bytes` bytes: enough to cover the
 * latency of the unit (4 to 5 cycles, two units). Returns a sum so that nothing is left out. */
#define DEFINE_CHAINS(name, bytes, attribute)                                                      \
    typedef float name##_vector __attribute__((vector_size(bytes)));                               \
    attribute static float name(void)                                                              \
    {                                                                                              \
        const name##_vector zero = {0}, a = zero + 0.999f, b = zero + 0.001f;                      \
        name##_vector x[CHAINS];                                                                   \
        for (int c = 0; c < CHAINS; c++)                                                           \
            x[c] = zero + chain_start;                                                             \
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

/* Weak, for a BLAS without it; looked up by name where the linker does not see it, since Debian's
 * libblas.so.3 of OpenBLAS is the interface alone. */
#ifdef __APPLE__
extern void openblas_set_num_threads(int threads) __attribute__((weak_import));
#else
extern void openblas_set_num_threads(int threads) __attribute__((weak));
#endif

bool measure_blas_one_thread(void)
{
    void (*set_threads)(int threads) = openblas_set_num_threads;
    if (!set_threads) {
        void *found = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
        memcpy(&set_threads, &found, sizeof found);
    }
    if (set_threads)
        set_threads(1);
    return set_threads != NULL;
}

bool measure_reset_peak_memory(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w"); /* proc(5): 5 resets VmHWM */
    const bool written = file && fputs("5\n", file) >= 0;
    return file && fclose(file) == 0 && written;
}

double measure_peak_memory(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kilobytes = 0.0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kilobytes = strtod(line + 6, NULL);
    if (file)
        fclose(file);
    if (kilobytes > 0.0)
        return kilobytes * 1024e-6;
    struct rusage usage; /* not Linux, or no proc: what getrusage has cannot be reset */
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (double)usage.ru_maxrss * 1e-6;
#else
    return (double)usage.ru_maxrss * 1024e-6;
#endif
}

bool measure_run_again(const char *const *arguments, char *output, size_t room)
{
    int ends[2], status = 1;
    fflush(stdout);
    if (pipe(ends) != 0)
        return false;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv("/proc/self/exe", (char *const *)arguments);
        _exit(127);
    }
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    const size_t length = from ? fread(output, 1, room, from) : 0;
    if (from)
        fclose(from);
    output[length < room ? length : room - 1] = '\0';
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 && length < room;
}
