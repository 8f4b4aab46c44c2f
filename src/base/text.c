/* text.c: words and numbers without the locale. */
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include <lamina/catalog.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* Puts this thread in the C locale; returns what to give back to uselocale. */
static locale_t enter_c_locale(void)
{
    pthread_once(&once, make_locale);
    return uselocale(c_locale); /* a query when newlocale failed, which for "C" it does not */
}

static const char *skip_digits(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return p;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit on at least one side of the point. */
static bool is_decimal(const char *p)
{
    if (*p == '+' || *p == '-')
        p++;
    const char *end = skip_digits(p);
    size_t digits = (size_t)(end - p);
    p = end;
    if (*p == '.') {
        end = skip_digits(++p);
        digits += (size_t)(end - p);
        p = end;
    }
    if (digits == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '+' || *p == '-')
            p++;
        end = skip_digits(p);
        if (end == p)
            return false;
        p = end;
    }
    return *p == '\0';
}

bool lam__parse_double(const char *text, double *value)
{
    if (!text || !is_decimal(text))
        return false;
    char *end;
    const locale_t former = enter_c_locale();
    const double number = strtod(text, &end);
    uselocale(former);
    if (*end != '\0' || !isfinite(number)) /* too large for a double */
        return false;
    *value = number;
    return true;
}

bool lam__parse_u64(const char *text, uint64_t *value)
{
    if (!text || !*text || *skip_digits(text) != '\0')
        return false;
    uint64_t number = 0;
    for (const char *p = text; *p; p++) {
        const uint64_t digit = (uint64_t)(*p - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}

char *lam__format_double(double value, char *buffer, size_t size)
{
    if (!isfinite(value)) {
        snprintf(buffer, size, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return buffer;
    }
    static const int digits[] = {6, 9, 17};
    const locale_t former = enter_c_locale();
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
        snprintf(buffer, size, "%.*g", digits[i], value);
        if (strtod(buffer, NULL) == value)
            break;
    }
    uselocale(former);
    return buffer;
}

char *lam__format_float(float value, char *buffer, size_t size)
{
    if (!isfinite(value))
        return lam__format_double((double)value, buffer, size);
    const locale_t former = enter_c_locale();
    snprintf(buffer, size, "%.6g", (double)value);
    if (strtof(buffer, NULL) != value)
        snprintf(buffer, size, "%.9g", (double)value);
    uselocale(former);
    return buffer;
}

/* Appends text to buffer[size] of which *used characters are taken; false when it does not fit
 * beside `reserve` further characters and the terminator (then nothing is appended). */
static bool append(char *buffer, size_t size, size_t *used, const char *text, size_t reserve)
{
    const size_t length = strlen(text);
    if (*used + length + reserve >= size)
        return false;
    memcpy(buffer + *used, text, length + 1);
    *used += length;
    return true;
}

void lam__join_words(const char *const *words, size_t count, char *buffer, size_t size)
{
    static const char cut[] = "...";
    if (size == 0)
        return;
    size_t used = 0;
    buffer[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const size_t before = used;
        /* Leave room for the dots unless this is the last word. */
        const size_t reserve = i + 1 < count ? 2 + strlen(cut) : 0;
        if ((i > 0 && !append(buffer, size, &used, ", ", 0)) ||
            !append(buffer, size, &used, words[i], reserve)) {
            used = before;
            buffer[used] = '\0';
            if (i > 0)
                append(buffer, size, &used, ", ", strlen(cut));
            append(buffer, size, &used, cut, 0);
            return;
        }
    }
}

void lam__unknown_word(const char *kind, const char *word, const char *const *words, size_t count,
                       char *buffer, size_t size)
{
    char shown[72];
    lam_printable(word, shown, sizeof shown);
    const char *nearest = lam_nearest(word, words, count);
    int used;
    if (nearest)
        used = snprintf(buffer, size, "unknown %s '%s'; did you mean '%s'? known: ", kind, shown,
                        nearest);
    else
        used = snprintf(buffer, size, "unknown %s '%s'; known: %s", kind, shown,
                        count == 0 ? "none" : "");
    if (used >= 0 && (size_t)used < size)
        lam__join_words(words, count, buffer + used, size - (size_t)used);
}
