/* interval.c: how often something is due in training. */
#include "options/interval.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

/* The largest count. */
#define LAM__INTERVAL_MOST 1e9

static const char *const units[] = {"epoch", "step", "minute"};

/* "", "epoch", "epochs" ... */
static bool parse_unit(const char *text, lam__unit *unit)
{
    *unit = LAM__EVERY_EPOCH;
    if (text[0] == '\0')
        return true;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const size_t length = strlen(units[i]);
        if (strncmp(text, units[i], length) != 0 ||
            (strcmp(text + length, "") != 0 && strcmp(text + length, "s") != 0))
            continue;
        *unit = (lam__unit)i;
        return true;
    }
    return false;
}

lam_status lam__parse_interval(const char *text, lam__interval *interval)
{
    char number[32] = "";
    const size_t digits = text ? strspn(text, "0123456789.") : 0;
    bool good = digits > 0 && digits < sizeof number;
    if (good) {
        memcpy(number, text, digits);
        const char *unit = text + digits;
        good = lam__parse_double(number, &interval->count) &&
               parse_unit(unit + (unit[0] == ' ' && unit[1]), &interval->unit) &&
               interval->count > 0.0 && interval->count <= LAM__INTERVAL_MOST &&
               (interval->unit == LAM__EVERY_MINUTE ||
                (interval->count >= 1.0 && interval->count == floor(interval->count)));
    }
    if (good)
        return LAM_OK;
    return lam__fail(
        LAM_ERR_ARGUMENT,
        "'%.100s' is not an interval: expected a number of epochs, steps or minutes, such as "
        "'1 epoch', '100 steps' or '5 minutes'",
        text ? text : "");
}
