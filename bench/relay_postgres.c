/*
 * bench/relay_postgres.c - the same load in PostgreSQL's protocol, version 3: an insert and a
 * commit a message; readers take what is there away and wait 5 ms when there is nothing. Nobody is
 * notified in the transaction of an insert: that serialises commits.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "relay_load.h"

static void
put_u32(struct load_conn *c, uint32_t x)
{
    x = htobe32(x);
    load_put(&c->out, &x, 4);
}

static void
put_u16(struct load_conn *c, uint16_t x)
{
    x = htobe16(x);
    load_put(&c->out, &x, 2);
}

/* A message of ${type} (0: none, as the first has none) with a body of ${n} bytes that follow. */
static void
head(struct load_conn *c, char type, size_t n)
{
    if (type != 0)
        load_put(&c->out, &type, 1);
    put_u32(c, (uint32_t)n + 4);
}

static void
put_str(struct load_conn *c, const char *s)
{
    load_put(&c->out, s, strlen(s) + 1);
}

static void
parse(struct load_conn *c, const char *name, const char *sql)
{
    head(c, 'P', strlen(name) + 1 + strlen(sql) + 1 + 2);
    put_str(c, name);
    put_str(c, sql);
    put_u16(c, 0);
}

/* Bind statement ${name} with no or one parameter, results in binary, and execute it. */
static void
execute(struct load_conn *c, const char *name, const uint8_t *param, size_t n)
{
    head(c, 'B', 1 + strlen(name) + 1 + 2 + 2 + 2 + (param == NULL ? 0 : 4 + n) + 2 + 2);
    put_str(c, "");
    put_str(c, name);
    put_u16(c, 1); /* the one format of all parameters: binary */
    put_u16(c, 1);
    put_u16(c, param == NULL ? 0 : 1);
    if (param != NULL) {
        put_u32(c, (uint32_t)n);
        load_put(&c->out, param, n);
    }
    put_u16(c, 1);
    put_u16(c, 1);
    head(c, 'E', 1 + 4);
    put_str(c, "");
    put_u32(c, 0);
}

static void
sync_now(struct load_conn *c)
{
    head(c, 'S', 0);
}

static void
take_all(struct load_conn *c)
{
    if (c->expected == 0) { /* nothing came last time */
        execute(c, "wait", NULL, 0);
        sync_now(c);
    }
    execute(c, "take", NULL, 0);
    sync_now(c);
    c->state += c->expected == 0 ? 2 : 1;
    c->expected = 0;
}

static bool
begin(struct load_conn *c)
{
    static const char who[] = "user\0postgres\0database\0postgres\0";
    char sql[256];

    head(c, 0, 4 + sizeof(who));
    put_u32(c, 196608); /* version 3.0 */
    load_put(&c->out, who, sizeof(who));
    if (c->reader) {
        (void)snprintf(sql, sizeof(sql),
                       "WITH d AS (DELETE FROM m WHERE id IN (SELECT id FROM m WHERE queue = %u"
                       " ORDER BY id LIMIT %u) RETURNING id, cell) SELECT cell FROM d ORDER BY id",
                       c->queue, LOAD_PER_READ);
        parse(c, "take", sql);
        parse(c, "wait", "SELECT pg_sleep(0.005)");
    } else {
        (void)snprintf(sql, sizeof(sql), "INSERT INTO m(queue, cell) VALUES (%u, $1)", c->queue);
        parse(c, "put", sql);
    }
    sync_now(c);
    c->ready = c->reader; /* a queue keeps what comes before anyone reads */
    c->state = 2;         /* ready twice: started, and these are known */
    c->expected = 1;
    return true;
}

static void
publish(struct load_conn *c, const uint8_t (*cells)[LOAD_CELL], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        execute(c, "put", cells[i], LOAD_CELL);
        sync_now(c);
    }
}

/* "Ready": whatever stands before it is committed. */
static void
is_ready(struct load_conn *c)
{
    if (!c->reader && c->ready)
        load_acked(c, 1);
    else if (--c->state == 0 && c->reader)
        take_all(c);
    else if (c->state == 0)
        c->ready = true;
}

static bool
input(struct load_conn *c)
{
    for (;;) {
        const uint8_t *p = c->in.p + c->in.off;
        size_t have = c->in.n - c->in.off;
        uint32_t n;

        if (have < 5)
            return true;
        memcpy(&n, p + 1, 4);
        n = be32toh(n);
        if (n < 4 || have < 1 + (size_t)n)
            return n >= 4;
        if (p[0] == 'E')
            return false;
        /* A row of one column: count, length, bytes; that of the wait is empty. */
        if (p[0] == 'D' && n == 4 + 2 + 4 + LOAD_CELL) {
            load_received(c, p + 5 + 6, LOAD_CELL);
            c->expected++;
        }
        c->in.off += 1 + (size_t)n;
        if (p[0] == 'Z')
            is_ready(c);
    }
}

const struct load_protocol load_postgres = {false, begin, publish, input};
