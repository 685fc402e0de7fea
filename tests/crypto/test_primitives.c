/*
 * tests/crypto/test_primitives.c - hash, HMAC, HKDF, AEAD, X25519, Argon2id, random.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/crypto.h"

#define MAX 100000

static struct dt_buf
hex(const char *text)
{
    struct dt_buf b = DT_BUF_INIT(MAX);

    assert_int_equal(dt_hex_read(&b, dt_view_str(text)), DT_OK);
    return b;
}

static void
same_hex(struct dt_view got, const char *want)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf text = DT_BUF_INIT(MAX);

    assert_int_equal(dt_hex_write(&text, got), DT_OK);
    assert_int_equal(dt_buf_append(&text, dt_view((const uint8_t *)"", 1)), DT_OK);
    assert_string_equal((const char *)text.p, want);
}

/* FIPS 180-4, the "abc" examples; in one part and in several. */
static void
sha2(void **state)
{
    static const struct {
        enum dt_hash_alg alg;
        const char *want;
    } cases[] = {
        {DT_HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {DT_HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                         "8086072ba1e7cc2358baeca134c825a7"},
        {DT_HASH_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                         "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    };
    struct dt_view parts[4] = {dt_view_str("a"), {NULL, 0}, dt_view_str("b"), dt_view_str("c")};
    struct dt_view whole = dt_view_str("abc");
    uint8_t out[DT_HASH_MAX];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(dt_hash(cases[i].alg, &whole, 1, out), DT_OK);
        same_hex(dt_view(out, dt_hash_len(cases[i].alg)), cases[i].want);
        assert_int_equal(dt_hash(cases[i].alg, parts, 4, out), DT_OK);
        same_hex(dt_view(out, dt_hash_len(cases[i].alg)), cases[i].want);
    }
    assert_int_equal(dt_sha256(dt_view(NULL, 0), out), DT_OK);
    same_hex(dt_view(out, 32), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(dt_hash((enum dt_hash_alg)9, &whole, 1, out), DT_ERR_INTERNAL);
}

/* RFC 4231 sections 4.2 (case 1), 4.3 (case 2) and 4.7 (case 6: a key longer than the block). */
static void
hmac_rfc4231(void **state)
{
    static const struct {
        const char *key;
        const char *text;
        const char *want[3];
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
         "Hi There",
         {"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
          "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
          "faea9ea9076ede7f4af152e8b2fa9cb6",
          "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
          "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"}},
        {"4a656665",
         "what do ya want for nothing?",
         {"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
          "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
          "8e2240ca5e69e2c78b3239ecfab21649",
          "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
          "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"}},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaa",
         "Test Using Larger Than Block-Size Key - Hash Key First",
         {"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
          "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c6"
          "0c2ef6ab4030fe8296248df163f44952",
          "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
          "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf key = hex(cases[i].key);
        struct dt_view text = dt_view_str(cases[i].text);
        struct dt_view parts[2] = {dt_view(text.p, 3), dt_view(text.p + 3, text.n - 3)};

        for (int alg = DT_HASH_SHA256; alg <= DT_HASH_SHA512; alg++) {
            uint8_t out[DT_HASH_MAX];

            assert_int_equal(dt_hmac((enum dt_hash_alg)alg, dt_buf_view(&key), parts, 2, out),
                             DT_OK);
            same_hex(dt_view(out, dt_hash_len((enum dt_hash_alg)alg)), cases[i].want[alg - 1]);
        }
        /* A key that is prepared once gives the same, again and again. */
        for (size_t j = 0; j < 3; j++) {
            DT_CLEANUP(dt_keyed_clear) struct dt_keyed keyed = {0};
            uint8_t out[DT_SHA256];

            assert_int_equal(dt_keyed_tag(&keyed, text, out), DT_ERR_INTERNAL);
            assert_int_equal(dt_keyed_set(&keyed, dt_buf_view(&key)), DT_OK);
            for (size_t k = 0; k <= j; k++) {
                assert_int_equal(dt_keyed_tag(&keyed, text, out), DT_OK);
                same_hex(dt_view_of(out), cases[i].want[0]);
                assert_int_equal(dt_keyed_tag(&keyed, dt_view(NULL, 0), out), DT_OK);
            }
        }
    }
}

/* RFC 5869 appendices A.1 and A.3; and the SHA-384 construction against itself in two lengths. */
static void
hkdf_rfc5869(void **state)
{
    static const struct {
        const char *ikm, *salt, *info, *prk, *okm;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf ikm = hex(cases[i].ikm);
        DT_CLEANUP(dt_buf_clear) struct dt_buf salt = hex(cases[i].salt);
        DT_CLEANUP(dt_buf_clear) struct dt_buf info = hex(cases[i].info);
        DT_CLEANUP(dt_secret_clear) struct dt_secret prk = {0};
        DT_CLEANUP(dt_secret_clear) struct dt_secret okm = {0};

        assert_int_equal(
            dt_hkdf_extract(DT_HASH_SHA256, dt_buf_view(&salt), dt_buf_view(&ikm), &prk), DT_OK);
        same_hex(dt_secret_view(&prk), cases[i].prk);
        assert_int_equal(
            dt_hkdf_expand(DT_HASH_SHA256, dt_secret_view(&prk), dt_buf_view(&info), 42, &okm),
            DT_OK);
        same_hex(dt_secret_view(&okm), cases[i].okm);
        /* The output may replace the key it came from. */
        assert_int_equal(
            dt_hkdf_expand(DT_HASH_SHA256, dt_secret_view(&prk), dt_buf_view(&info), 42, &prk),
            DT_OK);
        same_hex(dt_secret_view(&prk), cases[i].okm);
    }
}

static void
hkdf_limits(void **state)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret out = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret longest = {0};
    uint8_t prk[48] = {1};

    (void)state;
    for (int alg = DT_HASH_SHA256; alg <= DT_HASH_SHA512; alg++) {
        enum dt_hash_alg a = (enum dt_hash_alg)alg;
        size_t most = 255 * dt_hash_len(a);

        assert_int_equal(dt_hkdf_expand(a, dt_view_of(prk), dt_view_str("i"), most, &longest),
                         DT_OK);
        assert_int_equal(longest.n, most);
        assert_int_equal(dt_hkdf_expand(a, dt_view_of(prk), dt_view_str("i"), most + 1, &out),
                         DT_ERR_RANGE);
        assert_int_equal(dt_hkdf_expand(a, dt_view_of(prk), dt_view_str("i"), 100, &out), DT_OK);
        assert_memory_equal(out.p, longest.p, 100);
    }
    assert_int_equal(dt_hkdf_expand(DT_HASH_SHA256, dt_view_of(prk), dt_view_str("i"), 0, &out),
                     DT_OK);
    assert_int_equal(out.n, 0);
}

/* Several infos of one PRK are what one by one gives, whatever their lengths and order. */
static void
hkdf_all(void **state)
{
    static const size_t lens[] = {32, 12, 0, 200, 64, 1};
    const size_t n = sizeof lens / sizeof lens[0];
    uint8_t prk[48] = {7};
    uint8_t infos[6][3] = {{1}, {2}, {3}, {4}, {5}, {6}};

    (void)state;
    for (int alg = DT_HASH_SHA256; alg <= DT_HASH_SHA512; alg++) {
        enum dt_hash_alg a = (enum dt_hash_alg)alg;
        struct dt_secret out[6] = {0};
        struct dt_expansion v[6];

        for (size_t i = 0; i < n; i++)
            v[i] = (struct dt_expansion){dt_view(infos[i], i % 4), lens[i], &out[i]};
        assert_int_equal(dt_hkdf_expand_all(a, dt_view_of(prk), v, n), DT_OK);
        for (size_t i = 0; i < n; i++) {
            DT_CLEANUP(dt_secret_clear) struct dt_secret one = {0};

            assert_int_equal(dt_hkdf_expand(a, dt_view_of(prk), v[i].info, lens[i], &one), DT_OK);
            assert_int_equal(out[i].n, lens[i]);
            if (lens[i] > 0)
                assert_memory_equal(out[i].p, one.p, lens[i]);
        }
        v[3].len = 255 * dt_hash_len(a) + 1;
        assert_int_equal(dt_hkdf_expand_all(a, dt_view_of(prk), v, n), DT_ERR_RANGE);
        for (size_t i = 0; i < n; i++)
            dt_secret_clear(&out[i]);
    }
}

struct aead_case {
    enum dt_aead_alg alg;
    const char *key, *nonce, *aad, *plain, *sealed;
};

/* RFC 8439 section 2.8.2; the AES-GCM ones are cases 4 and 16 of its authors' paper. */
static const struct aead_case aead_cases[] = {
    {DT_AEAD_CHACHA20POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492"
     "0636f"
     "756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e7"
     "36372"
     "65656e20776f756c642062652069742e",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da927"
     "28b1a"
     "71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7b"
     "c3ff4"
     "def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"},
    {DT_AEAD_AES128GCM, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "525b1"
     "6aedf5aa0de657ba637b39",
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84a"
     "a051b"
     "a30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    {DT_AEAD_AES256GCM, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "525b1"
     "6aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838c5"
     "f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

static void
aead_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof aead_cases / sizeof aead_cases[0]; i++) {
        const struct aead_case *c = &aead_cases[i];
        DT_CLEANUP(dt_buf_clear) struct dt_buf key = hex(c->key);
        DT_CLEANUP(dt_buf_clear) struct dt_buf nonce = hex(c->nonce);
        DT_CLEANUP(dt_buf_clear) struct dt_buf aad = hex(c->aad);
        DT_CLEANUP(dt_buf_clear) struct dt_buf plain = hex(c->plain);
        DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = hex(c->sealed);
        DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(MAX);

        for (int twice = 0; twice < 2; twice++) { /* the context is used again */
            out.n = 0;
            assert_int_equal(dt_aead_seal(c->alg, dt_buf_view(&key), dt_buf_view(&nonce),
                                          dt_buf_view(&aad), dt_buf_view(&plain), &out),
                             DT_OK);
            same_hex(dt_buf_view(&out), c->sealed);
            out.n = 0;
            assert_int_equal(dt_aead_open(c->alg, dt_buf_view(&key), dt_buf_view(&nonce),
                                          dt_buf_view(&aad), dt_buf_view(&sealed), &out),
                             DT_OK);
            same_hex(dt_buf_view(&out), c->plain);
        }
        /* Every bit flip is refused, in the text, the tag, the nonce and the associated data. */
        out.n = 0;
        for (size_t bit = 0; bit < 8 * sealed.n; bit++) {
            sealed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(dt_aead_open(c->alg, dt_buf_view(&key), dt_buf_view(&nonce),
                                          dt_buf_view(&aad), dt_buf_view(&sealed), &out),
                             DT_ERR_AUTH);
            sealed.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        aad.p[0] ^= 1;
        assert_int_equal(dt_aead_open(c->alg, dt_buf_view(&key), dt_buf_view(&nonce),
                                      dt_buf_view(&aad), dt_buf_view(&sealed), &out),
                         DT_ERR_AUTH);
        aad.p[0] ^= 1;
        nonce.p[0] ^= 1;
        assert_int_equal(dt_aead_open(c->alg, dt_buf_view(&key), dt_buf_view(&nonce),
                                      dt_buf_view(&aad), dt_buf_view(&sealed), &out),
                         DT_ERR_AUTH);
        assert_int_equal(out.n, 0);
        for (size_t n = 0; n < 16; n++)
            assert_int_equal(dt_aead_open(c->alg, dt_buf_view(&key), dt_buf_view(&nonce),
                                          dt_buf_view(&aad), dt_view(sealed.p, n), &out),
                             DT_ERR_AUTH);
    }
}

static void
aead_empty_and_sizes(void **state)
{
    uint8_t key[32] = {1};
    uint8_t nonce[12] = {2};

    (void)state;
    for (int a = DT_AEAD_AES128GCM; a <= DT_AEAD_CHACHA20POLY1305; a++) {
        enum dt_aead_alg alg = (enum dt_aead_alg)a;
        DT_CLEANUP(dt_buf_clear) struct dt_buf sealed = DT_BUF_INIT(100);
        DT_CLEANUP(dt_buf_clear) struct dt_buf plain = DT_BUF_INIT(100);
        DT_CLEANUP(dt_buf_clear) struct dt_buf small = DT_BUF_INIT(15);
        struct dt_view k = dt_view(key, dt_aead_key_len(alg));
        struct dt_view none = {NULL, 0};

        assert_int_equal(dt_aead_seal(alg, k, dt_view_of(nonce), none, none, &sealed), DT_OK);
        assert_int_equal(sealed.n, 16);
        assert_int_equal(
            dt_aead_open(alg, k, dt_view_of(nonce), none, dt_buf_view(&sealed), &plain), DT_OK);
        assert_int_equal(plain.n, 0);
        assert_int_equal(
            dt_aead_seal(alg, dt_view(key, 31), dt_view_of(nonce), none, none, &sealed),
            DT_ERR_RANGE);
        assert_int_equal(dt_aead_seal(alg, k, dt_view(nonce, 11), none, none, &sealed),
                         DT_ERR_RANGE);
        assert_int_equal(dt_aead_seal(alg, k, dt_view_of(nonce), none, none, &small), DT_ERR_LIMIT);
    }
}

static void
box(void **state)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf a = DT_BUF_INIT(1000);
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(1000);
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1000);
    uint8_t key[32] = {7};
    struct dt_view aad = dt_view_str("table/column");
    struct dt_view msg = dt_view_str("value");

    (void)state;
    assert_int_equal(dt_box_seal(dt_view_of(key), aad, msg, &a), DT_OK);
    assert_int_equal(dt_box_seal(dt_view_of(key), aad, msg, &b), DT_OK);
    assert_int_equal(a.n, 24 + 5 + 16);
    assert_false(dt_view_equal(dt_buf_view(&a), dt_buf_view(&b))); /* the nonces differ */
    assert_int_equal(dt_box_open(dt_view_of(key), aad, dt_buf_view(&a), &out), DT_OK);
    assert_true(dt_view_equal(dt_buf_view(&out), msg));
    for (size_t bit = 0; bit < 8 * a.n; bit++) {
        a.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(dt_box_open(dt_view_of(key), aad, dt_buf_view(&a), &out), DT_ERR_AUTH);
        a.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(dt_box_open(dt_view_of(key), msg, dt_buf_view(&a), &out), DT_ERR_AUTH);
    assert_int_equal(dt_box_open(dt_view_of(key), aad, dt_view(a.p, 39), &out), DT_ERR_AUTH);
    assert_int_equal(dt_box_open(dt_view(key, 31), aad, dt_buf_view(&a), &out), DT_ERR_RANGE);
    assert_int_equal(out.n, 5);
    /* Empty content is fine. */
    a.n = 0;
    out.n = 0;
    assert_int_equal(dt_box_seal(dt_view_of(key), aad, dt_view(NULL, 0), &a), DT_OK);
    assert_int_equal(dt_box_open(dt_view_of(key), aad, dt_buf_view(&a), &out), DT_OK);
    assert_int_equal(out.n, 0);
}

/* RFC 7748 section 6.1. */
static void
x25519_rfc7748(void **state)
{
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf a = hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    DT_CLEANUP(dt_buf_clear)
    struct dt_buf b = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    DT_CLEANUP(dt_secret_clear) struct dt_secret k = {0};
    uint8_t pub_a[32];
    uint8_t pub_b[32];
    static const char want[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

    (void)state;
    assert_int_equal(dt_x25519_pub(dt_buf_view(&a), pub_a), DT_OK);
    same_hex(dt_view_of(pub_a), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_int_equal(dt_x25519_pub(dt_buf_view(&b), pub_b), DT_OK);
    same_hex(dt_view_of(pub_b), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_int_equal(dt_x25519(dt_buf_view(&a), dt_view_of(pub_b), &k), DT_OK);
    same_hex(dt_secret_view(&k), want);
    assert_int_equal(dt_x25519(dt_buf_view(&b), dt_view_of(pub_a), &k), DT_OK);
    same_hex(dt_secret_view(&k), want);
    assert_int_equal(dt_x25519(dt_view(a.p, 31), dt_view_of(pub_b), &k), DT_ERR_RANGE);
    assert_int_equal(dt_x25519(dt_buf_view(&a), dt_view(pub_b, 31), &k), DT_ERR_RANGE);
}

/* RFC 7748 section 6.1, RFC 9180 section 7.1.4: points of low order lead to zero and are refused.
 */
static void
x25519_low_order(void **state)
{
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    DT_CLEANUP(dt_secret_clear) struct dt_secret priv = {0};
    uint8_t pub[32];

    (void)state;
    assert_int_equal(dt_x25519_new(&priv, pub), DT_OK);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        DT_CLEANUP(dt_buf_clear) struct dt_buf point = hex(points[i]);
        struct dt_secret out = {0};

        assert_int_equal(dt_x25519(dt_secret_view(&priv), dt_buf_view(&point), &out), DT_ERR_AUTH);
        assert_null(out.p);
    }
}

static void
argon2(void **state)
{
    struct dt_argon2 a;
    struct dt_argon2 b;
    DT_CLEANUP(dt_secret_clear) struct dt_secret x = {0};
    DT_CLEANUP(dt_secret_clear) struct dt_secret y = {0};

    (void)state;
    assert_int_equal(dt_argon2_new(&a), DT_OK);
    assert_int_equal(dt_argon2_new(&b), DT_OK);
    assert_memory_not_equal(a.salt, b.salt, sizeof a.salt);
#ifdef DT_TEST_ARGON2
    assert_string_not_equal(dt_argon2_notice(), "");
#else
    assert_string_equal(dt_argon2_notice(), "");
    assert_true(a.mem_kib >= 64u << 10 && a.passes >= 2);
#endif
    assert_int_equal(dt_argon2(&a, dt_view_str("secret"), &x), DT_OK);
    assert_int_equal(x.n, 32);
    assert_int_equal(dt_argon2(&a, dt_view_str("secret"), &y), DT_OK);
    assert_true(dt_ct_equal(dt_secret_view(&x), dt_secret_view(&y)));
    assert_int_equal(dt_argon2(&a, dt_view_str("Secret"), &y), DT_OK);
    assert_false(dt_ct_equal(dt_secret_view(&x), dt_secret_view(&y)));
    assert_int_equal(dt_argon2(&b, dt_view_str("secret"), &y), DT_OK);
    assert_false(dt_ct_equal(dt_secret_view(&x), dt_secret_view(&y)));
    b = a;
    b.mem_kib = (1u << 20) + 1;
    assert_int_equal(dt_argon2(&b, dt_view_str("secret"), &y), DT_ERR_LIMIT);
    b = a;
    b.passes = 17;
    assert_int_equal(dt_argon2(&b, dt_view_str("secret"), &y), DT_ERR_LIMIT);
    b = a;
    b.mem_kib = a.mem_kib - 1;
    assert_int_equal(dt_argon2(&b, dt_view_str("secret"), &y), DT_ERR_RANGE);
    b = a;
    b.passes = 0;
    assert_int_equal(dt_argon2(&b, dt_view_str("secret"), &y), DT_ERR_RANGE);
}

static bool
always(void *ctx)
{
    (void)ctx;
    return true;
}

static void
random_can_fail(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    struct dt_secret s = {0};
    DT_CLEANUP(dt_buf_clear) struct dt_buf out = DT_BUF_INIT(1000);
    struct dt_argon2 params;

    (void)state;
    assert_int_equal(dt_random(a, sizeof a), DT_OK);
    assert_int_equal(dt_random(b, sizeof b), DT_OK);
    assert_memory_not_equal(a, b, sizeof a);
    dt_random_fault(always, NULL);
    assert_int_equal(dt_random(b, sizeof b), DT_ERR_IO);
    assert_int_equal(dt_secret_random(&s, 32), DT_ERR_IO);
    assert_null(s.p);
    assert_int_equal(dt_x25519_new(&s, b), DT_ERR_IO);
    assert_int_equal(dt_ed25519_new(&s, b), DT_ERR_IO);
    assert_int_equal(dt_argon2_new(&params), DT_ERR_IO);
    assert_int_equal(dt_box_seal(dt_view_of(a), dt_view(NULL, 0), dt_view_str("x"), &out),
                     DT_ERR_IO);
    assert_int_equal(out.n, 0);
    dt_random_fault(NULL, NULL);
    assert_int_equal(dt_random(b, sizeof b), DT_OK);
}

static void *
hash_much(void *arg)
{
    uint8_t *out = arg;

    for (int i = 0; i < 2000; i++)
        if (dt_sha256(dt_view_str("abc"), out) != DT_OK)
            out[0] = 0;
    return NULL;
}

/* Each thread has its own contexts, freed when it ends (the leak checker looks on). */
static void
threads_do_not_meet(void **state)
{
    pthread_t t[4];
    uint8_t out[4][32];

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hash_much, out[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        same_hex(dt_view_of(out[i]),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}

static int
set_up(void **state)
{
    (void)state;
    return dt_crypto_init() == DT_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha2),
        cmocka_unit_test(hmac_rfc4231),
        cmocka_unit_test(hkdf_rfc5869),
        cmocka_unit_test(hkdf_limits),
        cmocka_unit_test(hkdf_all),
        cmocka_unit_test(aead_known_answers),
        cmocka_unit_test(aead_empty_and_sizes),
        cmocka_unit_test(box),
        cmocka_unit_test(x25519_rfc7748),
        cmocka_unit_test(x25519_low_order),
        cmocka_unit_test(argon2),
        cmocka_unit_test(random_can_fail),
        cmocka_unit_test(threads_do_not_meet),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
