/* pickle.h: Python's pickles, read without running anything.
 *
 * A pickle is a program for a stack machine. This one knows the opcodes of protocols 0 to 5 and the
 * constructors of containers, NumPy arrays and PyTorch tensors; an object of any other class stays
 * a name and its attributes; a call of anything else is never made: what it would give stays
 * opaque, with the name of what was called. Source: the comments of CPython's Lib/pickletools.py;
 * PyTorch's torch/serialization.py; NumPy's ndarray.__reduce__; joblib's numpy_pickle.py.
 *
 * Limits: all that is allocated comes to at most twice the file's size and LAM__PICKLE_FIXED bytes;
 * nothing recurses while the program runs; the walk over the result recurses at most
 * LAM__PICKLE_DEEPEST levels. */
#ifndef LAMINA_PICKLE_H
#define LAMINA_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "formats/import/arrays.h"

enum { LAM__PICKLE_FIXED = 1 << 20, LAM__PICKLE_DEEPEST = 100 };

typedef enum lam__pickle_kind {
    LAM__P_NONE,
    LAM__P_BOOL,    /* integer */
    LAM__P_INT,     /* integer */
    LAM__P_BIG,     /* text: the bytes of an integer of more than 64 bits */
    LAM__P_FLOAT,   /* number */
    LAM__P_TEXT,    /* text */
    LAM__P_BYTES,   /* text */
    LAM__P_TUPLE,   /* list */
    LAM__P_LIST,    /* list */
    LAM__P_SET,     /* list */
    LAM__P_DICT,    /* list: key, value, key, value, ... */
    LAM__P_CLASS,   /* class */
    LAM__P_OBJECT,  /* object */
    LAM__P_DTYPE,   /* dtype */
    LAM__P_STORAGE, /* storage */
    LAM__P_ARRAY,   /* array */
    LAM__P_OPAQUE   /* class: what a call of it would give; no name: of no use here */
} lam__pickle_kind;

typedef struct lam__pickle_value lam__pickle_value;

typedef struct lam__pickle_list {
    lam__pickle_value **items;
    size_t count, capacity;
} lam__pickle_list;

/* Text in the file, or in the pickle's own memory; no zero at its end. */
typedef struct lam__pickle_text {
    const char *text;
    size_t length;
} lam__pickle_text;

/* The numbers of a PyTorch tensor, or of several; data NULL until they are found. */
typedef struct lam__pickle_storage {
    lam__pickle_text key;
    lam__st_dtype dtype;
    bool big_endian;
    size_t elements;
    const unsigned char *data;
    bool described; /* the values are not asked for: data is NULL */
    struct lam__pickle_storage *next;
} lam__pickle_storage;

/* What an array of NumPy holds whose type is none of numbers: texts as bytes, objects as a list. */
struct lam__pickle_contents {
    const lam__pickle_value *type;
    lam__pickle_value *data;
};

struct lam__pickle_value {
    lam__pickle_kind kind;
    unsigned stamp;                   /* of the walk that has seen it */
    size_t at;                        /* offset of the opcode that made it */
    const lam__pickle_value *claimed; /* the container an object is listed under */
    bool in_sequence, walked;
    union {
        int64_t integer;
        double number;
        lam__pickle_text text;
        struct {
            lam__pickle_value **items;
            size_t count, capacity;
        } list;
        struct {
            lam__pickle_text module, name;
        } class;
        struct {
            lam__pickle_value *class, *arguments, *state, *entries; /* the last three may be NULL */
        } object;
        struct {
            lam__pickle_text name; /* "f4", "U3", "O8" */
            lam__st_dtype type;
            bool known, big_endian; /* known: a type of a safetensors file */
        } dtype;
        lam__pickle_storage *storage;
        struct {
            lam__item *item; /* NULL until its state has come */
            const lam__pickle_storage *storage;
            size_t offset;                            /* of the first element in the storage */
            const struct lam__pickle_contents *other; /* of a type that is not known; or NULL */
        } array;
    } u;
};

struct lam__pickle_chunk;

/* The machine. Fill in name, bytes, size; start with the rest zero. */
typedef struct lam__pickle {
    const char *name; /* of the file, for messages */
    const unsigned char *bytes;
    size_t size;
    size_t at, opcode; /* next byte; offset of the opcode being obeyed */
    size_t budget;     /* bytes that may still be allocated */
    struct lam__pickle_chunk *chunks;
    lam__pickle_list stack, memo;
    size_t *marks; /* [mark_count] heights of the stack */
    size_t mark_count, mark_capacity;
    bool stopped;
    lam__pickle_value *result;
    const lam__pickle_value *called; /* the first call that was not made; NULL for none */
    unsigned nested;                 /* pickles inside this one that are being run */
    bool joblib;                     /* arrays may follow the opcode that would make them */
    bool torch;                      /* persistent names are PyTorch's storages */
    bool big_endian;                 /* of the storages */
    lam__pickle_storage *storages;   /* all that were named */
    lam__item *items;                /* what the walk has found */
    size_t item_count, item_capacity;
    unsigned stamp;
    size_t steps; /* of the walk that are left */
} lam__pickle;

/* Sets the limits by the size of the file, of which the pickle may be a part. */
void lam__pickle_open(lam__pickle *pickle, const char *name, const unsigned char *bytes,
                      size_t size, size_t file_size);
void lam__pickle_close(lam__pickle *pickle);

/* Runs the program that begins at pickle->at up to its STOP, after which pickle->at stands; the
 * outcome is pickle->result. LAM_ERR_FORMAT (damaged), LAM_ERR_UNSUPPORTED (it takes values from
 * elsewhere), LAM_ERR_MEMORY (a limit). */
lam_status lam__pickle_run(lam__pickle *pickle);

/* Lists arrays and objects of the result in pickle->items. */
lam_status lam__pickle_walk(lam__pickle *pickle);

/* Text i of an array of texts of NumPy, type 'U3' or 'S3', as UTF-8; false when it is no such array
 * or does not fit out[size]. */
bool lam__numpy_text(const lam__pickle_value *type, lam__pickle_text data, size_t i, char *out,
                     size_t size);

/* The array that a value is, with its numbers found; false when it is none, or has no type. */
bool lam__pickle_array(const lam__pickle_value *value, lam__item *item);

/* Memory that lasts until the pickle is closed; NULL with the error recorded. */
void *lam__pickle_take(lam__pickle *pickle, size_t size);

/* "FILE: byte N: ..." */
lam_status lam__pickle_fail(const lam__pickle *pickle, lam_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A new value; NULL with the error recorded. */
lam__pickle_value *lam__pickle_new(lam__pickle *pickle, lam__pickle_kind kind);

/* Appends to a list, tuple, set or dict. */
lam_status lam__pickle_append(lam__pickle *pickle, lam__pickle_value *list,
                              lam__pickle_value *value);

/* What REDUCE does: function is a class or function by name, arguments a tuple. What is not in the
 * table of constructors gives LAM__P_OPAQUE. */
lam_status lam__pickle_call(lam__pickle *pickle, const lam__pickle_value *function,
                            lam__pickle_value *arguments, lam__pickle_value **result);

/* What BUILD does. */
lam_status lam__pickle_build(lam__pickle *pickle, lam__pickle_value *value,
                             lam__pickle_value *state);

/* The opaque value that a call of a class or function, or of something opaque, would give. */
lam_status lam__pickle_opaque(lam__pickle *pickle, const lam__pickle_value *function,
                              lam__pickle_value **result);

/* Whether bytes begin in the former layout of torch.save; and what it holds, from pickle->at on,
 * with the numbers of its storages. */
bool lam__pickle_is_former(const unsigned char *bytes, size_t size);
lam_status lam__pickle_former(lam__pickle *pickle);

/* The same inside a text of a pickle, which is then gone on with: a failure ends both. */
lam_status lam__pickle_nested(lam__pickle *pickle, lam__pickle_text text,
                              lam__pickle_value **value);

/* After BUILD: where a wrapper of joblib's is, makes it the array whose numbers follow. */
lam_status lam__pickle_joblib(lam__pickle *pickle, lam__pickle_value *value);

/* An array's shape from a tuple of sizes, its type from a dtype, and its numbers: complete when the
 * type is one that is known and there are exactly as many bytes as it asks for. */
lam_status lam__pickle_fill_array(lam__pickle *pickle, lam__pickle_value *array,
                                  const lam__pickle_value *shape, const lam__pickle_value *dtype,
                                  bool first_runs_fastest, lam__pickle_value *data);

/* Whether it is an object of exactly this class. */
bool lam__pickle_is_object(const lam__pickle_value *value, const char *module, const char *name);

/* The value of a persistent name. */
lam_status lam__pickle_persistent(lam__pickle *pickle, const lam__pickle_value *name,
                                  lam__pickle_value **value);

/* Whether a text is exactly this. */
bool lam__pickle_is(lam__pickle_text text, const char *expected);

/* A named value of a dict or of an object's attributes; NULL when there is none. */
lam__pickle_value *lam__pickle_member(const lam__pickle_value *dict, const char *name);

/* A size from 0 on in an integer value. */
bool lam__pickle_size(const lam__pickle_value *value, size_t *size);

#endif
