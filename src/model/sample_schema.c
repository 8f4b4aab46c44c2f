/* sample_schema.c: what raw samples were made from. */
#include "model/sample_schema.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/struct_size.h"
#include "base/text/string_list.h"

void lam__input_clear(lam__input *input)
{
    for (size_t i = 0; i < input->column_count; i++) {
        if (!input->names)
            lam__release(input->columns[i].name);
        lam__release(input->columns[i].categories);
    }
    lam__release(input->columns);
    lam__release(input->names);
    *input = (lam__input){.kind = LAM_INPUT_VALUES};
}

lam_status lam__input_set_image(lam__input *input, size_t width, size_t height, size_t channels,
                                bool invert)
{
    if (width < 1 || width > LAM__MOST_PIXELS_A_SIDE || height < 1 ||
        height > LAM__MOST_PIXELS_A_SIDE || (channels != 1 && channels != 3))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "images of %zu x %zu pixels with %zu channel%s: each side takes 1 to %d, "
                         "channels are 1 (gray) or 3 (rgb)",
                         width, height, channels, channels == 1 ? "" : "s",
                         LAM__MOST_PIXELS_A_SIDE);
    size_t pixels, values;
    if (!lam__multiply(width, height, &pixels) || !lam__multiply(pixels, channels, &values))
        return lam__fail(LAM_ERR_ARGUMENT,
                         "images of %zu x %zu pixels are more than can be addressed", width,
                         height);
    lam__input_clear(input);
    input->kind = LAM_INPUT_IMAGE;
    input->width = width;
    input->height = height;
    input->channels = channels;
    input->invert = invert;
    return LAM_OK;
}

lam_status lam__input_set_table(lam__input *input, size_t columns)
{
    lam__column *made = lam__allocate_zero(columns, sizeof *made, "the columns of a table");
    if (!made)
        return LAM_ERR_MEMORY;
    lam__input_clear(input);
    input->kind = LAM_INPUT_TABLE;
    input->columns = made;
    input->column_count = columns;
    return LAM_OK;
}

void lam__input_place_features(lam__input *input)
{
    size_t at = 0;
    for (size_t i = 0; i < input->column_count; i++) {
        input->columns[i].first_feature = at;
        at += lam__column_features(&input->columns[i]);
    }
}

lam_status lam__column_set_categories(lam__column *column, const char *const *categories,
                                      size_t count)
{
    char **copy = lam__string_list_copy(categories, count, "the categories of a column");
    if (!copy)
        return LAM_ERR_MEMORY;
    lam__release(column->categories);
    column->categories = copy;
    column->category_count = count;
    return LAM_OK;
}

static lam_status copy_column(const lam__column *from, lam__column *to)
{
    to->kind = from->kind;
    to->target = from->target;
    to->has_fill = from->has_fill;
    to->fill = from->fill;
    return from->categories ? lam__column_set_categories(to, (const char *const *)from->categories,
                                                         from->category_count)
                            : LAM_OK;
}

/* The names go to one block. */
static lam_status copy_names(const lam__input *from, lam__input *to)
{
    size_t bytes = 0;
    for (size_t i = 0; i < from->column_count; i++)
        bytes += strlen(from->columns[i].name) + 1;
    char *at = to->names = lam__allocate(bytes, 1, "the names of columns");
    if (!at)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < from->column_count; i++) {
        const size_t size = strlen(from->columns[i].name) + 1;
        to->columns[i].name = memcpy(at, from->columns[i].name, size);
        at += size;
    }
    return LAM_OK;
}

lam_status lam__input_copy(const lam__input *from, lam__input *to)
{
    *to = (lam__input){.kind = LAM_INPUT_VALUES};
    if (from->kind != LAM_INPUT_TABLE) {
        *to = *from;
        return LAM_OK;
    }
    LAM__TRY(lam__input_set_table(to, from->column_count));
    to->header = from->header;
    lam_status status = copy_names(from, to);
    for (size_t i = 0; i < from->column_count && status == LAM_OK; i++)
        status = copy_column(&from->columns[i], &to->columns[i]);
    if (status != LAM_OK) {
        lam__input_clear(to);
        return status;
    }
    lam__input_place_features(to);
    return LAM_OK;
}

size_t lam__column_features(const lam__column *column)
{
    if (column->target || column->kind == LAM_COLUMN_IGNORED)
        return 0;
    return column->kind == LAM_COLUMN_TEXT ? column->category_count : 1;
}

size_t lam__input_features(const lam__input *input)
{
    size_t features = input->width * input->height * input->channels;
    for (size_t i = 0; i < input->column_count; i++)
        features += lam__column_features(&input->columns[i]);
    return features;
}

const lam__column *lam__input_target(const lam__input *input)
{
    for (size_t i = 0; i < input->column_count; i++)
        if (input->columns[i].target)
            return &input->columns[i];
    return NULL;
}

static bool same_meaning(const lam__column *a, const lam__column *b)
{
    if (a->kind != b->kind || a->target != b->target || a->category_count != b->category_count ||
        strcmp(a->name, b->name) != 0)
        return false;
    for (size_t i = 0; i < a->category_count; i++)
        if (strcmp(a->categories[i], b->categories[i]) != 0)
            return false;
    return true;
}

bool lam__input_equal(const lam__input *a, const lam__input *b)
{
    if (a->kind != b->kind || a->width != b->width || a->height != b->height ||
        a->channels != b->channels || a->invert != b->invert || a->header != b->header ||
        a->column_count != b->column_count)
        return false;
    for (size_t i = 0; i < a->column_count; i++)
        if (!same_meaning(&a->columns[i], &b->columns[i]) ||
            a->columns[i].has_fill != b->columns[i].has_fill ||
            a->columns[i].fill != b->columns[i].fill)
            return false;
    return true;
}

/* The next column from *at on that gives features; NULL after the last. */
static const lam__column *next_feature(const lam__input *input, size_t *at)
{
    while (*at < input->column_count) {
        const lam__column *column = &input->columns[(*at)++];
        if (lam__column_features(column) > 0)
            return column;
    }
    return NULL;
}

static lam_status accepts_table(const lam__input *model, const lam__input *data)
{
    size_t at_model = 0, at_data = 0;
    for (;;) {
        const lam__column *expected = next_feature(model, &at_model);
        const lam__column *found = next_feature(data, &at_data);
        if (!expected && !found)
            return LAM_OK;
        if (!expected || !found)
            return lam__fail(LAM_ERR_SHAPE,
                             "the data have %s column '%s', unlike what the model "
                             "was trained on",
                             expected ? "no" : "a", (expected ? expected : found)->name);
        /* names that nobody gave say only the place */
        const bool named = model->header && data->header;
        if ((named && strcmp(expected->name, found->name) != 0) || expected->kind != found->kind)
            return lam__fail(LAM_ERR_SHAPE,
                             "the data have column '%s' where the model was trained on '%s'",
                             found->name, expected->name);
        for (size_t i = 0; i < expected->category_count || i < found->category_count; i++)
            if (i >= expected->category_count || i >= found->category_count ||
                strcmp(expected->categories[i], found->categories[i]) != 0)
                return lam__fail(LAM_ERR_SHAPE,
                                 "column '%s' has other categories than the model was trained on: "
                                 "read the data as the model needs them (`like` in "
                                 "lam_load_options)",
                                 found->name);
    }
}

lam_status lam__input_accepts(const lam__input *model, const lam__input *data)
{
    if (model->kind == LAM_INPUT_TABLE && data->kind == LAM_INPUT_TABLE)
        return accepts_table(model, data);
    if (model->kind != LAM_INPUT_IMAGE || data->kind != LAM_INPUT_IMAGE ||
        (model->width == data->width && model->height == data->height &&
         model->channels == data->channels))
        return LAM_OK;
    return lam__fail(LAM_ERR_SHAPE,
                     "the data have images of %zu x %zu pixels with %zu channel%s, the model was "
                     "trained on %zu x %zu with %zu",
                     data->width, data->height, data->channels, data->channels == 1 ? "" : "s",
                     model->width, model->height, model->channels);
}

void lam__input_describe(const lam__input *input, lam_input_info *info, size_t size)
{
    const lam_input_info own = {
        .kind = input->kind,
        .width = input->width,
        .height = input->height,
        .channels = input->channels,
        .invert = input->invert,
        .header = input->header,
        .columns = input->column_count,
    };
    lam__write_struct(info, size, &own, sizeof own);
}

lam_status lam__input_column(const lam__input *input, size_t i, lam_column_info *info, size_t size)
{
    if (i >= input->column_count)
        return lam__fail(LAM_ERR_ARGUMENT, "column %zu of an input that has %zu", i,
                         input->column_count);
    const lam__column *column = &input->columns[i];
    const lam_column_info own = {
        .name = column->name,
        .kind = column->kind,
        .target = column->target,
        .has_fill = column->has_fill,
        .fill = column->fill,
        .categories = (const char *const *)column->categories,
        .category_count = column->category_count,
        .missing = column->missing,
        .features = lam__column_features(column),
        .first_feature = column->first_feature,
    };
    lam__write_struct(info, size, &own, sizeof own);
    return LAM_OK;
}
