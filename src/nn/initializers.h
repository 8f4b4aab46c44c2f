/* initializers.h: the table of initializers. One row adds one. */
#ifndef LAMINA_INITIALIZERS_H
#define LAMINA_INITIALIZERS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

#include "base/philox.h"
#include "base/text/name_table.h"

typedef struct lam__initializer {
    const char *name, *alias, *help;
    bool has_parameter; /* "name:X" accepted */
    double parameter;   /* default */
    /* NULL in a row that stands for a text of a file: see unregistered.h */
    lam_status (*fill)(size_t rows, size_t cols, double parameter, lam__stream *stream, float *w);
} lam__initializer;

extern lam__name_table lam__initializers;

size_t lam__initializer_count(void);
const lam__initializer *lam__initializer_at(size_t i);

/* Finds "name" or "name:X". LAM_ERR_NAME or LAM_ERR_ARGUMENT. */
lam_status lam__parse_initializer(const char *text, const lam__initializer **initializer,
                                  double *parameter);

#endif
