/* layer_texts.h: each row of the table of layers as a text of --layers. */
#ifndef LAMINA_TEST_LAYER_TEXTS_H
#define LAMINA_TEST_LAYER_TEXTS_H

#include <math.h>
#include <stdio.h>

#include "nn/layers/layers.h"

/* Writes the text of row i, with the activation where it takes one, 7 units, and numbers that are
 * not the defaults. Returns the row, NULL after the last. */
static inline const lam__layer_type *layer_text(size_t i, const char *activation, char *text,
                                                size_t size)
{
    const lam__layer_type *type = lam__table_at(&lam__layer_types, i);
    size_t at = 0;
    if (!type)
        return NULL;
    at += (size_t)snprintf(text, size, "%s", type->bare ? "" : type->name);
    for (size_t k = 0; k < type->field_count; k++) {
        const lam__layer_field *field = &type->fields[k];
        const char *colon = at > 0 ? ":" : "";
        const double most = isinf(field->most) ? 0.5 : (double)field->most;
        if (!field->spelled)
            continue;
        if (field->kind == LAM__LAYER_UNITS)
            at += (size_t)snprintf(text + at, size - at, "%s7", colon);
        else if (field->kind == LAM__LAYER_ACTIVATION)
            at += (size_t)snprintf(text + at, size - at, "%s%s", colon, activation);
        else
            at += (size_t)snprintf(text + at, size - at, "%s%g", colon,
                                   ((double)field->least + most) / 4);
    }
    return type;
}

#endif
