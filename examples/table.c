/* table.c: a network for the rows of a table: texts and numbers in, a class or a number out.
 *
 *     table [TABLE [TARGET]]
 *
 * TABLE is a CSV or TSV file, iris.csv beside this program's source when left out; TARGET is the
 * column to predict, its last when left out. A quarter of the rows is kept back to test with. The
 * model is then applied to the table as it would be to new rows: texts are encoded and gaps filled
 * as the model has learnt it. */
#include <stdio.h>

#include <lamina/lamina.h>

static int fail(void)
{
    fprintf(stderr, "%s\n", lam_error_message());
    return 1;
}

/* Prints what each column of the table became. */
static void print_columns(const lam_dataset *data)
{
    lam_input_info input;
    lam_dataset_input(data, &input);
    for (size_t i = 0; i < input.columns; i++) {
        lam_column_info column;
        if (lam_dataset_column(data, i, &column) != LAM_OK)
            return;
        const char *kind = column.kind == LAM_COLUMN_TEXT ? "text" : "number";
        printf("%-16s %s", column.name, column.kind == LAM_COLUMN_IGNORED ? "left out" : kind);
        if (column.kind == LAM_COLUMN_TEXT)
            printf(", one of %zu", column.category_count);
        puts(column.target ? ", to be predicted" : "");
    }
}

/* Predicts the first rows of a table; their target may be there or not. */
static int predict(const lam_model *model, const char *table)
{
    enum { ROWS = 3, MOST_OUTPUTS = 1000 };
    static float y[ROWS * MOST_OUTPUTS]; /* [rows][outputs] */
    const size_t outputs = lam_model_outputs(model);
    lam_load_options options = lam_load_options_default();
    options.like = model;
    options.limit = ROWS;
    lam_dataset *rows = lam_dataset_load_file(table, &options);
    if (!rows || outputs > MOST_OUTPUTS || lam_predict_dataset(model, rows, 1, y) != LAM_OK) {
        lam_dataset_free(rows);
        return fail();
    }
    for (size_t r = 0; r < lam_dataset_samples(rows); r++) {
        const float *row = y + r * outputs;
        size_t best = 0;
        for (size_t i = 1; i < outputs; i++)
            best = row[i] > row[best] ? i : best;
        const char *name = lam_model_class_name(model, best);
        printf("row %zu: %s %.3f\n", r + 1, name ? name : "", (double)row[best]);
    }
    lam_dataset_free(rows);
    return 0;
}

int main(int argc, char **argv)
{
    const char *table = argc > 1 ? argv[1] : "iris.csv";
    lam_load_options options = lam_load_options_default();
    options.target = argc > 2 ? argv[2] : NULL;
    options.test_share = 0.25;
    options.missing = "mean";
    lam_dataset *train = lam_dataset_load(table, LAM_SPLIT_TRAIN, &options);
    lam_dataset *test = lam_dataset_load(table, LAM_SPLIT_TEST, &options);
    if (!train || !test)
        return fail();
    print_columns(train);

    const size_t classes = lam_dataset_classes(train);
    lam_model *model = lam_model_new(lam_dataset_features(train));
    lam_model_standardize_input(model, train);
    lam_model_dense(model, 64, "relu");
    lam_model_dense(model, classes ? classes : lam_dataset_outputs(train),
                    classes ? "softmax" : "linear");

    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 60;
    fit.batch_size = 16;
    lam_scores scores;
    if (lam_fit(model, train, &fit, NULL) != LAM_OK ||
        lam_evaluate(model, test, NULL, &scores) != LAM_OK)
        return fail();
    const double accuracy = lam_scores_get(&scores, "accuracy");
    if (classes)
        printf("%.1f%% of %zu rows kept back are right\n", 100 * accuracy, scores.samples);
    else
        printf("loss %.4g on %zu rows kept back\n", scores.loss, scores.samples);
    const int status = predict(model, table);

    lam_model_free(model);
    lam_dataset_free(train);
    lam_dataset_free(test);
    return status || (classes && accuracy < 0.8);
}
