/* task_assignment.c: which thread takes which task of phase 2. */
#include "train/task_assignment.h"

/* The owners of tasks without a position: one thread after the other, in order, is filled up to its
 * part of the whole. */
static void fill(size_t count, const lam__assigned_task *tasks, size_t threads, double part,
                 size_t *owner, double *load)
{
    size_t at = 0;
    for (size_t t = 0; t < count; t++) {
        if (tasks[t].position >= 0.0)
            continue;
        while (at + 1 < threads && load[at] + tasks[t].work / 2.0 > part)
            at++;
        owner[t] = at;
        load[at] += tasks[t].work;
    }
}

void lam__assign_tasks(size_t count, const lam__assigned_task *tasks, size_t threads, size_t *turn,
                       size_t *starts, size_t *owner, double *load)
{
    double total = 0.0;
    for (size_t i = 0; i < threads; i++)
        load[i] = 0.0;
    for (size_t t = 0; t < count; t++) {
        total += tasks[t].work;
        if (tasks[t].position < 0.0)
            continue;
        owner[t] = (size_t)(tasks[t].position * (double)threads);
        owner[t] = owner[t] < threads ? owner[t] : threads - 1;
        load[owner[t]] += tasks[t].work;
    }
    fill(count, tasks, threads, total / (double)threads, owner, load);
    size_t n = 0;
    for (size_t i = 0; i < threads; i++) {
        starts[i] = n;
        for (size_t t = 0; t < count; t++)
            if (owner[t] == i)
                turn[n++] = t;
    }
    starts[threads] = n;
}
