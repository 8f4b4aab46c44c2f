/* interval.h: how often something is due in training. */
#ifndef LAMINA_INTERVAL_H
#define LAMINA_INTERVAL_H

#include <lamina/status.h>

typedef enum lam__unit { LAM__EVERY_EPOCH, LAM__EVERY_STEP, LAM__EVERY_MINUTE } lam__unit;

typedef struct lam__interval {
    double count; /* whole for epochs and steps */
    lam__unit unit;
} lam__interval;

/* Reads "2 epochs", "100 steps" or "0.5 minutes" (also without the blank or the s; a number alone
 * counts epochs). LAM_ERR_ARGUMENT for anything else. */
lam_status lam__parse_interval(const char *text, lam__interval *interval);

#endif
