/* guarded.c: memory between two pages that cannot be touched, and helpers of the kernel tests. */
#include "guarded.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_ANONYMOUS
#define MAP_ANONYMOUS MAP_ANON
#endif

/* The program runs once for each instruction set: 77 tells Meson that this machine lacks it. */
__attribute__((constructor)) static void skip_unavailable(void)
{
    const char *wanted = getenv("LAMINA_CPU");
    if (wanted && strcmp(lam__kernels_chosen()->name, wanted) != 0)
        _exit(77);
}

guarded guarded_new(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded g = {NULL, (size + page - 1) / page * page};
    if (g.size == 0)
        g.size = page;
    unsigned char *all =
        mmap(NULL, g.size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(all != MAP_FAILED);
    cr_assert(mprotect(all + page, g.size, PROT_READ | PROT_WRITE) == 0);
    g.bytes = all + page;
    return g;
}

void guarded_free(guarded *g)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap(g->bytes - page, g->size + 2 * page);
    g->bytes = NULL;
}

void *guarded_place(const guarded *g, int placement, size_t count, size_t element)
{
    size_t bytes = count * element;
    size_t offset = placement ? (size_t)(placement - 1) * element : g->size - bytes;
    cr_assert(offset + bytes <= g->size, "no room for %zu bytes at %zu", bytes, offset);
    memset(g->bytes, 255, g->size);
    return g->bytes + offset;
}

static bool all_filled(const unsigned char *from, const unsigned char *to)
{
    for (; from < to; from++)
        if (*from != 255)
            return false;
    return true;
}

bool guarded_clean(const guarded *g, const void *array, size_t rows, size_t cols, size_t ld,
                   size_t element)
{
    const unsigned char *gap = g->bytes, *row = array;
    for (size_t r = 0; r < rows; r++, row += ld * element) {
        if (!all_filled(gap, row))
            return false;
        gap = row + cols * element;
    }
    return all_filled(gap, g->bytes + g->size);
}

/* Marsaglia: "Xorshift RNGs", 2003. */
uint32_t next_random(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

float next_unit(void)
{
    return (float)(next_random() >> 8) * 0x1p-24f;
}

float next_grid(float limit)
{
    return roundf((next_unit() * 2.0f - 1.0f) * limit * 256.0f) / 256.0f;
}

static int64_t place(float x)
{
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i < 0 ? (int64_t)INT32_MIN - i : i;
}

int64_t ulp_distance(float a, float b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0 : INT64_MAX;
    if (signbit(a) != signbit(b))
        return INT64_MAX;
    return llabs(place(a) - place(b));
}

bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

int promised_ulp(const char *help)
{
    const char *promise = strstr(help, "at most ");
    cr_assert(promise, "the help \"%s\" does not say \"at most N ulp\"", help);
    return atoi(promise + strlen("at most "));
}
