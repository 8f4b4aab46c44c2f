/* sklearn_model.c: the networks of scikit-learn: MLPClassifier and MLPRegressor, alone or at the
 * end of a Pipeline of scalers. Their attributes say all that they compute; source:
 * sklearn/neural_network/_multilayer_perceptron.py and sklearn/preprocessing/_data.py. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "formats/import/import_report.h"
#include "formats/pickle/pickle_model.h"
#include "nn/activations.h"

#define NETWORKS "sklearn.neural_network._multilayer_perceptron"
#define SCALERS "sklearn.preprocessing._data"

/* What these modules were called before scikit-learn 0.22. */
#define FORMER_NETWORKS "sklearn.neural_network.multilayer_perceptron"
#define FORMER_SCALERS "sklearn.preprocessing.data"

enum { MOST_LAYERS = 1024, MOST_CLASSES = 100000 };

/* An estimator being read. */
struct estimator {
    lam__pickled *pickled;
    const lam__pickle_value *state;
    char class[128];
};

static lam_status refuse(const struct estimator *e, const char *what)
{
    return lam__fail(LAM_ERR_UNSUPPORTED, "%s: %s: %s", e->pickled->file->path, e->class, what);
}

bool lam__is_sklearn(const lam__pickle_value *value)
{
    const char prefix[] = "sklearn.";
    const lam__pickle_text module = value->kind == LAM__P_OBJECT
                                        ? value->u.object.class->u.class.module
                                        : (lam__pickle_text){"", 0};
    return module.length > sizeof prefix - 1 && memcmp(module.text, prefix, sizeof prefix - 1) == 0;
}

static const lam__pickle_value *attribute(const struct estimator *e, const char *name)
{
    const lam__pickle_value *found = lam__pickle_member(e->state, name);
    return found && found->kind != LAM__P_NONE ? found : NULL;
}

/* A text among the attributes, "" when there is none. */
static const char *text(const struct estimator *e, const char *name, char *out, size_t size)
{
    const lam__pickle_value *found = attribute(e, name);
    const lam__pickle_text value =
        found && found->kind == LAM__P_TEXT ? found->u.text : (lam__pickle_text){"", 0};
    snprintf(out, size, "%.*s", (int)(value.length < size ? value.length : size - 1), value.text);
    return out;
}

/* scikit-learn's word for an activation in ours; NULL for one that has none. */
static const char *activation_of(const char *word)
{
    const lam__activation *found = lam__activation_called(LAM__SKLEARN, word);
    return found ? found->name : NULL;
}

static lam_status refuse_activation(const struct estimator *e, const char *attribute_name,
                                    const char *word)
{
    char message[160];
    snprintf(message, sizeof message, "its %s '%.60s' is not an activation that Lamina has",
             attribute_name, word);
    return refuse(e, message);
}

/* One probability p becomes two, 1 - p and p: the softmax of 0 and z, so that each class has one.
 */
static lam_status add_both_classes(const struct estimator *e, const char *where,
                                   const lam__pickle_numbers *w, const float *b)
{
    float *both = lam__allocate_zero(2 * w->rows + 2, sizeof *both, "weights");
    if (!both)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < w->rows; i++)
        both[2 * i + 1] = w->values[i];
    both[2 * w->rows + 1] = *b;
    lam_status status =
        lam__import_graph_dense(e->pickled->imported, where, w->rows, 2, both, both + 2 * w->rows);
    lam__release(both);
    if (status == LAM_OK)
        status = lam__import_graph_activation(e->pickled->imported, where, "softmax");
    lam__report(e->pickled->file->report, LAM__NOTE,
                "its one output, the probability of the second class, becomes one for each of "
                "the two classes, as in predict_proba");
    return status;
}

static lam_status add_layer(const struct estimator *e, size_t i, const lam__pickle_value *weights,
                            const lam__pickle_value *biases, const char *activation, bool both)
{
    char where[48];
    lam__pickle_numbers w, b = {0};
    snprintf(where, sizeof where, "'coefs_.%zu'", i);
    LAM__TRY(lam__pickle_floats(e->pickled, where, weights, &w));
    lam_status status = lam__pickle_floats(e->pickled, where, biases, &b);
    if (status == LAM_OK && (w.rank != 2 || b.rank != 1 || b.cols != w.cols))
        status = lam__fail(LAM_ERR_SHAPE, "%s: %s: coefs_ and intercepts_ do not fit each other",
                           e->pickled->file->path, where);
    if (status == LAM_OK && both) {
        status = add_both_classes(e, where, &w, b.values);
    } else if (status == LAM_OK) {
        status = lam__import_graph_dense(e->pickled->imported, where, w.rows, w.cols, w.values,
                                         b.values);
        if (status == LAM_OK)
            status = lam__import_graph_activation(e->pickled->imported, where, activation);
    }
    lam__release(w.values);
    lam__release(b.values);
    return status;
}

/* What training left behind, which the model has no place for. */
static void tell_rest(const struct estimator *e)
{
    static const char *const names[] = {
        "_optimizer",         "_random_state", "loss_curve_", "best_loss_", "loss_",
        "validation_scores_", "_best_coefs",   "t_",          "n_iter_",    "feature_names_in_"};
    lam__name_list list = {0};
    char version[32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (attribute(e, names[i]))
            lam__name_list_add(&list, names[i]);
    if (list.count)
        lam__report(e->pickled->file->report, LAM__LEFT_OUT, "training state: %s",
                    lam__name_list_text(&list));
    if (*text(e, "_sklearn_version", version, sizeof version))
        lam__report(e->pickled->file->report, LAM__NOTE, "made by scikit-learn %s", version);
}

static lam_status add_network(const struct estimator *e, bool classifier,
                              const lam__pickle_value **classes)
{
    char hidden[64], last[64];
    const lam__pickle_value *weights = attribute(e, "coefs_"),
                            *biases = attribute(e, "intercepts_");
    if (!weights || !biases)
        return refuse(e, "it has not been fitted: it has no coefs_ and intercepts_");
    if (weights->kind != LAM__P_LIST || biases->kind != LAM__P_LIST ||
        weights->u.list.count != biases->u.list.count || weights->u.list.count == 0 ||
        weights->u.list.count > MOST_LAYERS)
        return refuse(e, "coefs_ and intercepts_ are not two lists of as many arrays");
    const size_t count = weights->u.list.count;
    text(e, "activation", hidden, sizeof hidden);
    text(e, "out_activation_", last, sizeof last);
    if (!activation_of(hidden))
        return refuse_activation(e, "activation", hidden);
    if (!activation_of(last))
        return refuse_activation(e, "out_activation_", last);
    *classes = classifier ? attribute(e, "classes_") : NULL;
    size_t outputs = 0;
    lam__item item;
    if (lam__pickle_array(biases->u.list.items[count - 1], &item))
        outputs = lam__item_elements(&item);
    const bool both = classifier && outputs == 1 && strcmp(last, "logistic") == 0;
    for (size_t i = 0; i < count; i++)
        LAM__TRY(add_layer(e, i, weights->u.list.items[i], biases->u.list.items[i],
                           activation_of(i + 1 < count ? hidden : last), both && i + 1 == count));
    tell_rest(e);
    return LAM_OK;
}

/* x -> (x - centre) / divisor, then times factor and plus offset; each may be NULL. */
static lam_status add_scaling(const struct estimator *e, const char *centre, const char *divisor,
                              const char *factor, const char *offset)
{
    const char *const names[] = {centre, divisor, factor, offset};
    float *v[4] = {NULL};
    size_t n = 0;
    lam_status status = LAM_OK;
    for (int i = 0; i < 4 && status == LAM_OK; i++)
        if (names[i])
            status = lam__pickle_vector(e->pickled, e->class, names[i], attribute(e, names[i]), &n,
                                        &v[i]);
    double *values = status == LAM_OK && n ? lam__allocate(n, 2 * sizeof *values, "scales") : NULL;
    if (status == LAM_OK && n && !values)
        status = LAM_ERR_MEMORY;
    for (size_t i = 0; status == LAM_OK && i < n; i++) {
        const double scale = (v[2] ? (double)v[2][i] : 1.0) / (v[1] ? (double)v[1][i] : 1.0);
        values[i] = scale;
        values[n + i] = (v[3] ? (double)v[3][i] : 0.0) - (v[0] ? (double)v[0][i] : 0.0) * scale;
    }
    if (status == LAM_OK && n)
        status = lam__import_graph_affine(e->pickled->imported, e->class, n, values, values + n);
    lam__release(values);
    for (int i = 0; i < 4; i++)
        lam__release(v[i]);
    return status;
}

static bool is_class(const struct estimator *e, const char *module, const char *former,
                     const char *name)
{
    const char *const modules[] = {module, former};
    for (int i = 0; i < 2; i++) {
        const size_t length = strlen(modules[i]);
        if (strncmp(e->class, modules[i], length) == 0 && e->class[length] == '.' &&
            strcmp(e->class + length + 1, name) == 0)
            return true;
    }
    return false;
}

static bool is_scaler(const struct estimator *e, const char *name)
{
    return is_class(e, SCALERS, FORMER_SCALERS, name);
}

static bool is_true(const struct estimator *e, const char *name)
{
    const lam__pickle_value *found = attribute(e, name);
    return found && (found->kind == LAM__P_BOOL || found->kind == LAM__P_INT) &&
           found->u.integer != 0;
}

static lam_status add_estimator(lam__pickled *pickled, const lam__pickle_value *value, bool last,
                                const lam__pickle_value **classes);

static lam_status add_pipeline(const struct estimator *e, const lam__pickle_value **classes)
{
    const lam__pickle_value *steps = attribute(e, "steps");
    const size_t count = steps && steps->kind == LAM__P_LIST ? steps->u.list.count : 0;
    if (count == 0)
        return refuse(e, "it has no steps");
    for (size_t i = 0; i < count; i++) {
        const lam__pickle_value *pair = steps->u.list.items[i];
        if (pair->kind != LAM__P_TUPLE || pair->u.list.count != 2)
            return refuse(e, "a step that is not a pair of name and estimator");
        const lam__pickle_value *step = pair->u.list.items[1];
        const bool passes =
            step->kind == LAM__P_NONE ||
            (step->kind == LAM__P_TEXT && lam__pickle_is(step->u.text, "passthrough"));
        if (!passes)
            LAM__TRY(add_estimator(e->pickled, step, i + 1 == count, classes));
    }
    return LAM_OK;
}

static lam_status add_estimator(lam__pickled *pickled, const lam__pickle_value *value, bool last,
                                const lam__pickle_value **classes)
{
    struct estimator e = {.pickled = pickled};
    if (value->kind != LAM__P_OBJECT)
        return lam__fail(LAM_ERR_UNSUPPORTED, "%s: a step of a Pipeline that is not an estimator",
                         pickled->file->path);
    e.state = value->u.object.state;
    lam__pickle_class(value, e.class, sizeof e.class);
    if (pickled->pickle->steps-- <= 1) {
        pickled->pickle->steps = 1;
        return refuse(&e, "too many estimators");
    }
    if (last && is_class(&e, NETWORKS, FORMER_NETWORKS, "MLPClassifier"))
        return add_network(&e, true, classes);
    if (last && is_class(&e, NETWORKS, FORMER_NETWORKS, "MLPRegressor"))
        return add_network(&e, false, classes);
    if (!last && is_scaler(&e, "StandardScaler"))
        return add_scaling(&e, is_true(&e, "with_mean") ? "mean_" : NULL,
                           is_true(&e, "with_std") ? "scale_" : NULL, NULL, NULL);
    if (!last && is_scaler(&e, "MinMaxScaler"))
        return is_true(&e, "clip") ? refuse(&e, "clips what is beyond its range")
                                   : add_scaling(&e, NULL, NULL, "scale_", "min_");
    if (!last && is_scaler(&e, "MaxAbsScaler"))
        return is_true(&e, "clip") ? refuse(&e, "clips what is beyond its range")
                                   : add_scaling(&e, NULL, "scale_", NULL, NULL);
    if (!last && is_scaler(&e, "RobustScaler"))
        return add_scaling(&e, is_true(&e, "with_centering") ? "center_" : NULL,
                           is_true(&e, "with_scaling") ? "scale_" : NULL, NULL, NULL);
    return refuse(&e, "no MLPClassifier or MLPRegressor, nor a Pipeline of StandardScaler, "
                      "MinMaxScaler, MaxAbsScaler or RobustScaler before one: skl2onnx may "
                      "export other scikit-learn models to ONNX");
}

lam_status lam__sklearn_model(lam__pickled *pickled, const lam__pickle_value *estimator,
                              const lam__pickle_value **classes)
{
    struct estimator e = {.pickled = pickled, .state = estimator->u.object.state};
    *classes = NULL;
    lam__pickle_class(estimator, e.class, sizeof e.class);
    if (strcmp(e.class, "sklearn.pipeline.Pipeline") == 0)
        return add_pipeline(&e, classes);
    return add_estimator(pickled, estimator, true, classes);
}

/* Class i of an array as text: an integer, a truth, a text. False when it is none of these. */
static bool class_name(const lam__pickle_value *classes, size_t i, char *out, size_t size)
{
    const struct lam__pickle_contents *other = classes->u.array.other;
    const lam__pickle_value *type = other ? other->type : NULL, *data = other ? other->data : NULL;
    lam__item item;
    if (type && data && data->kind == LAM__P_LIST && i < data->u.list.count) { /* objects */
        const lam__pickle_value *one = data->u.list.items[i];
        if (one->kind == LAM__P_TEXT)
            snprintf(out, size, "%.*s",
                     (int)(one->u.text.length < size ? one->u.text.length : size - 1),
                     one->u.text.text);
        else if (one->kind == LAM__P_INT)
            snprintf(out, size, "%" PRId64, one->u.integer);
        else if (one->kind == LAM__P_BOOL)
            snprintf(out, size, "%s", one->u.integer ? "True" : "False");
        else
            return false;
        return one->kind != LAM__P_TEXT || one->u.text.length < size;
    }
    if (type && data && (data->kind == LAM__P_BYTES || data->kind == LAM__P_TEXT))
        return lam__numpy_text(type, data->u.text, i, out, size);
    if (!lam__pickle_array(classes, &item) || !item.complete)
        return false;
    return lam__item_number_text(&item, i, out, size);
}

lam_status lam__sklearn_names(const lam__pickled *pickled, const lam__pickle_value *classes,
                              lam_model *model)
{
    enum { NAME = 256 };
    const size_t outputs = lam_model_outputs(model);
    lam__item item;
    if (!classes || classes->kind != LAM__P_ARRAY || !lam__pickle_array(classes, &item) ||
        item.rank != 1 || item.shape[0] != outputs || outputs > MOST_CLASSES) {
        lam__report(pickled->file->report, LAM__LEFT_OUT, "classes_: not one name for each output");
        return LAM_OK;
    }
    const char **names = lam__allocate_zero(outputs, sizeof *names, "class names");
    char *texts = lam__allocate(outputs, NAME, "class names");
    lam_status status = names && texts ? LAM_OK : LAM_ERR_MEMORY;
    bool told = status == LAM_OK;
    for (size_t i = 0; told && i < outputs; i++) {
        names[i] = texts + i * NAME;
        told = class_name(classes, i, texts + i * NAME, NAME) && *names[i];
    }
    if (told && lam_model_set_class_names(model, names, outputs) != LAM_OK)
        told = false;
    if (status == LAM_OK && !told)
        lam__report(pickled->file->report, LAM__LEFT_OUT,
                    "classes_: neither numbers nor texts that can be names");
    lam__release(texts);
    lam__release(names);
    return status;
}
