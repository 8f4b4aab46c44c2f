/* one_screen.c: the whole life of a network: load, build, train, test, save, load, predict.
 *
 *     one_screen [DATA [MODEL]]
 *
 * DATA is a folder with IDX files such as /usr/share/datasets/fashion-mnist, or a built-in set;
 * "spiral" when it is left out. */
#include <stdio.h>
#include <stdlib.h>

#include <lamina/lamina.h>

/* How well the network must do on samples it has never seen. */
static const double enough = 0.8;

static int give_up(const char *doing)
{
    fprintf(stderr, "one_screen: %s: %s\n", doing, lam_error_message());
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *data = argc > 1 ? argv[1] : "spiral";
    const char *file = argc > 2 ? argv[2] : "one_screen.safetensors";
    lam_dataset *train = lam_dataset_load(data, LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load(data, LAM_SPLIT_TEST, NULL);
    if (!train || !test)
        return give_up("load");
    int images = lam_dataset_dtype(train) == LAM_UINT8;

    lam_model *model = lam_model_new(lam_dataset_features(train));
    if (images)
        lam_model_scale_input(model, 0, 255, -1, 1);
    lam_model_dense(model, 128, "relu");
    lam_model_dropout(model, 0.1f);
    lam_model_dense(model, lam_dataset_classes(train), "softmax");

    lam_fit_options fit = lam_fit_options_default();
    fit.loss = "categorical_crossentropy";
    fit.optimizer = "adam";
    fit.learning_rate = images ? 1e-3f : 2e-2f;
    fit.epochs = images ? 5 : 200; /* a toy set is small: more rounds */
    fit.batch_size = 128;
    if (lam_fit(model, train, &fit, NULL) != LAM_OK)
        return give_up("train");

    lam_scores scores;
    if (lam_evaluate(model, test, NULL, &scores) != LAM_OK)
        return give_up("evaluate");
    double accuracy = lam_scores_get(&scores, "accuracy");
    printf("%s: trained on %zu samples, %.1f%% right on %zu new ones\n", data,
           lam_dataset_samples(train), 100 * accuracy, scores.samples);

    if (lam_model_save(model, file) == LAM_OK) {
        lam_model_free(model);
        model = lam_model_load(file);
        if (!model)
            return give_up("load the model back");
        printf("saved to %s and loaded again\n", file);
    } else if (lam_error_status() != LAM_ERR_UNSUPPORTED) {
        return give_up("save");
    } /* a library built without JSON has no model files */

    float *x = malloc(lam_dataset_features(test) * sizeof *x);
    float *y = malloc(lam_model_outputs(model) * sizeof *y);
    for (size_t i = 0; x && y && i < 5; i++) {
        float decision;
        if (lam_dataset_sample(test, i, x) != LAM_OK || lam_predict(model, x, 1, y) != LAM_OK ||
            lam_model_decide(model, y, 1, 0.5f, &decision) != LAM_OK)
            return give_up("predict");
        size_t guess = (size_t)decision, truth = (size_t)lam_dataset_class(test, i);
        const char *name = lam_dataset_class_name(test, guess);
        printf("sample %zu: class %zu%s%s with %.1f%%, %s\n", i, guess, name ? ", " : "",
               name ? name : "", 100 * y[guess], guess == truth ? "right" : "wrong");
    }
    free(x);
    free(y);

    /* The model that came back from the file must be as good as the one that went in. */
    lam_scores again;
    if (lam_evaluate(model, test, NULL, &again) != LAM_OK)
        return give_up("evaluate again");
    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
    return accuracy >= enough && again.loss == scores.loss ? EXIT_SUCCESS : EXIT_FAILURE;
}
