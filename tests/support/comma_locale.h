/* comma_locale.h: a locale that writes 1,5 for one and a half, for tests that must not care. */
#ifndef LAMINA_TEST_COMMA_LOCALE_H
#define LAMINA_TEST_COMMA_LOCALE_H

#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "scratch.h"

/* Writes folder/lam_comma/LC_NUMERIC, a glibc locale category with a comma as decimal point: the
 * machine may have no such locale installed. Layout: glibc, locale/loadlocale.c: magic number,
 * count, offsets, then decimal point, thousands separator, grouping, both as wide characters, and
 * the character set. */
static inline void comma_locale_write(const char *folder)
{
    struct {
        uint32_t magic, count, offset[6];
        char strings[8];
        uint32_t wide[2];
        char charset[8];
    } file = {0x20031115 ^ LC_NUMERIC, 6,        {32, 34, 35, 40, 44, 48},
              {',', 0, 0, 0x7F, 0},    {',', 0}, "UTF-8"};
    char path[512];
    if (mkdir(scratch_path(folder, "lam_comma", path), 0700) != 0)
        abort();
    scratch_write(scratch_path(folder, "lam_comma/LC_NUMERIC", path), &file, sizeof file);
}

/* Sets a locale with a decimal comma for the process, one that is installed or one made here; false
 * when there is none to be had. setlocale(LC_ALL, "C") leaves it. */
static inline bool comma_locale_enter(void)
{
    static const char *const installed[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof installed / sizeof *installed; i++)
        if (setlocale(LC_ALL, installed[i]))
            return true;
    char folder[256], path[512];
    scratch_make(folder);
    comma_locale_write(folder);
    setenv("LOCPATH", folder, 1);
    const bool entered = setlocale(LC_NUMERIC, "lam_comma") != NULL;
    unlink(scratch_path(folder, "lam_comma/LC_NUMERIC", path));
    rmdir(scratch_path(folder, "lam_comma", path));
    rmdir(folder);
    return entered;
}

#endif
