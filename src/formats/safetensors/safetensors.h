/* safetensors.h: tensors in a file, by name.
 *
 * Format: the length of the header as a little-endian 64-bit integer; the header, a JSON object of
 * name -> {"dtype", "shape", "data_offsets": [begin, end]} and "__metadata__" -> strings; then the
 * data, little-endian, row-major, without gaps. Source: the format's description and reference
 * implementation, https://github.com/huggingface/safetensors. */
#ifndef LAMINA_SAFETENSORS_H
#define LAMINA_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

/* The longest header, as in the reference implementation. */
#define LAM__ST_HEADER_MOST 100000000

/* The most dimensions of a tensor. */
#define LAM__ST_DIMENSIONS 8

/* The most tensors of a file, and the most pairs of __metadata__: a list of them is small beside
 * what a header may be. */
#define LAM__ST_MEMBERS_MOST 100000

/* Element types: X(name, bytes). */
#define LAM__ST_DTYPE_LIST(X)                                                                      \
    X(BOOL, 1)                                                                                     \
    X(U8, 1)                                                                                       \
    X(I8, 1)                                                                                       \
    X(F8_E5M2, 1)                                                                                  \
    X(F8_E4M3, 1)                                                                                  \
    X(I16, 2)                                                                                      \
    X(U16, 2)                                                                                      \
    X(F16, 2)                                                                                      \
    X(BF16, 2)                                                                                     \
    X(I32, 4)                                                                                      \
    X(U32, 4)                                                                                      \
    X(F32, 4)                                                                                      \
    X(I64, 8)                                                                                      \
    X(U64, 8)                                                                                      \
    X(F64, 8)

typedef enum lam__st_dtype {
#define LAM__ST_DTYPE_ENUM(name, bytes) LAM__ST_##name,
    LAM__ST_DTYPE_LIST(LAM__ST_DTYPE_ENUM)
#undef LAM__ST_DTYPE_ENUM
        LAM__ST_DTYPES
} lam__st_dtype;

const char *lam__st_dtype_name(lam__st_dtype dtype);

/* Bytes of an element. */
size_t lam__st_dtype_size(lam__st_dtype dtype);

/* A tensor of a file being read. */
typedef struct lam__st_tensor {
    const char *name;
    lam__st_dtype dtype;
    size_t rank, shape[LAM__ST_DIMENSIONS];
    size_t begin, end; /* bytes of the data; nothing when it was left in the file (lam__st_open) */
    size_t at;         /* offset of its first byte in the file */
} lam__st_tensor;

/* A pair of __metadata__. */
typedef struct lam__st_pair {
    const char *key, *value;
} lam__st_pair;

/* A file being read; everything belongs to it or to the bytes it was read from. */
typedef struct lam__st_file {
    const char *name;
    lam__st_tensor *tensors; /* [count], by name */
    size_t count;
    lam__st_pair *pairs; /* [pair_count], in the order of the file */
    size_t pair_count;
    char *texts; /* what the names, keys and values point into */
    const unsigned char *data;
    size_t data_at, data_size; /* the data: offset in the file, and length */
    bool partial;              /* only some tensors were read (lam__st_open) ... */
    unsigned char *kept;       /* ... and lie here, owned by the file; NULL: none */
    bool on_disk;   /* values are read when they are asked for (lam__st_open_values) ... */
    int descriptor; /* ... from here */
} lam__st_file;

/* Reads the header of a file in memory, which must stay. Everything is checked: afterwards the
 * tensors lie side by side and cover the data exactly. LAM_ERR_FORMAT, LAM_ERR_MEMORY;
 * LAM_ERR_UNSUPPORTED without JSON. On failure nothing needs closing. */
lam_status lam__st_parse(const void *bytes, size_t size, const char *name, lam__st_file *file);

/* Whether a file of `size` bytes begins as a safetensors file, by its first `count` bytes, 9 of
 * them at least where it has as many; and the same of a file on the disk (LAM_ERR_IO). */
bool lam__st_begins(const unsigned char *first, size_t count, uint64_t size);
lam_status lam__st_begins_file(const char *path, bool *begins);

/* Whether a tensor of this name is to be read. */
typedef bool (*lam__st_wanted)(const char *name);

/* Reads the header of the file `path` and the tensors that are wanted (NULL: none) and leaves the
 * rest on the disk: file->partial is set. The header is checked as by lam__st_parse, the values are
 * not. Errors as lam__st_parse, and LAM_ERR_IO. */
lam_status lam__st_open(const char *path, lam__st_wanted wanted, lam__st_file *file);

/* Reads the header of the file `path`, which stays open: lam__st_floats reads the values where they
 * are wanted, file->data is NULL. Errors as lam__st_open. */
lam_status lam__st_open_values(const char *path, lam__st_file *file);

/* Continues a CRC-32 over the data as they stand in the file. LAM_ERR_IO; LAM_ERR_FORMAT when the
 * file has become shorter. */
lam_status lam__st_data_checksum(const lam__st_file *file, uint32_t *crc);

/* The text of a key of __metadata__, or NULL. */
const char *lam__st_metadata(const lam__st_file *file, const char *key);

/* Pair i of __metadata__; false when there are no more. */
bool lam__st_metadata_at(const lam__st_file *file, size_t i, const char **key, const char **value);

/* The tensor of this name, or NULL. */
const lam__st_tensor *lam__st_find(const lam__st_file *file, const char *name);

/* Reads bytes of a file on the disk, all of them or it fails. */
lam_status lam__st_read(const lam__st_file *file, void *to, size_t count, uint64_t at);

/* Copies a tensor of type F32 to values; *bad is the index of the first that is not finite, or
 * SIZE_MAX. Fails where the file is on the disk only, as lam__st_data_checksum. */
lam_status lam__st_floats(const lam__st_file *file, const lam__st_tensor *tensor, float *values,
                          size_t *bad);

/* *value = value i of a tensor of type F32, to the bit. Not of a file on the disk. */
void lam__st_value(const lam__st_file *file, const lam__st_tensor *tensor, size_t i, float *value);

void lam__st_close(lam__st_file *file);

/* What a header says of a tensor to be written; its data follow those of the one before. */
typedef struct lam__st_label {
    char name[64];
    lam__st_dtype dtype;
    size_t rank, shape[2];
} lam__st_label;

/* What a header is made from: pairs of __metadata__, then label(of, i) for each i until it returns
 * false. */
typedef struct lam__st_header {
    const char *what; /* for messages: "a model file" */
    const lam__st_pair *pairs;
    size_t pair_count;
    bool (*label)(const void *of, size_t i, lam__st_label *label);
    const void *of;
} lam__st_header;

/* *bytes = length, JSON and spaces, keys in the order given, released with lam__release. A header
 * that could not be read back is LAM_ERR_ARGUMENT; LAM_ERR_UNSUPPORTED without JSON. */
lam_status lam__st_make_header(const lam__st_header *header, unsigned char **bytes, size_t *size);

/* A tensor of floats to be written. */
typedef struct lam__st_entry {
    char name[48];
    size_t rank, shape[2];
    const float *values;
} lam__st_entry;

/* Number of floats of an entry. */
size_t lam__st_entry_count(const lam__st_entry *entry);

/* Continues a CRC-32 over the data as they will stand in the file. */
uint32_t lam__st_checksum(uint32_t crc, const lam__st_entry *entries, size_t count);

/* The same bytes as lam__st_write's to buffer[size], where they fit; *needed = how many there are.
 */
lam_status lam__st_write_memory(void *buffer, size_t size, size_t *needed,
                                const lam__st_pair *pairs, size_t pair_count,
                                const lam__st_entry *entries, size_t count);

/* Whether the header of such a file is one that can be read back; values may be NULL. */
lam_status lam__st_check(const lam__st_pair *pairs, size_t pair_count, const lam__st_entry *entries,
                         size_t count);

/* Replaces the file `path` (file_write.h). The bytes depend on the arguments alone. */
lam_status lam__st_write(const char *path, const lam__st_pair *pairs, size_t pair_count,
                         const lam__st_entry *entries, size_t count);

#endif
