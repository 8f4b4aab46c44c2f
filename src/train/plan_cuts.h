/* plan_cuts.h: the sizes of a plan that were measured: how high, how wide, from what size on. For
 * step_plan.c alone. */
#ifndef LAMINA_PLAN_CUTS_H
#define LAMINA_PLAN_CUTS_H

#include "train/step_plan.h"

/* The height of a slab of rows: enough slabs for several threads where there is work for them, and
 * enough rows for a product to be worth its call. */
size_t lam__choose_slab_rows(const lam__step_plan *plan, const lam_model *model);

/* The most slabs of one task: as many as make 64 rows on one thread; on several, which balance
 * better with small tasks, only where a layer has so many weights that they do not stay in a
 * second-level cache from one task to the next. The library's own products alone give a row the
 * same bits in tasks of any height. */
size_t lam__choose_most_slabs(const lam__step_plan *plan, const lam_model *model, bool shared);

/* Whether a first layer in halves hands over at most half as much as it does whole, and where its
 * inputs are cut. */
bool lam__halves_pay(const lam__layer *layer, size_t batch);
size_t lam__first_half(size_t in);

/* From how many rows on products read W from panels, where there are any that have to be kept as W:
 * few rows of one thread are faster from W itself. */
size_t lam__least_panel_rows(bool shared);

/* Whether W of a stage, and its dL/dz, are kept in panels; products in tiles only. */
bool lam__w_is_packed(const lam__step_plan *plan, const lam__stage_plan *stage);
bool lam__dy_is_packed(const lam__step_plan *plan, const lam__stage_plan *stage);

/* Columns and rows of a block of W in phase 2. */
size_t lam__block_columns(const lam__plan_machine *machine, const lam__layer *layer, size_t batch);
size_t lam__block_rows(const lam__plan_machine *machine, const lam__layer *layer, size_t batch);

#endif
