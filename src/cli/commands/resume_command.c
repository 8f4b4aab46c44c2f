/* resume_command.c: beginning with weights there are, and going on with a run that was interrupted.
 */
#include "resume_command.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* "layers.0.weight is 784 x 64 here": the first tensor of another name or shape. */
static int refuse(lam_model *model, lam_model *other, const char *file)
{
    const size_t mine = lam_model_tensors(model), theirs = lam_model_tensors(other);
    for (size_t i = 0; i < mine && i < theirs; i++) {
        lam_tensor a, b;
        if (lam_model_tensor(model, i, &a) != LAM_OK || lam_model_tensor(other, i, &b) != LAM_OK)
            return cli_failed();
        if (strcmp(a.name, b.name) == 0 && a.rows == b.rows && a.cols == b.cols)
            continue;
        cli_error("%s: the weights do not fit: %s is %zu x %zu there, %s is %zu x %zu here; "
                  "--layers says what the network is like",
                  file, b.name, b.rows, b.cols, a.name, a.rows, a.cols);
        return CLI_FAILURE;
    }
    if (mine == theirs)
        return CLI_SUCCESS;
    cli_error("%s: the weights do not fit: %zu tensors there, %zu here; --layers says what the "
              "network is like",
              file, theirs, mine);
    return CLI_FAILURE;
}

int cli_take_weights(lam_model *model, const char *file)
{
    lam_model *other = lam_model_load(file);
    if (!other)
        return cli_failed();
    int status = CLI_FAILURE;
    const size_t count = lam_model_parameters(other);
    float *values = calloc(count ? count : 1, sizeof *values);
    if (!values)
        cli_error("out of memory");
    else if (lam_model_initialize(model, 0, NULL) != LAM_OK)
        status = cli_failed();
    else
        status = refuse(model, other, file);
    if (status == CLI_SUCCESS && (lam_model_get_parameters(other, values, count) != LAM_OK ||
                                  lam_model_set_parameters(model, values, count) != LAM_OK))
        status = cli_failed();
    free(values);
    lam_model_free(other);
    return status;
}

/* Appends a word, in quotes where a shell would not leave it alone; false without room. */
static bool add_word(const char *word, char *text, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./:,@%";
    size_t at = strlen(text);
    const bool quoted = word[0] == '\0' || word[strspn(word, plain)] != '\0';
    if (size - at < 4 * strlen(word) + 4) /* ' '' and at most '\'' for each character */
        return false;
    at += (size_t)snprintf(text + at, size - at, " %s", quoted ? "'" : "");
    for (; *word; word++)
        if (*word == '\'')
            at += (size_t)snprintf(text + at, size - at, "'\\''");
        else
            text[at++] = *word;
    snprintf(text + at, size - at, "%s", quoted ? "'" : "");
    return true;
}

void cli_resume_command(int argc, char *const *argv, char *text, size_t size)
{
    bool resumes = false, complete = true;
    snprintf(text, size, "lamina");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--resume") == 0)
            resumes = true;
        if (!resumes && strcmp(argv[i], "--") == 0) {
            complete = complete && add_word("--resume", text, size);
            resumes = true;
        }
        complete = complete && add_word(argv[i], text, size);
    }
    if (!resumes)
        complete = complete && add_word("--resume", text, size);
    if (!complete)
        snprintf(text, size, "the same command with --resume");
}
