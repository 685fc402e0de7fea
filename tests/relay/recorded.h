/*
 * tests/relay/recorded.h - what is in the recorded stores of earlier versions (data/README.md):
 * everything but what a relay draws itself follows from numbers, so that record_store.c hands it in
 * and test_upgrade.c asks for it.
 *
 * For cmocka tests: include after cmocka.h.
 */
#ifndef DT_TESTS_RELAY_RECORDED_H
#define DT_TESTS_RELAY_RECORDED_H

#include <time.h>

#include "../base/folder.h"
#include "place.h"

#define RECORDED_QUEUES     2u
#define RECORDED_QUEUES_MAX 3u /* of the grant */
#define RECORDED_CELLS_MAX  20u
#define RECORDED_ENTRIES    260u
#define RECORDED_OPENING    "what a party opened to everyone\n"

/* How many cells are in queue ${q}. */
static inline uint64_t
recorded_cells(size_t q)
{
    return q == 0 ? 6 : 3;
}

/* Sizes at which some of the witnesses cosigned, and how many of the three. */
static const struct {
    uint64_t size;
    size_t witnesses;
} recorded_cosigned[] = {{60, 3}, {200, 3}, {257, 2}};

static inline void
recorded_hash(const char *what, uint64_t a, uint64_t b, uint8_t out[static 32])
{
    char text[96];

    (void)snprintf(text, sizeof(text), "recorded %s %llu %llu", what, (unsigned long long)a,
                   (unsigned long long)b);
    OK(dt_sha256(dt_view_str(text), out));
}

static inline void
recorded_queue(size_t q, struct fixture_queue *out)
{
    memset(out, 0, sizeof(*out));
    recorded_hash("read", q, 0, out->read);
    recorded_hash("write", q, 0, out->write);
}

/* The cell at ${position} of queue ${q}, borrowing ${bytes}, and its append id. */
static inline void
recorded_append(size_t q, uint64_t position, uint8_t bytes[static 1536], struct dt_wire_append *out)
{
    uint8_t id[32];

    recorded_hash("id", q, position, id);
    memcpy(out->append_id, id, sizeof(out->append_id));
    out->cell = dt_view(bytes, 512 * (1 + position % 3));
    for (size_t i = 0; i < 1536; i += 32)
        recorded_hash("cell", 1000 * q + position, i, bytes + i);
}

/* Folder ${f->dir} with the witnesses' keys, which are the same each time; nothing is served. */
static inline void
recorded_begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    OK(dt_crypto_init());
    assert_true(test_folder(f->dir, sizeof(f->dir), "recorded"));
    (void)snprintf(f->store, sizeof(f->store), "%s/relay.db", f->dir);
    (void)snprintf(f->listen, sizeof(f->listen), "127.0.0.1:0");
    for (size_t i = 0; i < FIXTURE_PARTIES; i++) {
        uint8_t seed[32];
        char name[64];

        recorded_hash("witness", i, 0, seed);
        (void)snprintf(name, sizeof(name), "witness.%s", fixture_names[i]);
        OK(tlog_signer_from_seed(dt_view_str(name), TLOG_KEY_COSIGNATURE, dt_view_of(seed),
                                 &f->witness[i]));
        fixture_witness_key(f, i, &f->witness[i].vkey);
    }
    OK(dt_http_client_new(NULL, &f->http));
}

/* The first ${n} witnesses cosign what is held. */
static inline void
recorded_cosign(struct fixture *f, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf held = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};

    OK(dt_register_checkpoint(f->http, f->register_url, DT_CHECKPOINT_HELD, &held));
    OK(tlog_note_parse(dt_buf_view(&held), &parsed));
    OK(dt_buf_append(&note, dt_buf_view(&held)));
    for (size_t i = 0; i < n; i++)
        OK(tlog_cosign(&f->witness[i], parsed.text, (uint64_t)time(NULL), &note));
    OK(dt_register_cosign(f->http, f->register_url, dt_buf_view(&note)));
}

#endif
