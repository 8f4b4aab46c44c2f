/* test_csv.c: the text of tables, well-formed and not. */
#include <criterion/criterion.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>

#include "../support/comma_locale.h"
#include "../support/scratch.h"
#include "../support/tables.h"
#include "base/text.h"
#include "lamina_features.h"

#if LAM__HAVE_GZIP
#include <zlib.h>
#endif

static lam_load_options options_of(const char *const pairs[])
{
    lam_load_options options = lam_load_options_default();
    for (size_t i = 0; pairs && pairs[i]; i += 2)
        cr_assert_eq(lam_load_options_set(&options, pairs[i], pairs[i + 1]), LAM_OK, "%s",
                     lam_error_message());
    return options;
}

static lam_dataset *load(const char *text, const char *const pairs[])
{
    const lam_load_options options = options_of(pairs);
    lam_dataset *dataset;
    cr_assert_eq(table_from(text, strlen(text), &options, &dataset), LAM_OK, "%s: %s", text,
                 lam_error_message());
    return dataset;
}

static void expect_samples(const lam_dataset *dataset, size_t samples, size_t features,
                           const float *expected)
{
    float x[64];
    cr_assert_eq(lam_dataset_samples(dataset), samples);
    cr_assert_eq(lam_dataset_features(dataset), features);
    for (size_t i = 0; i < samples; i++) {
        cr_assert_eq(lam_dataset_sample(dataset, i, x), LAM_OK);
        for (size_t j = 0; j < features; j++)
            cr_assert_eq(x[j], expected[i * features + j], "sample %zu, feature %zu: %g", i, j,
                         (double)x[j]);
    }
}

#define OPTIONS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The same table in many ways of writing. */
Test(csv, ways_of_writing)
{
    static const char *const texts[] = {
        "a,b,y\n1,2,0.5\n-3,4e1,1.5\n",
        "a,b,y\r\n1,2,0.5\r\n-3,4e1,1.5\r\n",
        "a,b,y\r1,2,0.5\r-3,4e1,1.5",
        "\xef\xbb\xbf\"a\",\"b\",\"y\"\n\"1\",\"2\",\"0.5\"\n\"-3\",\"4e1\",\"1.5\"",
        "\n\na , b ,y\n\n 1,2\t , 0.5\n\r\n-3 ,+40.0, 1.5\n\n\n",
        "a;b;y\n1;2;0.5\n-3;40;1.5\n",
        "a\tb\ty\n1\t2\t0.5\n-3\t40\t1.5\n",
        "a|b|y\n1|2|0.5\n-3|40|1.5\n",
        "1,2,0.5\n-3,40,1.5\n",
        "\"a,1\";\"b,2\";\"y,3\"\n1;2;0.5\n-3;40;1.5\n",
        "\"a\n1\",\"b\"\"x\"\"\",y\n1,2,.5\n-3,40.,1.5",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        lam_dataset *dataset = load(texts[i], NULL);
        expect_samples(dataset, 2, 2, (const float[]){1, 2, -3, 40});
        float y[2];
        cr_assert_eq(lam_dataset_outputs(dataset), 1, "text %zu", i);
        cr_assert_eq(lam_dataset_target(dataset, 0, y), LAM_OK);
        cr_assert_eq(lam_dataset_target(dataset, 1, y + 1), LAM_OK);
        cr_assert(y[0] == 0.5f && y[1] == 1.5f);
        lam_dataset_free(dataset);
    }
}

Test(csv, names_of_columns)
{
    lam_dataset *dataset = load("\"say \"\"a\"\"\",\"two\nlines\",,y\n1,2,3,0.5\n", NULL);
    static const char *const names[] = {"say \"a\"", "two\nlines", "column 3", "y"};
    lam_input_info input;
    lam_dataset_input(dataset, &input);
    cr_assert(input.kind == LAM_INPUT_TABLE && input.header && input.columns == 4);
    for (size_t i = 0; i < 4; i++) {
        lam_column_info column;
        cr_assert_eq(lam_dataset_column(dataset, i, &column), LAM_OK);
        cr_assert_str_eq(column.name, names[i]);
        cr_assert_eq(column.kind, LAM_COLUMN_NUMBER);
        cr_assert_eq(column.target, i == 3);
    }
    lam_dataset_free(dataset);
}

Test(csv, told_separator_and_header)
{
    lam_dataset *dataset = load("1 2 3\n4 5 6.5\n", OPTIONS("separator", " "));
    expect_samples(dataset, 2, 2, (const float[]){1, 2, 4, 5});
    lam_dataset_free(dataset);
    dataset = load("1990,1991,1992\n4,5,6.5\n", OPTIONS("header", "yes"));
    expect_samples(dataset, 1, 2, (const float[]){4, 5});
    lam_dataset_free(dataset);
    dataset = load("a,x\nb,y\na,x\nb,y\n", OPTIONS("header", "no"));
    expect_samples(dataset, 4, 2, (const float[]){1, 0, 0, 1, 1, 0, 0, 1});
    lam_dataset_free(dataset);
    dataset = load("1\t2,5\t3\n", OPTIONS("separator", "tab", "target", "3", "ignore", "2"));
    expect_samples(dataset, 1, 1, (const float[]){1});
    lam_dataset_free(dataset);
    dataset = load("a,b\n1,2.5\n3,4.5\n5,6.5\n", OPTIONS("limit", "2"));
    expect_samples(dataset, 2, 1, (const float[]){1, 3});
    lam_dataset_free(dataset);
}

struct malformed {
    const char *text;
    size_t size; /* 0: as long as it is */
    const char *const *options;
    lam_status status;
    const char *message; /* a part of it */
};

static const struct malformed table[] = {
    {"", 0, NULL, LAM_ERR_FORMAT, "in.csv: a table without a row"},
    {"\n\r\n\n", 0, NULL, LAM_ERR_FORMAT, "a table without a row"},
    {"\xef\xbb\xbf", 0, NULL, LAM_ERR_FORMAT, "a table without a row"},
    {"a,b,y\n", 0, NULL, LAM_ERR_FORMAT, "line 1: a table without rows: only 3 column names"},
    {"\xff\xfe"
     "1\0,\0",
     6, NULL, LAM_ERR_FORMAT, "byte 0: the text is UTF-16"},
    {"1,2\n3,\0\n", 8, NULL, LAM_ERR_FORMAT, "in.csv: byte 6 is 0"},
    {"a,b,y\n1,2,3.5\n4,5\n", 0, NULL, LAM_ERR_FORMAT,
     "line 3: 2 fields, expected 3 as in the first row"},
    {"a,b,y\n\n1,2,3,4\n", 0, NULL, LAM_ERR_FORMAT, "line 3: more than 3 fields, expected 3"},
    {"a,b,y\n1,2\n", 0, NULL, LAM_ERR_FORMAT, "line 2: 2 fields"},
    {"a,b,y\n1,\"2,3\n4,5,6\n", 0, NULL, LAM_ERR_FORMAT,
     "line 2, column 2 ('b'): the quote that opens here is not closed"},
    {"\"a,b\n1,2\n", 0, NULL, LAM_ERR_FORMAT, "line 1, column 1: the quote that opens here"},
    {"a,b\n1,\"2\"3\n", 0, NULL, LAM_ERR_FORMAT,
     "line 2, column 2 ('b'): '3' after the closing quote, expected ',' or the end of the line"},
    {"a,a\n1,2\n", 0, NULL, LAM_ERR_FORMAT, "column 2 ('a'): column 1 has the same name"},
    {"caf\xe9,b\n1,2\n", 0, NULL, LAM_ERR_FORMAT, "line 1, column 1 ('caf\\xe9'): the name is not"},
    {"a,b\nx\xc0\x80,2.5\n", 0, NULL, LAM_ERR_FORMAT,
     "line 2, column 1 ('a'): the text is not UTF"},
    {"a,b\n1e39,2.5\n", 0, NULL, LAM_ERR_NUMERIC, "line 2, column 1 ('a'): 1e39 is too large"},
    {"1,-1e400\n", 0, NULL, LAM_ERR_NUMERIC, "line 1, column 2: -1e400 is too large"},
    {"a,b\n1,2.5\n,3.5\n", 0, NULL, LAM_ERR_FORMAT,
     "line 3, column 1 ('a'): the value is missing (1 of 2 rows): option missing fills in"},
    {"a,b\nx,2.5\nNA,3.5\n", 0, NULL, LAM_ERR_FORMAT,
     "line 3, column 1 ('a'): the value is missing"},
    {"a,b\n,2.5\nnan,3.5\n", 0, OPTIONS("missing", "mean"), LAM_ERR_FORMAT,
     "line 2, column 1 ('a'): no row has a value"},
    {"a,b\n1,2.5\n2,?\n", 0, OPTIONS("missing", "mean"), LAM_ERR_FORMAT,
     "line 3, column 2 ('b'): the target has no value here"},
    {"a,b\n1,x\n2,x\n", 0, NULL, LAM_ERR_FORMAT,
     "column 2 ('b'): the target is 'x' in all 2 rows: with one class"},
    {"a,b\n1,7\n2,7\n", 0, NULL, LAM_ERR_FORMAT, "the target is '7' in all 2 rows"},
    {"a,b\n1,x\n", 0, OPTIONS("task", "regression"), LAM_ERR_FORMAT,
     "line 2, column 2 ('b'): 'x' is not a number, but the task is regression"},
    {"y\n1.5\n2.5\n", 0, NULL, LAM_ERR_FORMAT, "no column is left to learn from: 1 in all"},
    {"a,b\n1,2.5\n", 0, OPTIONS("ignore", "a"), LAM_ERR_FORMAT, "no column is left"},
    {"a,b\n1,2.5\n", 0, OPTIONS("target", "c"), LAM_ERR_ARGUMENT, "target: unknown column 'c'"},
    {"a,b\n1,2.5\n", 0, OPTIONS("target", "3"), LAM_ERR_ARGUMENT, "target: unknown column '3'"},
    {"1,2.5\n", 0, OPTIONS("target", "a"), LAM_ERR_ARGUMENT,
     "target: there is no column 'a': the columns have no names, and numbers from 1 to 2"},
    {"a,b\n1,2.5\n", 0, OPTIONS("ignore", "x"), LAM_ERR_ARGUMENT, "ignore: unknown column 'x'"},
    {"a,b\n1,2.5\n", 0, OPTIONS("ignore", "b", "target", "b"), LAM_ERR_ARGUMENT,
     "column 'b' is both the target and ignored"},
    {"a,b,c\n1,x,2.5\n", 0, OPTIONS("target", "b,c"), LAM_ERR_FORMAT,
     "several targets must be numbers, but 'b' has texts"},
};

Test(csv, refuses_what_is_malformed)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct malformed *row = &table[i];
        const lam_load_options options = options_of(row->options);
        lam_dataset *dataset;
        const lam_status status =
            table_from(row->text, row->size ? row->size : strlen(row->text), &options, &dataset);
        cr_expect_eq(status, row->status, "row %zu '%s': status %d, %s", i, row->text, (int)status,
                     lam_error_message());
        cr_expect(strstr(lam_error_message(), row->message), "row %zu '%s': %s", i, row->text,
                  lam_error_message());
        lam_dataset_free(dataset);
    }
}

Test(csv, lines_count_as_an_editor_does)
{
    lam_dataset *dataset;
    static const char text[] = "a,b\r\n\r\n\"x\ny\",1.5\r\nz,2.5\r\nu,\"2\n\"3\r\n";
    cr_assert_eq(table_from(text, strlen(text), NULL, &dataset), LAM_ERR_FORMAT);
    cr_assert(strstr(lam_error_message(), "line 7, column 2"), "%s", lam_error_message());
}

/* Numbers are read alike wherever a comma is the decimal point. */
Test(csv, comma_locale)
{
    if (!comma_locale_enter())
        cr_skip_test("no locale with a comma");
    lam_dataset *dataset = load("1.5,3.4028235677973365e38,0.25\n16777217,2.5,0.5\n", NULL);
    expect_samples(dataset, 2, 2, (const float[]){1.5f, 3.4028235e38f, 16777216.0f, 2.5f});
    lam_dataset_free(dataset);
}

Test(csv, many_rows_and_columns)
{
    enum { ROWS = 3000, COLUMNS = 40 };
    char *text = malloc(ROWS * COLUMNS * 12), *p = text;
    cr_assert_not_null(text);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++)
            p += sprintf(p, "%d.5%c", r * COLUMNS + c, c + 1 < COLUMNS ? ',' : '\n');
    lam_dataset *dataset = load(text, NULL);
    cr_assert_eq(lam_dataset_samples(dataset), ROWS);
    for (int r = 0; r < ROWS; r++) {
        float x[COLUMNS], y;
        cr_assert_eq(lam_dataset_sample(dataset, (size_t)r, x), LAM_OK);
        cr_assert_eq(lam_dataset_target(dataset, (size_t)r, &y), LAM_OK);
        for (int c = 0; c + 1 < COLUMNS; c++)
            cr_assert_eq(x[c], (float)(r * COLUMNS + c) + 0.5f);
        cr_assert_eq(y, (float)(r * COLUMNS + COLUMNS - 1) + 0.5f);
    }
    lam_dataset_free(dataset);
    free(text);
}

Test(csv, from_files)
{
    static const char text[] = "a,b\n1,2.5\n3,4.5\n";
    char folder[256], path[512];
    scratch_make(folder);
    scratch_write(scratch_path(folder, "t.CSV", path), text, strlen(text));
    lam_dataset *dataset = lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    cr_assert_not_null(dataset, "%s", lam_error_message());
    expect_samples(dataset, 2, 1, (const float[]){1, 3});
    lam_dataset_free(dataset);
#if LAM__HAVE_GZIP
    gzFile gz = gzopen(scratch_path(folder, "t.tsv.gz", path), "wb");
    cr_assert(gzwrite(gz, text, (unsigned)strlen(text)) > 0 && gzclose(gz) == Z_OK);
    dataset = lam_dataset_load(path, LAM_SPLIT_TRAIN, NULL);
    cr_assert_not_null(dataset, "%s", lam_error_message());
    expect_samples(dataset, 2, 1, (const float[]){1, 3});
    lam_dataset_free(dataset);
#endif
    scratch_remove(folder);
}

Test(csv, utf8)
{
    static const char *const good[] = {"",
                                       "abc",
                                       "caf\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xed\x9f\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc0\x80",
                                      "\xe0\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf0\x80\x80\x80",
                                      "\xe2\x82",
                                      "\xff",
                                      "\xc3(",
                                      "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(lam__bytes_are_utf8(good[i], strlen(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect_not(lam__bytes_are_utf8(bad[i], strlen(bad[i])), "row %zu", i);
}
