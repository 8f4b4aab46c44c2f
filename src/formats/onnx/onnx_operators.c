/* onnx_operators.c: the table of ONNX operators that are read, and how each becomes a step. One row
 * adds one. The operators: https://onnx.ai/onnx/operators/ */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_report.h"
#include "formats/onnx/onnx_graph.h"

lam_status lam__onnx_need_rows(const lam__onnx_node *node)
{
    if (node->onnx->rank == 2)
        return LAM_OK;
    return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                            "takes samples of %zu dimensions: only rows, after flattening",
                            node->onnx->rank);
}

/* x W + b, W [in][out] in w, b [out] or NULL. */
static lam_status add_dense(lam__onnx_node *node, const lam__onnx_array *w, const float *b)
{
    const size_t shape[] = {0, w->dims[1]};
    LAM__TRY(lam__import_graph_dense(node->onnx->imported, node->where, w->dims[0], w->dims[1],
                                     w->values, b));
    return lam__onnx_samples_shape(node, 2, shape);
}

/* C of a Gemm as b[out], times beta; *b stays NULL where there is no C. */
static lam_status gemm_bias(lam__onnx_node *node, size_t out, float beta, float **b)
{
    lam__onnx_array c;
    if (node->input_count < 3 || !node->inputs[2])
        return LAM_OK;
    LAM__TRY(lam__onnx_floats(node, 2, &c));
    const bool row = c.rank <= 2 && (c.rank < 2 || c.dims[0] == 1) &&
                     (c.count == 1 || (c.rank > 0 && c.dims[c.rank - 1] == out));
    lam_status status = LAM_OK;
    if (!row || c.count == 0)
        status = lam__onnx_refuse(node, LAM_ERR_SHAPE,
                                  "the bias '%.64s' has %zu values in %zu dimensions, not %zu in "
                                  "one row",
                                  node->inputs[2]->name, c.count, c.rank, out);
    else if (!(*b = lam__allocate(out, sizeof **b, "a bias")))
        status = LAM_ERR_MEMORY;
    for (size_t j = 0; status == LAM_OK && j < out; j++)
        (*b)[j] = beta * c.values[c.count == 1 ? 0 : j];
    lam__release(c.values);
    return status;
}

static lam_status check_matrix(const lam__onnx_node *node, const lam__onnx_array *w)
{
    if (w->rank == 2 && w->count > 0)
        return LAM_OK;
    return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                            "the weights '%.64s' have %zu values in %zu dimensions: only matrices",
                            node->inputs[1]->name, w->count, w->rank);
}

/* [out][in] to [in][out]. */
static lam_status turn(lam__onnx_array *w)
{
    float *turned = lam__allocate(w->count, sizeof *turned, "weights");
    if (!turned)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < w->dims[0]; i++)
        for (size_t j = 0; j < w->dims[1]; j++)
            turned[j * w->dims[0] + i] = w->values[i * w->dims[1] + j];
    lam__release(w->values);
    w->values = turned;
    const size_t rows = w->dims[0];
    w->dims[0] = w->dims[1];
    w->dims[1] = rows;
    return LAM_OK;
}

static lam_status read_gemm(lam__onnx_node *node)
{
    int64_t turned_a, turned_b;
    float alpha, beta, *b = NULL;
    lam__onnx_array w;
    LAM__TRY(lam__onnx_integer(node, "transA", 0, &turned_a));
    LAM__TRY(lam__onnx_integer(node, "transB", 0, &turned_b));
    LAM__TRY(lam__onnx_number(node, "alpha", 1.0f, &alpha));
    LAM__TRY(lam__onnx_number(node, "beta", 1.0f, &beta));
    if (node->samples != 0 || turned_a)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "the samples are transposed or on the right of the product");
    LAM__TRY(lam__onnx_need_rows(node));
    LAM__TRY(lam__onnx_floats(node, 1, &w));
    lam_status status = check_matrix(node, &w);
    if (status == LAM_OK && turned_b)
        status = turn(&w);
    for (size_t i = 0; status == LAM_OK && i < w.count; i++)
        w.values[i] *= alpha;
    if (status == LAM_OK)
        status = gemm_bias(node, w.dims[1], beta, &b);
    if (status == LAM_OK)
        status = add_dense(node, &w, b);
    lam__release(b);
    lam__release(w.values);
    return status;
}

static lam_status read_matmul(lam__onnx_node *node)
{
    lam__onnx_array w;
    if (node->samples != 0)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "the samples are on the right of the product");
    LAM__TRY(lam__onnx_need_rows(node));
    LAM__TRY(lam__onnx_floats(node, 1, &w));
    lam_status status = check_matrix(node, &w);
    if (status == LAM_OK)
        status = add_dense(node, &w, NULL);
    lam__release(w.values);
    return status;
}

/* values[n] = a constant, brought to the shape of a sample as NumPy broadcasts; n is 1 for a
 * single number, and *values is released by the caller. */
static lam_status broadcast(const lam__onnx_node *node, const lam__onnx_array *c, size_t *n,
                            double **values)
{
    const lam__onnx *onnx = node->onnx;
    const char *name = node->inputs[1 - node->samples]->name;
    const size_t features = lam__onnx_features(onnx);
    bool fits = c->count > 0 && c->rank <= onnx->rank;
    *n = c->count == 1 ? 1 : features ? features : c->count;
    for (size_t k = 0; fits && k < c->rank; k++) {
        const size_t at = onnx->rank - c->rank + k; /* the dimension it stands against */
        const size_t mine = c->dims[k], theirs = onnx->dims[at];
        fits = mine == 1 || (at > 0 && (mine == theirs || (theirs == 0 && onnx->rank == 2)));
    }
    if (!fits)
        return lam__onnx_refuse(node, LAM_ERR_SHAPE,
                                "the constant '%.64s' of %zu values in %zu dimensions does not fit "
                                "samples of %zu values in %zu dimensions",
                                name, c->count, c->rank, features, onnx->rank);
    LAM__TRY(
        lam__import_graph_allows(onnx->imported, node->where, *n)); /* the input claims its shape */
    *values = lam__allocate(*n, sizeof **values, "a constant");
    if (!*values)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < *n; i++) {
        size_t rest = i, from = 0, step = 1;
        for (size_t k = c->rank; *n > 1 && k-- > 0;) {
            const size_t dim = onnx->dims[onnx->rank - c->rank + k];
            const size_t digit = dim ? rest % dim : rest;
            rest = dim ? rest / dim : 0;
            from += c->dims[k] == 1 ? 0 : digit * step;
            step *= c->dims[k];
        }
        (*values)[i] = (double)c->values[from];
    }
    return LAM_OK;
}

/* What the operator makes of x with the constant c on the other side: x scale + offset. */
static lam_status affine_of(const lam__onnx_node *node, double c, double *scale, double *offset)
{
    const char *name = node->proto->op_type;
    const bool left = node->samples == 0; /* x - c, not c - x */
    *scale = 1.0;
    *offset = 0.0;
    if (strcmp(name, "Add") == 0) {
        *offset = c;
    } else if (strcmp(name, "Sub") == 0) {
        *scale = left ? 1.0 : -1.0;
        *offset = left ? -c : c;
    } else if (strcmp(name, "Mul") == 0) {
        *scale = c;
    } else {
        if (!left)
            return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "divides by the samples");
        if (c == 0.0)
            return lam__onnx_refuse(node, LAM_ERR_NUMERIC, "divides by 0");
        *scale = 1.0 / c;
    }
    return LAM_OK;
}

/* A mean or a deviation that goes where none is understood. */
static lam_status refuse_part(const lam__onnx_node *node)
{
    return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                            "not part of a layer normalization over the features");
}

/* Add, Sub, Mul, Div of samples and a constant. */
static lam_status read_arithmetic(lam__onnx_node *node)
{
    lam__onnx_array c;
    double *values = NULL, *offsets = NULL;
    size_t n = 0;
    bool part;
    LAM__TRY(lam__onnx_read_part(node, &part));
    if (part)
        return LAM_OK;
    if (node->inputs[node->samples]->kind != LAM__ONNX_SAMPLES || node->input_count != 2)
        return refuse_part(node);
    LAM__TRY(lam__onnx_floats(node, 1 - node->samples, &c));
    lam_status status = broadcast(node, &c, &n, &values);
    if (status == LAM_OK && !(offsets = lam__allocate(n, sizeof *offsets, "a constant")))
        status = LAM_ERR_MEMORY;
    for (size_t i = 0; status == LAM_OK && i < n; i++)
        status = affine_of(node, values[i], &values[i], &offsets[i]);
    if (status == LAM_OK)
        status = lam__import_graph_affine(node->onnx->imported, node->where, n, values, offsets);
    if (status == LAM_OK && node->onnx->rank == 2 && n > 1)
        node->onnx->dims[1] = n;
    lam__release(offsets);
    lam__release(values);
    lam__release(c.values);
    return status == LAM_OK ? lam__onnx_samples(node) : status;
}

static lam_status check_inference(const lam__onnx_node *node)
{
    int64_t training;
    LAM__TRY(lam__onnx_integer(node, "training_mode", 0, &training));
    if (training)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "is in training mode: export the model for inference");
    return LAM_OK;
}

/* Inputs 1 .. count - 1 of n values each, of which the first `least` must be there. */
static lam_status read_vectors(const lam__onnx_node *node, size_t least, size_t count,
                               lam__onnx_array *vectors)
{
    for (size_t i = 1; i < count; i++) {
        if (i > least && (i >= node->input_count || !node->inputs[i]))
            continue;
        LAM__TRY(lam__onnx_floats(node, i, &vectors[i]));
        if (vectors[i].rank != 1 || vectors[i].count == 0 || vectors[i].count != vectors[1].count)
            return lam__onnx_refuse(
                node, LAM_ERR_SHAPE, "'%.64s' has %zu values in %zu dimensions, not %zu in one",
                node->inputs[i]->name, vectors[i].count, vectors[i].rank, vectors[1].count);
    }
    return LAM_OK;
}

static void release_vectors(lam__onnx_array *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        lam__release(vectors[i].values);
}

static lam_status read_batch_norm(lam__onnx_node *node)
{
    lam__onnx_array v[5] = {{0}};
    float epsilon;
    LAM__TRY(lam__onnx_need_rows(node));
    LAM__TRY(check_inference(node));
    LAM__TRY(lam__onnx_number(node, "epsilon", 1e-5f, &epsilon));
    lam_status status = read_vectors(node, 4, 5, v);
    if (status == LAM_OK)
        status =
            lam__import_graph_batch_norm(node->onnx->imported, node->where, v[1].count, v[1].values,
                                         v[2].values, v[3].values, v[4].values, (double)epsilon);
    if (status == LAM_OK)
        node->onnx->dims[1] = v[1].count;
    release_vectors(v, 5);
    return status == LAM_OK ? lam__onnx_samples(node) : status;
}

static lam_status read_layer_norm(lam__onnx_node *node)
{
    lam__onnx_array v[3] = {{0}};
    int64_t axis;
    float epsilon;
    LAM__TRY(lam__onnx_need_rows(node));
    LAM__TRY(lam__onnx_integer(node, "axis", -1, &axis));
    LAM__TRY(lam__onnx_number(node, "epsilon", 1e-5f, &epsilon));
    if (axis != -1 && axis != 1)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "over axis %lld: only over the features",
                                (long long)axis);
    lam_status status = read_vectors(node, 1, 3, v);
    if (status == LAM_OK)
        status = lam__import_graph_layer_norm(node->onnx->imported, node->where, v[1].count,
                                              v[1].values, v[2].values, (double)epsilon);
    if (status == LAM_OK)
        node->onnx->dims[1] = v[1].count;
    release_vectors(v, 3);
    return status == LAM_OK ? lam__onnx_samples(node) : status;
}

static lam_status read_identity(lam__onnx_node *node)
{
    return lam__onnx_samples(node);
}

static lam_status read_dropout(lam__onnx_node *node)
{
    float rate;
    bool training;
    LAM__TRY(lam__onnx_number(node, "ratio", 0.5f, &rate));
    LAM__TRY(lam__onnx_flag(node, 2, &training));
    if (training)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "is in training mode: export the model for inference");
    if (node->input_count > 1 && node->inputs[1]) {
        lam__onnx_array ratio;
        LAM__TRY(lam__onnx_floats(node, 1, &ratio));
        const bool one = ratio.count == 1;
        rate = one ? ratio.values[0] : 0.0f;
        lam__release(ratio.values);
        if (!one)
            return lam__onnx_refuse(node, LAM_ERR_SHAPE, "its ratio is not one number");
    }
    LAM__TRY(lam__import_graph_dropout(node->onnx->imported, node->where, rate));
    return lam__onnx_samples(node);
}

static lam_status read_cast(lam__onnx_node *node)
{
    int64_t to;
    LAM__TRY(lam__onnx_integer(node, "to", 0, &to));
    if (to == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 ||
        to == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16)
        lam__report(node->onnx->report, LAM__NOTE,
                    "%s: from here on it calculates in 16 bits, and Lamina in 32", node->where);
    else if (to != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
             to != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "to data type %lld: only to a type of floats", (long long)to);
    return lam__onnx_samples(node);
}

/* ai.onnx.ml: (x - offset) * scale. */
static lam_status read_scaler(lam__onnx_node *node)
{
    const Onnx__AttributeProto *scale = lam__onnx_attribute(node, "scale");
    const Onnx__AttributeProto *offset = lam__onnx_attribute(node, "offset");
    LAM__TRY(lam__onnx_need_rows(node));
    const size_t n = scale ? scale->n_floats : 0;
    if (n == 0 || !offset || offset->n_floats != n)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT,
                                "its scale has %zu values and its offset %zu: as many of both", n,
                                offset ? offset->n_floats : 0);
    double *values = lam__allocate(n, 2 * sizeof *values, "a scaling");
    if (!values)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)scale->floats[i];
        values[n + i] = -(double)offset->floats[i] * values[i];
    }
    lam_status status =
        lam__import_graph_affine(node->onnx->imported, node->where, n, values, values + n);
    if (status == LAM_OK && n > 1)
        node->onnx->dims[1] = n;
    lam__release(values);
    return status == LAM_OK ? lam__onnx_samples(node) : status;
}

/* Means, roots and reciprocals: a layer normalization that is spelled out, or nothing we know. */
static lam_status read_statistic(lam__onnx_node *node)
{
    bool part;
    LAM__TRY(lam__onnx_read_part(node, &part));
    return part ? LAM_OK : refuse_part(node);
}

static const struct operator
{
    const char *domain, *name;
    const char *attributes; /* those it may have, separated by spaces */
    size_t most_inputs;
    lam_status (*read)(lam__onnx_node * node);
}
operators[] = {
    {"", "Gemm", "alpha beta transA transB", 3, read_gemm},
    {"", "MatMul", "", 2, read_matmul},
    {"", "Add", "", 2, read_arithmetic},
    {"", "Sub", "", 2, read_arithmetic},
    {"", "Mul", "", 2, read_arithmetic},
    {"", "Div", "", 2, read_arithmetic},
    {"", "BatchNormalization", "epsilon momentum training_mode spatial", 5, read_batch_norm},
    {"", "LayerNormalization", "axis epsilon stash_type", 3, read_layer_norm},
    {"", "Flatten", "axis", 1, lam__onnx_flatten},
    {"", "Reshape", "allowzero", 2, lam__onnx_reshape},
    {"", "Squeeze", "axes", 2, lam__onnx_squeeze},
    {"", "Unsqueeze", "axes", 2, lam__onnx_squeeze},
    {"", "Identity", "", 1, read_identity},
    {"", "Dropout", "ratio seed", 3, read_dropout},
    {"", "Cast", "to saturate round_mode", 1, read_cast},
    {"ai.onnx.ml", "Scaler", "offset scale", 1, read_scaler},
    {"", "ReduceMean", "axes keepdims noop_with_empty_axes", 2, read_statistic},
    {"", "Pow", "", 2, read_statistic},
    {"", "Sqrt", "", 1, read_statistic},
    {"", "Reciprocal", "", 1, read_statistic},
    {"", "Neg", "", 1, read_statistic},
};

/* Whether a word is in a list separated by spaces. */
static bool lists(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (; *list; list += strcspn(list, " "), list += *list == ' ')
        if (strcspn(list, " ") == length && strncmp(list, word, length) == 0)
            return true;
    return false;
}

/* The row of an operator, NULL when there is none. */
static const struct operator* find_operator(const char *domain, const char *name)
{
    static const struct operator activation = {"", "", "", 1, lam__onnx_read_activation},
                                 rowwise = {"", "", "axis", 1, lam__onnx_read_activation};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].name, name) == 0 && strcmp(operators[i].domain, domain) == 0)
            return &operators[i];
    const lam__activation *found = *domain ? NULL : lam__onnx_activation_of(name);
    return found ? found->rowwise ? &rowwise : &activation : NULL;
}

lam_status lam__onnx_read_node(lam__onnx_node *node)
{
    const Onnx__NodeProto *proto = node->proto;
    const char *domain =
        proto->domain && strcmp(proto->domain, "ai.onnx") != 0 ? proto->domain : "";
    const struct operator* row = find_operator(domain, proto->op_type);
    if (!row)
        return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED,
                                "an operator%s%.32s that cannot be part of a Lamina model",
                                *domain ? " of " : "", domain);
    for (size_t k = 0; k < proto->n_attribute; k++)
        if (!proto->attribute[k]->name || !lists(row->attributes, proto->attribute[k]->name))
            return lam__onnx_refuse(node, LAM_ERR_UNSUPPORTED, "the attribute '%.64s'",
                                    proto->attribute[k]->name ? proto->attribute[k]->name : "");
    if (node->input_count > row->most_inputs)
        return lam__onnx_refuse(node, LAM_ERR_FORMAT, "has %zu inputs, at most %zu",
                                node->input_count, row->most_inputs);
    if (row->read != read_arithmetic && row->read != read_statistic &&
        node->inputs[node->samples]->kind != LAM__ONNX_SAMPLES)
        return refuse_part(node);
    return row->read(node);
}
