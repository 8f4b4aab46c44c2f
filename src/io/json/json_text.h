/* json_text.h: JSON text that may be parsed. Only with JSON. */
#ifndef LAMINA_JSON_TEXT_H
#define LAMINA_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "io/json/json_walk.h"

/* Parses text, refusing keys that occur twice, and text whose values would take more than its
 * length and 12 MiB (json_error_invalid_format): `[0,0,...]` would be 50 times as large. NULL with
 * *error filled in. */
json_t *lam__json_parse(const char *text, size_t length, json_error_t *error);

/* The same of one value of a larger text, which need not be a list or an object. */
json_t *lam__json_parse_piece(lam__json_piece piece, json_error_t *error);

/* A member that is left out of the tree, because it is long: its text. */
typedef struct lam__json_left {
    const char *key;
    lam__json_piece value; /* NULL where the object has no such member */
} lam__json_left;

/* Parses an object but for its members left[count], whose places it looks up. */
json_t *lam__json_parse_but(lam__json_piece piece, lam__json_left *left, size_t count,
                            json_error_t *error);

#endif
