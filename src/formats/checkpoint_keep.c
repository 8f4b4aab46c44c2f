/* checkpoint_keep.c: the keeper of a run of lam_fit: writes checkpoints, and finds the newest.
 *
 * A checkpoint that is due is taken between two steps by copying the state; a thread brings it to
 * the disk. While the one before is still being written it waits its turn: it is taken at the first
 * step after that, as the state is then. Training never waits for a disk but at its end. */
#include "formats/checkpoint_keep.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "data/file_read.h"
#include "formats/checkpoint_writer.h"
#include "formats/crc32c.h"
#include "nn/interval.h"

struct lam__checkpoint_keeper {
    lam__keeper calls; /* first: the loop's view */
    lam__interval every;
    bool resume;
    lam__checkpoint_folder folder;
    lam__image image;
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

static lam__checkpoint_keeper *keeper_of(lam__keeper *calls)
{
    return (lam__checkpoint_keeper *)calls;
}

static void tell(lam__checkpoint_keeper *keeper, lam__fit *run, lam_event_kind kind, uint64_t steps,
                 lam_status status, const char *message)
{
    lam__checkpoint_path(&keeper->folder, steps, keeper->path, keeper->path_size);
    lam_event event = {.kind = kind,
                       .batch = run->place.batch,
                       .batches = lam__fit_batches(run),
                       .path = keeper->path,
                       .status = status,
                       .message = message};
    lam__fit_tell(run, &event);
}

/* Restores from one file. */
static lam_status try_file(const lam__checkpoint_keeper *keeper, lam__fit *run)
{
    const lam__checkpoint_of of = {run->trainer, run};
    unsigned char *bytes;
    size_t size;
    LAM__TRY(lam__file_read_all(keeper->path, SIZE_MAX, &bytes, &size));
    const lam_status status = lam__checkpoint_restore(&of, bytes, size, keeper->path, true);
    lam__release(bytes);
    return status;
}

/* Takes the newest checkpoint that is whole. One that is damaged is remembered and passed over;
 * one of another run is an error. */
static lam_status take_newest(lam__checkpoint_keeper *keeper, lam__fit *run)
{
    const lam__checkpoint_folder *folder = &keeper->folder;
    keeper->damaged = lam__allocate_zero(folder->count, sizeof *keeper->damaged, "messages");
    if (!keeper->damaged)
        return LAM_ERR_MEMORY;
    for (size_t i = folder->count; i-- > 0;) {
        lam__checkpoint_path(folder, folder->steps[i], keeper->path, keeper->path_size);
        const lam_status status = try_file(keeper, run);
        if (status == LAM_OK) {
            keeper->resumed = keeper->kept = true;
            keeper->last_kept = folder->steps[i];
            return LAM_OK;
        }
        if (status != LAM_ERR_FORMAT && status != LAM_ERR_NUMERIC && status != LAM_ERR_IO)
            return status;
        char *message = lam__copy_string(lam_error_message());
        if (!message)
            return LAM_ERR_MEMORY;
        keeper->damaged[keeper->damaged_count++] = message;
    }
    if (keeper->damaged_count == 0)
        return LAM_OK;
    char first[LAM__MESSAGE_SIZE / 2];
    snprintf(first, sizeof first, "%s", keeper->damaged[0]);
    return lam__fail(LAM_ERR_FORMAT, "none of %zu checkpoints can be read; of the newest: %s",
                     keeper->damaged_count, first);
}

static lam_status begin(lam__keeper *calls, lam__fit *run)
{
    lam__checkpoint_keeper *keeper = keeper_of(calls);
    const lam__checkpoint_of of = {run->trainer, run};
    LAM__TRY(
        lam__checkpoint_folder_open(&keeper->folder, run->options->checkpoint, run->options->keep));
    keeper->path_size = strlen(run->options->checkpoint) + LAM__CHECKPOINT_NAME_SIZE + 2;
    keeper->path = lam__allocate(keeper->path_size, 1, "a path");
    if (!keeper->path)
        return LAM_ERR_MEMORY;
    if (keeper->resume) {
        LAM__TRY(take_newest(keeper, run));
    } else if (keeper->folder.count > 0) {
        lam__checkpoint_path(&keeper->folder, keeper->folder.steps[keeper->folder.count - 1],
                             keeper->path, keeper->path_size);
        return lam__fail(LAM_ERR_STATE,
                         "'%s' is of an earlier run: resume that run, or choose another folder",
                         keeper->path);
    }
    LAM__TRY(lam__image_open(&keeper->image, &of));
    LAM__TRY(lam__checkpoint_writer_start(&keeper->writer, &keeper->image, &keeper->folder));
    keeper->next = lam__now() + 60.0 * keeper->every.count;
    return LAM_OK;
}

static void announce(lam__keeper *calls, lam__fit *run)
{
    lam__checkpoint_keeper *keeper = keeper_of(calls);
    const size_t count = keeper->folder.count;
    for (size_t i = 0; i < keeper->damaged_count; i++)
        tell(keeper, run, LAM_EVENT_RESUME, keeper->folder.steps[count - 1 - i], LAM_ERR_FORMAT,
             keeper->damaged[i]);
    if (keeper->resumed)
        tell(keeper, run, LAM_EVENT_RESUME, keeper->last_kept, LAM_OK,
             lam_trainer_note(run->trainer));
}

/* Learns what has become of an outstanding checkpoint. */
static lam_status collect(lam__checkpoint_keeper *keeper, lam__fit *run, bool wait)
{
    lam__checkpoint_writer *writer = &keeper->writer;
    if (!lam__checkpoint_writer_collect(writer, wait))
        return LAM_OK;
    if (writer->status == LAM_OK) {
        keeper->kept = true;
        keeper->last_kept = writer->steps;
    }
    tell(keeper, run, LAM_EVENT_CHECKPOINT, writer->steps, writer->status,
         writer->status == LAM_OK ? NULL : writer->message);
    return writer->status;
}

/* Copies the state and hands it to the writer; when training has ended, writes it here. */
static void take(lam__checkpoint_keeper *keeper, lam__fit *run, bool ended)
{
    const lam__checkpoint_of of = {run->trainer, run};
    lam__image_take(&keeper->image, &of);
    if (ended)
        lam__checkpoint_writer_write(&keeper->writer, run->trainer->steps);
    else
        lam__checkpoint_writer_submit(&keeper->writer, run->trainer->steps);
    keeper->due = false;
    keeper->next = lam__now() + 60.0 * keeper->every.count;
}

/* Makes the header for the epochs done. Only where the history is longer than there is room for, it
 * waits for the writer: the image it works on has to grow. */
static lam_status lay_out(lam__checkpoint_keeper *keeper, lam__fit *run)
{
    const lam__checkpoint_of of = {run->trainer, run};
    if (keeper->image.epochs != run->place.epoch)
        LAM__TRY(lam__image_lay_out(&keeper->image, &of, run->place.epoch));
    if (lam__image_fits(&keeper->image, &of))
        return LAM_OK;
    collect(keeper, run, true);
    return lam__image_grow(&keeper->image, &of);
}

/* Only memory can run out where the header is made. */
static lam_status fail_again(const lam__checkpoint_keeper *keeper)
{
    return lam__fail(keeper->trouble, "out of memory: the header of a checkpoint");
}

static lam_status epoch(lam__keeper *calls, lam__fit *run)
{
    lam__checkpoint_keeper *keeper = keeper_of(calls);
    lam__fit_place *place = &run->place;
    const uint32_t id = lam__crc32c(0, run->order, run->row_count * sizeof *run->order);
    if (place->has_order && place->order_id != id) {
        lam__checkpoint_path(&keeper->folder, keeper->last_kept, keeper->path, keeper->path_size);
        return lam__fail(LAM_ERR_STATE, "%s: another order of the samples of epoch %zu",
                         keeper->path, place->epoch + 1);
    }
    place->order_id = id;
    return keeper->trouble == LAM_OK ? lay_out(keeper, run) : fail_again(keeper);
}

static bool is_due(const lam__checkpoint_keeper *keeper, const lam__fit *run)
{
    const lam__fit_place *place = &run->place;
    const uint64_t count = (uint64_t)keeper->every.count;
    switch (keeper->every.unit) {
    case LAM__EVERY_EPOCH:
        return place->batch == 0 && place->epoch % count == 0;
    case LAM__EVERY_STEP:
        return run->trainer->steps % count == 0;
    case LAM__EVERY_MINUTE:
        break;
    }
    return lam__now() >= keeper->next;
}

static void step(lam__keeper *calls, lam__fit *run)
{
    lam__checkpoint_keeper *keeper = keeper_of(calls);
    keeper->due = keeper->due || is_due(keeper, run);
    collect(keeper, run, false);
    if (!keeper->due || keeper->writer.outstanding)
        return;
    keeper->trouble = lay_out(keeper, run);
    if (keeper->trouble == LAM_OK)
        take(keeper, run, false);
}

/* The state in which the run ends, so that it can go on from there. */
static lam_status end(lam__keeper *calls, lam__fit *run)
{
    lam__checkpoint_keeper *keeper = keeper_of(calls);
    collect(keeper, run, true);
    if (keeper->trouble != LAM_OK)
        return fail_again(keeper);
    if (keeper->kept && keeper->last_kept == run->trainer->steps)
        return LAM_OK;
    LAM__TRY(lay_out(keeper, run));
    take(keeper, run, true);
    const lam_status status = collect(keeper, run, true);
    return status == LAM_OK ? LAM_OK : lam__fail(status, "%s", keeper->writer.message);
}

lam__checkpoint_keeper *lam__checkpoint_keeper_new(const lam_fit_options *options)
{
    lam__checkpoint_keeper *keeper = lam__allocate_zero(1, sizeof *keeper, "a keeper");
    if (!keeper)
        return NULL;
    keeper->calls = (lam__keeper){begin, announce, epoch, step, end};
    keeper->folder.fd = -1;
    keeper->resume = options->resume;
    lam__parse_interval(options->checkpoint_every, &keeper->every); /* checked with the options */
    return keeper;
}

lam__keeper *lam__checkpoint_keeper_calls(lam__checkpoint_keeper *keeper)
{
    return &keeper->calls;
}

void lam__checkpoint_keeper_free(lam__checkpoint_keeper *keeper)
{
    if (!keeper)
        return;
    lam__checkpoint_writer_stop(&keeper->writer);
    lam__image_close(&keeper->image);
    lam__checkpoint_folder_close(&keeper->folder);
    for (size_t i = 0; i < keeper->damaged_count; i++)
        lam__release(keeper->damaged[i]);
    lam__release(keeper->damaged);
    lam__release(keeper->path);
    lam__release(keeper);
}
