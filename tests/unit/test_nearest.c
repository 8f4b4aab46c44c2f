/* test_nearest.c: the known word nearest to a misspelt one. */
#include <criterion/criterion.h>

#include <string.h>

#include <lamina/catalog.h>

static const char *const words[] = {"relu",
                                    "sigmoid",
                                    "tanh",
                                    "linear",
                                    "softmax",
                                    "categorical_crossentropy",
                                    "binary_crossentropy",
                                    "mean_squared_error",
                                    "mean_absolute_error",
                                    "sgd",
                                    "adam"};

static void expect(const char *word, const char *nearest)
{
    const char *found = lam_nearest(word, words, sizeof words / sizeof *words);
    if (nearest)
        cr_assert(found && strcmp(found, nearest) == 0, "%s: expected %s, found %s", word, nearest,
                  found ? found : "none");
    else
        cr_assert_null(found, "%s: expected none, found %s", word, found ? found : "");
}

Test(nearest, misspelt_words)
{
    expect("relu", "relu");
    expect("rleu", "relu"); /* two letters swapped are one mistake */
    expect("rel", "relu");
    expect("reluu", "relu");
    expect("ReLU", "relu");
    expect("ADAM", "adam");
    expect("sofmtax", "softmax");
    expect("sigmiod", "sigmoid");
    expect("mean_square_error", "mean_squared_error");
    expect("mean-absolute-error", "mean_absolute_error");
    expect("categorial_crosentropy", "categorical_crossentropy");
}

Test(nearest, beginnings)
{
    expect("categorical", "categorical_crossentropy");
    expect("Binary", "binary_crossentropy");
    expect("s", "sgd"); /* the shortest that begins so */
    expect("mean_s", "mean_squared_error");
}

Test(nearest, nothing_near)
{
    expect("", NULL);
    expect("x", NULL);
    expect("gelu_new_fast", NULL);
    expect("banana", NULL);
    expect("zzzz", NULL);
}

Test(nearest, odd_arguments)
{
    static const char *const holes[] = {NULL, "relu", NULL};
    cr_assert_null(lam_nearest(NULL, words, 3));
    cr_assert_null(lam_nearest("relu", NULL, 3));
    cr_assert_null(lam_nearest("relu", words, 0));
    cr_assert_str_eq(lam_nearest("relo", holes, 3), "relu");
}

Test(nearest, very_long_words)
{
    char text[4096];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect(text, NULL);
    const char *const one[] = {text};
    cr_assert_eq(lam_nearest("aaa", one, 1), text);
    cr_assert_null(lam_nearest("b", one, 1));
}
