/* history.h: the inside of lam_history. */
#ifndef LAMINA_HISTORY_H
#define LAMINA_HISTORY_H

#include <lamina/fit.h>

struct lam_history {
    lam_epoch *epochs; /* [capacity], the first `count` used */
    size_t count, capacity;
    size_t best; /* epoch whose weights the model has, 0: the last */
};

/* Makes room for `capacity` epochs. NULL with LAM_ERR_MEMORY recorded. */
lam_history *lam__history_new(size_t capacity);

/* Appends an epoch, growing when need be. */
lam_status lam__history_add(lam_history *history, const lam_epoch *epoch);

#endif
