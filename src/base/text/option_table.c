/* option_table.c: options as rows of a table: a struct's defaults, its checks, reading from text.
 */
#include "base/text/option_table.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/struct_size.h"
#include "base/text.h"
#include "base/text/intern.h"
#include "base/text/spelled.h"

size_t lam__option_size(const lam__option *option)
{
    static const size_t sizes[] = {
        [LAM__OPTION_FLOAT] = sizeof(float), [LAM__OPTION_DOUBLE] = sizeof(double),
        [LAM__OPTION_SIZE] = sizeof(size_t), [LAM__OPTION_U64] = sizeof(uint64_t),
        [LAM__OPTION_BOOL] = sizeof(bool),   [LAM__OPTION_TEXT] = sizeof(const char *),
    };
    return sizes[option->type];
}

/* A field on its way between a struct, text and checks. */
typedef union value {
    float f;
    double d;
    size_t n;
    uint64_t u;
    bool b;
    const char *t;
} value;

static bool parse_value(const lam__option *option, const char *text, value *v);

/* The value that a text spells, else the default; NaN for text that is not a number. */
static value read_within(const lam__option *option, const void *options)
{
    const char *text;
    char room[64];
    value v = {0};
    memcpy(&text, (const char *)options + option->offset, sizeof text);
    const char *found = lam__spelled_value(text, option->name, room, sizeof room);
    if (!parse_value(option, found ? found : option->default_text, &v))
        v.f = NAN;
    return v;
}

static value read_field(const lam__option *option, const void *options)
{
    value v = {0};
    if (option->within)
        return read_within(option, options);
    memcpy(&v, (const char *)options + option->offset, lam__option_size(option));
    return v;
}

/* Spells the value in the text that the option is part of. */
static lam_status write_within(const lam__option *option, const char *found, void *options)
{
    const char *text;
    memcpy(&text, (const char *)options + option->offset, sizeof text);
    if (!(text = lam__spelled_with(text ? text : "", option->name, found)))
        return LAM_ERR_MEMORY;
    memcpy((char *)options + option->offset, &text, sizeof text);
    return LAM_OK;
}

static void write_field(const lam__option *option, const value *v, void *options)
{
    memcpy((char *)options + option->offset, v, lam__option_size(option));
}

/* Says what the option takes: "a number in 0 <= X < 1", "a number > 0". */
static void describe_range(const lam__option *option, char *text, size_t size)
{
    char lo[32], hi[32];
    const bool whole = option->type == LAM__OPTION_SIZE;
    const char *what = whole ? "a whole number" : "a number";
    lam__format_double(option->min, lo, sizeof lo);
    lam__format_double(option->max, hi, sizeof hi);
    if (whole)
        snprintf(hi, sizeof hi, "%.0f", option->max); /* 1000000000, not 1e+09 */
    if (option->max < (double)FLT_MAX)
        snprintf(text, size, "%s in %s %s %s %s %s", what, lo,
                 option->min_open ? "<" : "<=", option->argument,
                 option->max_open ? "<" : "<=", hi);
    else if (option->min > -(double)FLT_MAX)
        snprintf(text, size, "%s %s %s", what, option->min_open ? ">" : ">=", lo);
    else
        snprintf(text, size, "%s", what);
}

static lam_status fail_value(const lam__option *option, const char *found)
{
    char expected[128];
    if (option->type == LAM__OPTION_BOOL)
        snprintf(expected, sizeof expected, "true or false");
    else if (option->type == LAM__OPTION_U64)
        snprintf(expected, sizeof expected, "a whole number in 0..18446744073709551615");
    else
        describe_range(option, expected, sizeof expected);
    return lam__fail(LAM_ERR_ARGUMENT, "%s must be %s, not '%.100s'", option->name, expected,
                     found);
}

static bool in_range(const lam__option *option, double x)
{
    const bool above = option->min_open ? x > option->min : x >= option->min;
    const bool below = option->max_open ? x < option->max : x <= option->max;
    return above && below; /* false for NaN */
}

/* One of the words a text option takes; NULL where it has no default. */
static lam_status check_choice(const lam__option *option, const char *text)
{
    size_t count = 0;
    while (option->choices[count]) {
        if (text && strcmp(text, option->choices[count]) == 0)
            return LAM_OK;
        count++;
    }
    if (!text && !option->default_text)
        return LAM_OK;
    char known[256];
    lam__join_words(option->choices, count, known, sizeof known);
    return lam__fail(LAM_ERR_ARGUMENT, "%s is one of %s, not '%.100s'", option->name, known,
                     text ? text : "NULL");
}

/* Checks a field against its row. */
static lam_status check_value(const lam__option *option, const value *v)
{
    double x = 0.0;
    char found[32];
    switch (option->type) {
    case LAM__OPTION_BOOL:
    case LAM__OPTION_U64:
        return LAM_OK;
    case LAM__OPTION_TEXT:
        return option->choices ? check_choice(option, v->t) : option->check_text(v->t);
    case LAM__OPTION_FLOAT:
        return in_range(option, v->f)
                   ? LAM_OK
                   : fail_value(option, lam__format_float(v->f, found, sizeof found));
    case LAM__OPTION_DOUBLE:
        x = v->d;
        break;
    case LAM__OPTION_SIZE:
        x = (double)v->n;
        break;
    }
    return in_range(option, x) ? LAM_OK
                               : fail_value(option, lam__format_double(x, found, sizeof found));
}

static bool parse_bool(const char *text, bool *flag)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *flag = i % 2 == 1;
            return true;
        }
    return false;
}

/* Reads a field from text; false when the text has not its form or does not fit its type. */
static bool parse_value(const lam__option *option, const char *text, value *v)
{
    double x;
    uint64_t n;
    switch (option->type) {
    case LAM__OPTION_BOOL:
        return parse_bool(text, &v->b);
    case LAM__OPTION_TEXT:
        v->t = text;
        return true;
    case LAM__OPTION_U64:
        return lam__parse_u64(text, &v->u);
    case LAM__OPTION_SIZE:
        if (!lam__parse_u64(text, &n) || n > SIZE_MAX)
            return false;
        v->n = (size_t)n;
        return true;
    case LAM__OPTION_DOUBLE:
        return lam__parse_double(text, &v->d);
    case LAM__OPTION_FLOAT:
        if (!lam__parse_double(text, &x) || fabs(x) > (double)FLT_MAX)
            return false;
        v->f = (float)x;
        return true;
    }
    return false;
}

lam_status lam__option_check_text(const lam__option *option, const char *text)
{
    value v = {0};
    return parse_value(option, text, &v) ? check_value(option, &v) : fail_value(option, text);
}

lam_status lam__options_check(const lam__option_table *table, const void *options)
{
    if (!options)
        return lam__fail(LAM_ERR_ARGUMENT, "%s are NULL", table->what);
    for (size_t i = 0; i < table->count; i++) {
        const value v = read_field(&table->rows[i], options);
        LAM__TRY(check_value(&table->rows[i], &v));
    }
    return LAM_OK;
}

/* Whether the program's struct has the option's field. */
static lam_status check_has(const lam__option_table *table, const void *options,
                            const lam__option *option)
{
    const size_t size = lam__options_size(options);
    if (size < sizeof size)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "setting one of %s: struct_size is %zu: fill the options with their "
                         "_default() function first",
                         table->what, size);
    if (option->offset + lam__option_size(option) > size)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: the program was compiled with an earlier version of Lamina, whose "
                         "options do not have it",
                         option->name);
    return LAM_OK;
}

lam_status lam__options_set(const lam__option_table *table, void *options, const char *name,
                            const char *text)
{
    if (!options || !name || !text)
        return lam__fail(LAM_ERR_ARGUMENT, "setting one of %s: options, name or text is NULL",
                         table->what);
    char word[64];
    size_t length = 0;
    for (; name[length] && length + 1 < sizeof word; length++)
        word[length] = name[length] == '-' ? '_' : name[length];
    word[length] = '\0';
    const lam__option *option = lam__table_find(table->names, name[length] ? name : word);
    if (!option)
        return lam_error_status();
    LAM__TRY(check_has(table, options, option));
    value v = {0};
    if (!parse_value(option, text, &v))
        return fail_value(option, text);
    LAM__TRY(check_value(option, &v));
    if (option->within)
        return write_within(option, text, options);
    if (option->type == LAM__OPTION_TEXT && !(v.t = lam__intern(text)))
        return LAM_ERR_MEMORY;
    write_field(option, &v, options);
    return LAM_OK;
}

void lam__options_default(const lam__option_table *table, void *options)
{
    for (size_t i = 0; i < table->count; i++) {
        value v = {0};
        if (table->rows[i].default_text && !table->rows[i].within &&
            parse_value(&table->rows[i], table->rows[i].default_text, &v))
            write_field(&table->rows[i], &v, options);
    }
}

bool lam__option_is_set(const lam__option *option, const void *options)
{
    const value found = read_field(option, options);
    value usual = {0};
    if (option->default_text)
        parse_value(option, option->default_text, &usual);
    if (option->type != LAM__OPTION_TEXT)
        return memcmp(&found, &usual, lam__option_size(option)) != 0;
    return found.t && (!usual.t || strcmp(found.t, usual.t) != 0);
}

const char *lam__option_format(const lam__option *option, const void *options, char *text,
                               size_t size)
{
    const value v = read_field(option, options);
    switch (option->type) {
    case LAM__OPTION_TEXT:
        return v.t;
    case LAM__OPTION_FLOAT:
        return lam__format_float(v.f, text, size);
    case LAM__OPTION_DOUBLE:
        return lam__format_double(v.d, text, size);
    case LAM__OPTION_SIZE:
        snprintf(text, size, "%zu", v.n);
        break;
    case LAM__OPTION_U64:
        snprintf(text, size, "%llu", (unsigned long long)v.u);
        break;
    case LAM__OPTION_BOOL:
        snprintf(text, size, "%s", v.b ? "true" : "false");
        break;
    }
    return text;
}
