/*
 * record/charter_register.c - the part of a charter that says where the register is and who vouches
 * for it: encoding, rules on contents, the policy derived from it.
 *
 * Source: docs/protocol-record.md, "Charter". Layer: record. An amendment replaces this part whole.
 */
#include <string.h>

#include "base/text.h"
#include "log/note.h"
#include "log/policy.h"

#include "record/charter_internal.h"

/* ---- encoding ---- */

void
dt_charter_register_write(struct dt_writer *w, const struct dt_charter *c)
{
    size_t mark = dt_write_vec_begin(w);

    for (size_t i = 0; i < c->n_relays; i++)
        dt_write_vec(w, c->relays[i]);
    dt_write_vec_end(w, mark);
    dt_write_vec(w, c->register_origin);
    dt_write_vec(w, c->register_vkey);
    dt_write_vec(w, c->register_path);
    mark = dt_write_vec_begin(w);
    for (size_t i = 0; i < c->n_witnesses; i++) {
        dt_write_u8(w, c->witnesses[i].party);
        dt_write_vec(w, c->witnesses[i].vkey);
    }
    dt_write_vec_end(w, mark);
    dt_write_u8(w, c->quorum_attested);
    dt_write_u8(w, c->quorum_final);
}

static enum dt_err
read_relays(struct dt_reader r, struct dt_charter *c)
{
    enum dt_err err;

    for (; r.n > 0; c->n_relays++) {
        if (c->n_relays == DT_CHARTER_RELAYS)
            return dt_fail(DT_ERR_LIMIT, "more than %u relays", DT_CHARTER_RELAYS);
        if ((err = dt_read_vec(&r, DT_URL_MAX, &c->relays[c->n_relays])) != DT_OK)
            return err;
    }
    return DT_OK;
}

static enum dt_err
read_witnesses(struct dt_reader r, struct dt_charter *c)
{
    enum dt_err err;

    for (; r.n > 0; c->n_witnesses++) {
        struct dt_charter_witness *w = &c->witnesses[c->n_witnesses];

        if (c->n_witnesses == DT_CHARTER_WITNESSES)
            return dt_fail(DT_ERR_LIMIT, "more than %u witnesses", DT_CHARTER_WITNESSES);
        if ((err = dt_read_u8(&r, &w->party)) != DT_OK ||
            (err = dt_read_vec(&r, DT_VKEY_MAX, &w->vkey)) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
dt_charter_register_read(struct dt_reader *r, struct dt_charter *c)
{
    struct dt_reader relays, witnesses;
    enum dt_err err;

    if ((err = dt_read_sub(r, DT_CHARTER_MAX, &relays)) != DT_OK ||
        (err = dt_read_vec(r, TLOG_NAME_MAX, &c->register_origin)) != DT_OK ||
        (err = dt_read_vec(r, DT_VKEY_MAX, &c->register_vkey)) != DT_OK ||
        (err = dt_read_vec(r, DT_URL_MAX, &c->register_path)) != DT_OK ||
        (err = dt_read_sub(r, DT_CHARTER_MAX, &witnesses)) != DT_OK ||
        (err = dt_read_u8(r, &c->quorum_attested)) != DT_OK ||
        (err = dt_read_u8(r, &c->quorum_final)) != DT_OK || (err = read_relays(relays, c)) != DT_OK)
        return err;
    return read_witnesses(witnesses, c);
}

/* ---- rules on contents ---- */

enum dt_err
dt_charter_register_check(const struct dt_charter *c)
{
    struct tlog_vkey log = {0}, key[DT_CHARTER_WITNESSES];
    bool group[DT_CHARTER_PARTIES] = {false};
    size_t n_groups = 0;
    enum dt_err err;

    if (c->n_relays == 0 || c->n_relays > DT_CHARTER_RELAYS)
        return dt_fail(DT_ERR_RANGE, "a charter has 1 to %u relays", DT_CHARTER_RELAYS);
    for (size_t i = 0; i < c->n_relays; i++)
        if (!dt_charter_line(c->relays[i], DT_URL_MAX))
            return dt_fail(DT_ERR_FORMAT, "relay %zu: its address is one line", i + 1);
    if ((err = tlog_vkey_parse(c->register_vkey, &log)) != DT_OK)
        return dt_fail_context(err, "register key");
    if (log.type != TLOG_KEY_ED25519 || !dt_view_equal(c->register_origin, dt_view_str(log.name)))
        return dt_fail(DT_ERR_FORMAT, "the register's key is a log key named like its origin");
    if (c->register_path.n > DT_URL_MAX || !dt_utf8_line(c->register_path))
        return dt_fail(DT_ERR_FORMAT, "the register's path is one line");
    if (c->n_witnesses > DT_CHARTER_WITNESSES)
        return dt_fail(DT_ERR_LIMIT, "a charter has at most %u witnesses", DT_CHARTER_WITNESSES);
    for (size_t i = 0; i < c->n_witnesses; i++) {
        if (c->witnesses[i].party >= c->n_parties)
            return dt_fail(DT_ERR_RANGE, "witness %zu is of no party", i + 1);
        if ((err = tlog_vkey_parse(c->witnesses[i].vkey, &key[i])) != DT_OK)
            return dt_fail_context(err, "witness %zu", i + 1);
        if (key[i].type != TLOG_KEY_COSIGNATURE)
            return dt_fail(DT_ERR_FORMAT, "witness %zu: not a witness's key", i + 1);
        if (memcmp(key[i].pub, log.pub, sizeof log.pub) == 0)
            return dt_fail(DT_ERR_FORMAT, "witness %zu has the register's key", i + 1);
        for (size_t k = 0; k < i; k++)
            if (memcmp(key[k].pub, key[i].pub, sizeof key[i].pub) == 0)
                return dt_fail(DT_ERR_FORMAT, "witnesses %zu and %zu have the same key", k + 1,
                               i + 1);
        if (!group[c->witnesses[i].party]) {
            group[c->witnesses[i].party] = true;
            n_groups++;
        }
    }
    if (c->quorum_attested > n_groups || (c->quorum_attested == 0 && n_groups > 0) ||
        c->quorum_final > n_groups || (c->quorum_final > 0 && c->quorum_final < c->quorum_attested))
        return dt_fail(DT_ERR_RANGE, "the quorums do not fit %zu groups of witnesses", n_groups);
    return DT_OK;
}

/* ---- the register's policy ---- */

/* A party's name as part of a policy's names: lower-case ASCII letters and digits, '-' for the
 * rest. */
static enum dt_err
put_safe(struct dt_view name, struct dt_buf *out)
{
    bool dash = true;
    enum dt_err err;

    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = dt_charter_lower(name.p[i]);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!plain && dash)
            continue;
        dash = !plain;
        if ((err = dt_buf_append(out, plain ? dt_view(&c, 1) : dt_view_str("-"))) != DT_OK)
            return err;
    }
    if (out->n > 0 && out->p[out->n - 1] == '-')
        out->n--; /* at worst the dash before the name itself */
    return DT_OK;
}

static enum dt_err
put_name(char letter, size_t number, struct dt_view party, struct dt_buf *out)
{
    enum dt_err err;

    if ((err = dt_buf_printf(out, "%c%zu-", letter, number)) != DT_OK)
        return err;
    return put_safe(party, out);
}

enum dt_err
dt_charter_policy(const struct dt_charter *c, enum dt_policy_kind kind, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf members = DT_BUF_INIT(TLOG_POLICY_MAX);
    size_t n_groups = 0, k;
    enum dt_err err;

    if ((err = dt_buf_printf(out, "log %.*s\n", (int)c->register_vkey.n,
                             (const char *)c->register_vkey.p)) != DT_OK)
        return err;
    for (size_t i = 0; i < c->n_witnesses; i++) {
        const struct dt_charter_witness *w = &c->witnesses[i];

        if ((err = dt_buf_append(out, dt_view_str("witness "))) != DT_OK ||
            (err = put_name('w', i + 1, c->parties[w->party].name, out)) != DT_OK ||
            (err = dt_buf_printf(out, " %.*s\n", (int)w->vkey.n, (const char *)w->vkey.p)) != DT_OK)
            return err;
    }
    for (size_t p = 0; p < c->n_parties; p++) {
        bool any = false;

        for (size_t i = 0; i < c->n_witnesses; i++) {
            if (c->witnesses[i].party != p)
                continue;
            if (!any) {
                if ((err = dt_buf_append(out, dt_view_str("group "))) != DT_OK ||
                    (err = put_name('g', p + 1, c->parties[p].name, out)) != DT_OK ||
                    (err = dt_buf_append(out, dt_view_str(" any"))) != DT_OK ||
                    (err = dt_buf_append(&members, dt_view_str(" "))) != DT_OK ||
                    (err = put_name('g', p + 1, c->parties[p].name, &members)) != DT_OK)
                    return err;
                n_groups++;
            }
            any = true;
            if ((err = dt_buf_append(out, dt_view_str(" "))) != DT_OK ||
                (err = put_name('w', i + 1, c->parties[p].name, out)) != DT_OK)
                return err;
        }
        if (any && (err = dt_buf_append(out, dt_view_str("\n"))) != DT_OK)
            return err;
    }
    if (n_groups == 0 || kind == DT_POLICY_HELD)
        return dt_buf_append(out, dt_view_str("quorum none\n"));
    k = kind == DT_POLICY_ATTESTED ? c->quorum_attested
        : c->quorum_final > 0      ? c->quorum_final
                                   : n_groups;
    return dt_buf_printf(out, "group sides %zu%.*s\nquorum sides\n", k, (int)members.n,
                         (const char *)members.p);
}

enum dt_err
dt_charter_side(const struct dt_charter *c, const struct tlog_policy *policy, size_t party,
                size_t *out)
{
    struct tlog_vkey key;
    enum dt_err err;

    *out = TLOG_POLICY_NO_NODE;
    for (size_t i = 0; i < c->n_witnesses; i++) {
        if (c->witnesses[i].party != party)
            continue;
        if ((err = tlog_vkey_parse(c->witnesses[i].vkey, &key)) != DT_OK)
            return err;
        *out = tlog_policy_side_of(policy, tlog_policy_find_key(policy, &key));
        break;
    }
    return DT_OK;
}
