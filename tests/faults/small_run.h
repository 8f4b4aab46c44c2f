/* small_run.h: a short training run with many checkpoints, for the tests of faults. */
#ifndef LAMINA_TEST_SMALL_RUN_H
#define LAMINA_TEST_SMALL_RUN_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/lamina.h>

enum { SMALL_PARAMETERS = 3 * 5 + 6 * 3 };

/* What callbacks were told, and what they do. */
typedef struct small_run {
    const char *checkpoints; /* the folder, or NULL */
    bool resume;
    bool look_only; /* ends before the first step */
    lam_status status;
    float parameters[SMALL_PARAMETERS]; /* in the end */
    size_t kept, failed, damaged;       /* checkpoints told of */
    uint64_t last_kept, resumed_at;     /* steps; 0: none */
} small_run;

/* Trains 3 epochs of 5 steps with a checkpoint every second step, of which 2 are kept. Waits after
 * each until it is on the disk, so that the calls come in the same order each time. */
void small_run_train(small_run *run);

/* Puts the folders of a test into memory where the system has a place for that: what is tested is
 * the order of calls, not a disk. */
void small_run_in_memory(void);

/* The number in the name of a checkpoint. */
uint64_t small_run_steps(const char *path);

#endif
