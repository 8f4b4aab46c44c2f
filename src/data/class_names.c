/* class_names.c: the names of the classes of a data folder. */
#include "data/class_names.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ascii.h"
#include "base/error.h"
#include "base/memory.h"
#include "io/file_read.h"

/* A list of names longer than this is something else. */
#define LAM__LABELS_MOST ((uint64_t)1 << 24)
#define LAM__KNOWN_CLASSES 10

static const struct known_set {
    const char *word; /* in the folder's name */
    bool whole_word;  /* not after another letter: kmnist and emnist have other classes */
    const char *names[LAM__KNOWN_CLASSES];
} known_sets[] = {
    {"fashion",
     false,
     {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
      "Ankle boot"}},
    {"mnist", true, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
};

/* Whether text[length] contains the word, whatever the case. */
static bool contains(const char *text, size_t length, const char *word, bool whole_word)
{
    size_t n = strlen(word);
    for (size_t at = 0; at + n <= length; at++) {
        size_t same = 0;
        while (same < n && lam__lower(text[at + same]) == word[same])
            same++;
        if (same == n && !(whole_word && at > 0 && lam__is_letter(text[at - 1])))
            return true;
    }
    return false;
}

/* The last component of a path of *length characters; *length becomes its own. */
static const char *last_component(const char *path, size_t *length)
{
    size_t end = *length;
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    *length = end - begin;
    return path + begin;
}

static const struct known_set *recognize(const char *path)
{
    size_t length = strlen(path);
    const char *name = last_component(path, &length);
    if (length == 3 && memcmp(name, "raw", 3) == 0) { /* torchvision: FashionMNIST/raw */
        length = (size_t)(name - path);
        name = last_component(path, &length);
    }
    for (size_t i = 0; i < sizeof known_sets / sizeof known_sets[0]; i++)
        if (contains(name, length, known_sets[i].word, known_sets[i].whole_word))
            return &known_sets[i];
    return NULL;
}

/* By the name given, or by the folder's true name when it was given as a link or as ".". */
static lam_status find_known(const char *folder, lam__class_names *found)
{
    const struct known_set *set = recognize(folder);
    char *resolved = set ? NULL : realpath(folder, NULL);
    if (resolved)
        set = recognize(resolved);
    free(resolved);
    if (!set)
        return LAM_OK;
    found->names = lam__allocate(LAM__KNOWN_CLASSES, sizeof *found->names, "class names");
    if (!found->names)
        return LAM_ERR_MEMORY;
    memcpy(found->names, set->names, sizeof set->names);
    found->count = LAM__KNOWN_CLASSES;
    return LAM_OK;
}

/* Cuts text[size] into lines, in place; text[size] itself is writable. */
static lam_status split_lines(const char *path, char *text, size_t size, lam__class_names *found)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0')
            return lam__fail(LAM_ERR_FORMAT, "%s: byte %zu: a zero byte in a text file", path, i);
        lines += text[i] == '\n' || i + 1 == size;
    }
    if (lines == 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: no class name in it, expected one per line", path);
    found->names = lam__allocate(lines, sizeof *found->names, "class names");
    if (!found->names)
        return LAM_ERR_MEMORY;
    text[size] = '\n';
    for (size_t line = 0, begin = 0; line < lines; line++) {
        size_t end = begin;
        while (text[end] != '\n')
            end++;
        size_t next = end + 1;
        if (end > begin && text[end - 1] == '\r')
            end--;
        if (end == begin)
            return lam__fail(LAM_ERR_FORMAT,
                             "%s: line %zu is empty, expected the name of class "
                             "%zu",
                             path, line + 1, line);
        text[end] = '\0';
        found->names[line] = text + begin;
        begin = next;
    }
    found->count = lines;
    return LAM_OK;
}

static lam_status read_labels(const char *path, lam__class_names *found)
{
    unsigned char *bytes;
    size_t size;
    LAM__TRY(lam__file_read_all(path, LAM__LABELS_MOST, &bytes, &size));
    found->text = lam__allocate(size + 1, 1, "class names");
    if (found->text && size > 0)
        memcpy(found->text, bytes, size);
    lam__release(bytes);
    return found->text ? split_lines(path, found->text, size, found) : LAM_ERR_MEMORY;
}

lam_status lam__class_names_find(const char *folder, lam__class_names *found)
{
    *found = (lam__class_names){.count = 0};
    size_t size = strlen(folder) + sizeof "/labels.txt";
    char *path = lam__allocate(size, 1, "a path");
    if (!path)
        return LAM_ERR_MEMORY;
    snprintf(path, size, "%s/labels.txt", folder);
    struct stat status;
    lam_status result;
    if (stat(path, &status) == 0)
        result = read_labels(path, found);
    else if (errno == ENOENT)
        result = find_known(folder, found);
    else
        result = lam__fail_errno("cannot look at", path, errno);
    lam__release(path);
    if (result != LAM_OK)
        lam__class_names_release(found);
    return result;
}

void lam__class_names_release(lam__class_names *found)
{
    lam__release(found->names);
    lam__release(found->text);
    *found = (lam__class_names){.count = 0};
}
