/* output_path.h: whether a file can be written, asked before the work is done. */
#ifndef LAMINA_CLI_OUTPUT_PATH_H
#define LAMINA_CLI_OUTPUT_PATH_H

/* CLI_SUCCESS when a file can be made at `path` or replaced there; else CLI_FAILURE after a
 * message. */
int cli_check_output(const char *path);

#endif
