/* utf8.c: UTF-8, and text of others made safe to show. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lamina/status.h>

#include "base/text.h"

size_t lam_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (!s)
        return 0;
    if (s[0] < 0x80)
        return s[0] != 0;
    const size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    /* not longer than needed, no surrogates, nothing above U+10FFFF */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < length; i++) /* ends at the NUL, which is no continuation */
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

bool lam__bytes_are_utf8(const char *bytes, size_t count)
{
    const char *end = bytes + count;
    for (;;) {
        char one[5] = "";
        while (bytes < end && (unsigned char)*bytes < 0x80)
            bytes++;
        if (bytes == end)
            return true;
        const size_t left = (size_t)(end - bytes);
        memcpy(one, bytes, left < 4 ? left : 4);
        const size_t length = lam_utf8_length(one);
        if (length == 0)
            return false;
        bytes += length;
    }
}

bool lam__is_utf8(const char *text)
{
    return lam__bytes_are_utf8(text, strlen(text));
}

static uint32_t decode(const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t code = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (s[i] & 0x3f);
    return code;
}

/* Characters that act rather than show: C0, DEL and C1, the marks, embeddings, overrides and
 * isolates of the bidirectional algorithm (Unicode Annex 9), which let a name look like another,
 * and the separators of lines and paragraphs. */
static bool acts(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069);
}

/* One character, or one byte that belongs to none, as it is shown: at most 6 bytes and a NUL.
 * Returns how many bytes of the text it stands for. */
static size_t show(const char *text, char shown[8])
{
    static const char letters[] = "abtnvfr"; /* of 7 to 13 */
    const size_t length = lam_utf8_length(text);
    const uint32_t code = length ? decode(text, length) : 0;
    if (length == 0)
        snprintf(shown, 8, "\\x%02x", (unsigned)(unsigned char)*text);
    else if (code >= 7 && code <= 13)
        snprintf(shown, 8, "\\%c", letters[code - 7]);
    else if (acts(code))
        snprintf(shown, 8, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
    else
        snprintf(shown, 8, "%.*s", (int)length, text);
    return length ? length : 1;
}

char *lam_printable(const char *text, char *out, size_t size)
{
    size_t at = 0, whole = 0; /* `whole`: the longest part that leaves room for the dots */
    if (!out || size == 0)
        return out;
    out[0] = '\0';
    while (text && *text) {
        char shown[8];
        const size_t taken = show(text, shown), length = strlen(shown);
        if (at + length >= size) {
            snprintf(out + whole, size - whole, "...");
            return out;
        }
        memcpy(out + at, shown, length + 1);
        at += length;
        text += taken;
        if (at + 3 < size)
            whole = at;
    }
    return out;
}
