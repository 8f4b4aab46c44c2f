/* compilers.h: the compilers at hand, for tests of generated C, and running what they make. */
#ifndef LAMINA_TEST_COMPILERS_H
#define LAMINA_TEST_COMPILERS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"

/* What every generated file must stand. */
#define STRICT                                                                                     \
    "-std=c99 -Wall -Wextra -Wpedantic -Werror -Wconversion -Wdouble-promotion -Wshadow "          \
    "-Wstrict-prototypes -Wmissing-prototypes"

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

/* Writes a file of the folder, formatted. */
static inline void write_text(const char *folder, const char *name, const char *format, ...)
{
    char path[512], text[1024];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    scratch_write(scratch_path(folder, name, path), text, (size_t)length);
}

/* Writes a program of the generated files net0.c, net1.c, ... in the folder. It runs the self-test
 * of each and then turns `samples` samples for each, from the file x, into outputs, in the file y:
 * one program for all of them, since starting a compiler takes longer than these files do. */
static inline void program_write(const char *folder, size_t nets, size_t samples)
{
    char name[32], path[512];
    FILE *file = fopen(scratch_path(folder, "driver.c", path), "w");
    if (!file)
        abort();
    fprintf(file, "#include <stdio.h>\n#include <string.h>\n");
    for (size_t i = 0; i < nets; i++) {
        snprintf(name, sizeof name, "self%zu.c", i);
        write_text(folder, name,
                   "#define NET%zu_SELF_TEST\n#define main self_test_%zu\n"
                   "int self_test_%zu(void);\n#include \"net%zu.c\"\n",
                   i, i, i, i);
        fprintf(file, "#include \"net%zu.h\"\nint self_test_%zu(void);\n", i, i);
    }
    fprintf(file, "\nint main(void)\n{\n    FILE *in = fopen(\"x\", \"rb\"), "
                  "*out = fopen(\"y\", \"wb\");\n    if (!in || !out) return 2;\n");
    for (size_t i = 0; i < nets; i++)
        fprintf(file,
                "    if (self_test_%zu() != 0) return 10 + %zu;\n"
                "    for (int i = 0; i < %zu; i++) {\n"
                "        static float x[NET%zu_INPUTS], y[NET%zu_OUTPUTS];\n"
                "        if (fread(x, sizeof x, 1, in) != 1) return 3;\n"
                "        net%zu_predict(x, y);\n"
                "        if (fwrite(y, sizeof y, 1, out) != 1) return 4;\n    }\n",
                i, i, samples, i, i, i);
    fprintf(file, "    return fclose(out);\n}\n");
    fclose(file);
}

/* Compiles that program and runs it; 0 when both went well. What was run is in `line`. */
static inline int program_run(const compiler *c, const char *folder, char line[1024])
{
    snprintf(line, 1024,
             c->run ? "cd '%s' && rm -f y && %s %s " STRICT
                      " driver.c self*.c -o net -lm && %s./net"
                    : "cd '%s' && %s %s " STRICT " -c net[0-9]*.c",
             folder, c->command, c->flags, c->run ? c->run : "");
    return system(line);
}

#endif
