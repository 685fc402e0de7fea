/*
 * fuzz/agents/fuzz_register_answers.c - an agent, or a witness, reads a register whose answers are
 * altered on the way; then once more, unaltered.
 *
 * First byte: who reads (even: the agent, odd: the witness); then alterations of four bytes: of
 * which answer, what, and two that say how. Whatever it was shown, it holds nothing afterwards but
 * what the register signed, has no evidence against it, and goes on.
 */
#include <unistd.h>

#include "agent/register/register.h"
#include "base/file.h"
#include "base/mem.h"
#include "witness/witness.h"
#include "witness/witness_internal.h"

#include "line.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BEFORE   3 /* entries that were known */
#define ENTRIES  6
#define KEPT_MAX 16

static struct world w;
static char key_path[160], state_path[160];
static struct dt_buf state_file;
static struct dt_buf kept[KEPT_MAX]; /* answers of before, to be given again */
static size_t n_kept;

struct lies {
    struct dt_view program;
    size_t n_answers;
};

static enum dt_err
keep_answer(void *ctx, const struct dt_http_call *call, struct dt_http_answer *a)
{
    (void)ctx;
    (void)call;
    if (n_kept < KEPT_MAX && a->status == 200) {
        dt_buf_init(&kept[n_kept], DT_NET_ANSWER_MAX);
        must(dt_buf_set(&kept[n_kept++], dt_buf_view(&a->body)) == DT_OK);
    }
    return DT_OK;
}

static struct dt_witness_config
witness_config(void)
{
    return (struct dt_witness_config){.key_path = key_path,
                                      .state_path = state_path,
                                      .register_url = w.register_url,
                                      .register_vkey = w.register_vkey,
                                      .wait_s = 1};
}

/* The witness's key file and its state, as of BEFORE entries. */
static void
set_up_witness(void)
{
    DT_CLEANUP(tlog_signer_clear) struct tlog_signer s = {0};
    DT_CLEANUP(dt_buf_wipe) struct dt_buf text = DT_BUF_INIT(512);
    const struct dt_witness_config config = witness_config();

    (void)snprintf(key_path, sizeof key_path, "%s/witness.key", w.dir);
    (void)snprintf(state_path, sizeof state_path, "%s/witness.state", w.dir);
    world_witness(0, &s);
    must(tlog_signer_write(&s, &text) == DT_OK);
    must(dt_buf_append(&text, dt_view_str("\n")) == DT_OK);
    must(dt_file_create(key_path, dt_buf_view(&text), 0600) == DT_OK);
    must(dt_witness_run(&config, NULL, true) == DT_OK);
    dt_buf_init(&state_file, 1u << 20);
    must(dt_file_read(state_path, &state_file) == DT_OK);
}

static void
set_up(void)
{
    const struct line_watch watch = {NULL, keep_answer, NULL};

    world_make(&w);
    for (uint8_t i = 0; i < BEFORE; i++)
        world_seal(&w, 1, i);
    world_cosign(&w);
    line_set(&watch);
    must(dt_agent_register_sync(w.a[0], NULL) == DT_OK);
    set_up_witness();
    line_set(&(const struct line_watch){0});
    for (uint8_t i = BEFORE; i < ENTRIES; i++)
        world_seal(&w, 1, i);
    world_cosign(&w);
    world_keep(&w);
}

static void
alter(struct dt_http_answer *a, uint8_t what, uint8_t x, uint8_t y)
{
    struct dt_buf *b = &a->body;
    size_t at = b->n == 0 ? 0 : ((size_t)x << 8 | y) % b->n;

    switch (what % 8) {
    case 0:
        if (b->n > 0)
            b->p[at] ^= (uint8_t)(1u << (what >> 3) % 8);
        break;
    case 1:
        b->n = at;
        break;
    case 2:
        b->max = DT_NET_ANSWER_MAX;
        must(dt_buf_append(b, dt_view(&x, 1)) == DT_OK);
        break;
    case 3:
        b->max = DT_NET_ANSWER_MAX;
        if (n_kept > 0)
            must(dt_buf_set(b, dt_buf_view(&kept[x % n_kept])) == DT_OK);
        break;
    case 4:
        a->status = x % 2 == 0 ? 404 : 503;
        break;
    case 5:
        if (b->n > 0)
            b->p[at] = (uint8_t)(b->p[at] + 1); /* of a digit: the next */
        break;
    default:
        break;
    }
}

static enum dt_err
on_answer(void *ctx, const struct dt_http_call *call, struct dt_http_answer *a)
{
    struct lies *l = ctx;

    (void)call;
    for (size_t i = 0; i + 4 <= l->program.n; i += 4)
        if (l->program.p[i] % 8 == l->n_answers)
            alter(a, l->program.p[i + 1], l->program.p[i + 2], l->program.p[i + 3]);
    l->n_answers++;
    return DT_OK;
}

/* Every seal that the agent says is in, is in at its place. */
static uint64_t
check_agent(void)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf evidence = DT_BUF_INIT(1u << 20);
    struct dt_register_report r;

    must(dt_agent_register_status(w.a[0], &r) == DT_OK);
    must(r.size >= BEFORE && r.size <= ENTRIES && r.attested_size <= r.size);
    for (uint8_t i = 0; i < ENTRIES; i++) {
        struct dt_entry_info e;
        uint8_t seal[32];

        memset(seal, i, sizeof seal);
        must(dt_agent_entry(w.a[0], seal, &e) == DT_OK);
        must((e.standing == DT_ENTRY_WAITING) == (i >= r.size));
        must(e.standing == DT_ENTRY_WAITING || e.index == i);
    }
    must(dt_agent_evidence(w.a[0], &evidence) == DT_ERR_NOT_FOUND);
    return r.size;
}

static void
by_agent(struct lies *l)
{
    const struct line_watch watch = {NULL, on_answer, l};

    line_set(&watch);
    dt_ignore(dt_agent_register_sync(w.a[0], NULL), "it may see that something is wrong");
    line_set(&(const struct line_watch){0});
    (void)check_agent();
    must(dt_agent_register_sync(w.a[0], NULL) == DT_OK);
    must(check_agent() == ENTRIES);
}

static void
by_witness(struct lies *l)
{
    const struct dt_witness_config config = witness_config();
    const struct line_watch watch = {NULL, on_answer, l};
    DT_CLEANUP(witness_state_close) struct witness_state state = {.lock_fd = -1};
    struct tlog_vkey log;

    (void)unlink(state_path);
    must(dt_file_create(state_path, dt_buf_view(&state_file), 0600) == DT_OK);
    line_set(&watch);
    must(dt_witness_run(&config, NULL, true) != DT_ERR_CONFLICT);
    line_set(&(const struct line_watch){0});
    must(dt_witness_run(&config, NULL, true) == DT_OK);
    must(tlog_vkey_parse(dt_view_str(w.register_vkey), &log) == DT_OK);
    must(witness_state_open(state_path, &log, &state) == DT_OK);
    must(state.tree.size == ENTRIES && !state.stopped);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lies l = {0};

    if (w.relay == NULL)
        set_up();
    else
        world_reset(&w);
    if (size == 0)
        return 0;
    l.program = dt_view(data + 1, size - 1);
    if (data[0] % 2 == 0)
        by_agent(&l);
    else
        by_witness(&l);
    if (getenv("DT_FUZZ_ACCEPT") != NULL)
        (void)fprintf(stderr, "accepted\n");
    return 0;
}
