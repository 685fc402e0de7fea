/*
 * record/letter.c - letters of credence: issue, decode, check.
 *
 * Source: docs/protocol-record.md, "Letter of credence". Layer: record.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "base/wire.h"

#include "record/letter.h"
#include "record/template_internal.h"

#define LETTER_VERSION 1

static const char *const right_names[] = {"talk", "record", "admit", "consent", "found"};
#define N_RIGHTS (sizeof right_names / sizeof right_names[0])

void
dt_letter_clear(struct dt_letter *l)
{
    if (l == NULL)
        return;
    dt_buf_wipe(&l->store);
    dt_template_free(l->tmpl);
    dt_secret_clear(&l->secret);
    memset(l, 0, sizeof *l);
}

/* ---- what the slots say ---- */

static enum dt_err
read_rights(struct dt_view list, uint32_t *out)
{
    struct dt_view item = {0};
    uint32_t rights = 0;
    uint16_t place = 0, last = 0;

    while (dt_value_list_next(&list, &item)) {
        if (dt_value_enum(item, &place) != DT_OK || place <= last || place > N_RIGHTS)
            return dt_fail(DT_ERR_FORMAT, "rights are in their order, each once");
        rights |= DT_RIGHT_BIT(place);
        last = place;
    }
    if (rights == 0)
        return dt_fail(DT_ERR_FORMAT, "a letter gives at least one right");
    *out = rights;
    return DT_OK;
}

static enum dt_err
read_slots(struct dt_letter *l)
{
    uint8_t zero[32] = {0};
    enum dt_err err;

    /* The author of a letter is a root: it stands where a delegate's key would, and no letter
     * vouches for it. Whether it is one of the party's, the charter says. */
    const uint8_t *author = l->slots[DT_SLOT_AUTHOR].value.p;
    if (memcmp(author + 32, l->root, 32) != 0 || memcmp(author + 64, zero, 32) != 0 ||
        memcmp(l->slots[DT_LETTER_PARTY].value.p, author, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "author or party is not the root that signed");
    if (l->slots[DT_SLOT_TIME].kind != DT_SLOT_VALUE)
        return dt_fail(DT_ERR_FORMAT, "no date of issue");
    if ((err = read_rights(l->slots[DT_LETTER_RIGHTS].value, &l->rights)) != DT_OK ||
        (err = dt_value_u64(l->slots[DT_SLOT_TIME].value, &l->issued_ms)) != DT_OK ||
        (err = dt_value_u64(l->slots[DT_LETTER_NOT_BEFORE].value, &l->not_before_ms)) != DT_OK ||
        (err = dt_value_u64(l->slots[DT_LETTER_NOT_AFTER].value, &l->not_after_ms)) != DT_OK ||
        (err = dt_ed25519_pub_check(l->slots[DT_LETTER_KEY].value)) != DT_OK)
        return err;
    if (l->not_before_ms >= l->not_after_ms)
        return dt_fail(DT_ERR_RANGE, "it ends before it begins");
    l->name = l->slots[DT_LETTER_NAME].value;
    l->title = l->slots[DT_LETTER_TITLE].value;
    l->inbox_address = l->slots[DT_LETTER_INBOX_ADDRESS].value;
    l->inbox_token = l->slots[DT_LETTER_INBOX_TOKEN].value;
    if (l->name.n > DT_NAME_MAX || l->title.n > DT_TITLE_MAX || l->inbox_address.n > DT_INBOX_MAX ||
        l->inbox_token.n > DT_INBOX_MAX)
        return dt_fail(DT_ERR_LIMIT, "name, title or inbox is too long");
    memcpy(l->forum, l->header.forum, 32);
    memcpy(l->party, author, 32);
    memcpy(l->key, l->slots[DT_LETTER_KEY].value.p, 32);
    memcpy(l->x25519, l->slots[DT_LETTER_X25519].value.p, 32);
    return DT_OK;
}

/* What a root signs: forum || commitment. */
static void
signed_bytes(const uint8_t forum[static 32], const uint8_t commitment[static 32],
             uint8_t out[static 64])
{
    memcpy(out, forum, 32);
    memcpy(out + 32, commitment, 32);
}

/* ---- decode and encode ---- */

/* The hash that ${secret} and the slots give, and the root's signature over it. */
static enum dt_err
verify_letter(struct dt_letter *l, struct dt_view secret)
{
    uint8_t both[64];
    enum dt_err err;

    if ((err = dt_fields_commit(&l->header, l->slots, secret, l->hash)) != DT_OK)
        return err;
    signed_bytes(l->header.forum, l->hash, both);
    err =
        dt_label_verify(dt_view_of(l->root), "letter", dt_view_of(both), dt_view_of(l->signature));
    return err == DT_OK ? DT_OK : dt_fail(err, "the root's signature does not hold");
}

/* ${hash}: what the letter's was found to be; NULL: not known yet. */
static enum dt_err
read_letter(struct dt_letter *l, const uint8_t *hash)
{
    struct dt_reader r = dt_reader_init(dt_buf_view(&l->store));
    struct dt_view secret = {0};
    uint16_t version = 0;
    enum dt_err err;

    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != LETTER_VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_header_read(&r, &l->header)) != DT_OK ||
        (err = dt_builtin_find(dt_view_str("letter"), &l->tmpl)) != DT_OK)
        return err;
    if (l->header.n_slots != dt_template_slots(l->tmpl))
        return dt_fail(DT_ERR_FORMAT, "not the slots of a letter");
    if ((err = dt_slot_list_read(&r, l->tmpl, &l->header, l->slots)) != DT_OK ||
        (err = dt_read_view(&r, DT_RECORD_SECRET, &secret)) != DT_OK ||
        (err = dt_read_fixed(&r, l->root, 32)) != DT_OK ||
        (err = dt_read_fixed(&r, l->signature, 64)) != DT_OK || (err = dt_read_end(&r)) != DT_OK ||
        (err = dt_slot_list_check(l->tmpl, &l->header, l->slots)) != DT_OK ||
        (err = dt_secret_set(&l->secret, secret)) != DT_OK ||
        (hash == NULL && (err = verify_letter(l, secret)) != DT_OK))
        return err;
    if (hash != NULL)
        memcpy(l->hash, hash, 32);
    return read_slots(l);
}

static const uint8_t *
find_known(const struct dt_letters_known *known, const uint8_t bytes[static 32])
{
    for (unsigned int i = 0; i < known->n; i++)
        if (memcmp(known->letter[i].bytes, bytes, 32) == 0)
            return known->letter[i].hash;
    return NULL;
}

static void
keep_known(struct dt_letters_known *known, const uint8_t bytes[static 32],
           const uint8_t hash[static 32])
{
    memcpy(known->letter[known->next].bytes, bytes, 32);
    memcpy(known->letter[known->next].hash, hash, 32);
    known->next = (known->next + 1) % DT_LETTERS_KNOWN;
    if (known->n < DT_LETTERS_KNOWN)
        known->n++;
}

enum dt_err
dt_letter_decode(struct dt_view bytes, struct dt_letter *out)
{
    return dt_letter_decode_known(bytes, NULL, out);
}

enum dt_err
dt_letter_decode_known(struct dt_view bytes, struct dt_letters_known *known, struct dt_letter *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0};
    const uint8_t *hash = NULL;
    uint8_t digest[32];
    enum dt_err err;

    dt_buf_init(&l.store, DT_LETTER_BYTES_MAX);
    if (known != NULL && (err = dt_sha256(bytes, digest)) != DT_OK)
        return err;
    if (known != NULL)
        hash = find_known(known, digest);
    if ((err = dt_buf_append(&l.store, bytes)) != DT_OK || (err = read_letter(&l, hash)) != DT_OK)
        return dt_fail_context(err, "letter of credence");
    if (known != NULL && hash == NULL)
        keep_known(known, digest, l.hash);
    *out = l;
    memset(&l, 0, sizeof l);
    return DT_OK;
}

enum dt_err
dt_letter_encode(const struct dt_letter *l, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);

    dt_write_u16(&w, LETTER_VERSION);
    dt_header_write(&w, &l->header);
    dt_slot_list_write(&w, &l->header, l->slots);
    dt_write_view(&w, dt_secret_view(&l->secret));
    dt_write_view(&w, dt_view_of(l->root));
    dt_write_view(&w, dt_view_of(l->signature));
    return dt_writer_end(&w);
}

enum dt_err
dt_letter_copy(const struct dt_letter *l, struct dt_letter *out)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    enum dt_err err;

    if ((err = dt_letter_encode(l, &b)) != DT_OK)
        return err;
    return dt_letter_decode(dt_buf_view(&b), out);
}

/* ---- issue ---- */

static void
set_slot(struct dt_letter *l, size_t index, struct dt_view value)
{
    if (value.n == 0)
        return;
    l->slots[index].kind = DT_SLOT_VALUE;
    l->slots[index].value = value;
}

/* Fill the slots of a letter from ${q}; values that are no bytes yet go to ${l}->store. */
static enum dt_err
fill_slots(struct dt_letter *l, const struct dt_letter_request *q, uint32_t rights)
{
    size_t at_rights, at_times, at_author, n_rights;
    uint8_t zero[32] = {0};
    enum dt_err err = DT_OK;

    at_author = l->store.n;
    if ((err = dt_buf_append(&l->store, dt_view_of(l->party))) != DT_OK ||
        (err = dt_buf_append(&l->store, dt_view_of(l->root))) != DT_OK ||
        (err = dt_buf_append(&l->store, dt_view_of(zero))) != DT_OK)
        return err;
    at_rights = l->store.n;
    for (size_t right = 1; right <= N_RIGHTS; right++) {
        uint8_t place[2] = {0, (uint8_t)right};

        if ((rights & DT_RIGHT_BIT(right)) != 0 &&
            (err = dt_value_put_item(&l->store, dt_view_of(place))) != DT_OK)
            return err;
    }
    n_rights = l->store.n - at_rights;
    at_times = l->store.n;
    if ((err = dt_value_put_u64(&l->store, l->issued_ms)) != DT_OK ||
        (err = dt_value_put_u64(&l->store, l->not_before_ms)) != DT_OK ||
        (err = dt_value_put_u64(&l->store, l->not_after_ms)) != DT_OK)
        return err;

    for (size_t i = 0; i < l->header.n_slots; i++) {
        struct dt_field f;

        dt_template_slot(l->tmpl, i, &f);
        l->slots[i].name = f.name;
        l->slots[i].type = f.type;
    }
    set_slot(l, DT_SLOT_AUTHOR, dt_view(l->store.p + at_author, 96));
    set_slot(l, DT_SLOT_KIND, l->header.template_id);
    set_slot(l, DT_SLOT_TIME, dt_view(l->store.p + at_times, 8));
    set_slot(l, DT_LETTER_NAME, q->name);
    set_slot(l, DT_LETTER_TITLE, q->title);
    set_slot(l, DT_LETTER_RIGHTS, dt_view(l->store.p + at_rights, n_rights));
    set_slot(l, DT_LETTER_NOT_BEFORE, dt_view(l->store.p + at_times + 8, 8));
    set_slot(l, DT_LETTER_NOT_AFTER, dt_view(l->store.p + at_times + 16, 8));
    set_slot(l, DT_LETTER_KEY, dt_view_of(q->key));
    set_slot(l, DT_LETTER_X25519, dt_view_of(q->x25519));
    set_slot(l, DT_LETTER_PARTY, dt_view_of(l->party));
    set_slot(l, DT_LETTER_INBOX_ADDRESS, q->inbox_address);
    set_slot(l, DT_LETTER_INBOX_TOKEN, q->inbox_token);
    return DT_OK;
}

enum dt_err
dt_letter_issue(struct dt_view root_seed, const struct dt_letter_request *request, uint32_t rights,
                uint64_t not_before_ms, uint64_t not_after_ms, uint64_t now_ms, struct dt_buf *out)
{
    return dt_letter_issue_for(root_seed, NULL, request, rights, not_before_ms, not_after_ms,
                               now_ms, out);
}

enum dt_err
dt_letter_issue_for(struct dt_view root_seed, const uint8_t *party,
                    const struct dt_letter_request *request, uint32_t rights,
                    uint64_t not_before_ms, uint64_t not_after_ms, uint64_t now_ms,
                    struct dt_buf *out)
{
    DT_CLEANUP(dt_letter_clear) struct dt_letter l = {0}, check = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf bytes = DT_BUF_INIT(DT_LETTER_BYTES_MAX);
    uint8_t both[64];
    enum dt_err err;

    if (rights == 0 || (rights & ~DT_RIGHTS_ALL) != 0)
        return dt_fail(DT_ERR_RANGE, "a letter gives at least one right, and known ones");
    if (not_before_ms >= not_after_ms || not_after_ms > DT_TIME_MAX_MS)
        return dt_fail(DT_ERR_RANGE,
                       "a letter's validity ends after it begins, before the year 10000");
    dt_buf_init(&l.store, DT_LETTER_BYTES_MAX);
    l.issued_ms = now_ms;
    l.not_before_ms = not_before_ms;
    l.not_after_ms = not_after_ms;
    if ((err = dt_ed25519_pub(root_seed, l.root)) != DT_OK ||
        (err = dt_root_id(l.root, l.party)) != DT_OK ||
        (err = dt_builtin_find(dt_view_str("letter"), &l.tmpl)) != DT_OK ||
        (err = dt_random(l.header.record_id, sizeof l.header.record_id)) != DT_OK ||
        (err = dt_secret_random(&l.secret, DT_RECORD_SECRET)) != DT_OK)
        return err;
    if (party != NULL)
        memcpy(l.party, party, 32);
    memcpy(l.header.forum, request->forum, 32);
    l.header.template_id = dt_template_id(l.tmpl);
    memcpy(l.header.template_hash, dt_template_hash(l.tmpl), 32);
    l.header.n_slots = dt_template_slots(l.tmpl);
    if ((err = fill_slots(&l, request, rights)) != DT_OK ||
        (err = dt_fields_commit(&l.header, l.slots, dt_secret_view(&l.secret), l.hash)) != DT_OK)
        return err;
    signed_bytes(l.header.forum, l.hash, both);
    if ((err = dt_label_sign(root_seed, "letter", dt_view_of(both), l.signature)) != DT_OK ||
        (err = dt_letter_encode(&l, &bytes)) != DT_OK ||
        (err = dt_letter_decode(dt_buf_view(&bytes), &check)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&bytes));
}

/* ---- checks ---- */

enum dt_err
dt_letter_check_charter(const struct dt_letter *l, const struct dt_charter *c, size_t *out_party)
{
    struct dt_charter_root root;
    uint8_t forum[32];
    size_t place = 0;
    enum dt_err err;

    if ((err = dt_charter_forum_id(c, forum)) != DT_OK)
        return err;
    if (memcmp(forum, l->forum, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "the letter is of another forum");
    if (dt_charter_party_by_id(c, l->party, &place) != DT_OK ||
        dt_charter_root_find(c, place, l->root, &root) != DT_OK)
        return dt_fail(DT_ERR_AUTH, "the letter is by no root of this charter");
    if (out_party != NULL)
        *out_party = place;
    return DT_OK;
}

enum dt_err
dt_letter_check_time(const struct dt_letter *l, uint64_t at_ms)
{
    if (at_ms < l->not_before_ms)
        return dt_fail(DT_ERR_EXPIRED, "the letter of credence is not yet valid");
    if (at_ms > l->not_after_ms)
        return dt_fail(DT_ERR_EXPIRED, "the letter of credence has ended");
    return DT_OK;
}

enum dt_err
dt_letter_check_rights(const struct dt_letter *l, uint32_t rights)
{
    char text[64];

    if ((l->rights & rights) == rights)
        return DT_OK;
    dt_rights_str(rights & ~l->rights, text);
    return dt_fail(DT_ERR_REFUSED, "the letter of credence does not give the right: %s", text);
}

void
dt_rights_str(uint32_t rights, char out[static 64])
{
    struct dt_buf b = DT_BUF_INIT(63);
    bool ok = true;

    for (size_t i = 0; i < N_RIGHTS && ok; i++)
        if ((rights & DT_RIGHT_BIT(i + 1)) != 0)
            ok = dt_buf_printf(&b, "%s%s", b.n > 0 ? ", " : "", right_names[i]) == DT_OK;
    if (b.n > 0)
        memcpy(out, b.p, b.n);
    out[b.n] = '\0';
    dt_buf_clear(&b);
}

enum dt_err
dt_rights_read(struct dt_view text, uint32_t *out)
{
    struct dt_view rest = text, part = {0};
    uint32_t rights = 0;

    if (dt_view_equal(text, dt_view_str("all"))) {
        *out = DT_RIGHTS_ALL;
        return DT_OK;
    }
    while (dt_text_split(&rest, ',', &part)) {
        bool known = false;

        while (part.n > 0 && part.p[0] == ' ')
            part = dt_view(part.p + 1, part.n - 1);
        for (size_t i = 0; i < N_RIGHTS; i++)
            if (dt_view_equal(part, dt_view_str(right_names[i]))) {
                rights |= DT_RIGHT_BIT(i + 1);
                known = true;
            }
        if (!known)
            return dt_fail(DT_ERR_FORMAT,
                           "rights are 'all' or some of talk,record,admit,consent,found");
    }
    if (rights == 0)
        return dt_fail(DT_ERR_FORMAT, "no rights given");
    *out = rights;
    return DT_OK;
}
