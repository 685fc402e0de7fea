/*
 * agent/talk/chunk.h - files that are too long for one message: sent, taken in and read piece by
 * piece, with never more than a few pieces in memory.
 *
 * Source: docs/protocol-channel.md "Payloads"; docs/protocol-agent.md "Files in pieces". Layer:
 * agent. All of it is talk.
 */
#ifndef DT_AGENT_TALK_CHUNK_H
#define DT_AGENT_TALK_CHUNK_H

#include "agent/agent.h"

/* Where a file's bytes come from: append ${n} bytes from ${at} to ${out}. */
struct dt_file_source {
    enum dt_err (*read)(void *ctx, uint64_t at, size_t n, struct dt_buf *out);
    void *ctx;
    uint64_t size;
};

/* How far it is: ${done} of ${all} bytes. False: stop, if that is possible without a trace. */
typedef bool dt_progress(void *ctx, uint64_t done, uint64_t all);

/**
 * dt_agent_file_send(a, group_id, name, media_type, src, rule, progress, progress_ctx, out_id,
 * out_hash):
 * Have a file of 1 to DT_FILE_MAX bytes sent in pieces: all is in the store when this returns, or
 * nothing is. It is read twice; CONFLICT when it changed in between. ${out_hash} is its SHA-256.
 * ${progress} may be NULL. LIMIT, RANGE, IO; STATE when it was stopped.
 */
DT_MUST_CHECK enum dt_err dt_agent_file_send(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const char *name, const char *media_type,
                                             const struct dt_file_source *src,
                                             const struct dt_item_rule *rule, dt_progress *progress,
                                             void *progress_ctx, uint8_t out_id[static 16],
                                             uint8_t out_hash[static 32]);

/**
 * dt_agent_file_save(a, group_id, talk, write, ctx, progress, progress_ctx):
 * Give the bytes of ${talk}, a file or text, to ${write} in order; it is not stopped. NOT_FOUND:
 * not all of it is here.
 */
DT_MUST_CHECK enum dt_err dt_agent_file_save(struct dt_agent *a, const uint8_t group_id[static 32],
                                             const struct dt_talk_info *talk,
                                             enum dt_err (*write)(void *ctx, struct dt_view v),
                                             void *ctx, dt_progress *progress, void *progress_ctx);

/* A file of which not all is there: of others', that arrives; of ours, that is not all read back.
 */
struct dt_file_info {
    uint8_t id[16];
    struct dt_person from;
    char name[DT_FILE_NAME_MAX + 1];
    uint64_t size;
    uint32_t have, all; /* pieces */
};
/* Those of the channel, oldest first. Owner: dt_free(*out). */
DT_MUST_CHECK enum dt_err dt_agent_files_under_way(struct dt_agent *a,
                                                   const uint8_t group_id[static 32],
                                                   struct dt_file_info **out, size_t *out_n);

/* ---- inside the agent ---- */

struct dt_incoming;
struct dt_channel;

/* A piece arrived; inside the cell's transaction. With the last one the file becomes talk. FORMAT:
 * it does not fit the pieces before it, or they are not what they were said to be. */
DT_MUST_CHECK enum dt_err dt_chunk_take(struct dt_agent *a, const struct dt_incoming *in);

/* A piece of ours was read back. */
DT_MUST_CHECK enum dt_err dt_chunk_back(struct dt_agent *a, struct dt_channel *ch,
                                        const struct dt_incoming *in);

#endif
