/* wrapped_calls.h: the system calls of checkpoints, watched.
 *
 * The linker sends the calls to the __wrap_ functions of wrapped_calls.c (-Wl,--wrap). Each is
 * counted and recorded; the Nth can be made to fail, or the process to end there by SIGKILL. */
#ifndef LAMINA_TEST_WRAPPED_CALLS_H
#define LAMINA_TEST_WRAPPED_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum watched_call {
    CALL_OPEN,    /* of anything for reading */
    CALL_CREATE,  /* openat with O_TRUNC: `name` */
    CALL_WRITE,   /* bytes[size] to the file created last */
    CALL_FSYNC,   /* of it */
    CALL_SYNCDIR, /* fsync of a folder */
    CALL_CLOSE,
    CALL_RENAME, /* name to other */
    CALL_UNLINK, /* name */
    CALL_MKDIR,
    CALL_LOCK,
    CALL_LIST
} watched_call;

/* Names of the above for messages. */
extern const char *const call_names[];

/* A call that was made, with what it did. */
typedef struct operation {
    watched_call call;
    bool done; /* it succeeded */
    char name[80], other[80];
    unsigned char *bytes; /* WRITE: a copy */
    size_t size;
} operation;

enum { SHORT_WRITE = -1, KILL = -2, KILL_IN_WRITE = -3 }; /* in place of an errno */
enum { MOST_OPERATIONS = 4096 };

typedef struct watch {
    bool armed;
    int error; /* what becomes of the call to fail */
    size_t at; /* its number, from 0; SIZE_MAX: none */
    size_t calls;
    watched_call failed; /* the call that was failed, if calls > at */
    bool record;         /* keep the operations */
    operation operations[MOST_OPERATIONS];
    size_t count;
} watch;

extern watch watched;

/* Forgets everything and starts watching. */
void watch_arm(int error, size_t at, bool record);
void watch_disarm(void);
void watch_free(void);

/* Returns when the thread that writes checkpoints has done with all that the calling one, which has
 * armed the watch, handed to it: it makes no call until it has another. */
void watch_wait(void);

#endif
