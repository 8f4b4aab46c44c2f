/* test_table.c: tables as datasets: targets, categories, gaps, and as a model needs them. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "../support/tables.h"

static lam_dataset *load(const char *text, const lam_load_options *options)
{
    lam_dataset *dataset;
    cr_assert_eq(table_from(text, strlen(text), options, &dataset), LAM_OK, "%s: %s", text,
                 lam_error_message());
    return dataset;
}

static lam_load_options with(const char *name, const char *value)
{
    lam_load_options options = lam_load_options_default();
    cr_assert_eq(lam_load_options_set(&options, name, value), LAM_OK, "%s", lam_error_message());
    return options;
}

static void expect_row(const lam_dataset *dataset, size_t row, size_t features,
                       const float *expected)
{
    float x[16];
    cr_assert_eq(lam_dataset_features(dataset), features);
    cr_assert_eq(lam_dataset_sample(dataset, row, x), LAM_OK);
    for (size_t j = 0; j < features; j++)
        cr_assert_eq(x[j], expected[j], "row %zu, feature %zu: %g", row, j, (double)x[j]);
}

#define ROW(dataset, row, ...)                                                                     \
    expect_row(dataset, row, sizeof((const float[]){__VA_ARGS__}) / sizeof(float),                 \
               (const float[]){__VA_ARGS__})

static void expect_classes(const lam_dataset *dataset, size_t count, const char *const *names)
{
    cr_assert_eq(lam_dataset_classes(dataset), count, "%zu classes", lam_dataset_classes(dataset));
    for (size_t i = 0; i < count; i++)
        cr_assert_str_eq(lam_dataset_class_name(dataset, i), names[i]);
}

#define CLASSES(dataset, ...)                                                                      \
    expect_classes(dataset, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                \
                   (const char *const[]){__VA_ARGS__})

static void expect_refused(const char *text, const lam_load_options *options, lam_status status,
                           const char *message)
{
    lam_dataset *dataset;
    cr_expect_eq(table_from(text, strlen(text), options, &dataset), status, "%s", text);
    cr_expect(strstr(lam_error_message(), message), "%s: %s", text, lam_error_message());
    lam_dataset_free(dataset);
}

/* Not a category, where numbers came before. */
Test(table, infinite_numbers_are_refused)
{
    expect_refused("a,y\n1,2\n-Inf,3\n", NULL, LAM_ERR_NUMERIC,
                   "line 3, column 1 ('a'): -Inf is no");
    expect_refused("a,y\n1,2\n2,INFINITY\n", NULL, LAM_ERR_NUMERIC, "line 3, column 2 ('y')");
    lam_dataset *data = load("a,y\nInf,1.5\nPar,2.5\nInf,3\n", NULL);
    cr_assert_eq(lam_dataset_features(data), 2);
    lam_dataset_free(data);
}

Test(table, text_columns_are_one_hot)
{
    lam_dataset *data =
        load("color,size,y\nred,1,0.5\nblue,2,1.5\n\"a \"\"b\"\"\",3,2.5\nred,4,1\n", NULL);
    ROW(data, 0, 0, 0, 1, 1); /* a "b", blue, red */
    ROW(data, 1, 0, 1, 0, 2);
    ROW(data, 2, 1, 0, 0, 3);
    lam_column_info column;
    cr_assert_eq(lam_dataset_column(data, 0, &column), LAM_OK);
    cr_assert(column.kind == LAM_COLUMN_TEXT && column.category_count == 3 && column.features == 3);
    cr_assert_str_eq(column.categories[0], "a \"b\"");
    cr_assert_str_eq(column.categories[2], "red");
    lam_dataset_free(data);
}

/* A column is one of texts from the first text on, wherever it comes. */
Test(table, late_text)
{
    lam_dataset *data = load("a,y\n1,0.5\n2,1.5\nx,2.5\n1,3.5\n", NULL);
    ROW(data, 0, 1, 0, 0);
    ROW(data, 2, 0, 0, 1);
    ROW(data, 3, 1, 0, 0);
    lam_dataset_free(data);
}

Test(table, targets)
{
    lam_dataset *data = load("a,y\n1,pear\n2,apple\n3,pear\n", NULL);
    CLASSES(data, "apple", "pear");
    cr_assert(lam_dataset_class(data, 0) == 1 && lam_dataset_class(data, 1) == 0);
    lam_dataset_free(data);
    data = load("a,y\n1,10\n2,9\n3,-1\n4,10\n5,9\n6,-1.0\n", NULL); /* whole numbers, two each */
    CLASSES(data, "-1", "9", "10");
    cr_assert(lam_dataset_class(data, 0) == 2 && lam_dataset_class(data, 5) == 0);
    lam_dataset_free(data);
    data = load("a,y\n1,10\n2,9\n3,-1\n4,10\n5,9\n", NULL); /* fewer than two rows each */
    cr_assert(lam_dataset_outputs(data) == 1 && lam_dataset_classes(data) == 0);
    lam_dataset_free(data);
    data = load("a,y\n1,0\n2,1\n3,0.5\n4,0\n5,1\n6,0.5\n", NULL); /* not whole */
    cr_assert_eq(lam_dataset_outputs(data), 1);
    lam_dataset_free(data);
    lam_load_options options = with("task", "regression");
    data = load("a,y\n1,0\n2,1\n3,0\n4,1\n", &options);
    cr_assert_eq(lam_dataset_outputs(data), 1);
    lam_dataset_free(data);
    options = with("task", "classification");
    data = load("a,y\n1,0.5\n2,1\n3,-0\n4,0\n", &options);
    CLASSES(data, "0", "0.5", "1");
    cr_assert(lam_dataset_class(data, 2) == 0 && lam_dataset_class(data, 3) == 0);
    lam_dataset_free(data);
}

Test(table, targets_by_name_and_number)
{
    static const char text[] = "a,2,\"b,c\",d\n1,2.5,3,4\n5,6.5,7,8\n";
    lam_load_options options = with("target", "2"); /* a name before a number */
    options.header = "yes";
    lam_dataset *data = load(text, &options);
    ROW(data, 0, 1, 3, 4);
    lam_dataset_free(data);
    options = with("target", "1");
    options.header = "yes";
    data = load(text, &options);
    ROW(data, 1, 6.5f, 7, 8);
    lam_dataset_free(data);
    options = with("target", "b,c");
    options.header = "yes";
    data = load(text, &options);
    ROW(data, 1, 5, 6.5f, 8);
    lam_dataset_free(data);
    options = with("target", "d,a");
    options.header = "yes";
    data = load(text, &options);
    float y[2];
    cr_assert_eq(lam_dataset_outputs(data), 2);
    cr_assert_eq(lam_dataset_target(data, 1, y), LAM_OK);
    cr_assert(y[0] == 5 && y[1] == 8); /* in the order of the file */
    ROW(data, 1, 6.5f, 7);
    lam_dataset_free(data);
    options = with("target", "");
    options.header = "yes";
    data = load(text, &options);
    ROW(data, 0, 1, 2.5f, 3, 4);
    cr_assert(lam_dataset_outputs(data) == 0 && lam_dataset_classes(data) == 0);
    lam_dataset_free(data);
    options = with("ignore", "4,a");
    options.header = "yes";
    data = load(text, &options);
    ROW(data, 0, 2.5f);
    lam_dataset_free(data);
}

Test(table, gaps_are_filled)
{
    static const char text[] =
        "a,b,y\n1,x,0.5\n,?,1.5\nNaN,x,2.5\n2,z,3.5\n9,z,4.5\nnull,n/a,5.5\n";
    static const struct {
        const char *how;
        float fill;
    } rows[] = {{"mean", 4}, {"median", 2}, {"constant:-7.5", -7.5f}};
    for (size_t i = 0; i < 3; i++) {
        lam_load_options options = with("missing", rows[i].how);
        lam_dataset *data = load(text, &options);
        ROW(data, 0, 1, 1, 0);
        ROW(data, 1, rows[i].fill, 0, 0); /* a missing text is none of the categories */
        ROW(data, 2, rows[i].fill, 1, 0);
        ROW(data, 4, 9, 0, 1);
        ROW(data, 5, rows[i].fill, 0, 0);
        lam_column_info column;
        cr_assert_eq(lam_dataset_column(data, 0, &column), LAM_OK);
        cr_assert(column.has_fill && column.fill == rows[i].fill);
        lam_dataset_free(data);
    }
}

Test(table, too_many_categories)
{
    static char text[64000];
    char *p = text + sprintf(text, "name,y\n");
    for (int i = 0; i <= LAM__MOST_CATEGORIES; i++)
        p += sprintf(p, "n%d,%d.5\n", i, i);
    expect_refused(text, NULL, LAM_ERR_FORMAT,
                   "line 1002, column 1 ('name'): more than 1000 different texts: each would be a "
                   "feature; leave the column out (option ignore)");
}

/* A model trained on this text, for `like`. */
static lam_model *model_of(const char *text, const lam_load_options *options)
{
    lam_dataset *data = load(text, options);
    lam_model *model = lam_model_new(lam_dataset_features(data));
    const size_t classes = lam_dataset_classes(data);
    cr_assert_eq(lam_model_dense(model, classes ? classes : lam_dataset_outputs(data),
                                 classes ? "softmax" : "linear"),
                 LAM_OK);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    lam_dataset_free(data);
    return model;
}

Test(table, like_a_model)
{
    lam_load_options options = with("missing", "mean");
    lam_model *model = model_of("id,a,color,y\n0,1,red,p\n0,3,blue,q\n0,,red,p\n", &options);
    options = lam_load_options_default();
    options.like = model;
    /* another order, other columns beside, an unknown category, a gap, no target */
    lam_dataset *data = load("color,new,id,a\nblue,k,5,2\ngreen,k,6,\nNA,k,7,1\n", &options);
    ROW(data, 0, 5, 2, 1, 0);
    ROW(data, 1, 6, 2, 0, 0);
    ROW(data, 2, 7, 1, 0, 0);
    cr_assert_eq(lam_dataset_classes(data), 0);
    lam_dataset_free(data);
    /* classes are the model's, also where the data have but one */
    data = load("id,a,color,y\n1,2,red,q\n", &options);
    CLASSES(data, "p", "q");
    cr_assert_eq(lam_dataset_class(data, 0), 1);
    lam_dataset_free(data);
    /* a target column without a value is none */
    data = load("id,a,color,y\n1,2,red,\n", &options);
    cr_assert_eq(lam_dataset_classes(data), 0);
    lam_dataset_free(data);
    /* without names: by position */
    options.header = "no";
    data = load("1,2,red\n", &options);
    ROW(data, 0, 1, 2, 0, 1);
    lam_dataset_free(data);
    data = load("1,2,red,p\n", &options);
    ROW(data, 0, 1, 2, 0, 1);
    cr_assert_eq(lam_dataset_class(data, 0), 0);
    lam_dataset_free(data);
    expect_refused("1,2\n", &options, LAM_ERR_FORMAT,
                   "2 columns, expected the 4 of the model's table, or 3 without the target");
    options.header = "auto";
    expect_refused("id,color\n1,red\n", &options, LAM_ERR_FORMAT,
                   "there is no column 'a', which the model was trained on");
    expect_refused("id,a,color\n1,x,red\n", &options, LAM_ERR_FORMAT,
                   "line 2, column 2 ('a'): 'x' is not a number");
    expect_refused("id,a,color\n1,\"2,5\",red\n", &options, LAM_ERR_FORMAT,
                   "'2,5' is not a number: the decimal point is '.'");
    expect_refused("id,a,color,y\n1,2,red,r\n", &options, LAM_ERR_FORMAT,
                   "line 2, column 4 ('y'): 'r' is not one of the model's 2 classes");
    expect_refused(
        "id,a,color,y\n1,2,red,p\n1,2,red,\n", &options, LAM_ERR_FORMAT,
        "line 3, column 4 ('y'): the value is missing (1 of 2 rows): the target is present in");
    lam_model_free(model);
}

/* Numbers that are classes may be written in another way; a header of numbers is recognized. */
Test(table, like_a_model_with_numbers)
{
    lam_load_options options = with("header", "yes");
    lam_model *model = model_of("1990,1991,y\n1,2,3\n2,1,4\n1,1,3\n2,2,4\n", &options);
    options = lam_load_options_default();
    options.like = model;
    lam_dataset *data = load("1991,y,1990\n5,4.0,6\n7,+3,8\n", &options);
    ROW(data, 0, 6, 5);
    CLASSES(data, "3", "4");
    cr_assert(lam_dataset_class(data, 0) == 1 && lam_dataset_class(data, 1) == 0);
    lam_dataset_free(data);
    expect_refused("1991,1990\n5,6\n,7\n", &options, LAM_ERR_FORMAT,
                   "line 3, column 1 ('1991'): the value is missing (1 of 2 rows): the model was "
                   "trained without gaps");
    lam_model_free(model);
}

/* A model trained on plain numbers takes tables with as many columns. */
Test(table, like_a_model_of_plain_numbers)
{
    lam_model *model = lam_model_new(2);
    lam_load_options options = lam_load_options_default();
    cr_assert_eq(lam_model_dense(model, 1, "linear"), LAM_OK);
    options.like = model;
    lam_dataset *data = load("a,b\n1,2\n3,4\n", &options);
    ROW(data, 1, 3, 4);
    lam_dataset_free(data);
    data = load("1,2,0.5\n3,4,1.5\n", &options);
    ROW(data, 1, 3, 4);
    cr_assert_eq(lam_dataset_outputs(data), 1);
    lam_dataset_free(data);
    expect_refused("1,2,3,4\n", &options, LAM_ERR_SHAPE, "3 columns of features, expected the 2");
    expect_refused("1,x,3\n", &options, LAM_ERR_FORMAT, "line 1, column 2: 'x' is not a number");
    lam_model_free(model);
}
