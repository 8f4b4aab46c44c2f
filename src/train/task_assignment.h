/* task_assignment.h: which thread takes which task of phase 2. */
#ifndef LAMINA_TASK_ASSIGNMENT_H
#define LAMINA_TASK_ASSIGNMENT_H

#include <stddef.h>

/* A task, seen from here. */
typedef struct lam__assigned_task {
    double work;     /* of any unit */
    double position; /* 0 to 1: where in a layer that is split, whose first half belongs to the
                        first half of the threads; negative: anywhere */
} lam__assigned_task;

/* Gives `count` tasks to `threads` threads: those with a position to the thread that is there, the
 * others, in order, to the thread with the least work so far, so that all have about the same work.
 * turn[count] receives the tasks, thread by thread, and starts[threads + 1] where those of each
 * begin. owner[count] and load[threads] are for its own use. */
void lam__assign_tasks(size_t count, const lam__assigned_task *tasks, size_t threads, size_t *turn,
                       size_t *starts, size_t *owner, double *load);

#endif
