/* args.h: the table-driven parser of command lines. */
#ifndef LAMINA_CLI_ARGS_H
#define LAMINA_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>

/* How the value of a flag is read, and what its `offset` points at. */
typedef enum cli_kind {
    CLI_SWITCH, /* bool: --name sets it, --no-name clears it */
    CLI_TEXT,   /* const char * */
    CLI_COUNT,  /* size_t */
    CLI_SEED,   /* uint64_t */
    CLI_SPLIT,  /* lam_split: "test" or "train" */
    CLI_LOAD,   /* lam_load_options: set by lam_load_options_set */
    CLI_FIT     /* lam_fit_options: set by lam_fit_options_set */
} cli_kind;

/* One flag. Rows of the commands are constant; the parser works on a copy. */
typedef struct cli_flag {
    const char *name;          /* without dashes */
    const char *alias;         /* another name, or NULL */
    char letter;               /* of the short form, or 0 */
    const char *argument;      /* "N", "FILE", ...; NULL for a switch */
    const char *help;          /* one line */
    const char *default_value; /* as text, or NULL */
    cli_kind kind;
    size_t offset; /* of the value in the command's own struct */
    bool given;    /* set by the parser */
} cli_flag;

/* All flags of a command. */
typedef struct cli_flags {
    cli_flag *rows;
    size_t count;
    size_t own, load; /* the command's own, then loading options up to `load`, then training's */
} cli_flags;

struct cli_command;

/* Collects a command's own flags and the loading and training options it takes from the library's
 * catalog.
 * `fit_offset` is where the command's struct keeps its lam_fit_options. */
bool cli_flags_open(cli_flags *flags, const struct cli_command *command, size_t fit_offset);
void cli_flags_close(cli_flags *flags);

/* Whether the user gave the flag, under whatever of its names. */
bool cli_was_given(const cli_flags *flags, const char *name);

/* Reads argv[1..argc-1]: flag values go to `values`, operands move to the front of argv (from
 * argv[0] on) and are counted in *operands. Returns CLI_SUCCESS, CLI_HELP
 * when --help is among them, or after a message CLI_USAGE. */
int cli_parse(cli_flags *flags, int argc, char **argv, void *values, int *operands);

/* The three for a command that need not know what was given: opens, parses, closes. */
int cli_read_arguments(const struct cli_command *command, size_t fit_offset, int argc, char **argv,
                       void *values, int *operands);

#endif
