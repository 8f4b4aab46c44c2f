/* small_run.c: a short training run with many checkpoints, for the tests of faults. */
#include "small_run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wrapped_calls.h"

void small_run_in_memory(void)
{
    if (access("/dev/shm", W_OK | X_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
}

uint64_t small_run_steps(const char *path)
{
    const char *name = strrchr(path, '/');
    return strtoull((name ? name + 1 : path) + strlen("checkpoint-"), NULL, 10);
}

static lam_signal on_event(const lam_event *event, void *user)
{
    small_run *run = user;
    const bool good = event->status == LAM_OK;
    if (event->kind == LAM_EVENT_RESUME) {
        run->damaged += !good;
        run->resumed_at = good ? small_run_steps(event->path) : run->resumed_at;
    } else if (event->kind == LAM_EVENT_CHECKPOINT) {
        run->kept += good;
        run->failed += !good;
        run->last_kept = good ? small_run_steps(event->path) : run->last_kept;
    } else if (event->kind == LAM_EVENT_EPOCH_BEGIN && run->look_only) {
        return LAM_STOP;
    } else if (event->kind == LAM_EVENT_BATCH_END && watched.armed) {
        watch_wait();
    }
    return LAM_CONTINUE;
}

void small_run_train(small_run *run)
{
    lam_dataset *data = lam_dataset_spiral(48, 3, 1);
    lam_model *model = lam_model_new(2);
    const lam_callback callback = {on_event, run};
    lam_fit_options options = lam_fit_options_default();
    lam_model_add_layers(model, "5:tanh,dropout:0.1,3:softmax");
    options.epochs = 3;
    options.batch_size = 10;
    options.threads = 1;
    options.callback = &callback;
    options.checkpoint = run->checkpoints;
    if (run->checkpoints) {
        options.checkpoint_every = "2 steps";
        options.keep = 2;
    }
    options.resume = run->resume;
    run->status = lam_fit(model, data, &options, NULL);
    if (lam_model_tensors(model) > 0)
        lam_model_get_parameters(model, run->parameters, SMALL_PARAMETERS);
    lam_model_free(model);
    lam_dataset_free(data);
}
