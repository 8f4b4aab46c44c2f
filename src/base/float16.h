/* float16.h: numbers of 16 bits. */
#ifndef LAMINA_FLOAT16_H
#define LAMINA_FLOAT16_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. Exact. */
static inline float lam__from_float16(uint16_t bits)
{
    const unsigned exponent = bits >> 10 & 31, fraction = bits & 1023;
    float value;
    if (exponent == 31)
        value = fraction ? NAN : INFINITY;
    else if (exponent == 0)
        value = (float)fraction * 0x1p-24f;
    else
        value = ldexpf((float)(fraction + 1024), (int)exponent - 25);
    return bits >> 15 ? -value : value;
}

/* bfloat16: the upper half of a float. Exact. */
static inline float lam__from_bfloat(uint16_t bits)
{
    const uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

#endif
