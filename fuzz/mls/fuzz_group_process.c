/*
 * fuzz/mls/fuzz_group_process.c - one message to a member of a group of three with fixed keys.
 *
 * The first byte says how it comes: 0 the rest is the message as it is; 1 and 2 the rest is a
 * content type and a content, which another member signs and sends as PrivateMessage (1) or
 * PublicMessage (2; craft.h); 3 a sender type, a content type and a content that an outsider signs.
 * Whatever fails changes nothing.
 */
#include "craft.h"
#include "group_fixture.h"

static struct mls_group *victim;
/* The signature key of the one outside, whom the group lists as an external sender. */
static const uint8_t outsider_seed[32] = {FIXTURE_OUTSIDER};
static struct dt_buf fresh; /* as it is saved, which need not be the fixture's version */

static struct mls_group *
load(const uint8_t *p, size_t n)
{
    struct mls_group *g = NULL;

    if (mls_group_load(dt_view(p, n), &g) != DT_OK)
        abort();
    return g;
}

static void
unchanged(void)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf now = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

    if (mls_group_save(victim, &now) != DT_OK)
        abort();
    fuzz_same(dt_buf_view(&now), fresh.p, fresh.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    static const struct mls_psk psk = {.id = {(const uint8_t *)"psk", 3},
                                       .value = {(const uint8_t *)"value", 5}};
    const struct mls_psk_list psks = {&psk, 1};
    struct mls_event e = {0};

    (void)fuzz_suite();
    if (victim == NULL)
        victim = load(fixture_victim, sizeof fixture_victim);
    if (fresh.n == 0) {
        dt_buf_init(&fresh, MLS_GROUP_STATE_MAX);
        if (mls_group_save(victim, &fresh) != DT_OK)
            abort();
    }
    if (size < 2 || data[0] > 3)
        return 0;
    if (data[0] == 0) {
        if (dt_buf_set(&message, dt_view(data + 1, size - 1)) != DT_OK)
            return 0;
    } else if (data[0] == 3) {
        const struct mls_sender by = {.type = data[1]};

        if (size < 3 || !craft_outside(victim, dt_view_of(outsider_seed), by, data[2],
                                       dt_view(data + 3, size - 3), &message))
            return 0;
    } else {
        DT_CLEANUP(mls_group_free_p)
        struct mls_group *attacker = load(fixture_attacker, sizeof fixture_attacker);

        if (!craft_message(attacker, victim,
                           data[0] == 2 ? MLS_WIRE_PUBLIC_MESSAGE : MLS_WIRE_PRIVATE_MESSAGE,
                           data[1], dt_view(data + 2, size - 2), &message))
            return 0;
    }
    if (mls_group_process(victim, psks, dt_buf_view(&message), &e) != DT_OK) {
        unchanged();
        return 0;
    }
    if (e.kind == MLS_EVENT_REFUSED)
        unchanged();
    if (e.kind == MLS_EVENT_COMMIT && mls_group_take(victim, e.staged, 1) == DT_OK)
        e.staged = NULL;
    mls_event_clear(&e);
    /* What it has become can be saved and loaded. */
    {
        DT_CLEANUP(dt_buf_wipe) struct dt_buf now = DT_BUF_INIT(MLS_GROUP_STATE_MAX);

        if (mls_group_save(victim, &now) != DT_OK)
            abort();
        mls_group_free(victim);
        victim = load(now.p, now.n);
    }
    mls_group_free(victim);
    victim = NULL;
    fuzz_accepted();
    return 0;
}
