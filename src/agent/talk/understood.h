/*
 * agent/talk/understood.h - "understood as ...": what a member took a message to say, before it
 * answers, and the word of the message's author on that.
 *
 * Source: docs/protocol-agent.md "Understood as". Layer: agent. All of it is talk: signed by
 * session keys alone, in no record and under no seal. That something was understood is not that it
 * is agreed.
 */
#ifndef DT_AGENT_TALK_UNDERSTOOD_H
#define DT_AGENT_TALK_UNDERSTOOD_H

#include "agent/agent.h"

enum dt_understood_word {
    DT_UNDERSTOOD_OPEN = 0, /* its author has not said */
    DT_UNDERSTOOD_RIGHT = 1,
    DT_UNDERSTOOD_WRONG = 2
};

/* One paraphrase of a message. */
struct dt_understood {
    uint8_t id[16];
    struct dt_person from;
    uint64_t time_ms; /* by its sender's clock */
    struct dt_buf text;
    enum dt_understood_word word; /* of the message's author, the last one */
    struct dt_buf why;            /* what the author said with it; may be empty */
};
void dt_understood_free(struct dt_understood *list, size_t n);

/* Say that we understood the message ${about}, another's, as ${text} (UTF-8 lines, at most
 * DT_TEXT_MAX bytes). REFUSED: it is our own, or our letter has no right to talk; FORMAT, LIMIT. */
DT_MUST_CHECK enum dt_err dt_agent_understood_send(struct dt_agent *a,
                                                   const uint8_t group_id[static 32],
                                                   const struct dt_talk_info *about,
                                                   struct dt_view text, uint8_t out_id[static 16]);

/* The author's word on the paraphrase ${of} of our message ${about}: right, or not, with what it
 * should be (may be empty). REFUSED: the message is not ours. */
DT_MUST_CHECK enum dt_err dt_agent_understood_judge(struct dt_agent *a,
                                                    const uint8_t group_id[static 32],
                                                    const struct dt_talk_info *about,
                                                    const struct dt_understood *of, bool right,
                                                    struct dt_view text);

/* The paraphrases of the message ${about}, oldest first. Owner: dt_understood_free(). */
DT_MUST_CHECK enum dt_err dt_agent_understood(struct dt_agent *a, const uint8_t group_id[static 32],
                                              const struct dt_talk_info *about,
                                              struct dt_understood **out, size_t *out_n);

/* ---- inside the agent ---- */

struct dt_incoming;

/* An UNDERSTOOD payload arrived; inside the cell's transaction. One that is there is passed over.
 */
DT_MUST_CHECK enum dt_err dt_understood_take(struct dt_agent *a, const struct dt_incoming *in);

#endif
