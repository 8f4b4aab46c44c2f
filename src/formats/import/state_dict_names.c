/* state_dict_names.c: what the names of arrays and classes say. */
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "formats/import/state_dict.h"
#include "nn/activations.h"

/* Words at the end of names, in lower case. */
static const struct {
    const char *word;
    lam__array_role role;
    lam__order usual;
} words[] = {
    {"weight", LAM__ROLE_WEIGHT, LAM__ORDER_OUT_IN},   /* PyTorch */
    {"kernel", LAM__ROLE_WEIGHT, LAM__ORDER_IN_OUT},   /* Keras */
    {"weights", LAM__ROLE_WEIGHT, LAM__ORDER_UNKNOWN}, /* x @ weights, or weights @ x */
    {"coefs", LAM__ROLE_WEIGHT, LAM__ORDER_IN_OUT},    /* scikit-learn's networks */
    {"intercepts", LAM__ROLE_BIAS, LAM__ORDER_UNKNOWN},
    {"w", LAM__ROLE_WEIGHT, LAM__ORDER_UNKNOWN},
    {"bias", LAM__ROLE_BIAS, LAM__ORDER_UNKNOWN},
    {"biases", LAM__ROLE_BIAS, LAM__ORDER_UNKNOWN},
    {"b", LAM__ROLE_BIAS, LAM__ORDER_UNKNOWN},
    {"running_mean", LAM__ROLE_STATISTIC, LAM__ORDER_UNKNOWN},
    {"running_var", LAM__ROLE_STATISTIC, LAM__ORDER_UNKNOWN},
    {"moving_mean", LAM__ROLE_STATISTIC, LAM__ORDER_UNKNOWN},
    {"moving_variance", LAM__ROLE_STATISTIC, LAM__ORDER_UNKNOWN},
    {"gamma", LAM__ROLE_STATISTIC, LAM__ORDER_UNKNOWN},
    {"beta", LAM__ROLE_STATISTIC, LAM__ORDER_UNKNOWN},
};

enum { WORDS = sizeof words / sizeof *words, LONGEST_CLASS = 64 };

/* Index of the word in the list, -1 when it is not there. */
static int find_word(lam__span span)
{
    for (int i = 0; i < WORDS; i++) {
        size_t n = 0;
        while (n < span.length && lam__lower(span.text[n]) == words[i].word[n])
            n++;
        if (n == span.length && words[i].word[n] == '\0')
            return i;
    }
    return -1;
}

/* "coefs_.0", the first of a list: the word of the list, numbered. */
static void take_list_apart(const char *name, size_t leaf, size_t end, lam__name_parts *parts)
{
    size_t last = leaf - 1, first = last;
    while (first > 0 && name[first - 1] != '.' && name[first - 1] != '/')
        first--;
    while (last > first && name[last - 1] == '_')
        last--;
    const int found = find_word((lam__span){name + first, last - first});
    if (found < 0)
        return;
    parts->base = (lam__span){name, first > 0 ? first - 1 : 0};
    parts->number = (lam__span){name + leaf, end - leaf};
    parts->word = (lam__span){words[found].word, strlen(words[found].word)};
    parts->role = words[found].role;
}

void lam__take_name_apart(const char *name, lam__name_parts *parts)
{
    size_t end = strlen(name);
    *parts = (lam__name_parts){.role = LAM__ROLE_OTHER};
    if (end > 2 && strcmp(name + end - 2, ":0") == 0)
        end -= 2;
    size_t leaf = end;
    while (leaf > 0 && name[leaf - 1] != '.' && name[leaf - 1] != '/')
        leaf--;
    parts->base = (lam__span){name, leaf > 0 ? leaf - 1 : 0};
    parts->word = (lam__span){name + leaf, end - leaf};
    size_t letters = end; /* without digits at the end, and the underscore before them */
    while (letters > leaf && name[letters - 1] >= '0' && name[letters - 1] <= '9')
        letters--;
    if (letters == leaf && leaf > 0 && end > leaf) {
        take_list_apart(name, leaf, end, parts);
        return;
    }
    parts->number = (lam__span){name + letters, end - letters};
    while (letters > leaf && name[letters - 1] == '_')
        letters--;
    int found = find_word((lam__span){name + leaf, letters - leaf});
    if (found < 0)
        for (size_t i = leaf; i < letters && found < 0; i++)
            if (name[i] == '_' &&
                (found = find_word((lam__span){name + i + 1, letters - i - 1})) >= 0)
                parts->head = (lam__span){name + leaf, i - leaf};
    if (found < 0) {
        parts->number.length = 0;
        return;
    }
    parts->role = words[found].role;
    parts->word = (lam__span){words[found].word, strlen(words[found].word)};
}

static bool same_span(lam__span a, lam__span b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.text, b.text, a.length) == 0);
}

bool lam__same_layer(const lam__name_parts *a, const lam__name_parts *b)
{
    return same_span(a->base, b->base) && same_span(a->head, b->head) &&
           same_span(a->number, b->number);
}

lam__order lam__usual_order(const lam__name_parts *weight)
{
    const int found = find_word(weight->word);
    return found < 0 ? LAM__ORDER_UNKNOWN : words[found].usual;
}

/* Where a layer called so stands, if the word in its name says so: -1 first, 1 last, 0 not told. */
static int place_by_word(const char *name)
{
    static const char *const firsts[] = {"in", "input", "first", "stem"};
    static const char *const lasts[] = {"out",  "output",     "last",  "final",
                                        "head", "classifier", "logits"};
    for (const char *c = name; *c;) {
        size_t n = 0;
        char word[16];
        while (c[n] && ((c[n] >= 'a' && c[n] <= 'z') || (c[n] >= 'A' && c[n] <= 'Z')))
            n++;
        for (size_t i = 0; i < n && n < sizeof word; i++)
            word[i] = lam__lower(c[i]);
        word[n < sizeof word ? n : 0] = '\0';
        for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++)
            if (strcmp(word, firsts[i]) == 0)
                return -1;
        for (size_t i = 0; i < sizeof lasts / sizeof *lasts; i++)
            if (strcmp(word, lasts[i]) == 0)
                return 1;
        c += n ? n : 1;
    }
    return 0;
}

/* The number that stands at name[*at], behind an underscore or not; *at is then behind it. Without
 * one it is 0, as Keras counts "dense", "dense_1". */
static unsigned long long number_at(const char *name, size_t *at)
{
    size_t from = *at + (name[*at] == '_' && lam__is_digit(name[*at + 1]));
    unsigned long long value = 0;
    if (!lam__is_digit(name[from]))
        return 0;
    while (lam__is_digit(name[from]) && value < 1000000000ULL)
        value = value * 10 + (unsigned long long)(name[from++] - '0');
    *at = from;
    return value;
}

int lam__order_by_names(const char *a, const char *b)
{
    size_t same = 0;
    while (a[same] && a[same] == b[same])
        same++;
    while (same > 0 && lam__is_digit(a[same - 1]))
        same--;
    size_t i = same, j = same;
    const unsigned long long first = number_at(a, &i), second = number_at(b, &j);
    const bool numbered = lam__is_digit(a[same]) && lam__is_digit(b[same]);
    if (first != second && (numbered || strcmp(a + i, b + j) == 0))
        return first < second ? -1 : 1;
    return place_by_word(a) - place_by_word(b);
}

const char *lam__class_tail(const char *class_name)
{
    const char *dot = strrchr(class_name, '.');
    return dot ? dot + 1 : class_name;
}

/* "Activation_ReLU" -> "relu". */
const char *lam__activation_of_class(const char *class_name)
{
    static const char mark[] = "Activation_";
    const char *tail = lam__class_tail(class_name);
    char word[LONGEST_CLASS];
    size_t n = 0;
    if (strncmp(tail, mark, sizeof mark - 1) != 0)
        return NULL;
    for (const char *c = tail + sizeof mark - 1; *c && n + 1 < sizeof word; c++)
        word[n++] = lam__lower(*c);
    word[n] = '\0';
    for (size_t i = 0; i < lam__activation_count(); i++)
        if (strcmp(lam__activation_at(i)->name, word) == 0)
            return lam__activation_at(i)->name;
    return NULL;
}
