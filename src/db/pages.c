/*
 * db/pages.c - see pages.h. SQLite's own cache, with a layer before it that knows how far its pages
 * reach.
 *
 * After each commit SQLite has the cache drop what lies behind the end of the file. When pages were
 * put in order meanwhile, one of them had for a moment a number far behind that end (btree.c,
 * balance_nonroot()). The cache notes the largest number that it ever had, takes it that there is
 * something to drop, and looks at all it holds: with 4,000 pages that is more work than the
 * statements of a small commit.
 *
 * Source: SQLite, "Application Defined Page Cache". Layer: db.
 */
#include <sqlite3.h>

#include "base/mem.h"

#include "db/pages.h"

struct cache {
    sqlite3_pcache *inner;
    unsigned int most;  /* no page has a larger number, but for */
    unsigned int above; /* the one that was given this number for a while; 0: there is none */
};

static sqlite3_pcache_methods2 system_cache;

static struct cache *
own(sqlite3_pcache *p)
{
    return (struct cache *)(void *)p;
}

static sqlite3_pcache *
cache_create(int page, int extra, int purgeable)
{
    struct cache *c = dt_alloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->inner = system_cache.xCreate(page, extra, purgeable);
    if (c->inner == NULL) {
        dt_free(c);
        return NULL;
    }
    return (sqlite3_pcache *)(void *)c;
}

static void
cache_size(sqlite3_pcache *p, int n)
{
    system_cache.xCachesize(own(p)->inner, n);
}

static int
cache_count(sqlite3_pcache *p)
{
    return system_cache.xPagecount(own(p)->inner);
}

static sqlite3_pcache_page *
cache_fetch(sqlite3_pcache *p, unsigned int key, int create)
{
    struct cache *c = own(p);
    sqlite3_pcache_page *page = system_cache.xFetch(c->inner, key, create);

    if (page != NULL && key > c->most)
        c->most = key;
    return page;
}

static void
cache_unpin(sqlite3_pcache *p, sqlite3_pcache_page *page, int discard)
{
    system_cache.xUnpin(own(p)->inner, page, discard);
}

static void
cache_rekey(sqlite3_pcache *p, sqlite3_pcache_page *page, unsigned int from, unsigned int to)
{
    struct cache *c = own(p);

    system_cache.xRekey(c->inner, page, from, to);
    if (from == c->above)
        c->above = 0;
    if (to > c->most && c->above == 0)
        c->above = to;
    else if (to > c->most)
        c->most = to;
}

static void
cache_truncate(sqlite3_pcache *p, unsigned int limit)
{
    struct cache *c = own(p);

    if (c->most < limit && c->above < limit)
        return;
    system_cache.xTruncate(c->inner, limit);
    if (c->most >= limit)
        c->most = limit > 0 ? limit - 1 : 0;
    if (c->above >= limit)
        c->above = 0;
}

static void
cache_destroy(sqlite3_pcache *p)
{
    system_cache.xDestroy(own(p)->inner);
    dt_free(own(p));
}

static void
cache_shrink(sqlite3_pcache *p)
{
    system_cache.xShrink(own(p)->inner);
}

void
dt_db_pages_prepare(void)
{
    static sqlite3_pcache_methods2 cache;

    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &system_cache) != SQLITE_OK)
        return;
    cache = system_cache; /* how it begins and ends, too */
    cache.xCreate = cache_create;
    cache.xCachesize = cache_size;
    cache.xPagecount = cache_count;
    cache.xFetch = cache_fetch;
    cache.xUnpin = cache_unpin;
    cache.xRekey = cache_rekey;
    cache.xTruncate = cache_truncate;
    cache.xDestroy = cache_destroy;
    cache.xShrink = cache_shrink;
    (void)sqlite3_config(SQLITE_CONFIG_PCACHE2, &cache);
}
