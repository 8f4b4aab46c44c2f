/* compilers.h: the compilers at hand, for tests of generated C, and running what they make. */
#ifndef LAMINA_TEST_COMPILERS_H
#define LAMINA_TEST_COMPILERS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every generated file must stand. */
#define STRICT                                                                                     \
    "-std=c99 -Wall -Wextra -Wpedantic -Werror -Wconversion -Wdouble-promotion -Wshadow "          \
    "-Wstrict-prototypes -Wmissing-prototypes"

/* A program that turns samples on its input into outputs. */
static const char driver[] = "#include <stdio.h>\n#include \"net.h\"\n"
                             "int main(void)\n{\n"
                             "    static float x[NET_INPUTS], y[NET_OUTPUTS];\n"
                             "    while (fread(x, sizeof x, 1, stdin) == 1) {\n"
                             "        net_predict(x, y);\n"
                             "        if (fwrite(y, sizeof y, 1, stdout) != 1) return 1;\n"
                             "    }\n    return 0;\n}\n";

typedef struct compiler {
    const char *command, *flags;
    const char *run; /* what a program is run with; NULL: it is compiled only */
    const char *needs;
} compiler;

static const compiler compilers[] = {
    {"gcc", "-O2", "", "gcc"},
    {"gcc", "-O3 -march=native", "", "gcc"},
    {"clang", "-O2", "", "clang"},
    {"gcc", "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all", "", "gcc"},
    {"arm-linux-gnueabihf-gcc", "-O2 -static", "qemu-arm ", "qemu-arm"},
    {"arm-none-eabi-gcc", "-Os -mcpu=cortex-m3 -mthumb -ffreestanding", NULL, "arm-none-eabi-gcc"},
};

enum { COMPILERS = sizeof compilers / sizeof *compilers };

/* Whether this compiler, and what runs its programs, is there: decided by a program that uses
 * libm, since a cross compiler may come without its C library. Tried once in a process. What is
 * not there is told in a line that scripts/check passes on, and by no warning of Criterion's: that
 * would count as a failure. */
static inline bool compiler_works(const compiler *c, const char *folder)
{
    static enum { UNTRIED, WORKS, ABSENT } known[COMPILERS];
    char line[1024];
    if (known[c - compilers] == UNTRIED) {
        snprintf(line, sizeof line,
                 "cd '%s' && printf '#include <math.h>\\n#include <stdio.h>\\nint main(void) "
                 "{ return puts(\"\") < 0 || sqrtf(0.0f) > 0.0f; }\\n' > probe.c && "
                 "command -v %s >/dev/null && %s %s %s probe.c -o probe%s >/dev/null 2>&1%s%s%s",
                 folder, c->needs, c->command, c->flags, c->run ? "" : "-c", c->run ? " -lm" : ".o",
                 c->run ? " && " : "", c->run ? c->run : "", c->run ? "./probe >/dev/null" : "");
        known[c - compilers] = system(line) == 0 ? WORKS : ABSENT;
        if (known[c - compilers] == ABSENT)
            fprintf(stderr, "left out, not here: %s %s\n", c->command, c->flags);
    }
    return known[c - compilers] == WORKS;
}

/* Whether any of them works: without one a test shows nothing and says so. */
static inline bool any_compiler_works(const char *folder)
{
    bool any = false;
    for (size_t i = 0; i < COMPILERS; i++)
        any = compiler_works(&compilers[i], folder) || any;
    return any;
}

#endif
