/*
 * tests/agent/samples.c - see samples.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"

#include "samples.h"

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if ((expr) != DT_OK) {                                                                     \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #expr, dt_err_message());       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

void
sample_bytes(uint8_t *out, size_t n, uint8_t tag)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(tag + 7 * i);
}

struct dt_view
sample_seed(uint8_t tag)
{
    static uint8_t seeds[256][32];

    memset(seeds[tag], tag, sizeof seeds[tag]);
    return dt_view_of(seeds[tag]);
}

struct dt_view
sample_pub(uint8_t tag)
{
    static uint8_t pubs[256][32];

    MUST(dt_ed25519_pub(sample_seed(tag), pubs[tag]));
    return dt_view_of(pubs[tag]);
}

struct dt_view
sample_letter(void)
{
    static uint8_t letter[300];

    sample_bytes(letter, sizeof letter, 0x40);
    return dt_view_of(letter);
}

void
sample_voucher(struct dt_voucher *v)
{
    *v = (struct dt_voucher){.serial = 7,
                             .not_before_ms = SAMPLE_TIME,
                             .not_after_ms = SAMPLE_TIME + DT_VOUCHER_LIFE_MAX_MS};
    sample_bytes(v->forum, sizeof v->forum, 1);
    sample_bytes(v->group_id, sizeof v->group_id, 2);
    sample_bytes(v->letter_hash, sizeof v->letter_hash, 3);
    memcpy(v->session_key, sample_pub(9).p, sizeof v->session_key);
    sample_bytes(v->invitation_id, sizeof v->invitation_id, 4);
    MUST(dt_voucher_sign(v, sample_seed(1)));
}

void
sample_credential_bytes(struct dt_buf *out)
{
    struct dt_voucher v;

    sample_voucher(&v);
    MUST(dt_credential_encode(sample_letter(), &v, out));
}

void
sample_founding(struct dt_founding *f, unsigned int signers)
{
    *f = (struct dt_founding){
        .kind = DT_CHANNEL_PLENARY, .created_ms = SAMPLE_TIME, .founder = 1, .n_members = 3};
    sample_bytes(f->forum, sizeof f->forum, 1);
    sample_bytes(f->group_id, sizeof f->group_id, 2);
    memcpy(f->name, "plenary \xc3\xa9t\xc3\xa9", sizeof "plenary \xc3\xa9t\xc3\xa9");
    for (uint8_t i = 0; i < 3; i++) {
        f->members[i].party = i;
        sample_bytes(f->members[i].letter_hash, 32, (uint8_t)(0x50 + i));
        sample_bytes(f->members[i].invitation_id, 16, (uint8_t)(0x60 + i));
    }
    for (uint8_t i = 0; i < 3; i++)
        if ((signers >> i & 1) != 0)
            MUST(dt_founding_sign(f, i, sample_seed((uint8_t)(10 + i))));
}

void
sample_forum_ext(struct dt_forum_ext *x)
{
    struct dt_founding f;

    sample_founding(&f, 7);
    sample_bytes(x->forum, sizeof x->forum, 1);
    MUST(dt_founding_hash(&f, x->founding_hash));
    MUST(dt_warrants_first(x->founding_hash, x->warrants_hash));
}

void
sample_approval(struct dt_approval *a, bool by_root)
{
    *a = (struct dt_approval){.epoch_from = 12, .party = 2, .by_root = by_root};
    sample_bytes(a->forum, sizeof a->forum, 1);
    sample_bytes(a->group_id, sizeof a->group_id, 2);
    sample_bytes(a->founding_hash, sizeof a->founding_hash, 3);
    sample_bytes(a->letter_hash, sizeof a->letter_hash, 4);
    sample_bytes(a->invitation_id, sizeof a->invitation_id, 5);
    if (!by_root)
        a->letter = sample_letter();
    MUST(dt_approval_sign(a, sample_seed(2)));
}

void
sample_leave(struct dt_leave *l)
{
    sample_bytes(l->forum, sizeof l->forum, 1);
    sample_bytes(l->group_id, sizeof l->group_id, 2);
    sample_bytes(l->invitation_id, sizeof l->invitation_id, 5);
    MUST(dt_leave_sign(l, sample_seed(2)));
}

void
sample_rejoin(struct dt_rejoin *x)
{
    sample_bytes(x->forum, sizeof x->forum, 1);
    sample_bytes(x->group_id, sizeof x->group_id, 2);
    sample_bytes(x->old_session_key, sizeof x->old_session_key, 3);
    sample_bytes(x->old_invitation_id, sizeof x->old_invitation_id, 4);
    sample_bytes(x->invitation_id, sizeof x->invitation_id, 5);
    sample_bytes(x->letter_hash, sizeof x->letter_hash, 6);
    MUST(dt_rejoin_sign(x, sample_seed(2)));
}

/* What ${store} grew by since ${from}. The store has its room from the start, so nothing moves. */
static struct dt_view
since(const struct dt_buf *store, size_t from)
{
    return dt_view(store->p + from, store->n - from);
}

void
sample_warrant(struct dt_warrant *w, struct dt_buf *store)
{
    static const uint8_t some[40] = {1, 2, 3};
    struct dt_approval a;
    struct dt_leave l;
    struct dt_rejoin x;
    size_t from;

    *w = (struct dt_warrant){.n_grounds = 6};
    MUST(dt_buf_reserve(store, 16384));
    for (uint8_t i = 0; i < 6; i++) {
        w->grounds[i].kind = (enum dt_ground_kind)(i + 1);
        sample_bytes(w->grounds[i].invitation_id, 16, (uint8_t)(0x70 + i));
        sample_bytes(w->grounds[i].letter_hash, 32, (uint8_t)(0x80 + i));
    }
    from = store->n;
    sample_approval(&a, false);
    MUST(dt_approvals_add(store, &a));
    sample_approval(&a, true);
    MUST(dt_approvals_add(store, &a));
    w->grounds[0].body = since(store, from);
    from = store->n;
    sample_leave(&l);
    MUST(dt_leave_encode(&l, store));
    w->grounds[1].body = since(store, from);
    w->grounds[2].body = dt_view_of(some);
    w->grounds[3].body = dt_view_of(some);
    from = store->n;
    sample_rejoin(&x);
    MUST(dt_rejoin_encode(&x, store));
    w->grounds[5].body = since(store, from);
}

void
sample_inbox_message(struct dt_inbox_message *m, enum dt_inbox_kind kind, struct dt_buf *store)
{
    static uint8_t key_package[400];
    struct dt_founding f;
    struct dt_approval a;
    struct dt_rejoin x;

    sample_bytes(key_package, sizeof key_package, 0x21);
    *m = (struct dt_inbox_message){.kind = kind};
    MUST(dt_buf_reserve(store, 16384));
    store->n = 0;
    if (kind != DT_INBOX_REVOCATION)
        sample_bytes(m->group_id, sizeof m->group_id, 2);
    if (kind == DT_INBOX_INVITATION || kind == DT_INBOX_KEY_PACKAGE || kind == DT_INBOX_WELCOME ||
        kind == DT_INBOX_APPROVAL_REQUEST)
        sample_bytes(m->invitation_id, sizeof m->invitation_id, 5);
    switch (kind) {
    case DT_INBOX_INVITATION:
        sample_founding(&f, 2);
        MUST(dt_founding_encode(&f, store));
        m->founding = since(store, 0);
        m->n_letters = 3;
        for (size_t i = 0; i < 3; i++)
            m->letters[i] = dt_view(sample_letter().p + i, 200);
        m->sender_letter = sample_letter();
        break;
    case DT_INBOX_FOUNDING_SIGNATURE:
        sample_founding(&f, 1);
        m->member = 0;
        memcpy(m->signature, f.members[0].signature, sizeof m->signature);
        break;
    case DT_INBOX_KEY_PACKAGE:
        m->sender_letter = sample_letter();
        m->key_package = dt_view_of(key_package);
        break;
    case DT_INBOX_APPROVAL_REQUEST:
        m->letter = dt_view(sample_letter().p, 250);
        m->epoch_from = 12;
        m->sender_letter = sample_letter();
        MUST(dt_inbox_request_sign(m, sample_seed(3)));
        break;
    case DT_INBOX_APPROVAL:
        sample_approval(&a, false);
        MUST(dt_approval_encode(&a, store));
        m->approval = since(store, 0);
        break;
    case DT_INBOX_WELCOME:
        m->queue_position = 41;
        m->welcome = dt_view_of(key_package);
        break;
    case DT_INBOX_REJOIN:
        sample_rejoin(&x);
        MUST(dt_rejoin_encode(&x, store));
        m->rejoin = since(store, 0);
        break;
    case DT_INBOX_REVOCATION:
        m->revocation = dt_view(key_package, 200);
        break;
    case DT_INBOX_COPY:
        m->copy = dt_view(key_package, 320);
        break;
    }
}

const enum dt_payload_kind sample_payload_kinds[] = {
    DT_PAYLOAD_TALK,
    DT_PAYLOAD_RECORD,
    DT_PAYLOAD_HERE,
    DT_PAYLOAD_LEAVE,
    DT_PAYLOAD_RECEIPT,
    DT_PAYLOAD_CLOSED,
    DT_PAYLOAD_RELEASED,
    DT_PAYLOAD_COURIER,
    DT_PAYLOAD_UNDERSTOOD,
    DT_PAYLOAD_CHUNK,
    DT_PAYLOAD_LINE,
    DT_PAYLOAD_DESTROYED,
    DT_PAYLOAD_RECORD_DESTROYED,
};
const char *const sample_payload_names[] = {
    "text",    "record",     "here",  "leave", "receipt",   "closed",          "released",
    "courier", "understood", "chunk", "line",  "destroyed", "record_destroyed"};
const size_t n_sample_payloads = sizeof sample_payload_kinds / sizeof sample_payload_kinds[0];

/* Two things that were destroyed, by the channel's rule and by one's own. */
static struct dt_view
sample_destroyed(const uint8_t bytes[static 64])
{
    static uint8_t list[256];
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(sizeof list);
    struct dt_destroyed_item item = {.after_ms = DT_DESTROY_AFTER_MIN_MS};
    struct dt_writer w = dt_writer_init(&b);

    memcpy(item.id, bytes, 16);
    memcpy(item.key, bytes + 16, 32);
    dt_destroyed_write(&w, &item);
    item.own_rule = true;
    item.after_ms = DT_DESTROY_AFTER_MAX_MS;
    dt_destroyed_write(&w, &item);
    MUST(dt_writer_end(&w));
    memcpy(list, b.p, b.n);
    return dt_view(list, b.n);
}

void
sample_payload(struct dt_payload *p, enum dt_payload_kind kind)
{
    static uint8_t bytes[200];

    sample_bytes(bytes, sizeof bytes, 0x11);
    *p = (struct dt_payload){.kind = kind, .sent_ms = SAMPLE_TIME};
    sample_bytes(p->id, sizeof p->id, 8);
    switch (kind) {
    case DT_PAYLOAD_TALK:
        p->media_type = dt_view_str("text/plain");
        p->lang = dt_view_str("fr");
        p->data = dt_view_str("bonjour \xc3\xa0 tous");
        break;
    case DT_PAYLOAD_RECORD:
        p->record = dt_view_of(bytes);
        break;
    case DT_PAYLOAD_HERE:
        p->epoch = 3;
        p->authenticator = dt_view(bytes, 32);
        break;
    case DT_PAYLOAD_LEAVE:
        p->leave = dt_view(bytes, 144);
        break;
    case DT_PAYLOAD_CHUNK:
        memcpy(p->file, bytes, 16);
        memcpy(p->hash, bytes + 16, 32);
        p->size = DT_CHUNK + 60u;
        p->index = 1;
        p->media_type = dt_view_str("application/pdf");
        p->name = dt_view_str("map.pdf");
        p->data = dt_view(bytes, 60);
        break;
    case DT_PAYLOAD_UNDERSTOOD:
        p->what = DT_UNDERSTOOD_AS;
        memcpy(p->about, bytes, 16);
        memcpy(p->about_key, bytes + 16, 32);
        p->text = dt_view_str("You will be there,\nand bring the list.");
        break;
    case DT_PAYLOAD_LINE:
        p->line_what = DT_LINE_OUTAGE;
        p->line_slot = 7;
        p->line_from_ms = SAMPLE_TIME;
        p->line_until_ms = SAMPLE_TIME + 1;
        p->line_text = dt_view_str("power cut, expected");
        break;
    case DT_PAYLOAD_COURIER:
        p->courier = dt_view(bytes, 112);
        break;
    case DT_PAYLOAD_RECEIPT:
        p->epoch = 3;
        p->authenticator = dt_view(bytes, 32);
        p->position = 17;
        p->count = 5;
        memcpy(p->root, bytes + 32, 32);
        break;
    case DT_PAYLOAD_CLOSED:
        p->held = true;
        p->first = 2;
        p->epoch = 3;
        p->count = 17;
        break;
    case DT_PAYLOAD_RECORD_DESTROYED:
        p->destroyed = dt_view(bytes, 169);
        break;
    case DT_PAYLOAD_DESTROYED:
        p->destroyed_ms = SAMPLE_TIME;
        p->destroyed_list = sample_destroyed(bytes);
        break;
    case DT_PAYLOAD_RELEASED:
        p->key = dt_view(bytes, 32);
        p->leaf = 2;
        p->epoch = 3;
        p->voucher = dt_view(bytes, 190);
        break;
    }
}

void
sample_queue_keys(struct dt_queue_keys *k, uint8_t tag)
{
    uint8_t bytes[DT_QUEUE_EXPORT_LEN];

    sample_bytes(bytes, sizeof bytes, tag);
    MUST(dt_queue_keys_set(k, dt_view_of(bytes)));
}

void
sample_queue_ext(struct dt_queue_ext *x, bool begins_here)
{
    *x = (struct dt_queue_ext){.begun_ms = SAMPLE_TIME, .begins_here = begins_here};
    sample_bytes(x->queue_token, sizeof x->queue_token, 9);
    if (!begins_here)
        sample_queue_keys(&x->keys, 0x31);
}

void
sample_history(struct dt_history *h, struct dt_buf *founding, struct dt_buf *warrants)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
    DT_CLEANUP(dt_buf_clear) struct dt_buf one = DT_BUF_INIT(65536);
    struct dt_founding f;
    struct dt_warrant w;

    *h = (struct dt_history){.n_letters = 3};
    sample_founding(&f, 7);
    MUST(dt_founding_encode(&f, founding));
    sample_warrant(&w, &store);
    MUST(dt_warrant_encode(&w, &one));
    MUST(dt_history_add(warrants, dt_buf_view(&one)));
    w.n_grounds = 1;
    one.n = 0;
    MUST(dt_warrant_encode(&w, &one));
    MUST(dt_history_add(warrants, dt_buf_view(&one)));
    h->founding = dt_buf_view(founding);
    for (size_t i = 0; i < 3; i++)
        h->letters[i] = dt_view(sample_letter().p + i, 150);
    h->warrants = dt_buf_view(warrants);
}
