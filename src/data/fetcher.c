/* fetcher.c: one job at a time on a thread of its own. */
#include "data/fetcher.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/memory.h"

struct lam__fetcher {
    lam__fetch fetch;
    void *context;
    pthread_t thread;
    bool has_thread;
    bool orphaned; /* the thread was the parent's of this process */
    lam__fork_guard guard;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum { IDLE, ASKED, RUNNING, DONE, QUIT } state; /* under the mutex, as all below */
    int job;
    lam_status status;
    char message[LAM__MESSAGE_SIZE];
};

static void *work(void *argument)
{
    lam__fetcher *fetcher = argument;
    pthread_mutex_lock(&fetcher->mutex);
    for (;;) {
        while (fetcher->state != ASKED && fetcher->state != QUIT)
            pthread_cond_wait(&fetcher->changed, &fetcher->mutex);
        if (fetcher->state == QUIT)
            break;
        fetcher->state = RUNNING;
        const int job = fetcher->job;
        pthread_mutex_unlock(&fetcher->mutex);
        const lam_status status = fetcher->fetch(fetcher->context, job);
        pthread_mutex_lock(&fetcher->mutex);
        fetcher->status = status;
        if (status != LAM_OK)
            strcpy(fetcher->message, lam_error_message());
        fetcher->state = DONE;
        pthread_cond_broadcast(&fetcher->changed);
    }
    pthread_mutex_unlock(&fetcher->mutex);
    return NULL;
}

static void start_thread(lam__fetcher *fetcher)
{
    sigset_t all, before; /* signals are for the program's threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    fetcher->has_thread = pthread_create(&fetcher->thread, NULL, work, fetcher) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* In a forked child: a job that was not done is redone by the thread that waits for it. */
static void lose_thread(void *object, bool whole)
{
    (void)whole;
    lam__fetcher *fetcher = object;
    pthread_cond_init(&fetcher->changed, NULL);
    if (fetcher->state == RUNNING)
        fetcher->state = ASKED;
    fetcher->has_thread = false;
    fetcher->orphaned = true;
}

lam__fetcher *lam__fetcher_new(lam__fetch fetch, void *context)
{
    lam__fetcher *fetcher = lam__allocate_zero(1, sizeof *fetcher, "a thread that reads ahead");
    if (!fetcher)
        return NULL;
    fetcher->fetch = fetch;
    fetcher->context = context;
    pthread_mutex_init(&fetcher->mutex, NULL);
    pthread_cond_init(&fetcher->changed, NULL);
    lam__fork_watch(&fetcher->guard, &fetcher->mutex, lose_thread, fetcher);
    start_thread(fetcher);
    return fetcher;
}

bool lam__fetcher_start(lam__fetcher *fetcher, int job)
{
    if (fetcher->orphaned)
        start_thread(fetcher);
    fetcher->orphaned = false;
    pthread_mutex_lock(&fetcher->mutex);
    const bool free = fetcher->state == IDLE;
    if (free) {
        fetcher->state = ASKED;
        fetcher->job = job;
        pthread_cond_broadcast(&fetcher->changed);
    }
    pthread_mutex_unlock(&fetcher->mutex);
    return free;
}

lam_status lam__fetcher_wait(lam__fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->mutex);
    lam_status status = LAM_OK;
    if (!fetcher->has_thread && fetcher->state == ASKED) {
        status = fetcher->fetch(fetcher->context, fetcher->job);
    } else if (fetcher->state != IDLE) {
        while (fetcher->state != DONE)
            pthread_cond_wait(&fetcher->changed, &fetcher->mutex);
        status = fetcher->status;
        if (status != LAM_OK)
            lam__fail(status, "%s", fetcher->message);
    }
    fetcher->state = IDLE;
    pthread_mutex_unlock(&fetcher->mutex);
    return status;
}

void lam__fetcher_free(lam__fetcher *fetcher)
{
    if (!fetcher)
        return;
    pthread_mutex_lock(&fetcher->mutex);
    fetcher->state = QUIT;
    pthread_cond_broadcast(&fetcher->changed);
    pthread_mutex_unlock(&fetcher->mutex);
    if (fetcher->has_thread)
        pthread_join(fetcher->thread, NULL);
    lam__fork_unwatch(&fetcher->guard);
    pthread_mutex_destroy(&fetcher->mutex);
    pthread_cond_destroy(&fetcher->changed);
    lam__release(fetcher);
}
