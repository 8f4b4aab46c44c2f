/* plan_cuts.c: the sizes of a plan that were measured. */
#include "train/step_plan.h"

#include "base/memory.h"
#include "kernels/blas/gemm.h"
#include "kernels/products.h"

enum { LEAST_ROWS = 16, MOST_ROWS = 64 }; /* of a slab */

/* The natural height of the largest product of the BLAS. */
static size_t blas_rows(bool unpacked, const lam_model *model, size_t batch)
{
    size_t rows = LEAST_ROWS, largest = 0;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (!layer->type->multiplies || layer->in * layer->out <= largest)
            continue;
        largest = layer->in * layer->out;
        rows = lam__gemm_rows_nn(unpacked, layer->out, layer->in, batch);
    }
    return rows;
}

size_t lam__choose_slab_rows(const lam__step_plan *plan, const lam_model *model)
{
    enum { SLABS = 4 };
    const size_t batch = plan->request.batch;
    size_t rows = MOST_ROWS;
    if (!plan->machine.tiles)
        rows = blas_rows(plan->machine.blas_unpacked, model, batch);
    else if (lam__work_is_shared(model, batch))
        rows = lam__round_up(batch / SLABS, 8);
    rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
    return rows < batch ? rows : batch;
}

size_t lam__choose_most_slabs(const lam__step_plan *plan, const lam_model *model, bool shared)
{
    enum { LARGE = 1 << 18 }; /* weights */
    bool high = !shared;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        high = high || (layer->type->multiplies && layer->in * layer->out >= LARGE);
    }
    return plan->machine.tiles && high ? MOST_ROWS / plan->slab_rows : 1;
}

/* Inputs below which halves are too small to matter. */
enum { LEAST_INPUTS = 192 };

bool lam__halves_pay(const lam__layer *layer, size_t batch)
{
    /* what is no longer handed over, half of W and of X, is at least twice what is handed over
     * instead, the two sums */
    const double in = (double)layer->in, out = (double)layer->out, rows = (double)batch;
    return layer->type->multiplies && layer->in >= LEAST_INPUTS &&
           4.0 * rows * out <= in * (out + rows);
}

size_t lam__first_half(size_t in)
{
    enum { UNIT = 16 }; /* a whole number of lines of X and of vectors of a transposed panel */
    return in / 2 / UNIT * UNIT;
}

size_t lam__least_panel_rows(bool shared)
{
    enum { LEAST = 24, LEAST_SHARED = 16 };
    return shared ? LEAST_SHARED : LEAST;
}

/* Outputs below which one thread reads W itself as fast as panels of it. */
enum { LEAST_PACKED = 256 };

/* Outputs from which several threads read copies: narrower layers cost less to hand over than to
 * copy. */
enum { LEAST_SHARED = 64 };

bool lam__w_is_packed(const lam__step_plan *plan, const lam__stage_plan *stage)
{
    const size_t out = stage->layer->out;
    const bool shared = plan->shared && !stage->split;
    if (plan->request.few_rows)
        return out >= 2 * lam__product_limits_of(plan->machine.isa).panel;
    return plan->slab_rows >= plan->panel_rows && out >= (shared ? LEAST_SHARED : LEAST_PACKED);
}

bool lam__dy_is_packed(const lam__step_plan *plan, const lam__stage_plan *stage)
{
    const size_t least = lam__product_limits_of(plan->machine.isa).least_packed_gradient;
    return stage->layer->out >= (plan->shared ? LEAST_SHARED : least);
}

/* As many columns as have a dL/dz that stays in a cache from one slab of rows to the next, beside
 * all else. */
size_t lam__block_columns(const lam__plan_machine *machine, const lam__layer *layer, size_t batch)
{
    enum { LEAST_PANELS = 4 };
    if (!layer->type->multiplies || !machine->tiles)
        return layer->out;
    const lam__product_limits limits = lam__product_limits_of(machine->isa);
    const size_t panels = (layer->out + limits.panel - 1) / limits.panel;
    size_t most = limits.most_gradient / batch / limits.panel;
    most = most < LEAST_PANELS ? LEAST_PANELS : most;
    const size_t blocks = (panels + most - 1) / most; /* equal shares */
    const size_t cols = (panels + blocks - 1) / blocks * limits.panel;
    return cols < layer->out ? cols : layer->out;
}

/* With tiles: the gradient of a block, its weights and two moments fit in the second-level cache,
 * and there are four slabs of rows, for balance, both as far as that leaves UNIT rows. */
static size_t tile_rows(const lam__layer *layer, size_t cols)
{
    enum { MOST = 96, FLOATS = 32768 };
    enum { UNIT = 48 };    /* whole tiles, and whole vectors of a transposed panel */
    enum { SMALL = 8192 }; /* weights of a layer that is one task */
    if (layer->in * layer->out < SMALL)
        return layer->in;
    size_t rows = FLOATS / cols;
    rows = rows > layer->in / 4 ? layer->in / 4 : rows;
    rows = rows > MOST ? MOST : rows;
    rows = rows < UNIT ? UNIT : rows / UNIT * UNIT;
    return rows < layer->in ? rows : layer->in;
}

/* With the BLAS: the natural height of the product, at most a share of the rows that leaves work
 * for several threads. */
size_t lam__block_rows(const lam__plan_machine *machine, const lam__layer *layer, size_t batch)
{
    enum { MOST = 128 };
    if (!layer->type->multiplies)
        return layer->weight_rows;
    if (machine->tiles)
        return tile_rows(layer, lam__block_columns(machine, layer, batch));
    const size_t most = layer->in < MOST ? layer->in : MOST;
    size_t rows = lam__gemm_rows_tn(machine->blas_unpacked, layer->out, batch, most);
    const size_t slabs = (layer->in + rows - 1) / rows;
    rows = (layer->in + slabs - 1) / slabs; /* equal shares */
    rows = lam__round_up(rows, 8);
    return rows < layer->in ? rows : layer->in;
}

/* The least multiply-adds of a layer on which several threads gain more than they cost. */
#define LEAST_SHARED_LAYER 1e5

/* A task computes four panels, which a row reads side by side; of a layer that has no more two, so
 * that a second thread has something to do. */
lam__column_cut lam__cut_columns(const lam__plan_machine *machine, const lam__layer *layer,
                                 size_t rows)
{
    const double work = (double)rows * (double)layer->in * (double)layer->out;
    if (work < LEAST_SHARED_LAYER || !machine->tiles || !lam__dense_has_columns(layer))
        return (lam__column_cut){1, layer->out};
    const size_t panel = lam__product_limits_of(machine->isa).panel;
    const size_t width = (layer->out > 4 * panel ? 4 : 2) * panel;
    return (lam__column_cut){(layer->out + width - 1) / width, width};
}
