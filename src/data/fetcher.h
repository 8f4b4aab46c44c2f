/* fetcher.h: one job at a time on a thread of its own. */
#ifndef LAMINA_FETCHER_H
#define LAMINA_FETCHER_H

#include <stdbool.h>

#include <lamina/status.h>

typedef struct lam__fetcher lam__fetcher;

typedef lam_status (*lam__fetch)(void *context, int job);

/* NULL with LAM_ERR_MEMORY. Without a thread to be had, jobs run when they are waited for. */
lam__fetcher *lam__fetcher_new(lam__fetch fetch, void *context);

/* Starts fetch(context, job); false while another job has not been waited for. */
bool lam__fetcher_start(lam__fetcher *fetcher, int job);

/* Waits for the job; what it returned, its message as this thread's. */
lam_status lam__fetcher_wait(lam__fetcher *fetcher);

/* After the last job was waited for. NULL is allowed. */
void lam__fetcher_free(lam__fetcher *fetcher);

#endif
