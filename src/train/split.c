/* split.c: the first layer in two halves of its inputs. */
#include "train/split.h"

#include "kernels/products.h"
#include "train/engine.h"
#include "train/panels.h"

/* Inputs below which halves are too small to matter. */
enum { LEAST_INPUTS = 192 };

/* The rows of W in the first half are a multiple of this: a whole number of lines of X and of
 * vectors of a transposed panel. */
enum { UNIT = 16 };

/* Whether what is no longer handed over, half of W and of X, is at least twice what is handed over
 * instead, the two sums. */
static bool pays(size_t in, size_t out, size_t batch)
{
    return 4.0 * (double)batch * (double)out <= (double)in * ((double)out + (double)batch);
}

void lam__split_plan(lam__chain *chain, const lam_model *model)
{
    const lam__layer *layer = chain->stages[0].layer;
    const size_t batch = chain->use.batch;
    chain->split = chain->use.training && !chain->use.whole_rows && lam__products_chosen() &&
                   layer->type->multiplies && layer->in >= LEAST_INPUTS &&
                   pays(layer->in, layer->out, batch) && lam__engine_shares(model, batch);
    if (!chain->split)
        return;
    const size_t cut = layer->in / 2 / UNIT * UNIT;
    chain->halves[0] = (lam__half){.cols = cut};
    chain->halves[1] = (lam__half){.first = cut, .cols = layer->in - cut};
}

void lam__split_take(lam__chain *chain)
{
    if (!chain->split)
        return;
    lam__arena *arena = &chain->arena;
    for (int h = 0; h < 2; h++) {
        lam__half *half = &chain->halves[h];
        half->ldx = lam__row_length(half->cols);
        lam__arena_part(arena);
        half->x = lam__arena_take(arena, chain->use.batch * half->ldx, sizeof(float));
        if (!chain->use.shared)
            continue;
        lam__arena_part(arena);
        half->sums = lam__arena_take(arena, chain->use.batch * chain->stages[0].ldy, sizeof(float));
    }
    lam__arena_part(arena);
}

/* c[rows][ldy] = X W of one half or, with join, that much more. */
static void multiply(const lam__chain *chain, const float *parameters, const lam__half *half,
                     size_t first, size_t rows, float *c, bool join, bool shared)
{
    const lam__products *products = lam__products_chosen();
    const lam__stage *stage = chain->stages;
    const lam__layer *layer = stage->layer;
    const bool packed = stage->panels && lam__panels_serve(chain, rows);
    products->rows(&(lam__product){
        .m = rows,
        .n = layer->out,
        .k = half->cols,
        .a = half->x + first * half->ldx,
        .lda = half->ldx,
        .b = packed ? stage->panels + half->first * products->panel
                    : parameters + layer->weight + half->first * layer->out,
        .ldb = packed ? products->panel : layer->out,
        .panel_step = products->panel * (packed ? layer->in : 1),
        .c = c,
        .ldc = stage->ldy,
        .join = join,
        .past_caches = shared && lam__chain_past_caches(chain),
    });
}

void lam__split_multiply(const lam__chain *chain, const float *parameters, const lam__half *half,
                         size_t first, size_t rows, bool shared)
{
    multiply(chain, parameters, half, first, rows, half->sums + first * chain->stages[0].ldy, false,
             shared);
}

/* y[rows][ldy] = the sum of the halves' sums. */
static void add_sums(const lam__chain *chain, size_t first, size_t rows, float *restrict y)
{
    const size_t out = chain->stages[0].layer->out, ld = chain->stages[0].ldy;
    for (size_t r = 0; r < rows; r++) {
        const float *a = chain->halves[0].sums + (first + r) * ld;
        const float *b = chain->halves[1].sums + (first + r) * ld;
        for (size_t c = 0; c < out; c++)
            y[r * ld + c] = a[c] + b[c];
    }
}

void lam__split_forward(const lam__chain *chain, const float *parameters, const lam__slab *slab)
{
    if (chain->sharing)
        add_sums(chain, slab->first, slab->rows, slab->y);
    else
        for (int h = 0; h < 2; h++)
            multiply(chain, parameters, &chain->halves[h], slab->first, slab->rows, slab->y, h > 0,
                     false);
    lam__dense_activate(chain->stages[0].layer, parameters, slab);
}
