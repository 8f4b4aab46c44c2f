/* ascii.h: letters and digits of ASCII, whatever the locale. */
#ifndef LAMINA_ASCII_H
#define LAMINA_ASCII_H

#include <stdbool.h>
#include <stddef.h>

static inline char lam__lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool lam__is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool lam__is_letter(char c)
{
    return lam__lower(c) >= 'a' && lam__lower(c) <= 'z';
}

static inline bool lam__is_alphanumeric(char c)
{
    return lam__is_letter(c) || lam__is_digit(c);
}

/* The value of a hexadecimal digit, -1 for another character. */
static inline int lam__hex_digit(char c)
{
    const char letter = lam__lower(c);
    return lam__is_digit(c) ? c - '0' : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Whether the first `length` characters are the same but for upper and lower case. */
static inline bool lam__same_letters(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (lam__lower(a[i]) != lam__lower(b[i]))
            return false;
    return true;
}

#endif
