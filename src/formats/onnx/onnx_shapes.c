/* onnx_shapes.c: shapes in an ONNX graph: integers made of the shape of the samples, as PyTorch's
 * view(x.size(0), -1) and TensorFlow have them, and samples brought to another shape. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/onnx/onnx_graph.h"

static bool is_operator(const lam__onnx_node *node, const char *name)
{
    return strcmp(node->proto->op_type, name) == 0;
}

static lam_status become(lam__onnx_node *node, const lam__onnx_integer_list *list)
{
    node->output->kind = LAM__ONNX_INTEGERS;
    node->output->integers = *list;
    return LAM_OK;
}

/* Shape, from set 15 on of a part. */
static lam_status read_shape(lam__onnx_node *node)
{
    const lam__onnx *onnx = node->onnx;
    const int64_t rank = (int64_t)onnx->rank;
    lam__onnx_integer_list list = {.rank = 1};
    int64_t start, end;
    LAM__TRY(lam__onnx_integer(node, "start", 0, &start));
    LAM__TRY(lam__onnx_integer(node, "end", rank, &end));
    start += start < 0 ? rank : 0;
    end += end < 0 ? rank : 0;
    for (int64_t i = start < 0 ? 0 : start; i < end && i < rank; i++) {
        const size_t dim = onnx->dims[i];
        list.values[list.count++] = dim      ? (int64_t)dim
                                    : i == 0 ? LAM__ONNX_BATCH
                                             : LAM__ONNX_UNTOLD;
    }
    return become(node, &list);
}

/* The integers of input i. */
static lam_status input(const lam__onnx_node *node, size_t i, lam__onnx_integer_list *list)
{
    if (i >= node->input_count || !node->inputs[i])
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "input %zu is missing", i);
    return lam__onnx_integers_of(node, node->inputs[i], list);
}

static lam_status read_gather(lam__onnx_node *node)
{
    lam__onnx_integer_list from, at, list = {0};
    int64_t axis;
    LAM__TRY(lam__onnx_integer(node, "axis", 0, &axis));
    LAM__TRY(input(node, 0, &from));
    LAM__TRY(input(node, 1, &at));
    list.rank = at.rank;
    list.count = at.count;
    if (axis != 0 || from.rank != 1)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "gathers from no list");
    for (size_t i = 0; i < at.count; i++) {
        const int64_t k = at.values[i] < 0 ? at.values[i] + (int64_t)from.count : at.values[i];
        if (k < 0 || k >= (int64_t)from.count)
            return lam__onnx_refuse(node, LAM_ERR_SHAPE, "entry %lld of a list of %zu",
                                    (long long)at.values[i], from.count);
        list.values[i] = from.values[k];
    }
    return become(node, &list);
}

/* A part of a list, one after another. Before set 10 its ends were attributes. */
static lam_status read_slice(lam__onnx_node *node)
{
    lam__onnx_integer_list from, start, end, axes, steps, list = {.rank = 1};
    LAM__TRY(input(node, 0, &from));
    LAM__TRY(input(node, 1, &start));
    LAM__TRY(input(node, 2, &end));
    const bool axis = node->input_count > 3 && node->inputs[3];
    const bool step = node->input_count > 4 && node->inputs[4];
    if (axis)
        LAM__TRY(input(node, 3, &axes));
    if (step)
        LAM__TRY(input(node, 4, &steps));
    if (from.rank != 1 || start.count != 1 || end.count != 1 ||
        (axis && (axes.count != 1 || axes.values[0] != 0)) ||
        (step && (steps.count != 1 || steps.values[0] != 1)))
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "takes no plain part of a list");
    const int64_t count = (int64_t)from.count;
    const int64_t first = start.values[0] < 0 ? start.values[0] + count : start.values[0];
    const int64_t last = end.values[0] < 0 ? end.values[0] + count : end.values[0];
    for (int64_t i = first < 0 ? 0 : first; i < last && i < count; i++)
        list.values[list.count++] = from.values[i];
    return become(node, &list);
}

static lam_status read_concat(lam__onnx_node *node)
{
    lam__onnx_integer_list list = {.rank = 1};
    int64_t axis;
    LAM__TRY(lam__onnx_integer(node, "axis", 0, &axis));
    for (size_t i = 0; i < node->input_count; i++) {
        lam__onnx_integer_list part;
        LAM__TRY(input(node, i, &part));
        if (part.rank != 1 || (axis != 0 && axis != -1) || list.count + part.count > LAM__ONNX_RANK)
            return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "no short list of lists");
        for (size_t k = 0; k < part.count; k++)
            list.values[list.count++] = part.values[k];
    }
    return become(node, &list);
}

/* A number becomes a list of one, or the other way round; Cast and Identity change nothing. */
static lam_status read_other(lam__onnx_node *node, bool *done)
{
    lam__onnx_integer_list list;
    LAM__TRY(input(node, 0, &list));
    if (is_operator(node, "Unsqueeze") && list.rank == 0)
        list.rank = 1;
    else if (is_operator(node, "Squeeze") && list.count == 1)
        list.rank = 0;
    else
        *done = is_operator(node, "Cast") || is_operator(node, "Identity");
    return *done ? become(node, &list) : LAM_OK;
}

/* Whether all inputs are integers, made of shapes or constant. */
static bool takes_integers(const lam__onnx_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const lam__onnx_value *value = node->inputs[i];
        const bool constant = value && value->kind == LAM__ONNX_CONSTANT &&
                              value->tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64;
        if (value && value->kind != LAM__ONNX_INTEGERS && !constant)
            return false;
    }
    return node->input_count > 0;
}

lam_status lam__onnx_read_integers(lam__onnx_node *node, bool *done)
{
    static const struct {
        const char *name;
        lam_status (*read)(lam__onnx_node *node);
    } rows[] = {{"Gather", read_gather}, {"Slice", read_slice}, {"Concat", read_concat}};
    *done = true;
    if (is_operator(node, "Shape") && node->input_count == 1 && node->inputs[0] &&
        node->inputs[0]->kind == LAM__ONNX_SAMPLES)
        return read_shape(node);
    *done = takes_integers(node);
    for (size_t i = 0; *done && i < sizeof rows / sizeof *rows; i++)
        if (is_operator(node, rows[i].name))
            return rows[i].read(node);
    return *done ? read_other(node, done) : LAM_OK;
}

lam_status lam__onnx_flatten(lam__onnx_node *node)
{
    int64_t axis;
    LAM__TRY(lam__onnx_integer(node, "axis", 1, &axis));
    if (axis != 1 && axis != 1 - (int64_t)node->onnx->rank)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "flattens from axis %lld on: only from 1, each sample to a row",
                                (long long)axis);
    const size_t shape[] = {0, lam__onnx_features(node->onnx)};
    return lam__onnx_samples_shape(node, 2, shape);
}

/* The lengths that a Reshape asks for, the batch first: dims[1] and on, one of which may be -1 for
 * what is left. False when they are not those of all the values of a sample. */
static bool read_lengths(const lam__onnx *onnx, const int64_t *shape, size_t count, size_t *dims)
{
    const size_t features = lam__onnx_features(onnx);
    size_t product = 1, open = 0;
    for (size_t i = 1; i < count; i++) {
        const bool told = shape[i] > 0 && (uint64_t)shape[i] <= SIZE_MAX;
        if (!told && (shape[i] != -1 || open))
            return false;
        if (!told)
            open = i;
        dims[i] = told ? (size_t)shape[i] : 1;
        if (!lam__multiply(product, dims[i], &product))
            return false;
    }
    if (!open)
        return product == features || (features == 0 && onnx->rank == 2);
    if (shape[0] == -1 || (features == 0 && product != 1) || (features && features % product))
        return false;
    dims[open] = features / product;
    return true;
}

/* [1, N, width, 1]: how Keras 2 has its layer normalization done by a batch normalization. */
static bool is_keras_norm(const lam__onnx *onnx, const int64_t *shape, size_t count)
{
    return count == 4 && shape[0] == 1 && shape[1] == -1 && shape[3] == 1 &&
           shape[2] == (int64_t)lam__onnx_features(onnx);
}

/* Samples keep their values in their order, whatever their shape; the batch may be told as -1, 0,
 * its fixed size, or what Shape says. */
lam_status lam__onnx_reshape(lam__onnx_node *node)
{
    int64_t shape[LAM__ONNX_RANK] = {0}, zero;
    size_t count, dims[LAM__ONNX_RANK] = {0};
    lam__onnx *onnx = node->onnx;
    LAM__TRY(lam__onnx_integer(node, "allowzero", 0, &zero));
    LAM__TRY(lam__onnx_integers(node, 1, shape, &count));
    for (size_t i = 1; i < count && i < onnx->rank && !zero; i++)
        if (shape[i] == 0) /* as it was */
            shape[i] = (int64_t)onnx->dims[i];
    const bool batch =
        count >= 2 && (shape[0] == -1 || shape[0] == LAM__ONNX_BATCH || (shape[0] == 0 && !zero) ||
                       (shape[0] > 0 && shape[0] == (int64_t)onnx->dims[0]));
    if (!batch || !read_lengths(onnx, shape, count, dims))
        return lam__onnx_refuse(
            node, LAM_ERR_UNSUPPORTED,
            "to %zu dimensions (%lld, %lld ...): only to rows of the %zu values "
            "of a sample%s",
            count, count > 0 ? (long long)shape[0] : 0, count > 1 ? (long long)shape[1] : 0,
            lam__onnx_features(onnx),
            is_keras_norm(onnx, shape, count) ? "; so tf2onnx takes a LayerNormalization of Keras "
                                                "apart: save the model as .keras "
                                                "and convert that"
                                              : "");
    return lam__onnx_samples_shape(node, count, dims);
}

/* Axes of length 1 taken away, or added: those of an attribute, from set 13 on of an input. */
lam_status lam__onnx_squeeze(lam__onnx_node *node)
{
    lam__onnx *onnx = node->onnx;
    const Onnx__AttributeProto *attribute = lam__onnx_attribute(node, "axes");
    const bool adds = is_operator(node, "Unsqueeze");
    int64_t axes[LAM__ONNX_RANK] = {0};
    size_t count = 0, dims[LAM__ONNX_RANK] = {0}, rank = onnx->rank;
    if (attribute && attribute->n_ints == 1) {
        axes[0] = attribute->ints[0];
        count = 1;
    } else if (!attribute) {
        LAM__TRY(lam__onnx_integers(node, 1, axes, &count));
    }
    const int64_t whole = (int64_t)rank + adds, at = axes[0] < 0 ? axes[0] + whole : axes[0];
    const bool fits = count == 1 && at > 0 && at < whole && whole <= LAM__ONNX_RANK &&
                      (adds || onnx->dims[at] == 1);
    if (!fits)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "axes other than one of length 1 behind the batch");
    rank = 0;
    for (size_t k = 0; k < onnx->rank; k++) {
        if (adds && (int64_t)k == at)
            dims[rank++] = 1;
        if (adds || (int64_t)k != at)
            dims[rank++] = onnx->dims[k];
    }
    if (adds && at == (int64_t)onnx->rank)
        dims[rank++] = 1;
    return lam__onnx_samples_shape(node, rank, dims);
}
