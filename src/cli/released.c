/*
 * cli/released.c - session keys that are not released yet, for status; see cli.h.
 */
#include "agent/talk/session.h"
#include "base/mem.h"
#include "base/text.h"

#include "cli/cli.h"

/* Why it is not released. */
static void
print_why(const struct cli *c, const struct dt_unreleased *x)
{
    char when[DT_TIME_STR];

    if (x->lost) {
        cli_print("this home lost it, and cannot give it away\n");
        return;
    }
    if (x->n_waits > 0) {
        cli_print("waits for ");
        for (size_t i = 0; i < x->n_waits && i < DT_UNRELEASED_WAITS; i++)
            cli_print("%s%s (%s)", i > 0 ? ", " : "", x->waits[i].name, x->waits[i].party_name);
        if (x->n_waits > DT_UNRELEASED_WAITS)
            cli_print(" and %zu more", x->n_waits - DT_UNRELEASED_WAITS);
        cli_print(" to close epoch %llu", (unsigned long long)x->epoch);
    }
    if (dt_clock_now(&c->clock) <= x->until_ms) {
        dt_time_str(when, x->until_ms);
        cli_print("%snot before %s", x->n_waits > 0 ? ", " : "", when);
    } else if (x->n_waits == 0) {
        cli_print("waits for its owner's next sync");
    }
    cli_print("\n");
}

/* Is it one that only waits for its voucher's end, or for members who have had less than a day? */
static bool
in_its_time(const struct cli *c, const struct dt_unreleased *x)
{
    uint64_t now = dt_clock_now(&c->clock);

    return !x->lost && now <= x->until_ms && (x->n_waits == 0 || now < x->replaced_ms + DT_MS_DAY);
}

/* Those that are in their time, in one line. */
static void
print_in_time(const struct cli *c, const struct dt_unreleased *v, size_t n)
{
    uint64_t first = UINT64_MAX;
    char when[DT_TIME_STR];
    size_t waiting = 0;

    for (size_t i = 0; i < n; i++) {
        if (v[i].gone || !in_its_time(c, &v[i]))
            continue;
        waiting++;
        first = v[i].until_ms < first ? v[i].until_ms : first;
    }
    if (waiting == 0)
        return;
    dt_time_str(when, first);
    cli_print("      not released yet: %zu session keys that were replaced; the first not before "
              "%s\n",
              waiting, when);
}

enum dt_err
cli_unreleased_print(struct cli *c, const uint8_t group_id[static 32], bool *out_said)
{
    DT_CLEANUP(dt_free_p) struct dt_unreleased *v = NULL;
    uint64_t released = 0;
    size_t n = 0, gone = 0;
    enum dt_err err;

    if ((err = dt_agent_unreleased(c->agent, group_id, &v, &n)) != DT_OK ||
        (err = dt_agent_released_count(c->agent, group_id, &released)) != DT_OK)
        return err;
    for (size_t i = 0; i < n; i++) {
        if (v[i].gone) {
            gone++;
            continue;
        }
        if (in_its_time(c, &v[i]))
            continue;
        cli_print("      not released: session key %llu of %s (%s), last used in epoch %llu: ",
                  (unsigned long long)v[i].serial, v[i].who.name, v[i].who.party_name,
                  (unsigned long long)v[i].epoch);
        print_why(c, &v[i]);
    }
    print_in_time(c, v, n);
    if (gone > 0)
        cli_print("      never released: %zu session keys of members who are gone\n", gone);
    if (released > 0)
        cli_print("      released: %llu session keys\n", (unsigned long long)released);
    *out_said = *out_said || n > 0 || released > 0;
    return DT_OK;
}

void
cli_unreleased_meaning(void)
{
    cli_print(
        "      (talk under a released key proves nothing: any member could have made it; until "
        "then, and\n      under the keys in use, whoever kept the signed bytes can prove it; "
        "membership and records always)\n");
}

static json_t *
one_json(const struct dt_unreleased *x)
{
    json_t *o = json_object();
    json_t *waits = json_array();

    if (x->known)
        cli_put_person(o, "who", &x->who);
    cli_put_u64(o, "serial", x->serial);
    cli_put_u64(o, "epoch", x->epoch);
    cli_put_time(o, "replaced", x->replaced_ms);
    cli_put_time(o, "not_before", x->until_ms);
    cli_put_bool(o, "owner_gone", x->gone);
    cli_put_bool(o, "lost_here", x->lost);
    for (size_t i = 0; i < x->n_waits && i < DT_UNRELEASED_WAITS; i++) {
        json_t *one = json_object();

        cli_put_person(one, "who", &x->waits[i]);
        (void)json_array_append_new(waits, one);
    }
    (void)json_object_set_new(o, "waits_for", waits);
    cli_put_u64(o, "waits", x->n_waits);
    return o;
}

enum dt_err
cli_put_unreleased(struct cli *c, json_t *o, const uint8_t group_id[static 32])
{
    DT_CLEANUP(dt_free_p) struct dt_unreleased *v = NULL;
    uint64_t released = 0;
    json_t *list;
    size_t n = 0;
    enum dt_err err;

    if ((err = dt_agent_unreleased(c->agent, group_id, &v, &n)) != DT_OK ||
        (err = dt_agent_released_count(c->agent, group_id, &released)) != DT_OK)
        return err;
    list = json_array();
    for (size_t i = 0; i < n; i++)
        (void)json_array_append_new(list, one_json(&v[i]));
    (void)json_object_set_new(o, "not_released", list);
    cli_put_u64(o, "released", released);
    return DT_OK;
}
