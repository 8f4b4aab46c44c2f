/* checkpoint_policy.h: the checkpointer of a run of lam_fit: writes checkpoints, and finds the
 * newest. */
#ifndef LAMINA_CHECKPOINT_POLICY_H
#define LAMINA_CHECKPOINT_POLICY_H

#include "fit/epochs/fit_loop.h"

typedef struct lam__checkpoint_policy lam__checkpoint_policy;

/* A checkpointer for runs with these options, which have a folder. NULL on failure. */
lam__checkpoint_policy *lam__checkpoint_policy_new(const lam_fit_options *options);

/* What the loop calls. */
lam__checkpointer *lam__checkpoint_policy_calls(lam__checkpoint_policy *checkpointer);

void lam__checkpoint_policy_free(lam__checkpoint_policy *checkpointer);

#endif
