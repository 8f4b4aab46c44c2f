/* resume.c: training that survives: lam_fit with checkpoints, and a loop of your own.
 *
 *     resume [FOLDER]
 *
 * Trains in three runs, each ended by a callback as a signal or a power cut would, and shows that
 * the weights are those of one run, to the bit. Then the same with a trainer whose state goes
 * through memory. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lamina/lamina.h>

enum { EPOCHS = 30, WEIGHTS = 3 * 32 + 33 * 3, RUNS_END_AFTER = 100, STATE_SIZE = 1 << 16 };

static void stop_on(lam_status status)
{
    if (status == LAM_OK)
        return;
    fprintf(stderr, "resume: %s\n", lam_error_message());
    exit(EXIT_FAILURE);
}

/* Ends a run after some batches; tells what becomes of checkpoints. */
static lam_signal on_event(const lam_event *event, void *user)
{
    int *batches = user;
    if (event->kind == LAM_EVENT_RESUME && event->status == LAM_OK)
        printf("continuing from %s\n", event->path);
    if (event->kind == LAM_EVENT_CHECKPOINT && event->status != LAM_OK)
        printf("training goes on without a checkpoint: %s\n", event->message);
    return event->kind == LAM_EVENT_BATCH_END && ++*batches == RUNS_END_AFTER ? LAM_STOP
                                                                              : LAM_CONTINUE;
}

static lam_model *make_model(void)
{
    lam_model *model = lam_model_new(2);
    stop_on(lam_model_add_layers(model, "32:tanh,dropout:0.1,3:softmax"));
    return model;
}

/* One run; returns whether it came to its end. */
static int train(const lam_dataset *data, const char *folder, float weights[WEIGHTS])
{
    int batches = 0;
    const lam_callback callback = {on_event, &batches};
    lam_model *model = make_model();
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = EPOCHS;
    fit.batch_size = 32;
    fit.checkpoint = folder; /* NULL: none */
    if (folder)
        fit.checkpoint_every = "20 steps";
    fit.resume = folder != NULL;
    fit.callback = folder ? &callback : NULL;
    stop_on(lam_fit(model, data, &fit, NULL));
    stop_on(lam_model_get_parameters(model, weights, WEIGHTS));
    lam_model_free(model);
    return batches != RUNS_END_AFTER;
}

/* Steps first .. last - 1 of a loop of your own, from and to a checkpoint in memory. */
static void steps(const lam_dataset *data, size_t first, size_t last, void *state, size_t *size,
                  float weights[WEIGHTS])
{
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = 20;
    lam_model *model = make_model();
    lam_trainer *trainer = lam_trainer_new(model, &options);
    if (!trainer)
        stop_on(lam_error_status());
    if (first > 0)
        stop_on(lam_trainer_restore_memory(trainer, state, *size));
    while (lam_trainer_steps(trainer) < last) { /* it also says where in one's data one is */
        uint32_t rows[20];
        for (size_t i = 0; i < 20; i++)
            rows[i] = (uint32_t)((20 * lam_trainer_steps(trainer) + i) % 300);
        stop_on(lam_trainer_step_rows(trainer, data, rows, 20, NULL));
    }
    stop_on(lam_trainer_save_memory(trainer, state, STATE_SIZE, size));
    stop_on(lam_model_get_parameters(model, weights, WEIGHTS));
    lam_trainer_free(trainer);
    lam_model_free(model);
}

static void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    char path[512];
    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        snprintf(path, sizeof path, "%.200s/%.255s", folder, entry->d_name);
        unlink(path);
    }
    if (entries)
        closedir(entries);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    char folder[64] = "resume-XXXXXX";
    const char *place = argc > 1 ? argv[1] : mkdtemp(folder);
    static float whole[WEIGHTS], parts[WEIGHTS];
    static char state[STATE_SIZE];
    lam_dataset *data = lam_dataset_spiral(300, 3, 1);
    if (!place || !data)
        return EXIT_FAILURE;

    train(data, NULL, whole);
    while (!train(data, place, parts))
        puts("the run was ended");
    int same = memcmp(whole, parts, sizeof whole) == 0;
    printf("lam_fit: %s weights as in one run\n", same ? "the same" : "NOT the same");
    if (argc < 2)
        remove_folder(folder);

    size_t size = 0;
    steps(data, 0, 70, state, &size, whole);
    steps(data, 0, 33, state, &size, parts);
    steps(data, 33, 70, state, &size, parts);
    int same_steps = memcmp(whole, parts, sizeof whole) == 0;
    printf("trainer: %s weights, through a checkpoint of %zu bytes\n",
           same_steps ? "the same" : "NOT the same", size);
    lam_dataset_free(data);
    return same && same_steps ? EXIT_SUCCESS : EXIT_FAILURE;
}
