/* registry.h: what a program has registered. */
#ifndef LAMINA_REGISTRY_H
#define LAMINA_REGISTRY_H

#include <lamina/fit.h>

#include "base/text/name_table.h"

/* Callbacks by name: rows that begin with their names. */
extern lam__name_table lam__callbacks;

/* The registered callback of that name; NULL with LAM_ERR_NAME recorded. */
const lam_callback *lam__find_callback(const char *name);

#endif
