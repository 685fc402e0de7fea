/*
 * relay/sandbox/files.c - see sandbox.h: Landlock.
 *
 * Source: landlock(7). The kernel says which version it has, and is asked for no more; Debian 12's
 * header ends with version 2, so what came after is written out here. Layer: relay.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

#include "relay/sandbox/sandbox.h"

#define FS_TRUNCATE  (UINT64_C(1) << 14) /* version 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define NET_BIND     (UINT64_C(1) << 0)  /* 4 */
#define NET_CONNECT  (UINT64_C(1) << 1)
#define SCOPE_SIGNAL (UINT64_C(1) << 1) /* 6 */

#define FS_READ    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define FS_WRITE                                                                                   \
    (FS_READ | FS_OF_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |         \
     LANDLOCK_ACCESS_FS_REFER)

struct ruleset {
    uint64_t handled_fs, handled_net, scoped;
};

/* What name look-up, certificates and the C library read. */
static const char *const system_files[] = {"/etc/hosts",
                                           "/etc/host.conf",
                                           "/etc/resolv.conf",
                                           "/etc/nsswitch.conf",
                                           "/etc/gai.conf",
                                           "/etc/services",
                                           "/etc/ssl",
                                           "/etc/ca-certificates",
                                           "/usr/share/ca-certificates",
                                           "/usr/local/share/ca-certificates",
                                           "/etc/ld.so.cache",
                                           "/etc/localtime",
                                           "/usr/share/zoneinfo",
                                           "/usr/lib",
                                           "/lib",
                                           "/lib64",
                                           "/proc/self",
                                           "/sys/devices/system/cpu",
                                           "/run/systemd/resolve",
                                           "/etc/gnutls",
                                           "/etc/crypto-policies"};

static uint64_t
fs_of(long version)
{
    uint64_t all = (UINT64_C(1) << 13) - 1;

    return all | (version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
           (version >= 5 ? FS_IOCTL_DEV : 0);
}

/* Allow ${access} below the file or folder that ${fd} is open on. */
static enum dt_err
allow_fd(int rules, int fd, uint64_t access, const char *path)
{
    struct landlock_path_beneath_attr below = {.allowed_access = access, .parent_fd = fd};
    struct stat st;

    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        below.allowed_access &= FS_OF_FILE;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0)
        return dt_fail(DT_ERR_IO, "%s: cannot be allowed in the sandbox: %s", path,
                       strerrordesc_np(errno));
    return DT_OK;
}

static enum dt_err
allow(int rules, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    enum dt_err err;

    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: cannot be allowed in the sandbox: %s", path,
                       strerrordesc_np(errno));
    err = allow_fd(rules, fd, access, path);
    (void)close(fd);
    return err;
}

/* The folder that ${path} is in, or itself if it is one. */
static enum dt_err
allow_around(int rules, const char *path, uint64_t access)
{
    char copy[4096];
    struct stat st;

    if (strlen(path) >= sizeof(copy))
        return dt_fail(DT_ERR_USAGE, "too long a path for the sandbox");
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return allow(rules, path, access);
    memcpy(copy, path, strlen(path) + 1);
    return allow(rules, dirname(copy), access);
}

static enum dt_err
allow_all(int rules, const struct relay_sandbox *s, uint64_t handled)
{
    enum dt_err err;

    for (size_t i = 0; i < SANDBOX_PATHS_MAX; i++) {
        if ((s->write[i] != NULL &&
             (err = allow_around(rules, s->write[i], FS_WRITE & handled)) != DT_OK) ||
            (s->read[i] != NULL &&
             (err = allow_around(rules, s->read[i], FS_READ & handled)) != DT_OK))
            return err;
    }
    /* What is not there is not needed. */
    for (size_t i = 0; i < SANDBOX_PATHS_MAX; i++) {
        if (s->exact[i] != NULL)
            dt_ignore(allow(rules, s->exact[i], FS_READ & handled), "it is not there");
    }
    for (size_t i = 0; i < sizeof(system_files) / sizeof(system_files[0]); i++)
        dt_ignore(allow(rules, system_files[i], FS_READ & handled), "it is not there");
    if ((err = allow(rules, "/dev/null", FS_OF_FILE & handled)) != DT_OK)
        return err;
    dt_ignore(allow(rules, "/dev/urandom", LANDLOCK_ACCESS_FS_READ_FILE), "getrandom(2) is asked");
    return DT_OK;
}

enum dt_err
relay_sandbox_files(const struct relay_sandbox *s)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset r = {.handled_fs = fs_of(version)};
    /* A kernel knows the fields of its version; more of them, if they are zero. */
    size_t size = version >= 6 ? sizeof(r) : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    enum dt_err err = DT_OK;
    int rules;

    if (version < 1)
        return dt_fail(DT_ERR_UNSUPPORTED, "the kernel has no Landlock: files are not restricted");
    if (version >= 4 && s == NULL)
        r.handled_net = NET_BIND | NET_CONNECT;
    if (version >= 6)
        r.scoped = SCOPE_SIGNAL;
    rules = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
    if (rules < 0)
        return dt_fail(DT_ERR_IO, "Landlock does not take its rules: %s", strerrordesc_np(errno));
    if (s != NULL)
        err = allow_all(rules, s, r.handled_fs);
    if (err == DT_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                         syscall(SYS_landlock_restrict_self, rules, 0) != 0))
        err = dt_fail(DT_ERR_IO, "Landlock does not take its rules: %s", strerrordesc_np(errno));
    (void)close(rules);
    return err;
}
