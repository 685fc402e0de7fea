/*
 * record/amendment.c - amendments: draft, encoding, the chain, signatures, what they make of a
 * charter.
 *
 * Source: docs/protocol-record.md, "Amendment". Layer: record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "log/note.h"

#include "record/amendment.h"
#include "record/charter_internal.h"
#include "record/succession.h"
#include "record/template_internal.h"

#define AMENDMENT_VERSION 1
#define BODY_REGISTER     1    /* it replaces the register */
#define BODY_ROOTS        2    /* it replaces roots */
#define PLACE_NEW         0x80 /* a signature by the root that is named for this party */
#define LABEL             "amendment"

/* The slots that an amendment has; all others are absent. */
#define SLOTS                                                                                      \
    (UINT64_C(1) << DT_SLOT_AUTHOR | UINT64_C(1) << DT_SLOT_KIND | UINT64_C(1) << DT_SLOT_TIME |   \
     UINT64_C(1) << DT_AMENDMENT_NUMBER | UINT64_C(1) << DT_AMENDMENT_PREVIOUS |                   \
     UINT64_C(1) << DT_AMENDMENT_BODY)

void
dt_amendment_clear(struct dt_amendment *am)
{
    if (am == NULL)
        return;
    dt_buf_clear(&am->store);
    dt_template_free(am->tmpl);
    memset(am, 0, sizeof *am);
}

/* What a root signs: forum || commitment. */
static void
signed_bytes(const struct dt_amendment *am, uint8_t out[static 64])
{
    memcpy(out, am->header.forum, 32);
    memcpy(out + 32, am->commitment, 32);
}

/* ---- decode and encode ---- */

static enum dt_err
read_body(struct dt_amendment *am)
{
    struct dt_reader r = dt_reader_init(am->slots[DT_AMENDMENT_BODY].value);
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != BODY_REGISTER && version != BODY_ROOTS)
        return dt_fail(DT_ERR_UNSUPPORTED, "it changes what is not known to this version");
    if ((err = dt_read_u64(&r, &am->last_size)) != DT_OK ||
        (err = dt_read_fixed(&r, am->last_root.b, TLOG_HASH)) != DT_OK ||
        (err = version == BODY_REGISTER ? dt_charter_register_read(&r, &am->next)
                                        : dt_root_changes_read(&r, am)) != DT_OK)
        return err;
    return dt_read_end(&r);
}

static enum dt_err
read_slots(struct dt_amendment *am)
{
    uint8_t zero[32] = {0};
    const uint8_t *author;
    uint64_t mask = 0;
    enum dt_err err;

    for (size_t i = 0; i < am->header.n_slots; i++)
        mask |= am->slots[i].kind == DT_SLOT_VALUE ? UINT64_C(1) << i : 0;
    if (mask != SLOTS)
        return dt_fail(DT_ERR_FORMAT, "not the fields of an amendment");
    /* As with a letter: a root stands where a delegate's key would, and no letter vouches for it.
     */
    author = am->slots[DT_SLOT_AUTHOR].value.p;
    memcpy(am->author, author, 32);
    memcpy(am->author_key, author + 32, 32);
    if (memcmp(author + 64, zero, 32) != 0)
        return dt_fail(DT_ERR_FORMAT, "its author is no root");
    memcpy(am->previous, am->slots[DT_AMENDMENT_PREVIOUS].value.p, 32);
    if ((err = dt_value_u64(am->slots[DT_SLOT_TIME].value, &am->made_ms)) != DT_OK ||
        (err = dt_value_u64(am->slots[DT_AMENDMENT_NUMBER].value, &am->number)) != DT_OK)
        return err;
    return read_body(am);
}

static enum dt_err
read_signatures(struct dt_reader r, struct dt_amendment *am)
{
    int last = -1;
    uint8_t place = 0;
    enum dt_err err;

    for (; r.n > 0; last = place) {
        size_t party;
        bool new;

        if ((err = dt_read_u8(&r, &place)) != DT_OK)
            return err;
        new = (place & PLACE_NEW) != 0;
        party = place & ~(unsigned int)PLACE_NEW;
        if (party >= DT_CHARTER_PARTIES || place <= last)
            return dt_fail(DT_ERR_FORMAT, "signatures are in the order of the parties, each once");
        *(new ? &am->has_new[party] : &am->has_signature[party]) = true;
        if ((err = dt_read_fixed(&r, new ? am->new_signature[party] : am->signature[party], 64)) !=
            DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
read_amendment(struct dt_amendment *am)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&am->store)), signatures;
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != AMENDMENT_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_header_read(&r, &am->header)) != DT_OK ||
        (err = dt_builtin_find(dt_view_str("amendment"), &am->tmpl)) != DT_OK)
        return err;
    if (am->header.n_slots != dt_template_slots(am->tmpl))
        return dt_fail(DT_ERR_FORMAT, "not the slots of an amendment");
    if ((err = dt_slot_list_read(&r, am->tmpl, &am->header, am->slots)) != DT_OK ||
        (err = dt_read_fixed(&r, am->secret, sizeof am->secret)) != DT_OK ||
        (err = dt_read_sub(&r, DT_AMENDMENT_MAX, &signatures)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK ||
        (err = dt_slot_list_check(am->tmpl, &am->header, am->slots)) != DT_OK ||
        (err = dt_fields_commit(&am->header, am->slots, dt_view_of(am->secret), am->commitment)) !=
            DT_OK ||
        (err = read_slots(am)) != DT_OK)
        return err;
    return read_signatures(signatures, am);
}

enum dt_err
dt_amendment_decode(struct dt_view bytes, struct dt_amendment *out)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    enum dt_err err;

    dt_buf_init(&am.store, DT_AMENDMENT_MAX);
    if ((err = dt_buf_append(&am.store, bytes)) != DT_OK || (err = read_amendment(&am)) != DT_OK)
        return dt_fail_context(err, LABEL);
    *out = am;
    memset(&am, 0, sizeof am);
    return DT_OK;
}

enum dt_err
dt_amendment_encode(const struct dt_amendment *am, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    dt_write_u16(&w, AMENDMENT_VERSION);
    dt_header_write(&w, &am->header);
    dt_slot_list_write(&w, &am->header, am->slots);
    dt_write_view(&w, dt_view_of(am->secret));
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++)
        if (am->has_signature[i]) {
            dt_write_u8(&w, (uint8_t)i);
            dt_write_view(&w, dt_view_of(am->signature[i]));
        }
    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++)
        if (am->has_new[i]) {
            dt_write_u8(&w, (uint8_t)(PLACE_NEW | i));
            dt_write_view(&w, dt_view_of(am->new_signature[i]));
        }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

/* ---- draft ---- */

/* The key that the author drafts it with: the root that is to be, where its own is replaced, since
 * the one in force may be lost. */
static const uint8_t *
author_key(const struct dt_charter *c, const struct dt_amendment_parts *parts)
{
    for (size_t i = 0; i < parts->n_changes; i++)
        if (parts->changes[i].party == parts->author)
            return parts->changes[i].root;
    return c->parties[parts->author].root;
}

/* The values of the slots, one behind the other. */
static enum dt_err
put_values(const struct dt_charter *c, const struct dt_amendment_parts *parts,
           const uint8_t previous[static 32], struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    uint8_t zero[32] = {0};

    dt_write_view(&w, dt_view_of(c->parties[parts->author].root_id));
    dt_write_view(&w, dt_view(author_key(c, parts), 32));
    dt_write_view(&w, dt_view_of(zero));
    dt_write_u64(&w, parts->made_ms);
    dt_write_u64(&w, c->n_former + 1);
    dt_write_view(&w, dt_view(previous, 32));
    dt_write_u16(&w, parts->next != NULL ? BODY_REGISTER : BODY_ROOTS);
    dt_write_u64(&w, parts->last_size);
    dt_write_view(&w, tlog_hash_view(&parts->last_root));
    if (parts->next != NULL)
        dt_charter_register_write(&w, parts->next);
    else
        dt_root_changes_write(&w, parts->changes, parts->n_changes);
    return dt_writer_end(&w);
}

static void
set_slot(struct dt_amendment *am, size_t index, struct dt_view value)
{
    am->slots[index].kind = DT_SLOT_VALUE;
    am->slots[index].value = value;
}

static enum dt_err
fill(struct dt_amendment *am, struct dt_view values)
{
    struct dt_reader r = dt_reader_init(values);
    struct dt_view author, made, number, previous;
    enum dt_err err;

    for (size_t i = 0; i < am->header.n_slots; i++) {
        struct dt_field f;

        dt_template_slot(am->tmpl, i, &f);
        am->slots[i].name = f.name;
        am->slots[i].type = f.type;
    }
    if ((err = dt_read_view(&r, 96, &author)) != DT_OK ||
        (err = dt_read_view(&r, 8, &made)) != DT_OK ||
        (err = dt_read_view(&r, 8, &number)) != DT_OK ||
        (err = dt_read_view(&r, 32, &previous)) != DT_OK)
        return err;
    set_slot(am, DT_SLOT_AUTHOR, author);
    set_slot(am, DT_SLOT_KIND, am->header.template_id);
    set_slot(am, DT_SLOT_TIME, made);
    set_slot(am, DT_AMENDMENT_NUMBER, number);
    set_slot(am, DT_AMENDMENT_PREVIOUS, previous);
    set_slot(am, DT_AMENDMENT_BODY, dt_view(r.p, r.n));
    return DT_OK;
}

/* What the next amendment of ${c} names as the one before. */
static enum dt_err
previous_of(const struct dt_charter *c, uint8_t out[static 32])
{
    if (c->n_former == 0)
        return dt_charter_forum_id(c, out);
    memcpy(out, c->former[c->n_former - 1].commitment, 32);
    return DT_OK;
}

enum dt_err
dt_amendment_draft(const struct dt_charter *c, const struct dt_amendment_parts *parts,
                   struct dt_amendment *out)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0}, made = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_AMENDMENT_MAX);
    uint8_t previous[32];
    enum dt_err err;

    dt_buf_init(&am.store, DT_AMENDMENT_MAX);
    if (parts->author >= c->n_parties)
        return dt_fail(DT_ERR_RANGE, "an amendment is drafted by a party");
    if ((err = dt_charter_forum_id(c, am.header.forum)) != DT_OK ||
        (err = previous_of(c, previous)) != DT_OK ||
        (err = dt_builtin_find(dt_view_str("amendment"), &am.tmpl)) != DT_OK ||
        (err = dt_random(am.header.record_id, sizeof am.header.record_id)) != DT_OK ||
        (err = dt_random(am.secret, sizeof am.secret)) != DT_OK ||
        (err = put_values(c, parts, previous, &am.store)) != DT_OK)
        return err;
    am.header.template_id = dt_template_id(am.tmpl);
    memcpy(am.header.template_hash, dt_template_hash(am.tmpl), 32);
    am.header.n_slots = dt_template_slots(am.tmpl);
    if ((err = fill(&am, dt_buf_view(&am.store))) != DT_OK ||
        (err = dt_amendment_encode(&am, &bytes)) != DT_OK ||
        (err = dt_amendment_decode(dt_buf_view(&bytes), &made)) != DT_OK ||
        (err = dt_amendment_check(&made, c)) != DT_OK)
        return err;
    *out = made;
    memset(&made, 0, sizeof made);
    return DT_OK;
}

/* ---- checks ---- */

/* No register comes back: a key or name of before stands for what ended. */
static enum dt_err
check_new(const struct dt_amendment *am, const struct dt_charter *c)
{
    for (size_t i = 0; i <= c->n_former; i++) {
        const struct dt_charter *was = i < c->n_former ? &c->former[i].was : c;

        if (dt_view_equal(am->next.register_vkey, was->register_vkey) ||
            dt_view_equal(am->next.register_origin, was->register_origin))
            return dt_fail(DT_ERR_CONFLICT, "its register is one that the forum had before: the "
                                            "new one has a key and a name of its own");
    }
    return DT_OK;
}

static enum dt_err
check_place(const struct dt_amendment *am, const struct dt_charter *c)
{
    const struct dt_root_change *change;
    uint8_t forum[32], previous[32];
    size_t author = 0;
    enum dt_err err;

    if ((err = dt_charter_forum_id(c, forum)) != DT_OK || (err = previous_of(c, previous)) != DT_OK)
        return err;
    if (memcmp(am->header.forum, forum, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "it is of another forum");
    if (dt_charter_party_by_id(c, am->author, &author) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "its author is no party of the charter");
    for (size_t i = 0; i < c->n_former; i++)
        if (memcmp(c->former[i].commitment, am->commitment, 32) == 0)
            return dt_fail(DT_ERR_EXISTS, "it is there already, as number %zu", i + 1);
    if (c->n_former >= DT_AMENDMENTS)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u amendments", DT_AMENDMENTS);
    if (am->number != c->n_former + 1)
        return dt_fail(DT_ERR_CONFLICT, "it is number %llu, and the next one is number %zu",
                       (unsigned long long)am->number, c->n_former + 1);
    if (memcmp(am->previous, previous, 32) != 0)
        return dt_fail(DT_ERR_CONFLICT,
                       "it does not follow the charter and the amendments that are here");
    if (c->n_former > 0 && am->last_size < c->former[c->n_former - 1].last_size)
        return dt_fail(DT_ERR_CONFLICT,
                       "it ends the register at %llu entries, and the amendment "
                       "before says that %llu are good",
                       (unsigned long long)am->last_size,
                       (unsigned long long)c->former[c->n_former - 1].last_size);
    if (am->last_size > TLOG_SIZE_MAX)
        return dt_fail(DT_ERR_RANGE, "a register's size");
    if ((am->last_size == 0) != tlog_hash_equal(&am->last_root, &tlog_empty_root))
        return dt_fail(DT_ERR_RANGE, "its last good root is not that of its last good size");
    if (memcmp(am->author_key, c->parties[author].root, 32) != 0 &&
        ((change = dt_amendment_replaces(am, c, author)) == NULL ||
         memcmp(am->author_key, change->root, 32) != 0))
        return dt_fail(DT_ERR_AUTH, "its author's key is no root of that party");
    return am->n_changes > 0 ? dt_root_changes_check(am, c) : check_new(am, c);
}

const struct dt_root_change *
dt_amendment_replaces(const struct dt_amendment *am, const struct dt_charter *c, size_t place)
{
    for (size_t i = 0; i < am->n_changes; i++)
        if (am->changes[i].party == place &&
            memcmp(am->changes[i].root, c->parties[place].root, 32) != 0)
            return &am->changes[i];
    return NULL;
}

static enum dt_err
check_signatures(const struct dt_amendment *am, const struct dt_charter *c)
{
    uint8_t both[64];
    enum dt_err err;

    signed_bytes(am, both);
    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++) {
        const struct dt_root_change *change = NULL;

        if (i < c->n_parties)
            change = dt_amendment_replaces(am, c, i);
        if ((am->has_signature[i] && i >= c->n_parties) || (am->has_new[i] && change == NULL))
            return dt_fail(DT_ERR_FORMAT, "a signature of no party");
        if (am->has_signature[i] &&
            (err = dt_label_verify(dt_view_of(c->parties[i].root), LABEL, dt_view_of(both),
                                   dt_view_of(am->signature[i]))) != DT_OK)
            return dt_fail(err, "the signature of party %zu does not hold", i + 1);
        if (am->has_new[i] &&
            (err = dt_label_verify(dt_view_of(change->root), LABEL, dt_view_of(both),
                                   dt_view_of(am->new_signature[i]))) != DT_OK)
            return dt_fail(err, "the signature of the new root of party %zu does not hold", i + 1);
    }
    return DT_OK;
}

enum dt_err
dt_amendment_check(const struct dt_amendment *am, const struct dt_charter *c)
{
    struct dt_charter next = am->next;
    enum dt_err err;

    next.n_parties = c->n_parties;
    memcpy(next.parties, c->parties, sizeof next.parties);
    if ((err = check_place(am, c)) != DT_OK ||
        (am->n_changes == 0 && (err = dt_charter_register_check(&next)) != DT_OK) ||
        (err = check_signatures(am, c)) != DT_OK)
        return dt_fail_context(err, "amendment %llu", (unsigned long long)am->number);
    return DT_OK;
}

enum dt_err
dt_amendment_complete(const struct dt_amendment *am, const struct dt_charter *c)
{
    for (size_t i = 0; i < c->n_parties; i++) {
        const struct dt_charter_party *p = &c->parties[i];
        const bool replaced = dt_amendment_replaces(am, c, i) != NULL;

        /* The check saw that where a successor was announced, the new root is that: then the one
         * before need not sign, for it is lost, or speaks for a thief. */
        if (!am->has_signature[i] && !(replaced && p->has_successor))
            return dt_fail(DT_ERR_STATE, "party %zu of the charter (%.*s) has not signed it%s",
                           i + 1, (int)p->name.n, (const char *)p->name.p,
                           replaced ? " with the root that is replaced: no successor was announced"
                                    : "");
        if (replaced && !am->has_new[i])
            return dt_fail(DT_ERR_STATE, "the new root of party %zu (%.*s) has not signed it",
                           i + 1, (int)p->name.n, (const char *)p->name.p);
    }
    return DT_OK;
}

/* ---- signatures ---- */

enum dt_err
dt_amendment_sign(struct dt_amendment *am, const struct dt_charter *c, struct dt_view root_seed)
{
    uint8_t both[64], pub[32], signature[64];
    enum dt_err err;

    if ((err = dt_amendment_check(am, c)) != DT_OK ||
        (err = dt_ed25519_pub(root_seed, pub)) != DT_OK)
        return err;
    signed_bytes(am, both);
    for (size_t i = 0; i < c->n_parties; i++) {
        const struct dt_root_change *change = dt_amendment_replaces(am, c, i);
        const bool new = change != NULL &&memcmp(change->root, pub, 32) == 0;

        if (!new &&memcmp(c->parties[i].root, pub, 32) != 0)
            continue;
        if ((err = dt_label_sign(root_seed, LABEL, dt_view_of(both), signature)) != DT_OK)
            return err;
        memcpy(new ? am->new_signature[i] : am->signature[i], signature, 64);
        *(new ? &am->has_new[i] : &am->has_signature[i]) = true;
        return DT_OK;
    }
    return dt_fail(DT_ERR_NOT_FOUND, "this key is not a root of the charter");
}

enum dt_err
dt_amendment_merge(struct dt_amendment *am, const struct dt_amendment *other)
{
    if (memcmp(am->header.forum, other->header.forum, 32) != 0 ||
        memcmp(am->commitment, other->commitment, 32) != 0)
        return dt_fail(DT_ERR_CONFLICT, "the two amendments differ in more than signatures");
    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++)
        if (other->has_signature[i]) {
            memcpy(am->signature[i], other->signature[i], 64);
            am->has_signature[i] = true;
        }
    for (size_t i = 0; i < DT_CHARTER_PARTIES; i++)
        if (other->has_new[i]) {
            memcpy(am->new_signature[i], other->new_signature[i], 64);
            am->has_new[i] = true;
        }
    return DT_OK;
}

enum dt_err
dt_amendment_seal(const struct dt_amendment *am, const struct dt_charter *c, uint8_t out[static 32])
{
    size_t place = 0;
    bool new = false;
    enum dt_err err = dt_charter_party_by_id(c, am->author, &place);

    if (err != DT_OK)
        return err;
    /* ${c} may have the amendment already: whose key it is, is asked of the amendment alone. Where
     * a change leaves the root as it is, the signature is the one that there is. */
    for (size_t i = 0; i < am->n_changes; i++)
        new = new || (am->changes[i].party == place && am->has_new[place] &&
                      memcmp(am->changes[i].root, am->author_key, 32) == 0);
    if (!new && !am->has_signature[place])
        return dt_fail(DT_ERR_STATE, "the root that drafted the amendment has not signed it");
    return dt_seal(am->commitment, am->author_key,
                   new ? am->new_signature[place] : am->signature[place], out);
}

/* ---- what it makes of the charter ---- */

static void
take(struct dt_charter *c, struct dt_charter_former *f, struct dt_amendment *am)
{
    f->was = *c;
    f->was.store = (struct dt_buf){0};
    f->was.former = NULL;
    f->was.n_former = 0;
    f->bytes = am->store;
    am->store = (struct dt_buf){0}; /* moved, with what the views point into */
    memcpy(f->commitment, am->commitment, 32);
    f->made_ms = am->made_ms;
    f->last_size = am->last_size;
    f->last_root = am->last_root;
    f->roots = am->n_changes > 0;
    c->n_former++;
    if (f->roots) {
        dt_root_changes_take(c, am);
        return;
    }
    memcpy(c->relays, am->next.relays, sizeof c->relays);
    c->n_relays = am->next.n_relays;
    c->register_origin = am->next.register_origin;
    c->register_vkey = am->next.register_vkey;
    c->register_path = am->next.register_path;
    memcpy(c->witnesses, am->next.witnesses, sizeof c->witnesses);
    c->n_witnesses = am->next.n_witnesses;
    c->quorum_attested = am->next.quorum_attested;
    c->quorum_final = am->next.quorum_final;
}

enum dt_err
dt_charter_amend(struct dt_charter *c, struct dt_view bytes)
{
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    struct dt_charter_former *grown;
    enum dt_err err;

    if ((err = dt_amendment_decode(bytes, &am)) != DT_OK ||
        (err = dt_amendment_check(&am, c)) != DT_OK)
        return err;
    if ((err = dt_amendment_complete(&am, c)) != DT_OK)
        return dt_fail_context(err, "amendment %llu", (unsigned long long)am.number);
    if ((grown = dt_realloc(c->former, c->n_former + 1, sizeof *grown)) == NULL)
        return dt_nomem();
    c->former = grown;
    take(c, &grown[c->n_former], &am);
    return DT_OK;
}

enum dt_err
dt_charter_amend_all(struct dt_charter *c, struct dt_view list)
{
    struct dt_reader r = dt_reader_init(list);
    struct dt_view one;
    enum dt_err err = DT_OK;

    while (r.n > 0 && err == DT_OK)
        if ((err = dt_read_vec(&r, DT_AMENDMENT_MAX, &one)) == DT_OK)
            err = dt_charter_amend(c, one);
    return err;
}

enum dt_err
dt_charter_amendments(const struct dt_charter *c, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    for (size_t i = 0; i < c->n_former; i++)
        dt_write_vec(&w, dt_buf_view(&c->former[i].bytes));
    return dt_writer_end(&w);
}
