/*
 * tests/instrument/due_world.c - see due_world.h.
 */
#include "due_world.h"

static const char *const JSON[K_LINE] = {
    "{\"id\":\"notice\",\"title\":\"x\",\"fields\":[{\"name\":\"start\",\"type\":\"datetime\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"before:start:P2D\"},\"ack\":{\"required\":true,\"within\":\"PT6H\","
    "\"kind\":\"receipt\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"meeting\",\"title\":\"x\",\"fields\":[{\"name\":\"day\",\"type\":\"date\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"after:day:PT24H\"},\"ack\":{\"required\":true,\"within\":\"PT24H\","
    "\"kind\":\"countersign\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"follow\",\"title\":\"x\",\"fields\":[{\"name\":\"first\",\"type\":\"ref\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"after:first:PT48H\"},\"ack\":{\"required\":false,\"within\":null,"
    "\"kind\":\"none\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"ask\",\"title\":\"x\",\"fields\":[{\"name\":\"words\",\"type\":\"text\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"none\"},\"ack\":{\"required\":true,\"within\":\"PT3H\",\"kind\":"
    "\"receipt\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"say\",\"title\":\"x\",\"fields\":[{\"name\":\"ask\",\"type\":\"ref\",\"required\":"
    "true}],"
    "\"deadline\":{\"rule\":\"reply:ask:PT48H\"},\"ack\":{\"required\":true,\"within\":\"PT48H\","
    "\"kind\":\"answer\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"sum\",\"title\":\"x\",\"fields\":[{\"name\":\"reports\",\"type\":\"list<ref>\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"reply:reports:P3D\"},\"ack\":{\"required\":false,\"within\":null,"
    "\"kind\":\"none\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"account\",\"title\":\"x\",\"fields\":[{\"name\":\"words\",\"type\":\"text\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"every:P9D\"},\"ack\":{\"required\":false,\"within\":null,\"kind\":"
    "\"none\"},"
    "\"default_disclosure\":\"meta\"}",
    "{\"id\":\"lists\",\"title\":\"x\",\"fields\":[{\"name\":\"nil\",\"type\":\"bool\","
    "\"required\":true}],"
    "\"deadline\":{\"rule\":\"each:01-31,02-28,03-01,07-01,12-31\"},"
    "\"ack\":{\"required\":true,\"within\":\"P3D\",\"kind\":\"receipt\"},\"default_disclosure\":"
    "\"meta\"}",
};

uint64_t
due_random(struct due_world *w, uint64_t n)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random % n;
}

static uint64_t
minutes(struct due_world *w, uint64_t n)
{
    return due_random(w, n) * MINUTE;
}

void
due_world_start(struct due_world *w, uint64_t seed)
{
    static const char *const answers[] = {"receipt", "countersign", "answer",
                                          "dispute", "withdraw",    "consent"};

    memset(w, 0, sizeof *w);
    w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    assert_int_equal(dt_templates_load(&w->set), DT_OK);
    for (size_t i = 0; i < K_LINE; i++) {
        struct dt_template *t = NULL;

        if (dt_template_from_json(dt_view_str(JSON[i]), &t) != DT_OK)
            print_error("template %zu: %s\n", i, dt_err_message());
        assert_non_null(t);
        w->tmpl[i] = t;
        assert_int_equal(dt_templates_add(w->set, t), DT_OK);
    }
    w->tmpl[K_LINE] = dt_templates_get_str(w->set, "heartbeat");
    for (size_t i = 0; i < 6; i++)
        w->tmpl[K_ANSWERS + i] = dt_templates_get_str(w->set, answers[i]);
}

void
due_world_stop(struct due_world *w)
{
    dt_templates_free(w->set);
}

static void
draw_refs(struct due_world *w, struct drawn *d, size_t n)
{
    d->item.n_refs = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        const struct drawn *to = &w->drawn[due_random(w, w->n)];

        memcpy(d->refs + 32 * i, to->item.commitment, 32);
        if (due_random(w, 8) != 0)
            d->item.channel =
                to->item.channel; /* else an answer from elsewhere, which counts for nothing */
        if (due_random(w, 40) == 0)
            d->refs[32 * i] ^= 1; /* a record that is not here */
    }
}

static void
draw_one(struct due_world *w, struct drawn *d)
{
    struct dt_due_item *it = &d->item;
    uint64_t really = BEGIN_MS + 10 * DT_MS_DAY + minutes(w, 100 * 24 * 60);

    *d = (struct drawn){.kind = (enum kind)due_random(w, K_KINDS)};
    if (due_random(w, 3) == 0)
        d->kind = due_random(w, 2) == 0 ? K_LINE : K_ASK;
    it->tmpl = w->tmpl[d->kind];
    for (size_t i = 0; i < 32; i++)
        it->commitment[i] = (uint8_t)due_random(w, 256);
    it->party = (uint8_t)due_random(w, N_PARTIES);
    it->channel = (uint16_t)(due_random(w, 4) == 0);
    it->entry = due_random(w, 4) == 0 ? 7 : due_random(w, 50);
    /* The author's clock is wrong by up to half a day, the witness's by up to three hours. */
    it->written_ms = really - 12 * 60 * MINUTE + minutes(w, 24 * 60);
    it->witnessed_ms = due_random(w, 5) == 0 ? 0 : really - 180 * MINUTE + minutes(w, 600);
    if (it->witnessed_ms != 0 && due_random(w, 2) == 0)
        it->witnessed_ms -= it->witnessed_ms % (6 * 60 * MINUTE); /* many at one moment */
    if (d->kind == K_BEFORE && due_random(w, 20) != 0)
        it->stated_ms = really - DT_MS_DAY + minutes(w, 6 * 24 * 60);
    if (d->kind == K_AFTER) {
        it->stated_ms = really - 4 * DT_MS_DAY + minutes(w, 5 * 24 * 60);
        it->stated_ms -= it->stated_ms % DT_MS_DAY;
    }
    if (d->kind == K_ANSWERS &&
        due_random(w, 10) != 0) /* a receipt: when it says that it was there */
        it->stated_ms = really - 2 * DT_MS_DAY + minutes(w, 3 * 24 * 60);
    if (d->kind == K_LINE) {
        it->status = (uint8_t)(1 + due_random(w, 4));
        if (due_random(w, 2) == 0)
            it->status = DT_LINE_PLANNED_OUTAGE;
        if (due_random(w, 6) != 0)
            it->outage_until_ms = really + minutes(w, 4 * 24 * 60);
    }
    if (w->n > 0 && (d->kind == K_FOLLOW || d->kind == K_SAY || d->kind >= K_ANSWERS))
        draw_refs(w, d, 1);
    if (w->n > 0 && d->kind == K_SUM)
        draw_refs(w, d, due_random(w, 4));
    if (w->n > 0 && d->kind == K_SAY)
        for (size_t i = 0; i < 4; i++) { /* as a rule it replies to a question */
            const struct drawn *to = &w->drawn[due_random(w, w->n)];

            if (to->kind != K_ASK)
                continue;
            memcpy(d->refs, to->item.commitment, 32);
            it->channel = to->item.channel;
        }
}

/* Lines that are tested more or less, sometimes all gone at once, and an agent that was deaf for a
 * while. */
static void
draw_lines(struct due_world *w)
{
    for (size_t c = 0; c < 2; c++) {
        uint64_t first = due_random(w, SLOTS / 2), n = due_random(w, SLOTS / 2), part[N_PARTIES];
        uint64_t deaf = due_random(w, SLOTS), deaf_n = due_random(w, 30);
        bool down = false;

        w->channel[c].line_until_ms = BEGIN_MS + (first + n) * SLOT_MS;
        for (size_t p = 0; p < N_PARTIES; p++)
            part[p] = due_random(w, 11);
        for (size_t slot = first; slot < first + n + due_random(w, 3) && slot < SLOTS; slot++) {
            down = due_random(w, 12) == 0 ? !down : down;
            for (size_t p = 0; p < N_PARTIES; p++)
                w->heard[c][p][slot] = !down && due_random(w, 10) < part[p];
            w->heard[c][DEAF][slot] = slot >= deaf && slot < deaf + deaf_n;
        }
    }
}

void
due_world_draw(struct due_world *w)
{
    size_t n = 1 + due_random(w, ITEMS_MAX - 1);

    w->sides = due_random(w, 4) == 0 ? 0xb : 0x3; /* as a rule two, a mediator, a monitor */
    w->channel[0] =
        (struct dt_due_channel){.founded_ms = BEGIN_MS + minutes(w, 20 * 24 * 60), .parties = 0xf};
    w->channel[1] =
        (struct dt_due_channel){.founded_ms = BEGIN_MS + minutes(w, 40 * 24 * 60), .parties = 0x5};
    if (due_random(w, 3) != 0)
        draw_lines(w);
    w->now_ms = BEGIN_MS + 60 * DT_MS_DAY + minutes(w, 80 * 24 * 60);
    w->until_ms = due_random(w, 2) == 0 ? 0 : BEGIN_MS + minutes(w, 400 * 24 * 60);
    for (w->n = 0; w->n < n; w->n++)
        draw_one(w, &w->drawn[w->n]);
}

void
due_world_shuffle(struct due_world *w)
{
    for (size_t i = w->n; i > 1; i--) {
        size_t k = due_random(w, i);
        struct drawn x = w->drawn[k];

        w->drawn[k] = w->drawn[i - 1];
        w->drawn[i - 1] = x;
    }
}

/* ---- lines ---- */

void
due_line(struct due_lines *l, enum dt_due_what what, enum dt_due_code code, unsigned int channel,
         unsigned int party, unsigned int to, const char *tmpl, const uint8_t *subject,
         const uint8_t *met_by, uint64_t by_ms, uint64_t met_ms, uint64_t nth, uint64_t in_row,
         bool unwitnessed)
{
    static const uint8_t none[4];
    const uint8_t *s = subject == NULL ? none : subject, *m = met_by == NULL ? none : met_by;

    l->line = realloc(l->line, (l->n + 1) * sizeof *l->line);
    assert_non_null(l->line);
    (void)snprintf(
        l->line[l->n++], sizeof *l->line,
        "what %d %s channel %u party %u to %u %.24s about %02x%02x%02x%02x by %llu met %llu "
        "%02x%02x%02x%02x nth %llu row %llu%s",
        (int)what, dt_due_code_name(code), channel, party, to, tmpl, s[0], s[1], s[2], s[3],
        (unsigned long long)by_ms, (unsigned long long)met_ms, m[0], m[1], m[2], m[3],
        (unsigned long long)nth, (unsigned long long)in_row, unwitnessed ? " unwitnessed" : "");
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

char *
due_join(struct due_lines *l)
{
    char *text = malloc(l->n * (sizeof *l->line + 1) + 1);
    size_t at = 0;

    assert_non_null(text);
    if (l->n > 0)
        qsort(l->line, l->n, sizeof *l->line, by_text);
    for (size_t i = 0; i < l->n; i++)
        at += (size_t)snprintf(text + at, sizeof *l->line + 2, "%s\n", l->line[i]);
    text[at] = '\0';
    free(l->line);
    return text;
}

/* As an agent keeps them: a test at a time, in any order, twice at times. */
static size_t
heard_spans(const struct due_world *w, struct dt_due_heard *out)
{
    struct dt_line_spans *s = calloc(1, sizeof *s);
    size_t n = 0;

    assert_non_null(s);
    for (uint16_t c = 0; c < 2; c++)
        for (size_t p = 0; p <= N_PARTIES; p++) {
            s->n = 0;
            for (size_t k = 0; k < 2 * SLOTS; k++) {
                size_t slot = (k * 7 + 3) % SLOTS; /* 7 and SLOTS have no divisor in common */
                uint64_t from = BEGIN_MS + slot * SLOT_MS;

                if (w->heard[c][p][slot])
                    dt_line_spans_add(s, from, from + SLOT_MS);
            }
            for (size_t k = s->n; k > 0; k--)
                out[n++] = (struct dt_due_heard){.channel = c,
                                                 .party = p == DEAF ? DT_DUE_NOBODY : (uint8_t)p,
                                                 .from_ms = s->v[k - 1].from_ms,
                                                 .to_ms = s->v[k - 1].to_ms};
        }
    free(s);
    return n;
}

char *
due_folded(const struct due_world *w, const struct dt_due_state *s)
{
    DT_CLEANUP(dt_free_p) struct dt_due_outage *outages = NULL;
    DT_CLEANUP(dt_free_p) struct dt_due *list = NULL;
    struct dt_due_question q = {.templates = w->set,
                                .channels = w->channel,
                                .n_channels = 2,
                                .sides = w->sides,
                                .now_ms = w->now_ms,
                                .until_ms = w->until_ms,
                                .settled = true};
    static struct dt_due_heard heard[2 * (N_PARTIES + 1) * SLOTS];
    struct due_lines l = {0};
    size_t n = 0;

    assert_int_equal(dt_due_outages(s, heard, heard_spans(w, heard), w->channel, 2, w->sides,
                                    &outages, &q.n_outages),
                     DT_OK);
    q.outages = outages;
    assert_int_equal(dt_due_list(s, &q, &list, &n), DT_OK);
    for (size_t i = 0; i < n; i++) {
        const struct dt_due *d = &list[i];
        struct dt_view id = dt_template_id(d->tmpl);
        char name[32];

        (void)snprintf(name, sizeof name, "%.*s", (int)id.n, (const char *)id.p);
        if (i > 0 && list[i - 1].by_ms != 0) /* in order of time, what has none comes last */
            assert_true(d->by_ms == 0 || list[i - 1].by_ms <= d->by_ms);
        due_line(&l, d->what, d->code, d->channel, d->party, d->to, name,
                 d->subject == DT_DUE_NONE ? NULL : s->items[d->subject].commitment,
                 d->met_by == DT_DUE_NONE ? NULL : s->items[d->met_by].commitment, d->by_ms,
                 d->met_ms, d->nth, d->in_row, d->unwitnessed);
    }
    return due_join(&l);
}
