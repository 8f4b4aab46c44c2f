/* test_pace.c: small work takes the threads that are faster, found out now and then. */
#include <criterion/criterion.h>
#include <stdbool.h>

#include "train/pace.h"

enum {
    TRYING = 2 * (LAM__PACE_SKIPPED + LAM__PACE_TRIES),
    CYCLE = TRYING + LAM__PACE_STRETCH,
};

/* Turns that take so many seconds on several threads and on one. Returns how many took one. */
static size_t run(lam__pace *pace, size_t turns, double several, double alone)
{
    size_t count = 0;
    for (size_t i = 0; i < turns; i++) {
        const bool one = lam__pace_alone(pace);
        count += one;
        lam__pace_note(pace, one ? alone : several);
    }
    return count;
}

Test(pace, begins_with_several_and_tries_both)
{
    lam__pace pace = {0};
    cr_assert(!lam__pace_alone(&pace));
    cr_assert_eq(run(&pace, TRYING, 1.0, 2.0), TRYING / 2);
}

Test(pace, keeps_several_where_they_are_faster)
{
    lam__pace pace = {0};
    cr_assert_eq(run(&pace, 10 * CYCLE, 1.0, 2.0), 10 * TRYING / 2);
}

Test(pace, takes_one_where_that_is_faster)
{
    lam__pace pace = {0};
    cr_assert_eq(run(&pace, CYCLE, 2.0, 1.0), TRYING / 2 + LAM__PACE_STRETCH);
    cr_assert_eq(run(&pace, CYCLE, 2.0, 1.0), TRYING / 2 + LAM__PACE_STRETCH);
}

Test(pace, changes_when_the_machine_does)
{
    lam__pace pace = {0};
    run(&pace, CYCLE, 2.0, 1.0);
    cr_assert_eq(run(&pace, CYCLE, 1.0, 2.0), TRYING / 2, "back to several");
    cr_assert_eq(run(&pace, CYCLE, 2.0, 1.0), TRYING / 2 + LAM__PACE_STRETCH, "and to one");
}

Test(pace, does_not_change_for_next_to_nothing)
{
    lam__pace pace = {0};
    cr_assert_eq(run(&pace, CYCLE, 1.0, 0.98), TRYING / 2);
    run(&pace, CYCLE, 2.0, 1.0);
    cr_assert_eq(run(&pace, CYCLE, 0.98, 1.0), TRYING / 2 + LAM__PACE_STRETCH);
}

/* A turn during which the system does something else is not taken for the way's own time. */
Test(pace, a_few_slow_turns_do_not_count)
{
    lam__pace pace = {0};
    for (size_t i = 0; i < TRYING; i++) {
        const bool one = lam__pace_alone(&pace);
        const bool disturbed = i < LAM__PACE_SKIPPED + 2; /* what is skipped and two tries more */
        lam__pace_note(&pace, disturbed ? 100.0 : one ? 2.0 : 1.0);
    }
    cr_assert(!lam__pace_alone(&pace));
}

Test(pace, reads_the_clock)
{
    lam__pace pace = {0};
    for (size_t i = 0; i < CYCLE; i++) {
        const bool one = lam__pace_alone(&pace);
        cr_assert_eq(lam__pace_begin(&pace), one);
        for (volatile int k = 0; k < (one ? 100 : 100000); k++)
            continue;
        lam__pace_end(&pace);
        if (i >= TRYING)
            cr_assert(one, "turn %zu took several threads, which are a thousand times slower", i);
    }
}
