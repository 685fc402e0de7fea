/*
 * fuzz/relay/make_cosign.c - makes the seeds of fuzz_cosign, which are in the tree:
 *
 *     build-fuzz/fuzz/relay/make_cosign fuzz/corpus/cosign
 */
#include "base/file.h"

#include "cosign_fixture.h"

/* A checkpoint of ${size} entries with lines by the signers whose bits are in ${who}. */
static void
seed(const char *dir, const char *name, uint64_t size, unsigned int who)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf line = DT_BUF_INIT(TLOG_NOTE_MAX);
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer log = {0};
    DT_CLEANUP(tlog_note_clear) struct tlog_note note = {0};
    struct tlog_checkpoint cp;
    struct tlog_hash root;
    char path[1024];

    memset(&root, (int)size, sizeof root);
    cosign_signer(COSIGN_WITNESSES, &log);
    must(tlog_checkpoint_init(&cp, dt_view_str(COSIGN_ORIGIN), size, &root) == DT_OK &&
         tlog_checkpoint_sign(&log, &cp, &out) == DT_OK &&
         tlog_note_parse(dt_buf_view(&out), &note) == DT_OK);
    for (size_t i = 0; i <= COSIGN_WITNESSES + 1; i++) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};

        if ((who >> i & 1) == 0)
            continue;
        cosign_signer(i, &s);
        must(tlog_cosign(&s, note.text, 1770000000 + i, &line) == DT_OK);
    }
    must(dt_buf_append(&out, dt_buf_view(&line)) == DT_OK);
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    must(dt_file_create(path, dt_buf_view(&out), 0644) == DT_OK);
}

int
main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    must(dt_crypto_init() == DT_OK);
    seed(argv[1], "one", 1, 1u << 0);
    seed(argv[1], "all", 300, 0x1f);
    seed(argv[1], "with-stranger", 7, 1u << 4 | 1u << (COSIGN_WITNESSES + 1));
    return 0;
}
