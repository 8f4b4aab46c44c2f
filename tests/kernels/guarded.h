/* guarded.h: memory between two pages that cannot be touched, and helpers of the kernel tests. */
#ifndef KERNEL_TESTS_GUARDED_H
#define KERNEL_TESTS_GUARDED_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

/* Fails the test with a message when the condition does not hold. */
#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            cr_assert_fail(__VA_ARGS__);                                                           \
    } while (0)

/* The most floats in a vector of any set; sizes of interest go to two vectors and one float. */
enum { WIDEST = 16, SMALL = 2 * WIDEST + 1 };

/* Where an array lies: 0 ends at the guard page behind; 1 + k begins k elements behind the guard
 * page in front. */
enum { PLACEMENTS = 1 + WIDEST };

typedef struct guarded {
    unsigned char *bytes;
    size_t size;
} guarded;

guarded guarded_new(size_t size);
void guarded_free(guarded *g);

/* Fills all with bytes 255 (floats: NaN) and returns where an array of count elements lies. */
void *guarded_place(const guarded *g, int placement, size_t count, size_t element);

/* Whether every byte outside the rows [rows][ld] with cols meaningful elements is as filled. */
bool guarded_clean(const guarded *g, const void *array, size_t rows, size_t cols, size_t ld,
                   size_t element);

/* Random numbers: the next of a fixed sequence; uniform in 0..1; multiples of 1/256 in -limit ..
 * limit, whose sums are exact. */
uint32_t next_random(void);
float next_unit(void);
float next_grid(float limit);

/* Distance in representable floats; two NaN: 0; a NaN and a number, or 0 and -0 apart: huge. */
int64_t ulp_distance(float a, float b);

/* Whether the bits agree, or both are NaN. */
bool same_bits(float a, float b);

/* Number of elements of an array of rows with gaps. */
static inline size_t extent(size_t rows, size_t cols, size_t ld)
{
    return rows && cols ? (rows - 1) * ld + cols : 0;
}

/* One driver for each family of kernels: `k` against its reference `r`. */
#define LAM__CHECK(type)                                                                           \
    void check_##type(const char *help, lam__##type##_kernel *k, lam__##type##_kernel *r)
LAM__CHECK(unary);
LAM__CHECK(affine_u8);
LAM__CHECK(affine_f32);
LAM__CHECK(affine_each_u8);
LAM__CHECK(affine_each_f32);
LAM__CHECK(forward);
LAM__CHECK(backward);
LAM__CHECK(column_sums);
LAM__CHECK(loss);
LAM__CHECK(update);
LAM__CHECK(penalty);
LAM__CHECK(checked_copy);
LAM__CHECK(dropout);
LAM__CHECK(norm);

/* The bound that the help of a unary kernel promises: "... at most N ulp". */
int promised_ulp(const char *help);

#endif
