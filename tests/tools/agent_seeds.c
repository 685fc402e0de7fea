/*
 * tests/tools/agent_seeds.c - writes the fuzz seeds of the agent's codecs: agent_seeds fuzz/corpus
 *
 * From the fixed keys and values of tests/agent/samples.h. The seeds are in the tree; run this
 * again when a format changes. Sealed seeds differ by their random nonces from run to run, and open
 * all the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "crypto/crypto.h"

#include "agent/sealed_proof.h"

#include "samples.h"

static const char *corpus;

#define MUST(expr)                                                                                 \
    do {                                                                                           \
        if ((expr) != DT_OK) {                                                                     \
            fprintf(stderr, "%s: %s\n", #expr, dt_err_message());                                  \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Write ${b} as corpus/structure/name, and empty it. */
static void
seed(const char *structure, const char *name, struct dt_buf *b)
{
    char path[4096];

    (void)snprintf(path, sizeof path, "%s/%s", corpus, structure);
    MUST(dt_dir_make(path, 0755));
    (void)snprintf(path, sizeof path, "%s/%s/%s", corpus, structure, name);
    MUST(dt_file_write(path, dt_buf_view(b), 0644));
    b->n = 0;
}

static void
founding_seeds(struct dt_buf *b)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf f = DT_BUF_INIT(DT_FOUNDING_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf w = DT_BUF_INIT(65536);
    struct dt_founding list;
    struct dt_forum_ext ext;
    struct dt_history history;

    sample_founding(&list, 0);
    MUST(dt_founding_encode(&list, b));
    seed("founding", "unsigned", b);
    sample_founding(&list, 2);
    MUST(dt_founding_encode(&list, b));
    seed("founding", "founder", b);
    sample_founding(&list, 7);
    MUST(dt_founding_encode(&list, b));
    seed("founding", "all", b);
    sample_forum_ext(&ext);
    MUST(dt_forum_ext_encode(&ext, b));
    seed("forum_ext", "first", b);
    sample_history(&history, &f, &w);
    MUST(dt_history_encode(&history, b));
    seed("history", "two-warrants", b);
    history.warrants.n = 0;
    MUST(dt_history_encode(&history, b));
    seed("history", "none", b);
}

static void
warrant_seeds(struct dt_buf *b)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
    struct dt_warrant w;
    struct dt_approval a;

    sample_approval(&a, false);
    MUST(dt_approval_encode(&a, b));
    seed("approval", "delegate", b);
    sample_approval(&a, true);
    MUST(dt_approval_encode(&a, b));
    seed("approval", "root", b);
    sample_warrant(&w, &store);
    MUST(dt_warrant_encode(&w, b));
    seed("warrant", "all-kinds", b);
    w.n_grounds = 1;
    MUST(dt_warrant_encode(&w, b));
    seed("warrant", "add", b);
}

static void
inbox_seeds(struct dt_buf *b)
{
    static const char *const names[] = {"",
                                        "invitation",
                                        "founding-signature",
                                        "key-package",
                                        "approval-request",
                                        "approval",
                                        "welcome",
                                        "rejoin",
                                        "revocation",
                                        "copy"};
    DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(DT_INBOX_MESSAGE_MAX);
    uint8_t address[32];
    uint8_t pub[DT_X25519];

    sample_bytes(address, sizeof address, 1);
    MUST(dt_x25519_pub(sample_seed(0x42), pub));
    for (int kind = DT_INBOX_INVITATION; kind <= DT_INBOX_COPY; kind++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf store = DT_BUF_INIT(65536);
        struct dt_inbox_message m;

        sample_inbox_message(&m, (enum dt_inbox_kind)kind, &store);
        MUST(dt_inbox_message_encode(&m, b));
        plain.n = 0;
        MUST(dt_buf_append(&plain, dt_buf_view(b)));
        seed("inbox_message", names[kind], b);
        if (kind <= DT_INBOX_FOUNDING_SIGNATURE) {
            MUST(dt_inbox_seal(dt_view_of(pub), address, dt_buf_view(&plain), b));
            seed("inbox_cell", names[kind], b);
        }
    }
}

/* Sealed to key 0x42 in the forum and for the letter of samples 1 and 2. */
static void
sealed_proof_seeds(struct dt_buf *b)
{
    uint8_t forum[32];
    uint8_t letter[32];
    uint8_t pub[DT_X25519];

    sample_bytes(forum, sizeof forum, 1);
    sample_bytes(letter, sizeof letter, 2);
    MUST(dt_x25519_pub(sample_seed(0x42), pub));
    MUST(dt_sealed_proof_seal(forum, letter, pub, dt_view_str("detente proof 1\n"), b));
    seed("sealed_proof", "short", b);
    MUST(dt_sealed_proof_seal(forum, letter, pub, dt_view(NULL, 0), b));
    seed("sealed_proof", "empty", b);
}

static void
payload_seeds(struct dt_buf *b)
{
    static const char *const names[] = {"", "text", "record", "here", "leave", "receipt"};
    struct dt_payload p;

    for (int kind = DT_PAYLOAD_TALK; kind <= DT_PAYLOAD_RECEIPT; kind++) {
        sample_payload(&p, (enum dt_payload_kind)kind);
        MUST(dt_payload_encode(&p, b));
        seed("payload", names[kind], b);
    }
    sample_payload(&p, DT_PAYLOAD_TALK);
    p.name = dt_view_str("map.geojson");
    p.media_type = dt_view_str("application/geo+json");
    MUST(dt_payload_encode(&p, b));
    seed("payload", "file", b);
}

static void
cell_seeds(struct dt_buf *b)
{
    DT_CLEANUP(dt_queue_ext_clear) struct dt_queue_ext x = {0};
    struct dt_queue_keys k = {0};

    sample_queue_keys(&k, 1);
    MUST(dt_cell_seal(&k, sample_seed(4), dt_view_str("content"), b));
    seed("cell", "small", b);
    MUST(dt_cell_seal(&k, sample_seed(4), dt_view(NULL, 0), b));
    seed("cell", "empty", b);
    dt_queue_keys_clear(&k);
    sample_queue_ext(&x, true);
    MUST(dt_queue_ext_encode(&x, b));
    seed("queue_ext", "here", b);
    sample_queue_ext(&x, false);
    MUST(dt_queue_ext_encode(&x, b));
    seed("queue_ext", "follows", b);
}

int
main(int argc, char *argv[])
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 20);
    struct dt_voucher v;

    if (argc != 2) {
        fprintf(stderr, "usage: agent_seeds CORPUS\n");
        return 2;
    }
    corpus = argv[1];
    MUST(dt_crypto_init());
    sample_voucher(&v);
    MUST(dt_voucher_encode(&v, &b));
    seed("voucher", "valid", &b);
    sample_credential_bytes(&b);
    seed("credential", "valid", &b);
    founding_seeds(&b);
    warrant_seeds(&b);
    inbox_seeds(&b);
    sealed_proof_seeds(&b);
    payload_seeds(&b);
    cell_seeds(&b);
    return 0;
}
