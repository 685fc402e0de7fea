/*
 * cli/form_edit.c - a record's form in the user's editor.
 *
 * The file stands in the home, 0600, and is gone when the editor is done with it: what is written
 * there is in clear as long as it is written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/records/records.h"
#include "base/file.h"
#include "base/mem.h"

#include "cli/form.h"

/* A new empty file in the home. */
static enum dt_err
new_file(const struct cli *c, struct dt_buf *out_path)
{
    char *path;
    int fd;
    enum dt_err err = dt_buf_printf(out_path, "%s/form-XXXXXX", c->home);

    if (err != DT_OK || (err = dt_buf_append(out_path, dt_view((const uint8_t *)"", 1))) != DT_OK)
        return err;
    path = (char *)out_path->p;
    fd = mkstemp(path); /* 0600 */
    if (fd < 0)
        return dt_fail(DT_ERR_IO, "%s: no file could be made for the editor", c->home);
    (void)close(fd);
    return DT_OK;
}

/* The editor's words are the shell's to part; the path is never. */
static enum dt_err
run_editor(const char *path)
{
    const char *editor = getenv("VISUAL");
    int status = 0;
    pid_t pid;

    if (editor == NULL || editor[0] == '\0')
        editor = getenv("EDITOR");
    if (editor == NULL || editor[0] == '\0')
        editor = "vi";
    pid = fork();
    if (pid < 0)
        return dt_fail(DT_ERR_IO, "the editor could not be started");
    if (pid == 0) {
        (void)setenv("DETENTE_EDITOR", editor, 1);
        (void)execl("/bin/sh", "sh", "-c", "eval \"$DETENTE_EDITOR \\\"\\$1\\\"\"", "sh", path,
                    (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return dt_fail(DT_ERR_IO, "the editor could not be waited for");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return dt_fail(DT_ERR_REFUSED, "the editor failed; no record was made");
    return DT_OK;
}

/* One turn: the form with what was wrong, and what came back. */
static enum dt_err
turn(const char *path, struct cli_form *f, struct dt_record_draft *d,
     const struct dt_charter *charter, struct dt_buf *errors, size_t *wrong)
{
    DT_CLEANUP(dt_buf_wipe) struct dt_buf before = DT_BUF_INIT(4 * CLI_FORM_MAX);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf after = DT_BUF_INIT(CLI_FORM_MAX);
    enum dt_err err;

    if ((err = cli_form_write(f, charter, dt_buf_view(errors), &before)) != DT_OK ||
        (err = dt_file_write(path, dt_buf_view(&before), 0600)) != DT_OK ||
        (err = run_editor(path)) != DT_OK || (err = cli_file(path, &after)) != DT_OK)
        return err;
    if (after.n == 0 || dt_view_equal(dt_buf_view(&before), dt_buf_view(&after)))
        return dt_fail(DT_ERR_REFUSED, "the form was left as it was; no record was made");
    errors->n = 0;
    *wrong = 0;
    if ((err = cli_form_parse(f, dt_buf_view(&after), errors, wrong)) != DT_OK)
        return err;
    return cli_form_fill(f, charter, d, errors, wrong);
}

enum dt_err
cli_form_edit(struct cli *c, struct cli_form *f, struct dt_record_draft *d)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf path = DT_BUF_INIT(4096);
    DT_CLEANUP(dt_buf_wipe) struct dt_buf errors = DT_BUF_INIT(256u << 10);
    size_t wrong = 0;
    enum dt_err err = new_file(c, &path);

    if (err != DT_OK)
        return err;
    do {
        err = turn((const char *)path.p, f, d, dt_agent_charter(c->agent), &errors, &wrong);
    } while (err == DT_OK && wrong > 0);
    (void)unlink((const char *)path.p);
    return err;
}
