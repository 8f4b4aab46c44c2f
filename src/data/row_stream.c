/* row_stream.c: a dataset whose samples come from a reader, fetched ahead by a thread. */
#include "data/row_stream.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/fetcher.h"
#include "data/source.h"

/* Shared by a set and its parts. */
typedef struct shared_reader {
    lam__reader reader;
    atomic_size_t users;
    pthread_mutex_t mutex; /* around each read */
    lam__fork_guard guard;
    bool torn; /* this process was forked while another thread read */
    size_t features, row_bytes, samples, window;
} shared_reader;

/* More windows than two are held for batches that lie in more, up to this many bytes in all. */
#define MOST_BYTES ((size_t)256000000)

/* Some rows in memory: a window, or those of a step in its order. */
typedef struct slot {
    unsigned char *bytes; /* [rows][features] */
    size_t rows;
    size_t window;    /* with windows: its number, NO_WINDOW = none */
    uint32_t *wanted; /* without: [capacity] the samples, numbers in the whole */
} slot;

#define NO_WINDOW SIZE_MAX

/* What a dataset works on. */
typedef struct row_stream {
    shared_reader *shared;
    uint32_t *index; /* of a part: [samples] numbers in the whole; else NULL */
    slot *slots;     /* [slot_count], at least 2 */
    size_t slot_count;
    size_t capacity; /* without windows: rows of a slot */
    int current;     /* without windows: the slot of this step */
    uint32_t *place; /* without windows: [samples of the whole] row in the current slot */
    lam__fetcher *fetcher;
    int fetching;        /* slot the fetcher fills, -1 = none */
    atomic_bool missing; /* a sample was gathered that had not been prepared */
} row_stream;

static size_t in_whole(const row_stream *stream, const uint32_t *order, size_t at)
{
    const size_t sample = order ? order[at] : at;
    return stream->index ? stream->index[sample] : sample;
}

/* In a forked child. */
static void note_fork(void *object, bool whole)
{
    shared_reader *shared = object;
    shared->torn = shared->torn || !whole;
}

/* Reads the rows of a slot; on the fetching thread or the caller's, never both. */
static lam_status fill(void *context, int which)
{
    const row_stream *stream = context;
    shared_reader *shared = stream->shared;
    const slot *s = &stream->slots[which];
    lam_status status = LAM_OK;
    pthread_mutex_lock(&shared->mutex);
    if (shared->torn)
        status = lam__fail(LAM_ERR_STATE, "samples were being read when this process was forked: "
                                          "load the data again in the child");
    else if (shared->window > 0)
        status = shared->reader.read(shared->reader.context, s->window * shared->window, s->rows,
                                     s->bytes);
    /* samples that follow one another in one call */
    for (size_t r = 0, run; shared->window == 0 && r < s->rows && status == LAM_OK; r += run) {
        const uint32_t *wanted = s->wanted + r;
        for (run = 1; r + run < s->rows && wanted[run] == wanted[0] + run;)
            run++;
        status = shared->reader.read(shared->reader.context, wanted[0], run,
                                     s->bytes + r * shared->row_bytes);
    }
    pthread_mutex_unlock(&shared->mutex);
    return status;
}

/* A slot that could not be filled holds nothing. */
static void empty(slot *s)
{
    s->rows = 0;
    s->window = NO_WINDOW;
}

static lam_status fill_now(row_stream *stream, int which)
{
    const lam_status status = fill(stream, which);
    if (status != LAM_OK)
        empty(&stream->slots[which]);
    return status;
}

/* Waits for the fetching thread. */
static void settle(row_stream *stream)
{
    const int which = stream->fetching;
    if (which < 0)
        return;
    stream->fetching = -1;
    if (lam__fetcher_wait(stream->fetcher) != LAM_OK)
        empty(&stream->slots[which]);
}

static void fetch_ahead(row_stream *stream, int which)
{
    if (lam__fetcher_start(stream->fetcher, which))
        stream->fetching = which;
    else
        empty(&stream->slots[which]);
}

static int slot_of_window(const row_stream *stream, size_t window)
{
    for (size_t s = 0; s < stream->slot_count; s++)
        if (stream->slots[s].window == window)
            return (int)s;
    return -1;
}

/* One more slot for a window. */
static lam_status add_slot(row_stream *stream)
{
    const size_t count = stream->slot_count;
    slot *slots = lam__allocate_zero(count + 1, sizeof *slots, "windows");
    if (!slots)
        return LAM_ERR_MEMORY;
    if (count > 0)
        memcpy(slots, stream->slots, count * sizeof *slots);
    slots[count].window = NO_WINDOW;
    slots[count].bytes =
        lam__allocate(stream->shared->window, stream->shared->row_bytes, "a window of samples");
    if (!slots[count].bytes) {
        lam__release(slots);
        return LAM_ERR_MEMORY;
    }
    lam__release(stream->slots);
    stream->slots = slots;
    stream->slot_count = count + 1;
    return LAM_OK;
}

/* A slot whose window is not among low .. high, for another; -1 when all are. */
static int spare_slot(const row_stream *stream, size_t low, size_t high)
{
    for (size_t s = 0; s < stream->slot_count; s++)
        if (stream->slots[s].window < low || stream->slots[s].window > high)
            return (int)s;
    return -1;
}

static void assign_window(row_stream *stream, int which, size_t window)
{
    const shared_reader *shared = stream->shared;
    const size_t left = shared->samples - window * shared->window;
    stream->slots[which].window = window;
    stream->slots[which].rows = left < shared->window ? left : shared->window;
}

/* Brings a window to a slot that holds none of low .. high. */
static lam_status need_window(row_stream *stream, size_t window, size_t low, size_t high,
                              size_t rows)
{
    if (slot_of_window(stream, window) >= 0)
        return LAM_OK;
    int which = spare_slot(stream, low, high);
    if (which < 0) {
        const shared_reader *shared = stream->shared;
        if (stream->slot_count >= MOST_BYTES / shared->row_bytes / shared->window)
            return lam__fail(LAM_ERR_ARGUMENT,
                             "a batch of %zu samples lies in more than %zu windows of %zu: this "
                             "data can only be read sequentially, not in any order",
                             rows, stream->slot_count, shared->window);
        LAM__TRY(add_slot(stream));
        which = (int)stream->slot_count - 1;
    }
    assign_window(stream, which, window);
    return fill_now(stream, which);
}

static lam_status prepare_windows(row_stream *stream, const uint32_t *order, size_t count,
                                  size_t at, size_t rows)
{
    const size_t window = stream->shared->window;
    size_t low = SIZE_MAX, high = 0;
    for (size_t i = at; i < at + rows; i++) {
        const size_t number = in_whole(stream, order, i) / window;
        low = number < low ? number : low;
        high = number > high ? number : high;
    }
    settle(stream); /* what could not be fetched ahead is tried again when it is needed */
    for (size_t i = at, latest = NO_WINDOW; i < at + rows; i++) {
        const size_t number = in_whole(stream, order, i) / window;
        if (number != latest)
            LAM__TRY(need_window(stream, number, low, high, rows));
        latest = number;
    }
    const size_t last = in_whole(stream, order, count - 1) / window;
    const int spare =
        high < last && slot_of_window(stream, high + 1) < 0 ? spare_slot(stream, low, high) : -1;
    if (spare >= 0) {
        assign_window(stream, spare, high + 1);
        fetch_ahead(stream, spare);
    }
    return LAM_OK;
}

/* Room for steps of `rows`; grows only when a step is larger than all before. */
static lam_status make_room(row_stream *stream, size_t rows)
{
    if (rows <= stream->capacity)
        return LAM_OK;
    stream->capacity = 0;
    for (size_t i = 0; i < stream->slot_count; i++) {
        slot *s = &stream->slots[i];
        empty(s);
        lam__release(s->bytes);
        lam__release(s->wanted);
        s->bytes = lam__allocate(rows, stream->shared->row_bytes, "samples read ahead");
        s->wanted = lam__allocate(rows, sizeof *s->wanted, "samples read ahead");
        if (!s->bytes || !s->wanted)
            return LAM_ERR_MEMORY;
    }
    stream->capacity = rows;
    return LAM_OK;
}

static void want(row_stream *stream, int which, const uint32_t *order, size_t at, size_t rows)
{
    slot *s = &stream->slots[which];
    for (size_t r = 0; r < rows; r++)
        s->wanted[r] = (uint32_t)in_whole(stream, order, at + r);
    s->rows = rows;
}

/* Whether a slot holds what this step needs, in its order. */
static bool holds(const row_stream *stream, int which, const uint32_t *order, size_t at,
                  size_t rows)
{
    const slot *s = &stream->slots[which];
    if (s->rows < rows)
        return false;
    for (size_t r = 0; r < rows; r++)
        if (s->wanted[r] != in_whole(stream, order, at + r))
            return false;
    return true;
}

static lam_status prepare_any(row_stream *stream, const uint32_t *order, size_t count, size_t at,
                              size_t rows)
{
    const int coming = stream->fetching;
    settle(stream); /* what could not be fetched ahead is tried again when it is needed */
    LAM__TRY(make_room(stream, rows));
    if (coming >= 0 && holds(stream, coming, order, at, rows)) {
        stream->current = coming;
    } else if (!holds(stream, stream->current, order, at, rows)) {
        want(stream, stream->current, order, at, rows);
        LAM__TRY(fill_now(stream, stream->current));
    }
    for (size_t r = 0; r < rows; r++)
        stream->place[stream->slots[stream->current].wanted[r]] = (uint32_t)r;
    const size_t next = at + rows, left = next < count ? count - next : 0;
    if (left > 0) {
        const int s = 1 - stream->current;
        want(stream, s, order, next, left < rows ? left : rows);
        fetch_ahead(stream, s);
    }
    return LAM_OK;
}

static lam_status prepare(const lam_dataset *dataset, const uint32_t *order, size_t count,
                          size_t at, size_t rows)
{
    row_stream *stream = dataset->state;
    return stream->shared->window > 0 ? prepare_windows(stream, order, count, at, rows)
                                      : prepare_any(stream, order, count, at, rows);
}

/* The bytes of a sample that was prepared; NULL for one that was not. */
static const unsigned char *find(const row_stream *stream, size_t sample)
{
    const shared_reader *shared = stream->shared;
    if (shared->window > 0) {
        const int which = slot_of_window(stream, sample / shared->window);
        return which < 0 ? NULL
                         : stream->slots[which].bytes + sample % shared->window * shared->row_bytes;
    }
    const slot *s = &stream->slots[stream->current];
    const size_t row = stream->place[sample];
    return row < s->rows && s->wanted[row] == sample ? s->bytes + row * shared->row_bytes : NULL;
}

static void gather(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx)
{
    row_stream *stream = dataset->state;
    for (size_t r = 0; r < rows; r++) {
        const size_t sample = in_whole(stream, index, index ? r : first + r);
        const unsigned char *from = find(stream, sample);
        if (!from) {
            atomic_store(&stream->missing, true);
            memset(x + r * ldx, 0, dataset->features * sizeof *x);
        } else if (dataset->dtype == LAM_UINT8) {
            lam__transform_u8(transform, dataset->features, from, x + r * ldx);
        } else {
            lam__transform_f32(transform, dataset->features, (const float *)(const void *)from,
                               x + r * ldx);
        }
    }
}

static lam_status trouble(const lam_dataset *dataset)
{
    row_stream *stream = dataset->state;
    return atomic_exchange(&stream->missing, false)
               ? lam__fail(LAM_ERR_STATE, "samples were used that had not been read")
               : LAM_OK;
}

static void let_go(shared_reader *shared)
{
    if (atomic_fetch_sub(&shared->users, 1) > 1)
        return;
    if (shared->reader.close)
        shared->reader.close(shared->reader.context);
    lam__fork_unwatch(&shared->guard);
    pthread_mutex_destroy(&shared->mutex);
    lam__release(shared);
}

static void close_stream(row_stream *stream)
{
    settle(stream);
    lam__fetcher_free(stream->fetcher);
    for (size_t s = 0; s < stream->slot_count; s++) {
        lam__release(stream->slots[s].bytes);
        lam__release(stream->slots[s].wanted);
    }
    lam__release(stream->slots);
    lam__release(stream->place);
    lam__release(stream->index);
    let_go(stream->shared);
    lam__release(stream);
}

static void release(lam_dataset *dataset)
{
    if (dataset->state)
        close_stream(dataset->state);
}

static lam_dataset *part(const lam_dataset *dataset, const uint32_t *index, size_t count);

static const struct lam__source_ops stream_source = {
    .gather = gather,
    .release = release,
    .prepare = prepare,
    .trouble = trouble,
    .part = part,
};

static lam_status allocate(row_stream *stream)
{
    const shared_reader *shared = stream->shared;
    if (!(stream->fetcher = lam__fetcher_new(fill, stream)))
        return LAM_ERR_MEMORY;
    if (shared->window == 0) {
        stream->place = lam__allocate_zero(shared->samples, sizeof *stream->place, "places");
        stream->slots = lam__allocate_zero(2, sizeof *stream->slots, "samples read ahead");
        stream->slot_count = stream->slots ? 2 : 0;
        return stream->place && stream->slots ? LAM_OK : LAM_ERR_MEMORY;
    }
    LAM__TRY(add_slot(stream));
    return add_slot(stream);
}

/* A dataset of all samples, or of index[samples], which it takes over like its share of the
 * reader. */
static lam_dataset *make(shared_reader *shared, lam_dtype dtype, uint32_t *index, size_t samples)
{
    row_stream *stream = lam__allocate_zero(1, sizeof *stream, "a stream of samples");
    if (!stream) {
        lam__release(index);
        let_go(shared);
        return NULL;
    }
    stream->shared = shared;
    stream->index = index;
    stream->fetching = -1;
    lam_dataset *dataset = allocate(stream) == LAM_OK
                               ? lam__dataset_adopt(NULL, dtype, samples, shared->features)
                               : NULL;
    if (!dataset) {
        close_stream(stream);
        return NULL;
    }
    dataset->ops = &stream_source;
    dataset->state = stream;
    dataset->window = shared->window;
    dataset->base_index = index;
    return dataset;
}

static lam_dataset *part(const lam_dataset *dataset, const uint32_t *index, size_t count)
{
    row_stream *stream = dataset->state;
    uint32_t *own = lam__allocate(count, sizeof *own, "the samples of a part");
    if (!own)
        return NULL;
    for (size_t i = 0; i < count; i++)
        own[i] = (uint32_t)in_whole(stream, index, i);
    atomic_fetch_add(&stream->shared->users, 1);
    return make(stream->shared, dataset->dtype, own, count);
}

lam_status lam__row_stream_open(const lam__reader *reader, lam_dtype dtype, size_t samples,
                                size_t features, size_t window, lam_dataset **dataset)
{
    assert(samples > 0 && features > 0);
    shared_reader *shared = lam__allocate_zero(1, sizeof *shared, "a reader of samples");
    if (!shared) {
        if (reader->close)
            reader->close(reader->context);
        return LAM_ERR_MEMORY;
    }
    shared->reader = *reader;
    atomic_init(&shared->users, 1);
    pthread_mutex_init(&shared->mutex, NULL);
    lam__fork_watch(&shared->guard, &shared->mutex, note_fork, shared);
    shared->features = features;
    shared->row_bytes = features * lam__dtype_size(dtype);
    shared->samples = samples;
    shared->window = window < samples ? window : samples;
    *dataset = make(shared, dtype, NULL, samples);
    return *dataset ? LAM_OK : lam_error_status();
}
