/* resume_command.h: beginning with weights there are, and going on with a run that was interrupted.
 */
#ifndef LAMINA_RESUME_COMMAND_H
#define LAMINA_RESUME_COMMAND_H

#include <stddef.h>

#include <lamina/lamina.h>

/* Gives the model the weights of a model file or checkpoint of the same shapes, and nothing else.
 * Returns an exit status. */
int cli_take_weights(lam_model *model, const char *file);

/* Writes the command line to text[size] as one types it again to resume the run. */
void cli_resume_command(int argc, char *const *argv, char *text, size_t size);

#endif
