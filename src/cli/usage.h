/* usage.h: the help texts, made from the tables. */
#ifndef LAMINA_CLI_USAGE_H
#define LAMINA_CLI_USAGE_H

#include <stdio.h>

#include "cli.h"

/* What the program is and its commands. */
void cli_print_overview(FILE *file);

/* Everything about one command, on stdout. Returns an exit status. */
int cli_print_help(const cli_command *command);

/* Version and the facts of the build, on stdout. */
void cli_print_version(void);

#endif
