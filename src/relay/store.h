/*
 * relay/store.h - what a relay keeps: grants, queues with their cells, registers with their trees.
 *
 * Source: docs/protocol-relay.md. Layer: relay. Behind it: store_sqlite.c (one file, one machine).
 *
 * Writes are jobs, run many at a time in one transaction (dt_relay_store_run), so that one sync to
 * disk serves them all; DT_OK from it means the batch is on disk. A register's new checkpoint is
 * signed inside the same transaction. Reads see what was committed.
 *
 * Threads: dt_relay_store_run() and dt_relay_store_grant() belong to one thread, all reads to one
 * (other) thread.
 */
#ifndef DT_RELAY_STORE_H
#define DT_RELAY_STORE_H

#include "base/time.h"
#include "log/cosignature.h"
#include "log/policy.h"
#include "log/tile.h"
#include "net/grant.h"
#include "net/relay_wire.h"
#include "relay/limits.h"

struct dt_relay_store;

struct dt_relay_store_config {
    const char *path;
    bool create;           /* make it if it is not there */
    struct dt_clock clock; /* zero: the system's */
};

/* Errors: NOT_FOUND, UNSUPPORTED (of a newer version), FORMAT (not a relay's store), IO, BUSY,
 * NOMEM. */
DT_MUST_CHECK enum dt_err dt_relay_store_open(const struct dt_relay_store_config *config,
                                              struct dt_relay_store **out);
void dt_relay_store_close(struct dt_relay_store *s);

/**
 * dt_relay_store_check(s, out_registers):
 * Check every register: the root that its tiles give is the one last signed. CONFLICT names the
 * register.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_check(struct dt_relay_store *s, size_t *out_registers);

/* ---- grants ---- */

/* What an operator gives: the base URL, the parties' names, witnesses with their groups, limits. */
struct dt_grant_order {
    const char *url;
    const char *const *parties;
    size_t n_parties;
    const struct dt_grant_witness *witnesses;
    const char *const
        *witness_urls; /* of each, where it is asked; "", or no list: it comes itself */
    size_t n_witnesses;
    bool read_key;             /* reading the register needs a key, which is made */
    struct dt_cadence cadence; /* of each party's entries; nothing: as they come */
    uint32_t daily_entries;
    uint64_t queues_max, queue_cells_max;
    /* The entries of a lost register that this one continues, 33 bytes each; empty: it is new.
     * Where
     * ${root} is not NULL it must be theirs. */
    struct dt_view entries;
    const struct tlog_hash *root;
};

/**
 * dt_relay_store_grant(s, order, out):
 * Make a register with its key and first signed checkpoint, of size 0 or of the entries that it
 * continues, a queue token and the append keys, all in one transaction; ${out} holds one struct for
 * each party. Only hashes of the tokens stay in the store. Errors: USAGE (a name, vkey or URL is
 * wrong, a party or witness twice), FORMAT, CONFLICT, PROOF (the entries), IO, NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_grant(struct dt_relay_store *s,
                                               const struct dt_grant_order *order,
                                               struct dt_grant *out);

/* ---- jobs ---- */

enum dt_job_kind { DT_JOB_CREATE = 1, DT_JOB_APPEND, DT_JOB_ENTRY, DT_JOB_COSIGN, DT_JOB_OPENING };

/* A cosignature that was verified. */
struct dt_relay_store_cosignature {
    uint32_t key_id;
    uint32_t side; /* place among the policy's sides */
    uint64_t time_s;
    struct dt_view line; /* with its LF; borrowed */
};

struct dt_relay_store_job {
    enum dt_job_kind kind;
    union {
        struct {
            uint8_t token_hash[32], read_hash[32], write_hash[32];
            uint8_t address[32]; /* out */
            bool existed;        /* out */
        } create;
        struct {
            int64_t queue;
            uint8_t append_id[DT_RELAY_APPEND_ID];
            struct dt_view cell; /* borrowed until done */
            uint64_t position;   /* out */
            bool existed;        /* out */
        } append;
        struct {
            int64_t reg;
            uint8_t key_hash[32]; /* of the append key, for its quota */
            uint8_t seal[32];
            bool urgent;      /* taken although no slot of the cadence is due */
            uint64_t index;   /* out */
            bool existed;     /* out */
            uint64_t wait_ms; /* out, with BUSY: to the key's next slot; 0: it is the quota */
        } entry;
        struct {
            int64_t reg;
            uint64_t size;
            struct tlog_hash root;
            struct dt_relay_store_cosignature sigs[DT_GRANT_WITNESS_MAX];
            size_t n_sigs;
            bool changed; /* out: there is a line that was not there, or an earlier one */
        } cosign;
        struct {
            int64_t reg;
            uint8_t key_hash[32]; /* of the append key, for its quota */
            uint8_t name[32];     /* SHA-256 of the file */
            struct dt_view file;  /* borrowed until done */
            bool existed;         /* out */
        } opening;
    } u;
    enum dt_err
        result; /* out: OK; REFUSED (token, key, or not a checkpoint signed here), CONFLICT (append
                 * id with other bytes), LIMIT (full), BUSY (quota, cadence), NOT_FOUND; STATE: the
                 * batch failed, nothing of it is stored, trying again may help */
    bool disk_full;                               /* out: that is why */
    void (*done)(struct dt_relay_store_job *job); /* called by the writer after the commit */
    void *ctx;
    struct dt_relay_store_job *next; /* the writer's */
};

/* Run ${n} jobs in one transaction and set each one's result. What is returned concerns the
 * transaction: unless it is DT_OK nothing was stored, and every result is STATE. */
DT_MUST_CHECK enum dt_err dt_relay_store_run(struct dt_relay_store *s,
                                             struct dt_relay_store_job *const *jobs, size_t n);

/* ---- reads ---- */

struct dt_relay_store_queue {
    int64_t id;
    uint64_t grant;
    uint8_t read_hash[32], write_hash[32];
    uint64_t last; /* position of the last cell, 0 when empty */
};
/* NOT_FOUND, IO. */
DT_MUST_CHECK enum dt_err dt_relay_store_queue(struct dt_relay_store *s,
                                               const uint8_t address[static 32],
                                               struct dt_relay_store_queue *out);

/* Append to ${w} up to ${max} items after position ${after}, as many as keep it under ${max_bytes}
 * but at least one, in the form of relay_wire.h. */
DT_MUST_CHECK enum dt_err dt_relay_store_items(struct dt_relay_store *s, int64_t queue,
                                               uint64_t after, uint64_t max, size_t max_bytes,
                                               struct dt_writer *w);

struct dt_relay_store_register {
    int64_t id;
    uint64_t size; /* of the held checkpoint */
    bool read_key; /* reading needs a key, of this hash: */
    uint8_t read_hash[32];
};
DT_MUST_CHECK enum dt_err dt_relay_store_register(struct dt_relay_store *s,
                                                  const uint8_t id[static DT_REGISTER_ID],
                                                  struct dt_relay_store_register *out);

/* The id of the register in row ${reg}, which is in its path. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_register_id(struct dt_relay_store *s, int64_t reg,
                                                     uint8_t id[static DT_REGISTER_ID]);

/* May the append key with ${key_hash} append to ${reg}? REFUSED. */
DT_MUST_CHECK enum dt_err dt_relay_store_append_key(struct dt_relay_store *s, int64_t reg,
                                                    const uint8_t key_hash[static 32]);

/* The register after ${after} (0: the first) in the order in which they were made. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_next_register(struct dt_relay_store *s, int64_t after,
                                                       int64_t *out);

/* The largest size that the key with ${key_id} cosigned, and when; 0 and 0 when none. */
DT_MUST_CHECK enum dt_err dt_relay_store_cosigned(struct dt_relay_store *s, int64_t reg,
                                                  uint32_t key_id, uint64_t *out_size,
                                                  uint64_t *out_time_s);

/**
 * dt_relay_store_set_url(s, key, url, out_n):
 * From now on the witness with ${key} is asked at ${url} ("": it comes by itself), for all ${out_n}
 * registers whose policy names it. For a program that does not serve. NOT_FOUND (no register's
 * witness), USAGE (no URL), IO.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_set_url(struct dt_relay_store *s,
                                                 const struct tlog_vkey *key, const char *url,
                                                 size_t *out_n);

/* When any witness first cosigned the smallest cosigned size above ${size}; 0 when none did. */
DT_MUST_CHECK enum dt_err dt_relay_store_overtaken(struct dt_relay_store *s, int64_t reg,
                                                   uint64_t size, uint64_t *out_time_s);

/* The register's key and witness policy; ${out} is empty on entry. */
DT_MUST_CHECK enum dt_err dt_relay_store_policy(struct dt_relay_store *s, int64_t reg,
                                                struct tlog_policy *out);

enum dt_relay_store_which {
    DT_RELAY_STORE_HELD = 1,
    DT_RELAY_STORE_ATTESTED,
    DT_RELAY_STORE_FINAL,
    DT_RELAY_STORE_SIZE,
    DT_RELAY_STORE_BY
};

/* The checkpoint with all its cosignatures: the newest of its kind, the one of size ${arg}, or the
 * largest cosigned by the key whose id is ${arg}. ${out_size} its size. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_checkpoint(struct dt_relay_store *s, int64_t reg,
                                                    enum dt_relay_store_which which, uint64_t arg,
                                                    struct dt_buf *out, uint64_t *out_size);

/* The names of what was published beside the register, oldest first, a line of hex each, appended
 * to
 * ${out}; and one file by its name. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_openings(struct dt_relay_store *s, int64_t reg,
                                                  struct dt_buf *out);
DT_MUST_CHECK enum dt_err dt_relay_store_opening(struct dt_relay_store *s, int64_t reg,
                                                 const uint8_t name[static 32], struct dt_buf *out);

/* How long that file is, which costs no read of it. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_opening_size(struct dt_relay_store *s, int64_t reg,
                                                      const uint8_t name[static 32], uint64_t *out);

/**
 * dt_relay_store_check_pages(path):
 * Is the structure of the store ${path} whole, which may be in use meanwhile? Opening looks at a
 * small one, this at one that is checked in a moment (DT_DB_CHECK_MAX), and passes over a larger
 * one. FORMAT, IO, NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_check_pages(const char *path);

/* The inclusion proof of entry ${index} under ${size} and ${root}, and the leaf hash it is for
 * (${out_leaf} may be NULL). PROOF when the store's tiles do not lead to ${root}; RANGE. */
DT_MUST_CHECK enum dt_err dt_relay_store_inclusion(struct dt_relay_store *s, int64_t reg,
                                                   uint64_t index, uint64_t size,
                                                   const struct tlog_hash *root,
                                                   struct tlog_path *out,
                                                   struct tlog_hash *out_leaf);

/* Content of ${tile} (hashes or entries) appended to ${out}. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_tile(struct dt_relay_store *s, int64_t reg,
                                              const struct tlog_tile *tile, struct dt_buf *out);

#endif
