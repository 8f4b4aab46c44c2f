/* threads.c: the BLAS library's own threads, its buffers and its name. */
#include "blas/threads.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <cblas.h>

#include "base/error.h"
#include "base/memory.h"
#include "blas/gemm.h"

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

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static size_t holders;
static int former_threads;
static bool warm;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char name[128];
static bool unpacked;

static void identify(void)
{
    if (!openblas_get_config || !openblas_get_corename) {
        snprintf(name, sizeof name, "%s", LAM__BLAS_PACKAGE);
        return;
    }
    const char *core = openblas_get_corename();
    /* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": the first two words. */
    const char *config = openblas_get_config();
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

/* One product too large for the path without packing: the packing buffers come into being. */
static lam_status warm_up(void)
{
    enum { N = 128 };
    float *abc = lam__allocate_zero(3 * N * N, sizeof *abc, "warming up the BLAS");
    if (!abc)
        return LAM_ERR_MEMORY;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1.0f, abc, N, abc + N * N, N,
                0.0f, abc + 2 * N * N, N);
    lam__release(abc);
    return LAM_OK;
}

lam_status lam__blas_acquire(void)
{
    lam_status status = LAM_OK;
    pthread_mutex_lock(&mutex);
    const bool controlled = openblas_set_num_threads && openblas_get_num_threads;
    if (holders == 0 && controlled) {
        former_threads = openblas_get_num_threads();
        openblas_set_num_threads(1);
    }
    if (!warm)
        status = warm_up();
    warm = status == LAM_OK;
    if (status == LAM_OK)
        holders++;
    else if (holders == 0 && controlled)
        openblas_set_num_threads(former_threads);
    pthread_mutex_unlock(&mutex);
    return status;
}

void lam__blas_release(void)
{
    pthread_mutex_lock(&mutex);
    if (holders > 0 && --holders == 0 && openblas_set_num_threads && openblas_get_num_threads)
        openblas_set_num_threads(former_threads);
    pthread_mutex_unlock(&mutex);
}
