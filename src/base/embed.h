/*
 * Data files that are part of the program: the shape of what tools/embed makes.
 * Source: data/ in the tree, turned into C while building. Layer: base.
 *
 * A room that needs files declares, in its own source,
 *     extern const struct dt_embedded NAME[];
 *     extern const size_t NAME_count;
 * and builds the C file with a custom_target as tools/README.md shows.
 */
#ifndef DT_BASE_EMBED_H
#define DT_BASE_EMBED_H

#include <stddef.h>

struct dt_embedded {
    const char *name; /* the file's name without its folder, "contact.json", or below tools/embed's
                         --base */
    const unsigned char *data; /* len bytes, then one 0 byte that is not counted */
    size_t len;
};

#endif
