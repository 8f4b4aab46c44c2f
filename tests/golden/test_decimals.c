/* test_decimals.c: decimal numbers against exact arithmetic; data/decimals.txt is made by
 * make_decimals.py, which describes it. */
#include <criterion/criterion.h>

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/comma_locale.h"
#include "base/text/decimal.h"

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Every number of the file, with `tail` behind it. */
static void check_all(const char *tail)
{
    FILE *file = fopen(GOLDEN_DATA "/decimals.txt", "r");
    static char text[2048];
    char bits[16], word[16];
    size_t count = 0, twice = 0;
    cr_assert_not_null(file);
    while (fscanf(file, "%1024s %15s %15s", text, bits, word) == 3) {
        const size_t length = strlen(text);
        float value = -12345.0f;
        strcpy(text + length, tail);
        const char *end = lam__parse_float(text, &value);
        cr_assert_eq(end, text + length, "%s ends elsewhere", text);
        cr_assert_eq(bits_of(value), (uint32_t)strtoul(bits, NULL, 16), "%s: %08x, expected %s",
                     text, (unsigned)bits_of(value), bits);
        count++;
        twice += strcmp(word, "twice") == 0;
    }
    fclose(file);
    cr_assert(count > 2000 && twice >= 40, "%zu numbers, %zu", count, twice);
}

Test(decimals, nearest_float)
{
    check_all("");
    check_all(",7.25");
}

Test(decimals, comma_locale)
{
    if (!comma_locale_enter())
        cr_skip_test("no locale with a comma");
    check_all(";");
}

Test(decimals, where_numbers_end)
{
    static const struct {
        const char *text;
        int length; /* -1: no number */
        float value;
    } rows[] = {
        {"", -1, 0},    {"-", -1, 0},   {".", -1, 0},       {"e5", -1, 0},  {"+.e1", -1, 0},
        {"nan", -1, 0}, {"inf", -1, 0}, {" 1", -1, 0},      {"0x10", 1, 0}, {"1e", 1, 1},
        {"1e+", 1, 1},  {"1e-x", 1, 1}, {"1.5.2", 3, 1.5f}, {"1,5", 1, 1},  {"12abc", 2, 12},
        {"--1", -1, 0}, {"1 ", 1, 1},   {"1.e2;", 4, 100},  {"7-3", 1, 7},  {".5e1e2", 4, 5},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        float value = -1.0f;
        const char *end = lam__parse_float(rows[i].text, &value);
        if (rows[i].length < 0) {
            cr_expect_null(end, "'%s'", rows[i].text);
            continue;
        }
        cr_assert_not_null(end, "'%s'", rows[i].text);
        cr_expect_eq(end - rows[i].text, rows[i].length, "'%s'", rows[i].text);
        cr_expect_eq(value, rows[i].value, "'%s'", rows[i].text);
    }
}
