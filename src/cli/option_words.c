/* option_words.c: names of options in the library's messages, as they are given to the command. */
#include <ctype.h>
#include <string.h>

#include "cli.h"

static const cli_command *command; /* whose options are spelled */

void cli_spell_for(const cli_command *running)
{
    command = running;
}

/* The library's name of an option at the start of the text, its length in *length; NULL for none.
 */
static const cli_flag *option_at(const cli_flags *flags, const char *text, size_t *length)
{
    *length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    for (size_t i = 0; i < flags->count; i++) {
        const char *name = flags->rows[i].name;
        bool same = strlen(name) == *length;
        for (size_t k = 0; same && k < *length; k++)
            same = text[k] == name[k] || (text[k] == '_' && name[k] == '-');
        if (same)
            return &flags->rows[i];
    }
    return NULL;
}

static bool starts_with_any(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(text, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* Whether the word text[at .. at + length - 1], which is an option's name, means the option. Names
 * with an underscore are no words of English. Others are where they begin what is said: at the
 * start of the message, after the name of a file, after a semicolon. */
static bool means_option(const char *text, size_t at, size_t length, size_t last)
{
    if (last && (strncmp(text + last, ", ", at - last) == 0 ||
                 strncmp(text + last, " and ", at - last) == 0))
        return true; /* the next of a list */
    static const char *const said[] = {" has no effect", " is ",   " must be ",
                                       " names ",        " says ", " leaves "};
    const char *after = text + at + length;
    const bool begins =
        at >= 2 && (memcmp(text + at - 2, ": ", 2) == 0 || memcmp(text + at - 2, "; ", 2) == 0);
    if (memchr(text + at, '_', length) && (at == 0 || strchr(" (", text[at - 1])) &&
        (!*after || strchr(" ,;.)", *after) || (at > 0 && *after == ':')))
        return true;
    return ((at == 0 || begins) && starts_with_any(after, said, sizeof said / sizeof *said)) ||
           (begins && text[at - 2] == ':' && strncmp(after, ": ", 2) == 0);
}

const char *cli_spell_options(const char *message, char *out, size_t size)
{
    cli_flags flags;
    size_t used = 0, last = 0; /* where an option ended */
    bool inside = false;       /* quotes: what a user or a file has named */
    if (!command || !cli_flags_open(&flags, command, 0)) {
        snprintf(out, size, "%s", message);
        return out;
    }
    for (size_t at = 0; message[at] && used + 1 < size;) {
        size_t length = 0;
        const bool starts = at == 0 || !isalnum((unsigned char)message[at - 1]);
        if (message[at] == '\'')
            inside = inside ? isalnum((unsigned char)message[at + 1]) : starts;
        if (!inside && starts && option_at(&flags, message + at, &length) &&
            means_option(message, at, length, last) && used + length + 3 < size) {
            out[used++] = '-';
            out[used++] = '-';
            for (; length > 0; length--, at++)
                out[used++] = message[at] == '_' ? '-' : message[at];
            last = at;
        } else {
            out[used++] = message[at++];
        }
    }
    out[used] = '\0';
    cli_flags_close(&flags);
    return out;
}
