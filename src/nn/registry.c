/* registry.c: activations, losses, metrics and callbacks of one's own, by name. */
#include "nn/registry.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "nn/losses.h"
#include "nn/metrics.h"

/* A row of the table of callbacks. */
typedef struct callback_row {
    const char *name, *alias, *help;
    lam_callback callback;
} callback_row;

LAM__CHECK_ROW(callback_row);

lam__name_table lam__callbacks = {.kind = "callback"};

/* Puts a copy of row[size], with copies of its strings, into the table. The strings come first:
 * `rename` puts the copy of the name where the row keeps it a second time. */
static lam_status add_copy(lam__name_table *table, const void *row, size_t size,
                           void (*rename)(void *row))
{
    lam__row_names names = lam__row_names_of(row);
    char *name = lam__copy_string(names.name);
    char *help = lam__copy_string(names.help ? names.help : "");
    void *copy = lam__allocate(1, size, "a registered row");
    lam_status status = name && help && copy ? LAM_OK : LAM_ERR_MEMORY;
    if (status == LAM_OK) {
        names = (lam__row_names){.name = name, .help = help};
        memcpy(copy, row, size);
        memcpy(copy, &names, sizeof names);
        if (rename)
            rename(copy);
        status = lam__table_add(table, copy);
    }
    if (status != LAM_OK) {
        lam__release(name);
        lam__release(help);
        lam__release(copy);
    }
    return status;
}

/* Checks what all registrations have in common. */
static lam_status check(const lam__name_table *table, const char *name, bool functions)
{
    LAM__TRY(lam__check_new_name(table->kind, name));
    if (!functions)
        return lam__fail(LAM_ERR_ARGUMENT, "%s '%s' lacks a function", table->kind, name);
    return LAM_OK;
}

static lam_status fail_null(const char *kind)
{
    return lam__fail(LAM_ERR_ARGUMENT, "the %s to register is NULL", kind);
}

static void rename_activation(void *row)
{
    lam__activation *activation = row;
    activation->custom.name = activation->name;
    activation->custom.help = activation->help;
}

lam_status lam_register_activation_sized(const lam_activation *given, size_t size)
{
    lam_activation own = {0};
    const lam_activation *activation = &own;
    if (!given)
        return fail_null(lam__activations.kind);
    LAM__TRY(lam__read_struct(&own, sizeof own, given, size, "lam_activation"));
    LAM__TRY(
        check(&lam__activations, activation->name, activation->forward && activation->backward));
    const lam__activation row = {
        .name = activation->name,
        .help = activation->help,
        .decision = LAM__DECIDE_VALUE,
        .default_loss = "mean_squared_error",
        .needs_z = true,
        .custom = *activation,
    };
    return add_copy(&lam__activations, &row, sizeof row, rename_activation);
}

static void rename_loss(void *row)
{
    lam__loss *loss = row;
    loss->custom.name = loss->name;
    loss->custom.help = loss->help;
}

lam_status lam_register_loss_sized(const lam_loss *given, size_t size)
{
    lam_loss own = {0};
    const lam_loss *loss = &own;
    if (!given)
        return fail_null(lam__losses.kind);
    LAM__TRY(lam__read_struct(&own, sizeof own, given, size, "lam_loss"));
    LAM__TRY(check(&lam__losses, loss->name, loss->sample != NULL));
    const lam__loss row = {.name = loss->name, .help = loss->help, .custom = *loss};
    return add_copy(&lam__losses, &row, sizeof row, rename_loss);
}

/* Words that lam_scores_get gives another meaning. */
static bool is_reserved(const char *name)
{
    static const char *const words[] = {"loss", "data_loss", "regularization_loss"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0)
            return true;
    return false;
}

lam_status lam_register_metric_sized(const lam_metric *given, size_t size)
{
    lam_metric own = {0};
    const lam_metric *metric = &own;
    if (!given)
        return fail_null(lam__metrics.kind);
    LAM__TRY(lam__read_struct(&own, sizeof own, given, size, "lam_metric"));
    LAM__TRY(check(&lam__metrics, metric->name, metric->update && metric->result));
    if (is_reserved(metric->name))
        return lam__fail(LAM_ERR_NAME, "the name '%s' of a metric is taken", metric->name);
    const lam__metric row = {
        .name = metric->name,
        .help = metric->help,
        .update = metric->update,
        .result = metric->result,
        .user = metric->user,
    };
    return add_copy(&lam__metrics, &row, sizeof row, NULL);
}

lam_status lam_register_callback_sized(const char *name, const lam_callback *given, size_t size)
{
    lam_callback own = {0};
    const lam_callback *callback = &own;
    if (!given)
        return fail_null(lam__callbacks.kind);
    LAM__TRY(lam__read_struct(&own, sizeof own, given, size, "lam_callback"));
    LAM__TRY(check(&lam__callbacks, name, callback->on_event != NULL));
    const callback_row row = {.name = name, .callback = *callback};
    return add_copy(&lam__callbacks, &row, sizeof row, NULL);
}

const lam_callback *lam__find_callback(const char *name)
{
    const callback_row *row = lam__table_find(&lam__callbacks, name);
    return row ? &row->callback : NULL;
}
