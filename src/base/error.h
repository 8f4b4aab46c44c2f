/* error.h: the thread-local message behind lam_error_message(). */
#ifndef LAMINA_ERROR_H
#define LAMINA_ERROR_H

#include <lamina/status.h>

/* Room for any message; longer ones are cut. */
#define LAM__MESSAGE_SIZE 1024

/* Records code and message (printf format, locale-free numbers are the caller's concern) for this
 * thread and returns `status`, so that one can write: return lam__fail(LAM_ERR_SHAPE, ...). */
lam_status lam__fail(lam_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Records "out of memory: SIZE bytes for WHAT". */
lam_status lam__fail_memory(size_t size, const char *what);

/* Returns from a function that gives a lam_status when `call` fails. */
#define LAM__TRY(call)                                                                             \
    do {                                                                                           \
        lam_status lam__try_status = (call);                                                       \
        if (lam__try_status != LAM_OK)                                                             \
            return lam__try_status;                                                                \
    } while (0)

#endif
