/*
 * killshim.h - the inside of the kill shim: the calls it counts (killshim.c), and what the program
 * is in the middle of at each of them (killplace.c).
 */
#ifndef DT_KILLSHIM_H
#define DT_KILLSHIM_H

#include "shim.h"

/* What a program is in the middle of; the first that fits. */
enum place {
    PLACE_TRANSACTION, /* a write transaction of SQLite is open; its COMMIT belongs to it */
    PLACE_REQUEST, /* server: a request came in that is not answered; client: one has gone out */
    PLACE_WAITING, /* as above, but it is one that asks to wait for news ("wait=" in its target) */
    PLACE_STORE,   /* SQLite at work outside any transaction: checkpoint, opening, closing */
    PLACE_OUTSIDE,
    PLACES
};

extern const char *const place_names[PLACES];

/* Where the calling thread's program is now. */
enum place place_now(void);

/* ${n} bytes at ${buf} came in from, or went out to, ${fd}, ${whole} when they were not cut in
 * half; and ${fd} is given back. */
void place_received(int fd, const void *buf, size_t n);
void place_sent(int fd, const void *buf, size_t n, bool whole);
void place_closed(int fd);

#endif
