/* checkpoint_settings.c: what a run was asked to do and on which data, as JSON, and whether two
 * runs are the same. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "fit/checkpoints/checkpoint.h"
#include "fit/checkpoints/checkpoint_origin.h"
#include "fit/checkpoints/fingerprint.h"
#include "formats/safetensors/model_file.h"
#include "lamina_features.h"
#include "model/network.h"
#include "options/fit_options.h"

lam_status lam__checkpoint_model(const lam__checkpoint_of *of, char **text)
{
    lam_model trained = *of->trainer->model; /* a look at it: nothing is owned */
    trained.loss = of->trainer->pass.loss;   /* before any name */
    return lam__model_describe(&trained, text);
}

#if LAM__HAVE_JSON
#include "io/json/json_text.h"

/* The options with what was left open filled in, as text. */
static json_t *describe_options(const lam__checkpoint_of *of)
{
    const lam_trainer *trainer = of->trainer;
    lam_fit_options options = of->run ? *of->run->options : trainer->weights.options;
    const lam__optimizer *optimizer = trainer->weights.optimizer;
    float own[LAM__OWN_MOST];
    char spelled[LAM__OPTIMIZER_TEXT];
    lam__optimizer_resolve(optimizer, &options, own);
    options.loss = trainer->pass.loss->name;
    options.optimizer =
        lam__optimizer_text(optimizer, trainer->weights.args.own, spelled, sizeof spelled);
    if (options.learning_rate == 0.0f)
        options.learning_rate = optimizer->learning_rate;
    if (!options.metrics)
        options.metrics = "accuracy";
    json_t *json = json_object();
    int failed = 0;
    for (size_t i = 0; i < lam__table_size(&lam__fit_options); i++) {
        const lam__option *option = lam__table_at(&lam__fit_options, i);
        char text[64];
        if (option->within || (!of->run && option->resume != LAM__RESUME_STEP))
            continue; /* what is within another option stands there */
        const char *value = lam__option_format(option, &options, text, sizeof text);
        if (value)
            failed |= json_object_set_new(json, option->name, json_string(value));
    }
    if (!failed)
        return json;
    json_decref(json);
    return NULL;
}

/* *json = NULL without data. */
static lam_status describe_data(const lam_dataset *data, json_t **json)
{
    lam__fingerprint print;
    char crc[9];
    *json = NULL;
    if (!data)
        return LAM_OK;
    LAM__TRY(lam__fingerprint_take(data, &print));
    snprintf(crc, sizeof crc, "%08" PRIx32, print.crc);
    *json = json_pack("{s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:s}", "samples",
                      (json_int_t)print.samples, "features", (json_int_t)print.features, "type",
                      print.type, "classes", (json_int_t)print.classes, "outputs",
                      (json_int_t)print.outputs, "window", (json_int_t)print.window, "rows_read",
                      (json_int_t)print.rows_read, "crc32c", crc);
    return *json ? LAM_OK : lam__fail(LAM_ERR_MEMORY, "out of memory: settings of a checkpoint");
}

static json_t *list_columns(const lam__fit *run)
{
    json_t *list = json_array();
    char text[96];
    for (size_t i = 0; i < lam__history_columns(run); i++)
        json_array_append_new(list, json_string(lam__history_column(run, i, text, sizeof text)));
    return list;
}

static json_t *list_names(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

/* Adds what a run has and a trainer has not. */
static lam_status describe_run(const lam__fit *run, json_t *json)
{
    json_t *data, *validation;
    LAM__TRY(describe_data(run->data, &data));
    int failed = json_object_set_new(json, "data", data);
    LAM__TRY(describe_data(run->options->validation, &validation));
    if (validation)
        failed |= json_object_set_new(json, "validation", validation);
    if (run->early.patience > 0)
        failed |= json_object_set_new(json, "early_stopping", json_string(run->early.monitor));
    failed |= json_object_set_new(json, "history", list_columns(run));
    return failed ? lam__fail(LAM_ERR_MEMORY, "out of memory: settings of a checkpoint") : LAM_OK;
}

/* Of a new model there is nothing to tell. */
static int describe_beginning(const lam__checkpoint_of *of, json_t *json)
{
    const lam_trainer *trainer = of->trainer;
    const uint64_t epochs = of->run ? of->run->epochs_before : trainer->model->epochs_done;
    if (epochs == 0 && trainer->steps_before == 0 && trainer->weights.moments_from == 0)
        return 0;
    return json_object_set_new(json, "began_at",
                               json_pack("{s:I, s:I, s:I}", "epochs", (json_int_t)epochs, "steps",
                                         (json_int_t)trainer->steps_before, "moments_from",
                                         (json_int_t)trainer->weights.moments_from));
}

/* What made it. */
static json_t *describe_origin(void)
{
    json_t *origin = json_object();
    const char *key;
    for (size_t i = 0; (key = lam__origin_key(i)) != NULL; i++)
        json_object_set_new(origin, key, json_string(lam__origin_here(key)));
    return origin;
}

static lam_status describe(const lam__checkpoint_of *of, json_t **json)
{
#define NAME(name, text) text,
    static const char *const counts[] = {LAM__COUNT_LIST(NAME)};
    static const char *const numbers[] = {LAM__NUMBER_LIST(NAME)};
#undef NAME
    *json = json_object();
    int failed = json_object_set_new(*json, "version", json_integer(LAM__CHECKPOINT_VERSION));
    failed |= json_object_set_new(*json, "of", json_string(of->run ? "fit" : "trainer"));
    failed |= json_object_set_new(*json, "made_by", describe_origin());
    failed |= json_object_set_new(*json, "options", describe_options(of));
    failed |= json_object_set_new(*json, "counts", list_names(counts, LAM__COUNTS));
    failed |= json_object_set_new(*json, "numbers", list_names(numbers, LAM__NUMBERS));
    failed |= describe_beginning(of, *json);
    if (failed)
        return lam__fail(LAM_ERR_MEMORY, "out of memory: settings of a checkpoint");
    return of->run ? describe_run(of->run, *json) : LAM_OK;
}

lam_status lam__checkpoint_settings(const lam__checkpoint_of *of, char **text)
{
    json_t *json;
    lam_status status = describe(of, &json);
    const size_t length = status == LAM_OK ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
    if (status == LAM_OK && !(*text = lam__allocate(length + 1, 1, "settings of a checkpoint")))
        status = LAM_ERR_MEMORY;
    if (status == LAM_OK)
        (*text)[json_dumpb(json, *text, length, JSON_COMPACT)] = '\0';
    json_decref(json);
    return status;
}

/* Where two values differ: "options.seed", and both as text. */
typedef struct difference {
    char place[128];
    char here[96], there[96];
} difference;

static void show(const json_t *json, char *text, size_t size)
{
    if (!json) {
        snprintf(text, size, "nothing");
        return;
    }
    const size_t n = json_dumpb(json, text, size - 1, JSON_COMPACT | JSON_ENCODE_ANY);
    if (n < size)
        text[n] = '\0';
    else
        snprintf(text, size, "%s", json_is_object(json) ? "other settings" : "another list");
}

static bool differ(const json_t *here, const json_t *there, difference *found);

/* Goes into a member; leaves the place where the difference is. */
static bool member_differs(const json_t *here, const json_t *there, const char *name,
                           difference *found)
{
    const size_t length = strlen(found->place);
    snprintf(found->place + length, sizeof found->place - length, "%s%s",
             length && name[0] != '[' ? "." : "", name);
    if (differ(here, there, found))
        return true;
    found->place[length] = '\0';
    return false;
}

/* The first difference of two values; false when they are the same. */
static bool differ(const json_t *here, const json_t *there, difference *found)
{
    const char *key;
    json_t *value;
    if (json_is_object(here) && json_is_object(there)) {
        json_object_foreach((json_t *)here, key, value)
        {
            if (member_differs(value, json_object_get(there, key), key, found))
                return true;
        }
        json_object_foreach((json_t *)there, key, value)
        {
            if (!json_object_get(here, key) && member_differs(NULL, value, key, found))
                return true;
        }
        return false;
    }
    if (json_is_array(here) && json_is_array(there)) {
        for (size_t i = 0; i < json_array_size(here) || i < json_array_size(there); i++) {
            char name[32];
            snprintf(name, sizeof name, "[%zu]", i);
            if (member_differs(json_array_get(here, i), json_array_get(there, i), name, found))
                return true;
        }
        return false;
    }
    if (here && there && json_equal((json_t *)here, (json_t *)there))
        return false;
    show(here, found->here, sizeof found->here);
    show(there, found->there, sizeof found->there);
    return true;
}

static lam_status fail_difference(const char *name, const char *what, const difference *found)
{
    return lam__fail(LAM_ERR_STATE, "%s: another %s: %s is %s here and %s in the checkpoint", name,
                     what, found->place, found->here, found->there);
}

/* Removes from both what may differ. */
static void drop_free_options(json_t *here, json_t *there)
{
    for (size_t i = 0; i < lam__table_size(&lam__fit_options); i++) {
        const lam__option *option = lam__table_at(&lam__fit_options, i);
        if (option->resume != LAM__RESUME_ANY)
            continue;
        json_object_del(here, option->name);
        json_object_del(there, option->name);
    }
}

/* A trainer can continue from a run of lam_fit, too: it looks at the options of a step only. */
static void keep_step_options(const json_t *here, json_t *there)
{
    const char *key;
    void *next;
    json_t *value;
    json_object_foreach_safe(there, next, key, value)
    {
        if (!json_object_get(here, key))
            json_object_del(there, key);
    }
}

static lam_status compare_settings(const lam__checkpoint_of *of, const char *name, json_t *here,
                                   json_t *there)
{
    static const struct {
        const char *key, *what;
    } parts[] = {{"data", "data set"},
                 {"validation", "validation set"},
                 {"early_stopping", "rule of early stopping"},
                 {"history", "list of figures"}};
    const json_t *version = json_object_get(there, "version");
    if (!json_is_integer(version) || json_integer_value(version) != LAM__CHECKPOINT_VERSION)
        return lam__fail(LAM_ERR_FORMAT, "%s: not version %d of a checkpoint", name,
                         LAM__CHECKPOINT_VERSION);
    const char *kind = json_string_value(json_object_get(there, "of"));
    if (of->run && (!kind || strcmp(kind, "fit") != 0))
        return lam__fail(LAM_ERR_STATE,
                         "%s: a checkpoint of lam_trainer_save: lam_fit cannot continue from it",
                         name);
    json_t *mine = json_object_get(here, "options"), *theirs = json_object_get(there, "options");
    if (of->run)
        drop_free_options(mine, theirs);
    else
        keep_step_options(mine, theirs);
    difference found = {.place = ""};
    if (differ(mine, theirs, &found))
        return fail_difference(name, strcmp(found.place, "optimizer") ? "option" : "optimizer",
                               &found);
    for (size_t i = 0; of->run && i < sizeof parts / sizeof *parts; i++) {
        const json_t *a = json_object_get(here, parts[i].key);
        const json_t *b = json_object_get(there, parts[i].key);
        found.place[0] = '\0';
        if ((a || b) && member_differs(a, b, parts[i].key, &found))
            return fail_difference(name, parts[i].what, &found);
    }
    return LAM_OK;
}

/* Notes in the trainer what made the file and is not so here. */
static void note_origin(const lam__checkpoint_of *of, const json_t *there)
{
    const json_t *origin = json_object_get(there, "made_by");
    char *note = of->trainer->note;
    const char *key;
    note[0] = '\0';
    for (size_t i = 0; (key = lam__origin_key(i)) != NULL; i++)
        lam__origin_compare(key, json_string_value(json_object_get(origin, key)), note,
                            sizeof of->trainer->note);
}

/* Two texts as JSON; both NULL after a failure. */
static lam_status parse_both(const char *name, const char *mine, const char *theirs, json_t **here,
                             json_t **there)
{
    json_error_t error;
    *here = lam__json_parse(mine, strlen(mine), &error);
    *there = lam__json_parse(theirs, strlen(theirs), &error);
    if (json_is_object(*here) && json_is_object(*there))
        return LAM_OK;
    const bool memory = !*here;
    json_decref(*here);
    json_decref(*there);
    *here = *there = NULL;
    return memory ? lam__fail(LAM_ERR_MEMORY, "out of memory: %s", name)
                  : lam__fail(LAM_ERR_FORMAT, "%s: its settings are not a JSON object", name);
}

/* Descriptions up to this length are compared member by member, which takes many times as much. */
enum { LENGTHY = 1 << 20 };

/* Whether a file's network is this run's. Mostly its description is the same to the byte. */
static lam_status compare_networks(const lam__checkpoint_of *of, const char *name,
                                   const char *model)
{
    char *text = NULL;
    json_t *here, *there;
    difference found = {.place = ""};
    LAM__TRY(lam__checkpoint_model(of, &text));
    const bool same = strcmp(text, model) == 0, lengthy = strlen(text) > LENGTHY;
    lam_status status = same      ? LAM_OK
                        : lengthy ? lam__fail(LAM_ERR_STATE,
                                              "%s: another network or loss: the description of "
                                              "%zu bytes is too long to say where it differs",
                                              name, strlen(text))
                                  : parse_both(name, text, model, &here, &there);
    lam__release(text);
    if (same || status != LAM_OK)
        return status;
    json_object_del(here, "loss"); /* an option */
    json_object_del(there, "loss");
    if (differ(here, there, &found))
        status = fail_difference(name, "network", &found);
    json_decref(here);
    json_decref(there);
    return status;
}

lam_status lam__checkpoint_compare(const lam__checkpoint_of *of, const char *name,
                                   const char *model, const char *settings)
{
    char *text = NULL;
    json_t *here, *there;
    LAM__TRY(compare_networks(of, name, model));
    LAM__TRY(lam__checkpoint_settings(of, &text));
    lam_status status = parse_both(name, text, settings, &here, &there);
    lam__release(text);
    if (status == LAM_OK)
        status = compare_settings(of, name, here, there);
    if (status == LAM_OK)
        note_origin(of, there);
    json_decref(here);
    json_decref(there);
    return status;
}
/* The settings of a file; NULL with LAM_ERR_FORMAT recorded. */
static json_t *parse_settings(const char *name, const char *settings)
{
    json_error_t error;
    json_t *json = lam__json_parse(settings, strlen(settings), &error);
    if (json_is_object(json))
        return json;
    json_decref(json);
    lam__fail(LAM_ERR_FORMAT, "%s: its settings are not a JSON object", name);
    return NULL;
}

/* A count that a run can have reached. */
static bool read_count(const json_t *object, const char *key, uint64_t *count)
{
    const json_t *value = json_object_get(object, key);
    *count = json_is_integer(value) ? (uint64_t)json_integer_value(value) : 0;
    return json_is_integer(value) && json_integer_value(value) >= 0 && *count < UINT64_C(1) << 53;
}

lam_status lam__checkpoint_began_at(const char *name, const char *settings, lam__began_at *began)
{
    *began = (lam__began_at){0};
    json_t *json = parse_settings(name, settings);
    if (!json)
        return LAM_ERR_FORMAT;
    const json_t *at = json_object_get(json, "began_at");
    const bool good = !at || (read_count(at, "epochs", &began->epochs) &&
                              read_count(at, "steps", &began->steps) &&
                              read_count(at, "moments_from", &began->moments_from) &&
                              began->moments_from <= began->steps);
    json_decref(json);
    return good ? LAM_OK
                : lam__fail(LAM_ERR_FORMAT, "%s: 'began_at' of its settings cannot be", name);
}

lam_status lam__checkpoint_optimizer(const char *name, const char *settings, char *text,
                                     size_t size)
{
    json_t *json = parse_settings(name, settings);
    if (!json)
        return LAM_ERR_FORMAT;
    const char *optimizer =
        json_string_value(json_object_get(json_object_get(json, "options"), "optimizer"));
    snprintf(text, size, "%s", optimizer ? optimizer : "");
    json_decref(json);
    return optimizer ? LAM_OK
                     : lam__fail(LAM_ERR_FORMAT, "%s: its settings name no optimizer", name);
}
#else
lam_status lam__checkpoint_began_at(const char *name, const char *settings, lam__began_at *began)
{
    *began = (lam__began_at){0};
    return lam__checkpoint_compare(NULL, name, NULL, settings); /* says what is missing */
}

lam_status lam__checkpoint_optimizer(const char *name, const char *settings, char *text,
                                     size_t size)
{
    (void)text, (void)size;
    return lam__checkpoint_compare(NULL, name, NULL, settings);
}

lam_status lam__checkpoint_settings(const lam__checkpoint_of *of, char **text)
{
    (void)of, (void)text;
    return lam__fail(LAM_ERR_UNSUPPORTED, "this build of Lamina has no checkpoints: it has no JSON "
                                          "library (Jansson)");
}

lam_status lam__checkpoint_compare(const lam__checkpoint_of *of, const char *name,
                                   const char *model, const char *settings)
{
    (void)of, (void)model, (void)settings;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: this build of Lamina has no checkpoints: it has no "
                     "JSON library (Jansson)",
                     name);
}
#endif
