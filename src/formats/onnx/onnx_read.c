/* onnx_read.c: a model from an ONNX file: its values listed, its output chosen, and the nodes that
 * lead to it walked through in order. */
#include "formats/onnx/onnx_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_report.h"
#include "formats/onnx/onnx_graph.h"
#include "formats/onnx/proto.h"
#include "model/unregistered.h"

enum { MOST_OUTPUTS = 64 };

static const char *text_of(const char *text)
{
    return text ? text : "";
}

static lam_status check_model(lam__onnx *onnx)
{
    const Onnx__ModelProto *model = onnx->model;
    const Onnx__GraphProto *graph = model->graph;
    if (!graph || graph->n_node == 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: an ONNX model without %s", onnx->name,
                         graph ? "nodes" : "a graph");
    if (!model->has_ir_version || model->ir_version < 3)
        return lam__fail(LAM_ERR_FORMAT, "%s: ONNX IR version %lld, 3 or newer is read", onnx->name,
                         (long long)model->ir_version);
    if (model->n_functions > 0)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: function '%.64s': functions are not read",
                         onnx->name, text_of(model->functions[0]->name));
    if (graph->n_sparse_initializer > 0)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: sparse initializers are not read", onnx->name);
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[i];
        if (*text_of(set->domain) == '\0' || strcmp(set->domain, "ai.onnx") == 0)
            onnx->set = set->version;
    }
    if (onnx->set < LAM__ONNX_OLDEST_SET || onnx->set > LAM__ONNX_NEWEST_SET)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: ONNX operator set %lld, %d to %d are read",
                         onnx->name, (long long)onnx->set, LAM__ONNX_OLDEST_SET,
                         LAM__ONNX_NEWEST_SET);
    onnx->graph = graph;
    return LAM_OK;
}

static lam_status list_name(lam__onnx *onnx, const char *name, bool given,
                            const Onnx__TensorProto *tensor)
{
    if (!name || !*name)
        return given ? lam__fail(LAM_ERR_FORMAT, "%s: an input or initializer without a name",
                                 onnx->name)
                     : LAM_OK; /* an output that nobody wants */
    onnx->values[onnx->value_count++] = (lam__onnx_value){
        .name = name,
        .kind = tensor ? LAM__ONNX_CONSTANT : LAM__ONNX_UNKNOWN,
        .given = given,
        .tensor = tensor,
    };
    return LAM_OK;
}

static int compare_names(const void *a, const void *b)
{
    const lam__onnx_value *first = a, *second = b;
    const int order = strcmp(first->name, second->name);
    /* of an initializer and an input of the same name the initializer goes first */
    return order ? order : (first->tensor == NULL) - (second->tensor == NULL);
}

/* Each name once; an initializer may also be listed as an input, whose default it then is. */
static lam_status check_names(lam__onnx *onnx)
{
    size_t count = 0;
    for (size_t i = 0; i < onnx->value_count; i++) {
        const lam__onnx_value *value = &onnx->values[i];
        const lam__onnx_value *before = count ? &onnx->values[count - 1] : NULL;
        if (!before || strcmp(before->name, value->name) != 0)
            onnx->values[count++] = *value;
        else if (!before->given || !value->given || !before->tensor || value->tensor)
            return lam__fail(LAM_ERR_FORMAT, "%s: the value '%.64s' is defined twice", onnx->name,
                             value->name);
    }
    onnx->value_count = count;
    return LAM_OK;
}

static lam_status list_values(lam__onnx *onnx)
{
    const Onnx__GraphProto *graph = onnx->graph;
    size_t count = graph->n_input + graph->n_initializer; /* what the file holds: no overflow */
    for (size_t i = 0; i < graph->n_node; i++)
        count += graph->node[i]->n_output;
    onnx->values = lam__allocate_zero(count, sizeof *onnx->values, "the values of a graph");
    onnx->needed = lam__allocate_zero(graph->n_node, 2 * sizeof *onnx->needed, "nodes");
    onnx->made = lam__allocate_zero(graph->n_node, sizeof *onnx->made, "nodes");
    if (!onnx->values || !onnx->needed || !onnx->made)
        return LAM_ERR_MEMORY;
    onnx->done = onnx->needed + graph->n_node;
    for (size_t i = 0; i < graph->n_initializer; i++)
        LAM__TRY(list_name(onnx, graph->initializer[i]->name, true, graph->initializer[i]));
    for (size_t i = 0; i < graph->n_input; i++)
        LAM__TRY(list_name(onnx, graph->input[i]->name, true, NULL));
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_output; k++)
            LAM__TRY(list_name(onnx, graph->node[i]->output[k], false, NULL));
    qsort(onnx->values, onnx->value_count, sizeof *onnx->values, compare_names);
    return check_names(onnx);
}

static bool is_float(int type)
{
    return type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ||
           type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ||
           type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
           type == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

static const Onnx__TypeProto__Tensor *tensor_type(const Onnx__ValueInfoProto *info)
{
    if (!info->type || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return NULL;
    return info->type->tensor_type;
}

/* The one input that is not an initializer becomes the samples. */
static lam_status choose_input(lam__onnx *onnx)
{
    const Onnx__ValueInfoProto *input = NULL;
    for (size_t i = 0; i < onnx->graph->n_input; i++) {
        const Onnx__ValueInfoProto *info = onnx->graph->input[i];
        if (lam__onnx_find(onnx, info->name)->tensor)
            continue;
        if (input)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: more than one input: '%.64s' and '%.64s': a Lamina model has "
                             "one",
                             onnx->name, input->name, info->name);
        input = info;
    }
    if (!input)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: no input", onnx->name);
    const Onnx__TypeProto__Tensor *type = tensor_type(input);
    if (!type || !is_float(type->elem_type) || !type->shape)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: input '%.64s' is not an array of floats of a known shape", onnx->name,
                         input->name);
    onnx->rank = type->shape->n_dim;
    if (onnx->rank < 2 || onnx->rank > LAM__ONNX_RANK)
        return lam__fail(
            LAM_ERR_UNSUPPORTED,
            "%s: input '%.64s' has %zu dimensions: the batch and 1 to %d more are read", onnx->name,
            input->name, onnx->rank, LAM__ONNX_RANK - 1);
    for (size_t i = 0; i < onnx->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
        const bool told = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        onnx->dims[i] = told && dim->dim_value > 0 ? (size_t)dim->dim_value : 0;
    }
    lam__onnx_value *value = lam__onnx_find(onnx, input->name);
    value->kind = LAM__ONNX_SAMPLES;
    value->version = ++onnx->version;
    return LAM_OK;
}

static const Onnx__NodeProto *producer(const lam__onnx *onnx, const char *name)
{
    for (size_t i = 0; i < onnx->graph->n_node; i++)
        for (size_t k = 0; k < onnx->graph->node[i]->n_output; k++)
            if (strcmp(onnx->graph->node[i]->output[k], name) == 0)
                return onnx->graph->node[i];
    return NULL;
}

/* What an output of the graph is of floats: itself, or the input of the ZipMap that labels it. */
static const char *floats_behind(const lam__onnx *onnx, const Onnx__ValueInfoProto *info)
{
    const Onnx__TypeProto__Tensor *type = tensor_type(info);
    if (type)
        return is_float(type->elem_type) ? info->name : NULL;
    const Onnx__NodeProto *node = producer(onnx, text_of(info->name));
    const bool zip = node && node->op_type && strcmp(node->op_type, "ZipMap") == 0;
    return zip && node->n_input == 1 ? node->input[0] : NULL;
}

/* The output of floats; there may be others, of labels, as scikit-learn's classifiers have. */
static lam_status choose_output(lam__onnx *onnx)
{
    const char *chosen = NULL;
    if (onnx->graph->n_output > MOST_OUTPUTS)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %zu outputs", onnx->name, onnx->graph->n_output);
    for (size_t i = 0; i < onnx->graph->n_output; i++) {
        const char *name = floats_behind(onnx, onnx->graph->output[i]);
        if (!name)
            continue;
        if (chosen && strcmp(chosen, name) != 0)
            return lam__fail(LAM_ERR_UNSUPPORTED,
                             "%s: more than one output of floats: '%.64s' and '%.64s'", onnx->name,
                             chosen, name);
        chosen = name;
    }
    if (!chosen)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: no output of floats among its %zu", onnx->name,
                         onnx->graph->n_output);
    lam__onnx_value *value = lam__onnx_find(onnx, chosen);
    if (!value)
        return lam__fail(LAM_ERR_FORMAT, "%s: output '%.64s' comes from no node", onnx->name,
                         chosen);
    value->needed = true;
    onnx->output = value;
    return LAM_OK;
}

/* Nodes come in order: from the last on, those are needed whose outputs are. */
static void mark_needed(lam__onnx *onnx)
{
    for (size_t i = onnx->graph->n_node; i-- > 0;) {
        const Onnx__NodeProto *node = onnx->graph->node[i];
        for (size_t k = 0; k < node->n_output; k++) {
            const lam__onnx_value *value = lam__onnx_find(onnx, node->output[k]);
            onnx->needed[i] = onnx->needed[i] || (value && value->needed);
        }
        for (size_t k = 0; onnx->needed[i] && k < node->n_input; k++) {
            lam__onnx_value *value = lam__onnx_find(onnx, node->input[k]);
            if (value)
                value->needed = true;
        }
    }
}

/* Fills in the node; its inputs must have been computed, those of samples be the latest. */
/* An input that nothing has made so far. */
static lam_status refuse_missing(const lam__onnx_node *node, const char *name)
{
    const Onnx__GraphProto *graph = node->onnx->graph;
    for (size_t i = node->index + 1; i < graph->n_node; i++)
        for (size_t k = 0; k < graph->node[i]->n_output; k++)
            if (strcmp(text_of(graph->node[i]->output[k]), name) == 0)
                return lam__onnx_refuse(
                    node, LAM_ERR_FORMAT,
                    "its input '%.64s' is not defined before it: node %zu makes it, and ONNX "
                    "wants nodes in the order in which they run (topological)",
                    name, i);
    return lam__onnx_refuse(node, LAM_ERR_FORMAT,
                            "its input '%.64s' is not defined before it, nor does any node make it",
                            name);
}

static lam_status open_node(lam__onnx *onnx, size_t index, lam__onnx_node *node)
{
    const Onnx__NodeProto *proto = onnx->graph->node[index];
    *node = (lam__onnx_node){.onnx = onnx, .proto = proto, .index = index};
    snprintf(node->where, sizeof node->where, "node %zu '%.44s' (%.24s)", index,
             text_of(proto->name), text_of(proto->op_type));
    if (!proto->op_type || proto->n_output == 0)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "has no operator or no output");
    node->output = lam__onnx_find(onnx, proto->output[0]);
    if (!node->output)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "its first output is not the one used");
    for (size_t k = 1; k < proto->n_output; k++) {
        const lam__onnx_value *value = lam__onnx_find(onnx, proto->output[k]);
        if (value && value->needed)
            return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "its output %zu is used", k);
    }
    node->input_count = proto->n_input;
    node->samples = node->input_count;
    if (node->input_count > LAM__ONNX_INPUTS)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "has %zu inputs", node->input_count);
    for (size_t k = 0; k < node->input_count; k++) {
        lam__onnx_value *value = *proto->input[k] ? lam__onnx_find(onnx, proto->input[k]) : NULL;
        node->inputs[k] = value;
        if (!*proto->input[k])
            continue;
        if (!value || value->kind == LAM__ONNX_UNKNOWN)
            return refuse_missing(node, proto->input[k]);
        if (value->kind == LAM__ONNX_CONSTANT || value->kind == LAM__ONNX_INTEGERS)
            continue;
        if (value->version != onnx->version)
            return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                    "its input '%.64s' is already used elsewhere: a Lamina model "
                                    "has no branches",
                                    proto->input[k]);
        if (node->samples == node->input_count)
            node->samples = k;
    }
    return LAM_OK;
}

/* A node without samples gives a constant: numbers in an attribute, or another constant. */
static lam_status read_constant(lam__onnx_node *node)
{
    const char *name = node->proto->op_type;
    const bool alias = strcmp(name, "Identity") == 0, turned = strcmp(name, "Transpose") == 0;
    lam__onnx_value *output = node->output;
    if ((alias || turned) && node->input_count == 1 && node->inputs[0] &&
        node->inputs[0]->kind == LAM__ONNX_CONSTANT) {
        const Onnx__AttributeProto *order = lam__onnx_attribute(node, "perm");
        const bool whole = !order || (order->n_ints == 2 && order->ints[0] == 1);
        if (turned && !whole)
            return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "transposes more than a matrix");
        output->kind = LAM__ONNX_CONSTANT;
        output->tensor = node->inputs[0]->tensor;
        output->transposed = node->inputs[0]->transposed != turned;
        return LAM_OK;
    }
    if (strcmp(name, "Constant") != 0 || node->input_count > 0 || node->proto->n_attribute != 1)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "computes with constants only");
    const Onnx__AttributeProto *value = node->proto->attribute[0];
    lam__onnx_made *own = &node->onnx->made[node->index];
    Onnx__TensorProto *made = &own->tensor;
    output->kind = LAM__ONNX_CONSTANT;
    output->tensor = made;
    onnx__tensor_proto__init(made);
    if (value->t) {
        output->tensor = value->t;
        return LAM_OK;
    }
    if (value->has_f || value->n_floats > 0) {
        made->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
        made->n_float_data = value->has_f ? 1 : value->n_floats;
        made->float_data = value->has_f ? (float *)(uintptr_t)&value->f : value->floats;
    } else if (value->has_i || value->n_ints > 0) {
        made->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
        made->n_int64_data = value->has_i ? 1 : value->n_ints;
        made->int64_data = value->has_i ? (int64_t *)(uintptr_t)&value->i : value->ints;
    } else {
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "a constant that is not of numbers");
    }
    if (value->has_f || value->has_i)
        return LAM_OK; /* no dimension */
    own->length = (int64_t)(made->n_float_data + made->n_int64_data);
    made->n_dims = 1;
    made->dims = &own->length;
    return LAM_OK;
}

static lam_status read_nodes(lam__onnx *onnx)
{
    for (size_t i = 0; i < onnx->graph->n_node; i++) {
        lam__onnx_node node;
        bool integers;
        if (!onnx->needed[i] || onnx->done[i])
            continue;
        LAM__TRY(open_node(onnx, i, &node));
        LAM__TRY(lam__onnx_read_integers(&node, &integers));
        if (integers)
            continue;
        if (node.samples == node.input_count)
            LAM__TRY(read_constant(&node));
        else
            LAM__TRY(lam__onnx_read_node(&node));
    }
    if (onnx->output->kind != LAM__ONNX_SAMPLES || onnx->output->version != onnx->version)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: the samples do not lead to output '%.64s'",
                         onnx->name, onnx->output->name);
    return LAM_OK;
}

/* Class names and loss, as lam__onnx_write tells them; what others wrote is theirs. */
static lam_status read_metadata(const lam__onnx *onnx, lam_model *model)
{
    const Onnx__ModelProto *proto = onnx->model;
    const size_t outputs = lam_model_outputs(model);
    const char **names = lam__allocate_zero(outputs, sizeof *names, "class names");
    size_t count = 0;
    if (!names)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < proto->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *entry = proto->metadata_props[i];
        char key[LAM__ONNX_KEY];
        if (!entry->key || !entry->value)
            continue;
        if (strcmp(entry->key, LAM__ONNX_LOSS_KEY) == 0)
            lam__take_loss_name(model, entry->value); /* what is not UTF-8 is left out */
        snprintf(key, sizeof key, LAM__ONNX_CLASS_KEY, count);
        if (count < outputs && strcmp(entry->key, key) == 0)
            names[count++] = entry->value;
    }
    lam_status status = count ? lam__model_take_class_names(model, names, count) : LAM_OK;
    lam__release(names);
    return status;
}

/* Metadata and nodes that the model has no place for. */
static void tell_rest(const lam__onnx *onnx)
{
    lam__name_list keys = {0}, nodes = {0};
    for (size_t i = 0; i < onnx->model->n_metadata_props; i++) {
        const char *key = text_of(onnx->model->metadata_props[i]->key);
        if (strcmp(key, LAM__ONNX_LOSS_KEY) != 0 && strncmp(key, "class_names.", 12) != 0)
            lam__name_list_add(&keys, key);
    }
    for (size_t i = 0; i < onnx->graph->n_node; i++)
        if (!onnx->needed[i])
            lam__name_list_add(&nodes, text_of(onnx->graph->node[i]->op_type));
    if (keys.count)
        lam__report(onnx->report, LAM__LEFT_OUT, "metadata: %s", lam__name_list_text(&keys));
    if (nodes.count)
        lam__report(onnx->report, LAM__LEFT_OUT, "nodes that do not lead to output '%.64s': %s",
                    onnx->output->name, lam__name_list_text(&nodes));
}

static lam_status read_graph(lam__onnx *onnx, lam_model **model)
{
    LAM__TRY(check_model(onnx));
    lam__import_graph_limit(onnx->imported, onnx->file_size + lam__onnx_external_bytes(onnx));
    LAM__TRY(list_values(onnx));
    LAM__TRY(choose_input(onnx));
    LAM__TRY(choose_output(onnx));
    mark_needed(onnx);
    LAM__TRY(read_nodes(onnx));
    LAM__TRY(lam__import_graph_finish(onnx->imported, model));
    tell_rest(onnx);
    return read_metadata(onnx, *model);
}

lam_status lam__onnx_parse(const unsigned char *bytes, size_t size, const char *name,
                           lam_import_report *report, lam_model **model)
{
    lam__proto proto;
    lam__onnx onnx = {.name = name, .report = report};
    *model = NULL;
    lam_status status = lam__proto_open(&proto, name, &onnx__model_proto__descriptor, bytes, size);
    if (status == LAM_OK) {
        onnx.model = (const Onnx__ModelProto *)proto.message;
        onnx.imported = lam__import_graph_new(name);
        if (onnx.imported)
            lam__import_graph_tell(onnx.imported, report);
        onnx.file_size = size;
        status = onnx.imported ? read_graph(&onnx, model) : LAM_ERR_MEMORY;
    }
    lam__import_graph_free(onnx.imported);
    lam__release(onnx.values);
    lam__release(onnx.needed);
    lam__release(onnx.made);
    lam__proto_close(&proto);
    if (status != LAM_OK) {
        lam_model_free(*model);
        *model = NULL;
    }
    return status;
}
