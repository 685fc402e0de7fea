/*
 * mls/limits.h - the named maximum of everything a peer can make long, deep or many.
 *
 * Layer: mls. Sizes are in bytes. A longer value is DT_ERR_LIMIT, never cut.
 */
#ifndef DT_MLS_LIMITS_H
#define DT_MLS_LIMITS_H

#define MLS_THREADS_MAX 16u /* that check one tree together */

#define MLS_LEAVES_MAX 65536u                     /* slots of one ratchet tree */
#define MLS_DEPTH_MAX  16u                        /* parents above a leaf: log2(MLS_LEAVES_MAX) */
#define MLS_NODES_MAX  (2u * MLS_LEAVES_MAX - 1u) /* nodes of one ratchet tree */

#define MLS_HASH_MAX    64u         /* longest hash output of any suite */
#define MLS_PUB_MAX     133u        /* longest public key of any suite */
#define MLS_SIG_MAX     256u        /* longest signature field */
#define MLS_LABEL_MAX   64u         /* longest label, without its "MLS 1.0 " prefix */
#define MLS_LABELED_MAX (80u << 20) /* labelled content that is signed or hashed as one */

#define MLS_CREDENTIAL_MAX       (64u << 10) /* identity or certificate chain */
#define MLS_CREDENTIAL_TYPES_MAX 16u         /* credential types in use in one tree */
#define MLS_CAPABILITIES_MAX     1024u       /* bytes of one capability list: 512 entries */
#define MLS_EXTENSIONS_COUNT_MAX 64u         /* extensions in one list */
#define MLS_EXTENSIONS_MAX       (64u << 20) /* bytes of one list (a GroupInfo carries the tree) */
#define MLS_LEAF_EXTENSIONS_MAX  (64u << 10)
#define MLS_LEAF_NODE_MAX        (160u << 10)
#define MLS_KEY_PACKAGE_MAX      (256u << 10)
#define MLS_RATCHET_TREE_MAX     (64u << 20)

#define MLS_PSK_ID_MAX   1024u
#define MLS_PROPOSAL_MAX (1u << 20) /* one proposal, warrants included */

#define MLS_CIPHERTEXT_MAX  (1u << 10) /* one sealed path secret */
#define MLS_UPDATE_PATH_MAX (32u << 20)

#endif
