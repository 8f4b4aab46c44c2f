/* checkpoint_folder.h: a folder of checkpoints, of which the newest are kept. */
#ifndef LAMINA_CHECKPOINT_FOLDER_H
#define LAMINA_CHECKPOINT_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

#include "base/fork.h"

/* Room for the name of a checkpoint, without its folder. */
#define LAM__CHECKPOINT_NAME_SIZE 64

typedef struct lam__checkpoint_folder {
    char *path;
    int fd;      /* of the folder, locked: one run at a time writes here. In a forked child -1 */
    size_t keep; /* checkpoints to keep, at least 1 */
    uint64_t *steps; /* [capacity], the first `count` used: of those there are, ascending */
    size_t count, capacity;
    lam__fork_guard guard;
} lam__checkpoint_folder;

/* Opens a folder, made if need be, and lists what is in it. LAM_ERR_IO when it cannot be made,
 * opened or written to; LAM_ERR_STATE while another run writes there. */
lam_status lam__checkpoint_folder_open(lam__checkpoint_folder *folder, const char *path,
                                       size_t keep);
void lam__checkpoint_folder_close(lam__checkpoint_folder *folder);

/* "checkpoint-000000000100.safetensors" to name; "FOLDER/checkpoint-..." to path[size]. */
void lam__checkpoint_name(uint64_t steps, char name[LAM__CHECKPOINT_NAME_SIZE]);
void lam__checkpoint_path(const lam__checkpoint_folder *folder, uint64_t steps, char *path,
                          size_t size);

/* Writes a checkpoint so that it is on the disk, whole, when this returns; then removes the oldest
 * beyond those to keep. After a failure, LAM_ERR_IO, those there were are still there. Allocates
 * nothing. */
lam_status lam__checkpoint_folder_write(lam__checkpoint_folder *folder, uint64_t steps,
                                        const void *bytes, size_t size);

#endif
