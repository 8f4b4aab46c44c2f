/* json_write.h: JSON text with long lists, without a tree of it. Only with JSON.
 *
 * The text is made twice: first it is counted, then it is written to room of just that size. */
#ifndef LAMINA_JSON_WRITE_H
#define LAMINA_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

typedef struct lam__json_out {
    char *text;    /* room for all of it, or NULL to count */
    size_t length; /* bytes so far */
    bool failed;   /* memory ran out, or a string was no UTF-8: what is written is of no use */
} lam__json_out;

/* Text that is JSON: brackets, commas, keys. */
void lam__json_put(lam__json_out *out, const char *text);

/* A string with its quotes. */
void lam__json_put_string(lam__json_out *out, const char *string);

/* A number as Jansson writes it: nine digits, which give every float back exactly, and a '.'
 * whatever the locale. */
void lam__json_put_real(lam__json_out *out, double number);
void lam__json_put_size(lam__json_out *out, size_t number);

/* A small value, which is released; NULL sets out->failed. */
void lam__json_put_value(lam__json_out *out, json_t *value);

#endif
