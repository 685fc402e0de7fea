/*
 * record/trace_proof.c - see trace_proof.h.
 */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include "record/amendment.h"
#include "record/proof_internal.h"
#include "record/template_internal.h"
#include "record/trace_proof.h"

#define MAGIC   "detente destruction 1\n"
#define VERSION 1

bool
dt_trace_proof_is(struct dt_view file)
{
    const size_t n = strlen(MAGIC);

    return file.n >= n && memcmp(file.p, MAGIC, n) == 0;
}

/* ---- building ---- */

static enum dt_err
write_letters(struct dt_writer *w, const struct dt_trace_proof_in *in)
{
    size_t mark = dt_write_vec_begin(w);
    enum dt_err err;

    for (size_t i = 0; i < in->n_letters; i++) {
        const struct dt_letter *l = in->letters[i];

        if ((err = dt_proof_tree_write(w, &l->header, l->slots, dt_secret_view(&l->secret), l->root,
                                       l->signature, DT_LETTER_OPEN_ALWAYS)) != DT_OK)
            return err;
    }
    dt_write_vec_end(w, mark);
    return DT_OK;
}

static enum dt_err
write_words(struct dt_writer *w, const struct dt_trace_proof_in *in)
{
    size_t mark = dt_write_vec_begin(w);
    enum dt_err err;

    for (size_t i = 0; i < in->n_words; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_DESTROYED_LEN);

        if ((err = dt_destroyed_encode(&in->words[i], &b)) != DT_OK)
            return err;
        dt_write_vec(w, dt_buf_view(&b));
    }
    dt_write_vec_end(w, mark);
    return DT_OK;
}

/* As a stranger would who has the forum id. */
static enum dt_err
check_built(struct dt_view file, const struct dt_charter *charter)
{
    DT_CLEANUP(dt_trace_verdict_clear) struct dt_trace_verdict v = {0};
    uint8_t forum[32];
    enum dt_err err;

    if ((err = dt_charter_forum_id(charter, forum)) != DT_OK ||
        (err = dt_trace_proof_verify(file, forum, dt_view(NULL, 0), &v)) != DT_OK)
        return err;
    if (v.code != DT_VERDICT_VERIFIED)
        return dt_fail(DT_ERR_REFUSED, "the proof would be refused: %.*s", (int)v.reason.n,
                       (const char *)v.reason.p);
    return DT_OK;
}

enum dt_err
dt_trace_proof_build(const struct dt_trace_proof_in *in, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_PROOF_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf charter = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf amendments = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf trace = DT_BUF_INIT(DT_TRACE_MAX);
    struct dt_writer w = dt_writer_init(&bytes);
    enum dt_err err;

    if (in->n_letters > DT_PROOF_LETTERS || in->n_words > DT_TRACE_WORDS)
        return dt_fail(DT_ERR_LIMIT, "more than %u letters", DT_PROOF_LETTERS);
    if ((err = dt_charter_encode(in->charter, &charter)) != DT_OK ||
        (err = dt_charter_amendments(in->charter, &amendments)) != DT_OK ||
        (err = dt_trace_encode(in->trace, &trace)) != DT_OK)
        return err;
    dt_write_u16(&w, VERSION);
    dt_write_vec(&w, dt_buf_view(&charter));
    dt_write_vec(&w, dt_buf_view(&amendments));
    dt_write_vec(&w, dt_buf_view(&trace));
    dt_write_u32(&w, in->tlog_proof.n == 0 ? DT_PROOF_NO_ENTRY
                     : in->first           ? DT_PROOF_FIRST
                                           : DT_PROOF_LATER);
    dt_write_vec(&w, in->tlog_proof);
    if ((err = write_letters(&w, in)) != DT_OK || (err = write_words(&w, in)) != DT_OK ||
        (err = dt_writer_end(&w)) != DT_OK ||
        (err = dt_proof_armor(MAGIC, dt_buf_view(&bytes), &file)) != DT_OK)
        return err;
    if ((err = check_built(dt_buf_view(&file), in->charter)) != DT_OK)
        return err;
    return dt_buf_append(out, dt_buf_view(&file));
}

/* ---- verifying ---- */

struct check {
    struct dt_charter charter;
    struct dt_proof_registers registers;
    struct dt_template *letter; /* the built-in template */
    struct dt_letter_seen letters[DT_PROOF_LETTERS];
    size_t n_letters;
};

static void
check_free_p(struct check **c)
{
    if (*c == NULL)
        return;
    dt_proof_registers_clear(&(*c)->registers);
    dt_charter_clear(&(*c)->charter);
    dt_template_free((*c)->letter);
    dt_free(*c);
}

void
dt_trace_verdict_clear(struct dt_trace_verdict *v)
{
    dt_buf_clear(&v->reason);
    dt_buf_clear(&v->findings);
    dt_buf_clear(&v->store);
    memset(v, 0, sizeof *v);
}

static void
init_verdict(struct dt_trace_verdict *v)
{
    memset(v, 0, sizeof *v);
    dt_buf_init(&v->reason, 1024);
    dt_buf_init(&v->findings, 64u << 10);
    dt_buf_init(&v->store, DT_PROOF_MAX);
}

/* Those that the file leaves out and the verifier knows of. */
static enum dt_err
amend_known(struct dt_charter *charter, struct dt_view known)
{
    struct dt_reader r = dt_reader_init(known);
    struct dt_view one;
    enum dt_err err = DT_OK;

    while (err == DT_OK && r.n > 0) {
        if ((err = dt_read_vec(&r, DT_AMENDMENT_MAX, &one)) != DT_OK)
            break;
        err = dt_charter_amend(charter, one);
        err = err == DT_ERR_EXISTS ? DT_OK : dt_fail_context(err, "not in the file");
    }
    return err;
}

static enum dt_err
check_charter(struct check *c, struct dt_view charter, struct dt_view amendments,
              struct dt_view known, const uint8_t *forum, struct dt_trace_verdict *v)
{
    enum dt_err err;

    if ((err = dt_charter_decode(charter, &c->charter)) != DT_OK ||
        (err = dt_charter_complete(&c->charter)) != DT_OK ||
        (err = dt_charter_forum_id(&c->charter, v->forum)) != DT_OK ||
        (err = dt_charter_amend_all(&c->charter, amendments)) != DT_OK ||
        (err = amend_known(&c->charter, known)) != DT_OK ||
        (err = dt_proof_registers_init(&c->registers, &c->charter)) != DT_OK)
        return dt_fail_context(err, "charter");
    if (forum != NULL && memcmp(forum, v->forum, 32) != 0)
        return dt_fail(DT_ERR_AUTH, "it is of another forum than the one asked for");
    return DT_OK;
}

static enum dt_err
check_letters(struct check *c, struct dt_reader letters, const uint8_t forum[static 32])
{
    enum dt_err err = dt_builtin_find(dt_view_str("letter"), &c->letter);

    for (; err == DT_OK && letters.n > 0; c->n_letters++) {
        struct dt_opened t = {0};

        if (c->n_letters == DT_PROOF_LETTERS)
            return dt_fail(DT_ERR_LIMIT, "more than %u letters", DT_PROOF_LETTERS);
        if ((err = dt_proof_tree_read(&letters, false, &t)) != DT_OK)
            break;
        memcpy(t.header.forum, forum, 32);
        err = dt_proof_letter_check(&c->charter, c->letter, &t, &c->letters[c->n_letters]);
        for (size_t k = 0; err == DT_OK && k < c->n_letters; k++)
            if (memcmp(c->letters[k].hash, c->letters[c->n_letters].hash, 32) == 0)
                err = dt_fail(DT_ERR_FORMAT, "letter %zu: a second time", c->n_letters + 1);
    }
    return dt_fail_context(err, "letter %zu", c->n_letters + 1);
}

static struct dt_view
party_name(const struct check *c, size_t party)
{
    return c->charter.parties[party].name;
}

static enum dt_err
say_subject(const struct check *c, struct dt_trace_verdict *v)
{
    char span[DT_TIME_STR], when[DT_TIME_STR], hex[65];
    struct dt_view name = party_name(c, v->party);
    enum dt_err err;

    dt_hex_str(hex, dt_view_of(v->forum));
    dt_span_str(span, v->trace.after_ms);
    dt_time_str(when, v->entry_ms);
    if ((err = dt_buf_printf(&v->findings, "forum: %s\n", hex)) != DT_OK ||
        (err = dt_buf_printf(&v->findings,
                             "record: one of %.*s, with the rule to be destroyed after %s\n",
                             (int)name.n, (const char *)name.p, span)) != DT_OK)
        return err;
    if (v->state == DT_ENTRY_NONE)
        err = dt_buf_printf(&v->findings, "time: no register entry is shown\n");
    else if (v->entry_ms == 0)
        err =
            dt_buf_printf(&v->findings, "time: entry %llu; no other party's witness cosigned it\n",
                          (unsigned long long)v->entry);
    else
        err = dt_buf_printf(&v->findings, "time: entry %llu, %s%s\n", (unsigned long long)v->entry,
                            v->state == DT_ENTRY_ATTESTED ? "" : "not later than ", when);
    return err;
}

/* The author's letter: of the key that signed, and valid when the record was made. */
static enum dt_err
check_author(struct check *c, struct dt_trace_verdict *v, struct dt_view tlog_proof, uint32_t how)
{
    struct dt_entry_seen entry = {0};
    struct dt_letter_seen *l = NULL;
    enum dt_err err;

    for (size_t i = 0; i < c->n_letters && l == NULL; i++)
        if (memcmp(c->letters[i].key, v->trace.key, 32) == 0)
            l = &c->letters[i];
    if (l == NULL)
        return dt_fail(DT_ERR_PROOF, "the letter of credence of its author is not in the file");
    l->used = true;
    v->party = l->party;
    if ((l->rights & (DT_RIGHT_BIT(DT_RIGHT_RECORD) | DT_RIGHT_BIT(DT_RIGHT_CONSENT))) == 0)
        return dt_fail(DT_ERR_REFUSED,
                       "its author's letter of credence does not give the right to make it");
    if ((how == DT_PROOF_NO_ENTRY) != (tlog_proof.n == 0) ||
        (how != DT_PROOF_NO_ENTRY && how != DT_PROOF_FIRST && how != DT_PROOF_LATER))
        return dt_fail(DT_ERR_FORMAT, "how its entry is shown");
    if (tlog_proof.n > 0) {
        if ((err = dt_proof_entry_check(&c->registers, tlog_proof, v->trace.seal, l->party, how,
                                        &entry)) != DT_OK)
            return dt_fail_context(err, "its register entry");
        v->state = entry.state;
        v->entry = entry.index;
        v->entry_ms = entry.ms;
    }
    if (l->root.ended_by != 0 &&
        ((v->state != DT_ENTRY_ATTESTED && v->state != DT_ENTRY_NOT_LATER) ||
         v->entry >= l->root.to))
        return dt_fail(DT_ERR_EXPIRED,
                       "amendment %zu replaced the root that signed its author's letter of "
                       "credence, and it is not shown to be attested among the first %llu entries",
                       l->root.ended_by, (unsigned long long)l->root.to);
    if (v->entry_ms != 0 && (v->entry_ms < l->not_before_ms || v->entry_ms > l->not_after_ms))
        return dt_fail(DT_ERR_EXPIRED,
                       "its author's letter of credence was not valid at that time");
    return DT_OK;
}

static enum dt_err
check_word(struct check *c, struct dt_view bytes, struct dt_trace_verdict *v)
{
    struct dt_letter_seen *l = NULL;
    struct dt_destroyed d;
    struct dt_view name;
    char when[DT_TIME_STR];
    bool early;
    enum dt_err err = dt_destroyed_decode(bytes, &d);

    if (err != DT_OK)
        return err;
    if (memcmp(d.forum, v->forum, 32) != 0 || memcmp(d.commitment, v->trace.commitment, 32) != 0)
        return dt_fail(DT_ERR_PROOF, "it is about another record");
    for (size_t i = 0; i < c->n_letters && l == NULL; i++)
        if (memcmp(c->letters[i].hash, d.letter, 32) == 0)
            l = &c->letters[i];
    if (l == NULL)
        return dt_fail(DT_ERR_PROOF, "the letter of credence of who says so is not in the file");
    if ((err = dt_destroyed_verify(&d, l->key)) != DT_OK)
        return err;
    if (d.when_ms < l->not_before_ms || d.when_ms > l->not_after_ms)
        return dt_fail(DT_ERR_EXPIRED, "the letter of credence of who says so was not valid then");
    l->used = true;
    name = party_name(c, l->party);
    dt_time_str(when, d.when_ms);
    /* The record cannot have come before it was made; the entry may be late by days. */
    early = v->state == DT_ENTRY_ATTESTED && d.when_ms + DT_MS_DAY < v->entry_ms;
    v->n_words++;
    return dt_buf_printf(&v->findings, "destroyed: a delegate of %.*s says so, of %s%s\n",
                         (int)name.n, (const char *)name.p, when,
                         early                   ? ", before the record was entered"
                         : l->root.ended_by != 0 ? ", under a letter of a root that was replaced"
                                                 : "");
}

static enum dt_err
verify(struct dt_view file, const uint8_t *forum, struct dt_view known, struct check *c,
       struct dt_trace_verdict *v)
{
    struct dt_reader r, letters, words;
    struct dt_view charter, amendments, trace, tlog_proof, word;
    uint16_t version = 0;
    uint32_t how = 0;
    enum dt_err err;

    if ((err = dt_proof_unarmor(MAGIC, file, &v->store)) != DT_OK)
        return err;
    r = dt_reader_init(dt_buf_view(&v->store));
    if ((err = dt_read_u16(&r, &version)) != DT_OK)
        return err;
    if (version != VERSION)
        return dt_fail(DT_ERR_UNSUPPORTED, "a version not known here");
    if ((err = dt_read_vec(&r, DT_CHARTER_MAX, &charter)) != DT_OK ||
        (err = dt_read_vec(&r, DT_AMENDMENTS_MAX, &amendments)) != DT_OK ||
        (err = dt_read_vec(&r, DT_TRACE_MAX, &trace)) != DT_OK ||
        (err = dt_read_u32(&r, &how)) != DT_OK ||
        (err = dt_read_vec(&r, DT_TLOG_PROOF_MAX, &tlog_proof)) != DT_OK ||
        (err = dt_read_sub(&r, DT_PROOF_MAX, &letters)) != DT_OK ||
        (err = dt_read_sub(&r, DT_PROOF_MAX, &words)) != DT_OK ||
        (err = dt_read_end(&r)) != DT_OK ||
        (err = check_charter(c, charter, amendments, known, forum, v)) != DT_OK ||
        (err = check_letters(c, letters, v->forum)) != DT_OK ||
        (err = dt_trace_decode(trace, v->forum, &v->trace)) != DT_OK ||
        (err = check_author(c, v, tlog_proof, how)) != DT_OK || (err = say_subject(c, v)) != DT_OK)
        return err;
    for (size_t i = 0; words.n > 0; i++) {
        if (i == DT_TRACE_WORDS)
            return dt_fail(DT_ERR_LIMIT, "more than %u say so", DT_TRACE_WORDS);
        if ((err = dt_read_vec(&words, DT_DESTROYED_LEN, &word)) != DT_OK ||
            (err = check_word(c, word, v)) != DT_OK)
            return dt_fail_context(err, "word %zu", i + 1);
    }
    for (size_t i = 0; i < c->n_letters; i++)
        if (!c->letters[i].used)
            return dt_fail(DT_ERR_FORMAT, "letter %zu: of nobody in the file", i + 1);
    if ((err = dt_buf_printf(&v->findings,
                             "shown is that there was a record and by which rule it went; not what "
                             "it said, nor of what kind it was\n")) != DT_OK)
        return err;
    v->code = forum != NULL ? DT_VERDICT_VERIFIED : DT_VERDICT_WHOSE;
    return DT_OK;
}

enum dt_err
dt_trace_proof_verify(struct dt_view file, const uint8_t *forum, struct dt_view known,
                      struct dt_trace_verdict *out)
{
    DT_CLEANUP(check_free_p) struct check *c = dt_alloc(1, sizeof *c);
    DT_CLEANUP(dt_trace_verdict_clear) struct dt_trace_verdict v;
    enum dt_err err;

    init_verdict(&v);
    if (c == NULL)
        return dt_nomem();
    err = verify(file, forum, known, c, &v);
    if (err == DT_ERR_NOMEM || err == DT_ERR_INTERNAL)
        return err;
    if (err != DT_OK) {
        /* Nothing of a refused file is given on but why it was refused. */
        dt_trace_verdict_clear(&v);
        init_verdict(&v);
        v.code = DT_VERDICT_REFUSED;
        if ((err = dt_buf_append(&v.reason, dt_view_str(dt_err_message()))) != DT_OK)
            return err;
    }
    *out = v;
    memset(&v, 0, sizeof v);
    return DT_OK;
}
