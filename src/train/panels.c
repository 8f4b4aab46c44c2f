/* panels.c: copies of matrices in the order in which products read them. */
#include "train/panels.h"

#include "kernels/products.h"
#include "train/input_halves.h"

/* Outputs below which one thread reads W itself as fast as panels of it. */
enum { LEAST_PACKED = 256 };

/* Outputs from which several threads read copies: narrower layers cost less to hand over than to
 * copy. */
enum { LEAST_SHARED = 64 };

/* Whether a workspace keeps W in panels. */
static bool wants_w(const lam__workspace *workspace, const lam__stage *stage,
                    const lam__products *products)
{
    const lam__layer *layer = stage->layer;
    const bool shared = workspace->use.shared && !lam__input_halves_pay(workspace, stage);
    if (workspace->use.few_rows)
        return layer->out >= 2 * products->panel;
    return lam__panels_serve(workspace, workspace->use.slab) &&
           layer->out >= (shared ? LEAST_SHARED : LEAST_PACKED);
}

void lam__panels_take(lam__workspace *workspace, lam__stage *stage, bool with_dx)
{
    const lam__products *products = lam__products_chosen();
    const lam__layer *layer = stage->layer;
    const size_t batch = workspace->use.batch;
    lam__arena *arena = &workspace->arena;
    if (!products || !layer->type->multiplies)
        return;
    if (wants_w(workspace, stage, products))
        stage->panels = lam__arena_take(arena, lam__panels_floats(products, layer->in, layer->out),
                                        sizeof(float));
    if (with_dx)
        stage->panels_transposed = lam__arena_take(
            arena, lam__panels_floats(products, layer->out, layer->in), sizeof(float));
    const size_t least = workspace->use.shared ? LEAST_SHARED : products->least_packed_gradient;
    if (workspace->use.training && layer->out >= least)
        stage->dy_panels =
            lam__arena_take(arena, lam__panels_floats(products, batch, layer->out), sizeof(float));
}

void lam__panels_of_w(const lam__workspace *workspace, const lam__stage *stage,
                      const float *parameters, size_t first, size_t rows, size_t first_col,
                      size_t cols)
{
    const lam__products *products = lam__products_chosen();
    const lam__layer *layer = stage->layer;
    if (!stage->panels && !stage->panels_transposed)
        return;
    lam__packing packing = {.in = layer->in,
                            .out = layer->out,
                            .w = parameters + layer->weight,
                            .ldw = layer->out,
                            .first = first,
                            .rows = rows,
                            .first_col = first_col,
                            .cols = cols,
                            .past_caches = lam__workspace_streaming_stores(workspace) &&
                                           !lam__input_halves_pay(workspace, stage)};
    packing.panels = stage->panels;
    if (packing.panels)
        products->pack(&packing);
    packing.panels = stage->panels_transposed;
    if (packing.panels)
        products->pack_transposed(&packing);
}

void lam__panels_of_dy(const lam__workspace *workspace, const lam__stage *stage, size_t first,
                       size_t rows)
{
    const lam__products *products = lam__products_chosen();
    if (stage->dy_panels)
        products->pack(&(lam__packing){.in = workspace->use.batch,
                                       .out = stage->layer->out,
                                       .w = stage->dy,
                                       .ldw = stage->ldy,
                                       .first = first,
                                       .rows = rows,
                                       .cols = stage->layer->out,
                                       .panels = stage->dy_panels,
                                       .past_caches = lam__workspace_streaming_stores(workspace)});
}

/* Rows of W that one task packs. */
enum { PACKED_ROWS = 64 };

typedef struct packing {
    const lam__workspace *workspace;
    const float *parameters;
} packing;

static size_t pack_tasks(const lam__stage *stage)
{
    const bool any = stage->panels || stage->panels_transposed;
    return any ? (stage->layer->in + PACKED_ROWS - 1) / PACKED_ROWS : 0;
}

static void pack_task(void *context, size_t task)
{
    const packing *p = context;
    const lam__stage *stage = p->workspace->stages;
    for (; task >= pack_tasks(stage); stage++)
        task -= pack_tasks(stage);
    const size_t first = task * PACKED_ROWS, left = stage->layer->in - first;
    lam__panels_of_w(p->workspace, stage, p->parameters, first,
                     left < PACKED_ROWS ? left : PACKED_ROWS, 0, stage->layer->out);
}

void lam__workspace_refresh(lam__workspace *workspace, const lam_model *model, lam__pool *pool)
{
    if (workspace->changes == model->changes && !model->viewed)
        return;
    packing p = {workspace, model->parameters};
    size_t tasks = 0;
    for (size_t i = 0; i < workspace->stage_count; i++)
        tasks += pack_tasks(&workspace->stages[i]);
    lam__pool_run(pool, tasks, pack_task, &p);
    workspace->changes = model->changes;
    workspace->panels_fresh = true;
}
