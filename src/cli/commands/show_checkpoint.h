/* show_checkpoint.h: what `lamina inspect` says of a checkpoint. */
#ifndef LAMINA_CLI_SHOW_CHECKPOINT_H
#define LAMINA_CLI_SHOW_CHECKPOINT_H

#include <lamina/lamina.h>

#include "cli/json_out.h"

/* For people, after what is said of the model; nothing where `checkpoint` is NULL. */
void cli_print_checkpoint(const lam_checkpoint *checkpoint);

/* The same as the object "checkpoint"; null where there is none. */
void cli_write_checkpoint(cli_json *json, const lam_checkpoint *checkpoint);

#endif
