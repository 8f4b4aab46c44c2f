/* onnx_describe.c: what an ONNX file holds, whether or not its network is one of ours. */
#include <inttypes.h>
#include <onnx.pb-c.h>
#include <stdio.h>

#include "base/error.h"
#include "formats/contents.h"
#include "formats/onnx/onnx_file.h"
#include "formats/onnx/proto.h"

/* Pairs of metadata that are told. */
enum { MOST_FACTS = 1000 };

static const char *text_of(const char *text)
{
    return text ? text : "";
}

static const char *type_name(int type)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&onnx__tensor_proto__data_type__descriptor, type);
    return value ? value->name : "?";
}

/* "pytorch 2.13", "IR version 8, operators 17, ai.onnx.ml 1" */
static lam_status tell_model(const Onnx__ModelProto *model, lam_model_contents *contents)
{
    char text[256];
    snprintf(text, sizeof text, "%.120s%s%.120s", text_of(model->producer_name),
             *text_of(model->producer_version) ? " " : "", text_of(model->producer_version));
    if (text[0])
        LAM__TRY(lam__contents_fact(contents, "producer", text));
    int at = snprintf(text, sizeof text, "IR version %" PRId64 ", operators", model->ir_version);
    for (size_t i = 0; i < model->n_opset_import && at > 0 && (size_t)at < sizeof text; i++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[i];
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%s%.40s %" PRId64, i ? "," : "",
                       *text_of(set->domain) ? " " : "", text_of(set->domain), set->version);
    }
    LAM__TRY(lam__contents_fact(contents, "ONNX", text));
    for (size_t i = 0; i < model->n_metadata_props && i < MOST_FACTS; i++)
        LAM__TRY(lam__contents_fact(contents, text_of(model->metadata_props[i]->key),
                                    text_of(model->metadata_props[i]->value)));
    return LAM_OK;
}

/* "takes": "'x' FLOAT batch x 784" */
static lam_status tell_place(const Onnx__ValueInfoProto *info, const char *key,
                             lam_model_contents *contents)
{
    char text[256];
    const Onnx__TypeProto__Tensor *tensor =
        info->type && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
            ? info->type->tensor_type
            : NULL;
    int at = snprintf(text, sizeof text, "'%.80s' %s", text_of(info->name),
                      tensor ? type_name(tensor->elem_type) : "is no array");
    const size_t rank = tensor && tensor->shape ? tensor->shape->n_dim : 0;
    for (size_t i = 0; i < rank && at > 0 && (size_t)at < sizeof text; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[i];
        const size_t room = sizeof text - (size_t)at;
        if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
            at += snprintf(text + at, room, "%s%" PRId64, i ? " x " : " ", dim->dim_value);
        else if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
            at += snprintf(text + at, room, "%s%.40s", i ? " x " : " ", text_of(dim->dim_param));
        else
            at += snprintf(text + at, room, "%s?", i ? " x " : " ");
    }
    return lam__contents_fact(contents, key, text);
}

static lam_status tell_tensor(const Onnx__TensorProto *tensor, lam_model_contents *contents)
{
    size_t shape[LAM_CONTENT_DIMENSIONS] = {0};
    const size_t rank =
        tensor->n_dims < LAM_CONTENT_DIMENSIONS ? tensor->n_dims : LAM_CONTENT_DIMENSIONS;
    for (size_t i = 0; i < rank; i++)
        shape[i] = tensor->dims[i] > 0 ? (size_t)tensor->dims[i] : 0;
    return lam__contents_array(contents, text_of(tensor->name), type_name(tensor->data_type), rank,
                               shape);
}

static lam_status tell_graph(const Onnx__GraphProto *graph, lam_model_contents *contents)
{
    for (size_t i = 0; i < graph->n_input; i++)
        LAM__TRY(tell_place(graph->input[i], "takes", contents));
    for (size_t i = 0; i < graph->n_output; i++)
        LAM__TRY(tell_place(graph->output[i], "gives", contents));
    for (size_t i = 0; i < graph->n_initializer; i++)
        LAM__TRY(tell_tensor(graph->initializer[i], contents));
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *node = graph->node[i];
        const char *domain = text_of(node->domain), *name = text_of(node->name);
        char where[160], class[128];
        snprintf(where, sizeof where, "node %zu%s%.100s%s", i, *name ? " '" : "", name,
                 *name ? "'" : "");
        snprintf(class, sizeof class, "%.60s%s%.60s", domain, *domain ? "." : "",
                 text_of(node->op_type));
        LAM__TRY(lam__contents_array(contents, where, class, LAM_CONTENT_OBJECT, NULL));
    }
    return LAM_OK;
}

lam_status lam__onnx_describe(const unsigned char *bytes, size_t size, const char *name,
                              lam_model_contents *contents)
{
    lam__proto proto;
    lam_status status = lam__proto_open(&proto, name, &onnx__model_proto__descriptor, bytes, size);
    if (status == LAM_OK) {
        const Onnx__ModelProto *model = (const Onnx__ModelProto *)proto.message;
        status = tell_model(model, contents);
        if (status == LAM_OK && model->graph)
            status = tell_graph(model->graph, contents);
    }
    lam__proto_close(&proto);
    return status;
}
