/* onnx_write.c: a model as an ONNX file: IR version 7 and operator set 13, or the least that its
 * layers need, so that old programs read all they can. */
#include <onnx.pb-c.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lamina/lamina.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/onnx/onnx_file.h"
#include "model/network.h"

enum { NAME = 64, NODE_INPUTS = 3, LARGEST = INT32_MAX };

/* A node with what it points to. */
struct node {
    Onnx__NodeProto proto;
    Onnx__AttributeProto attribute, *attributes[1];
    char name[NAME], output_name[NAME];
    char *inputs[NODE_INPUTS], *output;
};

/* An initializer with what it points to. */
struct tensor {
    Onnx__TensorProto proto;
    char name[NAME];
    int64_t dims[2];
    float values[1]; /* of single numbers */
    uint8_t *bytes;  /* little-endian, where the machine is not */
};

struct entry {
    Onnx__StringStringEntryProto proto;
    char key[LAM__ONNX_KEY];
};

/* A dimension, of a number or with the name of the batch. */
struct place {
    Onnx__ValueInfoProto info;
    Onnx__TypeProto type;
    Onnx__TypeProto__Tensor tensor;
    Onnx__TensorShapeProto shape;
    Onnx__TensorShapeProto__Dimension dims[2], *dim_list[2];
};

/* The file while it is put together. Lists of pointers point into the arrays beside them. */
struct file {
    const lam_model *model;
    struct node *nodes;
    Onnx__NodeProto **node_list;
    struct tensor *tensors;
    Onnx__TensorProto **tensor_list;
    struct entry *entries;
    Onnx__StringStringEntryProto **entry_list;
    size_t node_count, tensor_count, entry_count;
    const char *flow; /* the name of the value that comes out of the last node */
    struct place input, output;
    Onnx__ValueInfoProto *input_list[1], *output_list[1];
    Onnx__GraphProto graph;
    Onnx__OperatorSetIdProto set, *set_list[1];
    Onnx__ModelProto proto;
};

/* protobuf-c wants char * for what it only reads. */
static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static lam_status allocate(struct file *file)
{
    const lam_model *model = file->model;
    /* the operators of each layer and of its activation, and two for the transform */
    const size_t nodes = (LAM__LAYER_OPERATORS + LAM__ONNX_MOST) * model->layer_count + 2;
    const size_t tensors = lam__tensor_count(model) + 2, entries = model->class_count + 1;
    file->nodes = lam__allocate_zero(nodes, sizeof *file->nodes, "the nodes of a graph");
    file->node_list = lam__allocate_zero(nodes, sizeof *file->node_list, "the nodes of a graph");
    file->tensors = lam__allocate_zero(tensors, sizeof *file->tensors, "the list of tensors");
    file->tensor_list =
        lam__allocate_zero(tensors, sizeof *file->tensor_list, "the list of tensors");
    file->entries = lam__allocate_zero(entries, sizeof *file->entries, "class names");
    file->entry_list = lam__allocate_zero(entries, sizeof *file->entry_list, "class names");
    return file->nodes && file->node_list && file->tensors && file->tensor_list && file->entries &&
                   file->entry_list
               ? LAM_OK
               : LAM_ERR_MEMORY;
}

static void release(struct file *file)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        lam__release(file->tensors[i].bytes);
    lam__release(file->nodes);
    lam__release(file->node_list);
    lam__release(file->tensors);
    lam__release(file->tensor_list);
    lam__release(file->entries);
    lam__release(file->entry_list);
}

static bool is_little_endian(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

/* An initializer of values that stay where they are; rank 0 for a single number of its own. */
static lam_status add_tensor(struct file *file, const char *name, size_t rank, size_t rows,
                             size_t cols, const float *values, char **added)
{
    struct tensor *tensor = &file->tensors[file->tensor_count];
    const size_t count = rank == 0 ? 1 : rank == 1 ? cols : rows * cols;
    onnx__tensor_proto__init(&tensor->proto);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    if (rank == 0) {
        tensor->values[0] = values[0];
        values = tensor->values;
    }
    tensor->dims[0] = (int64_t)(rank == 2 ? rows : cols);
    tensor->dims[1] = (int64_t)cols;
    tensor->proto.name = tensor->name;
    tensor->proto.n_dims = rank;
    tensor->proto.dims = tensor->dims;
    tensor->proto.has_data_type = true;
    tensor->proto.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->proto.has_raw_data = true;
    tensor->proto.raw_data.len = count * sizeof *values;
    tensor->proto.raw_data.data = (uint8_t *)(uintptr_t)values;
    if (!is_little_endian()) {
        tensor->bytes = lam__allocate(count, sizeof *values, "a tensor");
        if (!tensor->bytes)
            return LAM_ERR_MEMORY;
        for (size_t i = 0; i < count; i++) {
            uint32_t word;
            memcpy(&word, &values[i], sizeof word);
            for (int k = 0; k < 4; k++)
                tensor->bytes[4 * i + k] = (uint8_t)(word >> 8 * k);
        }
        tensor->proto.raw_data.data = tensor->bytes;
    }
    file->tensor_list[file->tensor_count++] = &tensor->proto;
    *added = tensor->name;
    return LAM_OK;
}

/* A node from what flows so far and up to two constants (NULL: none) to a value of its own name. */
static struct node *add_node(struct file *file, const char *type, const char *name, char *a,
                             char *b)
{
    struct node *node = &file->nodes[file->node_count];
    onnx__node_proto__init(&node->proto);
    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(node->output_name, sizeof node->output_name, "%s", name);
    node->inputs[0] = text(file->flow);
    node->inputs[1] = a;
    node->inputs[2] = b;
    node->output = node->output_name;
    node->proto.name = node->name;
    node->proto.op_type = text(type);
    node->proto.n_input = 1 + (a != NULL) + (b != NULL);
    node->proto.input = node->inputs;
    node->proto.n_output = 1;
    node->proto.output = &node->output;
    file->node_list[file->node_count++] = &node->proto;
    file->flow = node->output_name;
    return node;
}

static Onnx__AttributeProto *add_attribute(struct node *node, const char *name)
{
    onnx__attribute_proto__init(&node->attribute);
    node->attribute.name = text(name);
    node->attribute.has_type = true;
    node->attributes[0] = &node->attribute;
    node->proto.n_attribute = 1;
    node->proto.attribute = node->attributes;
    return &node->attribute;
}

static lam_status add_transform(struct file *file)
{
    const lam__transform *transform = &file->model->transform;
    const size_t n = file->model->features;
    char *scale, *offset;
    if (transform->kind == LAM_TRANSFORM_NONE)
        return LAM_OK;
    const bool each = transform->kind == LAM_TRANSFORM_STANDARDIZE;
    LAM__TRY(add_tensor(file, "transform.scale", each ? 1 : 0, 1, n,
                        each ? transform->scales : &transform->scale, &scale));
    LAM__TRY(add_tensor(file, "transform.offset", each ? 1 : 0, 1, n,
                        each ? transform->offsets : &transform->offset, &offset));
    add_node(file, "Mul", "transform.scaled", scale, NULL);
    add_node(file, "Add", "transform", offset, NULL);
    return LAM_OK;
}

/* Nodes of an activation: its operators one after the other, Mul with z beside. */
static lam_status add_activation(struct file *file, size_t index, const lam__activation *activation)
{
    char *z = text(file->flow), name[NAME];
    const char *const *all = activation->onnx;
    if (!all[0])
        return lam__fail(LAM_ERR_UNSUPPORTED, "the activation '%s' has no operator in ONNX",
                         activation->name);
    for (size_t k = 0; k < LAM__ONNX_MOST && all[k] && *all[k]; k++) {
        const bool last = k + 1 == LAM__ONNX_MOST || !all[k + 1];
        snprintf(name, sizeof name, "layers.%zu.%s%s%s", index, activation->name, last ? "" : ".",
                 last ? "" : all[k]);
        struct node *node =
            add_node(file, all[k], name, strcmp(all[k], "Mul") == 0 ? z : NULL, NULL);
        if (activation->rowwise) {
            Onnx__AttributeProto *axis = add_attribute(node, "axis");
            axis->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
            axis->has_i = true;
            axis->i = -1;
        }
    }
    return LAM_OK;
}

static void add_number(struct node *node, const lam__layer *layer, const char *name)
{
    for (size_t i = 0; i < layer->type->field_count; i++) {
        const lam__layer_field *field = &layer->type->fields[i];
        if (strcmp(field->name, name) != 0)
            continue;
        Onnx__AttributeProto *attribute = add_attribute(node, field->name);
        attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT;
        attribute->has_f = true;
        attribute->f = lam__layer_number(layer, field);
    }
}

/* The operators of a layer's row: the first is called "layers.3", the others by what they do. */
static lam_status add_operators(struct file *file, size_t index)
{
    const lam_model *model = file->model;
    const lam__layer *layer = &model->layers[index];
    char name[NAME], *weight, *bias;
    snprintf(name, sizeof name, "layers.%zu.weight", index);
    LAM__TRY(add_tensor(file, name, layer->type->multiplies ? 2 : 1, layer->in, layer->out,
                        model->parameters + layer->weight, &weight));
    snprintf(name, sizeof name, "layers.%zu.bias", index);
    LAM__TRY(add_tensor(file, name, 1, 1, layer->out, model->parameters + layer->bias, &bias));
    for (size_t i = 0; i < LAM__LAYER_OPERATORS && layer->type->onnx[i].name; i++) {
        const lam__layer_operator *row = &layer->type->onnx[i];
        snprintf(name, sizeof name, i == 0 ? "layers.%zu" : "layers.%zu.%s", index, row->name);
        struct node *node = add_node(file, row->name, name, row->weight ? weight : bias,
                                     row->weight && row->bias ? bias : NULL);
        if (row->attribute)
            add_number(node, layer, row->attribute);
    }
    return LAM_OK;
}

static lam_status add_layer(struct file *file, size_t index)
{
    const lam__layer *layer = &file->model->layers[index];
    if (layer->type->only_training)
        return LAM_OK;
    if (!layer->type->onnx[0].name)
        return lam__fail(LAM_ERR_UNSUPPORTED, "layer %zu: '%s' has no operator in ONNX", index,
                         layer->type->name);
    LAM__TRY(add_operators(file, index));
    return add_activation(file, index, layer->activation);
}

static void add_entry(struct file *file, const char *value)
{
    struct entry *entry = &file->entries[file->entry_count];
    onnx__string_string_entry_proto__init(&entry->proto);
    entry->proto.key = entry->key;
    entry->proto.value = text(value);
    file->entry_list[file->entry_count++] = &entry->proto;
}

/* Names go to protocol buffers as UTF-8, which other programs insist on. */
static lam_status add_metadata(struct file *file)
{
    const lam_model *model = file->model;
    for (size_t i = 0; i < model->class_count; i++) {
        if (!lam__is_utf8(model->class_names[i]))
            return lam__fail(
                LAM_ERR_ARGUMENT,
                "the name of class %zu is not valid UTF-8: an ONNX file cannot hold it", i);
        snprintf(file->entries[i].key, sizeof file->entries[i].key, LAM__ONNX_CLASS_KEY, i);
        add_entry(file, model->class_names[i]);
    }
    if (lam_model_loss(model)) {
        snprintf(file->entries[file->entry_count].key, LAM__ONNX_KEY, "%s", LAM__ONNX_LOSS_KEY);
        add_entry(file, lam_model_loss(model));
    }
    return LAM_OK;
}

/* "input" [batch][n] or "output" [batch][n]. */
static Onnx__ValueInfoProto *describe(struct place *place, const char *name, size_t n)
{
    onnx__value_info_proto__init(&place->info);
    onnx__type_proto__init(&place->type);
    onnx__type_proto__tensor__init(&place->tensor);
    onnx__tensor_shape_proto__init(&place->shape);
    for (int i = 0; i < 2; i++) {
        onnx__tensor_shape_proto__dimension__init(&place->dims[i]);
        place->dim_list[i] = &place->dims[i];
    }
    place->dims[0].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
    place->dims[0].dim_param = text("batch");
    place->dims[1].value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    place->dims[1].dim_value = (int64_t)n;
    place->shape.n_dim = 2;
    place->shape.dim = place->dim_list;
    place->tensor.has_elem_type = true;
    place->tensor.elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    place->tensor.shape = &place->shape;
    place->type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    place->type.tensor_type = &place->tensor;
    place->info.name = text(name);
    place->info.type = &place->type;
    return &place->info;
}

static lam_status add_graph(struct file *file, bool transform)
{
    const lam_model *model = file->model;
    LAM__TRY(allocate(file));
    file->flow = "input";
    if (transform)
        LAM__TRY(add_transform(file));
    for (size_t i = 0; i < model->layer_count; i++)
        LAM__TRY(add_layer(file, i));
    struct node *last = &file->nodes[file->node_count - 1]; /* there is a layer with parameters */
    snprintf(last->output_name, sizeof last->output_name, "output");
    file->input_list[0] = describe(&file->input, "input", model->features);
    file->output_list[0] = describe(&file->output, "output", lam_model_outputs(model));
    onnx__graph_proto__init(&file->graph);
    file->graph.name = text("lamina");
    file->graph.n_node = file->node_count;
    file->graph.node = file->node_list;
    file->graph.n_initializer = file->tensor_count;
    file->graph.initializer = file->tensor_list;
    file->graph.n_input = file->graph.n_output = 1;
    file->graph.input = file->input_list;
    file->graph.output = file->output_list;
    return add_metadata(file);
}

static void close_model(struct file *file)
{
    int set = 13;
    for (size_t i = 0; i < file->model->layer_count; i++)
        if (file->model->layers[i].type->onnx_set > set)
            set = file->model->layers[i].type->onnx_set;
    onnx__operator_set_id_proto__init(&file->set);
    file->set.domain = text("");
    file->set.has_version = true;
    file->set.version = set;
    file->set_list[0] = &file->set;
    onnx__model_proto__init(&file->proto);
    file->proto.has_ir_version = true;
    file->proto.ir_version = set >= 15 ? 8 : 7;
    file->proto.producer_name = text("lamina");
    file->proto.producer_version = text(LAM_VERSION_STRING);
    file->proto.graph = &file->graph;
    file->proto.n_opset_import = 1;
    file->proto.opset_import = file->set_list;
    file->proto.n_metadata_props = file->entry_count;
    file->proto.metadata_props = file->entry_list;
}

lam_status lam__onnx_serialize(const lam_model *model, bool transform, unsigned char **bytes,
                               size_t *size)
{
    struct file file = {.model = model};
    *bytes = NULL;
    lam_status status = add_graph(&file, transform);
    if (status == LAM_OK) {
        close_model(&file);
        *size = onnx__model_proto__get_packed_size(&file.proto);
        if (*size > LARGEST)
            status = lam__fail(LAM_ERR_UNSUPPORTED, "%zu bytes: an ONNX file holds less than 2 GB",
                               *size);
        else if (!(*bytes = lam__allocate(*size, 1, "an ONNX file")))
            status = LAM_ERR_MEMORY;
    }
    if (status == LAM_OK)
        onnx__model_proto__pack(&file.proto, *bytes);
    release(&file);
    return status;
}
