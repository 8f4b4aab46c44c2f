/* torch_module.c: whole modules of PyTorch: a Sequential, nested or not, of the layers of torch.nn.
 *
 * A module is pickled as the name of its class and its attributes. What it computes is in the code
 * of the class, so only classes of torch.nn are believed, by module and name, and of containers
 * Sequential alone, whose forward is known. One row adds a class. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_report.h"
#include "formats/pickle/pickle_model.h"
#include "nn/activations.h"

#define TORCH_NN "torch.nn.modules."

enum { NAME_SIZE = 96 };

/* A module being read. */
struct module {
    lam__pickled *pickled;
    const lam__pickle_value *state; /* its attributes */
    char class[128];                /* "torch.nn.modules.linear.Linear" */
    char where[NAME_SIZE + 2];      /* "'1.0'" */
};

static lam_status refuse(const struct module *m, const char *what)
{
    return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %s (%s): %s", m->pickled->file->path, m->where,
                     m->class, what);
}

bool lam__is_torch_module(const lam__pickle_value *value)
{
    return value->kind == LAM__P_OBJECT &&
           lam__pickle_member(value->u.object.state, "_modules") != NULL &&
           lam__pickle_member(value->u.object.state, "_parameters") != NULL;
}

/* A number among the attributes; false when there is none. */
static bool number(const struct module *m, const char *name, double *value)
{
    const lam__pickle_value *found = lam__pickle_member(m->state, name);
    if (!found || (found->kind != LAM__P_FLOAT && found->kind != LAM__P_INT))
        return false;
    *value = found->kind == LAM__P_FLOAT ? found->u.number : (double)found->u.integer;
    return true;
}

/* A parameter or buffer; NULL where it is None or missing. */
static const lam__pickle_value *tensor(const struct module *m, const char *name)
{
    static const char *const groups[] = {"_parameters", "_buffers"};
    for (int i = 0; i < 2; i++) {
        const lam__pickle_value *found =
            lam__pickle_member(lam__pickle_member(m->state, groups[i]), name);
        if (found && found->kind != LAM__P_NONE)
            return found;
    }
    return NULL;
}

/* Parameters and buffers must be those that the class has: weight_norm, pruning and the like have
 * others, and compute with them. */
static lam_status check_tensors(const struct module *m, const char *allowed)
{
    static const char *const groups[] = {"_parameters", "_buffers"};
    char message[160];
    for (int g = 0; g < 2; g++) {
        const lam__pickle_value *group = lam__pickle_member(m->state, groups[g]);
        for (size_t i = 0; group && group->kind == LAM__P_DICT && i + 1 < group->u.list.count;
             i += 2) {
            const lam__pickle_text key = group->u.list.items[i]->u.text;
            char name[64];
            if (group->u.list.items[i]->kind != LAM__P_TEXT)
                return refuse(m, "a parameter without a name");
            snprintf(name, sizeof name, " %.*s ", (int)(key.length < 60 ? key.length : 60),
                     key.text);
            if (strstr(allowed, name))
                continue;
            snprintf(message, sizeof message,
                     "has a tensor '%.*s' that its class does not have: what is computed with it "
                     "is not in the file",
                     (int)(key.length < 60 ? key.length : 60), key.text);
            return refuse(m, message);
        }
    }
    return LAM_OK;
}

/* Hooks and methods of its own run code when the module is called. */
static lam_status check_code(const struct module *m)
{
    static const char *const hooks[] = {"_forward_hooks", "_forward_pre_hooks"};
    for (int i = 0; i < 2; i++) {
        const lam__pickle_value *found = lam__pickle_member(m->state, hooks[i]);
        if (found && found->kind == LAM__P_DICT && found->u.list.count > 0)
            return refuse(m, "has forward hooks: what they do is not in the file");
    }
    return lam__pickle_member(m->state, "forward")
               ? refuse(m, "has its own forward, which is not in the file")
               : LAM_OK;
}

/* A vector of n floats, or NULL with LAM_OK where the tensor is missing. */
static lam_status read_vector(const struct module *m, const char *name, size_t *n, float **values)
{
    return lam__pickle_vector(m->pickled, m->where, name, tensor(m, name), n, values);
}

static lam_status add_linear(struct module *m)
{
    lam__pickle_numbers w;
    float *b = NULL;
    LAM__TRY(check_tensors(m, " weight bias "));
    if (!tensor(m, "weight"))
        return refuse(m, "has no weight");
    LAM__TRY(lam__pickle_floats(m->pickled, m->where, tensor(m, "weight"), &w));
    lam_status status =
        w.rank == 2 ? lam__pickle_turn(&w) : refuse(m, "its weight is not a matrix");
    size_t out = w.cols;
    if (status == LAM_OK)
        status = read_vector(m, "bias", &out, &b);
    if (status == LAM_OK)
        status =
            lam__import_graph_dense(m->pickled->imported, m->where, w.rows, w.cols, w.values, b);
    lam__release(w.values);
    lam__release(b);
    return status;
}

static lam_status add_batch_norm(struct module *m)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    float *v[4] = {NULL};
    double epsilon = 1e-5;
    size_t n = 0;
    LAM__TRY(check_tensors(m, " weight bias running_mean running_var num_batches_tracked "));
    if (!number(m, "eps", &epsilon))
        return refuse(m, "has no number 'eps'");
    if (!tensor(m, "running_mean") || !tensor(m, "running_var"))
        return refuse(m, "keeps no running statistics: it normalizes by the batch at hand");
    lam_status status = LAM_OK;
    for (int i = 0; i < 4 && status == LAM_OK; i++)
        status = read_vector(m, names[i], &n, &v[i]);
    if (status == LAM_OK)
        status = lam__import_graph_batch_norm(m->pickled->imported, m->where, n, v[0], v[1], v[2],
                                              v[3], epsilon);
    for (int i = 0; i < 4; i++)
        lam__release(v[i]);
    return status;
}

static lam_status add_layer_norm(struct module *m)
{
    const lam__pickle_value *shape = lam__pickle_member(m->state, "normalized_shape");
    float *gamma = NULL, *beta = NULL;
    double epsilon;
    size_t n = 0;
    LAM__TRY(check_tensors(m, " weight bias "));
    if (!number(m, "eps", &epsilon))
        return refuse(m, "has no number 'eps'");
    if (!shape || shape->kind != LAM__P_TUPLE || shape->u.list.count != 1 ||
        !lam__pickle_size(shape->u.list.items[0], &n))
        return refuse(m, "normalizes more than one axis");
    lam_status status = read_vector(m, "weight", &n, &gamma);
    if (status == LAM_OK)
        status = read_vector(m, "bias", &n, &beta);
    if (status == LAM_OK)
        status =
            lam__import_graph_layer_norm(m->pickled->imported, m->where, n, gamma, beta, epsilon);
    lam__release(gamma);
    lam__release(beta);
    return status;
}

/* One of the table of activations. One of rows is over the features; a dim of None is that of rows.
 */
static lam_status add_activation(struct module *m, const lam__activation *activation)
{
    const lam__pickle_value *dim = lam__pickle_member(m->state, "dim");
    double axis = 1.0;
    char message[96];
    if (dim && dim->kind != LAM__P_NONE && !number(m, "dim", &axis))
        return refuse(m, "has a 'dim' that is not a number");
    if (!activation->rowwise || axis == 1.0 || axis == -1.0)
        return lam__import_graph_activation(m->pickled->imported, m->where, activation->name);
    snprintf(message, sizeof message, "a %s over dimension %g: only over the features",
             activation->name, axis);
    return refuse(m, message);
}

static lam_status add_dropout(struct module *m)
{
    double rate;
    if (!number(m, "p", &rate))
        return refuse(m, "has no number 'p'");
    if (rate < 1.0) /* all is dropped in training, nothing at inference */
        return lam__import_graph_dropout(m->pickled->imported, m->where, (float)rate);
    lam__report(m->pickled->file->report, LAM__LEFT_OUT, "%s: a dropout of everything, in training",
                m->where);
    return LAM_OK;
}

static lam_status add_nothing(struct module *m)
{
    (void)m;
    return LAM_OK;
}

/* A dropout that Lamina has not: nothing at inference. */
static lam_status add_training_only(struct module *m)
{
    lam__report(m->pickled->file->report, LAM__LEFT_OUT,
                "%s (%s), which does something in training only", m->where, m->class);
    return LAM_OK;
}

static lam_status add_flatten(struct module *m)
{
    double first = 1.0, last = -1.0;
    if (!number(m, "start_dim", &first) || !number(m, "end_dim", &last) || first != 1.0 ||
        last != -1.0)
        return refuse(m, "flattens other dimensions than all after the first");
    return LAM_OK;
}

/* Classes by their module below torch.nn.modules, and their name; beside them those of
 * torch.nn.modules.activation that the table of activations names. */
static const struct {
    const char *class;
    lam_status (*add)(struct module *m);
} rows[] = {
    {TORCH_NN "linear.Linear", add_linear},
    {TORCH_NN "linear.Identity", add_nothing},
    {TORCH_NN "batchnorm.BatchNorm1d", add_batch_norm},
    {TORCH_NN "normalization.LayerNorm", add_layer_norm},
    {TORCH_NN "dropout.Dropout", add_dropout},
    {TORCH_NN "dropout.Dropout1d", add_training_only},
    {TORCH_NN "dropout.Dropout2d", add_training_only},
    {TORCH_NN "dropout.Dropout3d", add_training_only},
    {TORCH_NN "dropout.AlphaDropout", add_training_only},
    {TORCH_NN "dropout.FeatureAlphaDropout", add_training_only},
    {TORCH_NN "flatten.Flatten", add_flatten},
};

static lam_status add_module(lam__pickled *pickled, const lam__pickle_value *module,
                             const char *name, unsigned depth);

/* The modules of a Sequential, in their order. */
static lam_status add_sequence(const struct module *m, const char *name, unsigned depth)
{
    const lam__pickle_value *modules = lam__pickle_member(m->state, "_modules");
    LAM__TRY(check_tensors(m, ""));
    if (modules->kind != LAM__P_DICT)
        return refuse(m, "its modules are not a dictionary");
    for (size_t i = 0; i + 1 < modules->u.list.count; i += 2) {
        const lam__pickle_value *key = modules->u.list.items[i];
        const lam__pickle_text text =
            key->kind == LAM__P_TEXT ? key->u.text : (lam__pickle_text){"?", 1};
        char child[NAME_SIZE];
        snprintf(child, sizeof child, "%.60s%s%.*s", name, *name ? "." : "",
                 (int)(text.length < 30 ? text.length : 30), text.text);
        LAM__TRY(add_module(m->pickled, modules->u.list.items[i + 1], child, depth + 1));
    }
    return LAM_OK;
}

static lam_status refuse_class(const struct module *m)
{
    const bool torch = strncmp(m->class, "torch.", 6) == 0;
    return refuse(m, torch ? "a module that a Lamina model cannot express"
                           : "a user-defined class, whose forward is not in the file: give what "
                             "it computes with --layers, such as --layers 8:relu,3:softmax, or "
                             "export it to ONNX");
}

static lam_status add_module(lam__pickled *pickled, const lam__pickle_value *module,
                             const char *name, unsigned depth)
{
    struct module m = {.pickled = pickled};
    snprintf(m.where, sizeof m.where, *name ? "'%s'" : "%s", *name ? name : "the module");
    if (pickled->pickle->steps-- <= 1 || depth > LAM__PICKLE_DEEPEST) {
        pickled->pickle->steps = 1;
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %s: modules too deeply nested, or too many",
                         pickled->file->path, m.where);
    }
    if (!lam__is_torch_module(module))
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %s is not a module of PyTorch",
                         pickled->file->path, m.where);
    m.state = module->u.object.state;
    lam__pickle_class(module, m.class, sizeof m.class);
    if (strcmp(m.class, TORCH_NN "container.Sequential") == 0) {
        LAM__TRY(check_code(&m));
        return add_sequence(&m, name, depth);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(m.class, rows[i].class) == 0) {
            LAM__TRY(check_code(&m));
            return rows[i].add(&m);
        }
    const size_t prefix = sizeof TORCH_NN "activation." - 1;
    const lam__activation *activation = strncmp(m.class, TORCH_NN "activation.", prefix) == 0
                                            ? lam__activation_called(LAM__TORCH, m.class + prefix)
                                            : NULL;
    if (!activation)
        return refuse_class(&m);
    LAM__TRY(check_code(&m));
    return add_activation(&m, activation);
}

lam_status lam__torch_module(lam__pickled *pickled, const lam__pickle_value *module)
{
    return add_module(pickled, module, "", 0);
}
