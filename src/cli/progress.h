/* progress.h: how a training run shows itself. */
#ifndef LAMINA_CLI_PROGRESS_H
#define LAMINA_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/lamina.h>

typedef enum cli_progress_mode {
    CLI_PROGRESS_QUIET,
    CLI_PROGRESS_LINES,    /* one line per epoch */
    CLI_PROGRESS_TERMINAL, /* the same, and a bar below that is redrawn */
    CLI_PROGRESS_JSON      /* one JSON object an epoch */
} cli_progress_mode;

/* State of the display; start with {.mode = ...}. */
typedef struct cli_progress {
    cli_progress_mode mode;
    double started, epoch_started, drawn; /* seconds of cli_now */
    bool bar_shown;
    bool broken;               /* stdout takes no more: training continues silently */
    bool begun, resumed, kept; /* an epoch; from a checkpoint; one has been written */
    double done_before;        /* epochs of a resumed run */
    size_t samples_before;     /* of the epoch at hand, done before the run was resumed */
    /* how far training came: */
    size_t epoch, epochs, batch, batches;
    size_t finished_epochs; /* all their batches done */
} cli_progress;

/* Shows what a callback of lam_fit was told. */
void cli_progress_show(cli_progress *progress, const lam_event *event);

/* Removes the bar, so that a message can follow. */
void cli_progress_clear(cli_progress *progress);

#endif
