/* file_rows.c: a dataset whose samples stay in their file and are read when they are gathered. */
#include "data/readers/arrays/file_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/fork.h"
#include "base/memory.h"
#include "data/dataset_parts.h"
#include "data/source.h"
#include "io/file_read.h"

/* Values of a sample that are read and converted at a time, on the stack. */
enum { VALUES = 4096 };

/* Steps without a read from the disk after which the cache is taken to be warm. */
enum { WARM = 16 };

typedef struct file_set {
    lam__file_rows rows; /* path owned */
    int fd;
    uint32_t *index; /* of a part: [samples of the part] their numbers in the file; else NULL */
    atomic_long disk_reads; /* of this process at the last step */
    atomic_int warm;        /* steps since one that read from the disk */
    lam__fork_guard guard;
    pthread_mutex_t mutex;
    lam_status trouble; /* under the mutex */
    char message[LAM__MESSAGE_SIZE];
} file_set;

/* Remembers the thread's latest failure, if it is the first. */
static void note(file_set *set)
{
    pthread_mutex_lock(&set->mutex);
    if (set->trouble == LAM_OK) {
        set->trouble = lam_error_status();
        strcpy(set->message, lam_error_message());
    }
    pthread_mutex_unlock(&set->mutex);
}

/* The file ends before the samples do: where, and how many are there. */
static void fail_short(const file_set *set)
{
    struct stat status;
    const lam__file_rows *rows = &set->rows;
    const uint64_t row_bytes = (uint64_t)rows->features * rows->type.size;
    if (fstat(set->fd, &status) != 0) {
        lam__fail_errno("cannot look at", rows->path, errno);
        return;
    }
    const uint64_t size = (uint64_t)status.st_size;
    lam__fail(LAM_ERR_IO,
              "%s: the file has become shorter since it was opened: it ends at byte %" PRIu64
              ", with %" PRIu64 " of %zu samples",
              rows->path, size, size < rows->offset ? 0 : (size - rows->offset) / row_bytes,
              rows->samples);
}

static bool read_at(const file_set *set, void *to, size_t bytes, uint64_t at)
{
    size_t got;
    if (lam__file_read_at(set->fd, set->rows.path, to, bytes, at, &got) != LAM_OK)
        return false;
    if (got < bytes)
        fail_short(set);
    return got == bytes;
}

size_t lam__find_not_finite(const float *x, size_t count)
{
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        any |= (uint32_t)((bits & 0x7f800000u) == 0x7f800000u);
    }
    if (!any)
        return count;
    size_t i = 0;
    for (uint32_t bits = 0; i < count; i++) {
        memcpy(&bits, &x[i], sizeof bits);
        if ((bits & 0x7f800000u) == 0x7f800000u)
            break;
    }
    return i;
}

/* Whether values lie in the file as they do in memory. */
static bool is_native(lam__npy_type type)
{
    const uint16_t one = 1;
    return type.kind == LAM__NPY_FLOAT && type.size == sizeof(float) &&
           type.big == (*(const unsigned char *)&one == 0);
}

/* Values first .. first + count - 1 of sample `row` as they are in memory sets: bytes or floats. */
static bool read_values(const file_set *set, size_t row, size_t first, size_t count, float *values)
{
    const lam__npy_type type = set->rows.type;
    const uint64_t at = set->rows.offset + ((uint64_t)row * set->rows.features + first) * type.size;
    unsigned char raw[VALUES * sizeof(double)], *bytes = (unsigned char *)values;
    if (type.size == 1 && type.kind != LAM__NPY_SIGNED) {
        if (!read_at(set, bytes, count, at))
            return false;
        for (size_t i = 0; type.kind == LAM__NPY_BOOL && i < count; i++)
            bytes[i] = bytes[i] != 0;
        for (size_t i = 0; set->rows.invert && i < count; i++)
            bytes[i] = (unsigned char)(255 - bytes[i]);
        return true;
    }
    unsigned char *from = type.size == sizeof(float) ? bytes : raw;
    if (!read_at(set, from, count * type.size, at))
        return false;
    if (!is_native(type)) /* the common case pays for nothing */
        lam__npy_convert(type, from, count, values);
    const size_t bad = lam__find_not_finite(values, count);
    if (bad == count)
        return true;
    lam__fail(LAM_ERR_NUMERIC,
              "%s: byte %" PRIu64 ": value %zu of sample %zu is not a finite number",
              set->rows.path, at + bad * type.size, first + bad, row);
    return false;
}

/* The transform of features `first` on. */
static lam__transform transform_from(const lam__transform *transform, size_t first)
{
    lam__transform part = *transform;
    if (part.kind == LAM_TRANSFORM_STANDARDIZE) {
        part.scales += first;
        part.offsets += first;
    }
    return part;
}

static bool gather_row(const lam_dataset *dataset, size_t row, const lam__transform *transform,
                       float *x)
{
    const file_set *set = dataset->state;
    float values[VALUES];
    for (size_t first = 0; first < dataset->features; first += VALUES) {
        const size_t left = dataset->features - first, count = left < VALUES ? left : VALUES;
        const lam__transform part = transform_from(transform, first);
        if (!read_values(set, row, first, count, values))
            return false;
        if (dataset->dtype == LAM_UINT8)
            lam__transform_u8(&part, count, (const uint8_t *)values, x + first);
        else
            lam__transform_f32(&part, count, values, x + first);
    }
    return true;
}

static void gather(const lam_dataset *dataset, const uint32_t *index, size_t first, size_t rows,
                   const lam__transform *transform, float *x, size_t ldx)
{
    file_set *set = dataset->state;
    for (size_t r = 0; r < rows; r++) {
        const size_t sample = index ? index[r] : first + r;
        if (!gather_row(dataset, set->index ? set->index[sample] : sample, transform,
                        x + r * ldx)) {
            note(set);
            memset(x + r * ldx, 0, dataset->features * sizeof *x);
        }
    }
}

/* Tells the system what will be read soon, where it can be told. */
static void ask_for(int fd, uint64_t at, size_t bytes)
{
#if defined(POSIX_FADV_WILLNEED)
    (void)posix_fadvise(fd, (off_t)at, (off_t)bytes, POSIX_FADV_WILLNEED);
#elif defined(F_RDADVISE) /* macOS */
    const int most = bytes < INT_MAX ? (int)bytes : INT_MAX;
    (void)fcntl(fd, F_RDADVISE, &(struct radvisory){.ra_offset = (off_t)at, .ra_count = most});
#else
    (void)fd, (void)at, (void)bytes;
#endif
}

/* While the disk is being read, the samples of the next step are asked for before their turn. With
 * a warm cache that would only cost. */
static lam_status prepare(const lam_dataset *dataset, const uint32_t *order, size_t count,
                          size_t at, size_t rows)
{
    file_set *set = dataset->state;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return LAM_OK;
    /* several threads may read one set: what they count together is good enough */
    const bool cold = atomic_exchange(&set->disk_reads, usage.ru_inblock) != usage.ru_inblock;
    const int before = atomic_load(&set->warm), warm = cold ? 0 : before + (before < WARM);
    atomic_store(&set->warm, warm);
    const size_t bytes = dataset->features * set->rows.type.size;
    for (size_t i = at + rows; warm < WARM && i < count && i < at + 2 * rows; i++) {
        const size_t sample = order ? order[i] : i;
        const uint64_t row = set->index ? set->index[sample] : sample;
        ask_for(set->fd, set->rows.offset + row * bytes, bytes);
    }
    return LAM_OK;
}

static lam_status trouble(const lam_dataset *dataset)
{
    file_set *set = dataset->state;
    pthread_mutex_lock(&set->mutex);
    const lam_status status = set->trouble;
    if (status != LAM_OK)
        lam__fail(status, "%s", set->message);
    set->trouble = LAM_OK;
    pthread_mutex_unlock(&set->mutex);
    return status;
}

static void close_set(file_set *set)
{
    if (set->fd >= 0)
        close(set->fd);
    lam__fork_unwatch(&set->guard);
    pthread_mutex_destroy(&set->mutex);
    lam__release((void *)(uintptr_t)set->rows.path);
    lam__release(set->index);
    lam__release(set);
}

static void release(lam_dataset *dataset)
{
    if (dataset->state)
        close_set(dataset->state);
}

static lam_dataset *part(const lam_dataset *dataset, const uint32_t *index, size_t count);

static const struct lam__source_ops file_source = {
    .gather = gather,
    .release = release,
    .prepare = prepare,
    .trouble = trouble,
    .part = part,
};

/* A set on the open file, which it takes over, and a dataset on it. */
static lam_dataset *make(const lam__file_rows *rows, int fd, uint32_t *index, size_t samples)
{
    const bool bytes = rows->type.size == 1 && rows->type.kind != LAM__NPY_SIGNED;
    file_set *set = lam__allocate_zero(1, sizeof *set, "a file of samples");
    if (!set) {
        close(fd);
        lam__release(index);
        return NULL;
    }
    pthread_mutex_init(&set->mutex, NULL);
    lam__fork_watch(&set->guard, &set->mutex, NULL, NULL);
    set->fd = fd;
    set->index = index;
    set->rows = *rows;
    set->rows.path = lam__copy_string(rows->path);
    lam_dataset *dataset =
        set->rows.path
            ? lam__dataset_adopt(NULL, bytes ? LAM_UINT8 : LAM_FLOAT32, samples, rows->features)
            : NULL;
    if (!dataset) {
        close_set(set);
        return NULL;
    }
    dataset->ops = &file_source;
    dataset->state = set;
    return dataset;
}

static lam_dataset *part(const lam_dataset *dataset, const uint32_t *index, size_t count)
{
    const file_set *set = dataset->state;
    uint32_t *own = lam__allocate(count, sizeof *own, "the samples of a part");
    const int fd = own ? fcntl(set->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0) {
        if (own)
            lam__fail_errno("cannot open again", set->rows.path, errno);
        lam__release(own);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        own[i] = set->index ? set->index[index[i]] : index[i];
    return make(&set->rows, fd, own, count);
}

lam_status lam__file_rows_open(const lam__file_rows *rows, lam_dataset **dataset)
{
    int fd;
    uint64_t size;
    size_t values, bytes;
    if (rows->samples > UINT32_MAX || !lam__multiply(rows->samples, rows->features, &values) ||
        !lam__multiply(values, rows->type.size, &bytes))
        return lam__fail(LAM_ERR_FORMAT, "%s: %zu samples of %zu values are more than can be used",
                         rows->path, rows->samples, rows->features);
    LAM__TRY(lam__file_open(rows->path, &fd, &size));
    if (size < rows->offset || size - rows->offset < bytes) {
        close(fd);
        return lam__fail(LAM_ERR_FORMAT,
                         "%s: truncated: %zu samples of %zu values need %zu bytes from byte "
                         "%" PRIu64 " on, the file has %" PRIu64,
                         rows->path, rows->samples, rows->features, bytes, rows->offset, size);
    }
    *dataset = make(rows, fd, NULL, rows->samples);
    return *dataset ? LAM_OK : lam_error_status();
}
