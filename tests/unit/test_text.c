/* test_text.c: numbers and words, whatever the locale. */
#include <criterion/criterion.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../support/comma_locale.h"
#include "base/philox.h"
#include "base/text.h"

static void accepts(const char *text, double expected)
{
    double value = -99;
    cr_assert(lam__parse_double(text, &value), "'%s' should be a number", text);
    cr_assert(value == expected && signbit(value) == signbit(expected), "'%s' gave %a", text,
              value);
}

static void refuses(const char *text)
{
    double value = -99;
    cr_assert_not(lam__parse_double(text, &value), "'%s' should not be a number", text);
    cr_assert_eq(value, -99);
}

Test(text, decimal_numbers)
{
    accepts("0", 0);
    accepts("-0", -0.0);
    accepts("1", 1);
    accepts("+1.5", 1.5);
    accepts("-2.25", -2.25);
    accepts(".5", 0.5);
    accepts("5.", 5);
    accepts("1e-3", 0.001);
    accepts("1E3", 1000);
    accepts("1.25e+2", 125);
    accepts("007", 7);
    accepts("0.1", 0.1);
    accepts("1.7976931348623157e308", DBL_MAX);
    accepts("5e-324", 0x1p-1074);
    accepts("1e-999", 0);
}

Test(text, what_is_not_a_decimal_number)
{
    static const char *const bad[] = {
        "",         " ",      " 1",    "1 ",    "1\n", "+",   "-",     ".",      "-.",
        "e5",       ".e5",    "1e",    "1e+",   "1e-", "--1", "+-1",   "1.2.",   "1..2",
        "1,5",      "1,000",  "0x10",  "0x1p3", "nan", "NaN", "inf",   "-inf",   "INF",
        "infinity", "nan(1)", "1e5.5", "1d5",   "1f",  "1_0", "1e999", "-1e999", "\xD9\xA1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(bad[i]);
    double value;
    cr_assert_not(lam__parse_double(NULL, &value));
}

Test(text, unsigned_integers)
{
    uint64_t value = 0;
    cr_assert(lam__parse_u64("0", &value) && value == 0);
    cr_assert(lam__parse_u64("0042", &value) && value == 42);
    cr_assert(lam__parse_u64("18446744073709551615", &value) && value == UINT64_MAX);
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x10",
                                      "1e3",
                                      "abc",
                                      "18446744073709551616",
                                      "99999999999999999999999"};
    value = 7;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_not(lam__parse_u64(bad[i], &value), "'%s'", bad[i]);
    cr_assert_not(lam__parse_u64(NULL, &value));
    cr_assert_eq(value, 7);
}

static void formats(double value, const char *expected)
{
    char buffer[32];
    cr_assert_eq(lam__format_double(value, buffer, sizeof buffer), buffer);
    cr_assert_str_eq(buffer, expected);
}

Test(text, formatted_numbers)
{
    formats(0, "0");
    formats(-0.0, "-0");
    formats(1, "1");
    formats(0.1, "0.1");
    formats(-1.5, "-1.5");
    formats(1e-3, "0.001");
    formats(123456, "123456");
    formats(1234567, "1234567"); /* nine digits */
    formats(0.1f, "0.10000000149011612");
    formats(1e300, "1e+300");
    formats((double)NAN, "nan");
    formats((double)INFINITY, "inf");
    formats(-(double)INFINITY, "-inf");
}

Test(text, every_double_reads_back)
{
    lam__stream stream = lam__stream_open(lam__derive_key(1, LAM__FOR_TOY, 0), 0);
    for (int i = 0; i < 20000; i++) {
        const uint64_t high = lam__next_u32(&stream), bits = high << 32 | lam__next_u32(&stream);
        double value, back;
        char buffer[32];
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        lam__format_double(value, buffer, sizeof buffer);
        cr_assert(lam__parse_double(buffer, &back), "%s", buffer);
        cr_assert(memcmp(&value, &back, sizeof value) == 0, "%a became %s", value, buffer);
    }
}

Test(text, a_comma_locale_changes_nothing)
{
    char buffer[32];
    if (!comma_locale_enter())
        cr_skip_test("no locale with a decimal comma");
    snprintf(buffer, sizeof buffer, "%g", 1.5);
    cr_assert_str_eq(buffer, "1,5", "the locale is not in force");
    accepts("1.5", 1.5);
    accepts("-2.5e-1", -0.25);
    refuses("1,5");
    formats(1.5, "1.5");
    formats(0.1f, "0.10000000149011612");
    cr_assert_str_eq(lam__format_float(0.1f, buffer, sizeof buffer), "0.1");
    cr_assert_str_eq(lam__format_float(16777215.0f, buffer, sizeof buffer), "16777215");
    cr_assert_str_eq(lam__format_float(-INFINITY, buffer, sizeof buffer), "-inf");
    snprintf(buffer, sizeof buffer, "%g", 1.5);
    cr_assert_str_eq(buffer, "1,5", "the caller's locale was changed");
}

static const char *const fruits[] = {"apple", "banana", "cherry"};

Test(text, joined_words)
{
    char buffer[64];
    lam__join_words(fruits, 3, buffer, sizeof buffer);
    cr_assert_str_eq(buffer, "apple, banana, cherry");
    lam__join_words(fruits, 1, buffer, sizeof buffer);
    cr_assert_str_eq(buffer, "apple");
    lam__join_words(fruits, 0, buffer, sizeof buffer);
    cr_assert_str_eq(buffer, "");
}

Test(text, joined_words_are_cut_to_fit)
{
    const char *const whole = "apple, banana, cherry";
    for (size_t size = 0; size <= 30; size++) {
        char buffer[40];
        memset(buffer, '#', sizeof buffer);
        lam__join_words(fruits, 3, buffer, size);
        for (size_t i = size; i < sizeof buffer; i++)
            cr_assert_eq(buffer[i], '#', "wrote beyond %zu", size);
        if (size == 0)
            continue;
        cr_assert_lt(strlen(buffer), size);
        if (size > strlen(whole))
            cr_assert_str_eq(buffer, whole);
        else if (size > 3)
            cr_assert_str_eq(buffer + strlen(buffer) - 3, "...", "%zu: '%s'", size, buffer);
    }
    char buffer[20];
    lam__join_words(fruits, 3, buffer, sizeof buffer);
    cr_assert_str_eq(buffer, "apple, banana, ...");
}

Test(text, unknown_words)
{
    char buffer[256];
    lam__unknown_word("fruit", "aple", fruits, 3, buffer, sizeof buffer);
    cr_assert_str_eq(buffer,
                     "unknown fruit 'aple'; did you mean 'apple'? known: apple, banana, cherry");
    lam__unknown_word("fruit", "xyzzy", fruits, 3, buffer, sizeof buffer);
    cr_assert_str_eq(buffer, "unknown fruit 'xyzzy'; known: apple, banana, cherry");
}

Test(text, hostile_unknown_words)
{
    char word[2001], buffer[256];
    for (size_t i = 0; i < sizeof word - 1; i += 2)
        memcpy(word + i, "\xC3\xA9", 2); /* an e with an acute accent: two bytes */
    word[sizeof word - 1] = '\0';
    lam__unknown_word("fruit", word, fruits, 3, buffer, sizeof buffer);
    cr_assert_not_null(strstr(buffer, "\xC3\xA9...'; known: apple, banana, cherry"));
    lam__unknown_word("fruit", word + 1, fruits, 3, buffer, sizeof buffer);
    cr_assert_not_null(strstr(buffer, "\xC3\xA9...'; known: apple, banana, cherry"));
    lam__unknown_word("fruit", "a\x1b[2Jb\n", fruits, 3, buffer, sizeof buffer);
    cr_assert_not_null(strstr(buffer, "'a\\x1b[2Jb\\n'"));
    for (size_t size = 1; size < 80; size++) {
        lam__unknown_word("fruit", "aple", fruits, 3, buffer, size);
        cr_assert_lt(strlen(buffer), size);
    }
}
