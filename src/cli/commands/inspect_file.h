/* inspect_file.h: lamina inspect of what a file holds besides a model, or instead of one. */
#ifndef LAMINA_CLI_INSPECT_FILE_H
#define LAMINA_CLI_INSPECT_FILE_H

#include <lamina/lamina.h>

#include "cli/json_out.h"

/* Facts, arrays and objects, for people. */
void cli_print_contents(const lam_model_contents *contents);

/* The same as members of the open object. */
void cli_write_contents(cli_json *json, const lam_model_contents *contents);

#endif
