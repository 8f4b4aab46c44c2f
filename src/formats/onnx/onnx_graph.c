/* onnx_graph.c: values by name, attributes, and messages about nodes. */
#include "formats/onnx/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

lam_status lam__onnx_refuse(const lam__onnx_node *node, lam_status status, const char *format, ...)
{
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return lam__fail(status, "%s: %s: %s", node->onnx->name, node->where, text);
}

static int compare(const void *a, const void *b)
{
    const lam__onnx_value *first = a, *second = b;
    return strcmp(first->name, second->name);
}

lam__onnx_value *lam__onnx_find(const lam__onnx *onnx, const char *name)
{
    const lam__onnx_value key = {.name = name};
    if (onnx->value_count == 0)
        return NULL;
    return bsearch(&key, onnx->values, onnx->value_count, sizeof key, compare);
}

const Onnx__AttributeProto *lam__onnx_attribute(const lam__onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->proto->n_attribute; i++)
        if (node->proto->attribute[i]->name && strcmp(node->proto->attribute[i]->name, name) == 0)
            return node->proto->attribute[i];
    return NULL;
}

lam_status lam__onnx_integer(const lam__onnx_node *node, const char *name, int64_t otherwise,
                             int64_t *value)
{
    const Onnx__AttributeProto *attribute = lam__onnx_attribute(node, name);
    *value = otherwise;
    if (!attribute)
        return LAM_OK;
    if (!attribute->has_i)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "the attribute '%s' is not an integer", name);
    *value = attribute->i;
    return LAM_OK;
}

lam_status lam__onnx_number(const lam__onnx_node *node, const char *name, float otherwise,
                            float *value)
{
    const Onnx__AttributeProto *attribute = lam__onnx_attribute(node, name);
    *value = otherwise;
    if (!attribute)
        return LAM_OK;
    if (!attribute->has_f)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "the attribute '%s' is not a number", name);
    *value = attribute->f;
    return LAM_OK;
}

lam_status lam__onnx_read_both_classes(lam__onnx_node *node, bool *both)
{
    lam__onnx *onnx = node->onnx;
    const Onnx__NodeProto *const *next =
        (const Onnx__NodeProto *const *)onnx->graph->node + node->index + 1;
    static const float w[] = {0.0f, 1.0f};
    const size_t shape[] = {0, 2};
    const char *y = node->output->name;
    *both = false;
    if (node->index + 2 >= onnx->graph->n_node || lam__import_graph_width(onnx->imported) != 1)
        return LAM_OK;
    const Onnx__NodeProto *sub = next[0], *join = next[1];
    const bool shaped = sub->op_type && strcmp(sub->op_type, "Sub") == 0 && join->op_type &&
                        strcmp(join->op_type, "Concat") == 0 && sub->n_input == 2 &&
                        sub->n_output == 1 && join->n_input == 2 && join->n_output == 1 &&
                        strcmp(sub->input[1], y) == 0 && strcmp(join->input[1], y) == 0 &&
                        strcmp(join->input[0], sub->output[0]) == 0;
    if (!shaped)
        return LAM_OK;
    lam__onnx_node concat = {.onnx = onnx, .proto = join, .index = node->index + 2};
    const lam__onnx_value *one = lam__onnx_find(onnx, sub->input[0]);
    lam__onnx_array unity;
    int64_t axis;
    snprintf(concat.where, sizeof concat.where, "node %zu (Concat)", concat.index);
    LAM__TRY(lam__onnx_integer(&concat, "axis", 0, &axis));
    concat.output = lam__onnx_find(onnx, join->output[0]);
    if (!one || one->kind != LAM__ONNX_CONSTANT || !concat.output || (axis != 1 && axis != -1))
        return LAM_OK;
    LAM__TRY(lam__onnx_floats_of(node, one, &unity));
    *both = unity.count == 1 && unity.values[0] == 1.0f;
    lam__release(unity.values);
    if (!*both)
        return LAM_OK;
    onnx->done[node->index + 1] = onnx->done[node->index + 2] = true;
    LAM__TRY(lam__import_graph_dense(onnx->imported, concat.where, 1, 2, w, NULL));
    LAM__TRY(lam__import_graph_activation(onnx->imported, concat.where, "softmax"));
    return lam__onnx_samples_shape(&concat, 2, shape);
}

size_t lam__onnx_features(const lam__onnx *onnx)
{
    size_t features = 1;
    for (size_t i = 1; i < onnx->rank; i++)
        if (!lam__multiply(features, onnx->dims[i], &features))
            return 0;
    return features;
}

lam_status lam__onnx_samples_shape(lam__onnx_node *node, size_t rank, const size_t *dims)
{
    lam__onnx *onnx = node->onnx;
    onnx->rank = rank;
    for (size_t i = 1; i < rank; i++)
        onnx->dims[i] = dims[i];
    return lam__onnx_samples(node);
}

lam_status lam__onnx_samples(lam__onnx_node *node)
{
    node->output->kind = LAM__ONNX_SAMPLES;
    node->output->version = ++node->onnx->version;
    return LAM_OK;
}
