/* inspect_file.c: lamina inspect of what a file holds besides a model, or instead of one. */
#include "inspect_file.h"

#include <string.h>

#include "cli/cli.h"

/* "32 x 784", "" for an object. */
static const char *shape_text(const lam_content_array *array, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    if (array->rank == LAM_CONTENT_OBJECT)
        return text;
    for (size_t i = 0; i < array->rank && i < LAM_CONTENT_DIMENSIONS && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%zu", i ? " x " : "", array->shape[i]);
    if (array->rank == 0)
        snprintf(text, size, "a number");
    return text;
}

void cli_print_contents(const lam_model_contents *contents)
{
    char name[256], type[128], shape[128];
    for (size_t i = 0; i < lam_model_contents_facts(contents); i++) {
        const lam_content_fact *fact = lam_model_contents_fact(contents, i);
        printf("%-12s%s\n", lam_printable(fact->key, name, sizeof name),
               lam_printable(fact->value, type, sizeof type));
    }
    const size_t arrays = lam_model_contents_arrays(contents);
    if (arrays)
        printf("\n%-8s  %-20s  %s\n", "type", "shape", "name");
    for (size_t i = 0; i < arrays; i++) {
        const lam_content_array *array = lam_model_contents_array(contents, i);
        const bool object = array->rank == LAM_CONTENT_OBJECT;
        lam_printable(array->name, name, sizeof name);
        lam_printable(array->type, type, sizeof type);
        if (object)
            printf("%-8s  %-20s  %s: %s\n", "object", "", name[0] ? name : "the whole", type);
        else
            printf("%-8s  %-20s  %s\n", type, shape_text(array, shape, sizeof shape), name);
    }
    putchar('\n');
}

void cli_write_contents(cli_json *json, const lam_model_contents *contents)
{
    cli_json_string(json, "format", lam_model_contents_format(contents));
    cli_json_open_array(json, "arrays");
    for (size_t i = 0; i < lam_model_contents_arrays(contents); i++) {
        const lam_content_array *array = lam_model_contents_array(contents, i);
        const bool object = array->rank == LAM_CONTENT_OBJECT;
        cli_json_open_object(json, NULL);
        cli_json_string(json, "name", array->name);
        cli_json_string(json, object ? "class" : "type", array->type);
        if (!object) {
            cli_json_open_array(json, "shape");
            for (size_t k = 0; k < array->rank && k < LAM_CONTENT_DIMENSIONS; k++)
                cli_json_count(json, NULL, array->shape[k]);
            cli_json_close_array(json);
        }
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
    cli_json_open_object(json, "facts");
    for (size_t i = 0; i < lam_model_contents_facts(contents); i++) {
        const lam_content_fact *fact = lam_model_contents_fact(contents, i);
        cli_json_string(json, fact->key, fact->value);
    }
    cli_json_close_object(json);
}
