/* option_table.h: options as rows of a table: a struct's defaults, its checks, reading from text
 * and its part of lam_catalog all come from them. */
#ifndef LAMINA_OPTION_TABLE_H
#define LAMINA_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text/name_table.h"

typedef enum lam__option_type {
    LAM__OPTION_FLOAT,
    LAM__OPTION_DOUBLE,
    LAM__OPTION_SIZE,
    LAM__OPTION_U64,
    LAM__OPTION_BOOL,
    LAM__OPTION_TEXT
} lam__option_type;

/* Training options: whether a run can be resumed with another value. */
typedef enum lam__resume_rule {
    LAM__RESUME_RUN,  /* no: it would be another run of lam_fit; a trainer does not use it */
    LAM__RESUME_STEP, /* no: every step depends on it */
    LAM__RESUME_ANY   /* yes */
} lam__resume_rule;

/* One option: a field of a struct of options and what may stand in it. */
typedef struct lam__option {
    const char *name, *alias, *help;
    const char *argument; /* "X", "N", "NAME", "NAMES", "SEED"; NULL for a switch */
    lam__option_type type;
    size_t offset;
    bool within;     /* a FLOAT that the text at `offset` spells: "word:name=value" (spelled.h) */
    double min, max; /* FLOAT, DOUBLE and SIZE */
    bool min_open, max_open;
    const char *default_text;                   /* as lam_fit_options_set reads it; TEXT: or NULL */
    const char *const *choices;                 /* TEXT: NULL-terminated; else check_text */
    lam_status (*check_text)(const char *text); /* TEXT: NULL included */
    lam__resume_rule resume;
    unsigned kinds;      /* loading options: the lam__data_kinds that use it */
    const char *instead; /* loading options: what helps where the data do not use it, or NULL */
} lam__option;

typedef struct lam__option_table {
    const char *what; /* "the training options" */
    const lam__option *rows;
    size_t count;
    lam__name_table *names; /* the same rows */
} lam__option_table;

/* What rows have in common, by the type of their field of the struct LAM__OPTIONS. */
#define LAM__FIELD(field) .name = #field, .offset = offsetof(LAM__OPTIONS, field)

/* Number of bytes of the option's field. */
size_t lam__option_size(const lam__option *option);

/* Checks every field against its range and every name against its table. */
lam_status lam__options_check(const lam__option_table *table, const void *options);

/* Sets one field from text, of which the library keeps a copy for good where the field is a text;
 * then *options has changed in no other way. */
lam_status lam__options_set(const lam__option_table *table, void *options, const char *name,
                            const char *text);

/* Whether lam__options_set would take the text. */
lam_status lam__option_check_text(const lam__option *option, const char *text);

/* Whether the field has another value than its default. */
bool lam__option_is_set(const lam__option *option, const void *options);

/* The field of an option as lam__options_set reads it: in text[size], or the field itself; NULL for
 * a text that is not set. */
const char *lam__option_format(const lam__option *option, const void *options, char *text,
                               size_t size);

/* Fills a zeroed struct with the defaults. */
void lam__options_default(const lam__option_table *table, void *options);

#endif
