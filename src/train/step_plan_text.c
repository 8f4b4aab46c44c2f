/* step_plan_text.c: a plan as text. */
#include <stdarg.h>
#include <stdio.h>

#include "kernels/products.h"
#include "train/step_plan.h"

/* Text that grows as far as there is room, and its whole length. */
typedef struct writer {
    char *text;
    size_t size, length;
} writer;

__attribute__((format(printf, 2, 3))) static void add(writer *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const bool room = to->length < to->size;
    const int n = vsnprintf(room ? to->text + to->length : NULL, room ? to->size - to->length : 0,
                            format, arguments);
    va_end(arguments);
    to->length += n > 0 ? (size_t)n : 0;
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void add_machine(writer *to, const lam__step_plan *plan)
{
    const lam__plan_machine *machine = &plan->machine;
    if (machine->tiles)
        add(to, "products     tiles, %s, panels of %zu columns\n", lam__isa_name(machine->isa),
            lam__product_limits_of(machine->isa).panel);
    else
        add(to, "products     BLAS, %s\n",
            machine->blas_unpacked ? "small ones without packing" : "every one packs");
    const size_t asked = plan->request.threads ? plan->request.threads : machine->cores;
    add(to, "threads      %zu", plan->threads);
    if (plan->threads < asked)
        add(to, " of %zu: the work is too small to share", asked);
    else if (asked == 0)
        add(to, ": the work is too small to share");
    else if (plan->tuned)
        add(to, ", or one where that proves faster");
    add(to, "; %.3g multiply-adds forward\n", plan->work);
    if (plan->shared)
        add(to, "shared       copies are written %s\n",
            plan->streaming_stores ? "past the caches" : "by ordinary stores");
}

/* "tasks of 2 slabs" */
static void add_tasks(writer *to, const lam__step_plan *plan, size_t threads)
{
    const lam__batch_cut cut = lam__step_plan_cut(plan, plan->request.batch, threads);
    add(to, "%zu task%s of %zu slab%s", cut.tasks, plural(cut.tasks), cut.task_slabs,
        plural(cut.task_slabs));
}

static void add_rows(writer *to, const lam__step_plan *plan)
{
    const lam__batch_cut cut = lam__step_plan_cut(plan, plan->request.batch, plan->threads);
    const size_t last = lam__slab_rows(&cut, cut.slabs - 1),
                 equal = cut.slabs - (last < cut.slab_rows);
    add(to, "rows         %zu slab%s: ", cut.slabs, plural(cut.slabs));
    if (equal > 8)
        add(to, "%zu of %zu", equal, cut.slab_rows);
    for (size_t s = 0; equal <= 8 && s < equal; s++)
        add(to, "%s%zu", s ? ", " : "", cut.slab_rows);
    if (equal < cut.slabs)
        add(to, "%s%zu", equal ? ", " : "", last);
    add(to, "; ");
    add_tasks(to, plan, plan->threads);
    if (plan->tuned) {
        add(to, ", on one thread ");
        add_tasks(to, plan, 1);
    }
    add(to, "\ninput        ");
    if (!plan->split)
        add(to, "whole rows");
    for (int h = 0; plan->split && h < 2; h++)
        add(to, "%s%zu-%zu", h ? " and " : "halves ", plan->halves[h].first,
            plan->halves[h].first + plan->halves[h].cols - 1);
    if (plan->split && plan->shared)
        add(to, ", in %zu tasks before those of the rows", 2 * cut.slabs);
    add(to, "\n");
}

/* What a layer is: "dense 784 x 128 relu". */
static void name_layer(const lam__stage_plan *stage, char *name, size_t size)
{
    const lam__layer *layer = stage->layer;
    if (layer->type->multiplies)
        snprintf(name, size, "%s %zu x %zu %s", layer->type->name, layer->in, layer->out,
                 layer->activation->name);
    else
        snprintf(name, size, "%s %zu", layer->type->name, layer->out);
}

/* Where products read W, its transpose and dL/dz, and how W is cut in phase 2. */
static void add_layers(writer *to, const lam__step_plan *plan)
{
    add(to, "\n%-5s %-28s %-10s %-10s %-10s %s\n", "layer", "", "W", "W^T", "dL/dz", "blocks of W");
    for (size_t s = 0; s < plan->stage_count; s++) {
        const lam__stage_plan *stage = &plan->stages[s];
        const bool multiplies = stage->layer->type->multiplies;
        const char *as_is = multiplies ? "in place" : "-";
        char name[96], blocks[96] = "-";
        size_t count = 0;
        for (size_t t = 0; t < plan->task_count; t++)
            count += plan->tasks[t].stage == s;
        if (count)
            snprintf(blocks, sizeof blocks, "%zu of %zu x %zu", count, stage->block_rows,
                     stage->block_cols);
        name_layer(stage, name, sizeof name);
        add(to, "%5zu %-28s %-10s %-10s %-10s %s\n", stage->index, name,
            stage->panels ? "panels" : as_is,
            !multiplies || !stage->dx  ? "-"
            : stage->panels_transposed ? "panels"
                                       : as_is,
            stage->dy_panels ? "panels" : as_is, blocks);
    }
}

/* Whether a task goes on where the one before it ends, in the same columns. */
static bool follows(const lam__weight_task *before, const lam__weight_task *task)
{
    return before->stage == task->stage && before->first_col == task->first_col &&
           before->first + before->rows == task->first;
}

/* The blocks of W that each thread takes, those below each other as one. */
static void add_weights(writer *to, const lam__step_plan *plan)
{
    add(to, "\nweights      %zu task%s\n", plan->task_count, plural(plan->task_count));
    for (size_t i = 0; i < plan->threads; i++) {
        add(to, "thread %-5zu", i);
        for (size_t k = plan->starts[i], end; k < plan->starts[i + 1]; k = end) {
            const lam__weight_task *task = &plan->tasks[plan->turn[k]], *last = task;
            for (end = k + 1;
                 end < plan->starts[i + 1] && follows(last, &plan->tasks[plan->turn[end]]); end++)
                last = &plan->tasks[plan->turn[end]];
            const lam__stage_plan *stage = &plan->stages[task->stage];
            add(to, "%s layer %zu: rows %zu-%zu", k > plan->starts[i] ? "," : "", stage->index,
                task->first, last->first + last->rows - 1);
            if (task->cols < stage->layer->out)
                add(to, " of columns %zu-%zu", task->first_col, task->first_col + task->cols - 1);
            if (end > k + 1)
                add(to, " (%zu)", end - k);
        }
        add(to, plan->starts[i] == plan->starts[i + 1] ? " nothing\n" : "\n");
    }
}

static void add_bytes(writer *to, const char *name, size_t floats)
{
    if (floats)
        add(to, "%-34s %12zu\n", name, floats * sizeof(float));
}

/* The buffers of the layers: a column each, 0 where there is none; those of W, W^T and dL/dz are
 * their panels. */
static void add_layer_memory(writer *to, const lam__step_plan *plan)
{
    static const char *const columns[] = {"y",    "z",        "dL/dy",      "kept",
                                          "mask", "W panels", "W^T panels", "dL/dz panels"};
    add(to, "%-5s", "layer");
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++)
        add(to, " %*s", k < 5 ? 10 : 12, columns[k]);
    add(to, "\n");
    for (size_t s = 0; s < plan->stage_count; s++) {
        const lam__stage_plan *stage = &plan->stages[s];
        const size_t floats[] = {stage->y, stage->z, stage->dy, stage->kept};
        const size_t panels[] = {stage->panels, stage->panels_transposed, stage->dy_panels};
        add(to, "%5zu", stage->index);
        for (size_t k = 0; k < sizeof floats / sizeof *floats; k++)
            add(to, " %10zu", floats[k] * sizeof(float));
        add(to, " %10zu", stage->mask * sizeof(uint64_t));
        for (size_t k = 0; k < sizeof panels / sizeof *panels; k++)
            add(to, " %12zu", panels[k] * sizeof(float));
        add(to, "\n");
    }
}

static void add_memory(writer *to, const lam__step_plan *plan)
{
    static const char *const halves[] = {"first half of the input", "second half of the input"};
    static const char *const sums[] = {"products of the first half", "products of the second half"};
    add(to, "\nbytes\n");
    add_bytes(to, "input", plan->x);
    for (int h = 0; plan->split && h < 2; h++) {
        add_bytes(to, halves[h], plan->halves[h].x);
        add_bytes(to, sums[h], plan->halves[h].sums);
    }
    add_bytes(to, "rows to change or to divide", plan->row_work);
    for (int k = 0; k < 2; k++)
        add_bytes(to, "outputs, in turns", plan->turns);
    add_layer_memory(to, plan);
    if (plan->request.training) {
        add_bytes(to, "gradients", plan->parameter_floats);
        add_bytes(to, "moments", plan->request.moments * plan->parameter_floats);
        add(to, "%-34s %12zu\n", "gradient of a task, per thread", plan->scratch);
    }
    add(to, "%-34s %12zu\n", "rows, with gaps", plan->workspace_bytes);
    if (plan->request.training)
        add(to, "%-34s %12zu\n", "weights, with gaps", plan->weights_bytes);
}

size_t lam__step_plan_print(const lam__step_plan *plan, char *text, size_t size)
{
    writer to = {text, size, 0};
    if (size)
        *text = '\0';
    add(&to, "%s of %zu row%s of %zu values\n", plan->request.training ? "a step" : "a pass",
        plan->request.batch, plural(plan->request.batch), plan->features);
    add_machine(&to, plan);
    add_rows(&to, plan);
    add_layers(&to, plan);
    if (plan->request.training)
        add_weights(&to, plan);
    add_memory(&to, plan);
    return to.length;
}
