/*
 * cli/observe_site.c - see observe_site.h.
 */
#include <stdio.h>
#include <string.h>

#include "agent/observer/site.h"
#include "base/embed.h"
#include "base/file.h"
#include "record/amendment.h"

#include "cli/observe_site.h"

extern const struct dt_embedded observer_page_files[];
extern const size_t observer_page_files_count;

#define SITE_PATH_MAX 4096u
#define PAGE_MAX      (2u << 20)
/* The page has this once; a register's path goes between the last two quotes. */
#define MARK "<meta name=\"detente-register\" content=\""

/* ${path} holds letters, digits and slashes alone. */
static enum dt_err
page_for(const char *path, struct dt_buf *out)
{
    struct dt_view page = dt_view(observer_page_files[0].data, observer_page_files[0].len);
    const uint8_t *at = memmem(page.p, page.n, MARK, strlen(MARK));
    size_t head;
    enum dt_err err;

    if (observer_page_files_count != 1 || at == NULL)
        return dt_fail(DT_ERR_INTERNAL, "the observer page has no place for a register");
    head = (size_t)(at - page.p) + strlen(MARK);
    if ((err = dt_buf_append(out, dt_view(page.p, head))) != DT_OK ||
        (err = dt_buf_append(out, dt_view_str(path))) != DT_OK)
        return err;
    return dt_buf_append(out, dt_view(page.p + head, page.n - head));
}

static enum dt_err
put(const char *dir, const char *below, const char *name, struct dt_view v)
{
    char path[SITE_PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s/%s%s", dir, below, name);

    if (n < 0 || (size_t)n >= sizeof path)
        return dt_fail(DT_ERR_IO, "path too long");
    return dt_file_write(path, v, 0644);
}

/* Beside the register, for who has the forum id: its hash is that id. */
static enum dt_err
put_charter(const struct dt_charter *charter, const char *dir, const char *below)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf bytes = DT_BUF_INIT(DT_CHARTER_MAX);
    DT_CLEANUP(dt_buf_clear) struct dt_buf more = DT_BUF_INIT(DT_AMENDMENTS_MAX);
    enum dt_err err;

    if ((err = dt_charter_encode(charter, &bytes)) != DT_OK ||
        (err = put(dir, below, "/charter", dt_buf_view(&bytes))) != DT_OK ||
        (err = dt_charter_amendments(charter, &more)) != DT_OK)
        return err;
    return more.n > 0 ? put(dir, below, "/amendments", dt_buf_view(&more)) : DT_OK;
}

enum dt_err
observe_site(struct dt_observer *o, const struct dt_charter *charter, const char *dir)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf page = DT_BUF_INIT(PAGE_MAX);
    char below[DT_OBSERVER_SITE_PATH];
    enum dt_err err;

    dt_observer_site_path(o, below);
    if ((err = dt_dir_make(dir, 0755)) != DT_OK || (err = dt_observer_site(o, dir)) != DT_OK ||
        (charter != NULL && (err = put_charter(charter, dir, below)) != DT_OK) ||
        (err = page_for(below, &page)) != DT_OK)
        return err;
    return put(dir, "", "index.html", dt_buf_view(&page));
}
