/* every_value.h: how many values a damaged byte takes: some in scripts/check, all in the slow
 * tests. */
#ifndef LAMINA_TEST_EVERY_VALUE_H
#define LAMINA_TEST_EVERY_VALUE_H

#include <stdlib.h>

/* From one value to the next: 1, every value, where the environment has LAMINA_EVERY_VALUE. */
static inline unsigned value_step(unsigned otherwise)
{
    const char *every = getenv("LAMINA_EVERY_VALUE");
    return every && every[0] ? 1 : otherwise;
}

#endif
