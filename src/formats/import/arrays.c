/* arrays.c: elements, strides and names of the arrays of a file. */
#include "formats/import/arrays.h"

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/float16.h"

bool lam__dtype_is_float(lam__st_dtype dtype)
{
    return dtype == LAM__ST_F16 || dtype == LAM__ST_BF16 || dtype == LAM__ST_F32 ||
           dtype == LAM__ST_F64;
}

size_t lam__item_elements(const lam__item *item)
{
    size_t count = 1;
    for (size_t i = 0; i < item->rank; i++)
        count *= item->shape[i];
    return count;
}

void lam__item_pack(lam__item *item, bool first_runs_fastest)
{
    size_t step = 1;
    for (size_t k = 0; k < item->rank; k++) {
        const size_t i = first_runs_fastest ? k : item->rank - 1 - k;
        item->stride[i] = step;
        step *= item->shape[i];
    }
}

static float from_word(uint64_t word, lam__st_dtype dtype)
{
    float single;
    double number;
    uint32_t bits;
    switch (dtype) {
    case LAM__ST_F16:
        return lam__from_float16((uint16_t)word);
    case LAM__ST_BF16:
        return lam__from_bfloat((uint16_t)word);
    case LAM__ST_F32:
        bits = (uint32_t)word;
        memcpy(&single, &bits, sizeof single);
        return single;
    case LAM__ST_F64:
        memcpy(&number, &word, sizeof number);
        return (float)number;
    default:
        return NAN;
    }
}

static uint64_t word_at(const lam__item *item, size_t at)
{
    const size_t size = lam__st_dtype_size(item->dtype);
    const unsigned char *b = item->data + at * size;
    uint64_t word = 0;
    for (size_t k = 0; k < size; k++)
        word |= (uint64_t)b[item->big_endian ? size - 1 - k : k] << 8 * k;
    return word;
}

float lam__item_value(const lam__item *item, size_t i, size_t j)
{
    size_t at = 0;
    if (item->rank > 0)
        at += i * item->stride[0];
    if (item->rank > 1)
        at += j * item->stride[1];
    return from_word(word_at(item, at), item->dtype);
}

bool lam__item_number_text(const lam__item *item, size_t i, char *out, size_t size)
{
    const uint64_t word = word_at(item, i * item->stride[0]);
    const size_t bits = 8 * lam__st_dtype_size(item->dtype);
    switch (item->dtype) {
    case LAM__ST_BOOL:
        snprintf(out, size, "%s", word ? "True" : "False");
        return true;
    case LAM__ST_U8:
    case LAM__ST_U16:
    case LAM__ST_U32:
    case LAM__ST_U64:
        snprintf(out, size, "%" PRIu64, word);
        return true;
    case LAM__ST_I8:
    case LAM__ST_I16:
    case LAM__ST_I32:
    case LAM__ST_I64: {
        const uint64_t sign = (uint64_t)1 << (bits - 1);
        snprintf(out, size, word & sign ? "-%" PRIu64 : "%" PRIu64,
                 word & sign ? (sign - (word & (sign - 1))) : word);
        return true;
    }
    default:
        break;
    }
    const float value = lam__item_value(item, i, 0);
    if (!lam__dtype_is_float(item->dtype) || !(fabsf(value) < 1e6f) || value != floorf(value))
        return false;
    snprintf(out, size, "%.1f", (double)value);
    return true;
}

int lam__natural_order(const char *a, const char *b)
{
    while (*a && *b) {
        if (lam__is_digit(*a) && lam__is_digit(*b)) {
            while (*a == '0' && lam__is_digit(a[1]))
                a++;
            while (*b == '0' && lam__is_digit(b[1]))
                b++;
            size_t n = 0, m = 0;
            while (lam__is_digit(a[n]))
                n++;
            while (lam__is_digit(b[m]))
                m++;
            if (n != m)
                return n < m ? -1 : 1;
            const int order = memcmp(a, b, n);
            if (order != 0)
                return order;
            a += n;
            b += m;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    return (*a != '\0') - (*b != '\0');
}
