/* test_sample_schema.c: what samples are made from: kept with the model, checked against the data.
 */
#include <criterion/criterion.h>

#include <lamina/lamina.h>

#include "../support/model_files.h"
#include "../support/scratch.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/source.h"
#include "lamina_features.h"
#include "options/load_options.h"

static const char *const cities[] = {"", "Berlin", "K\xc3\xb6ln"};

/* id (ignored), age (number), city (three categories), y (two classes): 4 features. */
static void make_table(lam__input *input)
{
    static const char *const names[] = {"id", "age", "city", "y"};
    static const lam_column_kind kinds[] = {LAM_COLUMN_IGNORED, LAM_COLUMN_NUMBER, LAM_COLUMN_TEXT,
                                            LAM_COLUMN_TEXT};
    static const char *const classes[] = {"no", "yes"};
    cr_assert_eq(lam__input_set_table(input, 4), LAM_OK);
    input->header = true;
    for (size_t i = 0; i < 4; i++) {
        input->columns[i].name = lam__copy_string(names[i]);
        input->columns[i].kind = kinds[i];
    }
    input->columns[1].has_fill = true;
    input->columns[1].fill = 0.1f;
    input->columns[3].target = true;
    cr_assert_eq(lam__column_set_categories(&input->columns[2], cities, 3), LAM_OK);
    cr_assert_eq(lam__column_set_categories(&input->columns[3], classes, 2), LAM_OK);
}

/* Four samples of a table, with classes and their names. */
static lam_dataset *table_data(void)
{
    static const float x[] = {30, 1, 0, 0, 40, 0, 1, 0, 50, 0, 0, 1, 60, 1, 0, 0};
    static const int32_t labels[] = {0, 1, 1, 0};
    static const char *const names[] = {"no", "yes"};
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, 4, 4, LAM_COPY);
    cr_assert_not_null(data);
    make_table(&data->input);
    cr_assert_eq(lam_dataset_set_classes(data, labels, 2), LAM_OK);
    cr_assert_eq(lam_dataset_set_class_names(data, names, 2), LAM_OK);
    return data;
}

/* A model trained on the table for an epoch. */
static lam_model *table_model(const lam_dataset *data)
{
    lam_model *model = lam_model_new(4);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    cr_assert_eq(lam_model_dense(model, 2, "softmax"), LAM_OK);
    cr_assert_eq(lam_fit(model, data, &fit, NULL), LAM_OK, "%s", lam_error_message());
    return model;
}

Test(input, columns_become_features)
{
    lam__input input = {.kind = LAM_INPUT_VALUES}, copy;
    cr_assert_eq(lam__input_features(&input), 0);
    make_table(&input);
    cr_assert_eq(lam__input_features(&input), 4);
    cr_assert_str_eq(lam__input_target(&input)->name, "y");
    cr_assert_eq(lam__input_copy(&input, &copy), LAM_OK);
    cr_assert(lam__input_equal(&input, &copy));
    lam_column_info info;
    cr_assert_eq(lam__input_column(&copy, 2, &info, sizeof info), LAM_OK);
    cr_assert(info.first_feature == 1 && info.features == 3 && info.category_count == 3);
    cr_assert_str_eq(info.categories[1], "Berlin");
    cr_assert_eq(lam__input_column(&copy, 4, &info, sizeof info), LAM_ERR_ARGUMENT);
    copy.columns[1].fill = 0.2f;
    cr_assert(!lam__input_equal(&input, &copy));
    cr_assert_eq(lam__input_accepts(&input, &copy), LAM_OK, "a fill is not a meaning");
    lam__input_clear(&copy);
    lam__input_clear(&input);
    cr_assert_eq(lam__input_set_image(&input, 3, 2, 4, false), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam__input_set_image(&input, 0, 2, 1, false), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam__input_set_image(&input, 3, 2, 3, true), LAM_OK);
    cr_assert_eq(lam__input_features(&input), 18);
}

Test(input, fit_teaches_the_model)
{
    lam_dataset *data = table_data();
    lam_model *model = table_model(data);
    lam_input_info info;
    lam_model_input(model, &info);
    cr_assert(info.kind == LAM_INPUT_TABLE && info.columns == 4 && info.header);
    cr_assert_str_eq(lam_model_class_name(model, 1), "yes");
    lam_column_info column;
    cr_assert_eq(lam_model_column(model, 1, &column), LAM_OK);
    cr_assert(column.has_fill && column.fill == 0.1f && !column.target);
    cr_assert_eq(lam_model_column(NULL, 1, &column), LAM_ERR_ARGUMENT);
    lam_model_input(NULL, &info);
    cr_assert_eq(info.kind, LAM_INPUT_VALUES);
    lam_dataset_input(data, &info);
    cr_assert_eq(info.kind, LAM_INPUT_TABLE);
    lam_model_free(model);
    lam_dataset_free(data);
}

/* Everything that takes data refuses those that are made otherwise. */
static void expect_refused(const lam_model *model, const lam_dataset *data, const char *message)
{
    lam_scores scores;
    float y[8];
    cr_assert_eq(lam_evaluate(model, data, NULL, &scores), LAM_ERR_SHAPE);
    cr_assert(strstr(lam_error_message(), message), "%s", lam_error_message());
    cr_assert_eq(lam_predict_dataset(model, data, 1, y), LAM_ERR_SHAPE);
    cr_assert(strstr(lam_error_message(), message), "%s", lam_error_message());
}

Test(input, other_tables_are_refused)
{
    lam_dataset *data = table_data();
    lam_model *model = table_model(data);
    lam_scores scores;
    cr_assert_eq(lam_evaluate(model, data, NULL, &scores), LAM_OK);
    lam__column *columns = data->input.columns;
    const char *const other[] = {"", "Berlin", "Bonn"};
    cr_assert_eq(lam__column_set_categories(&columns[2], other, 3), LAM_OK);
    expect_refused(model, data, "column 'city' has other categories");
    cr_assert_eq(lam__column_set_categories(&columns[2], cities, 2), LAM_OK);
    expect_refused(model, data, "column 'city' has other categories");
    cr_assert_eq(lam__column_set_categories(&columns[2], cities, 3), LAM_OK);
    columns[1].name[0] = 'A';
    expect_refused(model, data, "column 'Age' where the model was trained on 'age'");
    data->input.header = false; /* then names say nothing */
    cr_assert_eq(lam_evaluate(model, data, NULL, &scores), LAM_OK);
    columns[2].kind = LAM_COLUMN_IGNORED;
    expect_refused(model, data, "no column 'city'");
    lam__input_clear(&data->input); /* numbers that nothing is known about */
    cr_assert_eq(lam_evaluate(model, data, NULL, &scores), LAM_OK);
    lam_model_free(model);
    lam_dataset_free(data);
}

Test(input, images)
{
    uint8_t pixels[12] = {0, 50, 100, 150, 200, 250, 255, 0, 1, 2, 3, 4};
    lam_dataset *data = lam_dataset_new(pixels, LAM_UINT8, 2, 6, LAM_COPY);
    cr_assert_eq(lam_dataset_set_image(data, 3, 3, 1), LAM_ERR_SHAPE);
    cr_assert_eq(lam_dataset_set_image(data, 3, 2, 2), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_set_image(NULL, 3, 2, 1), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_dataset_set_image(data, 3, 2, 1), LAM_OK);
    lam_model *model = lam_model_new(6);
    cr_assert_eq(lam_model_dense(model, 2, "softmax"), LAM_OK);
    const int32_t labels[] = {0, 1};
    cr_assert_eq(lam_dataset_set_classes(data, labels, 2), LAM_OK);
    cr_assert_eq(lam_fit(model, data, NULL, NULL), LAM_OK, "%s", lam_error_message());
    lam_input_info info;
    lam_model_input(model, &info);
    cr_assert(info.kind == LAM_INPUT_IMAGE && info.width == 3 && info.height == 2);
    cr_assert_eq(lam_dataset_set_image(data, 2, 3, 1), LAM_OK);
    expect_refused(model, data, "images of 2 x 3 pixels with 1 channel");
    lam_model_free(model);
    lam_dataset_free(data);
}

#if LAM__HAVE_JSON
/* Saves, loads and compares; saves again to the same bytes. */
static void round_trip(const lam_model *model)
{
    char folder[256], path[512];
    size_t size, again_size;
    scratch_make(folder);
    cr_assert_eq(lam_model_save(model, scratch_path(folder, "m", path)), LAM_OK, "%s",
                 lam_error_message());
    unsigned char *bytes = scratch_read(path, &size);
    lam_model *loaded = lam_model_load(path);
    cr_assert_not_null(loaded, "%s", lam_error_message());
    cr_assert(lam__input_equal(&model->input, &loaded->input));
    cr_assert(same_model(model, loaded));
    cr_assert_eq(lam_model_save(loaded, path), LAM_OK);
    unsigned char *again = scratch_read(path, &again_size);
    cr_assert(size == again_size && memcmp(bytes, again, size) == 0, "the same bytes again");
    free(bytes);
    free(again);
    lam_model_free(loaded);
    scratch_remove(folder);
}

Test(input, saved_and_loaded)
{
    char folder[256], path[512];
    lam_dataset *data = table_data();
    lam_model *model = table_model(data);
    round_trip(model);
    scratch_make(folder);
    scratch_path(folder, "never-written", path);
    model->input.columns[2].categories[0][0] = '\0';
    model->input.columns[3].name[0] = '\xff';
    cr_assert_eq(lam_model_save(model, path), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "column 4 is not valid UTF-8"), "%s",
              lam_error_message());
    cr_assert_eq(scratch_count(folder), 0);
    scratch_remove(folder);
    cr_assert_eq(lam__input_set_image(&model->input, 2, 2, 1, true), LAM_OK);
    round_trip(model);
    lam_model_free(model);
    lam_dataset_free(data);
}
#endif

Test(input, loading_options)
{
    lam_load_options options = lam_load_options_default();
    float constant;
    cr_assert_eq(lam__check_load_options(&options), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam__load_missing(&options, &constant), LAM__MISSING_REFUSE);
    cr_assert_eq(lam__load_separator(&options), '\0');
    cr_assert_gt(lam__load_memory(&options), 1000000);
    cr_assert_eq(lam_load_options_set(&options, "missing", "constant:-1.5"), LAM_OK);
    cr_assert_eq(lam__load_missing(&options, &constant), LAM__MISSING_CONSTANT);
    cr_assert_eq(constant, -1.5f);
    cr_assert_eq(lam_load_options_set(&options, "separator", "tab"), LAM_OK);
    cr_assert_eq(lam__load_separator(&options), '\t');
    cr_assert_eq(lam_load_options_set(&options, "memory", "3"), LAM_OK);
    cr_assert_eq(lam__load_memory(&options), 3000000);
    cr_assert_eq(lam_load_options_set(&options, "data-seed", "7"), LAM_OK);
    cr_assert_eq(options.seed, 7);
    cr_assert_eq(lam_load_options_set(&options, "test_share", "1"), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_load_options_set(&options, "missing", "constant:"), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_load_options_set(&options, "separator", "ab"), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_load_options_set(&options, "color", "grey"), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "color is one of gray, rgb, not 'grey'"), "%s",
              lam_error_message());
    cr_assert_eq(lam_load_options_set(&options, "colour", "gray"), LAM_ERR_NAME);
    options.task = NULL;
    cr_assert_null(lam_dataset_load("spiral", LAM_SPLIT_TRAIN, &options));
    cr_assert_eq(lam_error_status(), LAM_ERR_ARGUMENT);
}
