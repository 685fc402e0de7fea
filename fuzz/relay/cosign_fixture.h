/*
 * fuzz/relay/cosign_fixture.h - the register whose cosignatures fuzz_cosign reads: keys from fixed
 * seeds, two sides with two witnesses each and a third with one.
 */
#ifndef DT_FUZZ_COSIGN_FIXTURE_H
#define DT_FUZZ_COSIGN_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/checkpoint.h"
#include "log/cosignature.h"
#include "log/policy.h"
#include "relay/handlers.h"

#define COSIGN_ORIGIN    "relay.example/register"
#define COSIGN_WITNESSES 5

static const char *const cosign_names[COSIGN_WITNESSES] = {"blue-1", "blue-2", "red-1", "red-2",
                                                           "neutral-1"};

static inline void
must(bool good)
{
    if (!good)
        abort();
}

/* Witness ${n}, or with COSIGN_WITNESSES the register itself, or above it a key that nobody knows.
 */
static inline void
cosign_signer(size_t n, struct tlog_signer *out)
{
    const char *name = n < COSIGN_WITNESSES    ? cosign_names[n]
                       : n == COSIGN_WITNESSES ? COSIGN_ORIGIN
                                               : "stranger";
    uint8_t seed[DT_ED25519_SEED];

    memset(seed, (int)(n + 1), sizeof seed);
    must(tlog_signer_from_seed(dt_view_str(name),
                               n == COSIGN_WITNESSES ? TLOG_KEY_ED25519 : TLOG_KEY_COSIGNATURE,
                               dt_view_of(seed), out) == DT_OK);
}

static inline void
cosign_group(struct tlog_policy *p, const char *name, size_t k, const char *const *members,
             size_t n)
{
    struct dt_view views[COSIGN_WITNESSES];

    for (size_t i = 0; i < n; i++)
        views[i] = dt_view_str(members[i]);
    must(tlog_policy_add_group(p, dt_view_str(name), k, views, n) == DT_OK);
}

static inline void
cosign_policy(struct tlog_policy *out)
{
    static const char *const sides[] = {"blue", "red", "neutral"};

    for (size_t i = COSIGN_WITNESSES + 1; i-- > 0;) {
        DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};

        cosign_signer(i, &s);
        must((i == COSIGN_WITNESSES ? tlog_policy_add_log(out, &s.vkey, dt_view(NULL, 0))
                                    : tlog_policy_add_witness(out, dt_view_str(cosign_names[i]),
                                                              &s.vkey, dt_view(NULL, 0))) == DT_OK);
    }
    cosign_group(out, "blue", 1, cosign_names, 2);
    cosign_group(out, "red", 1, cosign_names + 2, 2);
    cosign_group(out, "neutral", 1, cosign_names + 4, 1);
    cosign_group(out, "sides", 2, sides, 3);
    must(tlog_policy_set_quorum(out, dt_view_str("sides")) == DT_OK);
}

#endif
