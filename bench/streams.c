/* streams.c: how fast one core reads and writes: copy and triad over arrays of any size. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "measure.h"

enum { MOST_LEVELS = 6, GROUP = 4, LINE = 64, PASSES = 7 };

typedef void pass(size_t n, float *a, const float *b, const float *c);

/* One pass of `body` over n bytes, a multiple of 4 cache lines, in vectors of `bytes` bytes. The
 * empty assembly keeps the compiler from making a call of memcpy out of the loop. */
#define DEFINE_PASS(name, bytes, attribute, body)                                                  \
    typedef float name##_vector __attribute__((vector_size(bytes)));                               \
    attribute static void name(size_t n, float *a, const float *b, const float *c)                 \
    {                                                                                              \
        name##_vector *to = (name##_vector *)(void *)a;                                            \
        const name##_vector *x = (const name##_vector *)(const void *)b;                           \
        const name##_vector *y = (const name##_vector *)(const void *)c;                           \
        (void)y;                                                                                   \
        for (size_t i = 0; i < n / bytes; i += GROUP) {                                            \
            for (size_t j = 0; j < GROUP; j++)                                                     \
                to[i + j] = body;                                                                  \
            __asm__ volatile("" ::: "memory");                                                     \
        }                                                                                          \
    }

#define DEFINE_PASSES(set, bytes, attribute)                                                       \
    DEFINE_PASS(copy_##set, bytes, attribute, x[i + j])                                            \
    DEFINE_PASS(triad_##set, bytes, attribute, x[i + j] + 0.5f * y[i + j])

DEFINE_PASSES(baseline, 16, )
#if defined(__x86_64__)
DEFINE_PASSES(avx2, 32, __attribute__((target("avx2,fma"))))
DEFINE_PASSES(avx512, 64, __attribute__((target("avx512f,fma"))))
#endif

static pass *choose(measure_stream stream)
{
    const bool triad = stream == MEASURE_TRIAD;
#if defined(__x86_64__)
    const char *set = lam_build_info("instruction_set");
    if (strcmp(set, "avx512") == 0)
        return triad ? triad_avx512 : copy_avx512;
    if (strcmp(set, "avx2") == 0)
        return triad ? triad_avx2 : copy_avx2;
#endif
    return triad ? triad_baseline : copy_baseline;
}

/* GB/s of the best pass over `bytes` in all, each repeated until it takes a good part of a
 * millisecond. */
static double best_rate(pass *run, size_t n, double bytes, float *const array[3])
{
    const size_t repeats = 1 + (size_t)(2e7 / bytes);
    double best = 0.0;
    for (int p = 0; p < PASSES; p++) {
        const double start = measure_now();
        for (size_t r = 0; r < repeats; r++)
            run(n, array[0], array[1], array[2]);
        const double rate = bytes * (double)repeats / (measure_now() - start) * 1e-9;
        best = rate > best ? rate : best;
    }
    return best;
}

double measure_bandwidth(size_t bytes_in_all_arrays, measure_stream stream)
{
    const size_t arrays = stream == MEASURE_TRIAD ? 3 : 2, unit = (size_t)GROUP * LINE;
    size_t n = bytes_in_all_arrays / arrays / unit * unit;
    n = n ? n : unit;
    /* Arrays whose starts are a multiple of 4096 bytes apart would share the few sets of L1 and
     * make loads wait for stores to the same offset: so set each off by some lines. */
    const size_t step = (n + 4095) / 4096 * 4096 + (size_t)LINE * 20;
    char *memory = aligned_alloc(4096, (step * arrays + 4095) / 4096 * 4096);
    if (!memory)
        return 0.0;
    float *array[3];
    for (size_t i = 0; i < 3; i++)
        array[i] = (float *)(void *)(memory + step * (i < arrays ? i : 0));
    for (size_t i = 0; i < arrays * step / sizeof(float); i++)
        array[0][i] = 1.0f; /* touched: no page is mapped while it is measured */
    const double rate = best_rate(choose(stream), n, (double)(n * arrays), array);
    free(memory);
    return rate;
}

/* One line of a file of sysfs about cache `index` of processor 0; false where there is none. */
static bool read_cache_file(int index, const char *name, char *line, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
    FILE *file = fopen(path, "r");
    const bool read = file && fgets(line, (int)size, file);
    if (file)
        fclose(file);
    return read;
}

static measure_level levels[MOST_LEVELS];
static size_t level_count;

static void add_level(const char *name, size_t bytes)
{
    if (level_count < MOST_LEVELS - 1 &&
        (level_count == 0 || bytes > levels[level_count - 1].bytes))
        levels[level_count++] = (measure_level){name, bytes};
}

/* From sysfs: type "Data" or "Unified", level, size such as "1024K". */
static void find_caches(void)
{
    static const char *const names[] = {"L0", "L1", "L2", "L3", "L4"};
    char type[32], level[32], size[32];
    for (int i = 0; read_cache_file(i, "type", type, sizeof type); i++) {
        if (strncmp(type, "Instruction", 11) == 0 ||
            !read_cache_file(i, "level", level, sizeof level) ||
            !read_cache_file(i, "size", size, sizeof size))
            continue;
        char *unit;
        size_t bytes = strtoul(size, &unit, 10);
        bytes <<= *unit == 'K' ? 10 : *unit == 'M' ? 20 : 0;
        const unsigned long number = strtoul(level, NULL, 10);
        if (number < sizeof names / sizeof *names)
            add_level(names[number], bytes);
    }
    if (level_count > 0)
        return;
#ifdef _SC_LEVEL1_DCACHE_SIZE
    const int keys[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (sysconf(keys[i]) > 0)
            add_level(names[i + 1], (size_t)sysconf(keys[i]));
#endif
}

/* Arrays of "memory": four times the last cache, at least 64 MB, at most a quarter of what there
 * is. */
static size_t memory_bytes(void)
{
    size_t bytes = level_count ? 4 * levels[level_count - 1].bytes : 0;
    const size_t least = (size_t)64 << 20;
    const size_t most = (size_t)sysconf(_SC_PHYS_PAGES) / 4 * (size_t)sysconf(_SC_PAGESIZE);
    bytes = bytes < least ? least : bytes;
    return bytes > most ? most : bytes;
}

const measure_level *measure_levels(size_t *count)
{
    if (level_count == 0) {
        find_caches();
        levels[level_count] = (measure_level){"memory", memory_bytes()};
        level_count++;
    }
    *count = level_count;
    return levels;
}

const char *measure_cache_level(size_t bytes)
{
    size_t count, i = 0;
    const measure_level *all = measure_levels(&count);
    while (i + 1 < count && bytes > all[i].bytes)
        i++;
    return all[i].name;
}

double measure_level_bandwidth(const char *level, measure_stream stream)
{
    static double known[MOST_LEVELS][2];
    size_t count;
    const measure_level *all = measure_levels(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].name, level) != 0)
            continue;
        if (known[i][stream] <= 0.0)
            known[i][stream] =
                measure_bandwidth(i + 1 < count ? all[i].bytes / 2 : all[i].bytes, stream);
        return known[i][stream];
    }
    return 0.0;
}
