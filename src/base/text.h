/* text.h: words and numbers without the locale. */
#ifndef LAMINA_TEXT_H
#define LAMINA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether bytes, or a string, are UTF-8 (RFC 3629). */
bool lam__bytes_are_utf8(const char *bytes, size_t count);
bool lam__is_utf8(const char *text);

/* Parses the whole of `text` as a decimal number ('.' is the point whatever the locale; no hex,
 * no surrounding space; "nan" and "inf" refused). */
bool lam__parse_double(const char *text, double *value);
bool lam__parse_u64(const char *text, uint64_t *value);

/* Writes a double so that it reads back the same, shortest of %.6g, %.9g and %.17g, with '.' as
 * the point; NaN and infinities as "nan", "inf", "-inf". Returns buffer. */
char *lam__format_double(double value, char *buffer, size_t size);

/* The same for a float: shortest of %.6g and %.9g. */
char *lam__format_float(float value, char *buffer, size_t size);

/* Writes "a, b, c" of words[count] to buffer, cut with "..." when it does not fit. */
void lam__join_words(const char *const *words, size_t count, char *buffer, size_t size);

/* Fills `buffer` with "unknown KIND 'WORD'; did you mean 'X'? known: a, b, c" for lam__fail. */
void lam__unknown_word(const char *kind, const char *word, const char *const *words, size_t count,
                       char *buffer, size_t size);

#endif
