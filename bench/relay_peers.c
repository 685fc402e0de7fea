/*
 * bench/relay_peers.c - the same load in the protocols of others: Redis streams with a consumer
 * group, NATS JetStream with pull consumers, MQTT 3.1.1 with QoS 1. No more of each than the load
 * needs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay_load.h"

/* NULL when there is none, and for a ${p} that was not found either. */
static const uint8_t *
line_end(const uint8_t *p, const uint8_t *end)
{
    return p != NULL && p < end ? memmem(p, (size_t)(end - p), "\r\n", 2) : NULL;
}

static const uint8_t *
next_line(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *eol = line_end(p, end);

    return eol != NULL ? eol + 2 : NULL;
}

/* ---- Redis: RESP2 ---- */

/* The end of the value at ${p}; NULL: not all of it is there. */
static const uint8_t *
resp_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *eol = line_end(p, end);
    long n;

    if (eol == NULL)
        return NULL;
    n = p[0] == '$' || p[0] == '*' ? strtol((const char *)p + 1, NULL, 10) : 0;
    if (p[0] == '$' && n >= 0)
        return end - eol < 4 + n ? NULL : eol + 4 + n;
    for (p = eol + 2; n > 0; n--) {
        if ((p = resp_end(p, end)) == NULL)
            return NULL;
    }
    return p;
}

/* The text that the value at ${p} is, and what comes after it; NULL: it is no text, or not all
 * there. */
static const uint8_t *
resp_text(const uint8_t *p, const uint8_t *end, struct dt_view *out)
{
    const uint8_t *after = resp_end(p, end), *text = next_line(p, end);

    if (after == NULL || text == NULL || p[0] != '$' || after - text < 2)
        return NULL;
    *out = dt_view(text, (size_t)(after - text) - 2);
    return after;
}

static void
resp_bulk(struct load_conn *c, const void *p, size_t n)
{
    char head[32];

    (void)snprintf(head, sizeof(head), "$%zu\r\n", n);
    load_puts(&c->out, head);
    load_put(&c->out, p, n);
    load_puts(&c->out, "\r\n");
}

static void
redis_read(struct load_conn *c)
{
    char text[256];

    (void)snprintf(
        text, sizeof(text),
        "*11\r\n$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$1\r\ng\r\n$1\r\nc\r\n$5\r\nCOUNT\r\n"
        "$3\r\n%u\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n$7\r\nSTREAMS\r\n$2\r\nq%u\r\n$1\r\n>\r\n",
        LOAD_PER_READ, c->queue);
    load_puts(&c->out, text);
}

static bool
redis_open(struct load_conn *c)
{
    c->ready = true;
    if (c->reader)
        redis_read(c);
    return true;
}

static void
redis_publish(struct load_conn *c, const uint8_t (*cells)[LOAD_CELL], size_t n)
{
    char head[64];

    (void)snprintf(head, sizeof(head), "*5\r\n$4\r\nXADD\r\n$2\r\nq%u\r\n$1\r\n*\r\n$1\r\nm\r\n",
                   c->queue);
    for (size_t i = 0; i < n; i++) {
        load_puts(&c->out, head);
        resp_bulk(c, cells[i], LOAD_CELL);
    }
}

/*
 * "*1 *2 $name *n (*2 $id *2 $field $value)": take each, and acknowledge all in one XACK. False: it
 * is something else.
 */
static bool
redis_items(struct load_conn *c, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = resp_end(next_line(next_line(p, end), end), end); /* at *n */
    struct dt_view id, value;
    char head[64];
    long n;

    if (line_end(at, end) == NULL || at[0] != '*')
        return false;
    n = strtol((const char *)at + 1, NULL, 10);
    at = next_line(at, end);
    (void)snprintf(head, sizeof(head), "*%ld\r\n$4\r\nXACK\r\n$2\r\nq%u\r\n$1\r\ng\r\n", n + 3,
                   c->queue);
    load_puts(&c->out, head);
    for (; n > 0; n--) {
        at = next_line(resp_text(next_line(at, end), end, &id), end);
        at = resp_text(resp_end(at, end), end, &value);
        if (at == NULL)
            return false;
        resp_bulk(c, id.p, id.n);
        load_received(c, value.p, value.n);
    }
    redis_read(c);
    return true;
}

static bool
redis_input(struct load_conn *c)
{
    const uint8_t *next;

    while (c->in.off < c->in.n) {
        const uint8_t *p = c->in.p + c->in.off, *end = c->in.p + c->in.n;

        if (p[0] == '-')
            return false;
        if ((next = resp_end(p, end)) == NULL)
            return true;
        if (c->reader && p[0] == '*' && p[1] == '1' && !redis_items(c, p, end))
            return false;
        if (!c->reader && p[0] == '$')
            load_acked(c, 1);
        c->in.off = (size_t)(next - c->in.p);
    }
    return true;
}

const struct load_protocol load_redis = {false, redis_open, redis_publish, redis_input};

/* ---- NATS ---- */

#define NATS_BATCH 256u

static void
nats_next(struct load_conn *c)
{
    char text[160], body[64];
    int n = snprintf(body, sizeof(body), "{\"batch\":%u}", NATS_BATCH);

    (void)snprintf(text, sizeof(text),
                   "PUB $JS.API.CONSUMER.MSG.NEXT.Q%u.c _INBOX.r%u %d\r\n%s\r\n", c->queue,
                   c->index, n, body);
    load_puts(&c->out, text);
    c->expected = NATS_BATCH;
}

static bool
nats_open(struct load_conn *c)
{
    char text[160];

    (void)snprintf(text, sizeof(text),
                   "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nSUB _INBOX.%c%u 1\r\n",
                   c->reader ? 'r' : 's', c->index);
    load_puts(&c->out, text);
    c->ready = true;
    if (c->reader)
        nats_next(c);
    return true;
}

static void
nats_publish(struct load_conn *c, const uint8_t (*cells)[LOAD_CELL], size_t n)
{
    char head[64];

    (void)snprintf(head, sizeof(head), "PUB q%u _INBOX.s%u %u\r\n", c->queue, c->index, LOAD_CELL);
    for (size_t i = 0; i < n; i++) {
        load_puts(&c->out, head);
        load_put(&c->out, cells[i], LOAD_CELL);
        load_puts(&c->out, "\r\n");
    }
}

/* "MSG subject sid [reply] size" and the payload, all there. */
static bool
nats_message(struct load_conn *c, const char *head, const uint8_t *payload, size_t n)
{
    char reply[128], text[256], subject[64], sid[16];

    if (!c->reader) {
        if (memmem(payload, n, "\"seq\"", 5) == NULL)
            return false;
        load_acked(c, 1);
        return true;
    }
    if (sscanf(head, "MSG %63s %15s %127s", subject, sid, reply) != 3 || n != LOAD_CELL)
        return false;
    load_received(c, payload, n);
    (void)snprintf(text, sizeof(text), "PUB %s 4\r\n+ACK\r\n", reply);
    load_puts(&c->out, text);
    if (--c->expected == 0)
        nats_next(c);
    return true;
}

static bool
nats_input(struct load_conn *c)
{
    for (;;) {
        const uint8_t *p = c->in.p + c->in.off, *end = c->in.p + c->in.n, *eol = line_end(p, end);
        char head[256];
        size_t len, n;

        if (eol == NULL)
            return true;
        len = (size_t)(eol - p);
        if (len >= sizeof(head))
            return memcmp(p, "INFO", 4) == 0 && (c->in.off += len + 2, true);
        memcpy(head, p, len);
        head[len] = '\0';
        if (strncmp(head, "MSG ", 4) == 0) {
            n = strtoul(strrchr(head, ' ') + 1, NULL, 10);
            if ((size_t)(end - eol) < n + 4)
                return true;
            if (!nats_message(c, head, eol + 2, n))
                return false;
            c->in.off += len + 2 + n + 2;
            continue;
        }
        if (strcmp(head, "PING") == 0)
            load_puts(&c->out, "PONG\r\n");
        else if (head[0] == '-')
            return false;
        c->in.off += len + 2;
    }
}

const struct load_protocol load_nats = {false, nats_open, nats_publish, nats_input};

/* ---- MQTT 3.1.1 ---- */

static void
mqtt_head(struct load_conn *c, unsigned int type, size_t n)
{
    uint8_t head[5] = {(uint8_t)type};
    size_t len = 1;

    do {
        head[len] = (uint8_t)(n & 0x7f);
        n >>= 7;
        head[len] |= n > 0 ? 0x80 : 0;
        len++;
    } while (n > 0);
    load_put(&c->out, head, len);
}

static void
mqtt_string(struct load_conn *c, const char *s)
{
    size_t n = strlen(s);
    const uint8_t len[2] = {(uint8_t)(n >> 8), (uint8_t)n};

    load_put(&c->out, len, 2);
    load_put(&c->out, s, n);
}

static bool
mqtt_open(struct load_conn *c)
{
    static const uint8_t connect[] = {0, 4, 'M', 'Q', 'T', 'T', 4, 0, 0, 0};
    static const uint8_t subscribe[] = {0, 1};
    const uint8_t qos = 1;
    char name[16];

    /* A reader's session stays with the broker from one connection to the next. */
    (void)snprintf(name, sizeof(name), "%c%u", c->reader ? 'r' : 's', c->index);
    mqtt_head(c, 0x10, sizeof(connect) + 2 + strlen(name));
    load_put(&c->out, connect, 7);
    load_put(&c->out, c->reader ? "\0" : "\2", 1);
    load_put(&c->out, connect + 8, 2);
    mqtt_string(c, name);
    if (c->reader) {
        mqtt_head(c, 0x82, 2 + 2 + 2 + 1);
        load_put(&c->out, subscribe, 2);
        (void)snprintf(name, sizeof(name), "q%u", c->queue);
        mqtt_string(c, name);
        load_put(&c->out, &qos, 1);
    }
    return true;
}

static void
mqtt_publish(struct load_conn *c, const uint8_t (*cells)[LOAD_CELL], size_t n)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "q%u", c->queue);
    for (size_t i = 0; i < n; i++) {
        uint8_t id[2];

        c->after = c->after % 65535 + 1;
        id[0] = (uint8_t)(c->after >> 8);
        id[1] = (uint8_t)c->after;
        mqtt_head(c, 0x32, 2 + 2 + 2 + LOAD_CELL);
        mqtt_string(c, name);
        load_put(&c->out, id, 2);
        load_put(&c->out, cells[i], LOAD_CELL);
    }
}

static bool
mqtt_packet(struct load_conn *c, const uint8_t *p, size_t head, size_t n)
{
    const uint8_t *body = p + head;
    size_t topic;

    switch (p[0] >> 4) {
    case 2: /* CONNACK */
        c->ready = !c->reader;
        return n == 2 && body[1] == 0;
    case 3: /* PUBLISH */
        topic = n < 2 ? n : (size_t)body[0] << 8 | body[1];
        if (n < 2 + topic + 2)
            return false;
        load_received(c, body + 2 + topic + 2, n - topic - 4);
        mqtt_head(c, 0x40, 2);
        load_put(&c->out, body + 2 + topic, 2);
        return true;
    case 9: /* SUBACK */
        c->ready = true;
        return n == 3 && body[2] == 1;
    case 4: /* PUBACK */
        load_acked(c, 1);
        return true;
    default:
        return true;
    }
}

static bool
mqtt_input(struct load_conn *c)
{
    for (;;) {
        const uint8_t *p = c->in.p + c->in.off;
        size_t have = c->in.n - c->in.off, n = 0, head = 1;

        do {
            if (head >= have)
                return true;
            n |= (size_t)(p[head] & 0x7f) << (7 * (head - 1));
        } while ((p[head++] & 0x80) != 0 && head < 5);
        if (have - head < n)
            return true;
        if (!mqtt_packet(c, p, head, n))
            return false;
        c->in.off += head + n;
    }
}

const struct load_protocol load_mqtt = {false, mqtt_open, mqtt_publish, mqtt_input};
