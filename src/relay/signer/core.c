/*
 * relay/signer/core.c - see core.h.
 *
 * Source: c2sp.org/tlog-checkpoint. Layer: relay.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "log/checkpoint.h"

#include "relay/signer/core.h"

/* Seeds are opened once. At most so many are kept: each costs a slot of locked memory. */
#define KEYS_MAX 4096u

struct key {
    struct key *next;
    uint8_t reg[DT_REGISTER_ID];
    uint8_t sealed[RELAY_SEALED_MAX];
    struct tlog_signer signer;
};

struct signer_core {
    struct dt_secret key;
    struct signer_memory *memory;
    struct key *keys;
    size_t n_keys;
};

enum dt_err
signer_core_new(struct dt_view key, struct signer_memory *memory, struct signer_core **out)
{
    struct signer_core *c = dt_alloc(1, sizeof(*c));
    enum dt_err err;

    if (c == NULL)
        return dt_nomem();
    c->memory = memory;
    if ((err = dt_secret_set(&c->key, key)) != DT_OK) {
        dt_free(c);
        return err;
    }
    *out = c;
    return DT_OK;
}

static void
keys_drop(struct signer_core *c)
{
    while (c->keys != NULL) {
        struct key *k = c->keys;

        c->keys = k->next;
        tlog_signer_clear(&k->signer);
        dt_free(k);
    }
    c->n_keys = 0;
}

void
signer_core_free(struct signer_core *c)
{
    if (c == NULL)
        return;
    keys_drop(c);
    dt_secret_clear(&c->key);
    dt_free(c);
}

static enum dt_err
key_add(struct signer_core *c, const struct relay_signing *v, struct key **out)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret seed = {0};
    char origin[sizeof("register.detente/") + 2 * DT_REGISTER_ID] = "register.detente/";
    struct key *k;
    enum dt_err err;

    dt_hex_str(origin + strlen(origin), dt_view_of(v->reg));
    if ((err = relay_seed_open(dt_secret_view(&c->key), v->reg, v->sealed, &seed)) != DT_OK)
        return err;
    if (c->n_keys >= KEYS_MAX)
        keys_drop(c);
    if ((k = dt_alloc(1, sizeof(*k))) == NULL)
        return dt_nomem();
    if ((err = tlog_signer_from_seed(dt_view_str(origin), TLOG_KEY_ED25519, dt_secret_view(&seed),
                                     &k->signer)) != DT_OK) {
        dt_free(k);
        return err;
    }
    memcpy(k->reg, v->reg, sizeof(k->reg));
    memcpy(k->sealed, v->sealed.p, sizeof(k->sealed));
    k->next = c->keys;
    c->keys = k;
    c->n_keys++;
    *out = k;
    return DT_OK;
}

/* The key of ${v}'s register; the one used last stands first. */
static enum dt_err
key_of(struct signer_core *c, const struct relay_signing *v, struct key **out)
{
    for (struct key **at = &c->keys; *at != NULL; at = &(*at)->next) {
        struct key *k = *at;

        if (memcmp(k->reg, v->reg, sizeof(k->reg)) != 0)
            continue;
        if (!dt_view_equal(dt_view_of(k->sealed), v->sealed))
            break; /* opened anew, which says what is wrong */
        *at = k->next;
        k->next = c->keys;
        c->keys = k;
        *out = k;
        return DT_OK;
    }
    return key_add(c, v, out);
}

static enum dt_err
sign_one(struct signer_core *c, struct relay_signing *v)
{
    struct tlog_checkpoint cp;
    struct key *k = NULL;
    enum dt_err err;

    dt_buf_clear(&v->note);
    dt_buf_init(&v->note, RELAY_NOTE_MAX);
    if ((err = key_of(c, v, &k)) != DT_OK ||
        (err = tlog_checkpoint_init(&cp, dt_view_str(k->signer.vkey.name), v->size, &v->root)) !=
            DT_OK)
        return err;
    return tlog_checkpoint_sign(&k->signer, &cp, &v->note);
}

enum dt_err
signer_core_sign(struct signer_core *c, struct relay_signing *v, size_t n)
{
    enum dt_err err;

    if (c->memory != NULL && (err = signer_memory_flush(c->memory)) != DT_OK)
        return err;
    for (size_t i = 0; c->memory != NULL && i < n; i++) {
        if ((err = signer_memory_check(c->memory, v[i].reg, v[i].size, &v[i].root)) != DT_OK)
            return err;
    }
    for (size_t i = 0; i < n; i++) {
        if ((err = sign_one(c, &v[i])) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
signer_core_confirm(struct signer_core *c, struct relay_signing *v, size_t n)
{
    enum dt_err err;

    for (size_t i = 0; c->memory != NULL && i < n; i++) {
        if ((err = signer_memory_set(c->memory, v[i].reg, v[i].size, &v[i].root)) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
signer_core_seal(struct signer_core *c, const uint8_t reg[static DT_REGISTER_ID],
                 struct dt_view seed, struct dt_buf *out)
{
    return relay_seed_seal(dt_secret_view(&c->key), reg, seed, out);
}
