/* test_kernels.c: every row of LAM__KERNEL_LIST, of the instruction set chosen by LAMINA_CPU,
 * against the scalar reference. The check_*.c files hold one driver for each family. */
#include <stdlib.h>
#include <string.h>

#include "guarded.h"

#define ROW(name, type, help)                                                                      \
    Test(kernels, name)                                                                            \
    {                                                                                              \
        check_##type(help, lam__kernels_chosen()->name, lam__kernels_reference()->name);           \
    }
LAM__KERNEL_LIST(ROW)
#undef ROW

Test(choice, is_what_the_environment_asks_for)
{
    const char *wanted = getenv("LAMINA_CPU");
    const lam__kernels *chosen = lam__kernels_chosen();
    if (wanted)
        cr_assert_str_eq(chosen->name, wanted);
    cr_assert_eq(chosen, lam__kernels_of(lam__isa_chosen()));
}

Test(choice, tables_are_complete_and_named)
{
    cr_assert_not_null(lam__kernels_of(LAM__BASELINE));
    for (int isa = 0; isa < LAM__ISA_COUNT; isa++) {
        const lam__kernels *k = lam__kernels_of((lam__isa)isa);
        if (!k)
            continue;
        cr_assert_str_eq(k->name, lam__isa_name((lam__isa)isa));
#define ROW(name, type, help) cr_assert_not_null(k->name);
        LAM__KERNEL_LIST(ROW)
#undef ROW
    }
    cr_assert_str_eq(lam__kernels_reference()->name, "reference");
    cr_assert_null(lam__kernels_of(LAM__ISA_COUNT));
}
