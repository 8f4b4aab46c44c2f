/* input_halves.c: the first layer in two halves of its inputs. */
#include "train/input_halves.h"

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

void lam__input_halves_plan(lam__workspace *workspace, const lam_model *model)
{
    const lam__layer *layer = workspace->stages[0].layer;
    const size_t batch = workspace->use.batch;
    workspace->split = workspace->use.training && !workspace->use.whole_rows &&
                       lam__products_chosen() && layer->type->multiplies &&
                       layer->in >= LEAST_INPUTS && pays(layer->in, layer->out, batch) &&
                       lam__engine_shares(model, batch);
    if (!workspace->split)
        return;
    const size_t cut = layer->in / 2 / UNIT * UNIT;
    workspace->halves[0] = (lam__input_half){.cols = cut};
    workspace->halves[1] = (lam__input_half){.first = cut, .cols = layer->in - cut};
}

void lam__input_halves_take(lam__workspace *workspace)
{
    if (!workspace->split)
        return;
    lam__arena *arena = &workspace->arena;
    for (int h = 0; h < 2; h++) {
        lam__input_half *half = &workspace->halves[h];
        half->ldx = lam__row_length(half->cols);
        lam__arena_part(arena);
        half->x = lam__arena_take(arena, workspace->use.batch * half->ldx, sizeof(float));
        if (!workspace->use.shared)
            continue;
        lam__arena_part(arena);
        half->sums =
            lam__arena_take(arena, workspace->use.batch * workspace->stages[0].ldy, sizeof(float));
    }
    lam__arena_part(arena);
}

/* c[rows][ldy] = X W of one half or, with join, that much more. */
static void multiply(const lam__workspace *workspace, const float *parameters,
                     const lam__input_half *half, size_t first, size_t rows, float *c, bool join,
                     bool shared)
{
    const lam__products *products = lam__products_chosen();
    const lam__stage *stage = workspace->stages;
    const lam__layer *layer = stage->layer;
    const bool packed = stage->panels && lam__panels_serve(workspace, rows);
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
        .past_caches = shared && lam__workspace_streaming_stores(workspace),
    });
}

void lam__input_halves_multiply(const lam__workspace *workspace, const float *parameters,
                                const lam__input_half *half, size_t first, size_t rows, bool shared)
{
    multiply(workspace, parameters, half, first, rows,
             half->sums + first * workspace->stages[0].ldy, false, shared);
}

/* y[rows][ldy] = the sum of the halves' sums. */
static void add_sums(const lam__workspace *workspace, size_t first, size_t rows, float *restrict y)
{
    const size_t out = workspace->stages[0].layer->out, ld = workspace->stages[0].ldy;
    for (size_t r = 0; r < rows; r++) {
        const float *a = workspace->halves[0].sums + (first + r) * ld;
        const float *b = workspace->halves[1].sums + (first + r) * ld;
        for (size_t c = 0; c < out; c++)
            y[r * ld + c] = a[c] + b[c];
    }
}

void lam__input_halves_forward(const lam__workspace *workspace, const float *parameters,
                               const lam__slab *slab)
{
    if (workspace->sharing)
        add_sums(workspace, slab->first, slab->rows, slab->y);
    else
        for (int h = 0; h < 2; h++)
            multiply(workspace, parameters, &workspace->halves[h], slab->first, slab->rows, slab->y,
                     h > 0, false);
    lam__dense_activate(workspace->stages[0].layer, parameters, slab);
}
