/* checkpoint_writer.c: a thread that writes checkpoints while training goes on. */
#define _GNU_SOURCE /* SCHED_IDLE */
#include "fit/checkpoints/checkpoint_writer.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

static const char orphaned[] = "this process was forked from the one that trains: only the "
                               "parent writes checkpoints";

/* Training comes first: this thread has the time that the others leave. In its turn like any other
 * it would put a thread of the pool aside in the middle of a task, for which all others wait. */
static void step_back(void)
{
#ifdef SCHED_IDLE
    const struct sched_param none = {0};
    pthread_setschedparam(pthread_self(), SCHED_IDLE, &none); /* where that fails, it is as it is */
#endif
}

/* Everything slow: checksum, writing, waiting for the disk. */
static lam_status write_image(lam__checkpoint_writer *writer, uint64_t steps)
{
    LAM__TRY(lam__snapshot_seal(writer->snapshot));
    return lam__checkpoint_folder_write(writer->folder, steps, writer->snapshot->bytes,
                                        writer->snapshot->size);
}

/* In a forked child: the run is the parent's, and so are its files. */
static void lose_thread(void *object, bool whole)
{
    (void)whole;
    lam__checkpoint_writer *writer = object;
    pthread_cond_init(&writer->changed, NULL);
    writer->started = false;
    writer->orphaned = true;
    writer->work = false;
    writer->finished = true;
    writer->status = LAM_ERR_STATE;
    strcpy(writer->message, orphaned);
}

static void *run(void *context)
{
    lam__checkpoint_writer *writer = context;
    step_back();
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (!writer->work && !writer->quit)
            pthread_cond_wait(&writer->changed, &writer->lock);
        if (!writer->work)
            break;
        const uint64_t steps = writer->steps;
        pthread_mutex_unlock(&writer->lock);
        const lam_status status = write_image(writer, steps);
        pthread_mutex_lock(&writer->lock);
        writer->status = status;
        strcpy(writer->message, status == LAM_OK ? "" : lam_error_message());
        writer->work = false;
        writer->finished = true;
        pthread_cond_signal(&writer->changed);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

lam_status lam__checkpoint_writer_start(lam__checkpoint_writer *writer, lam__snapshot *snapshot,
                                        lam__checkpoint_folder *folder)
{
    sigset_t all, before;
    *writer = (lam__checkpoint_writer){.snapshot = snapshot, .folder = folder};
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->changed, NULL);
    lam__fork_watch(&writer->guard, &writer->lock, lose_thread, writer);
    /* signals are for the threads of the program */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        lam__fork_unwatch(&writer->guard);
        pthread_mutex_destroy(&writer->lock);
        pthread_cond_destroy(&writer->changed);
        return lam__fail(LAM_ERR_MEMORY, "cannot start a thread for checkpoints: %s",
                         strerror(error));
    }
    writer->started = true;
    return LAM_OK;
}

void lam__checkpoint_writer_submit(lam__checkpoint_writer *writer, uint64_t steps)
{
    pthread_mutex_lock(&writer->lock);
    writer->steps = steps;
    writer->work = !writer->orphaned;
    writer->finished = writer->orphaned;
    writer->outstanding = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
}

void lam__checkpoint_writer_write(lam__checkpoint_writer *writer, uint64_t steps)
{
    const lam_status status =
        writer->orphaned ? lam__fail(LAM_ERR_STATE, "%s", orphaned) : write_image(writer, steps);
    pthread_mutex_lock(&writer->lock);
    writer->steps = steps;
    writer->status = status;
    strcpy(writer->message, status == LAM_OK ? "" : lam_error_message());
    writer->finished = true;
    writer->outstanding = true;
    pthread_mutex_unlock(&writer->lock);
}

bool lam__checkpoint_writer_collect(lam__checkpoint_writer *writer, bool wait)
{
    if (!writer->outstanding)
        return false;
    pthread_mutex_lock(&writer->lock);
    while (wait && !writer->finished)
        pthread_cond_wait(&writer->changed, &writer->lock);
    const bool finished = writer->finished;
    pthread_mutex_unlock(&writer->lock);
    writer->outstanding = !finished;
    return finished;
}

void lam__checkpoint_writer_stop(lam__checkpoint_writer *writer)
{
    lam__fork_unwatch(&writer->guard);
    if (!writer->started)
        return;
    pthread_mutex_lock(&writer->lock);
    writer->quit = true;
    pthread_cond_signal(&writer->changed);
    pthread_mutex_unlock(&writer->lock);
    pthread_join(writer->thread, NULL);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->changed);
    writer->started = false;
}
