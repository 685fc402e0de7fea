/*
 * record/value_geojson.c - places as GeoJSON, the form in which maps and their programs give them.
 *
 * Source: RFC 7946 sections 3.1.2 and 3.1.6. Layer: record. GeoJSON has the longitude first; here,
 * as everywhere among people, it comes second.
 */
#include <jansson.h>
#include <string.h>

#include "base/guard.h"
#include "base/wire.h"
#include "record/limits.h"

#include "record/value_internal.h"

#define POINT "a place as latitude,longitude in degrees, or as a GeoJSON Point (longitude first)"
#define RING                                                                                       \
    "an outline as 'lat,lon lat,lon lat,lon', a circle as 'lat,lon r<km>', or a GeoJSON Polygon "  \
    "of one ring"

struct parse {
    struct dt_view text;
    json_t *root;
    json_error_t where;
};

static void
parse(void *ctx)
{
    struct parse *p = ctx;

    p->root = json_loadb((const char *)p->text.p, p->text.n,
                         JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &p->where);
}

static void
decref(json_t **j)
{
    json_decref(*j);
}

/* Degrees as whole 1e-7 of them, which is a centimetre. */
static bool
degrees(const json_t *j, double max, int32_t *out)
{
    double x;

    if (!json_is_real(j))
        return false;
    x = json_real_value(j);
    if (!(x >= -max && x <= max))
        return false;
    *out = (int32_t)(x * 1e7 + (x < 0 ? -0.5 : 0.5));
    return true;
}

/* [longitude, latitude]; a height would be lost, so it is refused. */
static bool
put_position(const json_t *j, struct dt_buf *out)
{
    struct dt_writer w = dt_writer_init(out);
    int32_t lat = 0, lon = 0;

    if (!json_is_array(j) || json_array_size(j) != 2 || !degrees(json_array_get(j, 0), 180, &lon) ||
        !degrees(json_array_get(j, 1), 90, &lat))
        return false;
    if (lon == -1800000000)
        lon = 1800000000;
    dt_write_u32(&w, (uint32_t)lat);
    dt_write_u32(&w, (uint32_t)lon);
    return dt_writer_end(&w) == DT_OK;
}

static enum dt_err
put_polygon(const struct dt_value_hint *hint, const json_t *rings, struct dt_buf *out)
{
    DT_CLEANUP(dt_buf_clear) struct dt_buf points = DT_BUF_INIT(8 * DT_LIST_MAX);
    struct dt_writer w = dt_writer_init(out);
    const json_t *position;
    size_t i;

    if (!json_is_array(rings) || json_array_size(rings) != 1)
        return dt_value_expected(hint, RING);
    json_array_foreach(json_array_get(rings, 0), i, position)
    {
        if (!put_position(position, &points))
            return dt_value_expected(hint, RING);
    }
    /* A ring ends where it began. */
    if (points.n < 32 || memcmp(points.p, points.p + points.n - 8, 8) != 0)
        return dt_value_expected(hint, RING);
    points.n -= 8;
    dt_write_u8(&w, 1);
    dt_write_vec(&w, dt_buf_view(&points));
    return dt_writer_end(&w);
}

enum dt_err
dt_value_geojson(const struct dt_value_hint *hint, struct dt_view text, struct dt_buf *out)
{
    const bool area = dt_type_item(hint->type) == DT_TYPE_AREA;
    DT_CLEANUP(decref) json_t *root = NULL;
    struct parse p = {.text = text};
    const json_t *type, *coordinates;
    enum dt_err err;

    json_set_alloc_funcs(dt_guard_alloc, dt_guard_free);
    if ((err = dt_guarded(parse, &p)) != DT_OK)
        return err;
    root = p.root;
    type = json_object_get(root, "type");
    coordinates = json_object_get(root, "coordinates");
    if (!json_is_string(type) || strcmp(json_string_value(type), area ? "Polygon" : "Point") != 0)
        return dt_value_expected(hint, area ? RING : POINT);
    if (area)
        return put_polygon(hint, coordinates, out);
    return put_position(coordinates, out) ? DT_OK : dt_value_expected(hint, POINT);
}
