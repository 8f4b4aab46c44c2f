/* contents.h: filling in what a file holds, for lam_model_contents_read. */
#ifndef LAMINA_CONTENTS_H
#define LAMINA_CONTENTS_H

#include <lamina/exchange.h>

/* Adds an array of the file, or an object when `rank` is LAM_CONTENT_OBJECT: `type` is what the
 * format calls its elements ("F32"), or the class of an object. Everything is copied. */
lam_status lam__contents_array(lam_model_contents *contents, const char *name, const char *type,
                               size_t rank, const size_t *shape);

/* Adds a line about the file, such as ("producer", "pytorch 2.13"); copied. */
lam_status lam__contents_fact(lam_model_contents *contents, const char *key, const char *value);

struct lam__items;

/* Adds all items of a file of bare weights. */
lam_status lam__contents_items(lam_model_contents *contents, const struct lam__items *items);

#endif
