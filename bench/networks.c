/* networks.c: lists of networks, as --networks takes them. */
#include "networks.h"

#include <stdio.h>
#include <stdlib.h>

bool network_listed(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
            return true;
    return list == NULL;
}

const char *networks_parse(const char *program, const char *list)
{
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        const size_t length = strcspn(at, ",");
        bool known = false;
        for (size_t i = 0; i < NETWORK_COUNT; i++)
            known = known || (strlen(networks[i].name) == length &&
                              strncmp(networks[i].name, at, length) == 0);
        if (known)
            continue;
        fprintf(stderr, "%s: --networks: no network '%.*s'; there are", program, (int)length, at);
        for (size_t i = 0; i < NETWORK_COUNT; i++)
            fprintf(stderr, " %s", networks[i].name);
        fputc('\n', stderr);
        exit(2);
    }
    return list;
}
