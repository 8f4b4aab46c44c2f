/* own_source.c: your own dataset, delivered by a function: it may be larger than memory, come from
 * a database or be made on the fly, as here.
 *
 * Two million points in the plane, none of which is kept; the class says on which side of a wave
 * one lies. Run it with a number of samples to make it shorter. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <lamina/lamina.h>

/* Number `i` of a sequence that looks random, in -1..1: the same for the same i. */
static float draw(uint64_t i)
{
    i = (i + 1) * 0x9e3779b97f4a7c15u;
    i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9u;
    i = (i ^ (i >> 27)) * 0x94d049bb133111ebu;
    return (float)((i ^ (i >> 31)) >> 40) / 8388608.0f - 1.0f;
}

/* Samples first .. first + rows - 1; x or classes is NULL where it is not wanted. */
static int read_points(size_t first, size_t rows, void *x, int32_t *classes, float *targets,
                       void *user)
{
    (void)targets, (void)user;
    for (size_t r = 0; r < rows; r++) {
        const float a = draw(2 * (first + r)), b = draw(2 * (first + r) + 1);
        if (x) {
            ((float *)x)[2 * r] = a;
            ((float *)x)[2 * r + 1] = b;
        }
        if (classes)
            classes[r] = b > 0.5f * sinf(4.0f * a);
    }
    return 0;
}

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, lam_error_message());
    return 1;
}

int main(int argc, char **argv)
{
    const lam_source source = {
        .samples = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000,
        .features = 2,
        .dtype = LAM_FLOAT32,
        .classes = 2,
        .read = read_points,
    };
    lam_dataset *all = lam_dataset_from_source(&source), *train = NULL, *test = NULL;
    if (!all || lam_dataset_divide(all, 0.1, 1, &train, &test) != LAM_OK)
        return fail("the data");
    lam_model *model = lam_model_new(2);
    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 1;
    lam_scores scores;
    if (!model || lam_model_add_layers(model, "32:relu,32:relu,2:softmax") != LAM_OK ||
        lam_fit(model, train, &fit, NULL) != LAM_OK)
        return fail("training");
    if (lam_evaluate(model, test, NULL, &scores) != LAM_OK)
        return fail("evaluation");
    printf("%zu samples seen once, accuracy on %zu others: %.3f\n", lam_dataset_samples(train),
           scores.samples, lam_scores_get(&scores, "accuracy"));
    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
    lam_dataset_free(all);
    return lam_scores_get(&scores, "accuracy") > 0.95 ? 0 : 1;
}
