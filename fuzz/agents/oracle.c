/*
 * fuzz/agents/oracle.c - see oracle.h.
 */
#include "agent/register/register.h"
#include "base/mem.h"

#include "oracle.h"

struct dt_view
oracle_text(const struct oracle *o, size_t i, uint8_t buf[static TEXT_MAX])
{
    memset(buf, 'a' + (int)(i % 26), o->said[i].len);
    buf[0] = (uint8_t)('0' + i);
    return dt_view(buf, o->said[i].len);
}

bool
oracle_party_gone(const struct oracle *o)
{
    return o->may_go[0] || (o->may_go[1] && o->may_go[2]);
}

/* Which of what was said is this; n_said when none. */
static size_t
find(const struct oracle *o, struct dt_view text)
{
    uint8_t buf[TEXT_MAX];
    size_t i = 0;

    while (i < o->n_said && !dt_view_equal(text, oracle_text(o, i, buf)))
        i++;
    return i;
}

static bool
has_place(const struct dt_talk_info *t)
{
    return t->state == DT_TALK_CONFIRMED || t->state == DT_TALK_RECEIVED;
}

/* The talk that agent ${who} has: nothing that was not said, nothing twice or altered, no
 * generation of a sender's ratchet in two places; and, if ${whole}, all of it, but for the excuses.
 */
static void
check_talk(const struct oracle *o, const struct world *w, size_t who, bool whole)
{
    struct dt_talk_info *v = NULL;
    size_t n = 0, times[SAID_MAX] = {0};

    must(dt_agent_talk_list(w->a[who], w->group_id, 0, &v, &n) == DT_OK);
    for (size_t i = 0; i < n; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(TEXT_MAX);
        size_t k;

        must(dt_agent_talk_read(w->a[who], w->group_id, v[i].seq, &b) == DT_OK);
        k = find(o, dt_buf_view(&b));
        must(k < o->n_said);
        must(++times[k] == 1);
        must((v[i].state == DT_TALK_RECEIVED) == (o->said[k].by != who) || o->excused[who]);
        must(memcmp(v[i].from.letter_hash, w->letter[o->said[k].by], 32) == 0);
        must(!o->said[k].acked || memcmp(v[i].id, o->said[k].id, 16) == 0);
        for (size_t j = 0; j < i && has_place(&v[i]); j++)
            must(!has_place(&v[j]) || v[j].epoch != v[i].epoch || v[j].leaf != v[i].leaf ||
                 v[j].generation != v[i].generation);
    }
    dt_free(v);
    for (size_t k = 0; whole && k < o->n_said; k++) {
        size_t by = o->said[k].by;

        must(times[k] == 1 || !o->said[k].acked || o->excused[who] || o->may_go[who] ||
             o->excused[by] || o->may_go[by] || oracle_party_gone(o));
    }
}

static void
check_alarms(const struct oracle *o, const struct world *w, size_t who)
{
    struct dt_alarm_info *v = NULL;
    size_t n = 0;

    must(dt_agent_alarms(w->a[who], &v, &n) == DT_OK);
    for (size_t i = 0; i < n; i++) {
        bool late = v[i].kind == DT_ALARM_RECEIPT && o->clock;
        bool wrong = (!o->odd && !late) || v[i].kind == DT_ALARM_REGISTER ||
                     (v[i].kind == DT_ALARM_FORK && !o->lied);

        if (wrong)
            (void)fprintf(stderr, "alarm of agent %zu: %s\n", who, v[i].text);
        must(!wrong);
    }
    dt_free(v);
}

static void
check_register(const struct oracle *o, const struct world *w, size_t who)
{
    struct dt_register_report r;

    must(dt_agent_register_status(w->a[who], &r) == DT_OK && r.waiting == 0);
    must(r.size == o->n_seals || o->odd);
    for (size_t i = 0; i < o->n_seals; i++) {
        struct dt_entry_info e;

        must(dt_agent_entry(w->a[who], o->seals[i], &e) == DT_OK);
        must(e.standing != DT_ENTRY_WAITING || o->odd);
    }
}

static void
check_same(const struct dt_channel_info *a, const struct dt_channel_info *b)
{
    must(a->epoch == b->epoch && a->members == b->members);
    must(a->epoch_authenticator_len == b->epoch_authenticator_len &&
         memcmp(a->epoch_authenticator, b->epoch_authenticator, a->epoch_authenticator_len) == 0);
    must(memcmp(a->queue, b->queue, 32) == 0 && a->position == b->position);
}

void
oracle_check(const struct oracle *o, const struct world *w, bool at_rest)
{
    struct dt_channel_info first = {0}, info;
    bool have_first = false;

    for (size_t i = 0; i < AGENTS; i++) {
        if (!o->used[i])
            continue;
        check_talk(o, w, i, at_rest);
        check_alarms(o, w, i);
        if (!at_rest)
            continue;
        check_register(o, w, i);
        must(dt_agent_channel(w->a[i], w->group_id, &info) == DT_OK);
        if (o->may_go[i] && info.state == DT_CHANNEL_LEFT)
            continue;
        must(info.state == DT_CHANNEL_LIVE);
        must((!info.commit_pending && info.to_send == 0) ||
             (!info.confirmed && oracle_party_gone(o)));
        if (have_first)
            check_same(&first, &info);
        first = info;
        have_first = true;
    }
}
