/* fit_options.h: the one table of training options. */
#ifndef LAMINA_FIT_OPTIONS_H
#define LAMINA_FIT_OPTIONS_H

#include <lamina/catalog.h>
#include <lamina/fit.h>

#include "nn/name_table.h"

typedef enum lam__option_type {
    LAM__OPTION_FLOAT,
    LAM__OPTION_DOUBLE,
    LAM__OPTION_SIZE,
    LAM__OPTION_U64,
    LAM__OPTION_BOOL,
    LAM__OPTION_TEXT
} lam__option_type;

/* One option: a field of lam_fit_options and what may stand in it. */
typedef struct lam__option {
    const char *name, *alias, *help;
    const char *argument; /* "X", "N", "NAME", "NAMES", "SEED"; NULL for a switch */
    lam__option_type type;
    size_t offset;
    double min, max; /* FLOAT, DOUBLE and SIZE */
    bool min_open, max_open;
    const char *default_text;                   /* as lam_fit_options_set reads it; TEXT: or NULL */
    lam_status (*check_text)(const char *text); /* TEXT: NULL included */
} lam__option;

extern lam__name_table lam__fit_options;

/* Number of bytes of the option's field. */
size_t lam__option_size(const lam__option *option);

/* Checks every field against its range and every name against its table. */
lam_status lam__check_fit_options(const lam_fit_options *options);

/* The loss for this model: options->loss, else model_loss (NULL if none), else the default of the
 * last activation. */
struct lam__loss;
struct lam__activation;
const struct lam__loss *lam__choose_loss(const lam_fit_options *options,
                                         const struct lam__loss *model_loss,
                                         const struct lam__activation *last);

/* Callbacks by name: rows that begin with their names. */
extern lam__name_table lam__callbacks;

/* The registered callback of that name; NULL with LAM_ERR_NAME recorded. */
const lam_callback *lam__find_callback(const char *name);

#endif
