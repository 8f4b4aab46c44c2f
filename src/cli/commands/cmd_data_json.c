/* cmd_data_json.c: lamina data --json. */
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "data_summary.h"

static void write_range(cli_json *json, const char *key, const cli_range *range)
{
    cli_json_open_object(json, key);
    cli_json_number(json, "lowest", range->low);
    cli_json_number(json, "highest", range->high);
    cli_json_number(json, "mean", range->mean);
    cli_json_number(json, "deviation", range->deviation);
    cli_json_close_object(json);
}

static void write_input(cli_json *json, const cli_data_summary *summary)
{
    static const char *const kinds[] = {"values", "image", "table"};
    static const char *const column_kinds[] = {"number", "text", "ignored"};
    lam_input_info input;
    lam_dataset_input(summary->data, &input);
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
        if (lam_dataset_column(summary->data, i, &column) != LAM_OK)
            continue;
        cli_json_open_object(json, NULL);
        cli_json_string(json, "name", column.name);
        cli_json_string(json, "kind", column_kinds[column.kind]);
        cli_json_bool(json, "target", column.target);
        cli_json_count(json, "missing", column.missing);
        if (column.kind == LAM_COLUMN_TEXT)
            cli_json_count(json, "categories", column.category_count);
        if (column.kind == LAM_COLUMN_NUMBER && !column.target)
            write_range(json, "range", &summary->feature[column.first_feature]);
        cli_json_close_object(json);
    }
    if (input.kind == LAM_INPUT_TABLE)
        cli_json_close_array(json);
    cli_json_close_object(json);
}

static void write_targets(cli_json *json, const cli_data_summary *summary)
{
    const size_t listed = summary->classes + (summary->many_classes ? summary->outputs : 0);
    cli_json_open_array(json, "classes");
    for (size_t i = 0; i < listed; i++) {
        cli_json_open_object(json, NULL);
        cli_json_count(json, "class", i);
        cli_json_string(json, "name", lam_dataset_class_name(summary->data, i));
        cli_json_count(json, "samples", summary->class_count[i]);
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
    cli_json_open_array(json, "targets");
    for (size_t o = 0; o < summary->outputs && !summary->many_classes; o++)
        write_range(json, NULL, &summary->target[o]);
    cli_json_close_array(json);
}

static int write_rows(cli_json *json, const cli_data_summary *summary, size_t rows)
{
    float *x = calloc(summary->features, sizeof *x), *y = calloc(summary->outputs + 1, sizeof *y);
    int status = CLI_SUCCESS;
    cli_json_open_array(json, "rows");
    if (!x || !y) {
        cli_error("out of memory");
        status = CLI_FAILURE;
    }
    for (size_t i = 0; status == CLI_SUCCESS && i < rows && i < summary->samples; i++) {
        if (lam_dataset_sample(summary->data, i, x) != LAM_OK ||
            (summary->outputs > 0 && lam_dataset_target(summary->data, i, y) != LAM_OK)) {
            status = cli_failed();
            break;
        }
        cli_json_open_object(json, NULL);
        cli_json_floats(json, "x", x, summary->features);
        if (summary->classes > 0)
            cli_json_count(json, "class", (size_t)lam_dataset_class(summary->data, i));
        if (summary->outputs > 0)
            cli_json_floats(json, "y", y, summary->outputs);
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
    free(x);
    free(y);
    return status;
}

int cli_data_summary_write(const cli_data_summary *summary, size_t rows)
{
    cli_json json = {.file = stdout};
    cli_json_open_object(&json, NULL);
    cli_json_string(&json, "data", summary->path);
    cli_json_string(&json, "format", summary->info.format);
    cli_json_string(&json, "split", summary->split == LAM_SPLIT_TEST ? "test" : "train");
    cli_json_bool(&json, "has_test_split", summary->info.has_test_split);
    cli_json_count(&json, "samples", summary->samples);
    cli_json_count(&json, "features", summary->features);
    cli_json_string(&json, "type",
                    lam_dataset_dtype(summary->data) == LAM_UINT8 ? "uint8" : "float32");
    cli_json_count(&json, "skipped", lam_dataset_skipped(summary->data));
    write_input(&json, summary);
    write_range(&json, "range", &summary->all);
    write_targets(&json, summary);
    const int status = write_rows(&json, summary, rows);
    cli_json_close_object(&json);
    cli_json_end_line(&json);
    return status;
}
