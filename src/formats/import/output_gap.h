/* output_gap.h: how far the outputs of two networks are apart. */
#ifndef LAMINA_OUTPUT_GAP_H
#define LAMINA_OUTPUT_GAP_H

#include <math.h>

typedef struct lam__output_gap {
    double largest; /* absolute difference; infinite where one is infinite or either is NaN */
    double size;    /* the largest finite absolute output of the first network */
} lam__output_gap;

/* Takes one output of each. Equal infinities are no difference, and infinite outputs do not count
 * as size: beside them any other difference would vanish. */
static inline void lam__widen_gap(lam__output_gap *gap, double first, double second)
{
    const double difference = first == second ? 0.0 : fabs(first - second);
    if (!(difference <= gap->largest)) /* NaN is no agreement */
        gap->largest = isnan(difference) ? INFINITY : difference;
    if (isfinite(first))
        gap->size = fmax(gap->size, fabs(first));
}

#endif
