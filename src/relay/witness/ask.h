/*
 * relay/witness/ask.h - asks the witnesses that can be reached, by c2sp.org/tlog-witness.
 *
 * Layer: relay. Most witnesses of a forum fetch what they cosign and post it themselves; a witness
 * line with a URL in a register's policy names one that waits to be asked. A few threads of their
 * own do that: a witness that is slow, refuses or is gone holds up neither appends nor each other.
 */
#ifndef DT_RELAY_ASK_H
#define DT_RELAY_ASK_H

#include "relay/hub.h"
#include "relay/writer.h"

struct relay_asker;

struct relay_asker_config {
    const char *store;     /* path; read through connections of its own */
    struct dt_clock clock; /* zero: the system's */
    struct dt_relay_store_writer *writer;
    struct dt_hub *hub;
    const char *ca_file;    /* authorities trusted, and no other; NULL: the system's */
    unsigned int timeout_s; /* of one request; 0: 15 */
    unsigned int gap_ms;    /* between two requests to one witness about a register; 0: 1000 */
    unsigned int pause_ms;  /* before the first new try after a failure, then doubled; 0: 1000 */
};

/* Make it ready. NOMEM. ${config} is copied, and so are its paths; writer and hub are borrowed. */
DT_MUST_CHECK enum dt_err relay_asker_start(const struct relay_asker_config *config,
                                            struct relay_asker **out);

/* Begin to ask: when all else stands, so that a start that fails says one thing. */
void relay_asker_go(struct relay_asker *a);

/* End its threads; a request under way is given up. Before the writer is stopped. NULL is fine. */
void relay_asker_stop(struct relay_asker *a);

/* Stop if that was not done, and free: when no job of the writer can bring news any more. */
void relay_asker_free(struct relay_asker *a);

/* Register ${reg} has a new checkpoint. From any thread; returns at once. */
void relay_asker_news(struct relay_asker *a, int64_t reg);

/* Why a witness that is asked has not cosigned. */
enum relay_trouble {
    RELAY_TROUBLE_NONE = 0,
    RELAY_TROUBLE_UNREACHED, /* no answer, or one that is none of the protocol's */
    RELAY_TROUBLE_REFUSED,   /* it refuses: status says how */
    RELAY_TROUBLE_AHEAD,     /* it cosigned a larger tree than is held here */
    RELAY_TROUBLE_UNSIGNED,  /* it answered 200, but not with its cosignature */
};

struct relay_asked {
    bool asked; /* has this witness a URL? */
    enum relay_trouble trouble;
    unsigned int status; /* of the latest answer; 0: none */
    uint64_t since_ms;   /* when the trouble began, by this relay's clock; 0 without */
    uint64_t their_size; /* what a 409 said, with AHEAD */
};

/* What is known of the witness with ${key_id} of register ${reg}. From any thread. */
void relay_asker_look(struct relay_asker *a, int64_t reg, uint32_t key_id, struct relay_asked *out);

#endif
