/* cmd_data_json.c: lamina data --json. */
#include <stdlib.h>

#include "cli.h"
#include "json_out.h"
#include "survey.h"

static void write_range(cli_json *json, const char *key, const cli_range *range)
{
    cli_json_open_object(json, key);
    cli_json_number(json, "lowest", range->low);
    cli_json_number(json, "highest", range->high);
    cli_json_number(json, "mean", range->mean);
    cli_json_number(json, "deviation", range->deviation);
    cli_json_close_object(json);
}

static void write_input(cli_json *json, const cli_survey *survey)
{
    static const char *const kinds[] = {"values", "image", "table"};
    static const char *const column_kinds[] = {"number", "text", "ignored"};
    lam_input_info input;
    lam_dataset_input(survey->data, &input);
    cli_json_open_object(json, "input");
    cli_json_string(json, "kind", kinds[input.kind]);
    if (input.kind == LAM_INPUT_IMAGE) {
        cli_json_count(json, "width", input.width);
        cli_json_count(json, "height", input.height);
        cli_json_count(json, "channels", input.channels);
        cli_json_bool(json, "invert", input.invert);
    }
    if (input.kind == LAM_INPUT_TABLE)
        cli_json_open_array(json, "columns");
    for (size_t i = 0; i < input.columns; i++) {
        lam_column_info column;
        if (lam_dataset_column(survey->data, i, &column) != LAM_OK)
            continue;
        cli_json_open_object(json, NULL);
        cli_json_string(json, "name", column.name);
        cli_json_string(json, "kind", column_kinds[column.kind]);
        cli_json_bool(json, "target", column.target);
        cli_json_count(json, "missing", column.missing);
        if (column.kind == LAM_COLUMN_TEXT)
            cli_json_count(json, "categories", column.category_count);
        if (column.kind == LAM_COLUMN_NUMBER && !column.target)
            write_range(json, "range", &survey->feature[column.first_feature]);
        cli_json_close_object(json);
    }
    if (input.kind == LAM_INPUT_TABLE)
        cli_json_close_array(json);
    cli_json_close_object(json);
}

static void write_targets(cli_json *json, const cli_survey *survey)
{
    const size_t listed = survey->classes + (survey->many_classes ? survey->outputs : 0);
    cli_json_open_array(json, "classes");
    for (size_t i = 0; i < listed; i++) {
        cli_json_open_object(json, NULL);
        cli_json_count(json, "class", i);
        cli_json_string(json, "name", lam_dataset_class_name(survey->data, i));
        cli_json_count(json, "samples", survey->class_count[i]);
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
    cli_json_open_array(json, "targets");
    for (size_t o = 0; o < survey->outputs && !survey->many_classes; o++)
        write_range(json, NULL, &survey->target[o]);
    cli_json_close_array(json);
}

static int write_rows(cli_json *json, const cli_survey *survey, size_t rows)
{
    float *x = calloc(survey->features, sizeof *x), *y = calloc(survey->outputs + 1, sizeof *y);
    int status = CLI_SUCCESS;
    cli_json_open_array(json, "rows");
    if (!x || !y) {
        cli_error("out of memory");
        status = CLI_FAILURE;
    }
    for (size_t i = 0; status == CLI_SUCCESS && i < rows && i < survey->samples; i++) {
        if (lam_dataset_sample(survey->data, i, x) != LAM_OK ||
            (survey->outputs > 0 && lam_dataset_target(survey->data, i, y) != LAM_OK)) {
            status = cli_failed();
            break;
        }
        cli_json_open_object(json, NULL);
        cli_json_floats(json, "x", x, survey->features);
        if (survey->classes > 0)
            cli_json_count(json, "class", (size_t)lam_dataset_class(survey->data, i));
        if (survey->outputs > 0)
            cli_json_floats(json, "y", y, survey->outputs);
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
    free(x);
    free(y);
    return status;
}

int cli_survey_write(const cli_survey *survey, size_t rows)
{
    cli_json json = {.file = stdout};
    cli_json_open_object(&json, NULL);
    cli_json_string(&json, "data", survey->path);
    cli_json_string(&json, "format", survey->info.format);
    cli_json_string(&json, "split", survey->split == LAM_SPLIT_TEST ? "test" : "train");
    cli_json_bool(&json, "has_test_split", survey->info.has_test_split);
    cli_json_count(&json, "samples", survey->samples);
    cli_json_count(&json, "features", survey->features);
    cli_json_string(&json, "type",
                    lam_dataset_dtype(survey->data) == LAM_UINT8 ? "uint8" : "float32");
    cli_json_count(&json, "skipped", lam_dataset_skipped(survey->data));
    write_input(&json, survey);
    write_range(&json, "range", &survey->all);
    write_targets(&json, survey);
    const int status = write_rows(&json, survey, rows);
    cli_json_close_object(&json);
    cli_json_end_line(&json);
    return status;
}
