/*
 * log/note.h - signed notes: text with signature lines, verifier keys and signing keys.
 *
 * Source: c2sp.org/signed-note, types 0x01 (Ed25519 on the text) and 0x04 (see cosignature.h).
 * Layer: log.
 *
 *     text, ends in LF
 *     LF
 *     U+2014 SP name SP base64(key id[4] || signature) LF       one or more
 */
#ifndef DT_LOG_NOTE_H
#define DT_LOG_NOTE_H

#include "crypto/crypto.h"
#include "log/limits.h"

/* Signature types; others are UNSUPPORTED in keys, and ignored as unknown in signature lines. */
enum tlog_key_type {
    TLOG_KEY_ED25519 = 0x01,     /* a log's key */
    TLOG_KEY_COSIGNATURE = 0x04, /* a witness's key */
};

/* ---- keys ---- */

/* A verifier key. Plain data; name is NUL-terminated. */
struct tlog_vkey {
    char name[TLOG_NAME_MAX + 1];
    enum tlog_key_type type;
    uint32_t id; /* first 4 bytes of SHA-256(name || LF || type || pub) */
    uint8_t pub[DT_ED25519_PUB];
};

/* Is ${name} usable as a key name: not empty, at most TLOG_NAME_MAX bytes, valid UTF-8, no '+', no
 * Unicode space, no control character? */
bool tlog_name_valid(struct dt_view name);

/* Build the key of ${name} and ${pub}, computing its id. FORMAT (name), AUTH (no usable public
 * key). */
DT_MUST_CHECK enum dt_err tlog_vkey_init(struct tlog_vkey *out, struct dt_view name,
                                         enum tlog_key_type type,
                                         const uint8_t pub[static DT_ED25519_PUB]);

/* Parse "name+hhhhhhhh+base64(type || pub)". FORMAT (also: id does not fit the key), AUTH (public
 * key of small order or not canonical), UNSUPPORTED (other types). */
DT_MUST_CHECK enum dt_err tlog_vkey_parse(struct dt_view text, struct tlog_vkey *out);

/* Append ${key} as text, without LF. */
DT_MUST_CHECK enum dt_err tlog_vkey_write(const struct tlog_vkey *key, struct dt_buf *out);

/* Same name, type and public key? */
bool tlog_vkey_equal(const struct tlog_vkey *a, const struct tlog_vkey *b);

/* A signing key. All zero is empty; release with tlog_signer_clear(). */
struct tlog_signer {
    struct tlog_vkey vkey;
    struct dt_secret seed;
};
void tlog_signer_clear(struct tlog_signer *s);

/* A fresh key. ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err tlog_signer_new(struct dt_view name, enum tlog_key_type type,
                                          struct tlog_signer *out);

/* The key with the 32-byte ${seed}. ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err tlog_signer_from_seed(struct dt_view name, enum tlog_key_type type,
                                                struct dt_view seed, struct tlog_signer *out);

/* Parse "PRIVATE+KEY+name+hhhhhhhh+base64(type || seed)". Errors as tlog_vkey_parse(). The caller
 * wipes
 * ${text}. */
DT_MUST_CHECK enum dt_err tlog_signer_parse(struct dt_view text, struct tlog_signer *out);

/* Append the key as such text, without LF; the caller wipes ${out}. */
DT_MUST_CHECK enum dt_err tlog_signer_write(const struct tlog_signer *s, struct dt_buf *out);

/* ---- notes ---- */

/* One signature line of a parsed note. */
struct tlog_sig {
    struct dt_view name; /* borrowed from the note's bytes */
    uint32_t id;
    struct dt_view sig;  /* without the key id; borrowed from tlog_note.store */
    struct dt_view line; /* the whole line with its LF, borrowed from the note's bytes */
};

/* A parsed note: nothing in it is verified yet. Views point into the bytes it was parsed from. */
struct tlog_note {
    struct dt_view text; /* with its final LF */
    struct tlog_sig *sigs;
    size_t n_sigs;
    struct dt_buf store;
};
void tlog_note_clear(struct tlog_note *note);

/* Is ${text} fit to be signed as a note: ends in LF, valid UTF-8, LF the only control below 0x20?
 */
bool tlog_text_valid(struct dt_view text);

/* Parse ${bytes}, which must outlive ${out} (empty on entry). FORMAT, LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err tlog_note_parse(struct dt_view bytes, struct tlog_note *out);

/* Parse lone signature lines (the answer of a witness) into ${out}, whose text is empty. */
DT_MUST_CHECK enum dt_err tlog_note_parse_lines(struct dt_view lines, struct tlog_note *out);

/* What one key says about a note. */
struct tlog_verified {
    bool ok;       /* a line of this key is there, and every one of them verifies */
    uint64_t time; /* type 0x04: earliest time among its lines, in seconds; else 0 */
};

/* Check all lines of ${key} in ${note}, over ${text} (pass note->text). No line: DT_OK and out->ok
 * false. AUTH when a line of this key fails: refuse the whole note then. */
DT_MUST_CHECK enum dt_err tlog_note_check(const struct tlog_note *note, struct dt_view text,
                                          const struct tlog_vkey *key, struct tlog_verified *out);

/* Check against ${n} keys; out[i] (may be NULL) is for keys[i]. AUTH when a known key's line fails
 * or no key signed; then nothing of the note may be used. */
DT_MUST_CHECK enum dt_err tlog_note_verify(const struct tlog_note *note,
                                           const struct tlog_vkey *keys, size_t n,
                                           struct tlog_verified *out);

/* Append the note ${bytes} with those of its lines alone that bear name and id of one of ${n}
 * ${keys}; none is verified. FORMAT, LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err tlog_note_keep(struct dt_view bytes, const struct tlog_vkey *keys,
                                         size_t n, struct dt_buf *out);

/* Append a signature line by ${s} (type 0x01) on ${text}. STATE (other type), FORMAT (text). */
DT_MUST_CHECK enum dt_err tlog_note_sign_line(const struct tlog_signer *s, struct dt_view text,
                                              struct dt_buf *out);

/* Append the whole note: ${text}, empty line, signature line by ${s}. */
DT_MUST_CHECK enum dt_err tlog_note_sign(const struct tlog_signer *s, struct dt_view text,
                                         struct dt_buf *out);

/* Append a line "U+2014 name base64(id || sig)". */
DT_MUST_CHECK enum dt_err tlog_sig_line_write(const struct tlog_vkey *key, struct dt_view sig,
                                              struct dt_buf *out);

#endif
