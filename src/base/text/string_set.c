/* string_set.c: a set of texts, each with a number: a table of slots, linear probing. */
#include "base/text/string_set.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text/hash.h"

static bool is_word(const char *word, const char *bytes, size_t length)
{
    return strncmp(word, bytes, length) == 0 && word[length] == '\0';
}

/* The slot where the word is, or would be. There is always a free one. */
static size_t slot_of(const lam__string_set *words, const char *bytes, size_t length)
{
    size_t slot = lam__hash(bytes, length) & (words->slot_count - 1);
    while (words->slots[slot] > 0 && !is_word(words->words[words->slots[slot] - 1], bytes, length))
        slot = (slot + 1) & (words->slot_count - 1);
    return slot;
}

size_t lam__string_set_find(const lam__string_set *words, const char *bytes, size_t length)
{
    if (words->count == 0)
        return LAM__NO_WORD;
    const uint32_t found = words->slots[slot_of(words, bytes, length)];
    return found ? found - 1 : LAM__NO_WORD;
}

static void fill_slots(lam__string_set *words)
{
    memset(words->slots, 0, words->slot_count * sizeof *words->slots);
    for (size_t i = 0; i < words->count; i++)
        words->slots[slot_of(words, words->words[i], strlen(words->words[i]))] = (uint32_t)(i + 1);
}

static lam_status grow(lam__string_set *words)
{
    /* few at first: a table may have 100,000 columns of two words */
    const size_t capacity = words->capacity > 0 ? 2 * words->capacity : 2;
    if (capacity > UINT32_MAX / 2)
        return lam__fail(LAM_ERR_UNSUPPORTED, "a column of more than %zu different texts",
                         words->capacity);
    char **grown = lam__allocate(capacity, sizeof *grown, "the words of a column");
    uint32_t *slots = lam__allocate(2 * capacity, sizeof *slots, "the words of a column");
    if (!grown || !slots) {
        lam__release(grown);
        lam__release(slots);
        return LAM_ERR_MEMORY;
    }
    if (words->count > 0)
        memcpy(grown, words->words, words->count * sizeof *grown);
    lam__release(words->words);
    lam__release(words->slots);
    words->words = grown;
    words->capacity = capacity;
    words->slots = slots;
    words->slot_count = 2 * capacity;
    fill_slots(words);
    return LAM_OK;
}

lam_status lam__string_set_add(lam__string_set *words, const char *bytes, size_t length)
{
    if (words->count == words->capacity)
        LAM__TRY(grow(words));
    char *copy = lam__allocate_text(length + 1, "a word of a column");
    if (!copy)
        return LAM_ERR_MEMORY;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    words->slots[slot_of(words, bytes, length)] = (uint32_t)(words->count + 1);
    words->words[words->count++] = copy;
    return LAM_OK;
}

struct numbered {
    char *word;
    size_t number;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(((const struct numbered *)a)->word, ((const struct numbered *)b)->word);
}

lam_status lam__string_set_sort(lam__string_set *words, size_t *order)
{
    struct numbered *list = lam__allocate(words->count, sizeof *list, "the words of a column");
    if (!list)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < words->count; i++)
        list[i] = (struct numbered){words->words[i], i};
    qsort(list, words->count, sizeof *list, by_bytes);
    for (size_t i = 0; i < words->count; i++) {
        words->words[i] = list[i].word;
        order[list[i].number] = i;
    }
    lam__release(list);
    if (words->count > 0)
        fill_slots(words);
    return LAM_OK;
}

void lam__string_set_clear(lam__string_set *words)
{
    for (size_t i = 0; i < words->count; i++)
        lam__release(words->words[i]);
    lam__release(words->words);
    lam__release(words->slots);
    *words = (lam__string_set){.count = 0};
}
