/*
 * record/charter.c - charters: encoding, rules on contents, signatures.
 *
 * Source: docs/protocol-record.md, "Charter". Layer: record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include "record/charter_internal.h"
#include "record/charter_rules.h"
#include "record/succession.h"

#define SIGNATURE_LABEL "charter signature"

void
dt_charter_clear(struct dt_charter *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_former; i++)
        dt_buf_clear(&c->former[i].bytes);
    dt_free(c->former);
    dt_buf_clear(&c->store);
    memset(c, 0, sizeof *c);
}

const struct dt_charter *
dt_charter_founded(const struct dt_charter *c)
{
    return c->n_former > 0 ? &c->former[0].was : c;
}

/* ---- rules on contents ---- */

bool
dt_charter_line(struct dt_view v, size_t max)
{
    return v.n > 0 && v.n <= max && dt_utf8_line(v);
}

uint8_t
dt_charter_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool
same_name(struct dt_view a, struct dt_view b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (dt_charter_lower(a.p[i]) != dt_charter_lower(b.p[i]))
            return false;
    return true;
}

static enum dt_err
check_parties(struct dt_charter *c)
{
    enum dt_err err;

    if (c->n_parties < 2 || c->n_parties > DT_CHARTER_PARTIES)
        return dt_fail(DT_ERR_RANGE, "a charter has 2 to %u parties", DT_CHARTER_PARTIES);
    for (size_t i = 0; i < c->n_parties; i++) {
        struct dt_charter_party *p = &c->parties[i];

        if (p->kind < DT_PARTY_PARTY || p->kind > DT_PARTY_MONITOR)
            return dt_fail(DT_ERR_FORMAT, "party %zu: no such kind of party", i + 1);
        if (!dt_charter_line(p->name, DT_NAME_MAX) || dt_view_equal(p->name, dt_view_str("both")) ||
            dt_view_equal(p->name, dt_view_str("mediator")))
            return dt_fail(DT_ERR_FORMAT,
                           "party %zu: a name is one line, and not 'both' or 'mediator'", i + 1);
        if ((err = dt_ed25519_pub_check(dt_view_of(p->root))) != DT_OK)
            return dt_fail_context(err, "party %zu: root key", i + 1);
        for (size_t k = 0; k < i; k++) {
            if (memcmp(c->parties[k].root, p->root, 32) == 0)
                return dt_fail(DT_ERR_FORMAT, "parties %zu and %zu have the same root", k + 1,
                               i + 1);
            if (same_name(c->parties[k].name, p->name))
                return dt_fail(DT_ERR_FORMAT, "parties %zu and %zu have the same name", k + 1,
                               i + 1);
        }
        if ((err = dt_root_id(p->root, p->root_id)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
check_rules(const struct dt_charter *c)
{
    if (c->n_rules > DT_CHARTER_RULES)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u rules", DT_CHARTER_RULES);
    for (size_t i = 0; i < c->n_rules; i++) {
        enum dt_err err = dt_charter_rule_check(&c->rules[i]);

        if (err != DT_OK)
            return dt_fail_context(err, "rule %zu of the charter", i + 1);
        if (i > 0 && dt_view_cmp(c->rules[i - 1].name, c->rules[i].name) >= 0)
            return dt_fail(DT_ERR_FORMAT, "the rules are not sorted by name, each once");
    }
    return DT_OK;
}

enum dt_err
dt_charter_check(struct dt_charter *c)
{
    enum dt_err err;

    if (!dt_charter_line(c->title, DT_TITLE_MAX))
        return dt_fail(DT_ERR_FORMAT, "a charter's title is one line of at most %u bytes",
                       DT_TITLE_MAX);
    if (c->created_ms > DT_TIME_MAX_MS)
        return dt_fail(DT_ERR_RANGE, "a charter's date");
    if ((err = check_parties(c)) != DT_OK || (err = dt_charter_register_check(c)) != DT_OK ||
        (err = check_rules(c)) != DT_OK)
        return err;
    return dt_successors_of_rules(c);
}

/* ---- encoding ---- */

static void
write_body(struct dt_writer *w, const struct dt_charter *c)
{
    size_t mark;

    dt_write_u16(w, DT_CHARTER_VERSION);
    dt_write_vec(w, c->title);
    dt_write_view(w, dt_view_of(c->nonce));
    dt_write_u64(w, c->created_ms);
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < c->n_parties; i++) {
        dt_write_view(w, dt_view_of(c->parties[i].root));
        dt_write_u8(w, c->parties[i].kind);
        dt_write_vec(w, c->parties[i].name);
    }
    dt_write_vec_end(w, mark);
    dt_charter_register_write(w, c);
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < c->n_rules; i++) {
        dt_write_vec(w, c->rules[i].name);
        dt_write_vec(w, c->rules[i].value);
    }
    dt_write_vec_end(w, mark);
}

enum dt_err
dt_charter_encode_body(const struct dt_charter *c, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    write_body(&w, dt_charter_founded(c));
    return dt_writer_end(&w);
}

enum dt_err
dt_charter_encode(const struct dt_charter *c, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    size_t mark;

    write_body(&w, dt_charter_founded(c));
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < c->n_parties; i++)
        if (c->has_signature[i]) {
            dt_write_u8(&w, (uint8_t)i);
            dt_write_view(&w, dt_view_of(c->signature[i]));
        }
    dt_write_vec_end(&w, mark);
    return dt_writer_end(&w);
}

static enum dt_err
read_parties(struct dt_reader r, struct dt_charter *c)
{
    enum dt_err err;

    for (; r.n > 0; c->n_parties++) {
        struct dt_charter_party *p = &c->parties[c->n_parties];

        if (c->n_parties == DT_CHARTER_PARTIES)
            return dt_fail(DT_ERR_LIMIT, "more than %u parties", DT_CHARTER_PARTIES);
        if ((err = dt_read_fixed(&r, p->root, 32)) != DT_OK ||
            (err = dt_read_u8(&r, &p->kind)) != DT_OK ||
            (err = dt_read_vec(&r, DT_NAME_MAX, &p->name)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
read_rules(struct dt_reader r, struct dt_charter *c)
{
    enum dt_err err;

    for (; r.n > 0; c->n_rules++) {
        struct dt_charter_rule *rule = &c->rules[c->n_rules];

        if (c->n_rules == DT_CHARTER_RULES)
            return dt_fail(DT_ERR_LIMIT, "more than %u rules", DT_CHARTER_RULES);
        if ((err = dt_read_vec(&r, DT_RULE_MAX, &rule->name)) != DT_OK ||
            (err = dt_read_vec(&r, DT_RULE_MAX, &rule->value)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
read_charter(struct dt_charter *c)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&c->store));
    struct dt_reader parties, rules, signatures;
    uint16_t version = 0;
    int last = -1;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != DT_CHARTER_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_read_vec(&r, DT_TITLE_MAX, &c->title)) != DT_OK ||
        (err = dt_read_fixed(&r, c->nonce, sizeof c->nonce)) != DT_OK ||
        (err = dt_read_u64(&r, &c->created_ms)) != DT_OK ||
        (err = dt_read_sub(&r, DT_CHARTER_MAX, &parties)) != DT_OK ||
        (err = dt_charter_register_read(&r, c)) != DT_OK ||
        (err = dt_read_sub(&r, DT_CHARTER_MAX, &rules)) != DT_OK ||
        (err = dt_read_sub(&r, DT_CHARTER_MAX, &signatures)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK || (err = read_parties(parties, c)) != DT_OK ||
        (err = read_rules(rules, c)) != DT_OK)
        return err;
    while (signatures.n > 0) {
        uint8_t place = 0;

        if ((err = dt_read_u8(&signatures, &place)) != DT_OK)
            return err;
        if (place >= c->n_parties || place <= last)
            return dt_fail(DT_ERR_FORMAT, "signatures are in the order of the parties, each once");
        last = place;
        c->has_signature[place] = true;
        if ((err = dt_read_fixed(&signatures, c->signature[place], 64)) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
verify_signatures(const struct dt_charter *c)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_CHARTER_MAX);
    enum dt_err err;

    if ((err = dt_charter_encode_body(c, &body)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->n_parties; i++) /* by the roots of then */
        if (c->has_signature[i] &&
            (err = dt_label_verify(dt_view_of(dt_charter_founded(c)->parties[i].root),
                                   SIGNATURE_LABEL, dt_buf_view(&body),
                                   dt_view_of(c->signature[i]))) != DT_OK)
            return dt_fail(err, "the signature of party %zu does not hold", i + 1);
    return DT_OK;
}

enum dt_err
dt_charter_decode(struct dt_view bytes, struct dt_charter *out)
{
    DT_CLEANUP(dt_charter_clear) struct dt_charter c = {0};
    enum dt_err err;

    dt_buf_init(&c.store, DT_CHARTER_MAX);
    if ((err = dt_buf_append(&c.store, bytes)) != DT_OK || (err = read_charter(&c)) != DT_OK ||
        (err = dt_charter_check(&c)) != DT_OK || (err = verify_signatures(&c)) != DT_OK)
        return dt_fail_context(err, "charter");
    *out = c;
    memset(&c, 0, sizeof c);
    return DT_OK;
}

/* ---- identity and signatures ---- */

enum dt_err
dt_charter_forum_id(const struct dt_charter *c, uint8_t out[static DT_FORUM_ID])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_CHARTER_MAX);
    enum dt_err err;

    if ((err = dt_charter_encode_body(c, &body)) != DT_OK)
        return err;
    return dt_label_hash("charter", dt_buf_view(&body), out);
}

enum dt_err
dt_charter_sign(struct dt_charter *c, struct dt_view root_seed)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf body = DT_BUF_INIT(DT_CHARTER_MAX);
    uint8_t pub[32], sig[64];
    enum dt_err err;

    if ((err = dt_charter_check(c)) != DT_OK || (err = dt_ed25519_pub(root_seed, pub)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->n_parties; i++) {
        if (memcmp(c->parties[i].root, pub, 32) != 0)
            continue;
        if ((err = dt_charter_encode_body(c, &body)) != DT_OK ||
            (err = dt_label_sign(root_seed, SIGNATURE_LABEL, dt_buf_view(&body), sig)) != DT_OK)
            return err;
        memcpy(c->signature[i], sig, 64);
        c->has_signature[i] = true;
        return DT_OK;
    }
    return dt_fail(DT_ERR_NOT_FOUND, "this key is not a root of the charter");
}

enum dt_err
dt_charter_merge(struct dt_charter *c, const struct dt_charter *other)
{
    uint8_t a[32], b[32];
    enum dt_err err;

    if ((err = dt_charter_forum_id(c, a)) != DT_OK ||
        (err = dt_charter_forum_id(other, b)) != DT_OK)
        return err;
    if (memcmp(a, b, 32) != 0)
        return dt_fail(DT_ERR_CONFLICT, "the two charters differ in more than signatures");
    if ((err = verify_signatures(other)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->n_parties; i++)
        if (other->has_signature[i]) {
            memcpy(c->signature[i], other->signature[i], 64);
            c->has_signature[i] = true;
        }
    return DT_OK;
}

enum dt_err
dt_charter_complete(const struct dt_charter *c)
{
    for (size_t i = 0; i < c->n_parties; i++)
        if (!c->has_signature[i])
            return dt_fail(DT_ERR_STATE, "party %zu of the charter (%.*s) has not signed it", i + 1,
                           (int)c->parties[i].name.n, (const char *)c->parties[i].name.p);
    return DT_OK;
}

enum dt_err
dt_charter_verify(const struct dt_charter *c)
{
    enum dt_err err = dt_charter_complete(c);

    return err != DT_OK ? err : verify_signatures(c);
}

enum dt_err
dt_charter_party_by_id(const struct dt_charter *c, const uint8_t root_id[static 32], size_t *out)
{
    for (size_t i = 0; i < c->n_parties; i++)
        if (memcmp(c->parties[i].root_id, root_id, 32) == 0) {
            *out = i;
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "no party of the charter has this root");
}

enum dt_err
dt_charter_party_by_name(const struct dt_charter *c, struct dt_view name, size_t *out)
{
    for (size_t i = 0; i < c->n_parties; i++)
        if (same_name(c->parties[i].name, name)) { /* no two differ in case alone */
            *out = i;
            return DT_OK;
        }
    return dt_fail(DT_ERR_NOT_FOUND, "no party of the charter has this name");
}
