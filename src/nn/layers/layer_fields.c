/* layer_fields.c: what can be chosen of a layer: defaults, ranges, and the text of a layer. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "base/text/word_list.h"
#include "kernels/blas/gemm.h"
#include "nn/layers/layers.h"

float lam__layer_number(const lam__layer *layer, const lam__layer_field *field)
{
    float value;
    memcpy(&value, (const char *)layer + field->offset, sizeof value);
    return value;
}

void lam__layer_set_number(lam__layer *layer, const lam__layer_field *field, float value)
{
    memcpy((char *)layer + field->offset, &value, sizeof value);
}

const lam__layer_field *lam__layer_field_of(const lam__layer_type *type, lam__layer_field_kind kind)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].kind == kind)
            return &type->fields[i];
    return NULL;
}

lam__layer_request lam__layer_default(const lam__layer_type *type)
{
    lam__layer_request request = {.layer = {.type = type}};
    for (size_t i = 0; i < type->field_count; i++) {
        const lam__layer_field *field = &type->fields[i];
        if (field->kind == LAM__LAYER_STRENGTH)
            lam__layer_set_number(&request.layer, field, LAM_INHERIT);
        else if (field->kind == LAM__LAYER_NUMBER)
            lam__layer_set_number(&request.layer, field, field->otherwise);
    }
    return request;
}

/* "a number > 0" or "in 0 <= rate < 1", the number being called `name`. */
static const char *describe_range(const lam__layer_field *field, const char *name, char *text,
                                  size_t size)
{
    char least[32], most[32];
    lam__format_float(field->least, least, sizeof least);
    if (isinf(field->most))
        snprintf(text, size, "a number %s %s", field->least_open ? ">" : ">=", least);
    else
        snprintf(text, size, "in %s %s %s %s %s", least, field->least_open ? "<" : "<=", name,
                 field->most_open ? "<" : "<=", lam__format_float(field->most, most, sizeof most));
    return text;
}

lam_status lam__layer_check_number(const lam__layer *layer, const lam__layer_field *field)
{
    const float value = lam__layer_number(layer, field);
    char number[32], range[96];
    lam__format_float(value, number, sizeof number);
    if (field->kind == LAM__LAYER_STRENGTH) {
        if (value == LAM_INHERIT || (value >= 0.0f && isfinite(value)))
            return LAM_OK;
        return lam__fail(LAM_ERR_ARGUMENT,
                         "%s of a layer must be a number >= 0 or LAM_INHERIT, not %s", field->name,
                         number);
    }
    if (isfinite(value) && (field->least_open ? value > field->least : value >= field->least) &&
        (field->most_open ? value < field->most : value <= field->most))
        return LAM_OK;
    return lam__fail(LAM_ERR_ARGUMENT, "%s of a %s layer must be %s, not %s", field->name,
                     layer->type->name, describe_range(field, field->name, range, sizeof range),
                     number);
}

/* Appends to text[size], of which *used are taken; what does not fit is cut off. */
__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, size_t *used,
                                                         const char *format, ...)
{
    va_list values;
    va_start(values, format);
    const int length = vsnprintf(text + *used, size - *used, format, values);
    va_end(values);
    if (length > 0)
        *used = (size_t)length < size - *used ? *used + (size_t)length : size - 1;
}

const char *lam__layer_usage(const lam__layer_type *type, char *text, size_t size)
{
    size_t used = 0;
    append(text, size, &used, "%s", type->bare ? "" : type->name);
    for (size_t i = 0; i < type->field_count; i++) {
        const lam__layer_field *field = &type->fields[i];
        if (!field->spelled)
            continue;
        const bool needed = field->required || field->kind == LAM__LAYER_UNITS;
        append(text, size, &used, needed ? "%s%s" : "[%s%s]", used > 0 ? ":" : "", field->spelled);
    }
    return text;
}

const char *lam__layer_text(const lam__layer *layer, char *text, size_t size)
{
    const lam__layer_type *type = layer->type;
    char number[32];
    size_t used = 0;
    append(text, size, &used, "%s", type->bare ? "" : type->name);
    for (size_t i = 0; i < type->field_count; i++) {
        const lam__layer_field *field = &type->fields[i];
        const char *colon = used > 0 ? ":" : "";
        if (!field->spelled)
            continue;
        if (field->kind == LAM__LAYER_UNITS)
            append(text, size, &used, "%s%zu", colon, layer->out);
        else if (field->kind == LAM__LAYER_ACTIVATION &&
                 strcmp(layer->activation->name, "linear") != 0)
            append(text, size, &used, "%s%s", colon, layer->activation->name);
        else if (field->kind == LAM__LAYER_NUMBER &&
                 (field->required || lam__layer_number(layer, field) != field->otherwise))
            append(text, size, &used, "%s%s", colon,
                   lam__format_float(lam__layer_number(layer, field), number, sizeof number));
    }
    return text;
}

/* "expected UNITS[:ACTIVATION], dropout:RATE or ...". */
static lam_status fail_unknown(const char *head)
{
    char all[512] = "", usage[128];
    const size_t count = lam__table_size(&lam__layer_types);
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        append(all, sizeof all, &used, "%s%s",
               i == 0           ? ""
               : i + 1 == count ? " or "
                                : ", ",
               lam__layer_usage(lam__table_at(&lam__layer_types, i), usage, sizeof usage));
    return lam__fail(LAM_ERR_ARGUMENT, "expected %s, found '%s'", all, head);
}

/* The type whose text begins with `head`: its name, or digits for the one that has no name there.
 */
static const lam__layer_type *find_type(const char *head)
{
    const bool digits = head[0] && head[strspn(head, "0123456789")] == '\0';
    for (size_t i = 0; i < lam__table_size(&lam__layer_types); i++) {
        const lam__layer_type *type = lam__table_at(&lam__layer_types, i);
        if (type->bare ? digits : strcmp(type->name, head) == 0)
            return type;
    }
    return NULL;
}

static lam_status read_units(const char *text, lam__layer_request *request)
{
    uint64_t units;
    if (!lam__parse_u64(text, &units) || units > lam__gemm_limit())
        return lam__fail(LAM_ERR_ARGUMENT, "%s units: the BLAS takes at most %zu", text,
                         lam__gemm_limit());
    request->layer.out = (size_t)units;
    return LAM_OK;
}

static lam_status fail_usage(const lam__layer_type *type, const lam__layer_field *field)
{
    char usage[128], range[96];
    lam__layer_usage(type, usage, sizeof usage);
    if (!field || field->kind != LAM__LAYER_NUMBER)
        return lam__fail(LAM_ERR_ARGUMENT, "expected %s", usage);
    return lam__fail(LAM_ERR_ARGUMENT, "expected %s with %s%s", usage,
                     isinf(field->most) ? "" : "a number ",
                     describe_range(field, field->spelled, range, sizeof range));
}

/* Copies what stands before the next colon. */
static void copy_head(const char *text, char head[LAM__WORD_SIZE])
{
    snprintf(head, LAM__WORD_SIZE, "%.*s", (int)strcspn(text, ":"), text);
}

/* What follows the colon after the first part of a text, or NULL. */
static const char *skip_part(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon ? colon + 1 : NULL;
}

/* The fields that stand in a text, one after the other: numbers may be missing where they have a
 * default, the name of the activation is the rest. */
static lam_status read_fields(const char *at, lam__layer_request *request)
{
    const lam__layer_type *type = request->layer.type;
    bool left_out = false;
    for (size_t i = 0; i < type->field_count; i++) {
        const lam__layer_field *field = &type->fields[i];
        char part[LAM__WORD_SIZE] = "";
        double number;
        if (!field->spelled)
            continue;
        if (at)
            copy_head(at, part);
        if (field->kind == LAM__LAYER_ACTIVATION && at) {
            if (left_out && strchr(at, ':'))
                return fail_usage(type, NULL);
            request->activation = at;
            at = NULL;
        } else if (field->kind == LAM__LAYER_UNITS) {
            if (!part[0] || part[strspn(part, "0123456789")] != '\0')
                return fail_usage(type, field);
            LAM__TRY(read_units(part, request));
            at = skip_part(at);
        } else if (field->kind == LAM__LAYER_NUMBER && at && lam__parse_double(part, &number)) {
            lam__layer_set_number(&request->layer, field, (float)number);
            at = skip_part(at);
        } else if (field->required) {
            return fail_usage(type, field);
        } else {
            left_out = true;
        }
    }
    return at ? fail_usage(type, NULL) : LAM_OK;
}

lam_status lam__layer_parse(const char *text, lam__layer_request *request)
{
    char head[LAM__WORD_SIZE];
    copy_head(text, head);
    const lam__layer_type *type = find_type(head);
    if (!type)
        return fail_unknown(head);
    *request = lam__layer_default(type);
    return read_fields(type->bare ? text : skip_part(text), request);
}
