/* test_thread_tuning.c: small work takes the threads that are faster, found out now and then. */
#include <criterion/criterion.h>
#include <stdbool.h>

#include "base/machine/clock.h"
#include "train/thread_tuning.h"

/* A tuning and its time. */
typedef struct course {
    lam__thread_tuning tuning;
    double now;
    size_t turns, alone; /* taken, and of them by one thread */
} course;

/* Turns for so many seconds, of which each takes `several` or, on one thread, `alone`. */
static void run(course *c, double seconds, double several, double alone)
{
    const double end = c->now + seconds;
    c->turns = c->alone = 0;
    for (; c->now < end; c->turns++) {
        const bool one = lam__thread_tuning_begin_at(&c->tuning, c->now);
        c->alone += one;
        c->now += one ? alone : several;
        lam__thread_tuning_end_at(&c->tuning, c->now);
    }
}

static void expect_share(const course *c, double least, double most)
{
    const double share = (double)c->alone / (double)c->turns;
    cr_assert(share >= least && share <= most, "%zu of %zu turns took one thread", c->alone,
              c->turns);
}

Test(tuning, begins_with_several)
{
    lam__thread_tuning tuning = {0};
    cr_assert(!lam__thread_tuning_alone(&tuning));
    cr_assert(!lam__thread_tuning_begin_at(&tuning, 1.0));
}

/* Runs turns of very different lengths; a way that takes twice as long has at most a fiftieth. */
static void expect_faster(bool alone)
{
    static const double turns[] = {4e-6, 40e-6, 400e-6, 10e-3};
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        course c = {.now = 1.0};
        run(&c, 4000 * turns[i] + 1.0, (alone ? 2.0 : 1.0) * turns[i],
            (alone ? 1.0 : 2.0) * turns[i]);
        cr_assert(c.alone > 0 && c.alone < c.turns, "both ways are tried");
        expect_share(&c, alone ? 0.98 : 0.0, alone ? 1.0 : 0.02);
    }
}

Test(tuning, keeps_several_where_they_are_faster)
{
    expect_faster(false);
}

Test(tuning, takes_one_where_that_is_faster)
{
    expect_faster(true);
}

Test(tuning, changes_when_the_machine_does)
{
    course c = {.now = 1.0};
    run(&c, 1.0, 40e-6, 20e-6);
    expect_share(&c, 0.95, 1.0);
    run(&c, 1.0, 20e-6, 40e-6);
    expect_share(&c, 0.0, 0.15);
    run(&c, 1.0, 40e-6, 20e-6);
    expect_share(&c, 0.85, 1.0);
}

Test(tuning, does_not_change_for_next_to_nothing)
{
    course c = {.now = 1.0};
    run(&c, 1.0, 20e-6, 19.6e-6);
    expect_share(&c, 0.0, 0.05);
    run(&c, 0.2, 40e-6, 20e-6);
    run(&c, 1.0, 19.6e-6, 20e-6);
    expect_share(&c, 0.95, 1.0);
}

/* A thread that has to wake first, or turns during which the system does something else, are not
 * taken for the way's own time. */
Test(tuning, what_is_slow_for_a_moment_does_not_count)
{
    course c = {.now = 1.0};
    run(&c, 0.1, 40e-6, 20e-6); /* one thread, the others sleep */
    cr_assert(c.tuning.alone);
    double woken = 0.0; /* when the others have woken */
    size_t one = 0, count = 0;
    for (; c.now < 2.0; count++) {
        const bool alone = lam__thread_tuning_begin_at(&c.tuning, c.now);
        if (alone)
            woken = 0.0;
        else if (woken == 0.0)
            woken = c.now + 1e-4;
        c.now += alone ? 20e-6 : c.now < woken ? 60e-6 : count % 4 == 0 ? 300e-6 : 10e-6;
        lam__thread_tuning_end_at(&c.tuning, c.now);
        one += alone;
    }
    cr_assert_lt((double)one, 0.2 * (double)count, "%zu of %zu turns took one thread", one, count);
}

Test(tuning, reads_the_clock)
{
    lam__thread_tuning tuning = {0};
    while (tuning.compared < 2) {
        const bool alone = lam__thread_tuning_alone(&tuning);
        cr_assert_eq(lam__thread_tuning_begin(&tuning), alone);
        for (volatile int k = 0; k < (alone ? 100 : 100000); k++)
            continue;
        lam__thread_tuning_end(&tuning);
    }
    cr_assert(tuning.alone, "one thread is a thousand times faster");
    size_t turns = 0;
    for (const double start = lam__now(); tuning.compared == 2; turns++) {
        cr_assert(lam__thread_tuning_begin(&tuning));
        for (volatile int k = 0; k < 1000; k++)
            continue;
        lam__thread_tuning_end(&tuning);
        cr_assert_lt(lam__now() - start, 30.0, "never tried again");
    }
    cr_assert_geq(turns, LAM__PACE_STRETCH);
}
