/* test_build_info.c: what a build says of itself is what it has: this program has the loops of the
 * baseline alone, whatever the processor could do. */
#include <criterion/criterion.h>

#include <lamina/lamina.h>

#include "base/machine/cpu.h"
#include "kernels/kernels.h"

Test(build_info, names_an_instruction_set_that_was_compiled)
{
    for (int isa = LAM__BASELINE + 1; isa < LAM__ISA_COUNT; isa++)
        cr_expect_null(lam__kernels_of((lam__isa)isa));
    cr_expect_str_eq(lam__kernels_chosen()->name, "baseline");
    cr_expect_str_eq(lam_build_info("instruction_set"), "baseline");
}
