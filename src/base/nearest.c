/* nearest.c: the known word nearest to a misspelt one. */
#include <stdint.h>
#include <string.h>

#include <lamina/catalog.h>

#include "base/ascii.h"

/* Longer words are compared as prefixes only. */
enum { LONGEST = 127 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, substitutions and swaps of neighbours that turn a into b, no part edited
 * twice. Source: Damerau, CACM 7 (1964); the dynamic programme keeps the last three rows. */
static size_t distance(const char *a, size_t m, const char *b, size_t n)
{
    size_t rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++)
        last[j] = j;
    for (size_t i = 1; i <= m; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const char p = lam__lower(a[i - 1]), q = lam__lower(b[j - 1]);
            row[j] = least(last[j - 1] + (p != q), least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && p == lam__lower(b[j - 2]) && q == lam__lower(a[i - 2]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[n];
}

static int starts_with(const char *word, const char *start)
{
    while (*start && lam__lower(*word) == lam__lower(*start))
        word++, start++;
    return *start == '\0';
}

/* A word is near when a third of the letters typed, but not all of them, have to change. Failing
 * that, the shortest word that begins with what was typed. */
const char *lam_nearest(const char *word, const char *const *words, size_t count)
{
    if (!word || !*word || !words)
        return NULL;
    const size_t length = strlen(word);
    const size_t allowed = length < 2 ? 0 : length < 6 ? 1 : length / 3;
    const char *nearest = NULL, *begins = NULL;
    size_t best = allowed + 1;
    for (size_t i = 0; i < count; i++) {
        if (!words[i])
            continue;
        const size_t n = strlen(words[i]);
        if (length <= LONGEST && n <= LONGEST) {
            const size_t d = distance(word, length, words[i], n);
            if (d < best) {
                best = d;
                nearest = words[i];
            }
        }
        if (starts_with(words[i], word) && (!begins || n < strlen(begins)))
            begins = words[i];
    }
    return nearest ? nearest : begins;
}
