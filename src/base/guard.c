/*
 * base/guard.c - see guard.h. Blocks made while a guard is up stand in its list.
 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>

#include "base/guard.h"
#include "base/mem.h"

struct block {
    alignas(max_align_t) struct block *next;
    struct block *prev; /* NULL: the first, or in no list */
};

struct guard {
    struct block *first;
    jmp_buf out;
};

static _Thread_local struct guard *up;

void *
dt_guard_alloc(size_t n)
{
    struct block *b = n <= SIZE_MAX - sizeof *b ? dt_alloc(1, sizeof *b + n) : NULL;

    if (b == NULL) {
        if (up != NULL)
            longjmp(up->out, 1);
        return NULL;
    }
    if (up != NULL) {
        b->next = up->first;
        if (up->first != NULL)
            up->first->prev = b;
        up->first = b;
    }
    return b + 1;
}

void
dt_guard_free(void *p)
{
    struct block *b = p;

    if (p == NULL)
        return;
    b--;
    if (b->prev != NULL)
        b->prev->next = b->next;
    else if (up != NULL && up->first == b)
        up->first = b->next;
    if (b->next != NULL)
        b->next->prev = b->prev;
    dt_free(b);
}

/* Empty ${g}'s list: its blocks are ${kept} by whoever has them, or freed. */
static void
take_down(struct guard *g, bool kept)
{
    struct block *b;

    up = NULL;
    while ((b = g->first) != NULL) {
        g->first = b->next;
        b->next = b->prev = NULL;
        if (!kept)
            dt_free(b);
    }
}

enum dt_err
dt_guarded(void (*fn)(void *ctx), void *ctx)
{
    struct guard g = {.first = NULL};

    up = &g;
    if (setjmp(g.out) != 0) {
        take_down(&g, false);
        return dt_nomem();
    }
    fn(ctx);
    take_down(&g, true);
    return DT_OK;
}
