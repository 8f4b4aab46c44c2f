/* fingerprint.h: what tells one data set from another. */
#ifndef LAMINA_FINGERPRINT_H
#define LAMINA_FINGERPRINT_H

#include <lamina/dataset.h>

#include <stdint.h>

typedef struct lam__fingerprint {
    size_t samples, features;
    const char *type;        /* "uint8", "float32" */
    size_t classes, outputs; /* of labels, of target rows; else 0 */
    size_t window;           /* within which an epoch is shuffled, 0: in any order */
    size_t rows_read;        /* samples whose values are in the checksum */
    uint32_t crc;            /* CRC-32C of those, all labels and all target rows */
} lam__fingerprint;

/* Of samples in memory up to 256 MiB every value counts, of others 1024 samples spread evenly, of
 * those read from front to back within the first window. */
lam_status lam__fingerprint_take(const lam_dataset *data, lam__fingerprint *print);

#endif
