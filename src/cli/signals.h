/* signals.h: the standard descriptors and the signals of the command. */
#ifndef LAMINA_CLI_SIGNALS_H
#define LAMINA_CLI_SIGNALS_H

/* First thing of all: standard input, output and error are open, so that no other file gets their
 * numbers and what is meant for a terminal; and a limit on the size of files is an error of
 * writing, not the end of the process. */
void cli_prepare_process(void);

/* From here on the signals that ask the process to end are noted: SIGINT, SIGTERM, SIGHUP and
 * SIGXCPU, unless they are ignored. A second SIGINT or SIGTERM ends it, unless it comes right
 * after the first; SIGHUP comes several times when a terminal closes, and SIGXCPU once a second.
 * SIGPIPE is ignored. */
void cli_catch_signals(void);

/* The signal that was noted, 0 if none. */
int cli_caught_signal(void);

/* Ends the process without what other libraries do at its end, where the address space is limited:
 * OpenBLAS then waits forever for its threads, which keep trying to get their buffers. Else it
 * returns. */
void cli_end_without_waiting(int status);

/* Ends the process by the signal, so that the parent sees which; returns where that
 * cannot be. */
void cli_end_by_signal(int number);

#endif
