/* import_graph_steps.h: the inside of an import graph, shared by import_graph.c,
 * import_graph_fold.c and tests. */
#ifndef LAMINA_IMPORT_GRAPH_STEPS_H
#define LAMINA_IMPORT_GRAPH_STEPS_H

#include <stdbool.h>

#include "formats/import/import_graph.h"
#include "nn/layers/layers.h"

typedef enum lam__step_kind {
    LAM__STEP_DENSE,
    LAM__STEP_AFFINE,
    LAM__STEP_ACTIVATION,
    LAM__STEP_LAYER, /* one of a type that is neither: layer_norm, dropout */
    LAM__STEP_GONE   /* folded into another */
} lam__step_kind;

/* Longest text of a place. */
enum { LAM__WHERE_SIZE = 96 };

/* One step. a and b by kind: dense W [in][out] and b [out]; affine scale [out] and offset [out];
 * layers with parameters weight [out] and bias [out]. They are one block, that of a. */
typedef struct lam__step {
    lam__step_kind kind;
    char where[LAM__WHERE_SIZE];
    size_t in, out; /* out of an affine that serves all features is 1 until widths are known */
    double *a, *b;
    const lam__activation *activation; /* its own, or folded into a layer; NULL = linear */
    lam__layer layer;                  /* of layers: type and numbers */
} lam__step;

/* Whether a step is a layer with parameters, dense ones included. */
bool lam__step_learns(const lam__step *step);

struct lam__import_graph {
    lam_status status; /* sticky */
    char message[512];
    char *name;
    lam__step *steps; /* [count] */
    size_t count, capacity;
    lam_import_report *report; /* or NULL */
    size_t width;              /* after the steps so far, 0 = not told */
    size_t file_size, left;    /* values that further steps may have; SIZE_MAX: any number */
};

/* Takes `values` from what is left. */
lam_status lam__import_graph_spend(lam__import_graph *imported, const lam__step *step,
                                   size_t values);

/* "FILE: WHERE: message" under a status, recorded in the import graph. */
lam_status lam__import_graph_refuse(lam__import_graph *imported, const lam__step *step,
                                    lam_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Folds affines and activations into layers, until none is left but one at the front, in *first
 * (NULL when there is none). */
lam_status lam__import_graph_fold(lam__import_graph *imported, lam__step **first);

/* Random inputs and what the steps, before they are folded, make of them; NULL without memory.
 * Widths are known, and that of the samples is `features`. */
typedef struct lam__import_graph_check lam__import_graph_check;
lam__import_graph_check *lam__import_graph_expect(const lam__import_graph *imported,
                                                  size_t features);

/* Runs the model on these inputs and tells the difference; LAM_ERR_NUMERIC when it is no rounding.
 */
lam_status lam__import_graph_compare(const lam__import_graph_check *check, const char *name,
                                     const lam_model *model, lam_import_report *report);

/* NULL is allowed. */
void lam__import_graph_check_free(lam__import_graph_check *check);

#endif
