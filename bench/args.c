/*
 * bench/args.c - see args.h.
 */
#include <stdlib.h>
#include <string.h>

#include "args.h"

bool
bench_numbers(const char *s, uint32_t least, uint32_t most, bool rising, uint32_t *v, size_t *n)
{
    *n = 0;
    while (*s != '\0') {
        char *end;
        unsigned long x = strtoul(s, &end, 10);

        if (end == s || x < least || x > most || *n == BENCH_NUMBERS_MAX ||
            (*end != ',' && *end != '\0') || (rising && *n > 0 && x <= v[*n - 1]))
            return false;
        v[(*n)++] = (uint32_t)x;
        s = *end == ',' ? end + 1 : end;
    }
    return *n > 0;
}

bool
bench_known(const char *list, const char *(*name)(size_t i), size_t n)
{
    while (*list != '\0') {
        size_t len = strcspn(list, ",");
        bool found = false;

        for (size_t i = 0; i < n; i++)
            found = found || (strlen(name(i)) == len && strncmp(name(i), list, len) == 0);
        if (!found)
            return false;
        list += len + (list[len] == ',');
    }
    return true;
}
