/* usage.c: the help texts, made from the tables. */
#include "usage.h"

#include <string.h>
#include <unistd.h>

#include <lamina/lamina.h>

/* Columns: names of options start at 2, what they mean at 28. */
enum { INDENT = 2, HELP_COLUMN = 28, NARROWEST = 50, WIDEST = 100 };

/* What can be named, as listed at the end of the help. */
static const struct {
    lam_catalog_kind kind;
    const char *title;
} lists[] = {
    {LAM_LAYER, "Layers (--layers)"},
    {LAM_ACTIVATION, "Activations (--layers)"},
    {LAM_LOSS, "Losses (--loss)"},
    {LAM_OPTIMIZER, "Optimizers (--optimizer)"},
    {LAM_INITIALIZER, "Initializers (--initializer)"},
    {LAM_METRIC, "Metrics (--metrics)"},
    {LAM_DATA_FORMAT, "Data (DATA)"},
};

static const char *const build_facts[] = {
    "blas", "instruction_set", "products", "processor", "lapack", "gzip", "zip", "json",
    "onnx", "images"};

static size_t text_width(void)
{
    const size_t width = cli_terminal_width(STDOUT_FILENO);
    return width < NARROWEST ? NARROWEST : width > WIDEST ? WIDEST : width;
}

/* Prints text from column `at` on, broken between words, continued at column `indent`. */
static void print_wrapped(FILE *file, const char *text, size_t at, size_t indent)
{
    const size_t width = text_width();
    bool line_start = true;
    while (*text) {
        const size_t length = strcspn(text, " ");
        if (!line_start && at + 1 + length >= width) {
            fprintf(file, "\n%*s", (int)indent, "");
            at = indent;
            line_start = true;
        }
        if (!line_start) {
            putc(' ', file);
            at++;
        }
        fprintf(file, "%.*s", (int)length, text);
        at += length;
        line_start = false;
        text += length + strspn(text + length, " ");
    }
    putc('\n', file);
}

/* One entry of a list: `left`, then its help at HELP_COLUMN. */
static void print_entry(FILE *file, const char *left, const char *help)
{
    const int printed = fprintf(file, "%*s%s", INDENT, "", left);
    if (printed + 2 > HELP_COLUMN)
        fprintf(file, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(file, "%*s", HELP_COLUMN - printed, "");
    print_wrapped(file, help ? help : "", HELP_COLUMN, HELP_COLUMN);
}

/* "-o, --output FILE", dashes for underscores. */
static void print_flag(const cli_flag *flag)
{
    char left[128], help[512], letter[8] = "    ";
    if (flag->letter)
        snprintf(letter, sizeof letter, "-%c, ", flag->letter);
    const bool on =
        !flag->argument && flag->default_value && (strcmp(flag->default_value, "true") == 0);
    int n = snprintf(left, sizeof left, "%s--%s%s", letter, on ? "[no-]" : "", flag->name);
    for (char *c = left; *c; c++)
        *c = *c == '_' ? '-' : *c;
    if (flag->argument)
        n += snprintf(left + n, sizeof left - (size_t)n, " %s", flag->argument);
    if (flag->alias)
        snprintf(left + n, sizeof left - (size_t)n, ", --%s", flag->alias);
    const char *value = on ? "on" : flag->default_value;
    if (value && *value && (flag->argument || on))
        snprintf(help, sizeof help, "%s [%s]", flag->help, value);
    else
        snprintf(help, sizeof help, "%s", flag->help);
    print_entry(stdout, left, help);
}

static void print_catalog(void)
{
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++) {
        const size_t count = lam_catalog_size(lists[l].kind);
        printf("\n%s\n", lists[l].title);
        for (size_t i = 0; i < count; i++) {
            lam_catalog_entry entry;
            char left[128];
            if (lam_catalog(lists[l].kind, i, &entry) != LAM_OK)
                continue;
            snprintf(left, sizeof left, "%s%s%s", entry.name, entry.alias ? ", " : "",
                     entry.alias ? entry.alias : "");
            print_entry(stdout, left, entry.help);
        }
    }
}

static void print_formats(void)
{
    printf("\nFormats (--from, --to)\n");
    for (size_t i = 0; i < lam_catalog_size(LAM_MODEL_FORMAT); i++) {
        lam_catalog_entry entry;
        lam_model_format_info info;
        char help[512];
        if (lam_catalog(LAM_MODEL_FORMAT, i, &entry) != LAM_OK ||
            lam_model_format(entry.name, &info) != LAM_OK)
            continue;
        int n = snprintf(help, sizeof help, "%s (%s; ", info.help,
                         !info.can_write  ? "only IN"
                         : !info.can_read ? "only OUT"
                                          : "IN and OUT");
        for (const char *word = info.extensions; *word && (size_t)n < sizeof help;) {
            const int length = (int)strcspn(word, " ");
            const bool last = word[length] == '\0';
            n += snprintf(help + n, sizeof help - (size_t)n, ".%.*s%s", length, word,
                          last ? ")" : ", ");
            word += length + !last;
        }
        print_entry(stdout, info.name, help);
    }
}

int cli_print_help(const cli_command *command)
{
    cli_flags flags;
    if (!cli_flags_open(&flags, command, 0))
        return CLI_FAILURE;
    printf("Usage: lamina %s %s\n\n", command->name, command->operands);
    print_wrapped(stdout, command->summary, 0, 0);
    printf("\nOptions\n");
    for (size_t i = 0; i < flags.own; i++)
        print_flag(&flags.rows[i]);
    print_entry(stdout, "-h, --help", "show this help");
    if (flags.load > flags.own)
        printf("\nData options\n");
    for (size_t i = flags.own; i < flags.load; i++)
        print_flag(&flags.rows[i]);
    if (flags.count > flags.load)
        printf("\n%s\n", command->all_fit_options ? "Training options" : "As in training");
    for (size_t i = flags.load; i < flags.count; i++)
        print_flag(&flags.rows[i]);
    for (const char *const *text = command->details; text && *text; text++) {
        putchar('\n');
        print_wrapped(stdout, *text, 0, 0);
    }
    if (command->lists_catalog)
        print_catalog();
    if (command->lists_formats)
        print_formats();
    printf("\nExamples\n");
    for (const char *const *at = command->examples; at && at[0]; at += 2)
        printf("  %s\n      %s\n", at[0], at[1]);
    cli_flags_close(&flags);
    return CLI_SUCCESS;
}

void cli_print_overview(FILE *file)
{
    fprintf(file, "Usage: lamina COMMAND [OPTION]...\n\n"
                  "Trains and runs dense neural networks.\n\nCommands\n");
    for (const cli_command *const *at = cli_commands; *at; at++)
        print_entry(file, (*at)->name, (*at)->summary);
    print_entry(file, "help [COMMAND]", "Show this help, or the help of a command.");
    fprintf(file, "\nOptions\n");
    print_entry(file, "-h, --help", "show this help, or after a command the help of that command");
    print_entry(file, "-V, --version", "show the version and what it was built with");
    fprintf(file, "\nTo begin with\n"
                  "  lamina train spiral -o spiral.safetensors\n"
                  "  lamina evaluate spiral.safetensors spiral\n"
                  "  lamina inspect spiral.safetensors\n");
}

void cli_print_version(void)
{
    printf("lamina %s\n", lam_version());
    for (size_t i = 0; i < sizeof build_facts / sizeof *build_facts; i++) {
        const char *fact = lam_build_info(build_facts[i]);
        if (fact)
            printf("%-16s %s\n", build_facts[i], fact);
    }
}
