/* test_wide.c: tables of very many columns. Work that grows with the square of the columns would
 * not end within the time a test has. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "../support/tables.h"

/* What is quadratic would not end; under a sanitizer much fewer are as many. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COLUMNS = 20000 };
#else
enum { COLUMNS = 300000 };
#endif

/* Two rows of COLUMNS numbers; a header of names that share their beginning where `named`. */
static char *wide_text(bool named)
{
    char *text = malloc((size_t)COLUMNS * 40), *at = text;
    for (int c = 0; c < COLUMNS && named; c++)
        at += sprintf(at, "%scolumn of numbers %d", c ? "," : "", c);
    for (int row = 0; row < 2; row++) {
        *at++ = '\n';
        for (int c = 0; c < COLUMNS; c++) {
            *at++ = (char)('0' + (c + row) % 10);
            *at++ = ',';
        }
        at[-1] = (char)('0' + row);
    }
    *at = '\0';
    return text;
}

static lam_dataset *load(const char *text, const lam_load_options *options)
{
    lam_dataset *dataset;
    cr_assert_eq(table_from(text, strlen(text), options, &dataset), LAM_OK, "%s",
                 lam_error_message());
    return dataset;
}

/* A model of all columns but the last, then the same table as that model needs it. */
static void load_as_model(bool named)
{
    char *text = wide_text(named);
    lam_load_options options = lam_load_options_default();
    lam_dataset *data = load(text, &options);
    lam_model *model = lam_model_new(COLUMNS - 1);
    cr_assert_eq(lam_model_add_layers(model, "1"), LAM_OK);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    fit.threads = 1;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    options.like = model;
    lam_dataset *again = load(text, &options);
    cr_assert_eq(lam_dataset_features(again), COLUMNS - 1);
    lam_dataset_free(again);
    lam_dataset_free(data);
    lam_model_free(model);
    free(text);
}

Test(wide, a_table_is_read_as_a_model_needs_it)
{
    load_as_model(true);
}

Test(wide, a_table_without_header_is_read_as_a_model_needs_it)
{
    load_as_model(false);
}

Test(wide, every_column_tells_its_first_feature)
{
    char *text = wide_text(true);
    lam_dataset *data = load(text, NULL);
    lam_column_info column;
    for (size_t c = 0; c < COLUMNS; c++) {
        cr_assert_eq(lam_dataset_column(data, c, &column), LAM_OK);
        cr_assert_eq(column.first_feature, c);
    }
    lam_dataset_free(data);
    free(text);
}

/* Every other column is left out by name, and twenty of the others are targets. */
Test(wide, many_columns_are_chosen_by_name)
{
    char *text = wide_text(true), *ignore = malloc((size_t)COLUMNS * 40), *at = ignore;
    char target[1024] = "column of numbers 1";
    for (int c = 0; c < COLUMNS; c += 2)
        at += sprintf(at, "%scolumn of numbers %d", c ? "," : "", c);
    for (int c = 3; c < 41; c += 2)
        sprintf(target + strlen(target), ",column of numbers %d", c);
    lam_load_options options = lam_load_options_default();
    options.ignore = ignore;
    options.target = target;
    lam_dataset *data = load(text, &options);
    cr_assert_eq(lam_dataset_features(data), COLUMNS / 2 - 20);
    cr_assert_eq(lam_dataset_outputs(data), 20);
    lam_column_info column;
    cr_assert_eq(lam_dataset_column(data, COLUMNS - 1, &column), LAM_OK);
    cr_assert_eq(column.first_feature, COLUMNS / 2 - 21);
    lam_dataset_free(data);
    free(ignore);
    free(text);
}

static size_t allocated; /* bytes asked for and not yet given back, and their most */
static size_t most_allocated;

static void *count_allocate(size_t size, size_t alignment, void *user)
{
    (void)user;
    const size_t whole = (size + alignment - 1) / alignment * alignment + 64;
    unsigned char *block = aligned_alloc(64, (whole + 63) / 64 * 64);
    if (!block)
        return NULL;
    memcpy(block, &size, sizeof size);
    allocated += size;
    most_allocated = allocated > most_allocated ? allocated : most_allocated;
    return block + 64;
}

static void count_release(void *pointer, void *user)
{
    size_t size;
    (void)user;
    if (!pointer)
        return;
    memcpy(&size, (unsigned char *)pointer - 64, sizeof size);
    allocated -= size;
    free((unsigned char *)pointer - 64);
}

/* One line of 25 million cells is refused before anything is made for each of them. */
Test(wide, a_line_of_more_columns_than_a_table_may_have_takes_few_bytes)
{
    const lam_allocator counting = {.allocate = count_allocate, .release = count_release};
    const size_t cells = 25000000;
    char *text = malloc(2 * cells);
    memset(text, '1', 2 * cells);
    for (size_t i = 1; i < 2 * cells; i += 2)
        text[i] = ',';
    text[2 * cells - 1] = '\n';
    cr_assert_eq(lam_set_allocator(&counting), LAM_OK);
    lam__csv csv;
    lam_dataset *dataset = NULL;
    const lam_load_options options = lam_load_options_default();
    cr_assert_eq(lam__csv_copy(text, 2 * cells, "line.csv", &csv), LAM_OK);
    cr_expect_eq(lam__table_load(&csv, &options, &dataset), LAM_ERR_FORMAT);
    cr_expect(strstr(lam_error_message(), "25000000 columns"), "%s", lam_error_message());
    lam__csv_close(&csv);
    cr_expect_leq(most_allocated, 16 * cells, "%zu bytes", most_allocated);
    cr_expect_eq(allocated, 0);
    lam_set_allocator(NULL);
    free(text);
}
