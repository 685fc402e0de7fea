/*
 * tests/relay/place.h - a store with one register, without HTTP, and who may append to it.
 *
 * For cmocka tests: include after cmocka.h.
 */
#ifndef DT_TESTS_RELAY_PLACE_H
#define DT_TESTS_RELAY_PLACE_H

#include "../base/folder.h"
#include "relay/handlers.h"
#include "relay_fixture.h"

#define WITNESSES 3

/* The folder, the store's path in it, the witnesses' keys, what was granted. */
struct place {
    char dir[64], path[FIXTURE_STORE];
    uint8_t seed[WITNESSES][DT_ED25519_SEED];
    struct tlog_signer witness[WITNESSES];
    struct dt_grant grant;
    uint8_t key_hash[32];
};

static inline void
place_keys(struct place *p)
{
    for (size_t i = 0; i < WITNESSES; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "witness.%s", fixture_names[i]);
        OK(tlog_signer_from_seed(dt_view_str(name), TLOG_KEY_COSIGNATURE, dt_view_of(p->seed[i]),
                                 &p->witness[i]));
    }
}

/* Folder and keys; nothing is in the folder yet. */
static inline void
place_make(struct place *p)
{
    memset(p, 0, sizeof(*p));
    OK(dt_crypto_init());
    assert_true(test_folder(p->dir, sizeof(p->dir), "register"));
    fixture_store(p->dir, p->path);
    for (size_t i = 0; i < WITNESSES; i++)
        OK(dt_random(p->seed[i], sizeof(p->seed[i])));
    place_keys(p);
}

/* The grant of one party, which may append ${daily} entries a day and make ${queues} queues of
 * ${cells} cells. What the store says. */
static inline enum dt_err
place_grant(struct place *p, struct dt_relay_store *s, uint32_t daily, uint64_t queues,
            uint64_t cells)
{
    struct dt_grant_witness witnesses[WITNESSES] = {0};
    const char *party = "north";
    struct dt_grant_order order = {.url = "http://a",
                                   .parties = &party,
                                   .n_parties = 1,
                                   .witnesses = witnesses,
                                   .n_witnesses = WITNESSES,
                                   .daily_entries = daily,
                                   .bounds.queues = queues,
                                   .bounds.queue_cells = cells};
    enum dt_err err;

    for (size_t i = 0; i < WITNESSES; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf vkey = DT_BUF_INIT(DT_GRANT_VKEY_MAX);

        OK(tlog_vkey_write(&p->witness[i].vkey, &vkey));
        (void)snprintf(witnesses[i].group, sizeof(witnesses[i].group), "%s", fixture_names[i]);
        (void)snprintf(witnesses[i].vkey, sizeof(witnesses[i].vkey), "%.*s", (int)vkey.n,
                       (const char *)vkey.p);
    }
    if ((err = dt_relay_store_grant(s, &order, &p->grant)) == DT_OK)
        OK(dt_sha256(dt_view_of(p->grant.append_key), p->key_hash));
    return err;
}

static inline void
place_begin(struct place *p, uint32_t daily)
{
    struct dt_relay_store_config config = {.create = true};
    struct dt_relay_store *s = NULL;

    place_make(p);
    config.path = p->path;
    OK(dt_relay_store_open(&config, &s));
    OK(place_grant(p, s, daily, 1, 1));
    dt_relay_store_close(s);
}

static inline void
place_end(struct place *p)
{
    for (size_t i = 0; i < WITNESSES; i++)
        tlog_signer_clear(&p->witness[i]);
    fixture_remove_dir(p->dir);
}

static inline struct dt_relay_store *
place_open(const struct place *p, int64_t *reg)
{
    struct dt_relay_store_config config = {.path = p->path};
    struct dt_relay_store_register row = {0};
    struct dt_relay_store *s = NULL;
    uint8_t id[DT_REGISTER_ID];

    OK(dt_relay_store_open(&config, &s));
    OK(dt_hex_read_fixed(id, sizeof(id), dt_view_str(p->grant.register_id)));
    OK(dt_relay_store_register(s, id, &row));
    *reg = row.id;
    return s;
}

static inline void
seal_of(uint64_t i, uint8_t seal[static 32])
{
    uint8_t number[8];

    for (size_t k = 0; k < 8; k++)
        number[k] = (uint8_t)(i >> (8 * k));
    OK(dt_sha256(dt_view_of(number), seal));
}

static inline void
leaf_of(uint64_t i, struct tlog_hash *leaf)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf entry = DT_BUF_INIT(64);
    uint8_t seal[32];

    seal_of(i, seal);
    OK(dt_wire_entry_encode(seal, &entry));
    OK(tlog_leaf_hash(dt_buf_view(&entry), leaf));
}

static inline void
entry_job(const struct place *p, int64_t reg, uint64_t i, struct dt_relay_store_job *job)
{
    memset(job, 0, sizeof(*job));
    job->kind = DT_JOB_ENTRY;
    job->u.entry.reg = reg;
    memcpy(job->u.entry.key_hash, p->key_hash, 32);
    seal_of(i, job->u.entry.seal);
}

/* A job in which the first ${n} witnesses cosign ${note} at ${time_s}; it borrows from ${cosigned},
 * which is empty on entry. What ${s} says of its policy. */
static inline enum dt_err
place_cosign_job(const struct place *p, struct dt_relay_store *s, int64_t reg, struct dt_view note,
                 uint64_t time_s, size_t n, struct dt_buf *cosigned, struct dt_relay_store_job *job)
{
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note parsed = {0};
    enum dt_err err;

    memset(job, 0, sizeof(*job));
    job->kind = DT_JOB_COSIGN;
    job->u.cosign.reg = reg;
    if ((err = dt_relay_store_policy(s, reg, &policy)) != DT_OK)
        return err;
    OK(tlog_note_parse(note, &parsed));
    OK(dt_buf_append(cosigned, note));
    for (size_t i = 0; i < n; i++)
        OK(tlog_cosign(&p->witness[i], parsed.text, time_s, cosigned));
    OK(relay_cosign_read(&policy, dt_buf_view(cosigned), job));
    return DT_OK;
}

#endif
