/* trainer_file.c: saving and restoring a trainer at any step. */
#include <lamina/trainer.h>

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "fit/checkpoints/checkpoint.h"
#include "io/file_read.h"
#include "io/file_write.h"

/* The state as the bytes of a file, in snapshot->bytes; nothing on failure. */
static lam_status take(const lam_trainer *trainer, lam__snapshot *snapshot)
{
    const lam__checkpoint_of of = {(lam_trainer *)(uintptr_t)trainer, NULL}; /* only read */
    LAM__TRY(lam__snapshot_open(snapshot, &of));
    lam__snapshot_take(snapshot, &of);
    const lam_status status = lam__snapshot_seal(snapshot);
    if (status != LAM_OK)
        lam__snapshot_close(snapshot);
    return status;
}

lam_status lam_trainer_save(const lam_trainer *trainer, const char *path)
{
    lam__snapshot snapshot;
    if (!trainer || !path || path[0] == '\0')
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_save: trainer or path is NULL or empty");
    LAM__TRY(take(trainer, &snapshot));
    lam__file_writer writer;
    lam_status status = lam__file_write_open(&writer, path);
    if (status == LAM_OK) {
        status = lam__file_write(&writer, snapshot.bytes, snapshot.size);
        if (status == LAM_OK)
            status = lam__file_write_commit(&writer);
        else
            lam__file_write_abandon(&writer);
    }
    lam__snapshot_close(&snapshot);
    return status;
}

lam_status lam_trainer_save_memory(const lam_trainer *trainer, void *buffer, size_t size,
                                   size_t *needed)
{
    lam__snapshot snapshot;
    if (!trainer || !needed || (!buffer && size > 0))
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_save_memory: an argument is NULL");
    LAM__TRY(take(trainer, &snapshot));
    lam_status status = LAM_OK;
    *needed = snapshot.size;
    if (size >= snapshot.size)
        memcpy(buffer, snapshot.bytes, snapshot.size);
    else if (size > 0)
        status = lam__fail(LAM_ERR_ARGUMENT, "a buffer of %zu bytes, the checkpoint has %zu", size,
                           snapshot.size);
    lam__snapshot_close(&snapshot);
    return status;
}

lam_status lam_trainer_restore_memory(lam_trainer *trainer, const void *bytes, size_t size)
{
    if (!trainer || !bytes)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_restore_memory: trainer or bytes is NULL");
    const lam__checkpoint_of of = {trainer, NULL};
    return lam__checkpoint_restore(&of, bytes, size, "the checkpoint", true);
}

const char *lam_trainer_note(const lam_trainer *trainer)
{
    return trainer && trainer->note[0] ? trainer->note : NULL;
}

lam_status lam_trainer_restore(lam_trainer *trainer, const char *path)
{
    unsigned char *bytes;
    size_t size;
    if (!trainer || !path)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_trainer_restore: trainer or path is NULL");
    const lam__checkpoint_of of = {trainer, NULL};
    LAM__TRY(lam__file_read_all(path, SIZE_MAX, &bytes, &size));
    const lam_status status = lam__checkpoint_restore(&of, bytes, size, path, true);
    lam__release(bytes);
    return status;
}
