/* blas_threads.c: the BLAS library's own threads, its buffers and its name. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* RTLD_DEFAULT */
#endif
#include "kernels/blas/blas_threads.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cblas.h>

#include "base/error.h"
#include "base/machine/pool.h"
#include "base/memory.h"
#include "kernels/blas/gemm.h"
#include "kernels/blas/holders.h"

/* Weak, so that a BLAS without them links as well; then they are NULL. */
#ifdef __APPLE__
#define WEAK __attribute__((weak_import))
#else
#define WEAK __attribute__((weak))
#endif
extern void openblas_set_num_threads(int threads) WEAK;
extern int openblas_get_num_threads(void) WEAK;
extern char *openblas_get_corename(void) WEAK;
extern char *openblas_get_config(void) WEAK;
#ifdef LAM__HAVE_BLAS_BUFFERS /* OpenBLAS, in no header */
extern void *blas_memory_alloc(int unused) WEAK;
extern void blas_memory_free(void *buffer) WEAK;
#else
#define blas_memory_alloc NULL
#define blas_memory_free NULL
#endif

/* What OpenBLAS offers beyond the interface of a BLAS, NULL where it is not. */
static struct {
    void (*set_threads)(int threads);
    int (*get_threads)(void);
    char *(*core)(void), *(*config)(void);
    void *(*take_buffer)(int unused);
    void (*give_buffer)(void *buffer);
} openblas = {
    openblas_set_num_threads, openblas_get_num_threads, openblas_get_corename,
    openblas_get_config,      blas_memory_alloc,        blas_memory_free,
};

static lam__holders *holders; /* of all copies of the library */
static size_t buffers_made;
static bool warm;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char name[128];
static bool unpacked;

/* Puts the function of that name into *function, a pointer to it, unless there is one. */
static void find(const char *symbol, void *function)
{
    void *found = NULL;
    memcpy(&found, function, sizeof found);
    if (!found)
        found = dlsym(RTLD_DEFAULT, symbol);
    memcpy(function, &found, sizeof found);
}

/* Debian's libblas.so.3 of OpenBLAS is the interface alone and brings the rest along in a second
 * library. The linker does not look into that one: there functions are found by name. */
static void find_functions(void)
{
    find("openblas_set_num_threads", &openblas.set_threads);
    find("openblas_get_num_threads", &openblas.get_threads);
    find("openblas_get_corename", &openblas.core);
    find("openblas_get_config", &openblas.config);
    find("blas_memory_alloc", &openblas.take_buffer);
    find("blas_memory_free", &openblas.give_buffer);
}

static void identify(void)
{
    void *set_threads;
    find_functions();
    memcpy(&set_threads, &openblas.set_threads, sizeof set_threads);
    holders = lam__holders_of(set_threads);
    if (!openblas.config || !openblas.core) {
        snprintf(name, sizeof name, "%s", LAM__BLAS_PACKAGE);
        return;
    }
    const char *core = openblas.core();
    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the first two words. */
    const char *config = openblas.config();
    size_t length = strcspn(config, " ");
    if (config[length] == ' ')
        length += 1 + strcspn(config + length + 1, " ");
    snprintf(name, sizeof name, "%.*s, %s", (int)length, config, core);
    /* The cores with OpenBLAS's AVX-512 kernels for small matrices; AMD's Zen 4 counts as one of
     * them (kernel/x86_64/sgemm_small_kernel_permit_skylakex.c). */
    unpacked = strcmp(core, "SkylakeX") == 0 || strcmp(core, "Cooperlake") == 0 ||
               strcmp(core, "SapphireRapids") == 0;
}

const char *lam__blas_name(void)
{
    pthread_once(&once, identify);
    return name;
}

bool lam__blas_multiplies_unpacked(void)
{
    pthread_once(&once, identify);
    return unpacked;
}

/* What OpenBLAS maps for each thread inside it (BUFFER_SIZE of x86_64 and arm64), and at least the
 * number of them it manages before it complains. */
#define BUFFER_BYTES ((size_t)128 << 20)
#define MOST_BUFFERS 64

/* OpenBLAS repeats an allocation that fails until it succeeds, with no end: so see first that
 * there is room for `count` buffers. */
static bool has_room(size_t count)
{
    const size_t bytes = count * BUFFER_BYTES;
    void *room = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return false;
    munmap(room, bytes);
    return true;
}

/* Buffers belong to no thread: a call takes the first that is free, maps it if it is new, and
 * frees it. Taking several at once makes as many for later. */
static lam_status make_buffers(size_t count)
{
    void *buffers[MOST_BUFFERS];
    if (count > MOST_BUFFERS)
        count = MOST_BUFFERS;
    if (!openblas.take_buffer || !openblas.give_buffer || count <= buffers_made)
        return LAM_OK;
    if (!has_room(count - buffers_made))
        return lam__fail_memory((count - buffers_made) * BUFFER_BYTES, "the BLAS");
    for (size_t i = 0; i < count; i++)
        buffers[i] = openblas.take_buffer(0);
    for (size_t i = count; i > 0; i--)
        openblas.give_buffer(buffers[i - 1]);
    buffers_made = count;
    return LAM_OK;
}

/* One product too large for the path without packing: whatever else a BLAS sets up on first use
 * is set up now. */
static lam_status warm_up(void)
{
    enum { N = 128 };
    float *abc = lam__allocate_zero((size_t)3 * N * N, sizeof *abc, "prefetcher up the BLAS");
    if (!abc)
        return LAM_ERR_MEMORY;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1.0f, abc, N, abc + N * N, N,
                0.0f, abc + 2 * N * N, N);
    lam__release(abc);
    warm = true;
    return LAM_OK;
}

/* Under the mutex. One buffer per holder and one per worker of the holders' pools, also beyond the
 * number of cores: a thread that the system puts aside in the middle of a product keeps its buffer.
 * Until it is used, a buffer takes address space and no memory. */
static lam_status prepare(void)
{
    LAM__TRY(make_buffers(holders->count + 1 + lam__pool_workers()));
    return warm ? LAM_OK : warm_up();
}

static bool is_controlled(void)
{
    return openblas.set_threads && openblas.get_threads;
}

lam_status lam__blas_acquire(void)
{
    pthread_once(&once, identify);
    pthread_mutex_lock(&holders->mutex);
    if (holders->count == 0 && is_controlled()) {
        holders->former_threads = openblas.get_threads();
        openblas.set_threads(1);
    }
    const lam_status status = prepare();
    if (status == LAM_OK)
        holders->count++;
    else if (holders->count == 0 && is_controlled())
        openblas.set_threads(holders->former_threads);
    pthread_mutex_unlock(&holders->mutex);
    return status;
}

lam_status lam__blas_reserve(size_t threads)
{
    pthread_mutex_lock(&holders->mutex);
    const size_t others = holders->count > 0 ? holders->count - 1 : 0; /* they may run meanwhile */
    const size_t workers = lam__pool_workers(); /* this holder's too, if they have started */
    const size_t needed = workers + 1 > threads ? workers + 1 : threads;
    const lam_status status = make_buffers(others + needed);
    pthread_mutex_unlock(&holders->mutex);
    return status;
}

void lam__blas_release(void)
{
    pthread_mutex_lock(&holders->mutex);
    if (holders->count > 0 && --holders->count == 0 && is_controlled())
        openblas.set_threads(holders->former_threads);
    pthread_mutex_unlock(&holders->mutex);
}
