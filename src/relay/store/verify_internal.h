/*
 * relay/store/verify_internal.h - what verify.c and verify_register.c share.
 *
 * Layer: relay, internal.
 */
#ifndef DT_RELAY_STORE_VERIFY_INTERNAL_H
#define DT_RELAY_STORE_VERIFY_INTERNAL_H

#include "relay/store/internal.h"
#include "relay/store/verify.h"

struct verify {
    struct dt_relay_store *s;
    void (*found)(void *ctx, const char *where, const char *what);
    void *ctx;
    struct dt_verify_report report;
    char where[80]; /* what is looked at now */
};

void verify_fault(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What of ${err} is the store's fault, which is told; anything else ends the look. */
DT_MUST_CHECK enum dt_err verify_judge(struct verify *v, enum dt_err err, const char *what);

/* Every register. */
DT_MUST_CHECK enum dt_err verify_registers(struct verify *v);

#endif
