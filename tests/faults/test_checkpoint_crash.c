/* test_checkpoint_crash.c: a run killed at every system call of its checkpoints, and every state
 * that a file system may leave of them after a power cut: the newest whole checkpoint is never
 * older than the last that was said to be on the disk.
 *
 * What a crash may leave, after call k: of a file, what was brought to the disk by fsync; of what
 * was written since, nothing, zeros in its place, a first part, or all. Of the names, what was
 * brought to the disk by fsync of the folder; of each change since, whether it is there or not,
 * independently of the others (stricter than any file system we know: Pillai et al., "All File
 * Systems Are Not Created Equal", OSDI 2014). */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../support/scratch.h"
#include "small_run.h"
#include "wrapped_calls.h"

/* A child trains until the call; *reached says whether there was one, *kept the last checkpoint
 * that it had been told is on the disk. */
static void kill_at(const char *checkpoints, int how, size_t at, bool *reached)
{
    fflush(NULL);
    const pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        small_run run = {.checkpoints = checkpoints};
        watch_arm(how, at, false);
        small_run_train(&run);
        _exit(run.status == LAM_OK ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    *reached = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    cr_assert(*reached || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "%x", (unsigned)status);
}

/* The calls of a run that nobody kills, and how many of them write; every run makes the same. */
static size_t count_calls(size_t *writes)
{
    char folder[256], checkpoints[512];
    scratch_make(folder);
    small_run run = {.checkpoints = scratch_path(folder, "c", checkpoints)};
    watch_arm(0, SIZE_MAX, true);
    small_run_train(&run);
    watch_disarm();
    cr_assert_eq(run.status, LAM_OK, "%s", lam_error_message());
    *writes = 0;
    for (size_t i = 0; i < watched.count; i++)
        *writes += watched.operations[i].call == CALL_WRITE;
    watch_free();
    scratch_remove(folder);
    return watched.calls;
}

Test(checkpoint_crash, killed_at_every_call, .timeout = 300)
{
    small_run whole = {.checkpoints = NULL};
    size_t points[2] = {0, 0}, writes;
    small_run_in_memory();
    small_run_train(&whole);
    const size_t calls = count_calls(&writes);
    for (int how = KILL; how >= KILL_IN_WRITE; how--)
        for (size_t at = 0; at <= calls; at++) {
            char folder[256], checkpoints[512];
            bool reached;
            scratch_make(folder);
            scratch_path(folder, "c", checkpoints);
            kill_at(checkpoints, how, at, &reached);
            points[how == KILL_IN_WRITE] += reached;
            small_run again = {.checkpoints = checkpoints, .resume = true};
            small_run_train(&again);
            cr_expect_eq(again.status, LAM_OK, "call %zu: %s", at, lam_error_message());
            cr_expect_eq(again.damaged, 0, "call %zu: a damaged checkpoint", at);
            cr_expect_arr_eq(again.parameters, whole.parameters, sizeof again.parameters,
                             "call %zu", at);
            scratch_remove(folder);
        }
    cr_expect_eq(points[0], calls, "killed at %zu of %zu calls", points[0], calls);
    cr_expect_eq(points[1], writes, "killed in %zu of %zu writes", points[1], writes);
    cr_expect(calls >= 40 && writes >= 8, "%zu calls, %zu of them write", calls, writes);
    printf("%zu kill points, each resumed to the same bits\n", points[0] + points[1]);
}

enum { FILES = 64, NAMES = 128, CHANGES = 6 };

/* A file: what is surely on the disk, and what may be. */
typedef struct inode {
    unsigned char *bytes;
    size_t size, synced; /* bytes written; first bytes surely there */
} inode;

/* A change of the folder that may not be there yet. */
typedef struct change {
    watched_call call; /* CREATE, RENAME, UNLINK */
    char name[80], other[80];
    size_t file;
} change;

typedef struct entry {
    char name[80];
    size_t file;
} entry;

/* The disk after some operations. */
typedef struct disk {
    inode files[FILES];
    size_t file_count;
    entry names[NAMES]; /* surely there */
    size_t name_count;
    change changes[CHANGES];
    size_t change_count;
    uint64_t promised; /* steps of the newest checkpoint whose name is on the disk */
} disk;

static size_t find_name(const entry *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(names[i].name, name) != 0)
        i++;
    return i;
}

static void remove_name(entry *names, size_t *count, const char *name)
{
    const size_t i = find_name(names, *count, name);
    if (i < *count)
        names[i] = names[--*count];
}

static void set_name(entry *names, size_t *count, const char *name, size_t file)
{
    remove_name(names, count, name);
    cr_assert(*count < NAMES);
    names[*count].file = file;
    strcpy(names[(*count)++].name, name);
}

static void apply(const change *c, entry *names, size_t *count)
{
    if (c->call == CALL_CREATE)
        set_name(names, count, c->name, c->file);
    else if (c->call == CALL_UNLINK)
        remove_name(names, count, c->name);
    else {
        remove_name(names, count, c->name);
        set_name(names, count, c->other, c->file);
    }
}

/* The next operation of a run. With `lazy` nothing is brought to the disk by fsync of a file: to
 * show that losses would be seen. */
static void perform(disk *d, const operation *o, bool lazy)
{
    if (!o->done)
        return;
    switch (o->call) {
    case CALL_CREATE:
    case CALL_RENAME:
    case CALL_UNLINK: {
        cr_assert(d->change_count < CHANGES);
        change *c = &d->changes[d->change_count++];
        *c = (change){.call = o->call, .file = d->file_count - 1};
        if (o->call == CALL_CREATE) {
            cr_assert(d->file_count < FILES);
            d->files[d->file_count] = (inode){.bytes = malloc(1 << 16)};
            c->file = d->file_count++;
        }
        strcpy(c->name, o->name);
        strcpy(c->other, o->other);
        break;
    }
    case CALL_WRITE: {
        inode *file = &d->files[d->file_count - 1];
        cr_assert(file->size + o->size <= 1 << 16);
        memcpy(file->bytes + file->size, o->bytes, o->size);
        file->size += o->size;
        break;
    }
    case CALL_FSYNC:
        if (!lazy)
            d->files[d->file_count - 1].synced = d->files[d->file_count - 1].size;
        break;
    case CALL_SYNCDIR:
        for (size_t i = 0; i < d->change_count; i++) {
            apply(&d->changes[i], d->names, &d->name_count);
            if (d->changes[i].call == CALL_RENAME)
                d->promised = small_run_steps(d->changes[i].other);
        }
        d->change_count = 0;
        break;
    default:
        break;
    }
}

/* What is left of the part of a file that was not brought to the disk. */
enum { NOTHING, ZEROS, HALF, ALL_BUT_ONE, HALF_THEN_ZEROS, ALL, LEFTOVERS };

static void leave_file(const inode *file, int left, const char *folder, const char *name)
{
    char path[512];
    unsigned char *bytes = calloc(file->size + 1, 1);
    const size_t more = file->size - file->synced;
    size_t kept = left == ALL                               ? more
                  : left == HALF || left == HALF_THEN_ZEROS ? more / 2
                  : left == ALL_BUT_ONE && more > 0         ? more - 1
                                                            : 0;
    const size_t size = left == ZEROS || left == HALF_THEN_ZEROS ? file->size : file->synced + kept;
    memcpy(bytes, file->bytes, file->synced + kept);
    snprintf(path, sizeof path, "%s/%.80s", folder, name);
    scratch_write(path, bytes, size);
    free(bytes);
}

/* The contents of a whole checkpoint as it was written. */
static bool is_whole(const disk *d, const char *folder, uint64_t steps, size_t file)
{
    char name[80], path[512];
    size_t size;
    snprintf(name, sizeof name, "checkpoint-%012llu.safetensors", (unsigned long long)steps);
    unsigned char *bytes = scratch_read(scratch_path(folder, name, path), &size);
    const bool same =
        bytes && size == d->files[file].size && memcmp(bytes, d->files[file].bytes, size) == 0;
    free(bytes);
    return same;
}

/* Puts one state into a folder and resumes from it; false when something is lost. */
static bool survives(const disk *d, unsigned subset, int left)
{
    entry names[NAMES];
    size_t count = d->name_count;
    char folder[256], taken[80];
    memcpy(names, d->names, sizeof names);
    for (size_t i = 0; i < d->change_count; i++)
        if (subset >> i & 1)
            apply(&d->changes[i], names, &count);
    scratch_make(folder);
    for (size_t i = 0; i < count; i++)
        leave_file(&d->files[names[i].file], left, folder, names[i].name);
    small_run run = {.checkpoints = folder, .resume = true, .look_only = true};
    small_run_train(&run);
    bool good = run.status == LAM_OK && run.resumed_at >= d->promised;
    if (good && run.resumed_at > 0) {
        snprintf(taken, sizeof taken, "checkpoint-%012llu.safetensors",
                 (unsigned long long)run.resumed_at);
        const size_t at = find_name(names, count, taken);
        good = at < count && is_whole(d, folder, run.resumed_at, names[at].file);
    }
    scratch_remove(folder);
    return good;
}

/* Whether any file is not wholly on the disk: else its leftovers are all the same. */
static bool has_leftovers(const disk *d)
{
    for (size_t i = 0; i < d->file_count; i++)
        if (d->files[i].synced < d->files[i].size)
            return true;
    return false;
}

/* Crashes after every operation; returns the states tried. */
static size_t replay(bool lazy, size_t *losses)
{
    static disk d;
    size_t states = 0;
    memset(&d, 0, sizeof d);
    *losses = 0;
    for (size_t k = 0; k <= watched.count; k++) {
        for (unsigned subset = 0; subset < 1u << d.change_count; subset++)
            for (int left = 0; left < (has_leftovers(&d) ? LEFTOVERS : 1); left++) {
                const bool good = survives(&d, subset, left);
                cr_expect(good || lazy, "after operation %zu, changes %x, leftovers %d: lost", k,
                          subset, left);
                *losses += !good;
                states++;
            }
        if (k < watched.count)
            perform(&d, &watched.operations[k], lazy);
    }
    for (size_t i = 0; i < d.file_count; i++)
        free(d.files[i].bytes);
    return states;
}

Test(checkpoint_crash, every_state_of_the_disk, .timeout = 300)
{
    char folder[256], checkpoints[512];
    size_t losses;
    small_run_in_memory();
    scratch_make(folder);
    scratch_path(folder, "c", checkpoints);
    small_run run = {.checkpoints = checkpoints};
    watch_arm(0, SIZE_MAX, true);
    small_run_train(&run);
    watch_disarm();
    cr_assert(run.status == LAM_OK && run.kept >= 6, "%zu checkpoints", run.kept);
    scratch_remove(folder);
    const size_t states = replay(false, &losses);
    printf("%zu operations of %zu checkpoints, %zu states of the disk, %zu losses\n", watched.count,
           run.kept, states, losses);
    /* were files not brought to the disk before their names, this would be seen */
    replay(true, &losses);
    cr_expect_gt(losses, 0);
    watch_free();
}
