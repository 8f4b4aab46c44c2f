/* input_halves.c: the first layer in two halves of its inputs. */
#include "train/input_halves.h"

#include "train/panels.h"

void lam__input_halves_take(lam__workspace *workspace)
{
    if (!workspace->plan.split)
        return;
    lam__arena *arena = &workspace->arena;
    for (int h = 0; h < 2; h++) {
        const lam__half_plan *sizes = &workspace->plan.halves[h];
        lam__input_half *half = &workspace->halves[h];
        *half = (lam__input_half){.first = sizes->first, .cols = sizes->cols, .ldx = sizes->ldx};
        lam__arena_part(arena);
        half->x = lam__arena_take(arena, sizes->x, sizeof(float));
        if (!sizes->sums)
            continue;
        lam__arena_part(arena);
        half->sums = lam__arena_take(arena, sizes->sums, sizeof(float));
    }
    lam__arena_part(arena);
}

/* c[rows][ldy] = X W of one half or, with join, that much more. */
static void multiply(const lam__workspace *workspace, const float *parameters,
                     const lam__input_half *half, size_t first, size_t rows, float *c, bool join,
                     bool shared)
{
    const lam__products *products = workspace->products;
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
