/* onednn_worker.c: oneDNN among its peers, by its C interface (3.x): one inner product a layer with
 * bias and activation fused, weights laid out as the primitive likes, softmax last. It predicts;
 * a training loop is not part of oneDNN. */
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

enum { MOST_STEPS = WORKER_MOST_LAYERS + 1, MOST_ARGUMENTS = 4 };

/* One primitive and what it works on. */
typedef struct step {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[MOST_ARGUMENTS];
    int count;
} step;

static const worker_job *job;
static dnnl_engine_t engine;
static dnnl_stream_t stream;
static dnnl_memory_t input, output;
static step steps[MOST_STEPS];
static size_t step_count, planned_rows;

static void check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "onednn: %s: status %d\n", what, (int)status);
    exit(1);
}

static void open_onednn(const worker_job *given, char *version, size_t size)
{
    job = given;
    check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, size, "oneDNN %d.%d.%d, isa %d", v->major, v->minor, v->patch,
             (int)dnnl_get_effective_cpu_isa());
}

static dnnl_memory_desc_t matrix(size_t rows, size_t columns, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t md;
    const dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    check(dnnl_memory_desc_create_with_tag(&md, 2, dims, dnnl_f32, tag), "a matrix");
    return md;
}

static dnnl_memory_t memory(const_dnnl_memory_desc_t md, void *at)
{
    dnnl_memory_t m;
    check(dnnl_memory_create(&m, md, engine, at), "memory");
    return m;
}

static dnnl_primitive_attr_t activation(const char *name)
{
    dnnl_primitive_attr_t attributes;
    dnnl_post_ops_t ops;
    check(dnnl_primitive_attr_create(&attributes), "attributes");
    if (strcmp(name, "softmax") == 0)
        return attributes;
    const dnnl_alg_kind_t kind = strcmp(name, "relu") == 0   ? dnnl_eltwise_relu
                                 : strcmp(name, "tanh") == 0 ? dnnl_eltwise_tanh
                                                             : dnnl_eltwise_logistic;
    check(dnnl_post_ops_create(&ops), "post-ops");
    check(dnnl_post_ops_append_eltwise(ops, kind, 0.0f, 0.0f), "an activation");
    check(dnnl_primitive_attr_set_post_ops(attributes, ops), "post-ops");
    dnnl_post_ops_destroy(ops);
    return attributes;
}

/* W [in][out] in the layout the primitive asks for. */
static dnnl_memory_t place_weights(const worker_layer *layer, const_dnnl_memory_desc_t wanted)
{
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t reorder;
    dnnl_memory_desc_t given = matrix(layer->units, layer->inputs, dnnl_ba);
    dnnl_memory_t from = memory(given, (void *)(uintptr_t)layer->weights);
    dnnl_memory_t to = memory(wanted, DNNL_MEMORY_ALLOCATE);
    check(dnnl_reorder_primitive_desc_create(&pd, given, engine, wanted, engine, NULL), "reorder");
    check(dnnl_primitive_create(&reorder, pd), "reorder");
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    check(dnnl_primitive_execute(reorder, stream, 2, arguments), "reorder");
    check(dnnl_stream_wait(stream), "reorder");
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_destroy(from);
    dnnl_memory_desc_destroy(given);
    return to;
}

/* Adds the layer's product; returns where its outputs are. */
static dnnl_memory_t add_layer(const worker_layer *layer, size_t rows, dnnl_memory_t from)
{
    dnnl_primitive_desc_t pd;
    const dnnl_dims_t units = {(dnnl_dim_t)layer->units};
    dnnl_memory_desc_t bias, in = matrix(rows, layer->inputs, dnnl_ab);
    dnnl_memory_desc_t out = matrix(rows, layer->units, dnnl_ab);
    dnnl_memory_desc_t any = matrix(layer->units, layer->inputs, dnnl_format_tag_any);
    dnnl_primitive_attr_t attributes = activation(layer->activation);
    check(dnnl_memory_desc_create_with_tag(&bias, 1, units, dnnl_f32, dnnl_a), "bias");
    check(dnnl_inner_product_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference, in,
                                                           any, bias, out, attributes),
          "inner product");
    dnnl_memory_t weights =
        place_weights(layer, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0));
    dnnl_memory_t to = memory(out, DNNL_MEMORY_ALLOCATE);
    step *s = &steps[step_count++];
    s->count = 4;
    s->arguments[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, from};
    s->arguments[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, weights};
    s->arguments[2] =
        (dnnl_exec_arg_t){DNNL_ARG_BIAS, memory(bias, (void *)(uintptr_t)layer->bias)};
    s->arguments[3] = (dnnl_exec_arg_t){DNNL_ARG_DST, to};
    check(dnnl_primitive_create(&s->primitive, pd), "inner product");
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attributes);
    dnnl_memory_desc_destroy(any);
    dnnl_memory_desc_destroy(in);
    dnnl_memory_desc_destroy(out);
    dnnl_memory_desc_destroy(bias);
    return to;
}

static void add_softmax(size_t rows, dnnl_memory_t at)
{
    dnnl_primitive_desc_t pd;
    dnnl_memory_desc_t md = matrix(rows, job->outputs, dnnl_ab);
    check(dnnl_softmax_forward_primitive_desc_create(&pd, engine, dnnl_forward_inference,
                                                     dnnl_softmax_accurate, md, md, 1, NULL),
          "softmax");
    step *s = &steps[step_count++];
    s->count = 2;
    s->arguments[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC, at};
    s->arguments[1] = (dnnl_exec_arg_t){DNNL_ARG_DST, at};
    check(dnnl_primitive_create(&s->primitive, pd), "softmax");
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_desc_destroy(md);
}

/* Plans for so many rows. Those before are few and left as they are. */
static void prepare(size_t rows)
{
    if (rows == planned_rows)
        return;
    planned_rows = rows;
    step_count = 0;
    dnnl_memory_desc_t md = matrix(rows, job->features, dnnl_ab);
    input = output = memory(md, DNNL_MEMORY_NONE);
    dnnl_memory_desc_destroy(md);
    for (size_t i = 0; i < job->layer_count; i++)
        output = add_layer(&job->layers[i], rows, output);
    if (strcmp(job->layers[job->layer_count - 1].activation, "softmax") == 0)
        add_softmax(rows, output);
}

static void predict(const float *x, size_t rows, float *y)
{
    (void)rows;
    check(dnnl_memory_set_data_handle(input, (void *)(uintptr_t)x), "input");
    check(dnnl_memory_set_data_handle(output, y), "output");
    for (size_t i = 0; i < step_count; i++)
        check(
            dnnl_primitive_execute(steps[i].primitive, stream, steps[i].count, steps[i].arguments),
            "execution");
    check(dnnl_stream_wait(stream), "execution");
}

int main(int argc, char **argv)
{
    return worker_main(argc, argv, &(worker){open_onednn, NULL, prepare, predict});
}
