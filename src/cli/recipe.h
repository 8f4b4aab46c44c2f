/* recipe.h: what `lamina train DATA` does where the user left it open. */
#ifndef LAMINA_CLI_RECIPE_H
#define LAMINA_CLI_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/lamina.h>

#include "args.h"

/* Choices for a data set; texts as on the command line, NULL = as in lam_fit_options_default. */
typedef struct cli_recipe {
    const char *data;   /* name of a built-in set, NULL for folders */
    const char *hidden; /* hidden layers */
    const char *epochs, *batch_size, *learning_rate, *decay;
} cli_recipe;

const cli_recipe *cli_recipe_for(const char *data);

/* Fills in what the user has not given. CLI_SUCCESS or an exit status after a message. */
int cli_apply_recipe(const cli_recipe *recipe, const cli_flags *flags, lam_fit_options *fit);

/* "128:relu,128:relu,10:softmax": the recipe's hidden layers and an output layer that fits the
 * targets of the training data and of the test data, which may be NULL. */
void cli_default_layers(const cli_recipe *recipe, const lam_dataset *data, const lam_dataset *test,
                        char *layers, size_t size);

/* Loads a data set; after a failure says why, with the nearest built-in name when `path` is no
 * file. */
lam_dataset *cli_load_data(const char *path, lam_split split, const lam_load_options *options);

/* Whether DATA has a test split: built-in sets do, folders when they hold its
 * images and labels. */
bool cli_has_test_split(const char *path);

/* Rows of the table of flags for lam_load_options at type.member. */
#define CLI_LOAD_FLAGS(type, member)                                                               \
    {.name = "limit",                                                                              \
     .argument = "N",                                                                              \
     .help = "read at most N samples of each file; 0 = all",                                       \
     .default_value = "0",                                                                         \
     .kind = CLI_COUNT,                                                                            \
     .offset = offsetof(type, member.limit)},                                                      \
        {.name = "samples",                                                                        \
         .argument = "N",                                                                          \
         .help = "built-in sets: number of samples; 0 = the set's own",                            \
         .default_value = "0",                                                                     \
         .kind = CLI_COUNT,                                                                        \
         .offset = offsetof(type, member.samples)},                                                \
        {.name = "classes",                                                                        \
         .argument = "N",                                                                          \
         .help = "spiral and vertical: number of classes; 0 = 3",                                  \
         .default_value = "0",                                                                     \
         .kind = CLI_COUNT,                                                                        \
         .offset = offsetof(type, member.classes)},                                                \
    {                                                                                              \
        .name = "data-seed", .argument = "SEED",                                                   \
        .help = "built-in sets: seed of their random numbers", .default_value = "0",               \
        .kind = CLI_SEED, .offset = offsetof(type, member.seed)                                    \
    }

#endif
