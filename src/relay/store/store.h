/*
 * relay/store/store.h - what a relay keeps: grants, queues with their cells, registers with their
 * trees.
 *
 * Source: docs/protocol-relay.md. Layer: relay. Behind it: one SQLite file for one
 * serving process, or a PostgreSQL database for any number of them; the SQL is written once.
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
struct relay_signer;

struct dt_relay_store_config {
    const char *path;      /* of a file, or postgres://... (pg/pg.h) */
    bool create;           /* make it if it is not there */
    bool unfinished;       /* the store may be a copy that is not complete; for who completes it */
    bool read_only;        /* only the reads are used; spares a database a connection */
    struct dt_clock clock; /* zero: the system's */
    bool carried;          /* one file on a stick: no -wal beside it, and each write leaves a mark
                            * (dt_relay_store_carried()). One that is such stays it, unless it may
                            * be made here: a server's is not */
    /* So much of the disk is kept for the registers: with less left no queue, cell or opening is
     * taken. DT_RELAY_RESERVE_STANDARD: 64 MiB, or a twentieth of the disk where that is less; 0:
     * nothing. */
    uint64_t reserve;
    uint64_t ids_kept_s; /* append ids, after their cells expired; 0: DT_RELAY_IDS_KEPT_S */
    /* Who signs checkpoints: a process of its own (borrowed); NULL: this one, with the sealing key,
     * which is read when it is needed. */
    struct relay_signer *signer;
    const char *sealing_key; /* its file; NULL: relay_sealing_key_path() */
};

/* Errors: NOT_FOUND, UNSUPPORTED (of a newer version), FORMAT (not a relay's store), IO, BUSY,
 * NOMEM. */
DT_MUST_CHECK enum dt_err dt_relay_store_open(const struct dt_relay_store_config *config,
                                              struct dt_relay_store **out);
void dt_relay_store_close(struct dt_relay_store *s);

/**
 * dt_relay_store_check(s, out_registers):
 * Check every register: the root that its tiles give is the one last signed, and stands in the
 * newest checkpoint, whose signature holds. CONFLICT names the register; REFUSED, where a process
 * signs: it signed more than the store has, or something else.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_check(struct dt_relay_store *s, size_t *out_registers);

/* ---- a store that is carried ---- */

#define DT_RELAY_MARK 16u

/* A place in the history of a carried store. Each write adds one with a mark that nobody else has:
 * so a copy that went on elsewhere, or a former state that was written to again, does not have the
 * marks of this one. */
struct dt_relay_store_mark {
    uint64_t seq;
    uint8_t mark[DT_RELAY_MARK];
};

/* The first place, which names the store and all its copies, and the last. STATE: not carried. */
DT_MUST_CHECK enum dt_err dt_relay_store_carried(struct dt_relay_store *s,
                                                 struct dt_relay_store_mark *out_first,
                                                 struct dt_relay_store_mark *out_last);

/* Is ${mark} in its history? */
DT_MUST_CHECK enum dt_err dt_relay_store_has_mark(struct dt_relay_store *s,
                                                  const struct dt_relay_store_mark *mark,
                                                  bool *out);
/* May a sealing key be made for the store at ${path}? Not when there is a seed that is sealed with
 * one. Also when there is no store yet. */
DT_MUST_CHECK enum dt_err dt_relay_store_may_make_key(const char *path, bool *out);

/* Seal the seeds in the store at ${path} that are not: stores of before had them as they are. What
 * they were is wiped from the file. Without a store there is nothing to do. AUTH: others are sealed
 * with another key. */
DT_MUST_CHECK enum dt_err dt_relay_store_seal_seeds(const char *path, struct dt_view key);

/* ---- grants ---- */

/* What a grant may use, and how long its cells are kept. 0 is no such limit, and for keep_s that
 * nothing expires. Times are of the relay serving, in seconds (see dt_relay_store_served()). */
struct dt_relay_bounds {
    uint64_t queues, queue_cells; /* queues; cells in each */
    uint64_t bytes, cells;        /* in all queues together */
    uint64_t rate, burst;         /* appends a second, and how many of them at once */
    uint64_t polls;               /* long polls at a time */
    uint64_t keep_s;              /* no cell goes before this age; then it does when */
    uint64_t keep_unread_s;       /* it has this age, or */
    uint64_t keep_cells;          /* so many came after it, or all readers acknowledged it */
};

/* What it uses. */
struct dt_relay_usage {
    uint64_t queues, bytes, cells;
};

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
    struct dt_relay_bounds bounds;
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

/* The grant of the register ${id}. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_grant_of(struct dt_relay_store *s,
                                                  const uint8_t id[static DT_REGISTER_ID],
                                                  uint64_t *out);

/* What ${grant} may use and (${out_use} may be NULL) uses. NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_relay_store_bounds(struct dt_relay_store *s, uint64_t grant,
                                                struct dt_relay_bounds *out,
                                                struct dt_relay_usage *out_use);

/**
 * dt_relay_store_set_bounds(s, grant, bounds):
 * From now on. Less than it uses takes nothing away. Where another time of keeping is stated, the
 * age of what is stored already counts from now, so that nothing goes at once. May run while
 * another process serves the store. NOT_FOUND, IO.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_set_bounds(struct dt_relay_store *s, uint64_t grant,
                                                    const struct dt_relay_bounds *bounds);

/* ---- jobs ---- */

/* What a job of result LIMIT ran into. */
enum dt_relay_bound {
    DT_BOUND_NONE = 0,
    DT_BOUND_QUEUES,      /* the grant's queues */
    DT_BOUND_QUEUE,       /* the queue's cells, or its bytes */
    DT_BOUND_GRANT_BYTES, /* of all queues of the grant */
    DT_BOUND_GRANT_CELLS,
    DT_BOUND_OPENINGS, /* the party's share of what is published */
    DT_BOUND_READERS   /* of the queue */
};

enum dt_job_kind {
    DT_JOB_CREATE = 1,
    DT_JOB_APPEND,
    DT_JOB_ENTRY,
    DT_JOB_COSIGN,
    DT_JOB_OPENING,
    DT_JOB_SERVED, /* the time that passed counts as time served */
    DT_JOB_ACK,
    DT_JOB_EXPIRE /* a small step in one queue */
};

/* A cosignature that was verified. */
struct dt_relay_store_cosignature {
    uint32_t key_id;
    uint32_t side; /* place among the policy's sides */
    uint64_t time_s;
    struct dt_view line; /* with its LF; borrowed */
};

/* One cell to be appended. */
struct dt_relay_store_append {
    uint8_t append_id[DT_RELAY_APPEND_ID];
    struct dt_view cell; /* borrowed until done */
    uint64_t position;   /* out */
    bool existed;        /* out: stored by an earlier append with this id */
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
            struct dt_relay_store_append *items; /* appended in this order; borrowed until done */
            size_t n;                            /* from 1 */
            size_t n_taken; /* out: those before the first that is not taken, which is for the
                             * reason in result; none is taken after it */
            size_t n_new;   /* out: of them, those that were not there */
            uint64_t last;  /* out, if n_new is not 0: the queue's last position now */
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
        struct {
            int64_t queue;
            uint8_t reader[32]; /* SHA-256 of its id */
            uint64_t position;  /* it has all up to this one; RANGE when the queue has not */
        } ack;
        struct {
            int64_t queue;
            uint64_t n_cells, n_ids; /* out: gone */
            bool more;               /* out: there may be more to do */
        } expire;
    } u;
    enum dt_err
        result; /* out: OK; REFUSED (token, key, or not a checkpoint signed here), CONFLICT (append
                 * id with other bytes), LIMIT (full), BUSY (quota, cadence), NOT_FOUND; STATE: the
                 * batch failed, nothing of it is stored, trying again may help */
    bool disk_full;                               /* out: that is why */
    enum dt_relay_bound bound;                    /* out, with LIMIT: which */
    void (*done)(struct dt_relay_store_job *job); /* called by the writer after the commit */
    void *ctx;
    struct dt_relay_store_job *next; /* the writer's */
};

#define DT_RELAY_WAL_STANDARD (16u << 20)
#define DT_RELAY_WAL_LEAST    (64u << 10)

/* Have a thread of the store's own move the -wal's pages into the file from now on, each time there
 * are ${bytes} of them (0: DT_RELAY_WAL_STANDARD; more are better for the disk, since the same
 * pages come again and again), so that no batch waits for more than a few of them;
 * dt_relay_store_tidy() has then to be called after each batch. Does nothing to a store without a
 * -wal. NOMEM, and the errors of opening. */
DT_MUST_CHECK enum dt_err dt_relay_store_move_apart(struct dt_relay_store *s, uint64_t bytes);

/* In the writer's thread, after those whom a batch concerns were told: what the thread has left of
 * the -wal is moved, if it is time. IO: nothing is lost, it stays in the -wal. */
DT_MUST_CHECK enum dt_err dt_relay_store_tidy(struct dt_relay_store *s);

/* Did a sync of the file fail there? Then no batch is run any more, and closing ${s} leaves the
 * -wal as it is: it has what the file lacks, and whoever opens the store next moves it again. */
bool dt_relay_store_unsynced(const struct dt_relay_store *s);

/* Run ${n} jobs in one transaction and set each one's result. What is returned concerns the
 * transaction: unless it is DT_OK nothing was stored, and every result is STATE. */
DT_MUST_CHECK enum dt_err dt_relay_store_run(struct dt_relay_store *s,
                                             struct dt_relay_store_job *const *jobs, size_t n);

/* ---- reads ---- */

struct dt_relay_store_queue {
    int64_t id;
    uint64_t grant;
    uint8_t read_hash[32], write_hash[32];
    uint64_t last;    /* position of the last cell, 0 when there never was one */
    uint64_t expired; /* cells up to this position are kept no longer */
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

/**
 * dt_relay_store_expiry(s, after, out, out_n):
 * Of the next queues behind the ${after}-th, those in which a DT_JOB_EXPIRE has something to do.
 * ${after} (0: from the first on) goes forward, and is 0 again at the end.
 */
DT_MUST_CHECK enum dt_err dt_relay_store_expiry(struct dt_relay_store *s, uint64_t *after,
                                                int64_t out[static DT_RELAY_EXPIRY_LOOK],
                                                size_t *out_n);

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
 * ${out}; and one file by its name. NOT_FOUND; CONFLICT (it is not what its name says). */
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

/* Content of ${tile} (hashes or entries) appended to ${out}. NOT_FOUND; CONFLICT (entries that are
 * not those of the tree). */
DT_MUST_CHECK enum dt_err dt_relay_store_tile(struct dt_relay_store *s, int64_t reg,
                                              const struct tlog_tile *tile, struct dt_buf *out);

#endif
