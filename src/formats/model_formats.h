/* model_formats.h: the table of model formats. One row, in a file of its own, adds one. */
#ifndef LAMINA_MODEL_FORMATS_H
#define LAMINA_MODEL_FORMATS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/exchange.h>

#include "base/text/name_table.h"

/* A file in memory that may hold a model. */
typedef struct lam__foreign {
    const char *path; /* for messages, and for libraries that open files themselves */
    const unsigned char *bytes;
    size_t size;
    lam_import_report *report; /* what is told beside the model (import_report.h); or NULL */
} lam__foreign;

typedef struct lam__model_format {
    const char *name, *alias, *help;
    const char *extensions; /* "pt pth": without the point, the usual one first */
    /* Whether the content is of this format; NULL: never told by content. Cheap: the first bytes.
     */
    bool (*recognizes)(const lam__foreign *file);
    /* Makes the model; NULL: the format can only be written. */
    lam_status (*read)(const lam__foreign *file, const lam_import_options *options,
                       lam_model **model);
    /* Makes the model of a file whose values are read one by one, so that it need not be in memory
     * whole (file->bytes is NULL); *taken: whether it is one. NULL: there are no such files. */
    lam_status (*read_file)(const lam__foreign *file, const lam_import_options *options,
                            lam_model **model, bool *taken);
    /* Writes one to the path, crash-safe (file_write.h); NULL: the format can only be read. The
     * model is sound and has finite parameters. */
    lam_status (*write)(const lam_model *model, const char *path,
                        const lam_export_options *options);
    /* Tells arrays and facts (contents.h), also of a file that is no model; NULL: nothing but the
     * model. After a failure what was told before stays. */
    lam_status (*describe)(const lam__foreign *file, lam_model_contents *contents);
    /* The same, reading no more of a file than its header; *told: whether it is of this format.
     * NULL: there is no such header. */
    lam_status (*peek)(const char *path, lam_model_contents *contents, bool *told);
} lam__model_format;

extern const lam__model_format lam__format_safetensors;
extern const lam__model_format lam__format_torch;
extern const lam__model_format lam__format_pickle;
extern const lam__model_format lam__format_c;
extern const lam__model_format lam__format_onnx;
extern const lam__model_format lam__format_keras;

extern lam__name_table lam__model_formats;

/* Row by name; NULL with LAM_ERR_NAME recorded. */
const lam__model_format *lam__find_format(const char *name);

/* Row by the extension of a path, NULL, with no error recorded, when there is none. */
const lam__model_format *lam__format_of_path(const char *path);

/* Row by content, else by extension; NULL with LAM_ERR_FORMAT recorded. */
const lam__model_format *lam__format_of_file(const lam__foreign *file);

#endif
