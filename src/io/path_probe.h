/* path_probe.h: a look at a path before anything is read: what it is and how it begins. */
#ifndef LAMINA_PATH_PROBE_H
#define LAMINA_PATH_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lamina/status.h>

#define LAM__PLACE_HEAD 4096

typedef struct lam__path_probe {
    const char *path;
    bool exists, folder, file;           /* neither: a pipe, a device ... */
    uint64_t size;                       /* file: as stored */
    bool gzip;                           /* file: its bytes below are unpacked */
    unsigned char head[LAM__PLACE_HEAD]; /* file: its first bytes */
    size_t head_size;
} lam__path_probe;

/* Fails only where a path exists that cannot be looked at. Damaged gzip data end the head early. */
lam_status lam__path_probe_look(const char *path, lam__path_probe *place);

/* Whether the path, less an ending .gz, ends with one of the endings (".csv"), whatever the case;
 * `endings` ends with NULL. */
bool lam__path_probe_ends(const lam__path_probe *place, const char *const *endings);

/* Says what is there, for messages: "a folder with 3 entries: a, b, c", "a file of 12 bytes that
 * begins with 89 50 4e 47". */
void lam__path_probe_describe(const lam__path_probe *place, char *text, size_t size);

#endif
