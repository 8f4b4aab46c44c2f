/* output_path.h: whether a file may be written, asked before the work is done. */
#ifndef LAMINA_CLI_OUTPUT_PATH_H
#define LAMINA_CLI_OUTPUT_PATH_H

#include <stdbool.h>

#include <lamina/lamina.h>

/* A file that a command is going to write. */
typedef struct cli_output {
    const char *path;
    const char *inputs[4];   /* files and folders that are read, NULL where there are fewer */
    const char *checkpoints; /* the folder that checkpoints go to, or NULL */
    bool force;              /* whether a file that is not Lamina's may be replaced */
} cli_output;

/* CLI_SUCCESS, or a message: a file that cannot be written; one that is read, by whatever name; one
 * that Lamina has not written, unless `force`. */
int cli_check_output(const cli_output *output);

/* Whether a file that is to be read is not what standard output goes to (>> FILE). NULL passes. */
int cli_check_printing(const char *input);

/* Whether the extension of a path says `format`, "png" or the name of a model format, or nothing
 * that is known: else CLI_USAGE after a message that says how to get such a file. `what` is what
 * is written: "a model". */
int cli_check_extension(const char *path, const char *format, const char *what);

/* Saves a trained model. When that fails for want of a place it is saved elsewhere, under a name
 * that is free, which is told. CLI_SUCCESS only when it is at `path`. */
int cli_save_model(const lam_model *model, const char *path);

#endif
