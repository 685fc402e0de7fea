/*
 * fuzz/mls/make_fixture.c - makes group_fixture.h and the seeds of the group targets, which are in
 * the tree; to be run again when the form of a saved group changes:
 *
 *     ASAN_OPTIONS=detect_leaks=0 build-fuzz/fuzz/mls/make_fixture fuzz/mls/group_fixture.h
 * fuzz/corpus
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mls/group_internal.h"
#include "mls/label.h"
#include "mls/saved.h"
#include "mls/welcome.h"

#define EXT     0xf7a0u
#define WARRANT 0xf7a1u

static void
must(enum dt_err err)
{
    if (err != DT_OK) {
        (void)fprintf(stderr, "%s: %s\n", dt_err_place(), dt_err_message());
        exit(1);
    }
}

static const char *corpus;

static void
seed(const char *target, const char *name, int first, struct dt_view v)
{
    char path[512];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s/%s", corpus, target, name);
    f = fopen(path, "wb");
    if (f == NULL) {
        perror(path);
        exit(1);
    }
    if (first >= 0)
        (void)fputc(first, f);
    (void)fwrite(v.p, 1, v.n, f);
    (void)fclose(f);
}

static void
array(FILE *f, const char *name, struct dt_view v)
{
    (void)fprintf(f, "static const uint8_t %s[] = {", name);
    for (size_t i = 0; i < v.n; i++)
        (void)fprintf(f, "%s%u,", i % 24 == 0 ? "\n    " : " ", v.p[i]);
    (void)fprintf(f, "\n};\n");
}

struct party {
    struct dt_secret sig;
    uint8_t pub[32];
    struct dt_buf kp;
    struct mls_key_bundle bundle;
    struct mls_group *g;
};

static const uint16_t ext_types[] = {EXT};
static const uint16_t prop_types[] = {WARRANT};

static struct mls_leaf_params
leaf_of(const struct party *p, const char *name)
{
    return (struct mls_leaf_params){.suite = 1,
                                    .signature_priv = dt_secret_view(&p->sig),
                                    .signature_pub = dt_view_of(p->pub),
                                    .identity = dt_view_str(name),
                                    .extension_types = {ext_types, 1},
                                    .proposal_types = {prop_types, 1}};
}

static void
party(struct party *p, const char *name)
{
    struct mls_leaf_params leaf;

    memset(p, 0, sizeof *p);
    must(dt_ed25519_new(&p->sig, p->pub));
    dt_buf_init(&p->kp, MLS_MESSAGE_MAX);
    leaf = leaf_of(p, name);
    must(mls_key_package_new(&leaf, 0, 4000000000u, (struct mls_typed_list){NULL, 0}, &p->kp,
                             &p->bundle));
}

static void
follow(struct party *p, struct dt_view commit)
{
    struct mls_event e = {0};

    must(mls_group_process(p->g, (struct mls_psk_list){NULL, 0}, commit, &e));
    must(mls_group_take(p->g, e.staged, 1));
    e.staged = NULL;
    mls_event_clear(&e);
}

static void
join(struct party *p, struct dt_view welcome)
{
    struct mls_join_params j = {.welcome = welcome,
                                .key_package = dt_buf_view(&p->kp),
                                .bundle = &p->bundle,
                                .signature_priv = dt_secret_view(&p->sig),
                                .policy = {.past_epochs = 2, .outside = MLS_OUTSIDE_ALL}};

    must(mls_group_join(&j, &p->g, NULL));
}

static void
save(const struct mls_group *g, struct dt_buf *out)
{
    dt_buf_init(out, MLS_GROUP_STATE_MAX);
    must(mls_group_save(g, out));
}

static void
parts_seed(const struct mls_group *g, const char *name)
{
    struct mls_parts parts = {0};
    struct dt_buf all = DT_BUF_INIT(MLS_GROUP_STATE_MAX);
    struct dt_writer w = dt_writer_init(&all);

    must(mls_group_save_parts(g, true, &parts));
    for (size_t i = 0; i < parts.n; i++) {
        dt_write_view(&w, dt_view(parts.v[i].id, MLS_PART_ID));
        dt_write_vec(&w, parts.v[i].body);
    }
    must(dt_writer_end(&w));
    seed("group_parts", name, -1, dt_buf_view(&all));
    mls_parts_clear(&parts);
}

/* The decrypted parts of a Welcome, as seeds. */
static void
welcome_seeds(const struct party *p, struct dt_view message)
{
    const struct dt_suite *suite = dt_suite_get(1);
    struct mls_welcome w;
    struct mls_encrypted_group_secrets entry;
    struct mls_key_package *kp = NULL;
    struct mls_group_secrets gs = {0};
    struct dt_buf plain = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_secret ws = {0};
    struct dt_secret psk = {0};
    struct dt_view body;
    uint8_t ref[64];

    must(mls_message_body(dt_buf_view(&p->kp), MLS_WIRE_KEY_PACKAGE, &body));
    must(mls_key_package_parse(body, &kp));
    must(mls_key_package_hash(suite, kp, ref));
    must(mls_message_body(message, MLS_WIRE_WELCOME, &body));
    must(mls_welcome_parse(body, &w));
    if (!mls_welcome_find(&w, dt_view(ref, 32), &entry))
        exit(1);
    must(mls_decrypt_with_label(suite, dt_secret_view(&p->bundle.init_priv), "Welcome",
                                w.encrypted_group_info, &entry.sealed, &plain));
    seed("group_secrets", "path", -1, dt_buf_view(&plain));
    must(mls_group_secrets_parse(&plain, &gs));
    must(mls_psk_secret(suite, NULL, 0, &psk));
    must(mls_welcome_secret(suite, gs.joiner_secret, dt_secret_view(&psk), &ws));
    must(dt_buf_append(&info, dt_view((const uint8_t[]){0, 1, 0, 4}, 4)));
    must(mls_welcome_open_info(suite, dt_secret_view(&ws), w.encrypted_group_info, &info));
    seed("mls_message", "group_info", -1, dt_buf_view(&info));
}

static void
psk_secrets_seed(void)
{
    static const uint8_t zero[32] = {0};
    struct mls_psk_id id = {
        .type = MLS_PSK_EXTERNAL, .id = dt_view_str("id"), .nonce = dt_view_of(zero)};
    struct dt_buf ids = DT_BUF_INIT(1024);
    struct dt_buf out = DT_BUF_INIT(1024);
    struct dt_writer w = dt_writer_init(&ids);

    mls_psk_id_write(&w, &id);
    mls_psk_id_write(&w, &id);
    must(dt_writer_end(&w));
    w = dt_writer_init(&out);
    mls_group_secrets_write(&w, dt_view_of(zero), dt_view(NULL, 0), dt_buf_view(&ids));
    must(dt_writer_end(&w));
    seed("group_secrets", "psks", -1, dt_buf_view(&out));
}

/* What a Commit of ada's with ${opts} says, to be signed by the target (craft.h). */
static void
commit_seed(const struct party *ada, const struct mls_commit_opts *opts, const char *name)
{
    struct mls_group *g = NULL;
    struct mls_commit_out out = {0};
    struct dt_buf content = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf body = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_auth_content c = {0};
    struct dt_writer w = dt_writer_init(&body);

    must(mls_group_clone(ada->g, &g));
    must(mls_group_commit(g, opts, &out));
    must(dt_buf_set(&content, dt_buf_view(&g->pending->content)));
    must(mls_auth_content_parse(&content, &c, NULL));
    dt_write_u8(&w, MLS_CONTENT_COMMIT);
    mls_commit_write(&w, &c.commit);
    must(dt_writer_end(&w));
    seed("group_process", name, 1, dt_buf_view(&body));
    mls_group_free(g);
}

/* Seeds in which the attacker (ada) speaks to the victim (bob). */
static void
message_seeds(struct party *ada)
{
    struct mls_group *g = NULL;
    struct mls_commit_out out = {0};
    struct mls_commit_opts empty = {.removes = (const uint32_t[]){2}, .n_removes = 1};
    struct mls_typed private_use = {WARRANT, dt_view_str("w")};
    struct mls_psk psk = {.id = dt_view_str("psk"), .value = dt_view_str("value")};
    struct mls_commit_opts with_private = {.private_use = {&private_use, 1}};
    struct mls_commit_opts with_psk = {.psks = {&psk, 1}};
    struct mls_propose_opts propose = {.kind = MLS_PROPOSE_PRIVATE,
                                       .private_use = {WARRANT, dt_view_str("w")}};
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf content;
    struct mls_auth_content c = {0};
    struct dt_buf body = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&body);

    must(mls_group_clone(ada->g, &g));
    must(mls_group_protect(g, dt_view_str("ad"), dt_view_str("text"), 5, &m));
    seed("group_process", "application", 0, dt_buf_view(&m));
    seed("mls_message", "private_message", -1, dt_buf_view(&m));
    must(mls_group_commit(g, &empty, &out));
    seed("group_process", "commit", 0, dt_buf_view(&out.commit));
    seed("auth_content", "commit", -1, dt_buf_view(&g->pending->content));
    content = (struct dt_buf)DT_BUF_INIT(MLS_MESSAGE_MAX);
    must(dt_buf_set(&content, dt_buf_view(&g->pending->content)));
    must(mls_auth_content_parse(&content, &c, NULL));
    c.raw.p[1] = MLS_WIRE_PUBLIC_MESSAGE;
    must(mls_public_message_write(g->suite, dt_buf_view(&c.raw), dt_buf_view(&g->context.raw),
                                  dt_secret_view(&g->secrets.membership_key), &body));
    seed("mls_message", "public_message", -1, dt_buf_view(&body));
    mls_group_free(g);
    must(mls_group_clone(ada->g, &g));
    dt_buf_clear(&m);
    must(mls_group_propose(g, &propose, &m));
    seed("group_process", "proposal", 0, dt_buf_view(&m));
    dt_buf_clear(&body);
    dt_write_u8(&w, MLS_CONTENT_PROPOSAL);
    mls_proposal_write(&w, g->cache[0].proposal);
    must(dt_writer_end(&w));
    seed("group_process", "crafted_proposal", 1, dt_buf_view(&body));
    seed("group_process", "crafted_public", 2, dt_buf_view(&body));
    seed("group_process", "crafted_application", 1, dt_view((const uint8_t[]){1, 2, 'h', 'i'}, 4));
    mls_group_free(g);
    commit_seed(ada, &(struct mls_commit_opts){0}, "crafted_commit");
    commit_seed(ada, &empty, "crafted_commit_remove");
    commit_seed(ada, &with_private, "crafted_commit_private");
    commit_seed(ada, &with_psk, "crafted_commit_psk");
}

/* eve is outside, has a key that the targets know, and is an external sender of the group. */
static void
outsider(struct party *eve, struct dt_buf *senders)
{
    static const uint8_t seed_bytes[32] = {7};
    struct dt_writer w;
    struct mls_leaf_params leaf;
    size_t mark;

    memset(eve, 0, sizeof *eve);
    must(dt_secret_set(&eve->sig, dt_view_of(seed_bytes)));
    must(dt_ed25519_pub(dt_secret_view(&eve->sig), eve->pub));
    dt_buf_init(&eve->kp, MLS_MESSAGE_MAX);
    leaf = leaf_of(eve, "eve");
    must(mls_key_package_new(&leaf, 0, 4000000000u, (struct mls_typed_list){NULL, 0}, &eve->kp,
                             &eve->bundle));
    dt_buf_init(senders, 1024);
    w = dt_writer_init(senders);
    mark = dt_write_vec_begin(&w);
    dt_write_vec(&w, dt_view_of(eve->pub));
    dt_write_u16(&w, MLS_CREDENTIAL_BASIC);
    dt_write_vec(&w, dt_view_str("eve"));
    dt_write_vec_end(&w, mark);
    must(dt_writer_end(&w));
}

/* The sender type, the content type and the content of ${message}, to be signed by the target. */
static void
outside_seed(const char *name, struct dt_view message)
{
    struct dt_buf body = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_writer w = dt_writer_init(&body);
    struct mls_auth_content c = {0};
    struct dt_view inner, tag;

    must(mls_message_body(message, MLS_WIRE_PUBLIC_MESSAGE, &inner));
    must(mls_public_message_parse(inner, &c, &tag));
    dt_write_u8(&w, c.sender_type);
    dt_write_u8(&w, c.content_type);
    if (c.content_type == MLS_CONTENT_COMMIT)
        mls_commit_write(&w, &c.commit);
    else
        mls_proposal_write(&w, c.proposal);
    must(dt_writer_end(&w));
    seed("group_process", name, 3, dt_buf_view(&body));
}

/* What eve says to the group, as it comes and to be signed anew. */
static void
outside_seeds(const struct party *ada, const struct party *eve)
{
    struct dt_buf info = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct dt_buf m = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_group_info_opts opts = {.external_pub = true, .ratchet_tree = true};
    struct mls_external_join_params x = {.replace = true, .replaces = 2};
    struct mls_external_propose_params p = {.suite = 1,
                                            .group_id = mls_group_id(ada->g),
                                            .epoch = mls_group_epoch(ada->g),
                                            .signature_priv = dt_secret_view(&eve->sig),
                                            .what = {.kind = MLS_PROPOSE_REMOVE, .remove = 2}};
    struct mls_group *g = NULL;

    must(mls_group_info_export(ada->g, &opts, &info));
    x.group_info = dt_buf_view(&info);
    x.leaf = leaf_of(eve, "eve");
    must(mls_group_join_external(&x, &g, &m, NULL));
    seed("group_process", "external_commit", 0, dt_buf_view(&m));
    outside_seed("crafted_external_commit", dt_buf_view(&m));
    dt_buf_clear(&m);
    must(mls_external_propose(&p, &m));
    seed("group_process", "external_proposal", 0, dt_buf_view(&m));
    outside_seed("crafted_external_proposal", dt_buf_view(&m));
    dt_buf_clear(&m);
    p.new_member = true;
    p.what.kind = MLS_PROPOSE_ADD;
    p.what.add = dt_buf_view(&eve->kp);
    must(mls_external_propose(&p, &m));
    seed("group_process", "new_member_proposal", 0, dt_buf_view(&m));
    outside_seed("crafted_new_member", dt_buf_view(&m));
}

int
main(int argc, char **argv)
{
    struct party ada, bob, cyd, eve;
    struct mls_typed extensions[] = {{EXT, dt_view_str("forum")}, {MLS_EXT_EXTERNAL_SENDERS, {0}}};
    struct dt_buf senders;
    struct mls_group_params params = {.group_id = dt_view_str("fixture"),
                                      .extensions = {extensions, 2},
                                      .required_extensions = {ext_types, 1},
                                      .required_proposals = {prop_types, 1},
                                      .not_after_s = 4000000000u,
                                      .policy = {.past_epochs = 2, .outside = MLS_OUTSIDE_ALL}};
    struct dt_view add;
    struct mls_commit_opts opts = {.adds = &add, .n_adds = 1, .force_path = true};
    struct mls_commit_opts empty = {0};
    struct mls_commit_out out = {0};
    struct dt_buf saved;
    FILE *f;

    if (argc != 3)
        return 2;
    corpus = argv[2];
    must(dt_crypto_init());
    party(&ada, "ada");
    party(&bob, "bob");
    party(&cyd, "cyd");
    outsider(&eve, &senders);
    extensions[1].body = dt_buf_view(&senders);
    params.leaf = leaf_of(&ada, "ada");
    must(mls_group_create(&params, &ada.g));
    add = dt_buf_view(&bob.kp);
    must(mls_group_commit(ada.g, &opts, &out));
    must(mls_group_take_pending(ada.g, 1));
    join(&bob, dt_buf_view(&out.welcome));
    add = dt_buf_view(&cyd.kp);
    must(mls_group_commit(ada.g, &opts, &out));
    must(mls_group_take_pending(ada.g, 1));
    follow(&bob, dt_buf_view(&out.commit));
    join(&cyd, dt_buf_view(&out.welcome));
    seed("mls_message", "welcome", -1, dt_buf_view(&out.welcome));
    seed("mls_message", "key_package", -1, dt_buf_view(&cyd.kp));
    welcome_seeds(&cyd, dt_buf_view(&out.welcome));
    psk_secrets_seed();
    f = fopen(argv[1], "w");
    if (f == NULL)
        return 1;
    (void)fprintf(f,
                  "/* Made by make_fixture.c: saved groups of two members, for fuzzing alone. */\n"
                  "#ifndef DT_FUZZ_GROUP_FIXTURE_H\n#define DT_FUZZ_GROUP_FIXTURE_H\n\n"
                  "#include <stdint.h>\n\n#define FIXTURE_OUTSIDER 7\n\n/* clang-format off */\n");
    save(bob.g, &saved);
    array(f, "fixture_victim", dt_buf_view(&saved));
    seed("group_state", "member", -1, dt_buf_view(&saved));
    parts_seed(bob.g, "member");
    save(ada.g, &saved);
    array(f, "fixture_attacker", dt_buf_view(&saved));
    (void)fprintf(f, "/* clang-format on */\n\n#endif\n");
    (void)fclose(f);
    message_seeds(&ada);
    outside_seeds(&ada, &eve);
    must(mls_group_commit(ada.g, &empty, &out));
    save(ada.g, &saved);
    seed("group_state", "pending", -1, dt_buf_view(&saved));
    parts_seed(ada.g, "pending");
    return 0;
}
