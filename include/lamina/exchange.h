/* exchange.h: models from and for other programs.  Part of Lamina, MIT license.
 *
 * lam_catalog(LAM_MODEL_FORMAT, ...) lists the formats. Nothing in a file is ever executed, and
 * no memory is allocated merely because a file claims to need it. Any number of threads may
 * call these functions, each with its own files and models. */
#ifndef LAMINA_EXCHANGE_H
#define LAMINA_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/export.h>
#include <lamina/model.h>
#include <lamina/status.h>

LAM_BEGIN_DECLS

/* How a file is read; fill with lam_import_options_default(). All fields but `format` are for bare
 * weights: files that hold arrays without the network that uses them. */
typedef struct lam_import_options {
    size_t struct_size; /* set by lam_import_options_default() */
    const char *format; /* name of the format; NULL = recognized by the file's content */
    const char *layers; /* the architecture, as for lam_model_add_layers; NULL = as the file says */
    const char *map;    /* names of the dense layers' arrays in order, "W+b,W+b"; NULL = guessed */
    const char *order;  /* of a weight's dimensions: "out,in", "in,out"; NULL = inferred from the
                           names,  else from the shapes */
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
 * (something in it cannot be part of a Lamina model, named with its position; or a build without
 * the library it needs), LAM_ERR_SHAPE, LAM_ERR_NUMERIC, LAM_ERR_NAME, LAM_ERR_ARGUMENT (of the
 * options) or LAM_ERR_MEMORY. Free it with lam_model_free. */
LAM_API lam_model *lam_model_import(const char *path, const lam_import_options *options);

/* What was noticed while a file was read: what it holds and the model does not, what was assumed,
 * and how far the model differs from the network in the file. */
typedef struct lam_import_report lam_import_report;

/* One line of it. Keys: "left out", "assumed", "note", "checked". */
typedef struct lam_import_line {
    const char *key, *value;
} lam_import_line;

/* lam_model_import with a report: *report becomes a report, whether or not a model could be read,
 * or NULL when there is no memory for one; free it with lam_import_report_free. A model converted
 * from another program's network is compared on random inputs with the network as its file
 * describes it, run step by step in double precision: LAM_ERR_NUMERIC when they disagree. With
 * `report` NULL it is the same as lam_model_import. */
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
    const char *format; /* name of the format; NULL = from the file's extension */
    bool transform;     /* include the model's input transform in the file, where the format can */
    const char *name; /* C source: prefix of its names; NULL = the file's name. LAM_ERR_ARGUMENT for
                         any other format */
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
 * `options` may be NULL. LAM_ERR_NAME for an unknown extension or format, LAM_ERR_UNSUPPORTED
 * naming what the format cannot express, and the errors of lam_model_save. */
LAM_API lam_status lam_model_export(const lam_model *model, const char *path,
                                    const lam_export_options *options);

/* What is known about a format. Strings belong to the library. */
typedef struct lam_model_format_info {
    const char *name;
    const char *extensions; /* separated by spaces, without the dot; the first is the usual one */
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

/* The name of the format that a path's extension stands for, or NULL; static. */
LAM_API const char *lam_model_format_by_extension(const char *path);

/* The name of the format recognized by a file's content, or else by its extension; static. NULL
 * with the error recorded when the file cannot be read or its format is unknown. */
LAM_API const char *lam_model_format_by_content(const char *path);

/* How far apart two models with the same features and outputs are: both run on `rows` random
 * inputs, spread over the range that the transform of `a` expects, the same inputs for the same
 * seed; *largest becomes the largest absolute difference between their outputs. Equal infinities do
 * not differ; where only one output is infinite or either is NaN, the difference is infinite.
 * LAM_ERR_SHAPE when features or outputs differ, LAM_ERR_ARGUMENT (0 rows), LAM_ERR_STATE or
 * LAM_ERR_MEMORY. */
LAM_API lam_status lam_model_compare(const lam_model *a, const lam_model *b, size_t rows,
                                     uint64_t seed, double *largest);

/* lam_model_compare relative to the size of the outputs: *largest becomes the largest absolute
 * difference between two outputs divided by the largest finite absolute output of `a`, or by 1 if
 * that is larger. */
LAM_API lam_status lam_model_compare_relative(const lam_model *a, const lam_model *b, size_t rows,
                                              uint64_t seed, double *largest);

/* What a file of a known format holds, whether or not it is a model. */
typedef struct lam_model_contents lam_model_contents;

/* The most dimensions that are listed; the rank of an object that is not an array. */
#define LAM_CONTENT_DIMENSIONS 8
#define LAM_CONTENT_OBJECT ((size_t)-1)

/* An array in a file, or an object of a pickle. */
typedef struct lam_content_array {
    const char *name; /* as the file has it */
    const char *type; /* of the elements, "F32"; of an object, its class */
    size_t rank;      /* LAM_CONTENT_OBJECT for an object */
    size_t shape[LAM_CONTENT_DIMENSIONS];
} lam_content_array;

/* Another fact that the file states about itself. */
typedef struct lam_content_fact {
    const char *key, *value;
} lam_content_fact;

/* Lists what a file holds. NULL with the error recorded when it cannot be read or its format is
 * unknown. Free it with lam_model_contents_free. */
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

/* LAM_OK when everything was listed; otherwise the error that cut the list short, which becomes
 * lam_error_message(). */
LAM_API lam_status lam_model_contents_status(const lam_model_contents *contents);

/* Frees contents; NULL is allowed. */
LAM_API void lam_model_contents_free(lam_model_contents *contents);

LAM_END_DECLS

#endif
