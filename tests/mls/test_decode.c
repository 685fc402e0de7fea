/*
 * tests/mls/test_decode.c - what holds of all decoders alike: numbers that name nothing, lengths
 * that lie, and how much memory and stack a hostile structure can cost.
 *
 * Source: RFC 9420 sections 2.1, 2.1.2, 6, 7.8, 12.4, 12.4.3.3, 17.
 */
#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "mls/group_internal.h"
#include "mls/tree_check.h"
#include "mls/welcome.h"

#include "group_util.h"

/* Of a thread; a sanitizer's frames are some times larger. */
#ifdef __SANITIZE_ADDRESS__
#define STACK (512u << 10)
#else
#define STACK (128u << 10)
#endif

/* Linked with --wrap: the bytes that were asked for, freed or not. */
static size_t asked;
void *__real_dt_alloc(size_t n, size_t size);
void *__wrap_dt_alloc(size_t n, size_t size);
void *__real_dt_realloc(void *p, size_t n, size_t size);
void *__wrap_dt_realloc(void *p, size_t n, size_t size);

void *
__wrap_dt_alloc(size_t n, size_t size)
{
    asked += n * size;
    return __real_dt_alloc(n, size);
}

void *
__wrap_dt_realloc(void *p, size_t n, size_t size)
{
    asked += n * size;
    return __real_dt_realloc(p, n, size);
}

static int
setup(void **state)
{
    (void)state;
    assert_ok(dt_crypto_init());
    return 0;
}

/* ---- one of each structure, and its decoder ---- */

static enum dt_err
key_package(struct dt_view v)
{
    struct mls_key_package *kp = NULL;
    enum dt_err err = mls_key_package_parse(v, &kp);

    mls_key_package_unref(kp);
    return err;
}

static enum dt_err
welcome(struct dt_view v)
{
    struct mls_welcome w;

    return mls_welcome_parse(v, &w);
}

static enum dt_err
group_info(struct dt_view v)
{
    struct mls_group_info x = {0};
    enum dt_err err = mls_group_info_parse(v, &x);

    mls_group_info_clear(&x);
    return err;
}

static enum dt_err
ratchet_tree(struct dt_view v)
{
    struct mls_tree t;
    enum dt_err err;

    mls_tree_init(&t, dt_suite_get(1));
    err = mls_tree_parse(v, dt_suite_get(1), &t);
    mls_tree_clear(&t);
    return err;
}

static enum dt_err
public_message(struct dt_view v)
{
    struct mls_auth_content c = {0};
    struct dt_view tag;
    enum dt_err err = mls_public_message_parse(v, &c, &tag);

    mls_auth_content_clear(&c);
    return err;
}

static enum dt_err
private_message(struct dt_view v)
{
    struct mls_private_message m;

    return mls_private_message_parse(v, &m);
}

static enum dt_err
message(struct dt_view v)
{
    struct dt_view body;

    return mls_message_body(v, MLS_WIRE_PUBLIC_MESSAGE, &body);
}

struct sample {
    const char *what;
    enum dt_err (*decode)(struct dt_view v);
    struct dt_buf bytes;
};
#define N_SAMPLES 7u

static void
sample_of(struct sample *s, const char *what, enum dt_err (*decode)(struct dt_view v),
          const struct dt_buf *m, enum mls_wire_format format)
{
    struct dt_view body = dt_buf_view(m);

    if (format != 0)
        assert_ok(mls_message_body(body, format, &body));
    s->what = what;
    s->decode = decode;
    dt_buf_init(&s->bytes, MLS_MESSAGE_MAX);
    assert_ok(dt_buf_set(&s->bytes, body));
    assert_ok(decode(dt_buf_view(&s->bytes)));
}

/* From a group of three of which one adds another, with a path, in the open. */
static void
samples(struct sample *s)
{
    struct trio t;
    struct gu_party dan;
    struct dt_view add;
    struct mls_propose_opts remove = {.kind = MLS_PROPOSE_REMOVE, .remove = 1};
    struct mls_commit_opts opts = {.adds = &add,
                                   .n_adds = 1,
                                   .force_path = true,
                                   .commit_cached = true,
                                   .as_public = true,
                                   .lifetime = gu_clock};
    struct mls_commit_out out = {0};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);

    trio_init(&t);
    gu_party_init(&dan, 1, "dan");
    add = dt_buf_view(&dan.key_package);
    gu_protect(&t.p[0], "hello", &m);
    sample_of(s++, "PrivateMessage", private_message, &m, MLS_WIRE_PRIVATE_MESSAGE);
    dt_buf_clear(&m);
    assert_ok(mls_group_propose(t.p[0].group, &remove, &m)); /* for a reference in the Commit */
    assert_ok(mls_group_commit(t.p[0].group, &opts, &out));
    sample_of(s++, "KeyPackage", key_package, &dan.key_package, MLS_WIRE_KEY_PACKAGE);
    sample_of(s++, "Welcome", welcome, &out.welcome, MLS_WIRE_WELCOME);
    sample_of(s++, "PublicMessage", public_message, &out.commit, MLS_WIRE_PUBLIC_MESSAGE);
    sample_of(s++, "MLSMessage", message, &out.commit, (enum mls_wire_format)0);
    dt_buf_clear(&m);
    gu_info(&t.p[0], true, &m);
    sample_of(s++, "GroupInfo", group_info, &m, MLS_WIRE_GROUP_INFO);
    dt_buf_clear(&m);
    assert_ok(mls_group_ratchet_tree(t.p[0].group, &m));
    sample_of(s++, "ratchet_tree", ratchet_tree, &m, (enum mls_wire_format)0);
    dt_buf_clear(&m);
    mls_commit_out_clear(&out);
    gu_party_clear(&dan);
    trio_clear(&t);
}

/* RFC 9420 section 2.1.2: at every byte a length of 2^30 - 1, of 2^14 - 1, of none; and cut there.
 * No more memory is asked for than a few times what is there. */
static void
test_section_2_1_2_lying_lengths(void **state)
{
    static const uint8_t lies[][4] = {{0xbf, 0xff, 0xff, 0xff}, {0x7f, 0xff, 0, 0}, {0}};
    static const size_t lie_len[] = {4, 2, 1};
    struct sample all[N_SAMPLES];

    (void)state;
    samples(all);
    for (size_t k = 0; k < N_SAMPLES; k++) {
        struct sample *s = &all[k];
        struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
        size_t most = 0;

        for (size_t at = 0; at < s->bytes.n; at++) {
            for (size_t i = 0; i < 4; i++) {
                assert_ok(dt_buf_set(&copy, dt_buf_view(&s->bytes)));
                if (i < 3 && at + lie_len[i] > copy.n)
                    continue;
                if (i < 3)
                    memcpy(copy.p + at, lies[i], lie_len[i]);
                else
                    copy.n = at;
                asked = 0;
                if (s->decode(dt_buf_view(&copy)) == DT_OK && i == 3 && s->decode != message)
                    fail_msg("%s of %zu bytes instead of %zu", s->what, at, s->bytes.n);
                most = asked > most ? asked : most;
            }
        }
        print_message("%s: at most %zu bytes for %zu\n", s->what, most, s->bytes.n);
        assert_true(most <= 16 * s->bytes.n + 8192);
        dt_buf_clear(&copy);
        dt_buf_clear(&s->bytes);
    }
}

/* ---- numbers that name nothing ---- */

/* Each value of the byte at ${at} but the ${n_good} from 1 on is refused, as ${why} says. */
static void
only_from_1(const struct sample *s, size_t at, unsigned int n_good, const char *why)
{
    struct dt_buf copy = DT_BUF_INIT(MLS_MESSAGE_MAX);
    enum dt_err err;

    assert_ok(dt_buf_set(&copy, dt_buf_view(&s->bytes)));
    for (unsigned int x = 0; x < 256; x++) {
        copy.p[at] = (uint8_t)x;
        err = s->decode(dt_buf_view(&copy));
        if (x >= 1 && x <= n_good)
            continue; /* another one, and what follows may fit it or not */
        if (err != DT_ERR_FORMAT || strstr(dt_err_message(), why) == NULL)
            fail_msg("%s: %u at byte %zu: %s (%s)", s->what, x, at, dt_err_name(err),
                     dt_err_message());
    }
    dt_buf_clear(&copy);
}

/* Sections 6, 7.8 and 12.4: SenderType, ContentType, ProposalOrRefType, NodeType. */
static void
test_section_17_enums(void **state)
{
    struct sample all[N_SAMPLES];
    const struct sample *open = &all[3];
    const struct sample *tree = &all[6];
    size_t at;

    (void)state;
    samples(all);
    assert_string_equal(open->what, "PublicMessage");
    at = 1 + open->bytes.p[0] + 8; /* behind the group id and the epoch */
    assert_int_equal(open->bytes.p[at], MLS_SENDER_MEMBER);
    only_from_1(open, at, 4, "sender type");
    at += 1 + 4 + 1; /* the sender, and no authenticated data */
    assert_int_equal(open->bytes.p[at], MLS_CONTENT_COMMIT);
    only_from_1(open, at, 3, "content type");
    at += 1 + (1u << (open->bytes.p[at + 1] >> 6)); /* the length of the list */
    assert_int_equal(open->bytes.p[at], 2);         /* by reference: the Remove */
    only_from_1(open, at, 2, "neither by value nor by reference");
    assert_string_equal(tree->what, "ratchet_tree");
    at = 1u << (tree->bytes.p[0] >> 6);
    assert_int_equal(tree->bytes.p[at], 1); /* it is there */
    assert_int_equal(tree->bytes.p[at + 1], 1);
    only_from_1(tree, at + 1, 2, "node");
    for (size_t k = 0; k < N_SAMPLES; k++)
        dt_buf_clear(&all[k].bytes);
}

/* ---- depth ---- */

static struct dt_buf wide = DT_BUF_INIT(1u << 20);
static enum dt_err wide_err;

static void *
read_and_hash(void *arg)
{
    struct mls_leaf_rules rules = {.suite = dt_suite_get(1)};
    struct mls_tree t;
    uint8_t hash[MLS_HASH_MAX];

    (void)arg;
    mls_tree_init(&t, dt_suite_get(1));
    wide_err = mls_tree_parse(dt_buf_view(&wide), dt_suite_get(1), &t);
    if (wide_err == DT_OK)
        wide_err = mls_tree_hash(&t, hash);
    if (wide_err == DT_OK)
        wide_err = mls_tree_check(&t, dt_view_str("g"), &rules, dt_view(hash, 32));
    mls_tree_clear(&t);
    return NULL;
}

/* The widest and deepest tree there can be, of 65,536 leaves of which two are set, on a small
 * stack: its depth is all that anything recurses by. */
static void
test_section_7_8_deepest_tree(void **state)
{
    struct gu_party who[2];
    struct dt_writer w = dt_writer_init(&wide);
    pthread_attr_t attr;
    pthread_t thread;
    size_t mark;

    (void)state;
    mark = dt_write_vec_begin(&w);
    for (size_t i = 0; i < 2; i++) {
        struct mls_key_package *kp = NULL;
        struct dt_view body;

        gu_party_init(&who[i], 1, i == 0 ? "ada" : "bob");
        assert_ok(mls_message_body(dt_buf_view(&who[i].key_package), MLS_WIRE_KEY_PACKAGE, &body));
        assert_ok(mls_key_package_parse(body, &kp));
        for (uint32_t k = 0; i == 1 && k < MLS_NODES_MAX - 2; k++)
            dt_write_optional(&w, false);
        dt_write_optional(&w, true);
        dt_write_u8(&w, 1);
        mls_leaf_node_write(&w, kp->leaf);
        mls_key_package_unref(kp);
    }
    dt_write_vec_end(&w, mark);
    assert_ok(dt_writer_end(&w));
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, STACK), 0);
    assert_int_equal(pthread_create(&thread, &attr, read_and_hash, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(wide_err);
    (void)pthread_attr_destroy(&attr);
    dt_buf_clear(&wide);
    gu_party_clear(&who[0]);
    gu_party_clear(&who[1]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_2_1_2_lying_lengths),
        cmocka_unit_test(test_section_17_enums),
        cmocka_unit_test(test_section_7_8_deepest_tree),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
