/* hdf5.h: reading the HDF5 files that Keras writes, from memory.
 *
 * A reader of its own for the part of the format that h5py uses by default: superblocks 0 to 3,
 * object headers 1 and 2, groups as symbol tables or as links in their header, datasets of floats
 * that are compact, contiguous or chunked (plain, shuffled, gzipped), attributes of strings. What
 * is beyond it is refused by name. libhdf5 itself does not hold against files that mean harm
 * (docs/design.md). Source: HDF5 File Format Specification, versions 2 and 3.
 *
 * Every address and size is checked against the file before it is used, and the work of a call is
 * bounded by the file's size. No state is shared: any number of threads may read. */
#ifndef LAMINA_HDF5_H
#define LAMINA_HDF5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

enum { LAM__H5_RANK_MOST = 4 };

/* A file in memory. Objects are named by the address of their header. */
typedef struct lam__h5 {
    const unsigned char *bytes;
    size_t size;
    const char *name; /* for messages */
    uint64_t root;    /* the root group */
    uint64_t budget;  /* structures that the call at work may still visit */
} lam__h5;

bool lam__h5_recognizes(const void *bytes, size_t size);

/* `bytes` and `name` stay as long as the file is used. */
lam_status lam__h5_open(lam__h5 *file, const void *bytes, size_t size, const char *name);

/* The object at "a/b/c" below a group: *object is its address, 0 when there is none. */
lam_status lam__h5_find(lam__h5 *file, uint64_t group, const char *path, uint64_t *object);

/* The strings of an attribute, a scalar being one: *strings is one block for lam__release, NULL
 * when there is no such attribute or it is empty. */
lam_status lam__h5_strings(lam__h5 *file, uint64_t object, const char *attribute, char ***strings,
                           size_t *count);

/* The shape of a dataset. */
typedef struct lam__h5_shape {
    size_t rank, count; /* count is the product of the dimensions */
    uint64_t dims[LAM__H5_RANK_MOST];
} lam__h5_shape;

/* The values of a dataset of 16, 32 or 64-bit floats, all finite: *values is for lam__release.
 * `where` names the dataset in messages. */
lam_status lam__h5_floats(lam__h5 *file, uint64_t object, const char *where, lam__h5_shape *shape,
                          float **values);

/* ---- the inside, shared by hdf5_*.c ---- */

enum {
    LAM__H5_DATASPACE = 0x01,
    LAM__H5_LINK_INFO = 0x02,
    LAM__H5_DATATYPE = 0x03,
    LAM__H5_LINK = 0x06,
    LAM__H5_EXTERNAL = 0x07,
    LAM__H5_LAYOUT = 0x08,
    LAM__H5_FILTERS = 0x0b,
    LAM__H5_ATTRIBUTE = 0x0c,
    LAM__H5_CONTINUATION = 0x10,
    LAM__H5_SYMBOL_TABLE = 0x11,
};

/* A message of an object header. */
typedef struct lam__h5_message {
    unsigned type, flags;
    const unsigned char *data;
    size_t size;
} lam__h5_message;

/* Walks over the messages of an object header, continuations included. */
enum { LAM__H5_BLOCKS = 32 };
typedef struct lam__h5_walk {
    unsigned version;
    bool ordered; /* version 2: messages carry their creation order */
    size_t blocks, block;
    struct {
        uint64_t at, end;
    } list[LAM__H5_BLOCKS];
} lam__h5_walk;

lam_status lam__h5_walk_open(lam__h5 *file, uint64_t object, lam__h5_walk *walk);

/* The next message; type 0 with data NULL at the end. */
lam_status lam__h5_walk_next(lam__h5 *file, lam__h5_walk *walk, lam__h5_message *message);

/* The first message of a type; data NULL when there is none. A shared one is refused. */
lam_status lam__h5_message_of(lam__h5 *file, uint64_t object, unsigned type,
                              lam__h5_message *message);

/* `count` bytes at an address; NULL with the error recorded, naming `what`. */
const unsigned char *lam__h5_span(const lam__h5 *file, uint64_t at, uint64_t count,
                                  const char *what);

/* Begins a call: the budget is what a file of this size can have at most. */
void lam__h5_refill(lam__h5 *file);

/* Takes one from the budget; an error when a damaged file leads in circles. */
lam_status lam__h5_step(lam__h5 *file);

/* Records LAM_ERR_FORMAT: "NAME: HDF5: byte AT: WHAT". */
lam_status lam__h5_damaged(const lam__h5 *file, uint64_t at, const char *what);

/* Parses a dataspace message: dimensions; a scalar has rank 0 and count 1. */
lam_status lam__h5_dataspace(const lam__h5 *file, const unsigned char *data, size_t size,
                             lam__h5_shape *shape);

/* The little-endian number of `count` bytes at p. */
uint64_t lam__h5_number(const unsigned char *p, size_t count);

#endif
