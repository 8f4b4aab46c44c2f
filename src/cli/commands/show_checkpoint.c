/* show_checkpoint.c: what `lamina inspect` says of a checkpoint. */
#include "show_checkpoint.h"

#include <string.h>

#include "cli/cli.h"

/* What the bits of a run depend on. */
static const char *const origin[] = {"version", "instruction_set", "processor", "products", "blas"};

static void print_place(const lam_checkpoint_info *info)
{
    char count[32];
    printf("\n%-12sof %s, after %s steps", "checkpoint", info->of_fit ? "a run" : "a trainer",
           cli_format_count((size_t)info->steps, count, sizeof count));
    if (info->of_fit)
        printf(": %zu epochs", info->epochs_done);
    if (info->of_fit && info->batches_done > 0)
        printf(" and %zu batches, %s samples,", info->batches_done,
               cli_format_count(info->samples_done, count, sizeof count));
    printf("%s\n", info->of_fit ? " done" : "");
    printf("%-12s%.6g, undecayed\n", "rate", info->learning_rate);
    if (info->monitor && info->best_epoch)
        printf("%-12s%s %.6g in epoch %zu, %zu epochs ago\n", "best", info->monitor, info->best,
               info->best_epoch, info->epochs_since_best);
}

/* "options     optimizer adam, seed 1, ...", as many to a line as fit. */
static void print_options(const lam_checkpoint *checkpoint, size_t width)
{
    const char *name, *value;
    size_t at = 12;
    printf("%-12s", "options");
    for (size_t i = 0; lam_checkpoint_option(checkpoint, i, &name, &value) == LAM_OK; i++) {
        char text[160], plain[160];
        snprintf(text, sizeof text, "%.60s %.80s", name, value);
        lam_printable(text, plain, sizeof plain);
        if (at > 12 && at + 2 + strlen(plain) > width) {
            printf(",\n%12s", "");
            at = 12;
        }
        at += (size_t)printf("%s%s", at > 12 ? ", " : "", plain);
    }
    putchar('\n');
}

/* "made by     version 0.1.0, instruction_set avx512, ..." */
static void print_origin(const lam_checkpoint *checkpoint)
{
    char plain[128];
    bool any = false;
    for (size_t i = 0; i < sizeof origin / sizeof *origin; i++) {
        const char *fact = lam_checkpoint_made_by(checkpoint, origin[i]);
        if (fact)
            lam_printable(fact, plain, sizeof plain);
        if (fact)
            printf("%-*s%s %s", any ? 2 : 12, any ? "," : "made by", origin[i], plain);
        any = any || fact;
    }
    if (any)
        putchar('\n');
}

static void print_last_epoch(const lam_history *history)
{
    const size_t epochs = lam_history_epochs(history);
    const lam_epoch *last = epochs ? lam_history_epoch(history, epochs - 1) : NULL;
    char figure[32], name[64];
    if (!last)
        return;
    printf("%-12s%zu: loss %s", "last epoch", last->epoch,
           cli_format_figure(last->train.loss, figure, sizeof figure));
    for (int v = 0; v < 1 + last->has_validation; v++) {
        const lam_scores *scores = v ? &last->validation : &last->train;
        if (v)
            printf(", val_loss %s", cli_format_figure(scores->loss, figure, sizeof figure));
        for (size_t i = 0; i < scores->metrics; i++)
            printf(", %s%s %s", v ? "val_" : "", lam_printable(scores->names[i], name, sizeof name),
                   cli_format_figure(scores->values[i], figure, sizeof figure));
    }
    putchar('\n');
}

void cli_print_checkpoint(const lam_checkpoint *checkpoint)
{
    lam_checkpoint_info info;
    if (!checkpoint)
        return;
    lam_checkpoint_describe(checkpoint, &info);
    print_place(&info);
    print_last_epoch(lam_checkpoint_history(checkpoint));
    print_options(checkpoint, cli_terminal_width(1));
    print_origin(checkpoint);
}

static void write_scores(cli_json *json, const char *prefix, const lam_scores *scores)
{
    char key[128];
    snprintf(key, sizeof key, "%sloss", prefix);
    cli_json_number(json, key, scores->loss);
    for (size_t i = 0; i < scores->metrics; i++) {
        snprintf(key, sizeof key, "%s%s", prefix, scores->names[i]);
        cli_json_number(json, key, scores->values[i]);
    }
}

static void write_history(cli_json *json, const lam_history *history)
{
    cli_json_open_array(json, "history");
    for (size_t i = 0; i < lam_history_epochs(history); i++) {
        const lam_epoch *epoch = lam_history_epoch(history, i);
        cli_json_open_object(json, NULL);
        cli_json_count(json, "epoch", epoch->epoch);
        cli_json_number(json, "learning_rate", epoch->learning_rate);
        cli_json_number(json, "seconds", epoch->seconds);
        write_scores(json, "", &epoch->train);
        if (epoch->has_validation)
            write_scores(json, "val_", &epoch->validation);
        cli_json_close_object(json);
    }
    cli_json_close_array(json);
}

void cli_write_checkpoint(cli_json *json, const lam_checkpoint *checkpoint)
{
    lam_checkpoint_info info;
    const char *name, *value;
    if (!checkpoint) {
        cli_json_string(json, "checkpoint", NULL);
        return;
    }
    lam_checkpoint_describe(checkpoint, &info);
    cli_json_open_object(json, "checkpoint");
    cli_json_string(json, "of", info.of_fit ? "fit" : "trainer");
    cli_json_count(json, "steps", (size_t)info.steps);
    cli_json_count(json, "epochs_done", info.epochs_done);
    cli_json_count(json, "batches_done", info.batches_done);
    cli_json_count(json, "samples_done", info.samples_done);
    cli_json_number(json, "learning_rate", info.learning_rate);
    cli_json_string(json, "monitor", info.monitor);
    cli_json_count(json, "best_epoch", info.best_epoch);
    cli_json_open_object(json, "made_by");
    for (size_t i = 0; i < sizeof origin / sizeof *origin; i++)
        cli_json_string(json, origin[i], lam_checkpoint_made_by(checkpoint, origin[i]));
    cli_json_close_object(json);
    cli_json_open_object(json, "options");
    for (size_t i = 0; lam_checkpoint_option(checkpoint, i, &name, &value) == LAM_OK; i++)
        cli_json_string(json, name, value);
    cli_json_close_object(json);
    write_history(json, lam_checkpoint_history(checkpoint));
    cli_json_close_object(json);
}
