/* problem.h: a random network with a random batch, for the library and for the reference. */
#ifndef PROBLEM_H
#define PROBLEM_H

#include <stdint.h>

#include <lamina/lamina.h>

#include "reference.h"

/* Buffers are the problem's; floats hold exactly what the doubles hold. */
typedef struct problem {
    reference net;
    char label[160]; /* for messages */
    size_t rows, parameter_count;
    bool class_numbers;
    float *x, *targets, *parameters; /* [rows][in], [rows][out], [parameter_count] */
    int32_t *classes;                /* [rows] */
    double *x_exact, *targets_exact, *parameters_exact;
} problem;

/* Allocates for the shape in problem->net and `rows`. */
void problem_open(problem *p);
void problem_close(problem *p);

/* Draws parameters, batch and targets. */
void problem_draw(problem *p, uint32_t seed);

/* The reference's loss with regularization. */
double problem_loss(const problem *p, double *margin);

/* The central difference of problem_loss by one parameter. */
double problem_slope(problem *p, size_t parameter);

/* The library's model with these layers and parameters; dropout_rate > 0 puts a dropout layer
 * after the first. Fails the test when it cannot be made. */
lam_model *problem_model(const problem *p, float dropout_rate);

/* The options that go with it, and the batch. */
lam_fit_options problem_options(const problem *p);
lam_batch problem_batch(const problem *p);

#endif
