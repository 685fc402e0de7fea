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
#include "base/wire.h"
#include "crypto/crypto.h"

#include "agent/form/bundle.h"
#include "agent/form/courier.h"
#include "agent/form/sealed_proof.h"

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
    struct dt_payload p;

    for (size_t i = 0; i < n_sample_payloads; i++) {
        sample_payload(&p, sample_payload_kinds[i]);
        MUST(dt_payload_encode(&p, b));
        seed("payload", sample_payload_names[i], b);
    }
    sample_payload(&p, DT_PAYLOAD_TALK);
    p.name = dt_view_str("map.geojson");
    p.media_type = dt_view_str("application/geo+json");
    MUST(dt_payload_encode(&p, b));
    seed("payload", "file", b);
}

/* As fuzz_courier.c has them: the first octet says what it is. */
static void
courier_seeds(struct dt_buf *b)
{
    static const uint8_t forum[32] = {1}, group_id[32] = {2}, key[DT_COURIER_KEY] = {3};
    static const struct dt_courier_channel ch = {forum, group_id};
    static const uint8_t what[] = {0, 1, 2, 3};
    DT_CLEANUP(dt_buf_clear) struct dt_buf acks = DT_BUF_INIT(1024);
    struct dt_courier_ground ground = {.key_id = {4}, .renew_ms = 5};
    struct dt_courier_ack ack = {.key_id = {4}};

    MUST(dt_buf_append(b, dt_view(what, 1)));
    MUST(dt_courier_ack_encode(&ack, b));
    seed("courier", "ack", b);
    for (uint8_t i = 0; i < 3; i++) {
        ack.invitation_id[0] = i;
        MUST(dt_courier_acks_add(&acks, &ack));
    }
    ground.acks = dt_buf_view(&acks);
    MUST(dt_buf_append(b, dt_view(what + 1, 1)));
    MUST(dt_courier_ground_encode(&ground, b));
    seed("courier", "ground", b);
    MUST(dt_buf_append(b, dt_view(what + 2, 1)));
    MUST(dt_courier_seal(&ch, dt_view_of(key), dt_view_str("pass"), b));
    seed("courier", "sealed", b);
    MUST(dt_buf_append(b, dt_view(what + 3, 1)));
    MUST(dt_courier_code(dt_view_of(key), b));
    seed("courier", "code", b);
    MUST(dt_buf_append(b, dt_view(what + 3, 1)));
    MUST(dt_courier_words(dt_view_of(key), b));
    seed("courier", "words", b);
}

/* As fuzz_bundle.c has them: the same queue, group and epoch. */
static void
bundle_seeds(struct dt_buf *b)
{
    static const uint8_t group_id[32] = {2};
    DT_CLEANUP(dt_buf_clear) struct dt_buf content = DT_BUF_INIT(512);
    DT_CLEANUP(dt_buf_clear) struct dt_buf cell = DT_BUF_INIT(DT_CELL_MAX);
    struct dt_writer w = dt_writer_init(&content);
    struct dt_queue_keys k = {0};
    struct dt_bundle_side side = {.queue = &k, .group_id = group_id, .epoch = 300};
    struct dt_bundle_cell c = {.append_id = {0}};

    sample_queue_keys(&k, 1);
    dt_write_u16(&w, 1);
    dt_write_u16(&w, 2);
    dt_write_vec(&w, dt_view_of(group_id));
    dt_write_u64(&w, 299);
    dt_write_u16(&w, 0x0100);
    dt_write_str(&w, "what a message has behind its head");
    MUST(dt_writer_end(&w));
    MUST(dt_cell_seal(&k, sample_seed(4), dt_buf_view(&content), &cell));
    c.cell = dt_buf_view(&cell);
    MUST(dt_bundle_encode(&side, DT_BUNDLE_OUTGOING, true, 7, &c, 1, b));
    seed("bundle", "outgoing", b);
    dt_bundle_append_id(c.cell, c.append_id);
    MUST(dt_bundle_encode(&side, DT_BUNDLE_CELLS, true, 7, &c, 1, b));
    seed("bundle", "unpadded", b);
    MUST(dt_bundle_encode(&side, DT_BUNDLE_CELLS, false, 7, &c, 1, b));
    seed("bundle", "padded", b);
    MUST(dt_bundle_encode(&side, DT_BUNDLE_ACK, true, 7, NULL, 0, b));
    seed("bundle", "ack", b);
    dt_queue_keys_clear(&k);
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
    courier_seeds(&b);
    inbox_seeds(&b);
    sealed_proof_seeds(&b);
    payload_seeds(&b);
    cell_seeds(&b);
    bundle_seeds(&b);
    return 0;
}
