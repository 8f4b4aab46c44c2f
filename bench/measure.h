/* measure.h: clocks, medians, and the limits of this machine. */
#ifndef LAMINA_BENCH_MEASURE_H
#define LAMINA_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds of a monotonic clock. */
double measure_now(void);

/* The value of an option of a program: a whole number from `low` to `high`. Anything else, NULL
 * too, ends the program with status 2 and a message. */
size_t measure_number(const char *program, const char *option, const char *value, size_t low,
                      size_t high);

/* The median of values[count], which are reordered. */
double measure_median(double *values, size_t count);

/* The median of the count ratios over[i] / under[i]; the arrays stay. */
double measure_median_ratio(const double *over, const double *under, size_t count);

/* Multiply-adds of one core for the instruction set ("baseline", "avx2", "avx512"), GFLOPS: the
 * best of several short runs of independent chains in registers, some 20 ms in all. */
double measure_fma_peak(const char *instruction_set);

/* One level of the memory as one core sees it. */
typedef struct measure_level {
    const char *name; /* "L1", "L2", "L3", and last "memory" */
    size_t bytes;     /* of the level; memory: of arrays that leave no cache a share worth naming */
} measure_level;

/* The data caches from the smallest on, then memory; *count receives how many. */
const measure_level *measure_levels(size_t *count);

/* The name of the smallest level that holds so many bytes. */
const char *measure_cache_level(size_t bytes);

typedef enum measure_stream {
    MEASURE_COPY, /* a = b */
    MEASURE_TRIAD /* a = b + s c */
} measure_stream;

/* GB/s (1e9 bytes read and written by the program, without the lines a cache reads before it writes
 * them) of one core streaming over arrays of so many bytes in all, in the vectors of the
 * instruction set in use and with ordinary stores: the best of several passes. 0 when there is no
 * memory for them. */
double measure_bandwidth(size_t bytes_in_all_arrays, measure_stream stream);

/* The bandwidth over half of the named level (all of "memory"); measured once, then remembered.
 * 0 for an unknown name. */
double measure_level_bandwidth(const char *level, measure_stream stream);

/* Nanoseconds a line of the cache takes from the first core this process may use to the second:
 * some tens where they have a cache in common, hundreds where they have none. In a virtual machine
 * it can change from one second to the next. NaN where there is one core or it cannot be told. */
double measure_handoff(void);

/* Two cores that read the same 400 KB and write half of it each, again and again, as weights are in
 * training: nanoseconds a line takes to be written, by ordinary stores or by those that go past the
 * caches, and to be read afterwards. False where it cannot be told. */
bool measure_shared_lines(bool streamed, double *write_ns, double *read_ns);

/* Keeps the BLAS to the calling thread in this process; false where it cannot be told so. */
bool measure_blas_one_thread(void);

/* The processor's name, or "unknown". Static buffer. */
const char *measure_processor(void);

/* Starts the count of measure_peak_memory again at what is resident now; false where the system
 * cannot do that, and the peak is that of the whole process. */
bool measure_reset_peak_memory(void);

/* Largest resident size of this process, in MB of 1e6 bytes. */
double measure_peak_memory(void);

/* Starts this program anew with arguments[], which end with NULL, and waits for it; output[room]
 * receives what it prints, as a string. False where it cannot be started, prints more, or fails. */
bool measure_run_again(const char *const *arguments, char *output, size_t room);

#endif
