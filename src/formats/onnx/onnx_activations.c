/* onnx_activations.c: ONNX operators that are activations, as the table of activations names them:
 * one alone, or several in a row such as "Sigmoid Mul", z times its sigmoid. */
#include <string.h>

#include "base/error.h"
#include "formats/onnx/onnx_graph.h"

/* How many nodes from this one on are the operators of an activation, 0 when they are not. Each
 * takes what the one before it gives; Mul takes z, the input of the first, beside it. */
static size_t match(const lam__onnx_node *node, const lam__activation *activation)
{
    const lam__onnx *onnx = node->onnx;
    const char *z = node->proto->input[node->samples], *flow = z;
    size_t count = 0;
    for (; count < LAM__ONNX_MOST && activation->onnx[count]; count++) {
        const char *type = activation->onnx[count];
        const bool product = strcmp(type, "Mul") == 0;
        if (node->index + count >= onnx->graph->n_node)
            return 0;
        const Onnx__NodeProto *proto = onnx->graph->node[node->index + count];
        if (!proto->op_type || strcmp(proto->op_type, type) != 0 || proto->n_output != 1 ||
            proto->n_input != (product ? 2 : 1))
            return 0;
        const bool first = strcmp(proto->input[0], flow) == 0; /* else flow is the second factor */
        if (!first && !(product && strcmp(proto->input[1], flow) == 0))
            return 0;
        if (product && strcmp(proto->input[first ? 1 : 0], z) != 0)
            return 0;
        flow = proto->output[0];
    }
    return count;
}

const lam__activation *lam__onnx_activation_of(const char *type)
{
    const lam__activation *found = NULL;
    for (size_t i = 0; *type && i < lam__activation_count(); i++) {
        const lam__activation *row = lam__activation_at(i);
        if (row->onnx[0] && strcmp(row->onnx[0], type) == 0 && (!found || !row->onnx[1]))
            found = row;
    }
    return found;
}

/* Over the last dimension only. Before set 13 the default was the second, and all from there on. */
static lam_status check_axis(const lam__onnx_node *node)
{
    int64_t axis;
    LAM__TRY(lam__onnx_need_rows(node));
    LAM__TRY(lam__onnx_integer(node, "axis", node->onnx->set >= 13 ? -1 : 1, &axis));
    if (axis != -1 && axis != 1)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "over axis %lld: only over the features",
                                (long long)axis);
    return LAM_OK;
}

lam_status lam__onnx_read_activation(lam__onnx_node *node)
{
    lam__onnx *onnx = node->onnx;
    const lam__activation *found = NULL;
    size_t nodes = 0;
    if (strcmp(node->proto->op_type, "Sigmoid") == 0) {
        bool both;
        LAM__TRY(lam__onnx_read_both_classes(node, &both));
        if (both)
            return LAM_OK;
    }
    for (size_t i = 0; i < lam__activation_count(); i++) {
        const lam__activation *row = lam__activation_at(i);
        const size_t count = match(node, row);
        if (count > nodes) {
            nodes = count;
            found = row;
        }
    }
    if (!found) /* the first operator of an activation, and others after it */
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "an operator that cannot be part of a Lamina model");
    if (found->rowwise)
        LAM__TRY(check_axis(node));
    LAM__TRY(lam__import_graph_activation(onnx->imported, node->where, found->name));
    for (size_t i = 1; i < nodes; i++)
        onnx->done[node->index + i] = true;
    if (nodes > 1)
        node->output = lam__onnx_find(onnx, onnx->graph->node[node->index + nodes - 1]->output[0]);
    return lam__onnx_samples(node);
}
