/* onnx_parts.c: layer normalization spelled out in means, squares and roots, as Keras has it
 * through tf2onnx, and PyTorch before operator set 17. Each value on the way is known by what it is
 * of the samples x; where x and its statistics meet again, a layer normalization is told. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/onnx/onnx_graph.h"

/* A node of one or two inputs; the second is NULL for one. */
struct meeting {
    lam__onnx_node *node;
    const lam__onnx_value *a, *b;
    lam__onnx_kind kind_a, kind_b;
};

/* The output is a value of this kind, with what is known of another. */
static void become(const struct meeting *m, lam__onnx_kind kind, const lam__onnx_value *from)
{
    lam__onnx_value *to = m->node->output;
    const lam__onnx_value kept = *to;
    *to = *from;
    to->name = kept.name;
    to->needed = kept.needed;
    to->given = kept.given;
    to->kind = kind;
}

/* The only value of a constant; NAN when it is not one number. */
static lam_status single(const struct meeting *m, const lam__onnx_value *value, double *number)
{
    lam__onnx_array array;
    LAM__TRY(lam__onnx_floats_of(m->node, value, &array));
    *number = array.count == 1 ? (double)array.values[0] : (double)NAN;
    lam__release(array.values);
    return LAM_OK;
}

/* gamma or beta as n values; NULL stays NULL. */
static lam_status vector(const struct meeting *m, const lam__onnx_value *value, size_t n,
                         lam__onnx_array *array)
{
    *array = (lam__onnx_array){0};
    if (!value)
        return LAM_OK;
    LAM__TRY(lam__onnx_floats_of(m->node, value, array));
    if (array->count == n)
        return LAM_OK;
    return lam__onnx_refuse(m->node, LAM_ERR_SHAPE,
                            "'%.64s' of a layer normalization has %zu values, not %zu", value->name,
                            array->count, n);
}

/* x and its statistics have met. */
static lam_status tell(const struct meeting *m, double epsilon, const lam__onnx_value *gamma,
                       const lam__onnx_value *beta)
{
    lam__onnx *onnx = m->node->onnx;
    const size_t width = lam__import_graph_width(onnx->imported),
                 n = width ? width : lam__onnx_features(onnx);
    lam__onnx_array g, b = {0};
    if (n == 0)
        return lam__onnx_refuse(m->node, LAM_ERR_UNSUPPORTED,
                                "a layer normalization over a number of features that is not told");
    lam_status status = vector(m, gamma, n, &g);
    if (status == LAM_OK)
        status = vector(m, beta, n, &b);
    if (status == LAM_OK)
        status = lam__import_graph_layer_norm(onnx->imported, m->node->where, n, g.values, b.values,
                                              epsilon);
    lam__release(g.values);
    lam__release(b.values);
    return status == LAM_OK ? lam__onnx_samples(m->node) : status;
}

/* The mean over the features: of the samples, or of the squares. */
static lam_status read_mean(const struct meeting *m, bool *part)
{
    lam__onnx_node *node = m->node;
    const Onnx__AttributeProto *attribute = lam__onnx_attribute(node, "axes");
    int64_t keep, axes[LAM__ONNX_RANK] = {0};
    size_t count = 0;
    LAM__TRY(lam__onnx_integer(node, "keepdims", 1, &keep));
    if (attribute && attribute->n_ints == 1) {
        axes[0] = attribute->ints[0];
        count = 1;
    } else if (m->b) {
        LAM__TRY(lam__onnx_integers(node, 1, axes, &count));
    }
    *part = node->onnx->rank == 2 && keep == 1 && count == 1 && (axes[0] == 1 || axes[0] == -1) &&
            (m->kind_a == LAM__ONNX_SAMPLES || m->kind_a == LAM__ONNX_SQUARES);
    if (!*part)
        return LAM_OK;
    become(m, m->kind_a == LAM__ONNX_SAMPLES ? LAM__ONNX_MEAN : LAM__ONNX_VARIANCE, m->a);
    node->output->sign = 1.0;
    node->output->epsilon = 0.0;
    node->output->gamma = node->output->beta = NULL;
    return LAM_OK;
}

static lam_status read_power(const struct meeting *m, bool *part)
{
    double power;
    if (m->kind_a != LAM__ONNX_CENTRED || !m->b || m->kind_b != LAM__ONNX_CONSTANT)
        return LAM_OK;
    LAM__TRY(single(m, m->b, &power));
    *part = power == 2.0;
    if (*part)
        become(m, LAM__ONNX_SQUARES, m->a);
    return LAM_OK;
}

/* One input: Sqrt, Reciprocal, Neg. */
static lam_status read_single(const struct meeting *m, const char *name, bool *part)
{
    *part = true;
    if (strcmp(name, "Sqrt") == 0 && m->kind_a == LAM__ONNX_VARIANCE) {
        become(m, LAM__ONNX_DEVIATION, m->a);
    } else if (strcmp(name, "Reciprocal") == 0 && m->kind_a == LAM__ONNX_DEVIATION) {
        become(m, LAM__ONNX_INVERSE, m->a);
    } else if (strcmp(name, "Neg") == 0 && m->kind_a == LAM__ONNX_MEAN) {
        become(m, LAM__ONNX_MEAN, m->a);
        m->node->output->sign = -m->a->sign;
    } else {
        *part = false;
    }
    return LAM_OK;
}

/* a + b, or a - b with `minus` -1. */
static lam_status read_sum(const struct meeting *m, double minus, bool *part)
{
    const lam__onnx_value *a = m->a, *b = m->b;
    lam__onnx_value *output = m->node->output;
    double number;
    *part = true;
    if (m->kind_a == LAM__ONNX_SAMPLES && m->kind_b == LAM__ONNX_MEAN && minus * b->sign < 0.0) {
        become(m, LAM__ONNX_CENTRED, b);
        return LAM_OK;
    }
    if (m->kind_a == LAM__ONNX_SCALED && m->kind_b == LAM__ONNX_SHIFT && minus * b->sign < 0.0 &&
        (minus > 0.0 || !b->beta) && a->gamma == b->gamma && a->epsilon == b->epsilon)
        return tell(m, a->epsilon, a->gamma, b->beta);
    if (m->kind_a == LAM__ONNX_VARIANCE && m->kind_b == LAM__ONNX_CONSTANT && minus > 0.0) {
        LAM__TRY(single(m, b, &number));
        *part = number >= 0.0; /* NAN is not */
        become(m, LAM__ONNX_VARIANCE, a);
        output->epsilon = a->epsilon + number;
        return LAM_OK;
    }
    const bool shifted = minus > 0.0
                             ? m->kind_a == LAM__ONNX_SHIFT && m->kind_b == LAM__ONNX_CONSTANT &&
                                   a->sign < 0.0 && !a->beta
                             : m->kind_a == LAM__ONNX_CONSTANT && m->kind_b == LAM__ONNX_SHIFT &&
                                   b->sign > 0.0 && !b->beta;
    if (shifted) {
        become(m, LAM__ONNX_SHIFT, minus > 0.0 ? a : b);
        output->sign = -1.0;
        output->beta = minus > 0.0 ? b : a;
        return LAM_OK;
    }
    *part = false;
    return LAM_OK;
}

/* a b, in either order. */
static lam_status read_product(const struct meeting *m, bool *part)
{
    const lam__onnx_value *a = m->a, *b = m->b;
    *part = true;
    if (m->kind_a == LAM__ONNX_CENTRED && m->kind_b == LAM__ONNX_CENTRED) {
        become(m, LAM__ONNX_SQUARES, a);
    } else if (m->kind_b == LAM__ONNX_INVERSE && m->kind_a == LAM__ONNX_CENTRED) {
        return tell(m, b->epsilon, b->gamma, NULL);
    } else if (m->kind_b == LAM__ONNX_INVERSE && m->kind_a == LAM__ONNX_CONSTANT && !b->gamma) {
        become(m, LAM__ONNX_INVERSE, b);
        m->node->output->gamma = a;
    } else if (m->kind_b == LAM__ONNX_INVERSE && m->kind_a == LAM__ONNX_SAMPLES) {
        become(m, LAM__ONNX_SCALED, b);
    } else if (m->kind_b == LAM__ONNX_INVERSE && m->kind_a == LAM__ONNX_MEAN) {
        become(m, LAM__ONNX_SHIFT, b);
        m->node->output->sign = a->sign;
    } else {
        *part = false;
    }
    return LAM_OK;
}

static struct meeting swapped(const struct meeting *m)
{
    return (struct meeting){m->node, m->b, m->a, m->kind_b, m->kind_a};
}

lam_status lam__onnx_read_part(lam__onnx_node *node, bool *part)
{
    const char *name = node->proto->op_type;
    struct meeting m = {
        .node = node, .a = node->inputs[0], .b = node->input_count > 1 ? node->inputs[1] : NULL};
    *part = false;
    m.kind_a = m.a ? m.a->kind : LAM__ONNX_UNKNOWN;
    m.kind_b = m.b ? m.b->kind : LAM__ONNX_UNKNOWN;
    if (strcmp(name, "ReduceMean") == 0)
        return read_mean(&m, part);
    if (strcmp(name, "Pow") == 0)
        return read_power(&m, part);
    if (!m.b)
        return read_single(&m, name, part);
    const struct meeting other = swapped(&m);
    if (strcmp(name, "Sub") == 0)
        return read_sum(&m, -1.0, part);
    if (strcmp(name, "Div") == 0) {
        *part = m.kind_a == LAM__ONNX_CENTRED && m.kind_b == LAM__ONNX_DEVIATION;
        return *part ? tell(&m, m.b->epsilon, NULL, NULL) : LAM_OK;
    }
    const bool sum = strcmp(name, "Add") == 0;
    LAM__TRY(sum ? read_sum(&m, 1.0, part) : read_product(&m, part));
    if (*part)
        return LAM_OK;
    return sum ? read_sum(&other, 1.0, part) : read_product(&other, part);
}
