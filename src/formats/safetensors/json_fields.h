/* json_fields.h: reading the fields of a description, each error with its place. Only with JSON. */
#ifndef LAMINA_JSON_FIELDS_H
#define LAMINA_JSON_FIELDS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "formats/safetensors/safetensors.h"
#include "io/json/json_text.h"
#include "io/json/json_write.h"
#include "model/sample_schema.h"

/* Where we are in a description, for messages. */
struct json_context {
    const lam__st_file *file;
    char part[48];      /* "layer 3" */
    json_int_t version; /* of the description */
};

static inline lam_status fail_at(const struct json_context *context, const char *what,
                                 const char *key)
{
    return lam__fail(LAM_ERR_FORMAT, "%s: %s: %s '%s'", context->file->name, context->part, what,
                     key);
}

/* A part of a description that Jansson or the walk found malformed. */
static inline lam_status fail_json(const struct json_context *context, const json_error_t *error)
{
    if (json_error_code(error) == json_error_out_of_memory)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: the description in %s",
                         context->file->name);
    return lam__fail(LAM_ERR_FORMAT, "%s: malformed description: %s, character %d: %s",
                     context->file->name, context->part, error->position, error->text);
}

/* Puts file and place before the message of a call that failed. */
static inline lam_status fail_again(const struct json_context *context, lam_status status)
{
    char message[384];
    snprintf(message, sizeof message, "%s", lam_error_message());
    return lam__fail(status, "%s: %s: %s", context->file->name, context->part, message);
}

/* Refuses keys this version does not know: skipping what one does not understand would give
 * another model than the one that was saved. `known` ends with NULL. */
static inline lam_status check_keys(const struct json_context *context, json_t *object,
                                    const char *const *known)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return lam__fail(LAM_ERR_FORMAT, "%s: %s is not a JSON object", context->file->name,
                         context->part);
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(key, known[i]) != 0)
            i++;
        if (!known[i])
            return fail_at(context, "unknown key", key);
    }
    return LAM_OK;
}

/* Each reader below leaves *value as it is when the key is missing and not required. */
static inline lam_status get_text(const struct json_context *context, const json_t *object,
                                  const char *key, bool required, const char **value)
{
    const json_t *json = json_object_get(object, key);
    if (!json && !required)
        return LAM_OK;
    if (!json_is_string(json))
        return fail_at(context, "expected a string under", key);
    *value = json_string_value(json);
    return LAM_OK;
}

static inline lam_status get_size(const struct json_context *context, const json_t *object,
                                  const char *key, size_t *value)
{
    const json_t *json = json_object_get(object, key);
    if (!json_is_integer(json) || json_integer_value(json) < 1)
        return fail_at(context, "expected a positive integer under", key);
    if ((uintmax_t)json_integer_value(json) > SIZE_MAX / sizeof(float))
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: %s: %" JSON_INTEGER_FORMAT
                         " under '%s' is more than can be addressed",
                         context->file->name, context->part, json_integer_value(json), key);
    *value = (size_t)json_integer_value(json);
    return LAM_OK;
}

static inline bool as_float(const json_t *json, float *value)
{
    double number = json_number_value(json);
    if (!json_is_number(json) || !(fabs(number) <= (double)FLT_MAX))
        return false;
    *value = (float)number;
    return true;
}

static inline lam_status get_float(const struct json_context *context, const json_t *object,
                                   const char *key, bool required, float *value)
{
    const json_t *json = json_object_get(object, key);
    if ((json || required) && !as_float(json, value))
        return fail_at(context, "expected a number under", key);
    return LAM_OK;
}

/* A flag, true or false; *value stays when the key is missing. */
static inline lam_status get_flag(const struct json_context *context, const json_t *object,
                                  const char *key, bool *value)
{
    const json_t *json = json_object_get(object, key);
    if (json && !json_is_boolean(json))
        return fail_at(context, "expected true or false under", key);
    if (json)
        *value = json_is_true(json);
    return LAM_OK;
}

/* How many elements, one at least, the list of `what` has that is the text of a member so called.
 */
static inline lam_status count_list(const struct json_context *context, lam__json_piece piece,
                                    const char *what, size_t *count)
{
    const char *error;
    if (!lam__json_count(piece, count, &error) && error)
        return lam__fail(LAM_ERR_FORMAT, "%s: malformed description: %s, '%s': %s",
                         context->file->name, context->part, what, error);
    if (*count > 0)
        return LAM_OK;
    return lam__fail(LAM_ERR_FORMAT, "%s: %s: expected a list of %s under '%s'",
                     context->file->name, context->part, what, what);
}

/* A list of strings in the text of a member `key`, as string_list.h makes them. In
 * describe_input.c. */
lam_status lam__read_strings(const struct json_context *context, lam__json_piece piece,
                             const char *key, char ***list, size_t *count);

/* The input description, or a list of strings, as JSON. In describe_input.c. */
void lam__put_input(lam__json_out *out, const lam__input *input);
void lam__put_strings(lam__json_out *out, char *const *strings, size_t count);

/* Fails where a string of it is not UTF-8, which JSON cannot hold. */
lam_status lam__check_input_text(const lam__input *input);

/* The input description from JSON, into an empty one. */
lam_status lam__restore_input(const struct json_context *context, lam__json_piece piece,
                              lam__input *input);

#endif
