/* c_source.h: a model as one self-contained C file and its header. */
#ifndef LAMINA_C_SOURCE_H
#define LAMINA_C_SOURCE_H

#include <stddef.h>

#include <lamina/model.h>

#include "formats/c_export/c_text.h"
#include "model/network.h"

/* Writes model.c to `path` (it ends in ".c") and model.h beside it, each crash-safe. `name` is what
 * the names in them begin with, an identifier; NULL: the file's name. The bytes depend on the model
 * and the names alone. LAM_ERR_UNSUPPORTED for an activation registered by the program,
 * LAM_ERR_NUMERIC for values that are not finite, LAM_ERR_ARGUMENT for names that will not do. */
lam_status lam__c_source_write(const lam_model *model, const char *path, const char *name);

/* ---- shared with what writes the int8 variant ---- */

/* The two files being written. */
typedef struct lam__c_files {
    lam__c_text source, header;
    char header_name[256];
} lam__c_files;

/* Checks the names and opens both files. */
lam_status lam__c_files_open(lam__c_files *files, const char *path, const char *name);

/* Commits both, or after a failure abandons both. */
lam_status lam__c_files_close(lam__c_files *files, lam_status status);

/* The header but for its comment, and the class names in the source. */
void lam__c_header(lam__c_files *files, const lam_model *model, const char *what,
                   size_t stack_bytes);
void lam__c_class_names(lam__c_text *text, const lam_model *model);

/* The comment on top of both: `what` is "a neural network", then the layers. */
void lam__c_opening(lam__c_text *text, const lam_model *model, const char *what);

/* The macros that mark tables and read them: nothing, but where the program says otherwise; and
 * what C and C++ call a pointer that no other shares. */
void lam__c_macros(lam__c_text *text, bool integers);

/* "#ifdef NAME_SELF_TEST ... #endif": one sample, what it should give, and main. */
void lam__c_self_test(lam__c_text *text, size_t inputs, size_t outputs, const float *x,
                      const float *y);

/* A sample such as the input transform was made for: x[features], the same each time. */
void lam__c_sample(const lam_model *model, float *x);

/* y[units] = f(y), y being called so in the C file. */
void lam__c_activation(lam__c_text *text, const lam__activation *activation, size_t units);

/* Functions of rowwise activations that `activation` needs, unless an earlier layer wrote them. */
void lam__c_row_function(lam__c_text *text, const lam_model *model, size_t layer);

/* Whether the file needs <math.h>. */
bool lam__c_needs_math(const lam_model *model);

#endif
