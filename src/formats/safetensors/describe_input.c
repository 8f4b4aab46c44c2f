/* describe_input.c: what raw samples are made from, as JSON and back. */
#include "base/memory.h"
#include "base/text.h"
#include "base/text/string_list.h"
#include "lamina_features.h"

#if LAM__HAVE_JSON
#include <jansson.h>

#include "formats/safetensors/json_fields.h"

static const char *const column_kinds[] = {
    [LAM_COLUMN_NUMBER] = "number",
    [LAM_COLUMN_TEXT] = "text",
    [LAM_COLUMN_IGNORED] = "ignored",
};

static void put_column(lam__json_out *out, const lam__column *column)
{
    lam__json_put(out, "{\"name\":");
    lam__json_put_string(out, column->name);
    lam__json_put(out, ",\"kind\":");
    lam__json_put_string(out, column_kinds[column->kind]);
    if (column->target)
        lam__json_put(out, ",\"target\":true");
    if (column->has_fill) {
        lam__json_put(out, ",\"fill\":");
        lam__json_put_real(out, (double)column->fill);
    }
    if (column->kind == LAM_COLUMN_TEXT) {
        lam__json_put(out, ",\"categories\":");
        lam__put_strings(out, column->categories, column->category_count);
    }
    lam__json_put(out, "}");
}

void lam__put_strings(lam__json_out *out, char *const *strings, size_t count)
{
    lam__json_put(out, "[");
    for (size_t i = 0; i < count; i++) {
        lam__json_put(out, i ? "," : "");
        lam__json_put_string(out, strings[i]);
    }
    lam__json_put(out, "]");
}

void lam__put_input(lam__json_out *out, const lam__input *input)
{
    if (input->kind == LAM_INPUT_IMAGE) {
        lam__json_put_value(out, json_pack("{s:s, s:I, s:I, s:I, s:b}", "kind", "image", "width",
                                           (json_int_t)input->width, "height",
                                           (json_int_t)input->height, "channels",
                                           (json_int_t)input->channels, "invert", input->invert));
        return;
    }
    lam__json_put(out, "{\"kind\":\"table\",\"header\":");
    lam__json_put(out, input->header ? "true,\"columns\":[" : "false,\"columns\":[");
    for (size_t i = 0; i < input->column_count; i++) {
        lam__json_put(out, i ? "," : "");
        put_column(out, &input->columns[i]);
    }
    lam__json_put(out, "]}");
}

lam_status lam__check_input_text(const lam__input *input)
{
    for (size_t i = 0; i < input->column_count; i++) {
        const lam__column *column = &input->columns[i];
        bool valid = lam__is_utf8(column->name);
        for (size_t c = 0; c < column->category_count && valid; c++)
            valid = lam__is_utf8(column->categories[c]);
        if (!valid)
            return lam__fail(LAM_ERR_ARGUMENT,
                             "the name or a category of column %zu is not valid UTF-8: a model "
                             "file cannot hold it",
                             i + 1);
    }
    return LAM_OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two of words[count], which it sorts, are the same. */
static bool has_twins(const char **words, size_t count)
{
    qsort(words, count, sizeof *words, by_text);
    for (size_t i = 1; i < count; i++)
        if (strcmp(words[i - 1], words[i]) == 0)
            return true;
    return false;
}

/* How many strings a list has, and how much room they take. */
static lam_status measure_strings(const struct json_context *context, lam__json_piece piece,
                                  const char *key, size_t *count, size_t *room)
{
    lam__json_walk walk;
    lam__json_piece none, value;
    *count = *room = 0;
    bool good = lam__json_enter(piece, '[', &walk);
    while (good && lam__json_next(&walk, &none, &value)) {
        good = lam__json_is_string(value);
        *room += good ? lam__json_string_room(value) : 0;
        ++*count;
    }
    if (good && walk.error)
        return lam__fail(LAM_ERR_FORMAT, "%s: malformed description: %s, '%s': %s",
                         context->file->name, context->part, key, walk.error);
    return good && *count ? LAM_OK : fail_at(context, "expected a list of strings under", key);
}

lam_status lam__read_strings(const struct json_context *context, lam__json_piece piece,
                             const char *key, char ***list, size_t *count)
{
    lam__json_walk walk;
    lam__json_piece none, value;
    size_t room, at = 0, length;
    char *text;
    LAM__TRY(measure_strings(context, piece, key, count, &room));
    char **made = lam__string_list_room(*count, room, "the names in a description", &text);
    if (!made)
        return LAM_ERR_MEMORY;
    const char *wrong = NULL;
    lam__json_enter(piece, '[', &walk);
    while (!wrong && lam__json_next(&walk, &none, &value)) {
        wrong = lam__json_string(value, text, &length);
        made[at++] = text;
        text += length + 1;
    }
    if (wrong) {
        lam__release(made);
        return lam__fail(LAM_ERR_FORMAT, "%s: malformed description: %s, string %zu of '%s': %s",
                         context->file->name, context->part, at - 1, key, wrong);
    }
    *list = made;
    return LAM_OK;
}

/* Two of words[count] are the same. */
static lam_status check_twins(const struct json_context *context, char *const *words, size_t count)
{
    const char **sorted = lam__allocate(count, sizeof *sorted, "the categories of a column");
    if (!sorted)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < count; i++)
        sorted[i] = words[i];
    const bool twins = has_twins(sorted, count);
    lam__release(sorted);
    return twins ? fail_at(context, "expected different strings under", "categories") : LAM_OK;
}

static lam_status restore_categories(const struct json_context *context, lam__json_piece piece,
                                     lam__column *column)
{
    LAM__TRY(lam__read_strings(context, piece, "categories", &column->categories,
                               &column->category_count));
    return check_twins(context, column->categories, column->category_count);
}

/* Keeps a name behind those of the columns before; *names is where the next one goes. */
static void keep_name(const char *name, lam__column *column, char **names)
{
    const size_t size = strlen(name) + 1;
    column->name = memcpy(*names, name, size);
    *names += size;
}

static lam_status restore_members(const struct json_context *context, json_t *json,
                                  lam__json_piece categories, lam__column *column, char **names)
{
    static const char *const known[] = {"name", "kind", "target", "fill", NULL};
    const char *name = NULL, *kind = NULL;
    size_t at = 0;
    LAM__TRY(check_keys(context, json, known));
    LAM__TRY(get_text(context, json, "name", true, &name));
    LAM__TRY(get_text(context, json, "kind", true, &kind));
    const size_t kinds = sizeof column_kinds / sizeof *column_kinds;
    while (at < kinds && strcmp(kind, column_kinds[at]) != 0)
        at++;
    if (at == kinds)
        return fail_at(context, "unknown kind", kind);
    column->kind = (lam_column_kind)at;
    LAM__TRY(get_flag(context, json, "target", &column->target));
    LAM__TRY(get_float(context, json, "fill", false, &column->fill));
    column->has_fill = json_object_get(json, "fill") != NULL;
    if (column->has_fill && column->kind != LAM_COLUMN_NUMBER)
        return fail_at(context, "only numbers have a", "fill");
    keep_name(name, column, names);
    if (column->kind == LAM_COLUMN_TEXT)
        return restore_categories(context, categories, column);
    return categories.text ? fail_at(context, "only texts have", "categories") : LAM_OK;
}

static lam_status restore_column(const struct json_context *context, lam__json_piece piece,
                                 lam__column *column, char **names)
{
    json_error_t error;
    lam__json_left categories = {.key = "categories"};
    json_t *json = lam__json_parse_but(piece, &categories, 1, &error);
    if (!json)
        return fail_json(context, &error);
    const lam_status status = restore_members(context, json, categories.value, column, names);
    json_decref(json);
    return status;
}

/* How much room the names of the columns take: no more than all strings called so. */
static size_t names_room(lam__json_piece columns)
{
    lam__json_walk walk, members;
    lam__json_piece key, column, value;
    size_t room = 0;
    lam__json_enter(columns, '[', &walk);
    while (lam__json_next(&walk, &key, &column))
        if (lam__json_enter(column, '{', &members))
            while (lam__json_next(&members, &key, &value))
                room += lam__json_is_string(value) && !lam__json_says(key, "kind")
                            ? lam__json_string_room(value)
                            : 0;
    return room;
}

/* Of the columns no more than one is a tree of JSON values at a time: that of all of them would
 * take ten times the file. */
static lam_status restore_columns(const struct json_context *context, lam__json_piece columns,
                                  lam__input *input)
{
    lam__json_walk walk;
    lam__json_piece key, value;
    size_t count;
    LAM__TRY(count_list(context, columns, "columns", &count));
    LAM__TRY(lam__input_set_table(input, count));
    char *names = input->names = lam__allocate(names_room(columns), 1, "the names of columns");
    if (!names)
        return LAM_ERR_MEMORY;
    lam__json_enter(columns, '[', &walk);
    for (size_t i = 0; i < count && lam__json_next(&walk, &key, &value); i++) {
        struct json_context at = *context;
        snprintf(at.part, sizeof at.part, "input, column %zu", i + 1);
        LAM__TRY(restore_column(&at, value, &input->columns[i], &names));
    }
    return LAM_OK;
}

static lam_status restore_table(const struct json_context *context, json_t *json,
                                lam__json_piece columns, lam__input *input)
{
    static const char *const known[] = {"kind", "header", NULL};
    bool header = false;
    LAM__TRY(check_keys(context, json, known));
    LAM__TRY(get_flag(context, json, "header", &header));
    LAM__TRY(restore_columns(context, columns, input));
    input->header = header;
    lam__input_place_features(input);
    return LAM_OK;
}

static lam_status restore_image(const struct json_context *context, json_t *json, lam__input *input)
{
    static const char *const known[] = {"kind", "width", "height", "channels", "invert", NULL};
    size_t width = 0, height = 0, channels = 0;
    bool invert = false;
    LAM__TRY(check_keys(context, json, known));
    LAM__TRY(get_size(context, json, "width", &width));
    LAM__TRY(get_size(context, json, "height", &height));
    LAM__TRY(get_size(context, json, "channels", &channels));
    LAM__TRY(get_flag(context, json, "invert", &invert));
    const lam_status status = lam__input_set_image(input, width, height, channels, invert);
    /* a bad file, not a bad argument */
    return status == LAM_ERR_ARGUMENT ? fail_again(context, LAM_ERR_FORMAT) : status;
}

lam_status lam__restore_input(const struct json_context *context, lam__json_piece piece,
                              lam__input *input)
{
    json_error_t error;
    lam__json_left columns = {.key = "columns"};
    const char *kind = NULL;
    json_t *json = lam__json_parse_but(piece, &columns, 1, &error);
    if (!json)
        return fail_json(context, &error);
    lam_status status = get_text(context, json, "kind", true, &kind);
    if (status == LAM_OK)
        status = strcmp(kind, "table") == 0   ? restore_table(context, json, columns.value, input)
                 : strcmp(kind, "image") != 0 ? fail_at(context, "unknown kind", kind)
                 : columns.value.text         ? fail_at(context, "unknown key", "columns")
                                              : restore_image(context, json, input);
    json_decref(json);
    if (status != LAM_OK)
        lam__input_clear(input);
    return status;
}
#endif
