/* history.c: the figures of all epochs of a training run. */
#include "fit/epochs/history.h"

#include <string.h>

#include "base/memory.h"

/* Epochs to make room for at once: more than this and the array grows as they come, so that a run
 * of "a million epochs, stop when it pleases" does not claim the memory of a million. */
enum { MOST_AT_ONCE = 1024 };

lam_history *lam__history_new(size_t capacity)
{
    lam_history *history = lam__allocate_zero(1, sizeof *history, "history");
    if (!history)
        return NULL;
    history->capacity = capacity < MOST_AT_ONCE ? capacity : MOST_AT_ONCE;
    history->epochs = lam__allocate(history->capacity, sizeof *history->epochs, "history");
    if (!history->epochs) {
        lam__release(history);
        return NULL;
    }
    return history;
}

lam_status lam__history_add(lam_history *history, const lam_epoch *epoch)
{
    if (history->count == history->capacity) {
        size_t capacity = history->capacity ? 2 * history->capacity : 16;
        lam_epoch *grown = lam__allocate(capacity, sizeof *grown, "history");
        if (!grown)
            return LAM_ERR_MEMORY;
        memcpy(grown, history->epochs, history->count * sizeof *grown);
        lam__release(history->epochs);
        history->epochs = grown;
        history->capacity = capacity;
    }
    history->epochs[history->count++] = *epoch;
    return LAM_OK;
}

size_t lam_history_epochs(const lam_history *history)
{
    return history ? history->count : 0;
}

const lam_epoch *lam_history_epoch(const lam_history *history, size_t i)
{
    return history && i < history->count ? &history->epochs[i] : NULL;
}

size_t lam_history_best(const lam_history *history)
{
    return history ? history->best : 0;
}

void lam_history_free(lam_history *history)
{
    if (!history)
        return;
    lam__release(history->epochs);
    lam__release(history);
}
