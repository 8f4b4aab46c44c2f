/* status.h: error codes and messages, version, memory.  Part of Lamina, MIT license.
 *
 * Every fallible function returns a lam_status; constructors return NULL on failure. The text of
 * the latest failure on this thread, with the values that matter, is lam_error_message(). */
#ifndef LAMINA_STATUS_H
#define LAMINA_STATUS_H

#include <stddef.h>

#include <lamina/export.h>

LAM_BEGIN_DECLS

/* The one list of codes: X(suffix, value, text). Values never change once released. */
#define LAM_STATUS_LIST(X)                                                                         \
    X(OK, 0, "success")                                                                            \
    X(ERR_ARGUMENT, 1, "invalid argument")                                                         \
    X(ERR_NAME, 2, "unknown name")                                                                 \
    X(ERR_SHAPE, 3, "shapes do not match")                                                         \
    X(ERR_MEMORY, 4, "out of memory")                                                              \
    X(ERR_IO, 5, "input or output failed")                                                         \
    X(ERR_FORMAT, 6, "malformed file")                                                             \
    X(ERR_STATE, 7, "call not possible in this state")                                             \
    X(ERR_NUMERIC, 8, "not a finite number")                                                       \
    X(ERR_UNSUPPORTED, 9, "not supported by this build")

typedef enum lam_status {
#define LAM_STATUS_ENUM(suffix, value, text) LAM_##suffix = value,
    LAM_STATUS_LIST(LAM_STATUS_ENUM)
#undef LAM_STATUS_ENUM
} lam_status;

/* The name of a code, such as "LAM_ERR_SHAPE"; "LAM_ERR_?" for a value outside the list.
 * The string is static. Thread-safe. */
LAM_API const char *lam_status_name(lam_status status);

/* A short text for a code, such as "shapes do not match". The string is static. Thread-safe. */
LAM_API const char *lam_status_text(lam_status status);

/* What went wrong in the latest call that failed on this thread, naming the offending values, as
 * lam_printable shows them; "" when no call has failed. Successful calls leave it unchanged. Valid
 * until the next failure on the same thread. */
LAM_API const char *lam_error_message(void);

/* The code of lam_error_message(); LAM_OK when no call has failed on this thread. */
LAM_API lam_status lam_error_status(void);

/* Copies `text` to out[size] in a form that is safe to show on a terminal, in one line, wherever it
 * came from: C0 and C1 control characters, DEL, bidirectional controls and line separators are
 * written as \n, \x1b or \u009b, bytes that are not valid UTF-8 as \xff; everything else is
 * unchanged, backslashes too. Text that does not fit is cut and ends in "..."; NULL gives "".
 * Returns `out`. lam_error_message() is already in this form. Thread-safe. */
LAM_API char *lam_printable(const char *text, char *out, size_t size);

/* Bytes of the UTF-8 character (RFC 3629) at `text`, which ends in a NUL: 1 to 4; 0 at the end and
 * where it is malformed or NULL. Thread-safe. */
LAM_API size_t lam_utf8_length(const char *text);

#define LAM_VERSION_MAJOR 0
#define LAM_VERSION_MINOR 1
#define LAM_VERSION_PATCH 0
#define LAM_VERSION_STRING "0.1.0"

/* The version of the library that runs, "0.1.0"; compare with LAM_VERSION_STRING, the version
 * compiled against. Static string, thread-safe. */
LAM_API const char *lam_version(void);

/* One fact about how the library was built or runs here; NULL for an unknown key. Keys: "blas"
 * (library and core), "instruction_set" (of the kernels in use), "products" ("tiles", the library's
 * own for this instruction set, or "blas"), "processor" (its vendor), "lapack", "gzip", "zip",
 * "json", "images", "onnx" ("yes" or "no": optional parts that are included). Static
 * string, thread-safe. */
LAM_API const char *lam_build_info(const char *key);

/* Whether the environment variables that the library reads have valid values:
 *
 *   LAMINA_CPU       baseline, avx2 or avx512: the most advanced instruction set to use; if the
 *                    machine lacks it, the best one below it, which lam_build_info reports
 *   LAMINA_PRODUCTS  tiles or blas: what computes matrix products
 *
 * Unset and empty mean that the library chooses. Other values are LAM_ERR_NAME, listing the known
 * ones. Creating or loading a model fails in the same way. They are read once, when they are first
 * needed. Thread-safe unless the program changes its environment meanwhile. */
LAM_API lam_status lam_check_environment(void);

/* A user's allocator. `allocate` returns `size` bytes aligned to `alignment` (a power of two of
 * at most 64) or NULL; `release` takes what it returned, or NULL. Both must be thread-safe. */
typedef struct lam_allocator {
    void *(*allocate)(size_t size, size_t alignment, void *user);
    void (*release)(void *pointer, void *user);
    void *user;
} lam_allocator;

/* Makes all later allocations of the library go through a copy of `allocator`; NULL restores the C
 * library's. Call it before anything is created: memory is released through the allocator set at
 * the time of release, whichever allocated it. Libraries underneath (BLAS, zlib, JSON) keep their
 * own allocators. Not thread-safe. Fails with LAM_ERR_ARGUMENT when a function is missing. */
LAM_API lam_status lam_set_allocator_sized(const lam_allocator *allocator, size_t size);
LAM_INLINE lam_status lam_set_allocator(const lam_allocator *allocator)
{
    return lam_set_allocator_sized(allocator, sizeof *allocator);
}

LAM_END_DECLS

#endif
