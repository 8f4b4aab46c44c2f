/* test_pace.c: small work takes the threads that are faster, found out now and then. */
#include <criterion/criterion.h>
#include <stdbool.h>

#include "base/clock.h"
#include "train/pace.h"

/* A pace and its time. */
typedef struct course {
    lam__pace pace;
    double now;
    size_t turns, alone; /* taken, and of them by one thread */
} course;

/* Turns for so many seconds, of which each takes `several` or, on one thread, `alone`. */
static void run(course *c, double seconds, double several, double alone)
{
    const double end = c->now + seconds;
    c->turns = c->alone = 0;
    for (; c->now < end; c->turns++) {
        const bool one = lam__pace_begin_at(&c->pace, c->now);
        c->alone += one;
        c->now += one ? alone : several;
        lam__pace_end_at(&c->pace, c->now);
    }
}

static void expect_share(const course *c, double least, double most)
{
    const double share = (double)c->alone / (double)c->turns;
    cr_assert(share >= least && share <= most, "%zu of %zu turns took one thread", c->alone,
              c->turns);
}

Test(pace, begins_with_several)
{
    lam__pace pace = {0};
    cr_assert(!lam__pace_alone(&pace));
    cr_assert(!lam__pace_begin_at(&pace, 1.0));
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

Test(pace, keeps_several_where_they_are_faster)
{
    expect_faster(false);
}

Test(pace, takes_one_where_that_is_faster)
{
    expect_faster(true);
}

Test(pace, changes_when_the_machine_does)
{
    course c = {.now = 1.0};
    run(&c, 1.0, 40e-6, 20e-6);
    expect_share(&c, 0.95, 1.0);
    run(&c, 1.0, 20e-6, 40e-6);
    expect_share(&c, 0.0, 0.15);
    run(&c, 1.0, 40e-6, 20e-6);
    expect_share(&c, 0.85, 1.0);
}

Test(pace, does_not_change_for_next_to_nothing)
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
Test(pace, what_is_slow_for_a_moment_does_not_count)
{
    course c = {.now = 1.0};
    run(&c, 0.1, 40e-6, 20e-6); /* one thread, the others sleep */
    cr_assert(c.pace.alone);
    double woken = 0.0; /* when the others have woken */
    size_t one = 0, count = 0;
    for (; c.now < 2.0; count++) {
        const bool alone = lam__pace_begin_at(&c.pace, c.now);
        if (alone)
            woken = 0.0;
        else if (woken == 0.0)
            woken = c.now + 1e-4;
        c.now += alone ? 20e-6 : c.now < woken ? 60e-6 : count % 4 == 0 ? 300e-6 : 10e-6;
        lam__pace_end_at(&c.pace, c.now);
        one += alone;
    }
    cr_assert_lt((double)one, 0.2 * (double)count, "%zu of %zu turns took one thread", one, count);
}

Test(pace, reads_the_clock)
{
    lam__pace pace = {0};
    while (pace.compared < 2) {
        const bool alone = lam__pace_alone(&pace);
        cr_assert_eq(lam__pace_begin(&pace), alone);
        for (volatile int k = 0; k < (alone ? 100 : 100000); k++)
            continue;
        lam__pace_end(&pace);
    }
    cr_assert(pace.alone, "one thread is a thousand times faster");
    size_t turns = 0;
    for (const double start = lam__now(); pace.compared == 2; turns++) {
        cr_assert(lam__pace_begin(&pace));
        for (volatile int k = 0; k < 1000; k++)
            continue;
        lam__pace_end(&pace);
        cr_assert_lt(lam__now() - start, 30.0, "never tried again");
    }
    cr_assert_geq(turns, LAM__PACE_STRETCH);
}
