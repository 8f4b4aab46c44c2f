/* main.c: a program outside the tree that uses an installed Lamina.
 *
 * Learns which of three stripes a point lies in and says how sure it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

int main(void)
{
    /* Headers and library of different versions are the usual trouble of an installation. */
    printf("compiled for Lamina %s, running on %s\n", LAM_VERSION_STRING, lam_version());
    if (strcmp(LAM_VERSION_STRING, lam_version()) != 0)
        return EXIT_FAILURE;

    lam_dataset *train = lam_dataset_load("vertical", LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load("vertical", LAM_SPLIT_TEST, NULL);
    lam_model *model = lam_model_new(2);
    lam_fit_options fit = lam_fit_options_default();
    lam_scores scores;
    fit.epochs = 60;
    fit.learning_rate = 1e-2f;
    if (!train || !test || lam_model_add_layers(model, "16:relu,3:softmax") != LAM_OK ||
        lam_fit(model, train, &fit, NULL) != LAM_OK ||
        lam_evaluate(model, test, NULL, &scores) != LAM_OK) {
        fprintf(stderr, "outside: %s\n", lam_error_message());
        return EXIT_FAILURE;
    }
    double accuracy = lam_scores_get(&scores, "accuracy");
    printf("%.1f%% of %zu points are put into the right stripe\n", 100 * accuracy, scores.samples);
    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
    return accuracy > 0.8 ? EXIT_SUCCESS : EXIT_FAILURE;
}
