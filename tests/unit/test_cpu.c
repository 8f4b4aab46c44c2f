/* test_cpu.c: the choice of the instruction set. Each test is a process of its own, so the
 * environment is still unread when it begins. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/machine/cpu.h"

Test(cpu, names)
{
    cr_assert_str_eq(lam__isa_name(LAM__BASELINE), "baseline");
    cr_assert_str_eq(lam__isa_name(LAM__AVX2), "avx2");
    cr_assert_str_eq(lam__isa_name(LAM__AVX512), "avx512");
}

static lam__isa best(void)
{
    lam__isa isa = LAM__BASELINE;
    for (int i = 0; i < LAM__ISA_COUNT; i++)
        if (lam__isa_available((lam__isa)i))
            isa = (lam__isa)i;
    return isa;
}

Test(cpu, the_best_available_by_default)
{
    unsetenv("LAMINA_CPU");
    cr_assert(lam__isa_available(LAM__BASELINE));
    cr_assert_not(lam__isa_available(LAM__ISA_COUNT));
    cr_assert_eq(lam__isa_chosen(), best());
    if (lam__isa_available(LAM__AVX512))
        cr_assert(lam__isa_available(LAM__AVX2));
#if defined(__x86_64__) && defined(__GNUC__)
    cr_assert_eq(lam__isa_available(LAM__AVX2),
                 __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
#endif
}

Test(cpu, narrowed_to_the_baseline)
{
    setenv("LAMINA_CPU", "baseline", 1);
    cr_assert_eq(lam__isa_chosen(), LAM__BASELINE);
}

Test(cpu, narrowed_to_avx2_where_available)
{
    setenv("LAMINA_CPU", "avx2", 1);
    cr_assert_eq(lam__isa_chosen(), lam__isa_available(LAM__AVX2) ? LAM__AVX2 : best());
}

Test(cpu, narrowed_to_avx512_where_available)
{
    setenv("LAMINA_CPU", "avx512", 1);
    cr_assert_eq(lam__isa_chosen(), best());
}

Test(cpu, unknown_words_narrow_nothing)
{
    setenv("LAMINA_CPU", "quantum", 1);
    cr_assert_eq(lam__isa_chosen(), best());
}

Test(cpu, read_once)
{
    setenv("LAMINA_CPU", "baseline", 1);
    cr_assert_eq(lam__isa_chosen(), LAM__BASELINE);
    setenv("LAMINA_CPU", "avx2", 1);
    cr_assert_eq(lam__isa_chosen(), LAM__BASELINE);
}
