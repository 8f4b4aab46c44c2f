/* bare_names.c: what the names of arrays and classes say. */
#include <stdio.h>
#include <string.h>

#include "formats/bare.h"
#include "nn/activations.h"

/* Words at the end of names, in lower case. */
static const struct {
    const char *word;
    lam__array_role role;
    lam__order usual;
} words[] = {
    {"weight", LAM__ROLE_WEIGHT, LAM__ORDER_OUT_IN},  /* PyTorch */
    {"kernel", LAM__ROLE_WEIGHT, LAM__ORDER_IN_OUT},  /* Keras */
    {"weights", LAM__ROLE_WEIGHT, LAM__ORDER_IN_OUT}, /* NumPy: x @ weights */
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

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Index of the word in the list, -1 when it is none. */
static int find_word(lam__span span)
{
    for (int i = 0; i < WORDS; i++) {
        size_t n = 0;
        while (n < span.length && lower(span.text[n]) == words[i].word[n])
            n++;
        if (n == span.length && words[i].word[n] == '\0')
            return i;
    }
    return -1;
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

const char *lam__class_tail(const char *class_name)
{
    const char *dot = strrchr(class_name, '.');
    return dot ? dot + 1 : class_name;
}

/* "Activation_ReLU", "ReLU", "ReLUActivation" -> "relu". */
const char *lam__activation_of_class(const char *class_name)
{
    static const char mark[] = "activation";
    char word[LONGEST_CLASS];
    size_t n = 0;
    for (const char *c = lam__class_tail(class_name); *c && n + 1 < sizeof word; c++)
        if (*c != '_')
            word[n++] = lower(*c);
    word[n] = '\0';
    const char *start = word;
    const size_t length = sizeof mark - 1;
    if (strncmp(word, mark, length) == 0)
        start += length;
    else if (n > length && strcmp(word + n - length, mark) == 0)
        word[n - length] = '\0';
    if (strcmp(start, "identity") == 0)
        return "linear";
    for (size_t i = 0; i < lam__activation_count(); i++) {
        const lam__activation *row = lam__activation_at(i);
        const char *names[] = {row->name, row->alias};
        for (int k = 0; k < 2; k++) { /* "leaky_relu" is LeakyReLU */
            const char *c = names[k], *w = start;
            while (c && *c && *w) {
                c += *c == '_';
                if (*c != *w)
                    break;
                c++;
                w++;
            }
            if (c && !*c && !*w)
                return row->name;
        }
    }
    return NULL;
}
