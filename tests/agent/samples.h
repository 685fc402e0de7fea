/*
 * tests/agent/samples.h - one valid value of each structure of the agent's codecs, from fixed keys,
 * and the checks that every codec passes. Used by the tests and by the program that writes the fuzz
 * seeds.
 */
#ifndef DT_TESTS_AGENT_SAMPLES_H
#define DT_TESTS_AGENT_SAMPLES_H

#include "agent/form/cell.h"
#include "agent/form/founding.h"
#include "agent/form/inbox_message.h"
#include "agent/form/payload.h"
#include "agent/form/voucher.h"
#include "agent/form/warrant.h"

#define SAMPLE_TIME UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

/* ${n} bytes that differ by ${tag}. */
void sample_bytes(uint8_t *out, size_t n, uint8_t tag);

/* A fixed Ed25519 key: seed of 32 times ${tag}. */
struct dt_view sample_seed(uint8_t tag);
struct dt_view sample_pub(uint8_t tag);

/* Some bytes where a letter stands; these codecs do not look inside. */
struct dt_view sample_letter(void);

/* Signed by key 1. */
void sample_voucher(struct dt_voucher *v);
/* Three members of parties 0, 1, 2; member i signs with key 10 + i when bit i of ${signers} is set.
 */
void sample_founding(struct dt_founding *f, unsigned int signers);
void sample_forum_ext(struct dt_forum_ext *x);
/* Signed by key 2. */
void sample_approval(struct dt_approval *a, bool by_root);
void sample_leave(struct dt_leave *l);
void sample_rejoin(struct dt_rejoin *x);
/* Every kind of ground. ${store} owns the bodies. */
void sample_warrant(struct dt_warrant *w, struct dt_buf *store);
/* A message of ${kind}; ${store} owns what its views point to. Requests are signed by key 3. */
void sample_inbox_message(struct dt_inbox_message *m, enum dt_inbox_kind kind,
                          struct dt_buf *store);
/* Every kind of payload, and what each is called. */
extern const enum dt_payload_kind sample_payload_kinds[];
extern const char *const sample_payload_names[];
extern const size_t n_sample_payloads;
void sample_payload(struct dt_payload *p, enum dt_payload_kind kind);
void sample_queue_keys(struct dt_queue_keys *k, uint8_t tag);
void sample_queue_ext(struct dt_queue_ext *x, bool begins_here);
/* The founding list with all signatures, its letters, two warrants. ${founding} and ${warrants} own
 * bytes. */
void sample_history(struct dt_history *h, struct dt_buf *founding, struct dt_buf *warrants);

/* The encodings, appended to ${out}; each as its sample. */
void sample_credential_bytes(struct dt_buf *out);

/* Decode ${bytes} and append the encoding of what came out. */
typedef enum dt_err (*codec_again)(struct dt_view bytes, struct dt_buf *again);
/* Decode ${bytes} and check every signature in it. */
typedef enum dt_err (*codec_verify)(struct dt_view bytes);

/**
 * codec_check(again, bytes):
 * ${bytes} is accepted and comes back the same; every shorter prefix and every longer string is
 * refused; with any one bit turned it is refused or comes back as it then is (one encoding only).
 */
void codec_check(codec_again again, struct dt_view bytes);

/* codec_verify says yes to ${bytes} and no with any one bit turned. */
void codec_check_signed(codec_verify verify, struct dt_view bytes);

#endif
