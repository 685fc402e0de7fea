/*
 * relay/signer/process.c - see process.h.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "relay/sandbox/sandbox.h"
#include "relay/signer/core.h"
#include "relay/signer/wire.h"
#include "relay/store/store.h"

#include "relay/signer/process.h"

#define AGAIN_US   20000u
#define SYNC_MS    500  /* what is remembered is on the disk after so long at most */
#define RECV_TRIES 3000 /* in a row, a minute: where the relay is gone, one says so */

struct process {
    int fd;
    struct signer_core *core;
    struct signer_memory *memory;
    struct signer_request request;
    uint8_t packet[SIGNER_REQUEST_MAX + 1];
};

/* No core file, no debugger, no reader of /proc/PID/mem that is not root. Signals that are meant
 * for the relay are the relay's to act on: it ends this process when it has no more to sign. */
static void
be_private(void)
{
    struct rlimit none = {0, 0};
    sigset_t all;

    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NAME, "detente-signer");
    (void)setrlimit(RLIMIT_CORE, &none);
    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
}

static enum dt_err
memory_path(const struct relay_signer_config *config, char out[static RELAY_PATH_MAX])
{
    bool url = strstr(config->store, "://") != NULL;
    int n = config->memory != NULL ? snprintf(out, RELAY_PATH_MAX, "%s", config->memory)
                                   : snprintf(out, RELAY_PATH_MAX, "%s.signed", config->store);

    if (config->memory == NULL && url)
        return dt_fail(DT_ERR_USAGE, "a store in a database needs --signed FILE");
    return n >= 0 && (size_t)n < RELAY_PATH_MAX
               ? DT_OK
               : dt_fail(DT_ERR_USAGE, "the path of what was signed is too long");
}

static enum dt_err
set_up(struct process *p, const struct relay_signer_config *config)
{
    DT_CLEANUP(dt_secret_clear) struct dt_secret key = {0};
    char path[RELAY_PATH_MAX];
    bool make = false;
    enum dt_err err;

    /* The memory first: where no file can be made beside the store, that is what is said. */
    if ((err = memory_path(config, path)) != DT_OK ||
        (err = signer_memory_open(path, &p->memory)) != DT_OK ||
        (err = relay_sealing_key_path(config->store, config->sealing_key, path)) != DT_OK ||
        (err = dt_relay_store_may_make_key(config->store, &make)) != DT_OK ||
        (err = relay_sealing_key_load(path, make, &key)) != DT_OK ||
        (err = dt_relay_store_seal_seeds(config->store, dt_secret_view(&key))) != DT_OK)
        return err;
    return signer_core_new(dt_secret_view(&key), p->memory, &p->core);
}

/* It needs no file and no address from here on. That there is no Landlock the relay says. */
static enum dt_err
restrict_self(void)
{
    enum dt_err err = relay_sandbox_files(NULL);

    if (err != DT_OK && err != DT_ERR_UNSUPPORTED)
        return err;
    return relay_sandbox_unfit() ? DT_OK : relay_sandbox_signer_calls();
}

/* Did a call on the socket fail for good? EPIPE, ECONNRESET: the relay is gone. EPERM: the filter
 * of system calls forbids it, as one of libseccomp's does that was made while memory lacked; then
 * not even sleeping is allowed. */
static bool
for_good(int why)
{
    return why == EPIPE || why == ECONNRESET || why == EPERM;
}

/* Send an answer; false when that is not possible any more. */
static bool
say(struct process *p, enum dt_err err, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SIGNER_ANSWER_MAX);

    if (signer_answer_write(err, p->request.v, n, &b) != DT_OK)
        return false;
    /* The relay waits for it: while that is there, it is tried again. */
    while (send(p->fd, b.p, b.n, MSG_NOSIGNAL) < 0) {
        if (for_good(errno))
            return false;
        (void)usleep(AGAIN_US);
    }
    return true; /* and if in part, it asks again */
}

static bool
answer(struct process *p, struct dt_view packet)
{
    struct signer_request *q = &p->request;
    enum dt_err err;
    size_t n = 0;
    bool sent;

    if (packet.n > SIGNER_REQUEST_MAX || signer_request_read(packet, q) != DT_OK)
        return say(p, dt_fail(DT_ERR_NET, "a message to the process that signs is not whole"), 0);
    if (q->kind == SIGNER_SIGN) {
        err = signer_core_sign(p->core, q->v, q->n);
        n = q->n;
    } else {
        err = signer_core_confirm(p->core, q->v, q->n);
    }
    sent = say(p, err, n);
    for (size_t i = 0; i < q->n; i++)
        dt_buf_clear(&q->v[i].note);
    return sent;
}

static void
serve(struct process *p)
{
    uint64_t since = 0; /* when it was last on the disk, or was to be put there */
    int tries = 0;

    for (;;) {
        struct pollfd at = {.fd = p->fd, .events = POLLIN};
        uint64_t now = dt_monotonic_ms();
        ssize_t got;

        if (!signer_memory_dirty(p->memory)) {
            since = now;
        } else if (now - since >= SYNC_MS || poll(&at, 1, (int)(SYNC_MS - (now - since))) == 0) {
            dt_ignore(signer_memory_sync(p->memory), "it is tried again after as long");
            since = dt_monotonic_ms();
            continue;
        }
        got = recv(p->fd, p->packet, sizeof(p->packet), 0);
        if (got < 0 && errno != EPERM && tries++ < RECV_TRIES) {
            if (errno != EINTR)
                (void)usleep(AGAIN_US);
            continue;
        }
        tries = 0;
        if (got <= 0 || !answer(p, dt_view(p->packet, (size_t)got)))
            return;
    }
}

_Noreturn void
signer_process(const struct relay_signer_config *config, int fd)
{
    struct process *p;
    enum dt_err err;

    be_private();
    p = dt_alloc(1, sizeof(*p));
    if (p == NULL)
        _exit(3);
    p->fd = fd;
    if ((err = set_up(p, config)) == DT_OK)
        err = restrict_self();
    if (say(p, err, 0) && err == DT_OK)
        serve(p);
    signer_core_free(p->core);
    signer_memory_close(p->memory);
    dt_free(p);
    _exit(0);
}
