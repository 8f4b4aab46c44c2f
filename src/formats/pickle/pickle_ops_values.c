/* pickle_ops_values.c: the opcodes of pickles that push numbers and texts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/text.h"
#include "formats/pickle/pickle_ops.h"

static lam_status push_int(lam__pickle *p, int64_t integer)
{
    P_NEW(value, LAM__P_INT);
    value->u.integer = integer;
    return lam__pickle_push(p, value);
}

lam_status lam__op_none(lam__pickle *p, int unused)
{
    (void)unused;
    P_NEW(value, LAM__P_NONE);
    return lam__pickle_push(p, value);
}

lam_status lam__op_bool(lam__pickle *p, int flag)
{
    P_NEW(value, LAM__P_BOOL);
    value->u.integer = flag;
    return lam__pickle_push(p, value);
}

lam_status lam__op_int(lam__pickle *p, int width)
{
    uint64_t number = 0;
    LAM__TRY(lam__pickle_take_number(p, width, &number));
    return push_int(p, width == 4 ? (int32_t)(uint32_t)number : (int64_t)number);
}

/* INT and LONG of protocol 0: "12", "-3L"; "00" and "01" are False and True. */
lam_status lam__op_int_line(lam__pickle *p, int is_long)
{
    lam__pickle_text line;
    char text[32];
    uint64_t number;
    LAM__TRY(lam__pickle_take_line(p, &line));
    if (!is_long && (lam__pickle_is(line, "00") || lam__pickle_is(line, "01")))
        return lam__op_bool(p, line.text[1] == '1');
    if (is_long && line.length > 0 && line.text[line.length - 1] == 'L')
        line.length--;
    const size_t minus = line.length > 0 && line.text[0] == '-' ? 1 : 0;
    if (line.length < sizeof text) {
        snprintf(text, sizeof text, "%.*s", (int)(line.length - minus), line.text + minus);
        if (lam__parse_u64(text, &number) && number <= (uint64_t)INT64_MAX)
            return push_int(p, minus ? -(int64_t)number : (int64_t)number);
    }
    size_t digits = 0; /* the line ends with its length, not with a NUL */
    while (minus + digits < line.length && line.text[minus + digits] >= '0' &&
           line.text[minus + digits] <= '9')
        digits++;
    if (digits > 0 && minus + digits == line.length) {
        P_NEW(value, LAM__P_BIG);
        value->u.text = line;
        return lam__pickle_push(p, value);
    }
    return lam__pickle_fail(p, LAM_ERR_FORMAT, "'%.*s' is not an integer",
                            (int)(line.length < 40 ? line.length : 40), line.text);
}

lam_status lam__op_long(lam__pickle *p, int width)
{
    uint64_t count = 0;
    const unsigned char *b = NULL;
    LAM__TRY(lam__pickle_take_number(p, width, &count));
    LAM__TRY(lam__pickle_take_bytes(p, count, &b));
    if (count > 8) {
        P_NEW(value, LAM__P_BIG);
        value->u.text = (lam__pickle_text){(const char *)b, (size_t)count};
        return lam__pickle_push(p, value);
    }
    uint64_t number = count && b[count - 1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = (size_t)count; i-- > 0;)
        number = number << 8 | b[i];
    int64_t integer;
    memcpy(&integer, &number, sizeof integer);
    return push_int(p, integer);
}

lam_status lam__op_float_line(lam__pickle *p, int unused)
{
    lam__pickle_text line;
    char text[64];
    (void)unused;
    LAM__TRY(lam__pickle_take_line(p, &line));
    P_NEW(value, LAM__P_FLOAT);
    snprintf(text, sizeof text, "%.*s", (int)(line.length < 63 ? line.length : 63), line.text);
    if (!lam__parse_double(text, &value->u.number))
        value->kind = LAM__P_OPAQUE; /* nan, inf */
    return lam__pickle_push(p, value);
}

lam_status lam__op_float(lam__pickle *p, int unused)
{
    const unsigned char *b = NULL;
    uint64_t word = 0;
    (void)unused;
    LAM__TRY(lam__pickle_take_bytes(p, 8, &b));
    for (int i = 0; i < 8; i++)
        word = word << 8 | b[i];
    P_NEW(value, LAM__P_FLOAT);
    memcpy(&value->u.number, &word, sizeof word);
    return lam__pickle_push(p, value);
}

static lam_status push_text(lam__pickle *p, lam__pickle_kind kind, const void *text, size_t length)
{
    P_NEW(value, kind);
    value->u.text = (lam__pickle_text){text, length};
    return lam__pickle_push(p, value);
}

/* Text or bytes after a length. */
lam_status lam__op_text(lam__pickle *p, int how)
{
    uint64_t count = 0;
    const unsigned char *b = NULL;
    LAM__TRY(lam__pickle_take_number(p, how % 16, &count));
    LAM__TRY(lam__pickle_take_bytes(p, count, &b));
    return push_text(p, how >= 16 ? LAM__P_BYTES : LAM__P_TEXT, b, (size_t)count);
}

/* An escape of `digits` hexadecimal digits at `from`; -1 when they are none. */
static long hex(lam__pickle_text line, size_t from, size_t digits)
{
    long code = 0;
    for (size_t i = from; i < from + digits; i++) {
        const int digit = i < line.length ? lam__hex_digit(line.text[i]) : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

size_t lam__pickle_utf8(char *to, long code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* UNICODE of protocol 0: latin-1 with \uXXXX and \UXXXXXXXX. */
lam_status lam__op_unicode_line(lam__pickle *p, int unused)
{
    lam__pickle_text line;
    (void)unused;
    LAM__TRY(lam__pickle_take_line(p, &line));
    char *text = lam__pickle_take(p, 2 * line.length + 4); /* \u0800, 6 bytes, becomes 3 */
    size_t length = 0;
    if (!text)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < line.length; i++) {
        long code = (unsigned char)line.text[i];
        const char next = i + 1 < line.length ? line.text[i + 1] : '\0';
        if (code == '\\' && (next == 'u' || next == 'U')) {
            code = hex(line, i + 2, next == 'u' ? 4 : 8);
            if (code < 0 || code > 0x10ffff)
                return lam__pickle_fail(p, LAM_ERR_FORMAT, "a malformed escape in a text");
            i += next == 'u' ? 5 : 9;
        }
        length += lam__pickle_utf8(text + length, code);
    }
    return push_text(p, LAM__P_TEXT, text, length);
}

/* STRING of protocol 0: a literal in quotes with \xXX, \n, \t, \r, \\, \', \". */
lam_status lam__op_string_line(lam__pickle *p, int unused)
{
    lam__pickle_text line;
    size_t length = 0;
    (void)unused;
    LAM__TRY(lam__pickle_take_line(p, &line));
    const char quote = line.length >= 2 ? line.text[0] : '\0';
    if ((quote != '\'' && quote != '"') || line.text[line.length - 1] != quote)
        return lam__pickle_fail(p, LAM_ERR_FORMAT, "a text without quotes");
    char *text = lam__pickle_take(p, line.length);
    if (!text)
        return LAM_ERR_MEMORY;
    for (size_t i = 1; i + 1 < line.length; i++) {
        char c = line.text[i];
        if (c == '\\' && i + 2 < line.length) {
            c = line.text[++i];
            if (c == 'x') {
                const long code = hex(line, i + 1, 2);
                if (code < 0)
                    return lam__pickle_fail(p, LAM_ERR_FORMAT, "a malformed escape in a text");
                c = (char)code;
                i += 2;
            } else if (c == 'n' || c == 't' || c == 'r') {
                c = c == 'n' ? '\n' : c == 't' ? '\t' : '\r';
            } else if (c != '\\' && c != '\'' && c != '"') {
                return lam__pickle_fail(p, LAM_ERR_FORMAT, "an escape '\\%c' in a text", c);
            }
        }
        text[length++] = c;
    }
    return push_text(p, LAM__P_TEXT, text, length);
}
