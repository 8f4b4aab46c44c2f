/* table.h: the tables of the instruction sets that are built. */
#ifndef LAMINA_TABLE_H
#define LAMINA_TABLE_H

#include "kernels.h"
#include "products.h"

extern const lam__kernels lam__kernels_baseline;
extern const lam__kernels lam__kernels_avx2;
extern const lam__kernels lam__kernels_avx512;

extern const lam__products lam__products_baseline;
extern const lam__products lam__products_avx2;
extern const lam__products lam__products_avx512;

#endif
