/*
 * relay/signer/signer.c - see signer.h: the relay's side.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "relay/signer/core.h"
#include "relay/signer/process.h"
#include "relay/signer/wire.h"

#include "relay/signer/signer.h"

#define START_MS  60000 /* seals what is not sealed yet, and reads what was signed */
#define ANSWER_MS 10000
#define ASK_TRIES 5 /* of a message that does not arrive whole, or whose answer does not */
#define AGAIN_US  20000u

struct relay_signer {
    struct signer_core *core; /* in this process; or NULL and */
    int fd;
    pid_t pid;
    atomic_bool gone;
    struct signer_answer answer;
    uint8_t packet[SIGNER_ANSWER_MAX + 1];
};

enum dt_err
relay_signer_local(struct dt_view key, struct relay_signer **out)
{
    struct relay_signer *s = dt_alloc(1, sizeof(*s));
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    s->fd = -1;
    if ((err = signer_core_new(key, NULL, &s->core)) != DT_OK) {
        dt_free(s);
        return err;
    }
    *out = s;
    return DT_OK;
}

/* It is not started again: after the sandbox is closed that cannot be done, and who restarts the
 * whole begins with what is on disk. */
static enum dt_err
lost(struct relay_signer *s)
{
    if (!atomic_exchange(&s->gone, true))
        (void)kill(getpid(), SIGTERM);
    return dt_fail(DT_ERR_NET, "the process that signs checkpoints has ended");
}

/* Take an answer within ${ms}: a receive that fails is tried again until then. *${out_again}: it
 * cannot be read, which the caller has something to say about. */
static enum dt_err
hear(struct relay_signer *s, int ms, bool *out_again)
{
    struct pollfd at = {.fd = s->fd, .events = POLLIN};
    uint64_t now = dt_monotonic_ms(), end = now + (uint64_t)ms;
    ssize_t got = -1;

    *out_again = false;
    while (got < 0 && now < end) {
        int rc = poll(&at, 1, (int)(end - now));

        if (rc > 0)
            got = recv(s->fd, s->packet, sizeof(s->packet), 0);
        if (got < 0 && rc != 0 && errno != EINTR)
            (void)usleep(AGAIN_US);
        now = dt_monotonic_ms();
    }
    if (got <= 0)
        return lost(s);
    *out_again = (size_t)got > SIGNER_ANSWER_MAX ||
                 signer_answer_read(dt_view(s->packet, (size_t)got), &s->answer) != DT_OK;
    if (*out_again)
        return DT_ERR_NET;
    return s->answer.err == DT_OK ? DT_OK : dt_fail(s->answer.err, "%s", s->answer.reason);
}

enum dt_err
relay_signer_start(const struct relay_signer_config *config, struct relay_signer **out)
{
    struct relay_signer *s = dt_alloc(1, sizeof(*s));
    bool again = false;
    int pair[2];
    enum dt_err err;

    if (s == NULL)
        return dt_nomem();
    s->fd = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        dt_free(s);
        return dt_fail(DT_ERR_IO, "no socket for the process that signs: %s",
                       strerrordesc_np(errno));
    }
    s->pid = fork();
    if (s->pid == 0) {
        (void)close(pair[0]);
        signer_process(config, pair[1]);
    }
    (void)close(pair[1]);
    s->fd = pair[0];
    if (s->pid < 0) {
        s->pid = 0;
        relay_signer_free(s);
        return dt_fail(DT_ERR_IO, "no process that signs: %s", strerrordesc_np(errno));
    }
    atomic_store(&s->gone, true); /* nobody is to be stopped yet */
    err = hear(s, START_MS, &again);
    if (again)
        err = lost(s); /* it was asked nothing, so it cannot be asked again */
    if (err != DT_OK) {
        relay_signer_free(s);
        return err;
    }
    atomic_store(&s->gone, false);
    *out = s;
    return DT_OK;
}

void
relay_signer_free(struct relay_signer *s)
{
    if (s == NULL)
        return;
    signer_core_free(s->core);
    if (s->fd >= 0)
        (void)close(s->fd);
    while (s->pid > 0 && waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    dt_free(s);
}

bool
relay_signer_gone(const struct relay_signer *s)
{
    return s != NULL && atomic_load(&s->gone);
}

/* One message and its answer. */
static enum dt_err
ask(struct relay_signer *s, enum signer_kind kind, const struct relay_signing *v, size_t n)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf b = DT_BUF_INIT(SIGNER_REQUEST_MAX);
    bool again = true;
    ssize_t sent;
    enum dt_err err;

    if (atomic_load(&s->gone))
        return lost(s);
    if ((err = signer_request_write(kind, v, n, &b)) != DT_OK)
        return err;
    for (int i = 0; again && i < ASK_TRIES; i++) {
        do {
            sent = send(s->fd, b.p, b.n, MSG_NOSIGNAL);
        } while (sent < 0 && errno == EINTR);
        /* Nothing went: while the other end is there, it can be tried again. */
        if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
            return dt_fail(DT_ERR_IO, "the process that signs cannot be asked: %s",
                           strerrordesc_np(errno));
        if (sent < 0)
            return lost(s);
        /* Of what went in part it says so. */
        err = hear(s, ANSWER_MS, &again);
        again = again || (err == DT_ERR_NET && !atomic_load(&s->gone));
    }
    return again ? lost(s) : err;
}

static enum dt_err
sign_some(struct relay_signer *s, struct relay_signing *v, size_t n)
{
    enum dt_err err;

    if (s->core != NULL)
        return signer_core_sign(s->core, v, n);
    if ((err = ask(s, SIGNER_SIGN, v, n)) != DT_OK)
        return err;
    if (s->answer.n != n)
        return lost(s);
    for (size_t i = 0; i < n; i++) {
        dt_buf_clear(&v[i].note);
        dt_buf_init(&v[i].note, RELAY_NOTE_MAX);
        if ((err = dt_buf_append(&v[i].note, s->answer.notes[i])) != DT_OK)
            return err;
    }
    return DT_OK;
}

enum dt_err
relay_signer_sign(struct relay_signer *s, struct relay_signing *v, size_t n)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < n; i += RELAY_SIGN_MAX)
        err = sign_some(s, v + i, n - i < RELAY_SIGN_MAX ? n - i : RELAY_SIGN_MAX);
    return err;
}

enum dt_err
relay_signer_confirm(struct relay_signer *s, struct relay_signing *v, size_t n)
{
    enum dt_err err = DT_OK;

    for (size_t i = 0; err == DT_OK && i < n; i += RELAY_SIGN_MAX) {
        size_t some = n - i < RELAY_SIGN_MAX ? n - i : RELAY_SIGN_MAX;

        err = s->core != NULL ? signer_core_confirm(s->core, v + i, some)
                              : ask(s, SIGNER_CONFIRM, v + i, some);
    }
    return err;
}

enum dt_err
relay_signer_seal(struct relay_signer *s, const uint8_t reg[static DT_REGISTER_ID],
                  struct dt_view seed, struct dt_buf *out)
{
    if (s->core == NULL)
        return dt_fail(DT_ERR_STATE, "a new register is not made by a relay that serves");
    return signer_core_seal(s->core, reg, seed, out);
}
