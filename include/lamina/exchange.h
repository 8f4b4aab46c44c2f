/* exchange.h: models from and for other programs.  Part of Lamina, MIT license.
 *
 * lam_catalog(LAM_MODEL_FORMAT, ...) lists the formats. Nothing of a file is executed, whatever it
 * holds, and nothing is allocated because it claims to need it. Any number of threads may call what
 * is declared here, each with files and models of its own. */
#ifndef LAMINA_EXCHANGE_H
#define LAMINA_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/export.h>
#include <lamina/model.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

/* How a file is read; fill with lam_import_options_default(). All but `format` serve bare weights:
 * files that hold arrays and not what is done with them. */
typedef struct lam_import_options {
    size_t struct_size; /* set by lam_import_options_default() */
    const char *format; /* name of the format; NULL = told by the file's content */
    const char *layers; /* the architecture, as for lam_model_add_layers; NULL = told by the file */
    const char *map;    /* names of the dense layers' arrays in order, "W+b,W+b"; NULL = guessed */
    const char *order;  /* of a weight's dimensions: "out,in", "in,out"; NULL = told by the names,
                           else by the shapes */
    const char *scale;  /* input transform of bare weights: "LO,HI" maps 0..255 to LO..HI,
                           "FROM_LO,FROM_HI,LO,HI" another range; NULL = none */
} lam_import_options;

/* Defaults: everything NULL. */
LAM_API void lam_import_options_init(lam_import_options *options, size_t size);
LAM_INLINE lam_import_options lam_import_options_default(void)
{
    lam_import_options options;
    lam_import_options_init(&options, sizeof options);
    return options;
}

/* Reads a model from a file of any format that can be read; `options` may be NULL. NULL with
 * LAM_ERR_IO, LAM_ERR_FORMAT (damaged: with what is wrong and where), LAM_ERR_UNSUPPORTED
 * (something in it is no part of a Lamina model, named with its place; or a build without a library
 * for it), LAM_ERR_SHAPE, LAM_ERR_NUMERIC, LAM_ERR_NAME, LAM_ERR_ARGUMENT (of the options) or
 * LAM_ERR_MEMORY. Free it with lam_model_free. */
LAM_API lam_model *lam_model_import(const char *path, const lam_import_options *options);

/* What was told while a file was read: what it holds and the model does not, what was taken for
 * granted, and how far the model is from what the file says. */
typedef struct lam_import_report lam_import_report;

/* One line of it. Keys: "left out", "assumed", "note", "checked". */
typedef struct lam_import_line {
    const char *key, *value;
} lam_import_line;

/* lam_model_import that also tells: *report becomes a report, or NULL when there is no memory for
 * one, whether or not there is a model; free it with lam_import_report_free. The model made of
 * another program's network is run beside the network as its file tells it, step by step in double
 * precision, on random inputs: LAM_ERR_NUMERIC when they do not agree. NULL for `report` is
 * lam_model_import. */
LAM_API lam_model *lam_model_import_report(const char *path, const lam_import_options *options,
                                           lam_import_report **report);

/* Number of lines; 0 for NULL. */
LAM_API size_t lam_import_report_lines(const lam_import_report *report);

/* Line i, which belongs to the report; NULL when out of range. */
LAM_API const lam_import_line *lam_import_report_line(const lam_import_report *report, size_t i);

/* Frees a report; NULL is allowed. */
LAM_API void lam_import_report_free(lam_import_report *report);

/* How a file is written; fill with lam_export_options_default(). */
typedef struct lam_export_options {
    size_t struct_size; /* set by lam_export_options_default() */
    const char *format; /* name of the format; NULL = told by the file's extension */
    bool transform;     /* the file applies the model's input transform itself, where it can */
    const char *name;   /* C source: what its names begin with; NULL = the file's name. Of another
                           format LAM_ERR_ARGUMENT */
} lam_export_options;

/* Defaults: the format from the extension, with the transform. */
LAM_API void lam_export_options_init(lam_export_options *options, size_t size);
LAM_INLINE lam_export_options lam_export_options_default(void)
{
    lam_export_options options;
    lam_export_options_init(&options, sizeof options);
    return options;
}

/* Writes a model to a file in any format that can be written, crash-safe as lam_model_save;
 * `options` may be NULL. LAM_ERR_NAME for an extension or a format that is not known,
 * LAM_ERR_UNSUPPORTED naming what the format cannot tell, and the errors of lam_model_save. */
LAM_API lam_status lam_model_export(const lam_model *model, const char *path,
                                    const lam_export_options *options);

/* What is known of a format. Strings are the library's. */
typedef struct lam_model_format_info {
    const char *name;
    const char *extensions; /* separated by spaces, without the point; the first is the usual one */
    const char *help;       /* one line */
    bool can_read, can_write;
} lam_model_format_info;

/* Describes the format of this name in *info. LAM_ERR_NAME listing the known ones. */
LAM_API lam_status lam_model_format_sized(const char *name, lam_model_format_info *info,
                                          size_t size);
LAM_INLINE lam_status lam_model_format(const char *name, lam_model_format_info *info)
{
    return lam_model_format_sized(name, info, sizeof *info);
}

/* The name of the format that a path's extension tells, NULL for none; static. */
LAM_API const char *lam_model_format_by_extension(const char *path);

/* The name of the format that a file's content tells, else its extension; static. NULL with the
 * error recorded when the file cannot be read or is of no known format. */
LAM_API const char *lam_model_format_by_content(const char *path);

/* How far two models with the same features and outputs are apart: both run on `rows` random
 * inputs, spread over what the transform of `a` was made for, the same ones for the same seed;
 * *largest becomes the largest absolute difference of two outputs. Equal infinities are no
 * difference; where one output is infinite or either is NaN, it is infinite. LAM_ERR_SHAPE when
 * features or outputs differ, LAM_ERR_ARGUMENT (0 rows), LAM_ERR_STATE or LAM_ERR_MEMORY. */
LAM_API lam_status lam_model_compare(const lam_model *a, const lam_model *b, size_t rows,
                                     uint64_t seed, double *largest);

/* lam_model_compare that sets the difference against the size of the outputs: *largest becomes the
 * largest absolute difference of two outputs divided by the largest finite absolute output of `a`,
 * or by 1 where that is smaller. */
LAM_API lam_status lam_model_compare_relative(const lam_model *a, const lam_model *b, size_t rows,
                                              uint64_t seed, double *largest);

/* What a file of a known format holds, whether or not it is a model. */
typedef struct lam_model_contents lam_model_contents;

/* The most dimensions that are told; the rank of an object that is no array. */
#define LAM_CONTENT_DIMENSIONS 8
#define LAM_CONTENT_OBJECT ((size_t)-1)

/* An array in a file, or an object of a pickle. */
typedef struct lam_content_array {
    const char *name; /* as the file has it */
    const char *type; /* of the elements, "F32"; of an object, its class */
    size_t rank;      /* LAM_CONTENT_OBJECT for an object */
    size_t shape[LAM_CONTENT_DIMENSIONS];
} lam_content_array;

/* Something else that the file says about itself. */
typedef struct lam_content_fact {
    const char *key, *value;
} lam_content_fact;

/* Lists what a file holds. NULL with the error recorded when it cannot be read or is of no known
 * format. Free it with lam_model_contents_free. */
LAM_API lam_model_contents *lam_model_contents_read(const char *path);

/* Name of the format. Static. */
LAM_API const char *lam_model_contents_format(const lam_model_contents *contents);

/* Number of arrays and objects. */
LAM_API size_t lam_model_contents_arrays(const lam_model_contents *contents);

/* Array or object i, in the order of the file; NULL when out of range. It belongs to the
 * contents. */
LAM_API const lam_content_array *lam_model_contents_array(const lam_model_contents *contents,
                                                          size_t i);

/* Number of facts. */
LAM_API size_t lam_model_contents_facts(const lam_model_contents *contents);

/* Fact i; NULL when out of range. It belongs to the contents. */
LAM_API const lam_content_fact *lam_model_contents_fact(const lam_model_contents *contents,
                                                        size_t i);

/* LAM_OK when everything was listed; else the error that ended the list, which becomes
 * lam_error_message(). */
LAM_API lam_status lam_model_contents_status(const lam_model_contents *contents);

/* Frees contents; NULL is allowed. */
LAM_API void lam_model_contents_free(lam_model_contents *contents);

LAM_END_DECLS

#endif
