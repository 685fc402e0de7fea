/*
 * record/limits.h - the largest sizes and counts that this room accepts from outside.
 *
 * Layer: record. Every list, name and body of docs/protocol-record.md has its maximum here.
 */
#ifndef DT_RECORD_LIMITS_H
#define DT_RECORD_LIMITS_H

#define DT_NAME_MAX          120u  /* a party's or delegate's name, a title: bytes of UTF-8 */
#define DT_TITLE_MAX         200u  /* a charter's title */
#define DT_URL_MAX           500u  /* a relay's address */
#define DT_VKEY_MAX          4096u /* a C2SP verifier key; room for ML-DSA-44 */
#define DT_CHARTER_PARTIES   16u   /* parties of one charter */
#define DT_CHARTER_RELAYS    8u
#define DT_CHARTER_WITNESSES 32u
#define DT_CHARTER_RULES     16u
#define DT_FILE_MAX_MIB      64u         /* of a file in a channel, unless a rule says less */
#define DT_RULE_MAX          200u        /* a rule's name or value */
#define DT_CHARTER_MAX       (64u << 10) /* a whole charter */
#define DT_AMENDMENTS        16u         /* of one charter */
#define DT_AMENDMENT_MAX     (72u << 10) /* a whole amendment */
#define DT_AMENDMENTS_MAX    (DT_AMENDMENTS * (DT_AMENDMENT_MAX + 4u)) /* all, one behind another */

#define DT_TYPE_DEPTH  1u           /* list<X> of scalars; nothing nests deeper */
#define DT_LIST_MAX    4096u        /* items of a list, pairs of a map, points of an area */
#define DT_TEXT_MAX    (16u << 10)  /* text and ltext: bytes */
#define DT_VALUE_MAX   (512u << 10) /* the canonical bytes of one value */
#define DT_DECIMAL_MAX 40u
#define DT_LANG_MAX    35u
#define DT_BYTES_MAX   (256u << 10) /* a value of type bytes */

#define DT_TEMPLATE_ID_MAX   40u
#define DT_FIELD_NAME_MAX    40u
#define DT_TEMPLATE_FIELDS   56u /* 64 slots less the envelope's 8 */
#define DT_ENUM_VALUES       64u
#define DT_TEMPLATE_MAX      (32u << 10) /* a template's encoding */
#define DT_TEMPLATES         128u        /* templates known at a time */
#define DT_TEMPLATE_JSON_MAX (64u << 10)

#define DT_SLOTS_MAX        64u
#define DT_RECORD_MAX       (900u << 10) /* a record as sent in a channel: fits a cell of 1 MiB */
#define DT_LETTER_BYTES_MAX 4096u        /* a letter, its request or a revocation */
#define DT_INBOX_MAX        1024u        /* inbox address or write token */
#define DT_RIGHTS_MAX       16u

#define DT_PROOF_ITEMS       256u /* records opened in one proof file */
#define DT_PROOF_LETTERS     64u
#define DT_PROOF_TEMPLATES   16u
#define DT_PROOF_REVOCATIONS 64u
#define DT_PROOF_NODES_MAX   1024u       /* hashes of one tree: of every pair at most one */
#define DT_PROOF_MAX         (8u << 20)  /* the structure inside a proof file */
#define DT_PROOF_FILE_MAX    (12u << 20) /* the file: base64 of it in lines */
#define DT_TLOG_PROOF_MAX    (64u << 10) /* one tlog-proof inside it */

/* After how long a thing that is to be destroyed is: nothing goes before it can be read. */
#define DT_DESTROY_AFTER_MIN_MS (UINT64_C(3600) * 1000)
#define DT_DESTROY_AFTER_MAX_MS (UINT64_C(36500) * 24 * 3600 * 1000)

#endif
