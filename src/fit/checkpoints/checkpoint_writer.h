/* checkpoint_writer.h: a thread that writes checkpoints while training goes on. */
#ifndef LAMINA_CHECKPOINT_WRITER_H
#define LAMINA_CHECKPOINT_WRITER_H

#include <pthread.h>

#include "base/error.h"
#include "base/fork.h"
#include "fit/checkpoints/checkpoint.h"
#include "fit/checkpoints/checkpoint_folder.h"

/* One snapshot at a time: the caller leaves its bytes alone until it has been collected. */
typedef struct lam__checkpoint_writer {
    lam__snapshot *snapshot;
    lam__checkpoint_folder *folder;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, outstanding; /* the owner's: there is a thread; an snapshot is handed over */
    bool orphaned;             /* this process was forked from the one that writes */
    lam__fork_guard guard;

    /* under the lock */
    bool work, quit, finished;
    uint64_t steps; /* of the snapshot */
    lam_status status;
    char message[LAM__MESSAGE_SIZE];
} lam__checkpoint_writer;

lam_status lam__checkpoint_writer_start(lam__checkpoint_writer *writer, lam__snapshot *snapshot,
                                        lam__checkpoint_folder *folder);

/* Hands the snapshot over. Not while one is outstanding. */
void lam__checkpoint_writer_submit(lam__checkpoint_writer *writer, uint64_t steps);

/* The same on the calling thread, where nothing else is to be done. */
void lam__checkpoint_writer_write(lam__checkpoint_writer *writer, uint64_t steps);

/* Whether the outstanding snapshot has been written, or has not and why: then it is collected, and
 * the snapshot is the caller's again. With `wait`, waits for that. */
bool lam__checkpoint_writer_collect(lam__checkpoint_writer *writer, bool wait);

/* Finishes what is outstanding. A zeroed writer is allowed. */
void lam__checkpoint_writer_stop(lam__checkpoint_writer *writer);

#endif
