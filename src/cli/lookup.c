/*
 * cli/lookup.c - what people type in place of hashes: names of channels and persons, hex prefixes.
 */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#include "cli/cli.h"

enum dt_err
cli_channel(struct cli *c, const char *text, uint8_t out_group_id[static 32])
{
    return dt_agent_channel_find(c->agent, text, out_group_id);
}

/* A renewed letter is for the same key: the person has several letters here. */
static bool
same_person(const struct dt_person *a, const struct dt_person *b)
{
    return memcmp(a->delegate_key, b->delegate_key, sizeof a->delegate_key) == 0;
}

/* Of two letters of one person: the one that is not revoked, then the one that holds longer. */
static size_t
better(const struct dt_person *people, size_t i, size_t k)
{
    if (people[i].revoked != people[k].revoked)
        return people[i].revoked ? k : i;
    return people[k].letter_not_after_ms > people[i].letter_not_after_ms ? k : i;
}

enum dt_err
cli_person(struct cli *c, const char *text, struct dt_person *out)
{
    DT_CLEANUP(dt_free_p) struct dt_person *people = NULL;
    size_t n = 0;
    size_t found = 0;
    size_t best = 0;
    enum dt_err err = dt_agent_people(c->agent, &people, &n);

    if (err != DT_OK)
        return err;
    for (int pass = 0; pass < 3 && found == 0; pass++) {
        for (size_t i = 0; i < n; i++) {
            char hex[65];
            bool match;

            dt_hex_str(hex, dt_view_of(people[i].letter_hash));
            match = pass == 0   ? strcasecmp(people[i].name, text) == 0
                    : pass == 1 ? strcasecmp(people[i].party_name, text) == 0
                                : strlen(text) >= 6 && strncmp(hex, text, strlen(text)) == 0;
            if (!match)
                continue;
            if (found > 0 && same_person(&people[best], &people[i])) {
                best = better(people, best, i);
            } else {
                best = i;
                found++;
            }
        }
    }
    if (found == 1)
        *out = people[best];
    if (found == 0)
        return dt_fail(DT_ERR_NOT_FOUND,
                       "no letter here is for '%s'; see detente people, and import letters "
                       "with detente letter import",
                       text);
    if (found > 1)
        return dt_fail(DT_ERR_CONFLICT,
                       "'%s' is said of %zu persons; name one, or use the hex from "
                       "detente people",
                       text, found);
    return DT_OK;
}

enum dt_err
cli_pick(const char *what, const char *hex, const uint8_t *ids, size_t n, size_t stride,
         size_t *out)
{
    size_t found = 0;

    for (size_t i = 0; i < n; i++) {
        char text[33];

        dt_hex_str(text, dt_view(ids + i * stride, 16));
        if (strlen(hex) >= 4 && strncmp(text, hex, strlen(hex)) == 0) {
            *out = i;
            found++;
        }
    }
    if (found == 0)
        return dt_fail(DT_ERR_NOT_FOUND, "no %s begins with '%s'", what, hex);
    if (found > 1)
        return dt_fail(DT_ERR_CONFLICT, "%zu %ss begin with '%s': write more of it", found, what,
                       hex);
    return DT_OK;
}
