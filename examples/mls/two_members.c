/*
 * two_members.c - Alice founds a group, adds Bob, and they talk, over nothing but memory.
 *
 *     cc two_members.c $(pkg-config --cflags --libs libmls) -o two_members && ./two_members
 *
 * In a real program each side runs elsewhere: what is marked "send" goes over a network, and each
 * group is saved (mls_group_save) before anything that was made with it leaves the machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <detente/mls.h>

#define SUITE 0x0001 /* X25519, AES-128-GCM, SHA-256, Ed25519 */

static void
must(enum dt_err err)
{
    if (err == DT_OK)
        return;
    fprintf(stderr, "two_members: %s: %s\n", dt_err_name(err), dt_err_message());
    exit(1);
}

struct person {
    const char *name;
    struct dt_secret signature_priv;
    struct dt_buf signature_pub;
    struct mls_group *group;
};

/* A person with a fresh signature key, and what a leaf says of it. */
static struct mls_leaf_params
person_new(struct person *p, const char *name)
{
    p->name = name;
    dt_buf_init(&p->signature_pub, 256);
    must(mls_signature_key_new(SUITE, &p->signature_priv, &p->signature_pub));
    return (struct mls_leaf_params){.suite = SUITE,
                                    .signature_priv = {p->signature_priv.p, p->signature_priv.n},
                                    .signature_pub = dt_buf_view(&p->signature_pub),
                                    .identity = dt_view_str(name)};
}

static void
person_clear(struct person *p)
{
    mls_group_free(p->group);
    dt_secret_clear(&p->signature_priv);
    dt_buf_clear(&p->signature_pub);
}

static void
say(struct person *from, struct person *to, const char *text)
{
    struct dt_buf message = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_event event = {0};

    must(mls_group_protect(from->group, dt_view(NULL, 0), dt_view_str(text), 0, &message));
    /* send: message */
    must(mls_group_process(to->group, (struct mls_psk_list){0}, dt_buf_view(&message), &event));
    if (event.kind == MLS_EVENT_APPLICATION)
        printf("%s reads in epoch %" PRIu64 ", from %.*s: %.*s\n", to->name, event.epoch,
               (int)event.sender.identity.n, (const char *)event.sender.identity.p,
               (int)event.plaintext.n, (const char *)event.plaintext.p);
    mls_event_clear(&event);
    dt_buf_clear(&message);
}

int
main(void)
{
    struct person alice = {0}, bob = {0};
    struct dt_buf key_package = DT_BUF_INIT(MLS_MESSAGE_MAX);
    struct mls_key_bundle bundle = {0};
    struct mls_commit_out out = {0};
    struct mls_group_params params = {.group_id = dt_view_str("example"),
                                      .not_after_s = UINT64_MAX};
    struct mls_leaf_params bob_leaf;

    must(mls_init());
    params.leaf = person_new(&alice, "Alice");
    bob_leaf = person_new(&bob, "Bob");
    must(mls_group_create(&params, &alice.group));

    /* Bob publishes a key package; its private half stays with him. send: key_package */
    must(mls_key_package_new(&bob_leaf, 0, UINT64_MAX, (struct mls_typed_list){0}, &key_package,
                             &bundle));

    /* Alice commits to adding him, and moves on once her Commit is known to be the first of its
     * epoch. send: out.commit to the others (there are none yet), out.welcome to Bob */
    const struct dt_view adds[] = {dt_buf_view(&key_package)};
    struct mls_commit_opts opts = {.adds = adds, .n_adds = 1};
    must(mls_group_commit(alice.group, &opts, &out));
    must(mls_group_take_pending(alice.group, 0));

    struct mls_join_params join = {.welcome = dt_buf_view(&out.welcome),
                                   .key_package = dt_buf_view(&key_package),
                                   .bundle = &bundle,
                                   .signature_priv = bob_leaf.signature_priv};
    must(mls_group_join(&join, &bob.group, NULL));
    say(&alice, &bob, "Shall we meet?");
    say(&bob, &alice, "On Tuesday, at the usual place.");

    mls_key_bundle_clear(&bundle);
    mls_commit_out_clear(&out);
    dt_buf_clear(&key_package);
    person_clear(&alice);
    person_clear(&bob);
    return 0;
}
