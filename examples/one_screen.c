/* one_screen.c: the whole life of a network: load, build, train, test, save.
 *
 *     one_screen [DATA [MODEL]]
 *
 * DATA is a folder with IDX files, such as /usr/share/datasets/fashion-mnist, or a built-in set;
 * the small "spiral" when left out. */
#include <stdio.h>

#include <lamina/lamina.h>

int main(int argc, char **argv)
{
    const char *data = argc > 1 ? argv[1] : "spiral";
    const char *file = argc > 2 ? argv[2] : "one_screen.safetensors";
    lam_dataset *train = lam_dataset_load(data, LAM_SPLIT_TRAIN, NULL);
    lam_dataset *test = lam_dataset_load(data, LAM_SPLIT_TEST, NULL);
    if (!train || !test) {
        fprintf(stderr, "%s\n", lam_error_message());
        return 1;
    }
    bool images = lam_dataset_dtype(train) == LAM_UINT8;

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
    fit.epochs = images ? 10 : 200; /* the spiral is small: more rounds */
    fit.batch_size = 128;

    lam_scores scores;
    if (lam_fit(model, train, &fit, NULL) != LAM_OK ||
        lam_evaluate(model, test, NULL, &scores) != LAM_OK ||
        lam_model_save(model, file) != LAM_OK) {
        fprintf(stderr, "%s\n", lam_error_message());
        return 1;
    }
    double accuracy = lam_scores_get(&scores, "accuracy");
    printf("%.1f%% of %zu new samples are right; saved to %s\n", 100 * accuracy, scores.samples,
           file);

    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
    return accuracy > 0.7 ? 0 : 1;
}
