/*
 * tests/record/make_seeds.c - writes the seeds of the fuzz targets of record: make_seeds
 * <fuzz/corpus folder>.
 */
#include "fixture.h"

#include "base/file.h"
#include "record/amendment.h"
#include "record/proof_internal.h"
#include "record/trace_proof.h"

static struct world w;
static const char *folder;

static void
seed(const char *target, const char *name, int first, struct dt_view v)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(DT_PROOF_FILE_MAX);
    uint8_t byte = (uint8_t)first;
    char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", folder, target);
    ok(dt_dir_make(path, 0755));
    if (first >= 0)
        ok(dt_buf_append(&b, dt_view(&byte, 1)));
    ok(dt_buf_append(&b, v));
    (void)snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    ok(dt_file_write(path, dt_buf_view(&b), 0644));
}

static void
seeds_of_letters(void)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf letter = DT_BUF_INIT(4096), request = DT_BUF_INIT(4096), rev = DT_BUF_INIT(4096);
    struct dt_letter_request q = {.name = str("N"), .title = str("T"), .inbox_token = str("t")};
    struct dt_revocation v;

    ok(dt_letter_encode(&w.letter[US], &letter));
    seed("letter", "letter", 0, dt_buf_view(&letter));
    memcpy(q.forum, w.forum, 32);
    ok(dt_letter_request_make(&q, seed_view(w.delegate_seed[US]), &request));
    seed("letter", "request", 1, dt_buf_view(&request));
    ok(dt_revocation_make(seed_view(w.root_seed[US]), &w.letter[US], WORLD_START, &v));
    ok(dt_revocation_encode(&v, &rev));
    seed("letter", "revocation", 2, dt_buf_view(&rev));
}

static struct dt_charter amended;

/* Of roots: one is replaced, one announces a successor. */
static void
seed_of_roots(struct dt_view charter)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX), both = DT_BUF_INIT(2 * DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    struct dt_root_change x[2] = {{.party = US}, {.party = RUSSIA, .has_successor = true}};
    const struct dt_amendment_parts parts = {
        .changes = x, .n_changes = 2, .last_root = tlog_empty_root, .made_ms = WORLD_START};
    struct dt_writer wr = dt_writer_init(&both);
    uint8_t key[32] = {0x61};

    ok(dt_ed25519_pub(seed_view(key), x[0].root));
    memcpy(x[1].root, w.charter.parties[RUSSIA].root, 32);
    memset(x[1].successor, 0x62, 32);
    ok(dt_amendment_draft(&w.charter, &parts, &am));
    ok(dt_amendment_sign(&am, &w.charter, seed_view(key)));
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        ok(dt_amendment_sign(&am, &w.charter, seed_view(w.root_seed[i])));
    ok(dt_amendment_encode(&am, &b));
    dt_write_vec(&wr, charter);
    dt_write_view(&wr, dt_buf_view(&b));
    ok(dt_writer_end(&wr));
    seed("amendment", "roots", -1, dt_buf_view(&both));
    seed("amendment", "roots_alone", 0, dt_buf_view(&b));
}

static void
seeds_of_amendments(struct dt_view charter)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf vkeys = DT_BUF_INIT(8192);
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b = DT_BUF_INIT(DT_AMENDMENT_MAX), both = DT_BUF_INIT(2 * DT_AMENDMENT_MAX);
    DT_CLEANUP(dt_amendment_clear) struct dt_amendment am = {0};
    struct dt_writer wr = dt_writer_init(&both);
    struct tlog_signer log = {0};
    struct dt_charter next;
    const struct dt_amendment_parts parts = {
        .next = &next, .last_root = tlog_empty_root, .made_ms = WORLD_START};

    make_signer("register.example/new", TLOG_KEY_ED25519, 0x31, &log);
    fill_charter(&w, &vkeys, &next);
    vkeys.n = 0;
    ok(tlog_vkey_write(&log.vkey, &vkeys));
    next.register_vkey = dt_buf_view(&vkeys);
    next.register_origin = str(log.vkey.name);
    next.n_witnesses = 0; /* small: each signature takes its time */
    next.quorum_attested = 0;
    ok(dt_amendment_draft(&w.charter, &parts, &am));
    for (size_t i = 0; i < N_WORLD_PARTIES; i++)
        ok(dt_amendment_sign(&am, &w.charter, seed_view(w.root_seed[i])));
    ok(dt_amendment_encode(&am, &b));
    dt_write_vec(&wr, charter);
    dt_write_view(&wr, dt_buf_view(&b));
    ok(dt_writer_end(&wr));
    seed("amendment", "both", -1, dt_buf_view(&both));
    seed("amendment", "alone", 0, dt_buf_view(&b));
    ok(dt_charter_decode(charter, &amended));
    ok(dt_charter_amend(&amended, dt_buf_view(&b)));
    tlog_signer_clear(&log);
}

static void
seeds_of_records(void)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf a = DT_BUF_INIT(DT_RECORD_MAX), b = DT_BUF_INIT(DT_RECORD_MAX);
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX), inside = DT_BUF_INIT(DT_PROOF_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf p0 = DT_BUF_INIT(DT_TLOG_PROOF_MAX);
    DT_CLEANUP(dt_record_clear) struct dt_record contact = {0}, dispute = {0};
    struct dt_proof_letter letters[2] = {{&w.letter[US], true}, {&w.letter[RUSSIA], false}};
    struct dt_proof_item items[2];
    struct dt_proof_in in = {
        .charter = &w.charter, .letters = letters, .n_letters = 2, .items = items, .n_items = 2};

    make_contact(&w, US, "2025-02-12T15:00:00Z", "2025-02-12T16:30:00Z", "day", &contact);
    make_dispute(&w, RUSSIA, &contact, "level", "envoy", &dispute);
    ok(dt_record_encode(&contact, &a));
    seed("record", "contact", -1, dt_buf_view(&a));
    ok(dt_record_encode(&dispute, &b));
    seed("record", "dispute", -1, dt_buf_view(&b));
    (void)world_enter(&w, contact.seal);
    (void)world_enter(&w, dispute.seal);
    /* Small ones: a target has to be quick, and each signature takes its time. */
    world_prove(&w, 0, 1u << RUSSIA, WORLD_START + DAY, &p0);
    items[0] = (struct dt_proof_item){&contact, 0x100, dt_buf_view(&p0), true};
    in.n_items = 1;
    ok(dt_proof_build(&in, &file));
    seed("proof_file", "file", -1, dt_buf_view(&file));
    file.n = 0;
    items[0].tlog_proof = dt_view(NULL, 0);
    in.charter = &amended;
    ok(dt_proof_build(&in, &file));
    seed("proof_file", "amended", -1, dt_buf_view(&file));
    in.charter = &w.charter;
    file.n = 0;
    items[0].slots = 0;
    items[1] = (struct dt_proof_item){&dispute, 0, dt_view(NULL, 0), true};
    in.n_items = 2;
    ok(dt_proof_build(&in, &file));
    ok(dt_proof_unarmor(DT_PROOF_MAGIC, dt_buf_view(&file), &inside));
    seed("proof_file", "structure", -1, dt_buf_view(&inside));
}

static void
seeds_of_destructions(void)
{
    DT_CLEANUP(dt_buf_wipe)
    struct dt_buf file = DT_BUF_INIT(DT_PROOF_FILE_MAX), inside = DT_BUF_INIT(DT_PROOF_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf proof = DT_BUF_INIT(DT_TLOG_PROOF_MAX);
    DT_CLEANUP(dt_record_draft_clear) struct dt_record_draft d = {0};
    DT_CLEANUP(dt_record_clear) struct dt_record r = {0};
    const struct dt_letter *letters[2] = {&w.letter[US], &w.letter[RUSSIA]};
    struct dt_destroyed word = {.when_ms = WORLD_START + 2 * DAY};
    struct dt_trace trace;
    struct dt_trace_proof_in in = {
        .charter = &w.charter, .trace = &trace, .letters = letters, .n_letters = 1};

    ok(dt_record_draft_init(&d, dt_templates_get_str(w.templates, "cover"), &w.letter[US],
                            w.channel, WORLD_START));
    ok(dt_record_draft_destroy(&d, DAY));
    ok(dt_record_make(&d, seed_view(w.delegate_seed[US]), &r));
    ok(dt_trace_of(&r, &trace));
    ok(dt_trace_proof_build(&in, &file));
    ok(dt_proof_unarmor("detente destruction 1\n", dt_buf_view(&file), &inside));
    seed("destruction", "alone", -1, dt_buf_view(&inside));
    memcpy(word.forum, r.header.forum, 32);
    memcpy(word.commitment, r.commitment, 32);
    memcpy(word.letter, w.letter[RUSSIA].hash, 32);
    ok(dt_destroyed_sign(&word, seed_view(w.delegate_seed[RUSSIA])));
    (void)world_enter(&w, r.seal);
    world_prove(&w, 0, 1u << RUSSIA, WORLD_START + DAY, &proof);
    in.n_letters = 2;
    in.words = &word;
    in.n_words = 1;
    file.n = 0;
    ok(dt_trace_proof_build(&in, &file));
    seed("destruction", "file", -1, dt_buf_view(&file));
}

static void
seeds_of_values(void)
{
    static const char *const texts[] = {"\x01\x02hello",
                                        "\x03\x02-42",
                                        "\x04\x02"
                                        "12.50",
                                        "\x06\x02two",
                                        "\x07\x02"
                                        "1870-02-28",
                                        "\x08\x02"
                                        "2025-02-12T15:00:00Z",
                                        "\x09\x02P1DT2H",
                                        "\x0a\x02"
                                        "52.1,4.3",
                                        "\x0b\x02"
                                        "1,2 r3.5",
                                        "\x0b\x02"
                                        "0,0 0,1 1,1",
                                        "\x0c\x02zh-hant",
                                        "\x0d\x02"
                                        "both",
                                        "\x10\x02"
                                        "a=1,b=x",
                                        "\x81\x02"
                                        "a;b\\;c",
                                        "\x90\x02"
                                        "a=1;b='2",
                                        "\x0c\x01pt-BR"};
    char name[8];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        (void)snprintf(name, sizeof name, "%02zu", i);
        seed("value_text", name, -1, str(texts[i]));
    }
}

int
main(int argc, char **argv)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b = DT_BUF_INIT(DT_CHARTER_MAX), t = DT_BUF_INIT(DT_TEMPLATE_MAX);

    if (argc != 2)
        return 2;
    folder = argv[1];
    world_init(&w);
    ok(dt_charter_encode(&w.charter, &b));
    seed("charter", "charter", -1, dt_buf_view(&b));
    seeds_of_amendments(dt_buf_view(&b));
    seed_of_roots(dt_buf_view(&b));
    ok(dt_template_encode(dt_templates_get_str(w.templates, "heartbeat"), &t));
    seed("template", "heartbeat", -1, dt_buf_view(&t));
    seed("template", "json", -1,
         str("{\"id\":\"x\",\"title\":\"X\",\"fields\":[{\"name\":\"a\",\"type\":\"enum\","
             "\"required\":true,\"values\":"
             "[\"p\",\"q\"]},{\"name\":\"t\",\"type\":\"datetime\"}],\"deadline\":{\"rule\":"
             "\"before:t:P1D\"},"
             "\"ack\":{\"required\":true,\"within\":\"PT3H\",\"kind\":\"receipt\"},\"default_"
             "disclosure\":\"type\"}"));
    seed("csv", "table", -1, str("a,b\r\n1,\"x, \"\"y\"\"\"\n"));
    seed("csv", "claims", -1,
         str("claim_id,contact_key,kind,date_from,date_to,date_precision,duration_min,count,party_"
             "a,party_b,asserted_by,"
             "stance,source_document,note\nc1,k,call,2025-02-12,2025-02-12,day,,1,A,B,p,announced,"
             "s,n\n"
             "c2,k,call,2023-01-01,2023-12-31,year,5,2,A,B,p,denied,s,\"n, n\"\n"));
    seeds_of_letters();
    seeds_of_records();
    seeds_of_destructions();
    seeds_of_values();
    dt_charter_clear(&amended);
    world_clear(&w);
    return 0;
}
