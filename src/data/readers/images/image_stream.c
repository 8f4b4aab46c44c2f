/* image_stream.c: images decoded again each time they are needed, ahead of their turn.
 *
 * A pass over samples is a sequence of positions; position p has slot p modulo the number of slots.
 * Threads of the stream's own decode the positions in order, as far ahead as slots are free; who
 * waits for one decodes, too. A sample that is gathered without having been announced is decoded
 * there and then: slower, but the same bytes. So what is read never depends on timing. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/machine/pool.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/readers/images/image_set.h"
#include "data/source.h"

#define NO_SLOT UINT32_MAX
#define NO_POSITION SIZE_MAX

/* No more is decoded ahead: beyond it nothing is gained. Fewer hold a batch back, but keep to the
 * memory allowed. */
enum { MOST_SLOTS = 4096, LEAST_SLOTS = 8, MOST_WORKERS = 64 };

/* What a slot holds. FAILED: its sample could not be read. */
enum { EMPTY, WAITING, READY, FAILED };

typedef struct stream_slot {
    uint32_t sample;
    _Atomic int state;
} stream_slot;

typedef struct image_stream {
    lam__image_set set;
    uint64_t memory;
    size_t features, slot_count;
    uint8_t *bytes;            /* [slot_count][features] */
    stream_slot *slots;        /* [slot_count] */
    _Atomic uint32_t *slot_of; /* [samples] the slot of a sample, or NO_SLOT */
    pthread_mutex_t mutex;     /* of what follows */
    pthread_cond_t work, done;
    size_t announced, taken,
        at;      /* positions of the pass: known, given to threads, next to gather */
    size_t busy; /* threads that decode */
    bool quit;
    lam_status trouble; /* in gathering */
    char message[LAM__MESSAGE_SIZE];
    size_t worker_count;
    pthread_t workers[MOST_WORKERS];
    lam__image_decoder own;     /* of the thread that prepares */
    pthread_mutex_t late_mutex; /* of the decoder for samples that were not announced */
    lam__image_decoder late;
    lam__fork_guard guard, late_guard;
    bool orphaned; /* the workers were the parent's of this process */
} image_stream;

/* Decodes the next position. The mutex is held before and afterwards, not in between. */
static void decode_next(image_stream *stream, lam__image_decoder *decoder)
{
    const size_t slot = stream->taken++ % stream->slot_count;
    const uint32_t sample = stream->slots[slot].sample;
    stream->busy++;
    pthread_mutex_unlock(&stream->mutex);
    const lam_status status = lam__image_set_decode(&stream->set, sample, decoder,
                                                    stream->bytes + slot * stream->features);
    pthread_mutex_lock(&stream->mutex);
    atomic_store_explicit(&stream->slots[slot].state, status == LAM_OK ? READY : FAILED,
                          memory_order_release);
    stream->busy--;
    pthread_cond_broadcast(&stream->done);
}

static void *run_worker(void *argument)
{
    image_stream *stream = argument;
    lam__image_decoder decoder = {.jpeg = NULL};
    pthread_mutex_lock(&stream->mutex);
    while (!stream->quit) {
        if (stream->taken < stream->announced)
            decode_next(stream, &decoder);
        else
            pthread_cond_wait(&stream->work, &stream->mutex);
    }
    pthread_mutex_unlock(&stream->mutex);
    lam__image_decoder_close(&decoder);
    return NULL;
}

/* Forgets the pass so far. What threads have begun is waited for: they write to slots. */
static void begin_pass(image_stream *stream)
{
    stream->taken = stream->announced;
    while (stream->busy > 0)
        pthread_cond_wait(&stream->done, &stream->mutex);
    for (size_t s = 0; s < stream->slot_count; s++) {
        if (atomic_load(&stream->slots[s].state) != EMPTY)
            atomic_store(&stream->slot_of[stream->slots[s].sample], NO_SLOT);
        atomic_store(&stream->slots[s].state, EMPTY);
    }
    stream->announced = stream->taken = stream->at = 0;
}

/* Gives the next position, and the slot it has, to a sample. */
static void announce(image_stream *stream, uint32_t sample)
{
    const size_t s = stream->announced % stream->slot_count;
    stream_slot *slot = &stream->slots[s];
    if (atomic_load(&slot->state) != EMPTY &&
        atomic_load(&stream->slot_of[slot->sample]) == (uint32_t)s)
        atomic_store(&stream->slot_of[slot->sample], NO_SLOT);
    slot->sample = sample;
    atomic_store(&slot->state, WAITING);
    atomic_store(&stream->slot_of[sample], (uint32_t)s);
    stream->announced++;
}

/* Waits for a position; reads it once more when it failed, for the message. */
static lam_status wait_for(image_stream *stream, size_t position)
{
    const size_t s = position % stream->slot_count;
    stream_slot *slot = &stream->slots[s];
    while (atomic_load(&slot->state) == WAITING) {
        if (stream->taken < stream->announced)
            decode_next(stream, &stream->own);
        else
            pthread_cond_wait(&stream->done, &stream->mutex);
    }
    if (atomic_load(&slot->state) == READY)
        return LAM_OK;
    LAM__TRY(lam__image_set_decode(&stream->set, slot->sample, &stream->own,
                                   stream->bytes + s * stream->features));
    atomic_store(&slot->state, READY);
    return LAM_OK;
}

/* As many workers as cores, if they can be had: who prepares decodes, too. They take no signals. */
static void start_workers(image_stream *stream)
{
    sigset_t all, before;
    const size_t cores = lam__cores();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (stream->worker_count < cores && stream->worker_count < MOST_WORKERS &&
           pthread_create(&stream->workers[stream->worker_count], NULL, run_worker, stream) == 0)
        stream->worker_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* In a forked child: the workers are gone, and what they were decoding is never there. The pass
 * begins anew with the next call. */
static void lose_workers(void *object, bool whole)
{
    (void)whole;
    image_stream *stream = object;
    pthread_cond_init(&stream->work, NULL);
    pthread_cond_init(&stream->done, NULL);
    stream->worker_count = 0;
    stream->busy = 0;
    stream->at = NO_POSITION;
    stream->orphaned = true;
}

/* The same of the decoder for samples that were not announced. */
static void lose_decoder(void *object, bool whole)
{
    image_stream *stream = object;
    if (!whole) /* in the middle of a picture: left alone */
        stream->late = (lam__image_decoder){.jpeg = NULL};
}

/* Whether this call continues where the last one ended, with the samples it announced. */
static bool goes_on(const image_stream *stream, const uint32_t *order, size_t at, size_t rows)
{
    if (at == 0 || at != stream->at)
        return false;
    for (size_t p = at; p < at + rows && p < stream->announced; p++)
        if (stream->slots[p % stream->slot_count].sample != (order ? order[p] : (uint32_t)p))
            return false;
    return true;
}

static lam_status prepare(const lam_dataset *dataset, const uint32_t *order, size_t count,
                          size_t at, size_t rows)
{
    image_stream *stream = dataset->state;
    lam_status status = LAM_OK;
    if (stream->orphaned)
        start_workers(stream);
    stream->orphaned = false;
    pthread_mutex_lock(&stream->mutex);
    if (!goes_on(stream, order, at, rows)) {
        begin_pass(stream);
        stream->announced = stream->taken = stream->at = at;
    }
    /* the slots of what was gathered before `at` are free */
    for (size_t p = stream->announced; p < count && p < at + stream->slot_count; p++)
        announce(stream, order ? order[p] : (uint32_t)p);
    pthread_cond_broadcast(&stream->work);
    /* rows beyond the slots are decoded when they are gathered */
    for (size_t p = at; p < at + rows && p < stream->announced && status == LAM_OK; p++)
        status = wait_for(stream, p);
    /* after a failure threads may still be at work on these rows: the next call begins anew */
    stream->at = status == LAM_OK ? at + rows : NO_POSITION;
    if (status == LAM_OK && stream->announced < stream->at)
        stream->announced = stream->taken = stream->at;
    pthread_mutex_unlock(&stream->mutex);
    return status;
}

/* The bytes of a sample; decoded to stream->late, whose mutex is then held, when they are not there
 * yet. NULL when that fails. */
static const uint8_t *find(image_stream *stream, uint32_t sample, uint8_t *own)
{
    const uint32_t s = atomic_load(&stream->slot_of[sample]);
    if (s != NO_SLOT &&
        atomic_load_explicit(&stream->slots[s].state, memory_order_acquire) == READY)
        return stream->bytes + s * stream->features;
    pthread_mutex_lock(&stream->late_mutex);
    const lam_status status = lam__image_set_decode(&stream->set, sample, &stream->late, own);
    if (status != LAM_OK && stream->trouble == LAM_OK) {
        stream->trouble = status;
        strcpy(stream->message, lam_error_message());
    }
    pthread_mutex_unlock(&stream->late_mutex);
    return status == LAM_OK ? own : NULL;
}

static void gather(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx)
{
    image_stream *stream = dataset->state;
    const size_t features = dataset->features;
    for (size_t r = 0; r < rows; r++) {
        const uint32_t sample = index ? index[r] : (uint32_t)(first + r);
        float *row = x + r * ldx; /* its last quarter holds a late sample's bytes until then */
        uint8_t *late = (uint8_t *)row + 3 * features;
        const uint8_t *bytes = find(stream, sample, late);
        if (bytes)
            lam__transform_u8(transform, features, bytes, row);
        else
            memset(row, 0, features * sizeof *row);
    }
}

static lam_status trouble(const lam_dataset *dataset)
{
    image_stream *stream = dataset->state;
    pthread_mutex_lock(&stream->late_mutex);
    lam_status status = stream->trouble;
    if (status != LAM_OK)
        status = lam__fail(status, "%s", stream->message);
    stream->trouble = LAM_OK;
    pthread_mutex_unlock(&stream->late_mutex);
    return status;
}

static void close_stream(image_stream *stream)
{
    pthread_mutex_lock(&stream->mutex);
    stream->quit = true;
    pthread_cond_broadcast(&stream->work);
    pthread_mutex_unlock(&stream->mutex);
    for (size_t w = 0; w < stream->worker_count; w++)
        pthread_join(stream->workers[w], NULL);
    lam__fork_unwatch(&stream->guard);
    lam__fork_unwatch(&stream->late_guard);
    pthread_mutex_destroy(&stream->mutex);
    pthread_mutex_destroy(&stream->late_mutex);
    pthread_cond_destroy(&stream->work);
    pthread_cond_destroy(&stream->done);
    lam__image_decoder_close(&stream->own);
    lam__image_decoder_close(&stream->late);
    lam__image_set_release(&stream->set);
    lam__release(stream->bytes);
    lam__release(stream->slots);
    lam__release(stream->slot_of);
    lam__release(stream);
}

static void release(lam_dataset *dataset)
{
    if (dataset->state)
        close_stream(dataset->state);
}

/* The part reads its files by itself: a list, decoders and threads of its own. */
static lam_dataset *part(const lam_dataset *dataset, const uint32_t *index, size_t count)
{
    const image_stream *stream = dataset->state;
    lam__image_set set = stream->set;
    set.files = (lam__image_files){.count = 0};
    set.skipped = NULL;
    set.skipped_count = 0;
    set.samples = count;
    set.file_of = lam__allocate(count, sizeof *set.file_of, "the order of images");
    if (!set.file_of)
        return NULL;
    for (size_t i = 0; i < count; i++)
        set.file_of[i] = stream->set.file_of[index[i]];
    if (lam__image_files_copy(&stream->set.files, &set.files) != LAM_OK) {
        lam__image_set_release(&set);
        return NULL;
    }
    return lam__image_stream_open(&set, stream->memory);
}

static const struct lam__source_ops stream_source = {
    .gather = gather,
    .release = release,
    .prepare = prepare,
    .trouble = trouble,
    .part = part,
};

static lam_status allocate(image_stream *stream, uint64_t memory)
{
    const size_t samples = stream->set.samples;
    const uint64_t fit = memory / stream->features;
    size_t slots = fit > MOST_SLOTS ? MOST_SLOTS : fit < LEAST_SLOTS ? LEAST_SLOTS : (size_t)fit;
    if (slots > samples)
        slots = samples;
    stream->slot_count = slots;
    stream->bytes = lam__allocate(slots, stream->features, "images decoded ahead");
    stream->slots = lam__allocate_zero(slots, sizeof *stream->slots, "images decoded ahead");
    stream->slot_of = lam__allocate(samples, sizeof *stream->slot_of, "images decoded ahead");
    if (!stream->bytes || !stream->slots || !stream->slot_of)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < samples; i++)
        atomic_init(&stream->slot_of[i], NO_SLOT);
    return LAM_OK;
}

lam_dataset *lam__image_stream_open(lam__image_set *set, uint64_t memory)
{
    image_stream *stream = lam__allocate_zero(1, sizeof *stream, "a stream of images");
    if (!stream) {
        lam__image_set_release(set);
        return NULL;
    }
    stream->set = *set;
    *set = (lam__image_set){.samples = 0};
    stream->memory = memory;
    stream->features = lam__image_set_features(&stream->set);
    pthread_mutex_init(&stream->mutex, NULL);
    pthread_mutex_init(&stream->late_mutex, NULL);
    pthread_cond_init(&stream->work, NULL);
    pthread_cond_init(&stream->done, NULL);
    lam__fork_watch(&stream->guard, &stream->mutex, lose_workers, stream);
    lam__fork_watch(&stream->late_guard, &stream->late_mutex, lose_decoder, stream);
    lam_dataset *dataset = NULL;
    if (allocate(stream, memory) == LAM_OK)
        dataset = lam__dataset_adopt(NULL, LAM_UINT8, stream->set.samples, stream->features);
    if (!dataset) {
        close_stream(stream);
        return NULL;
    }
    dataset->ops = &stream_source;
    dataset->state = stream;
    start_workers(stream);
    return dataset;
}

const lam__image_set *lam__image_stream_set(const lam_dataset *dataset)
{
    const image_stream *stream = dataset->state;
    return &stream->set;
}
