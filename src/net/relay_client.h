/*
 * net/relay_client.h - the relay's calls as functions, for agents and witnesses.
 *
 * Source: docs/protocol-relay.md. Layer: net. All take a client (net/client.h) and the relay's base
 * URL as in the grant; register calls take the register's URL (base + prefix,
 * dt_grant_register_url()). Errors of all: those of dt_http_call() and dt_http_answer_err(), FORMAT
 * (an answer that is none), NOMEM.
 */
#ifndef DT_NET_RELAY_CLIENT_H
#define DT_NET_RELAY_CLIENT_H

#include "net/client.h"
#include "net/relay_wire.h"

/* Create a queue (or find it there already); ${address} gets its address, which the caller compares
 * with dt_label_hash("queue", read_hash || write_hash). REFUSED: queue token; LIMIT: the grant's
 * queues. */
DT_MUST_CHECK enum dt_err dt_relay_queue_create(struct dt_http_client *c, const char *relay,
                                                const struct dt_wire_create *create,
                                                uint8_t address[static DT_RELAY_ADDRESS]);

/* Append a cell; OK means it is on the relay's disk at ${out_position}. The same append_id again
 * gives the first position (CONFLICT if the bytes differ). */
DT_MUST_CHECK enum dt_err dt_relay_append(struct dt_http_client *c, const char *relay,
                                          const uint8_t address[static DT_RELAY_ADDRESS],
                                          struct dt_view write_token,
                                          const struct dt_wire_append *append,
                                          uint64_t *out_position);

/* Append ${n} cells (1 to DT_RELAY_APPEND_MAX, 1 MiB in all) in this order in one request; a result
 * for each into ${out}. Those before the first whose status is not 200 are on the relay's disk,
 * none after it is. */
DT_MUST_CHECK enum dt_err
dt_relay_append_all(struct dt_http_client *c, const char *relay,
                    const uint8_t address[static DT_RELAY_ADDRESS], struct dt_view write_token,
                    const struct dt_wire_append *appends, size_t n,
                    struct dt_wire_result out[static DT_RELAY_APPEND_MAX]);

/* Cells after position ${after} into ${out} (walk it with dt_wire_items_begin); ${max} 0: as many
 * as fit. */
DT_MUST_CHECK enum dt_err dt_relay_read(struct dt_http_client *c, const char *relay,
                                        const uint8_t address[static DT_RELAY_ADDRESS],
                                        struct dt_view read_token, uint64_t after, unsigned int max,
                                        struct dt_buf *out);

/**
 * dt_relay_read_kept(c, relay, address, read_token, after, out, out_first):
 * The same, ${max} 0. EXPIRED: the relay says that it keeps the cells behind ${after} no longer,
 * the first that it has is to come at ${out_first}, which is larger than ${after} + 1. Its word
 * alone.
 */
DT_MUST_CHECK enum dt_err dt_relay_read_kept(struct dt_http_client *c, const char *relay,
                                             const uint8_t address[static DT_RELAY_ADDRESS],
                                             struct dt_view read_token, uint64_t after,
                                             struct dt_buf *out, uint64_t *out_first);

/* Say that the reader with an id of its own has all up to a position, on disk. */
DT_MUST_CHECK enum dt_err dt_relay_ack(struct dt_http_client *c, const char *relay,
                                       const uint8_t address[static DT_RELAY_ADDRESS],
                                       struct dt_view read_token, const struct dt_wire_ack *ack);

/* Wait up to ${wait_s} (at most 60) until one of ${wanted} has news; ${out_n} 0 when time is up. */
DT_MUST_CHECK enum dt_err dt_relay_poll(struct dt_http_client *c, const char *relay,
                                        const struct dt_wire_poll *wanted, size_t n_wanted,
                                        unsigned int wait_s,
                                        struct dt_wire_news out[static DT_RELAY_POLL_MAX],
                                        size_t *out_n);

/* The same, and what is there comes at once: ${out} is the answer that dt_wire_found_begin() walks.
 * Of a queue from which nothing is told any more, or of which the answer had no room, it holds no
 * cells. */
DT_MUST_CHECK enum dt_err dt_relay_poll_cells(struct dt_http_client *c, const char *relay,
                                              const struct dt_wire_poll *wanted, size_t n_wanted,
                                              unsigned int wait_s, struct dt_buf *out);

/* Append ${seal} as an entry; ${out_index} is its (first) index. BUSY: the key's daily quota, or
 * before its next slot where there is a cadence. */
DT_MUST_CHECK enum dt_err dt_register_append(struct dt_http_client *c, const char *register_url,
                                             struct dt_view append_key,
                                             const uint8_t seal[static 32], uint64_t *out_index);

/* The same; ${urgent}: whether a slot is due or not. BUSY sets ${out_wait_s}: the seconds to the
 * next slot that the relay tells, unchecked; 0: it is the quota. */
DT_MUST_CHECK enum dt_err dt_register_append_due(struct dt_http_client *c, const char *register_url,
                                                 struct dt_view append_key,
                                                 const uint8_t seal[static 32], bool urgent,
                                                 uint64_t *out_index, uint64_t *out_wait_s);

/* Which checkpoint: signed by the register; cosigned by two groups; by all groups. */
enum dt_checkpoint_kind { DT_CHECKPOINT_HELD = 1, DT_CHECKPOINT_ATTESTED, DT_CHECKPOINT_FINAL };

/* The newest checkpoint of ${kind} as a signed note. NOT_FOUND when there is none yet. */
DT_MUST_CHECK enum dt_err dt_register_checkpoint(struct dt_http_client *c, const char *register_url,
                                                 enum dt_checkpoint_kind kind, struct dt_buf *out);

/* As above, but wait up to ${wait_s} for one of a size larger than ${after}; NOT_FOUND when time is
 * up. */
DT_MUST_CHECK enum dt_err dt_register_checkpoint_after(struct dt_http_client *c,
                                                       const char *register_url,
                                                       enum dt_checkpoint_kind kind, uint64_t after,
                                                       unsigned int wait_s, struct dt_buf *out);

/* The held checkpoint of exactly ${size} with all its cosignatures. NOT_FOUND when none was signed.
 */
DT_MUST_CHECK enum dt_err dt_register_checkpoint_of(struct dt_http_client *c,
                                                    const char *register_url, uint64_t size,
                                                    struct dt_buf *out);

/* The largest checkpoint that bears a cosignature of the witness key with ${key_id} (8 hex digits).
 */
DT_MUST_CHECK enum dt_err dt_register_checkpoint_by(struct dt_http_client *c,
                                                    const char *register_url, const char *key_id,
                                                    struct dt_buf *out);

/* A file below the register: "tile/0/000.p/5", "tile/entries/x001/002". NOT_FOUND. */
DT_MUST_CHECK enum dt_err dt_register_file(struct dt_http_client *c, const char *register_url,
                                           const char *path, struct dt_buf *out);

/* Publish ${file} beside the register, under ${name}, its SHA-256. It stays there; the same again
 * is fine. BUSY: the party's daily quota; LIMIT: it has published all that is taken. */
DT_MUST_CHECK enum dt_err dt_register_publish(struct dt_http_client *c, const char *register_url,
                                              struct dt_view append_key, struct dt_view file,
                                              const uint8_t name[static 32]);

/* Hand in a checkpoint with cosignature lines. REFUSED: not a witness of the register, or not its
 * tree. */
DT_MUST_CHECK enum dt_err dt_register_cosign(struct dt_http_client *c, const char *register_url,
                                             struct dt_view note);

#endif
