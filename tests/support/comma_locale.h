/* comma_locale.h: a locale that writes 1,5 for one and a half, for tests that must not care. */
#ifndef LAMINA_TEST_COMMA_LOCALE_H
#define LAMINA_TEST_COMMA_LOCALE_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "scratch.h"

/* Enters one that is installed, or one made with localedef in a temporary folder; false where
 * neither can be had. LC_ALL is "C" again after setlocale(LC_ALL, "C"). */
static inline bool comma_locale_enter(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    char folder[256], command[640];
    bool entered = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !entered; i++)
        entered = setlocale(LC_ALL, names[i]) != NULL;
    if (!entered) {
        scratch_make(folder);
        snprintf(command, sizeof command,
                 "localedef -i de_DE -f UTF-8 '%s/lamina_comma' >/dev/null 2>&1", folder);
        if (system(command) == 0 && setenv("LOCPATH", folder, 1) == 0)
            entered = setlocale(LC_ALL, "lamina_comma") != NULL;
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        if (system(command) != 0)
            return false;
    }
    return entered && localeconv()->decimal_point[0] == ',';
}

#endif
