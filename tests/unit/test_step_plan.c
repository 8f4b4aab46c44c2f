/* test_step_plan.c: plans of steps, of this machine and of others, as text that is kept, and as
 * what a trainer does. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "base/machine/pool.h"
#include "kernels/products.h"
#include "train/trainer_inside.h"

typedef struct network {
    size_t features, batch, moments;
    const char *layers;
} network;

static const network networks[] = {
    {784, 100, 2, "128:relu,10:softmax"},
    {28, 100, 0, "300:tanh,300:tanh,300:tanh,300:tanh,300:tanh,1:sigmoid"},
    {784, 256, 2, "1024:relu,1024:relu,1024:relu,10:softmax"},
    {13, 32, 2, "64:relu,64:relu,1:linear"},
    {784, 128, 1, "512:tanh,dropout:0.2,layer_norm,100:relu,10:softmax"},
};

static const struct {
    const char *name;
    lam__plan_machine machine;
} machines[] = {
    {"AVX-512 of AMD", {LAM__AVX512, true, true, true, 2}},
    {"AVX2 of Intel", {LAM__AVX2, true, false, false, 4}},
    {"the BLAS, packing", {LAM__BASELINE, false, false, false, 4}},
    {"the BLAS, not packing", {LAM__AVX512, false, true, true, 4}},
    {"baseline in tiles", {LAM__BASELINE, true, false, false, 4}},
};

enum {
    NETWORKS = sizeof networks / sizeof networks[0],
    MACHINES = sizeof machines / sizeof machines[0]
};

static lam_model *build(const network *net)
{
    lam_model *model = lam_model_new(net->features);
    cr_assert_eq(lam_model_add_layers(model, net->layers), LAM_OK, "%s", lam_error_message());
    return model;
}

static lam__step_request request_of(const network *net, size_t threads)
{
    return (lam__step_request){.batch = net->batch,
                               .rows = SIZE_MAX,
                               .threads = threads,
                               .training = true,
                               .moments = net->moments};
}

static lam__step_plan make(const lam_model *model, const lam__step_request *request, size_t machine)
{
    lam__step_plan plan;
    cr_assert_eq(lam__step_plan_make(&plan, model, request, &machines[machine].machine), LAM_OK,
                 "%s", lam_error_message());
    return plan;
}

/* The plans that are kept: every network and machine with 2 threads, and with others where that
 * changes more than numbers. */
static void print_all(FILE *file)
{
    static const size_t threads[] = {1, 2, 8};
    for (size_t n = 0; n < NETWORKS; n++)
        for (size_t m = 0; m < MACHINES; m++)
            for (size_t t = 0; t < 3; t++) {
                static char text[1 << 16];
                if (threads[t] != 2 && (m > 1 || n > 2))
                    continue;
                lam_model *model = build(&networks[n]);
                const lam__step_request request = request_of(&networks[n], threads[t]);
                lam__step_plan plan = make(model, &request, m);
                cr_assert_lt(lam__step_plan_print(&plan, text, sizeof text), sizeof text);
                fprintf(file, "== %s; threads: %zu; %zu > %s\n%s\n", machines[m].name, threads[t],
                        networks[n].features, networks[n].layers, text);
                lam__step_plan_free(&plan);
                lam_model_free(model);
            }
}

/* LAMINA_WRITE_PLANS=FILE writes them anew: for changes that are meant. */
Test(step_plan, plans_are_those_that_are_kept)
{
    const char *anew = getenv("LAMINA_WRITE_PLANS");
    FILE *file = anew ? fopen(anew, "w") : tmpfile(), *kept = fopen(anew ? anew : PLANS, "r");
    cr_assert(file && kept);
    print_all(file);
    rewind(file);
    static char line[1024], expected[1024];
    for (size_t i = 1; !anew; i++) {
        const bool more = fgets(line, sizeof line, file) != NULL;
        cr_assert_eq(fgets(expected, sizeof expected, kept) != NULL, more, "line %zu of %s", i,
                     PLANS);
        if (!more)
            break;
        cr_assert_str_eq(line, expected, "line %zu of %s", i, PLANS);
    }
    fclose(file);
    fclose(kept);
}

/* Slabs and tasks have every row once, and slabs are the same for any number of threads. */
Test(step_plan, cuts_have_every_row_once)
{
    static const size_t threads[] = {1, 2, 3, 64};
    for (size_t n = 0; n < NETWORKS; n++)
        for (size_t m = 0; m < MACHINES; m++) {
            lam_model *model = build(&networks[n]);
            const lam__step_request request = request_of(&networks[n], 64);
            lam__step_plan plan = make(model, &request, m);
            for (size_t rows = 1; rows <= request.batch; rows++)
                for (size_t t = 0; t < 4; t++) {
                    const lam__batch_cut cut = lam__step_plan_cut(&plan, rows, threads[t]);
                    size_t sum = 0;
                    for (size_t s = 0; s < cut.slabs; s++)
                        sum += lam__slab_rows(&cut, s);
                    cr_assert_eq(sum, rows);
                    cr_assert_eq(cut.slab_rows, plan.slab_rows);
                    cr_assert(cut.tasks * cut.task_slabs >= cut.slabs &&
                              (cut.tasks - 1) * cut.task_slabs < cut.slabs);
                }
            lam__step_plan_free(&plan);
            lam_model_free(model);
        }
}

/* Every weight is in one task, and every task with one thread, also for threads that are not here;
 * blocks are the same for any number of threads. */
Test(step_plan, threads_have_every_weight_once)
{
    static const size_t threads[] = {1, 2, 8, 64, LAM__MOST_THREADS};
    static unsigned char seen[1024][1024];
    for (size_t n = 0; n < NETWORKS; n++)
        for (size_t m = 0; m < MACHINES; m++)
            for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
                lam_model *model = build(&networks[n]);
                const lam__step_request request = request_of(&networks[n], threads[t]);
                lam__step_plan plan = make(model, &request, m);
                size_t weights = 0;
                for (size_t i = 0; i < model->layer_count; i++)
                    if (model->layers[i].type->has_parameters)
                        weights += model->layers[i].weight_rows * model->layers[i].out;
                cr_assert_eq(plan.starts[plan.threads], plan.task_count);
                for (size_t k = 0; k < plan.task_count; k++)
                    weights -= plan.tasks[plan.turn[k]].rows * plan.tasks[plan.turn[k]].cols;
                cr_assert_eq(weights, 0);
                for (size_t s = 0; threads[t] == 64 && s < plan.stage_count; s++) {
                    memset(seen, 0, sizeof seen);
                    for (size_t k = 0; k < plan.task_count; k++) {
                        const lam__weight_task *task = &plan.tasks[plan.turn[k]];
                        for (size_t r = 0; task->stage == s && r < task->rows; r++)
                            for (size_t c = 0; c < task->cols; c++)
                                cr_assert_eq(seen[task->first + r][task->first_col + c]++, 0);
                    }
                }
                lam__step_plan_free(&plan);
                lam_model_free(model);
            }
}

/* A plan made for this machine is that of a trainer here, and says how much memory it takes. */
Test(step_plan, a_trainer_follows_the_plan_of_its_machine)
{
    static const size_t threads[] = {1, 2, 3};
    const lam__plan_machine here = lam__plan_machine_here();
    for (size_t n = 0; n < NETWORKS; n++)
        for (size_t t = 0; t < 3; t++) {
            static char expected[1 << 14], text[1 << 14];
            const network net = networks[n];
            lam_model *model = build(&net);
            lam_fit_options options = lam_fit_options_default();
            options.batch_size = net.batch;
            options.threads = threads[t];
            options.metrics = "";
            options.optimizer = net.moments == 2 ? "adam" : "sgd";
            options.momentum = net.moments == 1 ? 0.9f : 0.0f;
            lam_trainer *trainer = lam_trainer_new(model, &options);
            cr_assert_not_null(trainer, "%s", lam_error_message());
            const lam__step_request request = request_of(&net, threads[t]);
            lam__step_plan plan;
            cr_assert_eq(lam__step_plan_make(&plan, model, &request, &here), LAM_OK);
            const size_t length = lam__step_plan_print(&plan, expected, sizeof expected);
            cr_assert_eq(lam_trainer_plan(trainer, text, sizeof text), length);
            cr_assert_str_eq(text, expected);
            cr_assert_eq(trainer->pass.workspace.arena.size, plan.workspace_bytes);
            cr_assert_eq(trainer->weights.arena.size, plan.weights_bytes);
            cr_assert_eq(lam__pool_threads(trainer->engine.pool), plan.threads);
            lam__step_plan_free(&plan);
            lam_trainer_free(trainer);
            lam_model_free(model);
        }
}

/* As snprintf, whatever room there is. */
Test(step_plan, text_is_cut_where_there_is_no_room)
{
    static char whole[1 << 14], part[1 << 14];
    lam_model *model = build(&networks[0]);
    lam_fit_options options = lam_fit_options_default();
    options.batch_size = 100;
    lam_trainer *trainer = lam_trainer_new(model, &options);
    const size_t length = lam_trainer_plan(trainer, whole, sizeof whole);
    cr_assert_eq(strlen(whole), length);
    if (lam__products_chosen())
        cr_assert_not_null(strstr(whole, "4 slabs: 32, 32, 32, 4"), "%s", whole);
    cr_assert_eq(lam_trainer_plan(trainer, NULL, 0), length);
    for (size_t size = 1; size <= length + 2; size++) {
        memset(part, '#', sizeof part);
        cr_assert_eq(lam_trainer_plan(trainer, part, size), length);
        const size_t kept = size - 1 < length ? size - 1 : length;
        cr_assert(strlen(part) == kept && memcmp(part, whole, kept) == 0 && part[size] == '#');
    }
    cr_assert_eq(lam_trainer_plan(NULL, part, sizeof part), 0);
    lam_trainer_free(trainer);
    lam_model_free(model);
}

/* What plans know of instruction sets is true of those that are here. */
Test(step_plan, limits_are_those_of_the_products)
{
    for (int isa = 0; isa < LAM__ISA_COUNT; isa++) {
        const lam__products *products = lam__products_of((lam__isa)isa);
        const lam__product_limits limits = lam__product_limits_of((lam__isa)isa);
        if (products && strcmp(products->name, lam__isa_name((lam__isa)isa)) == 0)
            cr_assert_eq(products->panel, limits.panel, "%s", products->name);
    }
}

Test(step_plan, too_many_threads_are_an_error)
{
    lam_model *model = build(&networks[3]);
    const lam__step_request request = request_of(&networks[3], LAM__MOST_THREADS + 1);
    lam__step_plan plan;
    cr_assert_eq(lam__step_plan_make(&plan, model, &request, &machines[0].machine),
                 LAM_ERR_ARGUMENT);
    cr_assert_str_eq(lam_error_message(), "1025 threads: at most 1024");
    lam_model_free(model);
}
