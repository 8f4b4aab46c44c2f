/* args.c: the table-driven parser of command lines. */
#include "args.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "cli.h"

enum { LONGEST_NAME = 64 };

/* '_' and '-' are the same in names of options: learning_rate, learning-rate. */
static bool same_name(const char *a, const char *b, size_t length)
{
    if (strlen(a) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((a[i] == '_' ? '-' : a[i]) != (b[i] == '_' ? '-' : b[i]))
            return false;
    return true;
}

static bool is_among(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (same_name(*names, name, strlen(name)))
            return true;
    return false;
}

static bool wanted(const cli_command *command, cli_kind kind, const char *name)
{
    if (kind == CLI_LOAD)
        return !is_among(command->without, name);
    return command->all_fit_options || is_among(command->fit_options, name);
}

static cli_flag *find(const cli_flags *flags, const char *name, size_t length)
{
    for (size_t i = 0; i < flags->count; i++) {
        cli_flag *flag = &flags->rows[i];
        if (same_name(flag->name, name, length) ||
            (flag->alias && same_name(flag->alias, name, length)))
            return flag;
    }
    return NULL;
}

/* Adds the rows of a list of the library. */
static void add_options(cli_flags *flags, const cli_command *command, lam_catalog_kind list,
                        cli_kind kind, size_t offset)
{
    for (size_t i = 0; i < lam_catalog_size(list); i++) {
        lam_catalog_entry entry;
        if (lam_catalog(list, i, &entry) != LAM_OK || !wanted(command, kind, entry.name) ||
            find(flags, entry.name, strlen(entry.name))) /* the command's own words for it */
            continue;
        flags->rows[flags->count++] = (cli_flag){
            .name = entry.name,
            .alias = entry.alias,
            .argument = entry.argument,
            .help = entry.help,
            .default_value = entry.default_value,
            .kind = kind,
            .offset = offset,
        };
    }
}

bool cli_flags_open(cli_flags *flags, const cli_command *command, size_t fit_offset)
{
    const size_t options = lam_catalog_size(LAM_FIT_OPTION) + lam_catalog_size(LAM_LOAD_OPTION);
    flags->rows = calloc(command->flag_count + options + 1, sizeof *flags->rows);
    flags->count = flags->own = flags->load = 0;
    if (!flags->rows) {
        cli_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < command->flag_count; i++)
        flags->rows[flags->count++] = command->flags[i];
    flags->own = flags->count;
    if (command->load_options)
        add_options(flags, command, LAM_LOAD_OPTION, CLI_LOAD, command->load_offset);
    flags->load = flags->count;
    add_options(flags, command, LAM_FIT_OPTION, CLI_FIT, fit_offset);
    return true;
}

void cli_flags_close(cli_flags *flags)
{
    free(flags->rows);
    flags->rows = NULL;
}

bool cli_was_given(const cli_flags *flags, const char *name)
{
    const cli_flag *flag = find(flags, name, strlen(name));
    return flag && flag->given;
}

/* "unknown option '--epoch'; did you mean '--epochs'?" */
static int unknown_option(const cli_flags *flags, const char *name, size_t length)
{
    const size_t most = 2 * flags->count + 1;
    char(*text)[LONGEST_NAME] = calloc(most, sizeof *text);
    const char **words = calloc(most, sizeof *words);
    char word[2 * LONGEST_NAME];
    size_t count = 0;
    snprintf(word, sizeof word, "--%.*s", (int)length, name);
    for (size_t i = 0; text && words && i < flags->count; i++)
        for (int alias = 0; alias < 2; alias++) {
            const char *known = alias ? flags->rows[i].alias : flags->rows[i].name;
            if (!known)
                continue;
            snprintf(text[count], LONGEST_NAME, "--%s", known);
            for (char *c = text[count]; *c; c++)
                *c = *c == '_' ? '-' : *c;
            words[count] = text[count];
            count++;
        }
    if (text && words && count < most)
        words[count++] = "--help";
    cli_unknown("option", word, words, count);
    free(text);
    free(words);
    return CLI_USAGE;
}

static int set_split(const char *text, lam_split *split)
{
    static const char *const words[] = {"train", "test"};
    static const lam_split splits[] = {LAM_SPLIT_TRAIN, LAM_SPLIT_TEST};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i]) == 0) {
            *split = splits[i];
            return CLI_SUCCESS;
        }
    if (lam_nearest(text, words, sizeof words / sizeof *words))
        cli_unknown("split", text, words, sizeof words / sizeof *words);
    else
        cli_error("unknown split '%s'; known: train, test", text);
    return CLI_USAGE;
}

/* The library's message, with the option in front where it does not name it. */
static int refuse_value(const cli_flag *flag)
{
    char message[1024], name[LONGEST_NAME];
    snprintf(name, sizeof name, "--%s", flag->name);
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : *c;
    cli_spell_options(lam_error_message(), message, sizeof message);
    if (strncmp(message, name, strlen(name)) == 0)
        cli_error("%s", message);
    else
        cli_error("%s: %s", name, message);
    return CLI_USAGE;
}

/* Reads one value where the flag wants it; a bare switch is "true". */
static int set_value(cli_flag *flag, const char *text, void *values)
{
    char *const at = (char *)values + flag->offset;
    uint64_t number = 0;
    flag->given = true;
    switch (flag->kind) {
    case CLI_SWITCH:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            cli_error("--%s is a switch: '%s' is neither true nor false", flag->name, text);
            return CLI_USAGE;
        }
        *(bool *)at = strcmp(text, "true") == 0;
        return CLI_SUCCESS;
    case CLI_TEXT:
        *(const char **)at = text;
        return CLI_SUCCESS;
    case CLI_COUNT:
    case CLI_SEED:
        if (!cli_parse_u64(text, &number) || (flag->kind == CLI_COUNT && number > SIZE_MAX)) {
            cli_error("--%s takes a whole number, not '%s'", flag->name, text);
            return CLI_USAGE;
        }
        if (flag->kind == CLI_COUNT)
            *(size_t *)at = (size_t)number;
        else
            *(uint64_t *)at = number;
        return CLI_SUCCESS;
    case CLI_SPLIT:
        return set_split(text, (lam_split *)at);
    case CLI_LOAD:
        return lam_load_options_set((lam_load_options *)at, flag->name, text) == LAM_OK
                   ? CLI_SUCCESS
                   : refuse_value(flag);
    case CLI_FIT:
        break;
    }
    return lam_fit_options_set((lam_fit_options *)at, flag->name, text) == LAM_OK
               ? CLI_SUCCESS
               : refuse_value(flag);
}

/* --name, --name=value, --name value, --no-name. *i is the word's place in argv. */
static int parse_long(cli_flags *flags, int argc, char **argv, int *i, void *values)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    const size_t length = equals ? (size_t)(equals - name) : strlen(name);
    cli_flag *flag = find(flags, name, length);
    if (!flag && !equals && strncmp(name, "no-", 3) == 0) {
        flag = find(flags, name + 3, length - 3);
        if (flag && !flag->argument)
            return set_value(flag, "false", values);
        flag = NULL;
    }
    if (!flag)
        return unknown_option(flags, name, length);
    if (equals)
        return set_value(flag, equals + 1, values);
    if (!flag->argument)
        return set_value(flag, "true", values);
    if (*i + 1 >= argc) {
        cli_error("option '--%s' needs a value: %s", flag->name, flag->argument);
        return CLI_USAGE;
    }
    return set_value(flag, argv[++*i], values);
}

/* -o FILE, -oFILE, -q. */
static int parse_short(cli_flags *flags, int argc, char **argv, int *i, void *values)
{
    const char *word = argv[*i];
    for (size_t f = 0; f < flags->count; f++) {
        cli_flag *flag = &flags->rows[f];
        if (flag->letter != word[1])
            continue;
        if (!flag->argument && !word[2])
            return set_value(flag, "true", values);
        if (!flag->argument)
            break;
        if (word[2])
            return set_value(flag, word + 2, values);
        if (*i + 1 >= argc) {
            cli_error("option '-%c' needs a value: %s", flag->letter, flag->argument);
            return CLI_USAGE;
        }
        return set_value(flag, argv[++*i], values);
    }
    cli_error("unknown option '%s'", word);
    return CLI_USAGE;
}

int cli_parse(cli_flags *flags, int argc, char **argv, void *values, int *operands)
{
    bool only_operands = false;
    *operands = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int status = CLI_SUCCESS;
        if (only_operands || word[0] != '-' || !word[1])
            argv[(*operands)++] = argv[i];
        else if (strcmp(word, "--") == 0)
            only_operands = true;
        else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
            return CLI_HELP;
        else if (word[1] == '-')
            status = parse_long(flags, argc, argv, &i, values);
        else
            status = parse_short(flags, argc, argv, &i, values);
        if (status != CLI_SUCCESS)
            return status;
    }
    return CLI_SUCCESS;
}

int cli_read_arguments(const cli_command *command, size_t fit_offset, int argc, char **argv,
                       void *values, int *operands)
{
    cli_flags flags;
    if (!cli_flags_open(&flags, command, fit_offset))
        return CLI_FAILURE;
    const int status = cli_parse(&flags, argc, argv, values, operands);
    cli_flags_close(&flags);
    return status;
}
