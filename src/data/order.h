/* order.h: the order of the samples of an epoch. */
#ifndef LAMINA_ORDER_H
#define LAMINA_ORDER_H

#include "data/source.h"

/* Fills order[n] with the samples rows[n], ascending (NULL: 0 .. n - 1), in the order of an epoch
 * (from 0): a function of (seed, epoch) alone. Data that come in windows are shuffled within each.
 */
void lam__order_rows(const lam_dataset *data, const uint32_t *rows, size_t n, bool shuffle,
                     uint64_t seed, uint64_t epoch, uint32_t *order);

#endif
