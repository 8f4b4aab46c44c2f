/* cli.h: what the commands share: exit status, the table of commands, messages. */
#ifndef LAMINA_CLI_H
#define LAMINA_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <lamina/model.h>

#include "args.h"

#if defined(__GNUC__)
#define CLI_PRINTF(text, rest) __attribute__((format(printf, text, rest)))
#else
#define CLI_PRINTF(text, rest)
#endif

/* Exit status of the command. A run stopped by a signal returns CLI_BY_SIGNAL + its number, and
 * main ends the process by it. CLI_HELP asks main for the help of the command. */
enum { CLI_SUCCESS = 0, CLI_FAILURE = 1, CLI_USAGE = 2, CLI_BY_SIGNAL = 128, CLI_HELP = -1 };

/* One command: a row of the table in main.c. */
typedef struct cli_command {
    const char *name;
    const char *operands;  /* as shown after the name */
    const char *summary;   /* one line */
    const cli_flag *flags; /* its own */
    size_t flag_count;
    const char *const *fit_options; /* training options it takes too; NULL-terminated */
    bool all_fit_options;
    bool load_options;           /* takes the loading options, */
    const char *const *without;  /* but for these, NULL-terminated; or NULL, */
    size_t load_offset;          /* to the lam_load_options here in its struct */
    const char *const *details;  /* paragraphs after the options, NULL-terminated; or NULL */
    bool lists_catalog;          /* help ends with activations, losses, ... */
    bool lists_formats;          /* help ends with the formats of model files */
    const char *const *examples; /* command, what it does, command, ..., NULL */
    int (*run)(const struct cli_command *command, int argc, char **argv);
} cli_command;

extern const cli_command cli_data, cli_train, cli_evaluate, cli_predict, cli_inspect, cli_convert;

/* The commands in the order of the help, NULL-terminated. */
extern const cli_command *const cli_commands[];

/* "lamina: ..." on stderr, as lam_printable shows it: a hostile file may have put control
 * characters into it. Every other text that is not the command's own is printed through that
 * function, too. */
void cli_error(const char *format, ...) CLI_PRINTF(1, 2);

/* "lamina: ..." with one suggestion when a near word is known. */
void cli_unknown(const char *kind, const char *word, const char *const *words, size_t count);

/* The library's message in out[size], with options as they are given to the command that was told:
 * "batch_size must be" as "--batch-size must be". Returns out. */
const char *cli_spell_options(const char *message, char *out, size_t size);
void cli_spell_for(const cli_command *running);

/* Prints the library's latest message, options spelled so; returns CLI_FAILURE. */
int cli_failed(void);

/* The same for a call whose arguments came from the command line: CLI_USAGE when they were the
 * reason. */
int cli_refused(void);

/* Flushes stdout; false when it took not all, and the reason is kept. */
bool cli_flush_output(void);

/* Flushes stdout; CLI_FAILURE, with a message unless the reader has gone, when it took not all. */
int cli_finish_output(void);

/* A layer as it is written in --layers, with spaces between its parts: "128 relu". Returns text. */
const char *cli_format_layer(const lam_model *model, size_t i, char *text, size_t size);

/* 1234567 as "1,234,567"; out needs 28 bytes. Returns out. */
char *cli_format_count(size_t count, char *out, size_t size);

/* 473128 as "473 kB". */
char *cli_format_bytes(uint64_t bytes, char *out, size_t size);

/* A loss or metric for people: four decimals, or an exponent for the very small and large. */
char *cli_format_figure(double value, char *out, size_t size);

/* A whole number at the start of the program's options: digits only. */
bool cli_parse_u64(const char *text, uint64_t *value);

/* A decimal number; the command never leaves the C locale, so '.' is the point. */
bool cli_parse_float(const char *text, float *value);

/* The path under which an operand can be read from any place and more than once: its own; of "-",
 * standard input, and of pipes (also those of a shell's process substitution) that of a copy of
 * what comes, in a temporary file without a name. NULL after a message. */
const char *cli_input_path(const char *operand);

/* Puts that path in the place of an operand; one that is NULL stays so. false after a message. */
bool cli_take_input(const char **operand);

/* Whether stdout is a terminal that can redraw a line. */
bool cli_on_terminal(void);

/* Columns of the terminal at `fd`, 80 where none is. */
size_t cli_terminal_width(int fd);

/* Seconds since some moment, never going back. */
double cli_now(void);

#endif
