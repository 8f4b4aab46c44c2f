/* panels.c: copies of matrices in the order in which products read them. */
#include "train/panels.h"

void lam__panels_of_w(const lam__workspace *workspace, const lam__stage *stage,
                      const float *parameters, size_t first, size_t rows, size_t first_col,
                      size_t cols)
{
    const lam__products *products = workspace->products;
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
                            .past_caches = workspace->sharing && stage->plan->panels_stream};
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
    const lam__products *products = workspace->products;
    if (stage->dy_panels)
        products->pack(&(lam__packing){.in = workspace->plan.request.batch,
                                       .out = stage->layer->out,
                                       .w = stage->dy,
                                       .ldw = stage->ldy,
                                       .first = first,
                                       .rows = rows,
                                       .cols = stage->layer->out,
                                       .panels = stage->dy_panels,
                                       .past_caches = lam__workspace_streaming_stores(workspace)});
}

typedef struct packing {
    const lam__workspace *workspace;
    const float *parameters;
} packing;

static void pack_task(void *context, size_t task)
{
    const packing *p = context;
    const lam__stage *stage = p->workspace->stages;
    for (; task >= stage->plan->pack_tasks; stage++)
        task -= stage->plan->pack_tasks;
    const size_t first = task * LAM__PACKED_ROWS, left = stage->layer->in - first;
    lam__panels_of_w(p->workspace, stage, p->parameters, first,
                     left < LAM__PACKED_ROWS ? left : LAM__PACKED_ROWS, 0, stage->layer->out);
}

void lam__workspace_refresh(lam__workspace *workspace, const lam_model *model, lam__pool *pool)
{
    if (workspace->changes == model->changes && !model->viewed)
        return;
    packing p = {workspace, model->parameters};
    size_t tasks = 0;
    for (size_t i = 0; i < workspace->stage_count; i++)
        tasks += workspace->stages[i].plan->pack_tasks;
    lam__pool_run(pool, tasks, pack_task, &p);
    workspace->changes = model->changes;
    workspace->panels_fresh = true;
}
