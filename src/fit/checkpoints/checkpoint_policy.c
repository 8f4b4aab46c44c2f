/* checkpoint_policy.c: the checkpointer of a run of lam_fit: writes checkpoints, and finds the
 * newest.
 *
 * A checkpoint that is due is taken between two steps by copying the state; a thread brings it to
 * the disk. While the one before is still being written it waits its turn: it is taken at the first
 * step after that, as the state is then. Training never waits for a disk but at its end. */
#include "fit/checkpoints/checkpoint_policy.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/machine/clock.h"
#include "base/memory.h"
#include "fit/checkpoints/checkpoint_writer.h"
#include "io/checksum.h"
#include "io/file_read.h"
#include "options/interval.h"

struct lam__checkpoint_policy {
    lam__checkpointer calls; /* first: the loop's view */
    lam__interval every;
    bool resume;
    lam__checkpoint_folder folder;
    lam__snapshot snapshot;
    lam__checkpoint_writer writer;
    char *path; /* [path_size] of the checkpoint at hand, for events */
    size_t path_size;
    char **damaged; /* [damaged_count] what is wrong with those passed over */
    size_t damaged_count;
    bool resumed, due;
    lam_status trouble; /* in a call that cannot return it */
    bool kept;          /* whether there is a checkpoint of this run: */
    uint64_t last_kept; /* its step */
    double next;        /* by lam__now, where the interval is a time */
};

static lam__checkpoint_policy *keeper_of(lam__checkpointer *calls)
{
    return (lam__checkpoint_policy *)calls;
}

static void tell(lam__checkpoint_policy *checkpointer, lam__fit *run, lam_event_kind kind,
                 uint64_t steps, lam_status status, const char *message)
{
    lam__checkpoint_path(&checkpointer->folder, steps, checkpointer->path, checkpointer->path_size);
    lam_event event = {.kind = kind,
                       .batch = run->place.batch,
                       .batches = lam__fit_batches(run),
                       .path = checkpointer->path,
                       .status = status,
                       .message = message};
    lam__fit_notify(run, &event);
}

/* Restores from one file. */
static lam_status try_file(const lam__checkpoint_policy *checkpointer, lam__fit *run)
{
    const lam__checkpoint_of of = {run->trainer, run};
    unsigned char *bytes;
    size_t size;
    LAM__TRY(lam__file_read_all(checkpointer->path, SIZE_MAX, &bytes, &size));
    const lam_status status = lam__checkpoint_restore(&of, bytes, size, checkpointer->path, true);
    lam__release(bytes);
    return status;
}

/* Takes the newest checkpoint that is whole. One that is damaged is remembered and passed over;
 * one of another run is an error. */
static lam_status take_newest(lam__checkpoint_policy *checkpointer, lam__fit *run)
{
    const lam__checkpoint_folder *folder = &checkpointer->folder;
    checkpointer->damaged =
        lam__allocate_zero(folder->count, sizeof *checkpointer->damaged, "messages");
    if (!checkpointer->damaged)
        return LAM_ERR_MEMORY;
    for (size_t i = folder->count; i-- > 0;) {
        lam__checkpoint_path(folder, folder->steps[i], checkpointer->path, checkpointer->path_size);
        const lam_status status = try_file(checkpointer, run);
        if (status == LAM_OK) {
            checkpointer->resumed = checkpointer->kept = true;
            checkpointer->last_kept = folder->steps[i];
            return LAM_OK;
        }
        if (status != LAM_ERR_FORMAT && status != LAM_ERR_NUMERIC && status != LAM_ERR_IO)
            return status;
        char *message = lam__copy_string(lam_error_message());
        if (!message)
            return LAM_ERR_MEMORY;
        checkpointer->damaged[checkpointer->damaged_count++] = message;
    }
    if (checkpointer->damaged_count == 0)
        return LAM_OK;
    char first[LAM__MESSAGE_SIZE / 2];
    snprintf(first, sizeof first, "%s", checkpointer->damaged[0]);
    return lam__fail(LAM_ERR_FORMAT, "none of %zu checkpoints can be read; of the newest: %s",
                     checkpointer->damaged_count, first);
}

static lam_status begin(lam__checkpointer *calls, lam__fit *run)
{
    lam__checkpoint_policy *checkpointer = keeper_of(calls);
    const lam__checkpoint_of of = {run->trainer, run};
    LAM__TRY(lam__checkpoint_folder_open(&checkpointer->folder, run->options->checkpoint,
                                         run->options->keep));
    checkpointer->path_size = strlen(run->options->checkpoint) + LAM__CHECKPOINT_NAME_SIZE + 2;
    checkpointer->path = lam__allocate(checkpointer->path_size, 1, "a path");
    if (!checkpointer->path)
        return LAM_ERR_MEMORY;
    if (checkpointer->resume) {
        LAM__TRY(take_newest(checkpointer, run));
    } else if (checkpointer->folder.count > 0) {
        lam__checkpoint_path(&checkpointer->folder,
                             checkpointer->folder.steps[checkpointer->folder.count - 1],
                             checkpointer->path, checkpointer->path_size);
        return lam__fail(LAM_ERR_STATE,
                         "'%s' is of an earlier run: resume that run, or choose another folder",
                         checkpointer->path);
    }
    LAM__TRY(lam__snapshot_open(&checkpointer->snapshot, &of));
    LAM__TRY(lam__checkpoint_writer_start(&checkpointer->writer, &checkpointer->snapshot,
                                          &checkpointer->folder));
    checkpointer->next = lam__now() + 60.0 * checkpointer->every.count;
    return LAM_OK;
}

static void announce(lam__checkpointer *calls, lam__fit *run)
{
    lam__checkpoint_policy *checkpointer = keeper_of(calls);
    const size_t count = checkpointer->folder.count;
    for (size_t i = 0; i < checkpointer->damaged_count; i++)
        tell(checkpointer, run, LAM_EVENT_RESUME, checkpointer->folder.steps[count - 1 - i],
             LAM_ERR_FORMAT, checkpointer->damaged[i]);
    if (checkpointer->resumed)
        tell(checkpointer, run, LAM_EVENT_RESUME, checkpointer->last_kept, LAM_OK,
             lam_trainer_note(run->trainer));
}

/* Learns what has become of an outstanding checkpoint. */
static lam_status collect(lam__checkpoint_policy *checkpointer, lam__fit *run, bool wait)
{
    lam__checkpoint_writer *writer = &checkpointer->writer;
    if (!lam__checkpoint_writer_collect(writer, wait))
        return LAM_OK;
    if (writer->status == LAM_OK) {
        checkpointer->kept = true;
        checkpointer->last_kept = writer->steps;
    }
    tell(checkpointer, run, LAM_EVENT_CHECKPOINT, writer->steps, writer->status,
         writer->status == LAM_OK ? NULL : writer->message);
    return writer->status;
}

/* Copies the state and hands it to the writer; when training has ended, writes it here. */
static void take(lam__checkpoint_policy *checkpointer, lam__fit *run, bool ended)
{
    const lam__checkpoint_of of = {run->trainer, run};
    lam__snapshot_take(&checkpointer->snapshot, &of);
    if (ended)
        lam__checkpoint_writer_write(&checkpointer->writer, run->trainer->steps);
    else
        lam__checkpoint_writer_submit(&checkpointer->writer, run->trainer->steps);
    checkpointer->due = false;
    checkpointer->next = lam__now() + 60.0 * checkpointer->every.count;
}

/* Makes the header for the epochs done. Only where the history is longer than there is room for, it
 * waits for the writer: the snapshot it works on has to grow. */
static lam_status lay_out(lam__checkpoint_policy *checkpointer, lam__fit *run)
{
    const lam__checkpoint_of of = {run->trainer, run};
    if (checkpointer->snapshot.epochs != run->place.epoch)
        LAM__TRY(lam__snapshot_lay_out(&checkpointer->snapshot, &of, run->place.epoch));
    if (lam__snapshot_fits(&checkpointer->snapshot, &of))
        return LAM_OK;
    collect(checkpointer, run, true);
    return lam__snapshot_grow(&checkpointer->snapshot, &of);
}

/* Only memory can run out where the header is made. */
static lam_status fail_again(const lam__checkpoint_policy *checkpointer)
{
    return lam__fail(checkpointer->trouble, "out of memory: the header of a checkpoint");
}

static lam_status epoch(lam__checkpointer *calls, lam__fit *run)
{
    lam__checkpoint_policy *checkpointer = keeper_of(calls);
    lam__fit_position *place = &run->place;
    const uint32_t id = lam__crc32c(0, run->order, run->row_count * sizeof *run->order);
    if (place->has_order && place->order_id != id) {
        lam__checkpoint_path(&checkpointer->folder, checkpointer->last_kept, checkpointer->path,
                             checkpointer->path_size);
        return lam__fail(LAM_ERR_STATE, "%s: another order of the samples of epoch %zu",
                         checkpointer->path, place->epoch + 1);
    }
    place->order_id = id;
    return checkpointer->trouble == LAM_OK ? lay_out(checkpointer, run) : fail_again(checkpointer);
}

static bool is_due(const lam__checkpoint_policy *checkpointer, const lam__fit *run)
{
    const lam__fit_position *place = &run->place;
    const uint64_t count = (uint64_t)checkpointer->every.count;
    switch (checkpointer->every.unit) {
    case LAM__EVERY_EPOCH:
        return place->batch == 0 && place->epoch % count == 0;
    case LAM__EVERY_STEP:
        return run->trainer->steps % count == 0;
    case LAM__EVERY_MINUTE:
        break;
    }
    return lam__now() >= checkpointer->next;
}

static void step(lam__checkpointer *calls, lam__fit *run)
{
    lam__checkpoint_policy *checkpointer = keeper_of(calls);
    checkpointer->due = checkpointer->due || is_due(checkpointer, run);
    collect(checkpointer, run, false);
    if (!checkpointer->due || checkpointer->writer.outstanding)
        return;
    checkpointer->trouble = lay_out(checkpointer, run);
    if (checkpointer->trouble == LAM_OK)
        take(checkpointer, run, false);
}

/* The state in which the run ends, so that it can continue from there. */
static lam_status end(lam__checkpointer *calls, lam__fit *run)
{
    lam__checkpoint_policy *checkpointer = keeper_of(calls);
    collect(checkpointer, run, true);
    if (checkpointer->trouble != LAM_OK)
        return fail_again(checkpointer);
    if (checkpointer->kept && checkpointer->last_kept == run->trainer->steps)
        return LAM_OK;
    LAM__TRY(lay_out(checkpointer, run));
    take(checkpointer, run, true);
    const lam_status status = collect(checkpointer, run, true);
    return status == LAM_OK ? LAM_OK : lam__fail(status, "%s", checkpointer->writer.message);
}

lam__checkpoint_policy *lam__checkpoint_policy_new(const lam_fit_options *options)
{
    lam__checkpoint_policy *checkpointer =
        lam__allocate_zero(1, sizeof *checkpointer, "a checkpointer");
    if (!checkpointer)
        return NULL;
    checkpointer->calls = (lam__checkpointer){begin, announce, epoch, step, end};
    checkpointer->folder.fd = -1;
    checkpointer->resume = options->resume;
    lam__parse_interval(options->checkpoint_every,
                        &checkpointer->every); /* checked with the options */
    return checkpointer;
}

lam__checkpointer *lam__checkpoint_policy_calls(lam__checkpoint_policy *checkpointer)
{
    return &checkpointer->calls;
}

void lam__checkpoint_policy_free(lam__checkpoint_policy *checkpointer)
{
    if (!checkpointer)
        return;
    lam__checkpoint_writer_stop(&checkpointer->writer);
    lam__snapshot_close(&checkpointer->snapshot);
    lam__checkpoint_folder_close(&checkpointer->folder);
    for (size_t i = 0; i < checkpointer->damaged_count; i++)
        lam__release(checkpointer->damaged[i]);
    lam__release(checkpointer->damaged);
    lam__release(checkpointer->path);
    lam__release(checkpointer);
}
