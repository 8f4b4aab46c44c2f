/* main.c: the command lamina: finds the command named and runs it. */
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <lamina/lamina.h>

#include "cli.h"
#include "signals.h"
#include "usage.h"

const cli_command *const cli_commands[] = {&cli_train,   &cli_data,    &cli_evaluate, &cli_predict,
                                           &cli_inspect, &cli_convert, NULL};

static const cli_command *find_command(const char *name)
{
    for (const cli_command *const *at = cli_commands; *at; at++)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *words[sizeof cli_commands / sizeof *cli_commands + 3];
    size_t count = 0;
    for (const cli_command *const *at = cli_commands; *at; at++)
        words[count++] = (*at)->name;
    words[count++] = "help";
    words[count++] = "--help";
    words[count++] = "--version";
    cli_unknown(name[0] == '-' ? "option" : "command", name, words, count);
    fprintf(stderr, "Try 'lamina --help'.\n");
    return CLI_USAGE;
}

/* "help train" and "--version" take nothing more. */
static int check_no_more(int argc, char **argv, int taken)
{
    if (argc <= taken)
        return CLI_SUCCESS;
    cli_error("'%s' takes no arguments, but got '%s'", argv[taken - 1], argv[taken]);
    return CLI_USAGE;
}

static int help(int argc, char **argv)
{
    if (check_no_more(argc, argv, 2) != CLI_SUCCESS)
        return CLI_USAGE;
    if (argc < 2) {
        cli_print_overview(stdout);
        return CLI_SUCCESS;
    }
    const cli_command *command = find_command(argv[1]);
    return command ? cli_print_help(command) : unknown_command(argv[1]);
}

/* An instruction set that this machine lacks is a wish that cannot be met: to be told. */
static void tell_instruction_set(void)
{
    const char *wish = getenv("LAMINA_CPU"), *used = lam_build_info("instruction_set");
    if (wish && *wish && strcmp(wish, used) != 0)
        cli_error("LAMINA_CPU=%s: this machine does not have it; using %s", wish, used);
}

static int run_command(const cli_command *command, int argc, char **argv)
{
    cli_spell_for(command);
    const int status = command->run(command, argc, argv);
    if (status == CLI_HELP)
        return cli_print_help(command);
    if (status == CLI_USAGE)
        fprintf(stderr, "Try 'lamina %s --help'.\n", command->name);
    return status;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        cli_print_overview(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (lam_check_environment() != LAM_OK)
        return cli_refused();
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        const int status = check_no_more(argc, argv, 2);
        if (status == CLI_SUCCESS)
            cli_print_version();
        return status;
    }
    const cli_command *command = find_command(word);
    if (!command)
        return unknown_command(word);
    tell_instruction_set();
    return run_command(command, argc - 1, argv + 1);
}

/* Blocks of 2 MB and more go back to the system when they are released. glibc stops that once such
 * a block has been released, up to 32 MB: what a file is read through then stays in the process. */
static void return_large_blocks(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 2 << 20);
#endif
}

int main(int argc, char **argv)
{
    return_large_blocks();
    cli_prepare_process();
    int status = run(argc, argv);
    const int output = cli_finish_output();
    if (status > CLI_BY_SIGNAL)
        cli_end_by_signal(status - CLI_BY_SIGNAL);
    if (status == CLI_SUCCESS)
        status = output;
    cli_end_without_waiting(status);
    return status;
}
