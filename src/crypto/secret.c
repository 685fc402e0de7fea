/*
 * crypto/secret.c - see secret.h.
 *
 * Every region is mapped alone, between two pages that fault:
 *
 *     | guard page | locked pages, MADV_DONTDUMP, MADV_DONTFORK | guard page |
 *
 * A slab region holds SLOTS slots of DT_SECRET_SLOT bytes; a large secret has a region of its own
 * and ends at the rear guard page. Which slots are taken is written outside the regions.
 *
 * fork(2): a child does not get the pages (MADV_DONTFORK). MADV_WIPEONFORK would leave it zeros,
 * which still work as a key; so the child finds a fault where its parent's secrets were (the
 * addresses are reserved so that nothing else comes to lie there), and starts with regions of its
 * own.
 */
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"

#include "crypto/crypto.h"
#include "crypto/secret.h"

#define SLAB_BYTES 65536u
#define SLOTS      (SLAB_BYTES / DT_SECRET_SLOT)
#define WORD_BITS  64u

struct region {
    struct region *next;
    uint8_t *map; /* with its guard pages */
    size_t map_len;
    uint8_t *base; /* first usable byte */
    size_t len;
    size_t n_used; /* slots taken; 1 for a large secret */
    bool locked;
    uint64_t used[SLOTS / WORD_BITS];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct region *slabs;
static struct region *large;
static struct region *inherited; /* a child's list of what it did not get */
static enum dt_secret_policy lock_policy = DT_SECRET_LOCK_IF_POSSIBLE;
static size_t n_unlocked;
static size_t page;

static void
before_fork(void)
{
    (void)pthread_mutex_lock(&mutex);
}

static void
after_fork_parent(void)
{
    (void)pthread_mutex_unlock(&mutex);
}

static void
forsake(struct region **list)
{
    struct region *r;

    while ((r = *list) != NULL) {
        *list = r->next;
        /* The hole that MADV_DONTFORK left: keep it closed, so that a stale pointer always faults.
         */
        (void)mmap(r->base, r->len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        r->next = inherited;
        inherited = r;
    }
}

static void
after_fork_child(void)
{
    forsake(&slabs);
    forsake(&large);
    n_unlocked = 0;
    (void)pthread_mutex_unlock(&mutex);
}

static void
set_up(void)
{
    page = (size_t)sysconf(_SC_PAGESIZE);
    (void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void
dt_secret_set_policy(enum dt_secret_policy policy)
{
    (void)pthread_mutex_lock(&mutex);
    lock_policy = policy;
    (void)pthread_mutex_unlock(&mutex);
}

size_t
dt_secret_unlocked(void)
{
    size_t n;

    (void)pthread_mutex_lock(&mutex);
    n = n_unlocked;
    (void)pthread_mutex_unlock(&mutex);
    return n;
}

/* Called with the mutex held. NULL: no memory, or no lock where policy wants one. */
static struct region *
region_new(size_t len)
{
    struct region *r = dt_alloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->len = (len + page - 1) / page * page;
    r->map_len = r->len + 2 * page;
    r->map = mmap(NULL, r->map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->map == MAP_FAILED) {
        dt_free(r);
        return NULL;
    }
    r->base = r->map + page;
    if (mprotect(r->base, r->len, PROT_READ | PROT_WRITE) != 0 ||
        madvise(r->base, r->len, MADV_DONTDUMP) != 0 ||
        madvise(r->base, r->len, MADV_DONTFORK) != 0)
        goto fail;
    r->locked = mlock(r->base, r->len) == 0;
    if (!r->locked && lock_policy == DT_SECRET_LOCK_OR_FAIL)
        goto fail;
    return r;

fail:
    (void)munmap(r->map, r->map_len);
    dt_free(r);
    return NULL;
}

static void
region_free(struct region *r)
{
    (void)munmap(r->map, r->map_len); /* unlocks too */
    dt_free(r);
}

static uint8_t *
slot_take(struct region *r)
{
    for (size_t w = 0; w < SLOTS / WORD_BITS; w++) {
        unsigned int bit;

        if (r->used[w] == UINT64_MAX)
            continue;
        bit = (unsigned int)__builtin_ctzll(~r->used[w]);
        r->used[w] |= (uint64_t)1 << bit;
        r->n_used++;
        if (!r->locked)
            n_unlocked += DT_SECRET_SLOT;
        return r->base + (w * WORD_BITS + bit) * DT_SECRET_SLOT;
    }
    return NULL;
}

static uint8_t *
small_new(void)
{
    struct region *r;

    for (r = slabs; r != NULL; r = r->next)
        if (r->n_used < SLOTS && (r->locked || lock_policy == DT_SECRET_LOCK_IF_POSSIBLE))
            return slot_take(r);
    r = region_new(SLAB_BYTES);
    if (r == NULL)
        return NULL;
    r->next = slabs;
    slabs = r;
    return slot_take(r);
}

static uint8_t *
large_new(size_t n)
{
    struct region *r = region_new(n);

    if (r == NULL)
        return NULL;
    r->n_used = 1;
    r->next = large;
    large = r;
    if (!r->locked)
        n_unlocked += r->len;
    return r->base + (r->len - n);
}

static bool
inside(const struct region *r, const uint8_t *p)
{
    return (uintptr_t)p >= (uintptr_t)r->base && (uintptr_t)p < (uintptr_t)r->base + r->len;
}

static bool
slab_with_room(void)
{
    for (const struct region *r = slabs; r != NULL; r = r->next)
        if (r->n_used < SLOTS)
            return true;
    return false;
}

static bool
small_free(uint8_t *p)
{
    for (struct region **at = &slabs; *at != NULL; at = &(*at)->next) {
        struct region *r = *at;
        size_t slot;

        if (!inside(r, p))
            continue;
        dt_wipe(p, DT_SECRET_SLOT);
        slot = (size_t)(p - r->base) / DT_SECRET_SLOT;
        r->used[slot / WORD_BITS] &= ~((uint64_t)1 << (slot % WORD_BITS));
        r->n_used--;
        if (!r->locked)
            n_unlocked -= DT_SECRET_SLOT;
        *at = r->next;
        if (r->n_used == 0 && slab_with_room()) {
            region_free(r);
        } else {
            r->next = slabs; /* to the front: its free slot is the next to be taken */
            slabs = r;
        }
        return true;
    }
    return false;
}

static bool
large_free(uint8_t *p)
{
    for (struct region **at = &large; *at != NULL; at = &(*at)->next) {
        struct region *r = *at;

        if (!inside(r, p))
            continue;
        dt_wipe(r->base, r->len);
        if (!r->locked)
            n_unlocked -= r->len;
        *at = r->next;
        region_free(r);
        return true;
    }
    return false;
}

enum dt_err
dt_secret_alloc(struct dt_secret *s, size_t n)
{
    uint8_t *p;

    dt_secret_clear(s);
    if (n == 0)
        return DT_OK;
    if (n > DT_SECRET_MAX)
        return dt_fail(DT_ERR_LIMIT, "a secret of more than %u bytes", DT_SECRET_MAX);
    (void)pthread_once(&once, set_up);
    (void)pthread_mutex_lock(&mutex);
    p = n <= DT_SECRET_SLOT ? small_new() : large_new(n);
    (void)pthread_mutex_unlock(&mutex);
    if (p == NULL)
        return dt_fail(
            DT_ERR_NOMEM,
            "no locked memory for a secret of %zu bytes (see the limit on locked memory)", n);
    s->p = p; /* fresh pages and freed slots hold zeros */
    s->n = n;
    return DT_OK;
}

enum dt_err
dt_secret_set(struct dt_secret *s, struct dt_view v)
{
    struct dt_secret copy = {0};
    enum dt_err err = dt_secret_alloc(&copy, v.n);

    if (err == DT_OK && v.n > 0)
        memcpy(copy.p, v.p, v.n);
    /* Also on error, since s is empty then. */
    dt_secret_move(s, &copy);
    return err;
}

enum dt_err
dt_secret_random(struct dt_secret *s, size_t n)
{
    enum dt_err err = dt_secret_alloc(s, n);

    if (err == DT_OK)
        err = dt_random(s->p, n);
    if (err != DT_OK)
        dt_secret_clear(s);
    return err;
}

void
dt_secret_clear(struct dt_secret *s)
{
    if (s == NULL)
        return;
    if (s->p != NULL) {
        (void)pthread_mutex_lock(&mutex);
        /* In neither list: inherited through fork(2), where there is nothing to wipe. */
        (void)(small_free(s->p) || large_free(s->p));
        (void)pthread_mutex_unlock(&mutex);
    }
    s->p = NULL;
    s->n = 0;
}

void
dt_secret_move(struct dt_secret *to, struct dt_secret *from)
{
    if (to == from)
        return;
    dt_secret_clear(to);
    *to = *from;
    from->p = NULL;
    from->n = 0;
}

bool
dt_ct_equal(struct dt_view a, struct dt_view b)
{
    return a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0);
}
