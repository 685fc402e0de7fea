/*
 * instrument/obligations.h - who owes what by when: a fold over records, witnessed times and a
 * clock.
 *
 * Source: docs/protocol-record.md, "Obligations". Layer: instrument: pure, no clock, no I/O.
 *
 *   records --dt_due_add()--> items --+--dt_due_list(question)--> obligations
 *   late times --dt_due_witness()-----+
 *        items <--dt_due_encode(), dt_due_decode()--> bytes (a snapshot)
 *
 * The result depends on the set of items alone, not on the order in which they came.
 */
#ifndef DT_INSTRUMENT_OBLIGATIONS_H
#define DT_INSTRUMENT_OBLIGATIONS_H

#include "record/answer.h"

#define DT_DUE_NONE   SIZE_MAX /* no item */
#define DT_DUE_NOBODY UINT8_MAX
/* Of the bytes of a snapshot; with another one they are not read, but made anew. */
#define DT_DUE_FORMAT      1u
#define DT_DUE_ITEMS_MAX   (UINT32_C(1) << 24) /* in one fold */
#define DT_DUE_REFS        32u                 /* that one record's rule looks at */
#define DT_DUE_ENCODED_MAX 1200u               /* bytes of one item, at most */

/* What counts of one record. */
struct dt_due_item {
    uint8_t commitment[32];
    uint8_t seal[32];               /* all zero once the entry is known */
    const struct dt_template *tmpl; /* borrowed from the set */
    uint64_t written_ms;            /* by the author's clock */
    uint64_t stated_ms;             /* the field of its rule as a time; of a receipt, received_at */
    uint64_t outage_until_ms;       /* of a line test */
    uint64_t entry;                 /* register index; UINT64_MAX: not known */
    uint64_t witnessed_ms;          /* earliest cosignature of a group other than the author's */
    uint32_t number;                /* for people: its place in a store; means nothing here */
    uint32_t first_ref, n_refs;     /* in dt_due_state.refs: what it is about, answers or follows */
    uint16_t channel;               /* number that the caller gave */
    uint8_t party;                  /* place in the charter */
    uint8_t status;                 /* of a line test */
};

struct dt_due_state {
    struct dt_due_item *items; /* in the order in which they came */
    size_t n, room;
    uint8_t *refs; /* commitments, 32 bytes each */
    size_t n_refs, refs_room;
};
void dt_due_clear(struct dt_due_state *s);

/* Take in the record ${r} of the charter's party ${party} in ${channel}; its entry and time are not
 * known yet. LIMIT, NOMEM. */
DT_MUST_CHECK enum dt_err dt_due_add(struct dt_due_state *s, const struct dt_record *r,
                                     uint8_t party, uint16_t channel);

/* The same with the item made by hand; ${refs} are ${n_refs} commitments. */
DT_MUST_CHECK enum dt_err dt_due_add_item(struct dt_due_state *s, const struct dt_due_item *item,
                                          const uint8_t *refs, size_t n_refs);

/* A late fact: item ${i} has entry ${entry}, and was witnessed at ${ms} (0: not known yet). */
void dt_due_witness(struct dt_due_state *s, size_t i, uint64_t entry, uint64_t ms);

/* Append items ${first} to ${first} + ${n} - 1 to ${out}. Templates stand as places in ${set}. */
DT_MUST_CHECK enum dt_err dt_due_encode(const struct dt_due_state *s, size_t first, size_t n,
                                        const struct dt_templates *set, struct dt_buf *out);
/* Append the items of ${bytes} to ${s}. FORMAT: not the bytes of this program's snapshot. */
DT_MUST_CHECK enum dt_err dt_due_decode(struct dt_due_state *s, struct dt_view bytes,
                                        const struct dt_templates *set);

/* ---- the clock ---- */

/* From ${from_ms} up to ${to_ms}, not included. */
struct dt_due_outage {
    uint16_t channel;
    uint64_t from_ms, to_ms;
};

/* When a span of ${span_ms} from ${start_ms} on is over, outages of ${channel} not counted. The
 * list is sorted by channel and begin, and its intervals do not overlap within a channel. */
uint64_t dt_due_after(uint64_t start_ms, uint64_t span_ms, uint16_t channel,
                      const struct dt_due_outage *outages, size_t n);
/* The moment ${at_ms}, or the end of the outage that it lies in. */
uint64_t dt_due_at(uint64_t at_ms, uint16_t channel, const struct dt_due_outage *outages, size_t n);

/* The channel of an item's number. */
struct dt_due_channel {
    uint64_t founded_ms;
    uint32_t
        parties; /* bit i: the charter's party i is in it; none: nothing is owed in it any more */
    uint64_t line_until_ms; /* the tests that its members' agents send were read up to then; 0: none
                               was */
};

/* From ${from_ms} up to ${to_ms} an agent of ${party} had its line tested, by tests that are talk
 * (instrument/line_watch.h); of party DT_DUE_NOBODY: we could not hear, and nobody is taken to have
 * been out. Those of one party do not overlap. */
struct dt_due_heard {
    uint16_t channel;
    uint8_t party;
    uint64_t from_ms, to_ms;
};

/**
 * dt_due_outages(s, heard, n_heard, channels, n_channels, sides, out, out_n):
 * Outages that the line tests of all sides of a channel show at the same time (of all parties in
 * it, where there are fewer than two sides); as dt_due_after() wants them. Line tests are records,
 * or ${heard}, in any order. ${sides}: bit i: the charter's party i is of kind `party`. Owner:
 * dt_free(*out). NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_due_outages(const struct dt_due_state *s,
                                         const struct dt_due_heard *heard, size_t n_heard,
                                         const struct dt_due_channel *channels, size_t n_channels,
                                         uint32_t sides, struct dt_due_outage **out, size_t *out_n);

/* ---- the fold ---- */

enum dt_due_what {
    DT_DUE_RECORD = 1, /* that a record is made in time, by its own rule */
    DT_DUE_REPLY,      /* a record that another one asks for */
    DT_DUE_EVERY,      /* the next of a series, so long after the last */
    DT_DUE_EACH,       /* the one of a series for a day of the year */
    DT_DUE_ACK         /* the acknowledgement of a record */
};

enum dt_due_code { DT_DUE_DUE = 1, DT_DUE_OVERDUE, DT_DUE_MET, DT_DUE_MET_LATE, DT_DUE_WAIVED };
/* "due", "overdue", "met", "met late", "waived". Static. */
const char *dt_due_code_name(enum dt_due_code code);

struct dt_due {
    enum dt_due_what what;
    enum dt_due_code code;
    enum dt_ack ack; /* of an acknowledgement */
    uint16_t channel;
    uint8_t party;                  /* who owes it */
    uint8_t to;                     /* the author of the subject; DT_DUE_NOBODY: there is none */
    bool unwitnessed;               /* it was sent, and no time of it is known yet */
    const struct dt_template *tmpl; /* what is owed; of an acknowledgement: of the subject */
    size_t subject;                 /* item that it is about; DT_DUE_NONE */
    size_t met_by;                  /* item that met it; DT_DUE_NONE */
    uint64_t by_ms;                 /* 0: its clock has not begun */
    uint64_t met_ms;                /* 0: it is not */
    uint64_t nth;                   /* of a series: which one, from 1 */
    uint64_t in_row; /* of a series: so many on time in a row, this one too once it is met */
};

struct dt_due_question {
    const struct dt_templates *templates;
    const struct dt_due_channel *channels; /* by the numbers of the items */
    size_t n_channels;
    uint32_t sides; /* bit i: the charter's party i is of kind `party` */
    const struct dt_due_outage *outages;
    size_t n_outages;
    uint64_t now_ms;
    uint64_t until_ms; /* days of the year up to then are listed, and the next one in any case */
    bool settled;      /* what is met or waived, too */
};

/**
 * dt_due_list(s, q, out, out_n):
 * What is owed, sorted by time (what has none comes last). An item whose channel number is not
 * known to ${q} is left out; a copy counts once. Owner: dt_free(*out). NOMEM.
 */
DT_MUST_CHECK enum dt_err dt_due_list(const struct dt_due_state *s, const struct dt_due_question *q,
                                      struct dt_due **out, size_t *out_n);

/* Does ${answer} do what ${ack} asks for? */
bool dt_due_acknowledges(enum dt_answer answer, enum dt_ack ack);

/* Whether an item of party ${party} is one for whom ${author} writes: the other sides of the
 * channel, or all others where there is no other side. */
uint32_t dt_due_addressees(const struct dt_due_channel *c, uint32_t sides, uint8_t author);

#endif
