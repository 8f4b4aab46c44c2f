/* json_walk.h: long lists in JSON text, element by element.
 *
 * A tree of JSON values takes 10 to 50 times the memory of its text. Models have lists with an
 * element for each tensor, column, category or class: these are gone over in the text, and of a
 * list no more than an element at a time becomes a tree (json_text.h), where it needs one. */
#ifndef LAMINA_JSON_WALK_H
#define LAMINA_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>

/* A piece of JSON text that belongs to whoever holds the text; text is NULL where there is none. */
typedef struct lam__json_piece {
    const char *text;
    size_t length;
} lam__json_piece;

/* Where we are in a list or an object. */
typedef struct lam__json_walk {
    const char *at, *end;
    char close;        /* the bracket that ends it */
    bool begun;        /* an element has been given */
    const char *error; /* what is wrong with the text at `at`; NULL: nothing */
} lam__json_walk;

/* Goes into a piece that begins with `open`, '[' or '{'; false when it begins otherwise. */
bool lam__json_enter(lam__json_piece piece, char open, lam__json_walk *walk);

/* The next element, or member of an object with its key (a string with its quotes; key is NULL for
 * lists). False at the end, which must be that of the piece, and where the text is malformed: then
 * walk->error says how. Only what is between the elements is checked here, not what is in them. */
bool lam__json_next(lam__json_walk *walk, lam__json_piece *key, lam__json_piece *value);

/* How many elements the list that a piece is has, into *count; false when it is none, or malformed:
 * then *error says how, else it is NULL. */
bool lam__json_count(lam__json_piece piece, size_t *count, const char **error);

/* Whether a piece is a string, and how many bytes it takes at most without its quotes and escapes,
 * its end included. */
bool lam__json_is_string(lam__json_piece piece);
size_t lam__json_string_room(lam__json_piece piece);

/* Writes the string that a piece is to `to`, which has that room, and ends it with 0; *length = the
 * bytes before that. NULL, or what is wrong with it: an escape that is none, a control character, a
 * zero, half a surrogate pair, bytes that are not UTF-8. */
const char *lam__json_string(lam__json_piece piece, char *to, size_t *length);

/* Whether a piece is the string `text`, written without escapes. */
bool lam__json_says(lam__json_piece piece, const char *text);

/* A whole number from 0 to SIZE_MAX; false for anything else. */
bool lam__json_size(lam__json_piece piece, size_t *size);

#endif
