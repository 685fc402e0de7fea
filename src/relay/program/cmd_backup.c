/*
 * relay/program/cmd_backup.c - `detente-relay backup`, `restore` and `resume`: a copy of a store
 * made while it is served, put in the place of a lost one, and its registers signed again.
 *
 * Layer: relay.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/db.h"
#include "log/checkpoint.h"
#include "pg/pg.h"
#include "relay/program/program.h"
#include "relay/signer/signer.h"
#include "relay/store/lock.h"
#include "relay/store/operate.h"
#include "relay/store/verify.h"

const struct option program_backup_options[] = {PROGRAM_STORE, PROGRAM_CONFIG, PROGRAM_JSON,
                                                PROGRAM_QUIET, PROGRAM_END};
const struct option program_restore_options[] = {PROGRAM_STORE, PROGRAM_CONFIG, PROGRAM_JSON,
                                                 PROGRAM_QUIET, PROGRAM_END};
const struct option program_resume_options[] = {
    PROGRAM_STORE,
    PROGRAM_CONFIG,
    PROGRAM_REGISTER,
    {"--checkpoint", "FILE", "the newest checkpoint of it that anybody has", false, false},
    {"--known-size", "N", "where nobody has one: the largest size that anybody saw", false, false},
    {"--entries", "FILE", "its entries, as detente register export wrote them, where it was larger",
     false, false},
    PROGRAM_SEALING_KEY,
    PROGRAM_SIGNED,
    PROGRAM_JSON,
    PROGRAM_QUIET,
    PROGRAM_END,
};

#define IN_PLACE    "in-place" /* in the place of a file: of a database */
#define COPY_STEP   (1u << 20)
#define ENTRIES_MAX ((size_t)DT_REGISTER_ENTRY << 24)

/* ---- backup ---- */

static enum dt_err
verify_file(const char *path, struct dt_verify_report *out)
{
    struct dt_relay_store_config config = {.path = path};
    struct dt_relay_store *s = NULL;
    enum dt_err err;

    if ((err = dt_relay_store_open(&config, &s)) == DT_OK)
        err = program_verify_store(s, NULL, out);
    dt_relay_store_close(s);
    return err;
}

/* ${path} with ${end} into ${out}, an array of ${size}. */
static enum dt_err
beside(const char *path, const char *end, char *out, size_t size)
{
    int n = snprintf(out, size, "%s%s", path, end);

    return n > 0 && (size_t)n < size ? DT_OK : dt_fail(DT_ERR_USAGE, "%s: too long a path", path);
}

static void
remove_store(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".serving"};
    char name[4096];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (beside(path, ends[i], name, sizeof(name)) == DT_OK)
            (void)unlink(name);
    }
}

int
program_backup(const struct options *o)
{
    struct dt_verify_report r = {0};
    struct dt_relay_store *s = NULL;
    char part[4096];
    struct stat st = {0};
    enum dt_err err;

    if ((err = beside(o->operand, ".part", part, sizeof(part))) != DT_OK)
        return program_finish(err);
    if (dt_file_exists(o->operand))
        return program_finish(dt_fail(DT_ERR_EXISTS, "%s is there already", o->operand));
    remove_store(part); /* of a run that was interrupted */
    if ((err = program_open_store(o, &s)) == DT_OK)
        err = dt_relay_store_backup(s, part);
    dt_relay_store_close(s);
    /* A copy is worth what is known of it: it is verified before it has its name. */
    if (err == DT_OK && (err = verify_file(part, &r)) == DT_OK &&
        (err = dt_file_place(part, o->operand)) == DT_OK && stat(o->operand, &st) != 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot look at it: %s", o->operand, strerrordesc_np(errno));
    if (err != DT_OK) {
        remove_store(part);
        return program_finish(err);
    }
    remove_store(part);
    if (option_value(o, "--json", 0) != NULL)
        printf("{\"format\": 1, \"bytes\": %llu, \"cells\": %llu, \"entries\": %llu}\n",
               (unsigned long long)st.st_size, (unsigned long long)r.cells,
               (unsigned long long)r.entries);
    else if (option_value(o, "--quiet", 0) == NULL)
        printf("%s: %llu bytes, verified\n", o->operand, (unsigned long long)st.st_size);
    return 0;
}

/* ---- restore ---- */

static enum dt_err
copy_file(const char *from, const char *to)
{
    uint8_t *step = dt_alloc(COPY_STEP, 1);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum dt_err err = DT_OK;

    if (step == NULL)
        err = dt_nomem();
    else if (in < 0)
        err = dt_fail(errno == ENOENT ? DT_ERR_NOT_FOUND : DT_ERR_IO, "%s: cannot open: %s", from,
                      strerrordesc_np(errno));
    else if (out < 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot create: %s", to, strerrordesc_np(errno));
    while (err == DT_OK) {
        ssize_t n = read(in, step, COPY_STEP);

        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            err = dt_fail(DT_ERR_IO, "%s: cannot be read: %s", from, strerrordesc_np(errno));
        for (ssize_t done = 0; err == DT_OK && done < n;) {
            ssize_t m = write(out, step + done, (size_t)(n - done));

            if (m < 0 && errno != EINTR)
                err = dt_fail(DT_ERR_IO, "%s: cannot be written: %s", to, strerrordesc_np(errno));
            done += m > 0 ? m : 0;
        }
    }
    if (err == DT_OK && fsync(out) != 0)
        err = dt_fail(DT_ERR_IO, "%s: cannot be written: %s", to, strerrordesc_np(errno));
    if (in >= 0)
        (void)close(in);
    if (out >= 0)
        (void)close(out);
    dt_free(step);
    return err;
}

/* The copy ${part} is whole; its registers are not signed from now on. */
static enum dt_err
verify_and_mark(const char *part, struct dt_verify_report *out)
{
    struct dt_relay_store_config config = {.path = part};
    struct dt_relay_store *s = NULL;
    enum dt_err err;

    if ((err = dt_relay_store_open(&config, &s)) == DT_OK &&
        (err = program_verify_store(s, NULL, out)) == DT_OK)
        err = dt_relay_store_mark_restored(s);
    dt_relay_store_close(s); /* the last connection moves all into the file */
    return err;
}

static int
restored(const struct options *o, const char *store, const struct dt_verify_report *r)
{
    if (option_value(o, "--json", 0) != NULL)
        printf("{\"format\": 1, \"cells\": %llu, \"registers\": %llu, \"entries\": %llu}\n",
               (unsigned long long)r->cells, (unsigned long long)r->registers,
               (unsigned long long)r->entries);
    else if (option_value(o, "--quiet", 0) == NULL)
        printf("%s: restored and verified. No register is signed until it is said how large it was "
               "seen: detente-relay resume, once for each of %llu. Their keys are sealed: it takes "
               "the "
               "sealing key that the lost store had\n",
               store, (unsigned long long)r->registers);
    return 0;
}

/* What a database server's own means have put back (pg_restore) is as old as they made it. */
static int
restore_database(const struct options *o, const char *store)
{
    struct dt_verify_report r = {0};
    enum dt_err err;

    if (strcmp(o->operand, IN_PLACE) != 0)
        return program_finish(dt_fail(DT_ERR_USAGE, "a database is put back by its own means, "
                                                    "pg_restore; then: restore in-place"));
    err = verify_and_mark(store, &r);
    return err == DT_OK ? restored(o, "the database", &r) : program_finish(err);
}

int
program_restore(const struct options *o)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    const char *store = option_value(o, "--store", 0);
    struct dt_verify_report r = {0};
    char part[4096], name[4096];
    enum dt_err err;

    if (dt_pg_is_url(store))
        return restore_database(o, store);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if ((err = beside(store, ends[i], name, sizeof(name))) != DT_OK)
            return program_finish(err);
        if (dt_file_exists(name))
            return program_finish(
                dt_fail(DT_ERR_EXISTS, "%s is there: move it away, and keep it", name));
    }
    if ((err = beside(o->operand, "-wal", name, sizeof(name))) != DT_OK ||
        (err = beside(store, ".part", part, sizeof(part))) != DT_OK)
        return program_finish(err);
    if (dt_file_exists(name))
        return program_finish(
            dt_fail(DT_ERR_STATE, "%s is beside it: that is a store in use, and no backup", name));
    remove_store(part); /* of a run that was interrupted */
    if ((err = copy_file(o->operand, part)) == DT_OK && (err = verify_and_mark(part, &r)) == DT_OK)
        err = dt_file_place(part, store);
    remove_store(part);
    if (err != DT_OK)
        return program_finish(err);
    return restored(o, store, &r);
}

/* ---- resume ---- */

/* What --checkpoint or --known-size say. */
static enum dt_err
known(const struct options *o, struct dt_relay_store *s, int64_t reg, uint64_t *size,
      struct tlog_hash *root, bool *has_root)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf note = DT_BUF_INIT(DT_REGISTER_NOTE_MAX);
    DT_CLEANUP(tlog_policy_clear) struct tlog_policy policy = {0};
    const char *file = option_value(o, "--checkpoint", 0);
    const char *text = option_value(o, "--known-size", 0);
    struct tlog_checkpoint cp;
    enum dt_err err;

    if ((file == NULL) == (text == NULL))
        return dt_fail(DT_ERR_USAGE, "resume needs --checkpoint FILE, or --known-size N");
    if (text != NULL)
        return dt_decimal_read(dt_view_str(text), TLOG_SIZE_MAX, size) == DT_OK
                   ? DT_OK
                   : dt_fail(DT_ERR_USAGE, "--known-size: expected a number of entries");
    if ((err = dt_relay_store_policy(s, reg, &policy)) != DT_OK ||
        (err = dt_file_read(file, &note)) != DT_OK)
        return err;
    if (policy.n_logs != 1)
        return dt_fail(DT_ERR_FORMAT, "the register's policy names not one key");
    if ((err = tlog_checkpoint_open(dt_buf_view(&note), &policy.logs[0].key, &cp)) != DT_OK)
        return dt_fail_context(err, "%s", file);
    *size = cp.size;
    *root = cp.root;
    *has_root = true;
    return DT_OK;
}

/* The store, and who signs for it: a process as a relay has it, which refuses what is behind its
 * memory here, too. A carried store's key lies in it. */
static enum dt_err
open_to_sign(const struct options *o, struct relay_signer **out_signer, struct dt_relay_store **out)
{
    const char *store = option_value(o, "--store", 0);
    const struct relay_signer_config who = {.store = store,
                                            .sealing_key = option_value(o, "--sealing-key", 0),
                                            .memory = option_value(o, "--signed", 0)};
    struct dt_relay_store_config config = {.path = store};
    enum dt_err err;

    if ((dt_pg_is_url(store) || dt_file_exists(store)) && !dt_db_is_single(store)) {
        if ((err = relay_signer_start(&who, out_signer)) != DT_OK)
            return err;
        config.signer = *out_signer;
    }
    return dt_relay_store_open(&config, out);
}

int
program_resume(const struct options *o)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf entries = DT_BUF_INIT(ENTRIES_MAX);
    const char *store = option_value(o, "--store", 0), *file = option_value(o, "--entries", 0);
    struct relay_signer *signer = NULL;
    struct dt_relay_store *s = NULL;
    struct tlog_hash root;
    uint64_t size = 0, now = 0;
    bool has_root = false;
    int64_t reg = 0;
    int lock = -1;
    enum dt_err err;

    /* A database takes no lock: the memory of what was signed does. */
    if (!dt_pg_is_url(store) && (err = relay_lock(store, &lock)) != DT_OK)
        return program_finish(err);
    if ((err = open_to_sign(o, &signer, &s)) == DT_OK &&
        (err = program_register(o, s, &reg)) == DT_OK &&
        (err = known(o, s, reg, &size, &root, &has_root)) == DT_OK &&
        (err = file == NULL ? DT_OK : dt_file_read(file, &entries)) == DT_OK)
        err = dt_relay_store_resume(s, reg, size, has_root ? &root : NULL, dt_buf_view(&entries),
                                    &now);
    dt_relay_store_close(s);
    relay_signer_free(signer);
    relay_unlock(lock);
    if (err != DT_OK)
        return program_finish(err);
    if (option_value(o, "--json", 0) != NULL)
        printf("{\"format\": 1, \"size\": %llu}\n", (unsigned long long)now);
    else if (option_value(o, "--quiet", 0) == NULL)
        printf("the register is signed again; its size is %llu\n", (unsigned long long)now);
    return 0;
}
