/* convert_integers.h: lamina convert --quantize: the network in 8-bit integers. */
#ifndef LAMINA_CLI_CONVERT_INTEGERS_H
#define LAMINA_CLI_CONVERT_INTEGERS_H

#include <stdbool.h>

#include <lamina/lamina.h>

typedef struct cli_integers {
    const char *kind;      /* "int8"; NULL: floats stay */
    const char *calibrate; /* data whose ranges are taken */
    const char *evaluate;  /* data to count the loss on; NULL: the calibration's */
} cli_integers;

/* What can be known to be wrong before anything is read: an exit status. */
int cli_check_integers(const cli_integers *integers, const char *format, bool transform);

/* Quantizes, writes the C file and prints what it costs. */
int cli_convert_integers(const cli_integers *integers, const lam_model *model, const char *output,
                         const char *name);

#endif
