/* test_utf8.c: UTF-8, and text of others made safe to show. */
#include <criterion/criterion.h>

#include <string.h>

#include <lamina/status.h>

#include "base/error.h"
#include "base/text.h"

static void expect_shown(const char *text, const char *expected)
{
    char shown[256];
    cr_expect_str_eq(lam_printable(text, shown, sizeof shown), expected, "%s", shown);
    cr_expect(lam__is_utf8(shown));
}

Test(utf8, what_acts_on_a_terminal_is_shown_as_an_escape)
{
    expect_shown("plain text, ~", "plain text, ~");
    expect_shown("C:\\names\\stay", "C:\\names\\stay");
    expect_shown("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m");
    expect_shown("two\nlines\r\ttab\a\b", "two\\nlines\\r\\ttab\\a\\b");
    expect_shown("\x01\x1f\x7f", "\\x01\\x1f\\x7f");
    expect_shown("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0");
    expect_shown("a\xe2\x80\xaetxt.exe", "a\\u202etxt.exe");
    expect_shown("\xe2\x81\xa6\xe2\x80\xa8\xd8\x9c", "\\u2066\\u2028\\u061c");
    expect_shown("na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x99\x82",
                 "na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x99\x82");
}

Test(utf8, what_is_no_utf8_is_made_visible)
{
    expect_shown("caf\xe9", "caf\\xe9");
    expect_shown("\xff\xfe", "\\xff\\xfe");
    expect_shown("\xc0\x9b", "\\xc0\\x9b");                   /* longer than needed */
    expect_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    expect_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
    expect_shown("cut \xe6\x97", "cut \\xe6\\x97");
    expect_shown("\x9b\x33\x31m", "\\x9b\x33\x31m"); /* C1 in Latin-1 */
}

Test(utf8, what_does_not_fit_ends_in_dots_at_a_whole_character)
{
    static const char text[] = "\xc3\xa4\xc3\xa4\x1b\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
    char shown[32];
    for (size_t size = 1; size < sizeof shown; size++) {
        memset(shown, '#', sizeof shown);
        lam_printable(text, shown, size);
        cr_expect_lt(strlen(shown), size);
        cr_expect_eq(shown[size], '#');
        cr_expect(lam__is_utf8(shown), "%zu bytes", size);
        cr_expect(size <= 3 || size > 16 || strcmp(shown + strlen(shown) - 3, "...") == 0,
                  "%zu bytes: %s", size, shown);
    }
    cr_expect_str_eq(lam_printable("", shown, 1), "");
}

Test(utf8, messages_show_what_they_quote)
{
    lam__fail(LAM_ERR_FORMAT, "%s: line %d", "\x1b]0;owned\a.csv", 3);
    cr_expect_str_eq(lam_error_message(), "\\x1b]0;owned\\a.csv: line 3");
    char word[2048];
    memset(word, 1, sizeof word - 1);
    word[sizeof word - 1] = '\0';
    lam__fail(LAM_ERR_FORMAT, "%s", word);
    cr_expect_lt(strlen(lam_error_message()), LAM__MESSAGE_SIZE);
    cr_expect(strstr(lam_error_message(), "\\x01..."));
    lam__fail(LAM_ERR_FORMAT, "again: %s", lam_error_message());
    cr_expect(strncmp(lam_error_message(), "again: \\x01", 11) == 0);
}
