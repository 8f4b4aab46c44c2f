/* test_hash.c: texts that would meet in one slot of a known hash do not meet in ours. */
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text/hash.h"
#include "base/text/string_set.h"

enum { TEXTS = 256, SLOTS = 4096 };

/* FNV-1a, folded: the low bits of a text that begins as all others do. */
static size_t known_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3;
    return (size_t)(h ^ h >> 32);
}

static void make_texts(char texts[TEXTS][16])
{
    for (unsigned i = 0, found = 0; found < TEXTS; i++) {
        snprintf(texts[found], sizeof texts[found], "c%u", i);
        found += known_hash(texts[found]) % SLOTS == 0;
    }
}

Test(hash, chosen_texts_have_slots_of_their_own)
{
    static char texts[TEXTS][16];
    static bool taken[SLOTS];
    size_t slots = 0;
    make_texts(texts);
    for (size_t i = 0; i < TEXTS; i++) {
        const size_t hash = lam__hash(texts[i], strlen(texts[i]));
        cr_expect_eq(hash, lam__hash(texts[i], strlen(texts[i])));
        slots += !taken[hash % SLOTS];
        taken[hash % SLOTS] = true;
    }
    cr_expect_gt(slots, 200, "%zu slots", slots); /* some 248 on average, 232 at least */
}

Test(hash, depends_on_every_byte)
{
    char text[24] = "abcdefghijklmnopqrstuvw";
    for (size_t length = 0; length < 24; length++) {
        const size_t whole = lam__hash(text, length);
        cr_expect_neq(whole, lam__hash(text, length + 1));
        for (size_t i = 0; i < length; i++) {
            text[i] ^= 1;
            cr_expect_neq(whole, lam__hash(text, length), "byte %zu of %zu", i, length);
            text[i] ^= 1;
        }
    }
}

Test(hash, numbers_of_a_set_come_in_order)
{
    static char texts[TEXTS][16];
    lam__string_set set = {.count = 0};
    make_texts(texts);
    for (size_t i = 0; i < TEXTS; i++) {
        cr_assert_eq(lam__string_set_find(&set, texts[i], strlen(texts[i])), LAM__NO_WORD);
        cr_assert_eq(lam__string_set_add(&set, texts[i], strlen(texts[i])), LAM_OK);
    }
    for (size_t i = 0; i < TEXTS; i++)
        cr_expect_eq(lam__string_set_find(&set, texts[i], strlen(texts[i])), i);
    lam__string_set_clear(&set);
}
