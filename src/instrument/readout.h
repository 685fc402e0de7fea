/*
 * instrument/readout.h - a joint readout: which lines there are, who agrees to each, and what may
 * be released; a fold over a channel's records.
 *
 * Source: docs/protocol-record.md, "Readout". Layer: instrument: pure, no clock, no I/O.
 *
 *     head     a record of the template `readout`: for which contact, released when and by whom
 *     lines    records of the built-in template `readout_line`, each with all its languages
 *     agree    a countersignature of a line, or of the head; the author's party agrees to its own
 *     object   a dispute of a line
 *     release  a consent to everyone, of every side, to open each line that is agreed on
 */
#ifndef DT_INSTRUMENT_READOUT_H
#define DT_INSTRUMENT_READOUT_H

#include "instrument/contacts.h"
#include "record/open_rule.h"

#define DT_READOUT_TEMPLATE      "readout"
#define DT_READOUT_LINE_TEMPLATE "readout_line"
#define DT_READOUT_LANGUAGES     32u   /* of one line */
#define DT_READOUT_LINES         4096u /* records of lines in one readout */

/* Places of "releaser" in the template. */
enum dt_releaser { DT_RELEASE_TOGETHER = 1, DT_RELEASE_EITHER, DT_RELEASE_MEDIATOR };

/* Slots of the built-in template. */
enum dt_readout_slot {
    DT_READOUT_SLOT_READOUT = DT_ENVELOPE_SLOTS,
    DT_READOUT_SLOT_LINE,
    DT_READOUT_SLOT_LANGUAGES,
    DT_READOUT_SLOT_TEXTS,
    DT_READOUT_SLOT_REPLACES
};

/* What a line record says. Views borrow. */
struct dt_line_texts {
    uint64_t number; /* 1 and up */
    struct dt_view readout;
    struct dt_view language[DT_READOUT_LANGUAGES], text[DT_READOUT_LANGUAGES];
    size_t n;
};
/* From the values of its slots. FORMAT: no number, not one text in each language, a language twice.
 */
DT_MUST_CHECK enum dt_err dt_line_texts_read(const struct dt_slot *slots,
                                             struct dt_line_texts *out);

/* What one party says to a line or to the head. */
struct dt_line_party {
    bool agrees;          /* its author's, or it countersigned it last */
    bool objects;         /* it disputed it last, by */
    size_t objection;     /* this fact */
    bool consents;        /* to everyone, for the slots that are released, and not ended */
    bool consent_entered; /* and that has its entry in the register */
};

/* A version of a line that no other one replaces. */
struct dt_readout_line {
    size_t fact;
    uint64_t entry;
    struct dt_line_texts texts;
    size_t author; /* place in the charter */
    struct dt_line_party party[DT_CHARTER_PARTIES];
    bool agreed;    /* by every side */
    bool competing; /* another version of this number stands beside it: it is not released */
    bool released;  /* the consents that the charter's rule asks for are there */
    /* It replaces a version that every side agreed to, and differs from that in these languages
     * (places in texts), or leaves some out: */
    bool changed;
    bool differs[DT_READOUT_LANGUAGES];
    size_t n_differs, n_left_out;
};

struct dt_readout {
    size_t head;              /* fact */
    struct dt_view languages; /* of the head: a list, may be empty */
    uint64_t release_ms;      /* earliest release; 0: by consent only */
    enum dt_releaser releaser;
    size_t author;
    struct dt_line_party party[DT_CHARTER_PARTIES]; /* of the head */
    bool agreed, released;
    struct dt_readout_line *lines; /* by number, then entry */
    size_t n;
    size_t n_unreadable; /* records that say that they are lines of it, and are none */
};
void dt_readout_clear(struct dt_readout *r);

/* Slots that a release opens of a line, and of the head. */
uint64_t dt_readout_line_slots(void);
uint64_t dt_readout_head_slots(const struct dt_template *readout);

/**
 * dt_readout_fold(charter, facts, n, commitment, now_ms, out):
 * The readout whose head has ${commitment}. The order of facts does not matter. ${now_ms}: consents
 * that ended by then do not count. NOT_FOUND: no such record; FORMAT: it is no readout. Owner:
 * dt_readout_clear(out).
 */
DT_MUST_CHECK enum dt_err dt_readout_fold(const struct dt_charter *charter,
                                          const struct dt_fact *facts, size_t n,
                                          const uint8_t commitment[static 32], uint64_t now_ms,
                                          struct dt_readout *out);

/* Is the line one of those that are released: agreed by every side, and alone of its number? */
bool dt_readout_line_ready(const struct dt_readout_line *l);
/* Is each such line, one at least, and the head too, released by all consents, in the register? */
bool dt_readout_released(const struct dt_readout *r);

#endif
