/* golden.c: reads the data files of the golden tests: words separated by white space. */
#include "golden.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct golden {
    FILE *stream;
    char name[64];
    size_t words;
};

golden *golden_open(const char *name)
{
    char path[1024];
    golden *file = calloc(1, sizeof *file);
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DATA, name);
    cr_assert_not_null(file);
    file->stream = fopen(path, "r");
    cr_assert_not_null(file->stream, "cannot open %s", path);
    snprintf(file->name, sizeof file->name, "%s", name);
    return file;
}

void golden_close(golden *file)
{
    fclose(file->stream);
    free(file);
}

bool golden_word(golden *file, char *word, size_t size)
{
    char buffer[128];
    if (fscanf(file->stream, "%127s", buffer) != 1)
        return false;
    file->words++;
    cr_assert_lt(strlen(buffer), size, "%s, word %zu: '%s' is too long", file->name, file->words,
                 buffer);
    memcpy(word, buffer, strlen(buffer) + 1);
    return true;
}

void golden_text(golden *file, char *word, size_t size)
{
    cr_assert(golden_word(file, word, size), "%s ends after %zu words", file->name, file->words);
}

void golden_expect(golden *file, const char *word)
{
    char found[128];
    golden_text(file, found, sizeof found);
    cr_assert_str_eq(found, word, "%s, word %zu: '%s' instead of '%s'", file->name, file->words,
                     found, word);
}

double golden_number(golden *file)
{
    char word[128], *end = NULL;
    golden_text(file, word, sizeof word);
    double value = strtod(word, &end);
    cr_assert(*word && !*end, "%s, word %zu: '%s' is no number", file->name, file->words, word);
    return value;
}

size_t golden_size(golden *file)
{
    double value = golden_number(file);
    cr_assert(value >= 0.0 && value < 1e6 && value == (double)(size_t)value,
              "%s, word %zu: %g is no size", file->name, file->words, value);
    return (size_t)value;
}

void golden_floats(golden *file, float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (float)golden_number(file);
}

float *golden_new_floats(golden *file, size_t n)
{
    float *values = malloc(n * sizeof *values);
    cr_assert_not_null(values);
    golden_floats(file, values, n);
    return values;
}
