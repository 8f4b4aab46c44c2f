/* decimal.c: decimal numbers to floats.
 *
 * Up to 18 digits are taken as an integer w, so that the number is w 10^e. In double precision
 * (double)w, 10^e and their product or quotient are each off by at most half a unit in the last
 * place, cut digits by less: together by less than 4. The nearest float is that of the double
 * unless a point half-way between two floats is so close by, which one number in 2^26 meets; such,
 * very small and very large ones are left to the C library, as digits without a point: that is the
 * same in all locales. The idea of a fast path that knows when it is right is W. D. Clinger's, "How
 * to read floating point numbers accurately" (PLDI 1990). */
#include "base/text/decimal.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_DIGITS = 18,     /* of w: below 2^63 */
    MOST_POWER = 57,      /* w 10^e of a float that is neither too large nor denormal */
    MOST_EXPONENT = 99999 /* of a number written with an exponent; beyond, all are 0 or infinite */
};

/* Half-way points between floats have at most 113 digits (24 bits and one times 2^-150): of more
 * digits only matters whether they are all zero. */
enum { EXACT_DIGITS = 120 };

static const double powers[MOST_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14,
    1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29,
    1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41, 1e42, 1e43, 1e44,
    1e45, 1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53, 1e54, 1e55, 1e56, 1e57};

/* A number as written. */
struct decimal {
    const char *digits, *end; /* of the mantissa, with a point among them or not */
    long exponent;            /* of ten, as written after the 'e' */
    bool negative;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Digits without leading zeros, at most EXACT_DIGITS and one that stands for all others. */
static float slow(const struct decimal *number)
{
    char text[EXACT_DIGITS + 24];
    size_t length = 0;
    long exponent = number->exponent;
    bool point = false, more = false;
    for (const char *p = number->digits; p < number->end; p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        if (length < EXACT_DIGITS) {
            if (length > 0 || *p != '0')
                text[length++] = *p;
            exponent -= point;
        } else {
            more |= *p != '0';
            exponent += !point;
        }
    }
    if (length == 0)
        return 0.0f;
    if (more) {
        text[length++] = '1';
        exponent--;
    }
    snprintf(text + length, sizeof text - length, "e%ld", exponent);
    const int saved = errno;
    const float value = strtof(text, NULL);
    errno = saved;
    return value;
}

/* The first MOST_DIGITS digits from the first that is not 0; *power as they make it. */
static uint64_t first_digits(const struct decimal *number, long *power)
{
    uint64_t w = 0;
    int taken = 0;
    bool point = false;
    *power = number->exponent;
    for (const char *p = number->digits; p < number->end; p++) {
        if (*p == '.') {
            point = true;
        } else if (taken < MOST_DIGITS) {
            w = 10 * w + (uint64_t)(*p - '0');
            taken += w > 0;
            *power -= point;
        } else {
            *power += !point;
        }
    }
    return w;
}

/* w 10^power, where that is sure to round as the number does; false otherwise. */
static inline bool quick(uint64_t w, long power, float *value)
{
    if (power < -MOST_POWER || power > MOST_POWER)
        return false;
    double d = (double)(int64_t)w;
    d = power < 0 ? d / powers[-power] : d * powers[power];
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    /* the 29 bits a float has less: 4 or less from the half-way point? */
    if ((bits & 0x1fffffff) - (0x10000000 - 4) <= 8 || !(d > 1.2e-38 && d < 3.4e38))
        return false;
    *value = (float)d;
    return true;
}

/* The exponent behind an 'e' at p, if there is one; returns where it ends. */
static const char *take_exponent(const char *p, long *exponent)
{
    const char *q = p + 1;
    const bool negative = *q == '-';
    long sum = 0;
    if (*q == '-' || *q == '+')
        q++;
    if (!is_digit(*q))
        return p;
    for (; is_digit(*q); q++)
        if (sum <= MOST_EXPONENT)
            sum = 10 * sum + (*q - '0');
    *exponent = negative ? -sum : sum;
    return q;
}

const char *lam__parse_float(const char *text, float *value)
{
    struct decimal number = {.negative = *text == '-'};
    const char *p = text + (*text == '-' || *text == '+');
    number.digits = p;
    uint64_t w = 0;
    for (; is_digit(*p); p++)
        w = 10 * w + (uint64_t)(*p - '0');
    long power = 0;
    ptrdiff_t count = p - number.digits;
    if (*p != '.' && *p != 'e' && *p != 'E' && count > 0 && count <= MOST_DIGITS) {
        *value = (float)(int64_t)w; /* a whole number: rounded once by the processor */
        if (number.negative)
            *value = -*value;
        return p;
    }
    if (*p == '.') {
        const char *fraction = ++p;
        for (; is_digit(*p); p++)
            w = 10 * w + (uint64_t)(*p - '0');
        power = fraction - p;
        count -= power;
    }
    if (count == 0)
        return NULL;
    number.end = p;
    if (*p == 'e' || *p == 'E') {
        p = take_exponent(p, &number.exponent);
        power += number.exponent;
    }
    if (count > MOST_DIGITS)
        w = first_digits(&number, &power);
    if (w == 0)
        *value = 0.0f;
    else if (!quick(w, power, value))
        *value = slow(&number);
    if (number.negative)
        *value = -*value;
    return p;
}
