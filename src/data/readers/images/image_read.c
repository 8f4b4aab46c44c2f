/* image_read.c: all images of a set, decoded on all cores. */
#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "base/machine/pool.h"
#include "base/memory.h"
#include "data/readers/images/image_set.h"

/* Files per task: enough to make claiming it nothing, few enough to share the rest evenly. */
enum { FILES_A_TASK = 64 };

typedef struct reading {
    lam__image_set *set;
    uint8_t *x; /* [samples][features], or NULL */
    size_t features;
    lam__image_decoder *decoders; /* [threads] */
    lam__scratch *rows;           /* [threads], a sample each, where x is NULL */
    char **wrong;                 /* [samples] what is wrong with skipped ones; NULL without skip */
    pthread_mutex_t mutex;        /* of the rest */
    size_t failed;                /* the first sample that failed, `samples` when none did */
    lam_status status;
    char message[LAM__MESSAGE_SIZE];
} reading;

/* Notes that sample i failed, as the thread's message says; whether to go on. */
static bool note(reading *job, size_t i, lam_status status)
{
    if (lam__image_set_skips(job->set, status)) {
        job->wrong[i] = lam__copy_string(lam_error_message());
        if (job->wrong[i])
            return true;
        status = LAM_ERR_MEMORY;
    }
    pthread_mutex_lock(&job->mutex);
    if (i < job->failed) {
        job->failed = i;
        job->status = status;
        strcpy(job->message, lam_error_message());
    }
    pthread_mutex_unlock(&job->mutex);
    return false;
}

static void read_some(void *context, size_t task)
{
    reading *job = context;
    const size_t thread = lam__pool_thread(), begin = task * FILES_A_TASK;
    const size_t left = job->set->samples - begin;
    const size_t end = begin + (left < FILES_A_TASK ? left : FILES_A_TASK);
    pthread_mutex_lock(&job->mutex);
    const size_t failed = job->failed;
    pthread_mutex_unlock(&job->mutex);
    for (size_t i = begin; i < end && i < failed; i++) {
        uint8_t *to = job->x ? job->x + i * job->features : NULL;
        lam_status status = LAM_OK;
        if (!to) {
            status = lam__scratch_need(&job->rows[thread], job->features, "an image");
            to = job->rows[thread].bytes;
        }
        if (status == LAM_OK)
            status = lam__image_set_decode(job->set, i, &job->decoders[thread], to);
        if (status != LAM_OK && !note(job, i, status))
            return;
    }
}

/* Takes the samples with a message out, and keeps the messages. */
static lam_status take_out(reading *job)
{
    lam__image_set *set = job->set;
    size_t bad = 0, kept = 0;
    for (size_t i = 0; i < set->samples; i++)
        bad += job->wrong[i] != NULL;
    if (bad == 0)
        return LAM_OK;
    set->skipped = lam__allocate(bad, sizeof *set->skipped, "the files that were skipped");
    if (!set->skipped)
        return LAM_ERR_MEMORY;
    for (size_t i = 0; i < set->samples; i++) {
        if (job->wrong[i]) {
            set->skipped[set->skipped_count++] = job->wrong[i];
            job->wrong[i] = NULL;
            continue;
        }
        set->file_of[kept] = set->file_of[i];
        if (job->x && kept < i)
            memcpy(job->x + kept * job->features, job->x + i * job->features, job->features);
        kept++;
    }
    set->samples = kept;
    return kept > 0 ? LAM_OK
                    : lam__fail(LAM_ERR_FORMAT, "none of %zu images can be read; the first: %s",
                                bad, set->skipped[0]);
}

static lam_status run(reading *job, lam__pool *pool)
{
    const size_t samples = job->set->samples, threads = lam__pool_threads(pool);
    job->decoders = lam__allocate_zero(threads, sizeof *job->decoders, "decoders of images");
    job->rows = lam__allocate_zero(threads, sizeof *job->rows, "decoders of images");
    if (job->set->skip)
        job->wrong = lam__allocate_zero(samples, sizeof *job->wrong, "the files that are skipped");
    if (!job->decoders || !job->rows || (job->set->skip && !job->wrong))
        return LAM_ERR_MEMORY;
    lam__pool_run(pool, (samples + FILES_A_TASK - 1) / FILES_A_TASK, read_some, job);
    if (job->failed < samples)
        return lam__fail(job->status, "%s", job->message);
    return job->wrong ? take_out(job) : LAM_OK;
}

lam_status lam__image_set_read(lam__image_set *set, uint8_t *x)
{
    lam__pool *pool;
    const size_t samples = set->samples;
    const size_t tasks = (samples + FILES_A_TASK - 1) / FILES_A_TASK, cores = lam__cores();
    LAM__TRY(lam__pool_new(cores < tasks ? cores : tasks, &pool));
    reading job = {
        .set = set,
        .x = x,
        .features = lam__image_set_features(set),
        .failed = samples,
    };
    pthread_mutex_init(&job.mutex, NULL);
    const lam_status status = run(&job, pool);
    for (size_t t = 0; t < lam__pool_threads(pool); t++) {
        if (job.decoders)
            lam__image_decoder_close(&job.decoders[t]);
        if (job.rows)
            lam__release(job.rows[t].bytes);
    }
    for (size_t i = 0; job.wrong && i < samples; i++)
        lam__release(job.wrong[i]);
    lam__release(job.decoders);
    lam__release(job.rows);
    lam__release(job.wrong);
    pthread_mutex_destroy(&job.mutex);
    lam__pool_free(pool);
    return status;
}
