/* elsewhere.h: included before a file of src/, makes of this system one without what only Linux
 * has, and with what macOS has instead. */
#ifndef LAMINA_TEST_ELSEWHERE_H
#define LAMINA_TEST_ELSEWHERE_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#undef MADV_HUGEPAGE
#undef MADV_DONTNEED
#undef MAP_POPULATE
#undef O_DIRECT
#undef O_PATH
#undef O_TMPFILE
#undef POSIX_FADV_DONTNEED
#undef POSIX_FADV_SEQUENTIAL
#undef POSIX_FADV_WILLNEED
#undef SCHED_IDLE
#undef _SC_PHYS_PAGES

#define F_FULLFSYNC 51
#define F_RDADVISE 44
struct radvisory {
    off_t ra_offset;
    int ra_count;
};

#pragma GCC poison posix_fadvise posix_fallocate fallocate fdatasync syncfs sync_file_range
#pragma GCC poison readahead memfd_create mremap fopencookie pipe2 accept4 eventfd getrandom
#pragma GCC poison sched_getcpu sched_getaffinity sched_setaffinity gettid prctl
#pragma GCC poison pthread_setaffinity_np pthread_setname_np pthread_condattr_setclock
#pragma GCC poison pthread_barrier_init pthread_spin_init pthread_mutex_timedlock sem_timedwait
#pragma GCC poison sem_init clock_nanosleep strchrnul mempcpy memrchr secure_getenv
#pragma GCC poison program_invocation_name posix_madvise pthread_tryjoin_np qsort_r sincosf exp10f

#endif
