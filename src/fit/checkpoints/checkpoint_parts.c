/* checkpoint_parts.c: what lies in the data of a checkpoint. */
#include <stdio.h>
#include <string.h>

#include "fit/checkpoints/checkpoint.h"
#include "formats/safetensors/model_file.h"
#include "model/network.h"

/* A part of `rows` times `columns` values; rows 0 with rank 1. */
static void set_shape(lam__part *part, lam__st_dtype dtype, size_t rank, size_t rows,
                      size_t columns)
{
    part->label.dtype = dtype;
    part->label.rank = rank;
    part->label.shape[0] = rank == 2 ? rows : columns;
    part->label.shape[1] = columns;
    part->bytes = (rank == 2 ? rows : 1) * columns * (dtype == LAM__ST_F32 ? 4 : 8);
    part->floats = NULL;
}

/* The parts of numbers that are no tensors of the model. */
static void numbers_part(const lam__checkpoint_of *of, size_t epochs, size_t i, lam__part *part)
{
    static const char *const names[] = {"counts", "numbers", "metric_sums", "history"};
    snprintf(part->label.name, sizeof part->label.name, LAM__CHECKPOINT_PREFIX "%s", names[i]);
    if (i == LAM__PART_COUNTS)
        set_shape(part, LAM__ST_U64, 1, 0, LAM__COUNTS);
    else if (i == LAM__PART_NUMBERS)
        set_shape(part, LAM__ST_F64, 1, 0, LAM__NUMBERS);
    else if (i == LAM__PART_SUMS)
        set_shape(part, LAM__ST_F64, 2, of->trainer->pass.metric_count, LAM_METRIC_STATE);
    else
        set_shape(part, LAM__ST_F64, 2, epochs, lam__history_columns(of->run));
}

/* Tensor i of floats laid out as the model's parameters. */
static bool tensor_part(const lam_model *model, const float *floats, const char *prefix, size_t i,
                        lam__part *part)
{
    lam__tensor_view at;
    char name[LAM__TENSOR_NAME_SIZE];
    if (i >= lam__tensor_count(model) || !lam__tensor_at(model, i, &at))
        return false;
    lam__tensor_name(&at, name, sizeof name);
    snprintf(part->label.name, sizeof part->label.name, "%s%s", prefix, name);
    set_shape(part, LAM__ST_F32, at.flat ? 1 : 2, at.rows, at.cols);
    part->floats = floats + at.offset;
    return true;
}

static bool transform_part(const lam_model *model, size_t i, lam__part *part)
{
    if (model->transform.kind != LAM_TRANSFORM_STANDARDIZE || i >= 2)
        return false;
    snprintf(part->label.name, sizeof part->label.name, "%s",
             i ? LAM__TENSOR_STD : LAM__TENSOR_MEAN);
    set_shape(part, LAM__ST_F32, 1, 0, model->features);
    part->floats = i ? model->transform.std : model->transform.mean;
    return true;
}

bool lam__checkpoint_part(const lam__checkpoint_of *of, size_t epochs, size_t i, lam__part *part)
{
    const lam_model *model = of->trainer->model;
    const lam__weights *weights = &of->trainer->weights;
    const size_t numbers = of->run ? 4 : 2, tensors = lam__tensor_count(model);
    const struct {
        const char *prefix;
        const float *floats;
    } more[] = {{LAM__CHECKPOINT_PREFIX "moment_1.", weights->m},
                {LAM__CHECKPOINT_PREFIX "moment_2.", weights->v},
                {LAM__CHECKPOINT_PREFIX "best.", of->run ? of->run->early.weights : NULL}};
    if (i < numbers) {
        numbers_part(of, epochs, i, part);
        return true;
    }
    i -= numbers;
    if (i < tensors)
        return tensor_part(model, model->parameters, "", i, part);
    i -= tensors;
    if (transform_part(model, i, part))
        return true;
    i -= model->transform.kind == LAM_TRANSFORM_STANDARDIZE ? 2 : 0;
    for (size_t k = 0; k < sizeof more / sizeof *more; k++) {
        if (!more[k].floats)
            continue;
        if (i < tensors)
            return tensor_part(model, more[k].floats, more[k].prefix, i, part);
        i -= tensors;
    }
    return false;
}

/* Columns before those of the scores, and of the scores before those of the metrics. */
enum { EPOCH_COLUMNS = 3, LOSS_COLUMNS = 4 };
static const char *const epoch_columns[] = {"epoch", "learning_rate", "seconds"};
static const char *const loss_columns[] = {"samples", "loss", "data_loss", "regularization_loss"};

static size_t score_columns(const lam__fit *run)
{
    return LOSS_COLUMNS + run->trainer->pass.metric_count;
}

size_t lam__history_columns(const lam__fit *run)
{
    return EPOCH_COLUMNS + (run->validation ? 2 : 1) * score_columns(run);
}

char *lam__history_column(const lam__fit *run, size_t i, char *text, size_t size)
{
    const size_t scores = score_columns(run);
    if (i < EPOCH_COLUMNS) {
        snprintf(text, size, "%s", epoch_columns[i]);
        return text;
    }
    i -= EPOCH_COLUMNS;
    const char *prefix = i < scores ? "" : "val_";
    i %= scores;
    snprintf(text, size, "%s%s", prefix,
             i < LOSS_COLUMNS ? loss_columns[i]
                              : run->trainer->pass.metric_names[i - LOSS_COLUMNS]);
    return text;
}

static void write_scores(const lam_scores *scores, size_t metrics, double *row)
{
    row[0] = (double)scores->samples;
    row[1] = scores->loss;
    row[2] = scores->data_loss;
    row[3] = scores->regularization_loss;
    memcpy(row + LOSS_COLUMNS, scores->values, metrics * sizeof *row);
}

static void read_scores(const lam__pass *pass, const double *row, lam_scores *scores)
{
    *scores = (lam_scores){.metrics = pass->metric_count};
    scores->samples = row[0] >= 0.0 && row[0] < 9e15 ? (size_t)row[0] : 0;
    scores->loss = row[1];
    scores->data_loss = row[2];
    scores->regularization_loss = row[3];
    memcpy(scores->values, row + LOSS_COLUMNS, pass->metric_count * sizeof *row);
    for (size_t i = 0; i < pass->metric_count; i++)
        scores->names[i] = pass->metric_names[i];
}

void lam__history_write_row(const lam__fit *run, const lam_epoch *epoch, double *row)
{
    const size_t metrics = run->trainer->pass.metric_count;
    row[0] = (double)epoch->epoch;
    row[1] = epoch->learning_rate;
    row[2] = epoch->seconds;
    write_scores(&epoch->train, metrics, row + EPOCH_COLUMNS);
    if (run->validation)
        write_scores(&epoch->validation, metrics, row + EPOCH_COLUMNS + score_columns(run));
}

void lam__history_read_row(const lam__fit *run, const double *row, lam_epoch *epoch)
{
    const lam__pass *pass = &run->trainer->pass;
    *epoch = (lam_epoch){.has_validation = run->validation != NULL};
    epoch->epoch = row[0] >= 0.0 && row[0] < 9e15 ? (size_t)row[0] : 0;
    epoch->learning_rate = row[1];
    epoch->seconds = row[2];
    read_scores(pass, row + EPOCH_COLUMNS, &epoch->train);
    if (run->validation)
        read_scores(pass, row + EPOCH_COLUMNS + score_columns(run), &epoch->validation);
}
