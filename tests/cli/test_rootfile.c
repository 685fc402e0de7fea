/*
 * tests/cli/test_rootfile.c - cli/rootfile.c: the key file of a party's root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/wire.h"
#include "crypto/crypto.h"

#include "cli/rootfile.h"

#define HEAD "detente root key 1\n"

struct fixture {
    struct dt_buf key;
    struct dt_buf pub;
};

static int
setup(void **state)
{
    static struct fixture f = {DT_BUF_INIT(DT_ROOTFILE_MAX), DT_BUF_INIT(DT_ROOTFILE_MAX)};

    *state = &f;
    return dt_crypto_init() != DT_OK ||
           dt_rootfile_new(dt_view_str("open"), &f.key, &f.pub) != DT_OK;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    dt_buf_wipe(&f->key);
    dt_buf_clear(&f->pub);
    return 0;
}

static enum dt_err
open_with(struct dt_view text, const char *passphrase)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    enum dt_err err = dt_rootfile_open(text, dt_view_str(passphrase), &seed);

    assert_int_equal(seed.n, err == DT_OK ? 32 : 0);
    return err;
}

static void
opens_with_its_passphrase(void **state)
{
    const struct fixture *f = *state;
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    uint8_t from_seed[32];
    uint8_t from_key[32];
    uint8_t from_pub[32];

    assert_int_equal(dt_rootfile_open(dt_buf_view(&f->key), dt_view_str("open"), &seed), DT_OK);
    assert_int_equal(dt_ed25519_pub(dt_secret_view(&seed), from_seed), DT_OK);
    assert_int_equal(dt_rootfile_pub(dt_buf_view(&f->key), from_key), DT_OK);
    assert_int_equal(dt_rootfile_pub(dt_buf_view(&f->pub), from_pub), DT_OK);
    assert_memory_equal(from_seed, from_key, 32);
    assert_memory_equal(from_seed, from_pub, 32);
    assert_memory_equal(f->key.p, HEAD, strlen(HEAD));
    assert_memory_equal(f->pub.p, "detente-root-1+", 15);
}

static void
stays_locked_otherwise(void **state)
{
    const struct fixture *f = *state;

    assert_int_equal(open_with(dt_buf_view(&f->key), "Open"), DT_ERR_LOCKED);
    assert_int_equal(open_with(dt_buf_view(&f->key), "open "), DT_ERR_LOCKED);
    assert_int_equal(open_with(dt_buf_view(&f->key), ""), DT_ERR_LOCKED);
    assert_int_equal(open_with(dt_buf_view(&f->pub), "open"), DT_ERR_FORMAT);
}

static void
two_roots_differ(void **state)
{
    const struct fixture *f = *state;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf key = DT_BUF_INIT(DT_ROOTFILE_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf pub = DT_BUF_INIT(DT_ROOTFILE_MAX);

    assert_int_equal(dt_rootfile_new(dt_view_str("open"), &key, &pub), DT_OK);
    assert_false(dt_view_equal(dt_buf_view(&pub), dt_buf_view(&f->pub)));
    assert_false(dt_view_equal(dt_buf_view(&key), dt_buf_view(&f->key)));
}

/* Salt, sealed seed and public key: 16, 72 and 32 bytes. Cost, of 8 bytes after the salt, has its
 * own test. */
static void
every_bit_counts(void **state)
{
    const struct fixture *f = *state;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
    const size_t head = strlen(HEAD);
    /* One hash costs a fifth of a second in a build for real use: there, not every character. */
    const size_t step = dt_argon2_notice()[0] != '\0' ? 1 : 11;

    assert_int_equal(dt_buf_append(&b, dt_buf_view(&f->key)), DT_OK);
    for (size_t i = 0; i < b.n; i += step) {
        if (i >= head + 20 && i <= head + 32)
            continue;
        for (unsigned int bit = 0; bit < 8; bit++) {
            enum dt_err err;

            b.p[i] ^= (uint8_t)(1u << bit);
            err = open_with(dt_buf_view(&b), "open");
            if (err != DT_ERR_LOCKED && err != DT_ERR_FORMAT)
                fail_msg("bit %u of byte %zu: %s", bit, i, dt_err_name(err));
            b.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_int_equal(open_with(dt_buf_view(&b), "open"), DT_OK);
}

static void
every_length_short_of_whole_is_refused(void **state)
{
    const struct fixture *f = *state;
    DT_CLEANUP(dt_buf_wipe) struct dt_buf b = DT_BUF_INIT(DT_ROOTFILE_MAX);
    uint8_t pub[32];

    for (size_t n = 0; n < f->key.n; n++)
        assert_int_equal(open_with(dt_view(f->key.p, n), "open"), DT_ERR_FORMAT);
    for (size_t n = 0; n < f->pub.n; n++)
        assert_int_not_equal(dt_rootfile_pub(dt_view(f->pub.p, n), pub), DT_OK);
    assert_int_equal(dt_buf_append(&b, dt_buf_view(&f->key)), DT_OK);
    assert_int_equal(dt_buf_append(&b, dt_view_str("\n")), DT_OK);
    assert_int_equal(open_with(dt_buf_view(&b), "open"), DT_ERR_FORMAT);
}

/* The key file with another cost in it. */
static enum dt_err
open_with_cost(const struct fixture *f, uint32_t mem_kib, uint32_t passes)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf raw = DT_BUF_INIT(DT_ROOTFILE_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf cost = DT_BUF_INIT(8);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(DT_ROOTFILE_MAX);
    struct dt_writer w = dt_writer_init(&cost);
    const size_t head = strlen(HEAD);

    assert_int_equal(dt_base64_read(&raw, dt_view(f->key.p + head, f->key.n - head - 1)), DT_OK);
    dt_write_u32(&w, mem_kib);
    dt_write_u32(&w, passes);
    assert_int_equal(dt_writer_end(&w), DT_OK);
    memcpy(raw.p + DT_ARGON2_SALT, cost.p, 8);
    assert_int_equal(dt_buf_append(&text, dt_view_str(HEAD)), DT_OK);
    assert_int_equal(dt_base64_write(&text, dt_buf_view(&raw)), DT_OK);
    assert_int_equal(dt_buf_append(&text, dt_view_str("\n")), DT_OK);
    return open_with(dt_buf_view(&text), "open");
}

static void
cost_has_its_bounds(void **state)
{
    const struct fixture *f = *state;
    struct dt_argon2 standard;

    assert_int_equal(dt_argon2_new(&standard), DT_OK);
    assert_int_equal(open_with_cost(f, standard.mem_kib, standard.passes), DT_OK);
    assert_int_equal(open_with_cost(f, (1u << 20) + 1, standard.passes),
                     DT_ERR_LIMIT); /* past 1 GiB */
    assert_int_equal(open_with_cost(f, UINT32_MAX, standard.passes), DT_ERR_LIMIT);
    assert_int_equal(open_with_cost(f, standard.mem_kib, 17), DT_ERR_LIMIT);
    assert_int_equal(open_with_cost(f, standard.mem_kib, UINT32_MAX), DT_ERR_LIMIT);
    assert_int_equal(open_with_cost(f, standard.mem_kib / 2, standard.passes), DT_ERR_RANGE);
    assert_int_equal(open_with_cost(f, 0, standard.passes), DT_ERR_RANGE);
    assert_int_equal(open_with_cost(f, standard.mem_kib, 0), DT_ERR_RANGE);
    assert_int_equal(open_with_cost(f, standard.mem_kib + 8, standard.passes), DT_ERR_LOCKED);
    assert_int_equal(open_with_cost(f, standard.mem_kib, standard.passes + 1), DT_ERR_LOCKED);
}

static void
public_lines_are_keys(void **state)
{
    static const char *const bad[] = {
        "detente-root-1+\n",
        "detente-root-2+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "detente-root-1+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", /* small order */
        "detente-root-1+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",     /* 30 bytes */
        "detente-root-1+//////////////////////////////////////////8=\n", /* not canonical */
        "hello\n",
        ""};
    uint8_t pub[32] = {7};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(dt_rootfile_pub(dt_view_str(bad[i]), pub), DT_OK);
    assert_int_equal(pub[0], 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_with_its_passphrase),
        cmocka_unit_test(stays_locked_otherwise),
        cmocka_unit_test(two_roots_differ),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(every_length_short_of_whole_is_refused),
        cmocka_unit_test(cost_has_its_bounds),
        cmocka_unit_test(public_lines_are_keys),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
