/*
 * tests/cli/test_commands.c - the program `detente` itself, where no relay is needed: roots,
 * charter, home, letters, templates, verify; exit codes 0 to 4; JSON. $DETENTE is the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto/crypto.h"
#include "log/note.h"
#include "net/grant.h"

#define WORDS_MAX 40

static char folder[64]; /* the tests' working folder, and the program's */
static struct dt_buf out = DT_BUF_INIT(8u << 20);
static struct dt_buf err_text = DT_BUF_INIT(1u << 20);

static void
slurp(const char *path, struct dt_buf *b)
{
    b->n = 0;
    assert_int_equal(dt_file_read(path, b), DT_OK);
    assert_int_equal(dt_buf_append(b, dt_view((const uint8_t *)"", 1)), DT_OK);
    b->n--;
}

/* Run the program with the words up to NULL; its exit code has to be ${want}. Output in out and
 * err_text. */
static void
run(int want, ...)
{
    char *argv[WORDS_MAX + 2];
    const char *word;
    va_list ap;
    size_t n = 0;
    int status = 0;
    pid_t pid;

    memset(argv, 0, sizeof argv);
    argv[n++] = getenv("DETENTE");
    va_start(ap, want);
    while ((word = va_arg(ap, const char *)) != NULL) {
        assert_true(n < WORDS_MAX);
        memcpy(&argv[n++], &word, sizeof word);
    }
    va_end(ap);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int in = open("/dev/null", O_RDONLY);
        int o = open("stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int e = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (in < 0 || o < 0 || e < 0 || dup2(in, 0) < 0 || dup2(o, 1) < 0 || dup2(e, 2) < 0)
            _exit(126);
        (void)setsid(); /* no terminal to ask on */
        (void)execv(argv[0], argv);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    slurp("stdout", &out);
    slurp("stderr", &err_text);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
        fail_msg("detente %s %s: ends with %d, not %d: %s", argv[1], n > 2 ? argv[2] : "",
                 WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), want,
                 (char *)err_text.p);
}

#define RUN(want, ...) run((want), __VA_ARGS__, (char *)NULL)

static void
says(const struct dt_buf *b, const char *part)
{
    if (strstr((const char *)b->p, part) == NULL)
        fail_msg("'%s' is not in: %s", part, (const char *)b->p);
}

/* Standard output as JSON of format 1. */
static json_t *
json(void)
{
    json_t *o = json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "format")), 1);
    return o;
}

static void
write_file(const char *path, const char *content)
{
    assert_int_equal(dt_file_write(path, dt_view_str(content), 0600), DT_OK);
}

static void
vkey(const char *name, enum tlog_key_type type, uint8_t tag, char *text, size_t room)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1024);
    struct tlog_vkey key;
    uint8_t seed[32];
    uint8_t pub[32];

    memset(seed, tag, sizeof seed);
    assert_int_equal(dt_ed25519_pub(dt_view_of(seed), pub), DT_OK);
    assert_int_equal(tlog_vkey_init(&key, dt_view_str(name), type, pub), DT_OK);
    assert_int_equal(tlog_vkey_write(&key, &b), DT_OK);
    assert_true(b.n < room);
    memcpy(text, b.p, b.n);
    text[b.n] = '\0';
}

static void
make_grant(const char *party, const char *path)
{
    static const char *const groups[] = {"north", "south", "neutral"};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_NET_GRANT_MAX);
    struct dt_grant g = {.n_witnesses = 3,
                         .quorum_attested = 2,
                         .quorum_final = 3,
                         .daily_entries = 100,
                         .queues_max = 100,
                         .queue_cells_max = 1000};

    (void)snprintf(g.party, sizeof g.party, "%s", party);
    (void)snprintf(g.relay, sizeof g.relay, "http://127.0.0.1:9");
    memset(g.queue_token, 0xab, sizeof g.queue_token);
    memset(g.append_key, party[0], sizeof g.append_key);
    (void)snprintf(g.register_id, sizeof g.register_id, "00112233445566778899aabbccddeeff");
    (void)snprintf(g.origin, sizeof g.origin, "register.detente/%s", g.register_id);
    vkey(g.origin, TLOG_KEY_ED25519, 1, g.vkey, sizeof g.vkey);
    for (uint8_t i = 0; i < 3; i++) {
        char name[64];

        (void)snprintf(g.witnesses[i].group, sizeof g.witnesses[i].group, "%s", groups[i]);
        (void)snprintf(name, sizeof name, "witness.example/%s", groups[i]);
        vkey(name, TLOG_KEY_COSIGNATURE, (uint8_t)(2 + i), g.witnesses[i].vkey,
             sizeof g.witnesses[i].vkey);
    }
    assert_int_equal(dt_grant_write(&g, &b), DT_OK);
    assert_int_equal(dt_file_write(path, dt_buf_view(&b), 0600), DT_OK);
}

#define DRAFT(to)                                                                                  \
    "charter", "draft", "--grant", "north.grant", "--title", "Exercise e\xcc\x81t\xc3\xa9",        \
        "--party", "North=north.root.pub", "--party", "south=south.root.pub", "--mediator",        \
        "Neutral=neutral.root.pub", "--out", to

/* ---- roots ---- */

static void
roots_and_their_words(void **state)
{
    struct stat st;
    json_t *o;
    const json_t *root;
    char words[200];
    int n = 1;

    (void)state;
    RUN(0, "root", "new", "--out", "x.root");
    assert_int_equal(stat("x.root", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(words, sizeof words, "%s", (const char *)out.p);
    for (const char *p = words; *p != '\0'; p++)
        n += *p == ' ';
    assert_int_equal(n, 8);
    RUN(0, "root", "words", "x.root.pub");
    assert_string_equal((const char *)out.p, words);
    RUN(0, "root", "words", "x.root",
        "x.root.pub"); /* no passphrase is needed for what is public */
    RUN(0, "root", "words", "--json", "x.root.pub");
    o = json();
    root = json_array_get(json_object_get(o, "roots"), 0);
    assert_int_equal(
        strncmp(json_string_value(json_object_get(root, "words")), words, strlen(words) - 1), 0);
    assert_int_equal(strlen(json_string_value(json_object_get(root, "public_key"))), 64);
    json_decref(o);
    /* Nothing is overwritten: neither the key nor the line that may be left of it. */
    RUN(1, "root", "new", "--out", "x.root");
    says(&err_text, "is there already");
    assert_int_equal(unlink("x.root"), 0);
    RUN(1, "root", "new", "--out", "x.root");
    says(&err_text, "x.root.pub is there already");
    RUN(2, "root", "new");
    RUN(3, "root", "new", "--out", "no/such/folder/x.root");
    RUN(3, "root", "words", "nothing.pub");
    write_file("garbage", "garbage\n");
    RUN(1, "root", "words", "garbage");
    says(&err_text, "garbage: ");
}

/* ---- charter ---- */

static void
charter_from_draft_to_signed(void **state)
{
    char id[80];
    json_t *o;

    (void)state;
    RUN(0, DRAFT("c1"));
    RUN(1, DRAFT("c1")); /* is there already */
    RUN(1, "charter", "show", "c1");
    says(&out, "NOT SIGNED YET");
    says(&out, "Exercise \xc3\xa9t\xc3\xa9"); /* in normal form */
    RUN(1, "charter", "show", "--id", "c1");
    (void)snprintf(id, sizeof id, "%s", (const char *)out.p);
    assert_int_equal(strlen(id), 65);

    RUN(0, "charter", "sign", "--root", "north.root", "c1");
    says(&err_text, "1 of 3");
    RUN(0, "charter", "sign", "--root", "south.root", "c1");
    /* The third signs a copy. */
    {
        DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1u << 17);

        RUN(0, DRAFT("c2")); /* another nonce, another forum */
        assert_int_equal(dt_file_read("c1", &b), DT_OK);
        assert_int_equal(dt_file_write("c3", dt_buf_view(&b), 0644), DT_OK);
    }
    RUN(0, "charter", "sign", "--root", "neutral.root", "c3");
    RUN(0, "charter", "sign", "--root", "neutral.root", "c3"); /* again does no harm */
    RUN(1, "charter", "show", "c1");
    RUN(1, "charter", "merge", "c1", "c2");
    says(&err_text, "c2");
    RUN(0, "charter", "merge", "c1", "c3");
    RUN(0, "charter", "show", "c1");
    RUN(0, "charter", "show", "--id", "c1");
    assert_string_equal((const char *)out.p, id); /* signing does not change the forum */

    RUN(0, "charter", "show", "--json", "c1");
    o = json();
    assert_true(json_is_true(json_object_get(o, "complete")));
    assert_int_equal(strncmp(json_string_value(json_object_get(o, "forum")), id, 64), 0);
    assert_int_equal(json_array_size(json_object_get(o, "parties")), 3);
    assert_int_equal(json_array_size(json_object_get(o, "witnesses")), 3);
    assert_string_equal(json_string_value(json_object_get(o, "title")),
                        "Exercise \xc3\xa9t\xc3\xa9");
    json_decref(o);

    RUN(0, "root", "new", "--out", "stranger.root");
    RUN(1, "charter", "sign", "--root", "stranger.root", "c2");
    write_file("wrong", "not it\n");
    RUN(4, "charter", "sign", "--root", "north.root", "--passphrase-file", "wrong", "c2");
    says(&err_text, "north.root");
    RUN(3, "charter", "show", "nothing");
    RUN(1, "charter", "show", "garbage");
}

static void
charter_drafts_that_are_wrong(void **state)
{
    (void)state;
    RUN(2, "charter", "draft", "--title", "T", "--out", "w1");
    RUN(3, "charter", "draft", "--grant", "nothing", "--title", "T", "--out", "w1");
    RUN(1, "charter", "draft", "--grant", "garbage", "--title", "T", "--out", "w1");
    RUN(2, "charter", "draft", "--grant", "north.grant", "--title", "T", "--out", "w1", "--party",
        "north");
    RUN(3, "charter", "draft", "--grant", "north.grant", "--title", "T", "--out", "w1", "--party",
        "north=nothing");
    /* The witness of the neutral group belongs to nobody named so; then it is said who. */
    RUN(2, "charter", "draft", "--grant", "north.grant", "--title", "T", "--out", "w1", "--party",
        "north=north.root.pub", "--party", "south=south.root.pub", "--mediator",
        "Envoy=neutral.root.pub");
    says(&err_text, "--group neutral=NAME");
    RUN(0, "charter", "draft", "--grant", "north.grant", "--title", "T", "--out", "w1", "--party",
        "north=north.root.pub", "--party", "south=south.root.pub", "--mediator",
        "Envoy=neutral.root.pub", "--group", "neutral=Envoy");
    /* One root for two parties. */
    RUN(1, "charter", "draft", "--grant", "north.grant", "--title", "T", "--out", "w2", "--party",
        "north=north.root.pub", "--party", "south=north.root.pub", "--mediator",
        "neutral=neutral.root.pub");
    assert_false(dt_file_exists("w2"));
}

/* ---- home and letters ---- */

static void
signed_charter(const char *path)
{
    RUN(0, DRAFT(path));
    RUN(0, "charter", "sign", "--root", "north.root", path);
    RUN(0, "charter", "sign", "--root", "south.root", path);
    RUN(0, "charter", "sign", "--root", "neutral.root", path);
}

static void
home_and_letter(void **state)
{
    json_t *o;

    (void)state;
    signed_charter("charter");
    RUN(0, DRAFT("unsigned"));
    RUN(1, "--home", "h0", "init", "--charter", "unsigned", "--grant", "north.grant", "--party",
        "North", "--name", "Ana", "--title", "Delegate");
    assert_false(dt_file_exists("h0"));
    RUN(1, "--home", "h0", "init", "--charter", "charter", "--grant", "north.grant", "--party",
        "West", "--name", "Ana", "--title", "Delegate");
    RUN(2, "--home", "h0", "init", "--charter", "charter");
    assert_false(dt_file_exists("h0"));
    RUN(0, "--home", "h", "init", "--charter", "charter", "--grant", "north.grant", "--party",
        "North", "--name", "Ana", "--title", "Delegate");
    RUN(1, "--home", "h", "init", "--charter", "charter", "--grant", "north.grant", "--party",
        "North", "--name", "Ana", "--title", "Delegate");
    RUN(4, "--home", "h", "--passphrase-file", "wrong", "status");
    RUN(0, "--home", "h", "status");
    says(&out, "no letter of credence yet");
    RUN(0, "--home", "h", "letter", "request", "--out", "ana.request");
    RUN(0, "letter", "issue", "--root", "north.root", "--charter", "charter", "--request",
        "ana.request", "--out", "ana.letter", "--days", "30", "--rights", "talk,record");
    RUN(0, "letter", "show", "ana.letter");
    says(&out, "Ana, Delegate\n");
    says(&out, "talk, record\n");
    RUN(0, "letter", "show", "--json", "ana.letter");
    o = json();
    assert_string_equal(json_string_value(json_object_get(o, "name")), "Ana");
    json_decref(o);
    /* Another root of the forum, a root of none, another forum, no rights at all. */
    RUN(1, "letter", "issue", "--root", "stranger.root", "--charter", "charter", "--request",
        "ana.request", "--out", "bad.letter");
    assert_false(dt_file_exists("bad.letter"));
    RUN(4, "letter", "issue", "--root", "north.root", "--charter", "c1", "--request", "ana.request",
        "--out", "bad.letter");
    RUN(1, "letter", "issue", "--root", "north.root", "--charter", "charter", "--request",
        "ana.request", "--out", "bad.letter", "--rights", "fly");
    RUN(2, "letter", "issue", "--root", "north.root", "--charter", "charter", "--request",
        "ana.request", "--out", "bad.letter", "--days", "many");
    RUN(1, "letter", "issue", "--root", "north.root", "--charter", "charter", "--request",
        "ana.letter", "--out", "bad.letter");
    RUN(1, "letter", "show", "garbage");

    RUN(0, "--home", "h", "letter", "import", "ana.letter");
    RUN(0, "--home", "h", "letter", "import", "ana.letter"); /* the same again is fine */
    RUN(1, "--home", "h", "letter", "import", "garbage");
    RUN(0, "--home", "h", "status");
    says(&out, "you are Ana, Delegate, for North");
    RUN(0, "--home", "h", "people", "--json");
    o = json();
    assert_int_equal(json_array_size(json_object_get(o, "people")), 1);
    json_decref(o);
    RUN(0, "letter", "revoke", "--root", "north.root", "--out", "ana.revocation", "ana.letter");
    RUN(0, "--home", "h", "letter", "import", "--revocation", "ana.revocation");
    RUN(0, "--home", "h", "people");
    says(&out, "REVOKED");
    RUN(0, "--home", "h", "check");
}

static void
home_without_a_relay(void **state)
{
    static const char *const lists[] = {"status", "channels", "invitations",
                                        "people", "records",  "alarms"};
    json_t *o;

    (void)state;
    RUN(0, "--home", "h2", "init", "--charter", "charter", "--grant", "south.grant", "--party",
        "south", "--name", "Boris", "--title", "Delegate");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        RUN(0, "--home", "h2", lists[i]);
        RUN(0, "--home", "h2", lists[i], "--json");
        o = json();
        json_decref(o);
    }
    RUN(0, "--home", "h2", "admit", "list", "--json");
    o = json();
    json_decref(o);
    RUN(0, "--home", "h2", "register", "status", "--json");
    o = json();
    json_decref(o);
    RUN(3, "--home", "h2", "sync"); /* nobody listens on port 9 */
    RUN(1, "--home", "h2", "read", "plenary");
    RUN(1, "--home", "h2", "accept");
    RUN(1, "--home", "h2", "show", "abcdef");
    RUN(2, "--home", "h2", "record", "receipt", "plenary"); /* an answer is no record */
    RUN(2, "--home", "h2", "send", "plenary");
    RUN(2, "--home", "h2", "found", "x");
    RUN(2, "--home", "h2", "found", "x", "--kind", "cabal", "--with", "Ana");
    RUN(1, "--home", "h2", "found", "x", "--with", "Nobody");
    RUN(1, "--home", "nowhere", "status");
    assert_false(dt_file_exists("nowhere"));
}

/* ---- what needs no home ---- */

static void
templates_are_listed(void **state)
{
    json_t *o;

    (void)state;
    RUN(0, "template", "list");
    says(&out, "contact ");
    says(&out, "incident ");
    RUN(0, "template", "show", "contact");
    says(&out, "started_at");
    RUN(1, "template", "show", "dance");
    says(&err_text, "there is no template 'dance'");
    RUN(0, "template", "list", "--json");
    o = json();
    assert_true(json_array_size(json_object_get(o, "templates")) >= 18);
    json_decref(o);
}

static void
verify_of_what_is_no_proof(void **state)
{
    json_t *o;

    (void)state;
    RUN(1, "verify", "garbage");
    says(&out, "REFUSED");
    write_file("empty", "");
    RUN(1, "verify", "empty");
    RUN(1, "verify", "--json", "garbage");
    o = json();
    assert_string_equal(json_string_value(json_object_get(o, "file")), "garbage");
    assert_true(json_string_length(json_object_get(o, "reason")) > 0);
    json_decref(o);
    RUN(3, "verify", "nothing.proof"); /* could not be read: no answer about it */
    RUN(2, "verify");
    RUN(2, "verify", "garbage", "--forum", "12");
    RUN(2, "verify", "garbage", "--root-words", "one two three");
    RUN(1, "evidence", "verify", "garbage");
    RUN(3, "evidence", "verify", "nothing");
    RUN(2, "register", "check");
    RUN(3, "register", "check", "--charter", "charter"); /* nobody listens */
}

static void
usage_and_version(void **state)
{
    (void)state;
    RUN(0, "--version");
    says(&out, "detente ");
    RUN(0, "--help");
    says(&out, "charter draft");
    RUN(0, "root", "new", "--help");
    says(&out, "usage: detente root new");
    RUN(2, "dance");
    says(&err_text, "detente: there is no command 'dance'");
    RUN(2, "sync", "--dance");
    RUN(2, "charter", "show");
    RUN(2, "charter", "show", "a", "b");
    RUN(2, "sync", "-v");
    assert_int_equal(out.n, 0);
}

/* Without a file, a descriptor or a terminal there is no passphrase: locked. */
static void
no_way_to_ask(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("DETENTE_PASSPHRASE_FILE"), 0);
    RUN(4, "root", "new", "--out", "y.root");
    says(&err_text, "there is no terminal to ask on");
    assert_false(dt_file_exists("y.root"));
    RUN(4, "--home", "h2", "status");
    RUN(3, "--home", "h2", "--passphrase-file", "nothing", "status");
    assert_int_equal(setenv("DETENTE_PASSPHRASE_FILE", "pass", 1), 0);
    RUN(0, "--home", "h2", "status");
}

static int
setup(void **state)
{
    static const char *const roots[] = {"north.root", "south.root", "neutral.root"};

    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/detente-commands-XXXXXX");
    if (getenv("DETENTE") == NULL || mkdtemp(folder) == NULL || chdir(folder) != 0 ||
        dt_crypto_init() != DT_OK || setenv("DETENTE_PASSPHRASE_FILE", "pass", 1) != 0 ||
        setenv("HOME", folder, 1) != 0)
        return 1;
    (void)unsetenv("DETENTE_HOME");
    write_file("pass", "a passphrase for tests\n");
    for (size_t i = 0; i < 3; i++)
        RUN(0, "root", "new", "--out", roots[i]);
    make_grant("north", "north.grant");
    make_grant("south", "south.grant");
    return 0;
}

static int
teardown(void **state)
{
    char command[128];

    (void)state;
    dt_buf_clear(&out);
    dt_buf_clear(&err_text);
    (void)snprintf(command, sizeof command, "rm -r -- '%s'", folder);
    return chdir("/") != 0 || system(command) != 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage_and_version),
        cmocka_unit_test(roots_and_their_words),
        cmocka_unit_test(charter_from_draft_to_signed),
        cmocka_unit_test(charter_drafts_that_are_wrong),
        cmocka_unit_test(home_and_letter),
        cmocka_unit_test(home_without_a_relay),
        cmocka_unit_test(templates_are_listed),
        cmocka_unit_test(verify_of_what_is_no_proof),
        cmocka_unit_test(no_way_to_ask),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
