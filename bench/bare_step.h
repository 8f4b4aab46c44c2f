/* bare_step.h: the arithmetic of a training step and nothing else. */
#ifndef LAMINA_BENCH_BARE_STEP_H
#define LAMINA_BENCH_BARE_STEP_H

#include "networks.h"

typedef struct bare_step bare_step;

/* For networks of relu layers with one sigmoid output, trained by Adam. NULL without memory. */
bare_step *bare_open(const network *net);
void bare_close(bare_step *step);

/* Does the arithmetic of so many whole batches; returns the seconds of one. */
double bare_run(bare_step *step, size_t batches);

#endif
