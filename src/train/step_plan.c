/* step_plan.c: how a pass over a batch is cut and what it needs, from shapes and processor. */
#include "train/step_plan.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/machine/cores.h"
#include "base/machine/pool.h"
#include "base/memory.h"
#include "kernels/blas/blas_threads.h"
#include "kernels/blas/gemm.h"
#include "kernels/products.h"
#include "train/task_assignment.h"

/* Multiply-adds of a forward pass over a batch below which other threads do not pay for their
 * wake-up. On the machine of the README, 784-32-16-10 with batches of 32 (8e5) gains half from
 * a second thread, 30-64-64-1 (2e5) nothing. */
#define LEAST_SHARED_WORK 5e5

/* Multiply-adds in all below which they do not pay for being started: some milliseconds of work. */
#define LEAST_WORK_IN_ALL 2e8

/* Multiply-adds of a forward pass from which several threads are faster wherever they are: what
 * trying one would cost is saved. */
#define MOST_TUNED_WORK 3e7

lam__plan_machine lam__plan_machine_here(void)
{
    lam__plan_machine machine = {.isa = lam__isa_chosen(),
                                 .tiles = lam__products_chosen() != NULL,
                                 .blas_unpacked = lam__blas_multiplies_unpacked(),
                                 .streaming_stores = lam__streaming_stores_pay()};
    /* a compiler may lack a set that the processor has */
    while (machine.tiles && machine.isa > LAM__BASELINE &&
           lam__products_of(machine.isa) != lam__products_chosen())
        machine.isa--;
    return machine;
}

/* Multiply-adds of a forward pass over a batch. */
static double work_of(const lam_model *model, size_t batch)
{
    return (double)batch * (double)lam_model_parameters(model);
}

bool lam__work_is_shared(const lam_model *model, size_t rows)
{
    return work_of(model, rows) >= LEAST_SHARED_WORK;
}

bool lam__work_is_tuned(const lam_model *model, size_t rows)
{
    return work_of(model, rows) < MOST_TUNED_WORK;
}

/* Work too small to share stays on one thread, whatever is asked for: starting or waking others
 * would take longer. */
static lam_status choose_threads(lam__step_plan *plan, const lam_model *model)
{
    const lam__step_request *request = &plan->request;
    if (request->threads > LAM__MOST_THREADS) /* also where the work is too small to share */
        return lam__fail(LAM_ERR_ARGUMENT, "%zu threads: at most %d", request->threads,
                         LAM__MOST_THREADS);
    plan->work = work_of(model, request->batch);
    plan->threads = 1;
    if (lam__work_is_shared(model, request->batch) &&
        work_of(model, request->rows) >= LEAST_WORK_IN_ALL) {
        if (!request->threads && !plan->machine.cores) /* reads files of the system */
            plan->machine.cores = lam__cores();
        const size_t asked = request->threads ? request->threads : plan->machine.cores;
        plan->threads = asked < LAM__MOST_THREADS ? asked : LAM__MOST_THREADS;
    }
    plan->tuned = plan->threads > 1 && lam__work_is_tuned(model, request->batch);
    plan->shared = request->training && plan->threads > 1;
    plan->streaming_stores = plan->shared && plan->machine.streaming_stores;
    return LAM_OK;
}

/* Lists the layers that take part. */
static lam_status list_stages(lam__step_plan *plan, const lam_model *model)
{
    plan->stages = lam__allocate_zero(model->layer_count, sizeof *plan->stages, "stages");
    if (!plan->stages)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < model->layer_count; i++) {
        const lam__layer *layer = &model->layers[i];
        if (!plan->request.training && layer->type->only_training)
            continue;
        plan->stages[plan->stage_count++] = (lam__stage_plan){.layer = layer, .index = i};
    }
    return LAM_OK;
}

/* Floats from one row of a matrix of this width to the next. Rows a multiple of 1 KB apart would
 * meet in a few sets of the first-level cache: the products, which walk down 12 rows at a time,
 * lose up to a sixth. */
static size_t row_length(size_t width)
{
    return width % 256 == 0 ? width + 16 : width;
}

/* Input, and the first layer in halves where that pays. */
static void plan_input(lam__step_plan *plan, const lam_model *model)
{
    lam__stage_plan *first = plan->stages;
    const size_t batch = plan->request.batch, in = model->features;
    plan->split = plan->request.training && !plan->request.whole_rows && plan->machine.tiles &&
                  lam__work_is_shared(model, batch) && lam__halves_pay(first->layer, batch);
    first->split = plan->split;
    if (!plan->split) {
        plan->ldx = row_length(in);
        plan->x = batch * plan->ldx;
        return;
    }
    const size_t cut = lam__first_half(in);
    plan->halves[0] = (lam__half_plan){.cols = cut};
    plan->halves[1] = (lam__half_plan){.first = cut, .cols = in - cut};
    for (int h = 0; h < 2; h++) {
        lam__half_plan *half = &plan->halves[h];
        half->ldx = row_length(half->cols);
        half->x = batch * half->ldx;
        half->sums = plan->shared ? batch * row_length(first->layer->out) : 0;
    }
}

/* The panels of a stage. */
static void plan_panels(const lam__step_plan *plan, lam__stage_plan *stage)
{
    const lam__layer *layer = stage->layer;
    const size_t panel = lam__product_limits_of(plan->machine.isa).panel;
    if (!plan->machine.tiles || !layer->type->multiplies)
        return;
    if (lam__w_is_packed(plan, stage))
        stage->panels = lam__panels_floats(panel, layer->in, layer->out);
    if (plan->request.training && stage->dx)
        stage->panels_transposed = lam__panels_floats(panel, layer->out, layer->in);
    if (plan->request.training && lam__dy_is_packed(plan, stage))
        stage->dy_panels = lam__panels_floats(panel, plan->request.batch, layer->out);
    if (stage->panels || stage->panels_transposed)
        stage->pack_tasks = (layer->in + LAM__PACKED_ROWS - 1) / LAM__PACKED_ROWS;
    stage->panels_stream = plan->streaming_stores && !stage->split;
}

static void plan_stages(lam__step_plan *plan)
{
    const size_t batch = plan->request.batch;
    const bool training = plan->request.training;
    size_t widest = 0;
    for (size_t i = 0; i < plan->stage_count; i++)
        if (plan->stages[i].layer->out > widest)
            widest = plan->stages[i].layer->out;
    plan->turns = training ? 0 : batch * row_length(widest);

    bool learns_below = false;
    for (size_t i = 0; i < plan->stage_count; i++) {
        lam__stage_plan *stage = &plan->stages[i];
        const lam__layer *layer = stage->layer;
        /* At inference layers share buffers while slabs are in different layers: a row's place must
         * not depend on the layer. */
        stage->ldy = row_length(training ? layer->out : widest);
        if (layer->activation && layer->activation->needs_z &&
            (training || layer->activation->custom.forward))
            stage->z = batch * stage->ldy;
        stage->dx = training && learns_below;
        plan_panels(plan, stage);
        if (!training)
            continue;
        stage->y = stage->dy = batch * stage->ldy;
        stage->kept = batch * layer->type->kept;
        stage->mask_words = layer->type->only_training ? (layer->out + 63) / 64 : 0;
        stage->mask = batch * stage->mask_words;
        learns_below = learns_below || layer->type->has_parameters;
        if (!layer->type->has_parameters)
            continue;
        stage->block_cols = lam__block_columns(&plan->machine, layer, batch);
        stage->block_rows = lam__block_rows(&plan->machine, layer, batch);
    }
}

/* Lists the blocks of some columns of a stage; with tasks == NULL only counts them. */
static size_t list_slabs(const lam__step_plan *plan, size_t s, size_t first_col, size_t cols,
                         lam__weight_task *tasks)
{
    const lam__stage_plan *stage = &plan->stages[s];
    const size_t in = stage->layer->weight_rows;
    size_t count = 0;
    for (size_t first = 0, rows; first < in; first += rows, count++) {
        const int half = stage->split ? first >= plan->halves[1].first : -1;
        const size_t end = half == 0 ? plan->halves[1].first : in, left = end - first;
        rows = left < stage->block_rows ? left : stage->block_rows;
        if (tasks)
            tasks[count] = (lam__weight_task){s, first, rows, first_col, cols, half};
    }
    return count;
}

static size_t list_tasks(const lam__step_plan *plan, lam__weight_task *tasks)
{
    size_t count = 0;
    for (size_t s = 0; s < plan->stage_count; s++) {
        const size_t width = plan->stages[s].block_cols, out = plan->stages[s].layer->out;
        for (size_t col = 0; width && col < out; col += width) {
            const size_t left = out - col, cols = left < width ? left : width;
            count += list_slabs(plan, s, col, cols, tasks ? tasks + count : NULL);
        }
    }
    return count;
}

/* Bytes of the largest gradient of a task: its rows of W, or a bias. */
static size_t largest_gradient(const lam__step_plan *plan)
{
    size_t largest = 0;
    for (size_t s = 0; s < plan->stage_count; s++) {
        const lam__stage_plan *stage = &plan->stages[s];
        const size_t block = stage->block_rows * stage->block_cols;
        const size_t floats = block && block < stage->layer->out ? stage->layer->out : block;
        largest = floats > largest ? floats : largest;
    }
    return lam__round_up(largest * sizeof(float), LAM__ALIGN);
}

/* Gives the tasks to threads. */
static lam_status assign_tasks(lam__step_plan *plan)
{
    const size_t count = plan->task_count;
    lam__assigned_task *tasks = lam__allocate(count, sizeof *tasks, "task assignment");
    size_t *owner = lam__allocate(count, sizeof *owner, "task assignment");
    double *load = lam__allocate(plan->threads, sizeof *load, "task assignment");
    const bool ready = tasks && owner && load;
    for (size_t t = 0; ready && t < count; t++) {
        const lam__weight_task *task = &plan->tasks[t];
        const double middle = (double)task->first + (double)task->rows / 2.0;
        tasks[t].work = (double)(task->rows * task->cols);
        tasks[t].position = -1.0;
        if (task->half >= 0) {
            const lam__half_plan *half = &plan->halves[task->half];
            tasks[t].position =
                ((half->first > 0) + (middle - (double)half->first) / (double)half->cols) / 2.0;
        }
    }
    if (ready)
        lam__assign_tasks(count, tasks, plan->threads, plan->turn, plan->starts, owner, load);
    lam__release(tasks);
    lam__release(owner);
    lam__release(load);
    return ready ? LAM_OK : LAM_ERR_MEMORY;
}

static lam_status plan_weights(lam__step_plan *plan, const lam_model *model)
{
    plan->parameter_floats = model->parameter_floats;
    plan->scratch = largest_gradient(plan);
    plan->task_count = list_tasks(plan, NULL);
    plan->tasks = lam__allocate(plan->task_count, sizeof *plan->tasks, "tasks");
    plan->turn = lam__allocate(plan->task_count, sizeof *plan->turn, "tasks");
    plan->starts = lam__allocate(plan->threads + 1, sizeof *plan->starts, "tasks");
    if (!plan->tasks || !plan->turn || !plan->starts)
        return LAM_ERR_MEMORY;
    list_tasks(plan, plan->tasks);
    return assign_tasks(plan);
}

static size_t padded(size_t bytes)
{
    return lam__round_up(bytes, LAM__ALIGN);
}

/* Bytes of all buffers, as workspace.c and weight_update.c take them. */
static void count_memory(lam__step_plan *plan)
{
    size_t bytes = padded(plan->x * sizeof(float)) + 2 * padded(plan->turns * sizeof(float));
    for (size_t i = 0; i < plan->stage_count; i++) {
        const lam__stage_plan *s = &plan->stages[i];
        const size_t floats[] = {s->y,        s->z, s->dy, s->kept, s->panels, s->panels_transposed,
                                 s->dy_panels};
        for (size_t k = 0; k < sizeof floats / sizeof *floats; k++)
            bytes += padded(floats[k] * sizeof(float));
        bytes += padded(s->mask * sizeof(uint64_t));
    }
    for (int h = 0; plan->split && h < 2; h++) {
        const lam__half_plan *half = &plan->halves[h];
        bytes += LAM__APART + padded(half->x * sizeof(float));
        if (half->sums)
            bytes += LAM__APART + padded(half->sums * sizeof(float));
    }
    plan->workspace_bytes = bytes + (plan->split ? LAM__APART : 0);
    if (!plan->request.training)
        return;
    plan->weights_bytes =
        (1 + plan->request.moments) * padded(plan->parameter_floats * sizeof(float)) +
        plan->threads * (plan->scratch + (plan->threads > 1 ? LAM__APART : 0)) +
        padded(plan->task_count * sizeof(double));
}

/* Whether batch * (all widths) floats can be counted in a size_t. */
static lam_status check_size(const lam_model *model, size_t batch)
{
    size_t widths = model->features, bytes;
    for (size_t i = 0; i < model->layer_count; i++)
        if (!lam__add(widths, model->layers[i].out, &widths))
            return lam__fail_memory(SIZE_MAX, "activations");
    if (!lam__multiply(batch, widths, &bytes) || !lam__multiply(bytes, 16 * sizeof(float), &bytes))
        return lam__fail_memory(SIZE_MAX, "activations");
    return LAM_OK;
}

lam_status lam__step_plan_make(lam__step_plan *plan, const lam_model *model,
                               const lam__step_request *request, const lam__plan_machine *machine)
{
    *plan = (lam__step_plan){.request = *request,
                             .machine = *machine,
                             .features = model->features,
                             .outputs = lam_model_outputs(model)};
    LAM__TRY(choose_threads(plan, model));
    LAM__TRY(check_size(model, request->batch));
    plan->slab_rows = request->slab ? request->slab : lam__choose_slab_rows(plan, model);
    for (int shared = 0; shared < 2; shared++)
        plan->most_slabs[shared] = lam__choose_most_slabs(plan, model, shared);
    plan->panel_rows = lam__least_panel_rows(plan->shared);
    lam_status status = list_stages(plan, model);
    if (status == LAM_OK) {
        plan_input(plan, model);
        plan_stages(plan);
        if (request->whole_rows || plan->split)
            plan->row_work = lam__step_plan_cut(plan, request->batch, 1).slabs * plan->features;
        if (request->training)
            status = plan_weights(plan, model);
    }
    count_memory(plan);
    if (status != LAM_OK)
        lam__step_plan_free(plan);
    return status;
}

void lam__step_plan_free(lam__step_plan *plan)
{
    lam__release(plan->stages);
    lam__release(plan->tasks);
    lam__release(plan->turn);
    lam__release(plan->starts);
    *plan = (lam__step_plan){0};
}

lam__batch_cut lam__step_plan_cut(const lam__step_plan *plan, size_t rows, size_t threads)
{
    lam__batch_cut cut = {.rows = rows, .slab_rows = plan->slab_rows};
    cut.slabs = (rows + cut.slab_rows - 1) / cut.slab_rows;
    const size_t most = plan->most_slabs[threads > 1];
    const size_t fair = cut.slabs / threads; /* each thread gets a task */
    cut.task_slabs = fair < 1 ? 1 : fair < most ? fair : most;
    cut.tasks = (cut.slabs + cut.task_slabs - 1) / cut.task_slabs;
    return cut;
}
