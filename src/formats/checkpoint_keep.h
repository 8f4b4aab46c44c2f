/* checkpoint_keep.h: the keeper of a run of lam_fit: writes checkpoints, and finds the newest. */
#ifndef LAMINA_CHECKPOINT_KEEP_H
#define LAMINA_CHECKPOINT_KEEP_H

#include "train/fit_loop.h"

typedef struct lam__checkpoint_keeper lam__checkpoint_keeper;

/* A keeper for runs with these options, which have a folder. NULL on failure. */
lam__checkpoint_keeper *lam__checkpoint_keeper_new(const lam_fit_options *options);

/* What the loop calls. */
lam__keeper *lam__checkpoint_keeper_calls(lam__checkpoint_keeper *keeper);

void lam__checkpoint_keeper_free(lam__checkpoint_keeper *keeper);

#endif
