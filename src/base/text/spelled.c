/* spelled.c: a word with values of its own in one text: "lion:beta=0.95,gamma=0.9". */
#include "base/text/spelled.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text/intern.h"

size_t lam__spelled_word(const char *text)
{
    return strcspn(text, ":");
}

bool lam__spelled_next(lam__spelled *pair)
{
    const char *at = pair->at;
    const size_t first = strcspn(at, ":,");
    at += first;
    if (!*at)
        return false;
    at++; /* the colon, or the comma before a pair */
    const size_t length = strcspn(at, ","), name = strcspn(at, "=,");
    const size_t value = name < length ? length - name - 1 : 0;
    snprintf(pair->name, sizeof pair->name, "%.*s", (int)(name < 63 ? name : 63), at);
    snprintf(pair->value, sizeof pair->value, "%.*s", (int)(value < 63 ? value : 63),
             at + length - value);
    pair->at = at;
    return true;
}

const char *lam__spelled_value(const char *text, const char *name, char *value, size_t size)
{
    lam__spelled pair = {.at = text ? text : ""};
    while (lam__spelled_next(&pair))
        if (strcmp(pair.name, name) == 0) {
            snprintf(value, size, "%s", pair.value);
            return value;
        }
    return NULL;
}

const char *lam__spelled_with(const char *text, const char *name, const char *value)
{
    const size_t size = strlen(text) + strlen(name) + strlen(value) + 3;
    char *made = lam__allocate(size, 1, "the text of an option");
    if (!made)
        return NULL;
    size_t length = lam__spelled_word(text), pairs = 0;
    memcpy(made, text, length);
    lam__spelled pair = {.at = text};
    while (lam__spelled_next(&pair))
        if (strcmp(pair.name, name) != 0)
            length += (size_t)snprintf(made + length, size - length, "%c%s=%s", pairs++ ? ',' : ':',
                                       pair.name, pair.value);
    snprintf(made + length, size - length, "%c%s=%s", pairs ? ',' : ':', name, value);
    const char *kept = lam__intern(made);
    lam__release(made);
    return kept;
}
