/* json_text.h: JSON text that may be parsed. Only with JSON. */
#ifndef LAMINA_JSON_TEXT_H
#define LAMINA_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* Parses text, refusing keys that occur twice, and text whose values would take more than 16 times
 * its length and 64 MB, as no model's do: `[0,0,...]` would be 50 times as large. NULL with *error
 * filled in. */
json_t *lam__json_parse(const char *text, size_t length, json_error_t *error);

/* Whether the values of a text, of which there are *values, take no more than `bytes` and 64 MB
 * once parsed. The text need not be JSON. */
bool lam__json_fits(const char *text, size_t length, double bytes, size_t *values);

#endif
