/*
 * net/grant.h - the grant file: what one party gets from the relay's operator, by file.
 *
 * Source: docs/protocol-relay.md "Grant files". JSON at the edge; nothing here is signed or hashed.
 * Layer: net. A grant holds secrets (queue token, append key): files are 0600, structs are wiped.
 */
#ifndef DT_NET_GRANT_H
#define DT_NET_GRANT_H

#include "base/bytes.h"
#include "base/cadence.h"
#include "net/limits.h"

struct dt_grant_witness {
    char group[DT_GRANT_NAME_MAX + 1]; /* the party's name, or the neutral's */
    char vkey[DT_GRANT_VKEY_MAX + 1];  /* C2SP verifier key, type 0x04 */
};

struct dt_grant {
    char party[DT_GRANT_NAME_MAX + 1];
    char relay[DT_NET_URL_MAX + 1]; /* base URL without a final '/' */
    uint8_t queue_token[32];        /* shared by all parties of the grant */
    uint8_t append_key[32];         /* this party's */
    char register_id[2 * DT_REGISTER_ID + 1];
    char origin[DT_GRANT_VKEY_MAX + 1]; /* "register.detente/<register id>" */
    char vkey[DT_GRANT_VKEY_MAX + 1];   /* the register's C2SP verifier key, type 0x01 */
    bool has_read_key;                  /* reading the register needs a key: */
    uint8_t read_key[32];               /* the same for all */
    struct dt_cadence cadence;          /* of each party's entries; nothing: as they come */
    struct dt_grant_witness witnesses[DT_GRANT_WITNESS_MAX];
    size_t n_witnesses;
    uint32_t quorum_attested; /* groups */
    uint32_t quorum_final;    /* groups: all of them */
    uint32_t daily_entries;   /* quota of the append key */
    uint64_t queues_max;      /* of the grant */
    uint64_t queue_cells_max;
};

/* Parse the bytes of a grant file. FORMAT, LIMIT, UNSUPPORTED (another "format"), NOMEM. */
DT_MUST_CHECK enum dt_err dt_grant_read(struct dt_view json, struct dt_grant *out);

/* The grant file's bytes appended to ${out}. NOMEM, LIMIT. */
DT_MUST_CHECK enum dt_err dt_grant_write(const struct dt_grant *g, struct dt_buf *out);

/* Read ${path} as a grant; errors as dt_file_read() and dt_grant_read(), naming the file. */
DT_MUST_CHECK enum dt_err dt_grant_load(const char *path, struct dt_grant *out);

/* A read key on its own, for who has no grant (a witness, an observer): 64 hex digits and LF.
 * Errors of the second as dt_file_read(), and FORMAT. */
DT_MUST_CHECK enum dt_err dt_read_key_write(const char *path, const uint8_t key[static 32]);
DT_MUST_CHECK enum dt_err dt_read_key_load(const char *path, uint8_t key[static 32]);

/* Overwrite ${g}. For DT_CLEANUP too. */
void dt_grant_wipe(struct dt_grant *g);

/* "<relay>/r/<register id>" into ${out}; no final '/'. LIMIT. */
DT_MUST_CHECK enum dt_err dt_grant_register_url(const struct dt_grant *g, struct dt_buf *out);

/* A name that may be a party's or a group's: 1 to 64 of [a-z0-9-], a letter or digit first. */
bool dt_grant_name_ok(const char *name);

#endif
