/* start_program.c: a program that does nothing but start; START says what it is linked to. */
#if START == 1
#include <cblas.h>
#elif START == 2
#include <lamina/lamina.h>
#endif

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) { /* never: so that it is linked */
#if START == 1
        return cblas_sdot(0, 0, 1, 0, 1) != 0.0f;
#elif START == 2
        return lam_error_status() != LAM_OK;
#endif
    }
    return 0;
}
