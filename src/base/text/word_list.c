/* word_list.c: text such as "a, b, c" part by part. */
#include "base/text/word_list.h"

#include <string.h>

#include "base/error.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

lam__word lam__word_list(const char *list)
{
    return (lam__word){.next = list};
}

lam__word lam__optional_word_list(const char *list)
{
    const char *p = list;
    while (p && is_space(*p))
        p++;
    return (lam__word){.next = p && *p ? list : NULL};
}

lam_status lam__next_word(const char *list, const char *kind, lam__word *word, bool *more)
{
    const char *start = word->next;
    *more = start != NULL;
    if (!start)
        return LAM_OK;
    const char *comma = start + strcspn(start, ",");
    word->next = *comma ? comma + 1 : NULL;
    const char *end = comma;
    while (start < end && is_space(*start))
        start++;
    while (start < end && is_space(end[-1]))
        end--;
    const size_t length = (size_t)(end - start);
    word->number++;
    word->position = (size_t)(start - list) + 1;
    if (length == 0)
        return lam__fail(LAM_ERR_ARGUMENT, "%s %zu (character %zu of '%.200s') is empty", kind,
                         word->number, word->position, list);
    if (length >= sizeof word->text)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s %zu (character %zu) '%.60s...' has %zu characters, more than %zu",
                         kind, word->number, word->position, start, length, sizeof word->text - 1);
    memcpy(word->text, start, length);
    word->text[length] = '\0';
    return LAM_OK;
}
