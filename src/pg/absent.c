/*
 * pg/absent.c - pg.h for programs that hold the relay's code and no libpq: an agent that opens a
 * carried relay is to be reached by no database. Layer: pg.
 */
#include "base/err.h"

#include "pg/pg.h"

bool
dt_pg_is_url(const char *store)
{
    (void)store;
    return false;
}

static enum dt_err
absent(void)
{
    return dt_fail(DT_ERR_UNSUPPORTED, "this program opens no database of a server");
}

enum dt_err
dt_pg_open(const struct dt_db_config *config, struct dt_db **out)
{
    (void)config;
    (void)out;
    return absent();
}

enum dt_err
dt_pg_ids_follow(struct dt_db *db, const char *table)
{
    (void)db;
    (void)table;
    return absent();
}

enum dt_err
dt_pg_news_start(const struct dt_pg_news_config *config, struct dt_pg_news **out)
{
    (void)config;
    (void)out;
    return absent();
}

void
dt_pg_news_tell(struct dt_pg_news *n, const uint8_t key[static DT_PG_KEY])
{
    (void)n;
    (void)key;
}

void
dt_pg_news_stop(struct dt_pg_news *n)
{
    (void)n;
}
