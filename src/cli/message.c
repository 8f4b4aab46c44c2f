/* message.c: messages on stderr, numbers and names for people. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "cli.h"

void cli_error(const char *format, ...)
{
    char raw[2048], plain[sizeof raw];
    va_list rest;
    va_start(rest, format);
    vsnprintf(raw, sizeof raw, format, rest);
    va_end(rest);
    cli_flush_output(); /* what came before stays before */
    fprintf(stderr, "lamina: %s\n", lam_printable(raw, plain, sizeof plain));
}

void cli_unknown(const char *kind, const char *word, const char *const *words, size_t count)
{
    const char *near = lam_nearest(word, words, count);
    if (near)
        cli_error("unknown %s '%s'; did you mean '%s'?", kind, word, near);
    else
        cli_error("unknown %s '%s'", kind, word);
}

int cli_failed(void)
{
    char message[1024];
    cli_error("%s", cli_spell_options(lam_error_message(), message, sizeof message));
    return CLI_FAILURE;
}

int cli_refused(void)
{
    const lam_status status = lam_error_status();
    cli_failed();
    return status == LAM_ERR_NAME || status == LAM_ERR_ARGUMENT ? CLI_USAGE : CLI_FAILURE;
}

static int reason; /* errno of the first failure of stdout */

bool cli_flush_output(void)
{
    errno = 0;
    const bool good = fflush(stdout) == 0;
    reason = good || reason ? reason : errno;
    return good;
}

int cli_finish_output(void)
{
    if (cli_flush_output() && !ferror(stdout))
        return CLI_SUCCESS;
    if (reason != EPIPE)
        cli_error("cannot write to standard output: %s", reason ? strerror(reason) : "write error");
    return CLI_FAILURE;
}

char *cli_format_count(size_t count, char *out, size_t size)
{
    char digits[24];
    const int length = snprintf(digits, sizeof digits, "%zu", count);
    size_t at = 0;
    for (int i = 0; i < length && at + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *cli_format_layer(const lam_model *model, size_t i, char *out, size_t size)
{
    char text[256];
    if (lam_model_layer_text(model, i, text, sizeof text) != LAM_OK)
        text[0] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == ':' ? ' ' : *c;
    return lam_printable(text, out, size);
}

char *cli_format_bytes(uint64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000.0;
        unit++;
    }
    snprintf(out, size, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}

char *cli_format_figure(double value, char *out, size_t size)
{
    const double magnitude = fabs(value);
    if (!isfinite(value))
        snprintf(out, size, isnan(value) ? "n/a" : value < 0 ? "-inf" : "inf");
    else if (magnitude != 0.0 && (magnitude < 1e-3 || magnitude >= 1e5))
        snprintf(out, size, "%.2e", value);
    else
        snprintf(out, size, "%.4f", value);
    return out;
}

bool cli_parse_u64(const char *text, uint64_t *value)
{
    uint64_t sum = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        const uint64_t digit = (uint64_t)(*text - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = 10 * sum + digit;
    }
    *value = sum;
    return true;
}

bool cli_parse_float(const char *text, float *value)
{
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    *value = strtof(text, &end);
    return *end == '\0' && isfinite(*value);
}
