/*
 * tests/vectors/kind_tlog_note.c - signed notes, keys, checkpoints, cosignatures.
 */
#include <string.h>

#include "base/text.h"
#include "log/checkpoint.h"
#include "log/cosignature.h"

#include "kind_tlog.h"

#define KEYS_MAX 16

static struct dt_view
str_view(const json_t *v)
{
    return dt_view((const uint8_t *)json_string_value(v), json_string_length(v));
}

/* The keys of ${list}; the error of the first that is none. */
static enum dt_err
read_keys(const json_t *list, struct tlog_vkey *keys, size_t *n)
{
    const json_t *v;
    size_t i;

    *n = 0;
    json_array_foreach(list, i, v)
    {
        enum dt_err err;

        if (i == KEYS_MAX || !json_is_string(v))
            return dt_fail(DT_ERR_FORMAT, "keys of the case");
        err = tlog_vkey_parse(str_view(v), &keys[i]);
        if (err != DT_OK)
            return err;
        (*n)++;
    }
    return DT_OK;
}

/* Is "name+id" of ${name} and ${id} in ${list}? */
static bool
names_key(struct vector_run *run, const json_t *list, struct dt_view name, uint32_t id)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
    const json_t *entry;
    bool found = false;
    size_t i;

    if (!vec_ok(run, dt_buf_append(&text, name), "name") ||
        !vec_ok(run, dt_buf_printf(&text, "+%08x", id), "name"))
        return false;
    json_array_foreach(list, i, entry) found =
        found || (json_is_string(entry) && dt_view_equal(str_view(entry), dt_buf_view(&text)));
    return found;
}

/* Does ${list} hold exactly the keys that have signed, as "name+id"? */
static void
check_verified(struct vector_run *run, const json_t *list, const struct tlog_vkey *keys,
               const struct tlog_verified *v, size_t n)
{
    size_t want = json_array_size(list), got = 0;

    for (size_t i = 0; i < n; i++) {
        if (!v[i].ok)
            continue;
        got++;
        (void)vec_check(run, names_key(run, list, dt_view_str(keys[i].name), keys[i].id),
                        "a key counts that should not");
    }
    (void)vec_check(run, got == want, "%zu keys count, not %zu", got, want);
}

/* Does ${list} hold exactly the lines that no key of ours is named by? */
static void
check_unverified(struct vector_run *run, const json_t *list, const struct tlog_note *note,
                 const struct tlog_vkey *keys, size_t n)
{
    size_t got = 0;

    for (size_t i = 0; i < note->n_sigs; i++) {
        const struct tlog_sig *sig = &note->sigs[i];
        bool known = false;

        for (size_t k = 0; k < n; k++)
            known = known ||
                    (keys[k].id == sig->id && dt_view_equal(sig->name, dt_view_str(keys[k].name)));
        if (known)
            continue;
        got++;
        (void)vec_check(run, names_key(run, list, sig->name, sig->id),
                        "a line is a stranger's that should not be");
    }
    (void)vec_check(run, got == json_array_size(list), "%zu strangers' lines, not %zu", got,
                    json_array_size(list));
}

/* ${bytes} under ${keys}: the verdict, and for good ones that ${c} describes (may be NULL) the
 * text, the keys that count and the lines of strangers. */
static void
check_note(struct vector_run *run, struct dt_view bytes, const json_t *vkeys, bool want,
           const json_t *c)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_vkey keys[KEYS_MAX];
    struct tlog_verified v[KEYS_MAX];
    size_t n = 0;
    enum dt_err err = read_keys(vkeys, keys, &n);

    if (err == DT_OK)
        err = tlog_note_parse(bytes, &note);
    if (err == DT_OK)
        err = tlog_note_verify(&note, keys, n, v);
    (void)vec_check(run,
                    err == DT_OK || err == DT_ERR_FORMAT || err == DT_ERR_AUTH ||
                        err == DT_ERR_LIMIT || err == DT_ERR_UNSUPPORTED,
                    "error %s", dt_err_name(err));
    (void)vec_check(run, (err == DT_OK) == want, "%s (%s)", err == DT_OK ? "accepted" : "refused",
                    err == DT_OK ? "" : dt_err_message());
    if (err == DT_OK && c != NULL) {
        struct dt_view text = {NULL, 0};

        check_verified(run, json_object_get(c, "verified"), keys, v, n);
        check_unverified(run, json_object_get(c, "unverified"), &note, keys, n);
        if (vec_str(run, c, "text", &text))
            (void)vec_equal(run, "text", note.text, text);
    }
}

void
vec_published_notes(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        struct dt_view note = {NULL, 0};
        const json_t *vkeys = NULL;
        bool ok = false;

        vec_case(run, "%zu", i);
        if (vec_array(run, c, "vkeys", &vkeys) && vec_str(run, c, "note", &note) &&
            vec_bool(run, c, "ok", &ok))
            check_note(run, note, vkeys, ok, NULL);
        vec_end(run);
    }
}

void
vec_gen_notes(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf note = VEC_BUF;
        const json_t *vkeys = NULL;
        bool ok = false;

        vec_case(run, "%zu", i);
        if (vec_array(run, c, "vkeys", &vkeys) && vec_base64(run, c, "note_b64", &note) &&
            vec_bool(run, c, "ok", &ok))
            check_note(run, dt_buf_view(&note), vkeys, ok, ok ? c : NULL);
        vec_end(run);
    }
}

static void
check_body(struct vector_run *run, const json_t *c, struct dt_view body)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf again = VEC_BUF;
    struct tlog_checkpoint cp;
    enum dt_err err = tlog_checkpoint_parse(body, &cp);
    /* null: left open by the specification; then the note gives our rule, which is to refuse. */
    bool want = json_is_true(json_object_get(c, "spec_ok"));

    (void)vec_check(run, err == DT_OK || err == DT_ERR_FORMAT || err == DT_ERR_RANGE, "error %s",
                    dt_err_name(err));
    if (!vec_check(run, (err == DT_OK) == want, "%s", err == DT_OK ? "accepted" : "refused") ||
        err != DT_OK)
        return;
    if (vec_ok(run, tlog_checkpoint_write(&cp, &again), "write"))
        (void)vec_equal(run, "written again", dt_buf_view(&again), body);
    if (json_object_get(c, "origin") != NULL) {
        struct dt_view origin = {NULL, 0}, extension = {NULL, 0};
        struct tlog_hash root;
        uint64_t size = 0;
        bool fits = true;

        if (vec_str(run, c, "origin", &origin) && vec_u64(run, c, "size", &size) &&
            vec_hash(run, c, "root", &root, &fits) && vec_str(run, c, "extension", &extension)) {
            (void)vec_equal(run, "origin", dt_view_str(cp.origin), origin);
            (void)vec_check(run, cp.size == size, "size");
            (void)vec_equal(run, "root", tlog_hash_view(&cp.root), tlog_hash_view(&root));
            (void)vec_equal(run, "extension", cp.extension, extension);
        }
    }
}

void
vec_checkpoint_bodies(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        struct dt_view body = {NULL, 0};

        vec_case(run, "%zu", i);
        if (vec_str(run, c, "body", &body))
            check_body(run, c, body);
        vec_end(run);
    }
}

/* One line of keys.jsonl: seed, name and type give the vkey, and all text forms come back. */
static bool
read_signer(struct vector_run *run, const json_t *c, struct tlog_signer *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf seed = VEC_BUF;
    struct dt_view name = {NULL, 0};
    uint64_t type = 0;

    return vec_hex(run, c, "seed", &seed) && vec_str(run, c, "name", &name) &&
           vec_u64(run, c, "type", &type) &&
           vec_ok(run,
                  tlog_signer_from_seed(name, (enum tlog_key_type)type, dt_buf_view(&seed), out),
                  "key");
}

void
vec_keys(struct vector_run *run, const char *path, const json_t *cases)
{
    const json_t *c;
    size_t i;

    (void)path;
    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer again = {0};
        DT_CLEANUP(dt_buf_clear) struct dt_buf text = VEC_BUF;
        DT_CLEANUP(dt_buf_clear) struct dt_buf skey = VEC_BUF;
        struct dt_view vkey = {NULL, 0};
        struct tlog_vkey parsed;

        vec_case(run, "%zu", i);
        if (read_signer(run, c, &s) && vec_str(run, c, "vkey", &vkey) &&
            vec_ok(run, tlog_vkey_write(&s.vkey, &text), "write") &&
            vec_equal(run, "vkey", dt_buf_view(&text), vkey) &&
            vec_ok(run, tlog_vkey_parse(vkey, &parsed), "parse") &&
            vec_check(run, tlog_vkey_equal(&parsed, &s.vkey), "parsed key differs") &&
            vec_ok(run, tlog_signer_write(&s, &skey), "write private key") &&
            vec_ok(run, tlog_signer_parse(dt_buf_view(&skey), &again), "parse private key"))
            (void)vec_check(run, tlog_vkey_equal(&again.vkey, &s.vkey), "private key differs");
        vec_end(run);
    }
}

static void
check_cosignature(struct vector_run *run, const json_t *c, const struct tlog_signer *s)
{
    DT_CLEANUP(tlog_note_clear) struct tlog_note lines = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf message = VEC_BUF;
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = VEC_BUF;
    struct dt_view body = {NULL, 0}, want_message = {NULL, 0}, want_line = {NULL, 0},
                   vkey = {NULL, 0};
    struct tlog_verified v;
    struct tlog_vkey key;
    uint64_t time = 0;

    if (!vec_str(run, c, "body", &body) || !vec_str(run, c, "signed_message", &want_message) ||
        !vec_str(run, c, "line", &want_line) || !vec_str(run, c, "vkey", &vkey) ||
        !vec_u64(run, c, "timestamp", &time))
        return;
    if (vec_ok(run, tlog_cosignature_message(body, time, &message), "message"))
        (void)vec_equal(run, "message", dt_buf_view(&message), want_message);
    if (vec_ok(run, tlog_cosign(s, body, time, &line), "cosign"))
        (void)vec_equal(run, "line", dt_buf_view(&line), want_line);
    if (vec_ok(run, tlog_vkey_parse(vkey, &key), "key") &&
        vec_ok(run, tlog_note_parse_lines(want_line, &lines), "line") &&
        vec_ok(run, tlog_note_check(&lines, body, &key, &v), "verify"))
        (void)vec_check(run, v.ok && v.time == time, "cosignature does not count");
}

void
vec_cosignatures(struct vector_run *run, const char *path, const json_t *cases)
{
    json_t *keys = NULL;
    const json_t *c, *k;
    size_t i, j;

    json_array_foreach(cases, i, c)
    {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
        struct dt_view witness = {NULL, 0}, name = {NULL, 0};
        bool found = false;

        vec_case(run, "%zu", i);
        if (i == 0 && (keys = vec_file_json(run, path, "keys.jsonl")) == NULL)
            return;
        if (vec_str(run, c, "witness", &witness)) {
            json_array_foreach(keys, j, k) if (!found && vec_str(run, k, "name", &name) &&
                                               dt_view_equal(name, witness)) found =
                read_signer(run, k, &s);
            if (vec_check(run, found, "the witness has no key in keys.jsonl"))
                check_cosignature(run, c, &s);
        }
        vec_end(run);
    }
    json_decref(keys);
}
