/* predict_threads.c: several threads predict with one model at once, one lam_predictor each.
 *
 * Learns the spiral set, lets the threads colour a map of the plane, and checks that it is the
 * map a single thread draws, to the bit. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

enum { THREADS = 4, LINES = 28, COLUMNS = 72, CLASSES = 3, ROUNDS = 50 };

static float points[LINES][COLUMNS][2];
static float map[LINES][COLUMNS][CLASSES], expected[LINES][COLUMNS][CLASSES];

/* What a thread needs: the shared model and which lines of the map are its own. */
typedef struct job {
    pthread_t thread;
    const lam_model *model;
    int first;
    lam_status status;
} job;

/* Everything that allocates happens before the loop, and the library takes no lock in it; where
 * OpenBLAS packs its matrices, it takes a short one of its own (see lamina/predictor.h). */
static void *work(void *argument)
{
    job *own = argument;
    lam_predictor *predictor = lam_predictor_new(own->model, COLUMNS);
    own->status = predictor ? LAM_OK : lam_error_status();
    for (int round = 0; own->status == LAM_OK && round < ROUNDS; round++)
        for (int line = own->first; own->status == LAM_OK && line < LINES; line += THREADS)
            own->status =
                lam_predictor_run(predictor, &points[line][0][0], COLUMNS, &map[line][0][0]);
    lam_predictor_free(predictor);
    return NULL;
}

static int give_up(const char *doing)
{
    fprintf(stderr, "predict_threads: %s: %s\n", doing, lam_error_message());
    return EXIT_FAILURE;
}

/* The spiral's arms as the network sees them: a letter per class, lower case where it is not sure.
 */
static void print_map(void)
{
    for (int line = 0; line < LINES; line++) {
        for (int c = 0; c < COLUMNS; c++) {
            int best = 0;
            for (int k = 1; k < CLASSES; k++)
                if (map[line][c][k] > map[line][c][best])
                    best = k;
            putchar(map[line][c][best] > 0.9f ? ".oX"[best] : ' ');
        }
        putchar('\n');
    }
}

int main(void)
{
    lam_dataset *train = lam_dataset_spiral(1500, CLASSES, 1);
    lam_model *model = lam_model_new(2);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 150;
    fit.batch_size = 64;
    fit.learning_rate = 1e-2f;
    fit.threads = 1; /* so small a step is done before a second thread has woken up */
    if (!train || lam_model_add_layers(model, "64:relu,64:relu,3:softmax") != LAM_OK ||
        lam_fit(model, train, &fit, NULL) != LAM_OK)
        return give_up("train");

    for (int line = 0; line < LINES; line++)
        for (int c = 0; c < COLUMNS; c++) {
            points[line][c][0] = 2.0f * (float)c / (COLUMNS - 1) - 1;
            points[line][c][1] = 1 - 2.0f * (float)line / (LINES - 1);
        }

    job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (job){.model = model, .first = i};
        if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0)
            return give_up("no thread");
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(jobs[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        if (jobs[i].status != LAM_OK) {
            fprintf(stderr, "predict_threads: thread %d: %s\n", i, lam_status_text(jobs[i].status));
            return EXIT_FAILURE;
        }

    lam_predictor *alone = lam_predictor_new(model, COLUMNS);
    for (int line = 0; line < LINES; line++)
        if (!alone ||
            lam_predictor_run(alone, &points[line][0][0], COLUMNS, &expected[line][0][0]) != LAM_OK)
            return give_up("predict alone");
    int same = memcmp(map, expected, sizeof map) == 0;

    print_map();
    lam_scores scores;
    if (lam_evaluate(model, train, NULL, &scores) != LAM_OK)
        return give_up("evaluate");
    double accuracy = lam_scores_get(&scores, "accuracy");
    printf("%d threads, %d predictions each: %s; %.1f%% of the spiral is right\n", THREADS,
           ROUNDS * LINES * COLUMNS / THREADS,
           same ? "the same bits as one thread alone" : "NOT what one thread gives",
           100 * accuracy);
    lam_predictor_free(alone);
    lam_model_free(model);
    lam_dataset_free(train);
    return same && accuracy > 0.8 ? EXIT_SUCCESS : EXIT_FAILURE;
}
