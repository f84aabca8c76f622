/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_PATH_H
#define LN_PATH_H
/**
 * @file path.h
 * Where something is in the tree of a device: /object/instance/resource/resource-instance.
 *
 * Zero to four ids of 0..65534. 65535 (MAX_ID of LwM2M 1.1) is never part of a path that is read;
 * it stands for "no id" where a function says so.
 *
 * Values without an owner; all functions are pure.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** MAX_ID: reserved, and no id of anything. */
#define LN_ID_NONE 65535u

/** How many ids a path has. */
enum ln_path_level {
    LN_LEVEL_ROOT = 0,
    LN_LEVEL_OBJECT = 1,
    LN_LEVEL_INSTANCE = 2,
    LN_LEVEL_RESOURCE = 3,
    LN_LEVEL_RESOURCE_INSTANCE = 4,
};

#define LN_PATH_LEVELS_MAX 4

struct ln_path {
    uint16_t id[LN_PATH_LEVELS_MAX]; /**< object, instance, resource, resource instance */
    uint8_t levels;                  /**< how many of them count, 0..4; the rest is 0 */
};

/** "/65534/65534/65534/65534" and a NUL. */
#define LN_PATH_ROOM 25

/* ---- making paths ---- */

static inline struct ln_path ln_path_root(void)
{
    struct ln_path p;
    memset(&p, 0, sizeof p);
    return p;
}

/** The path of `id` in `parent`. @param parent  has at most three levels; a fourth is kept as is */
static inline struct ln_path ln_path_child(struct ln_path parent, uint16_t id)
{
    if (parent.levels < LN_PATH_LEVELS_MAX)
        parent.id[parent.levels++] = id;
    return parent;
}

/** The first `levels` levels; all of the path if it has no more. */
static inline struct ln_path ln_path_head(struct ln_path path, unsigned levels)
{
    while (path.levels > levels)
        path.id[--path.levels] = 0;
    return path;
}

static inline struct ln_path ln_path_object(uint16_t object)
{
    struct ln_path p = { { object, 0, 0, 0 }, 1 };
    return p;
}

static inline struct ln_path ln_path_instance(uint16_t object, uint16_t instance)
{
    struct ln_path p = { { object, instance, 0, 0 }, 2 };
    return p;
}

static inline struct ln_path ln_path_resource(uint16_t object, uint16_t instance, uint16_t resource)
{
    struct ln_path p = { { object, instance, resource, 0 }, 3 };
    return p;
}

static inline struct ln_path ln_path_resource_instance(uint16_t object, uint16_t instance,
                                                       uint16_t resource, uint16_t index)
{
    struct ln_path p = { { object, instance, resource, index }, 4 };
    return p;
}

/* ---- comparing ---- */

/**
 * The order in which a tree is walked: a parent before its children, children by their id.
 * @return less than, equal to or greater than 0, as memcmp()
 */
LN_API int ln_path_compare(const struct ln_path *a, const struct ln_path *b);

static inline bool ln_path_equal(const struct ln_path *a, const struct ln_path *b)
{
    return ln_path_compare(a, b) == 0;
}

/** Whether `path` is `prefix` or lies below it; everything lies below the root. */
static inline bool ln_path_is_below(const struct ln_path *path, const struct ln_path *prefix)
{
    static const uint16_t masks[LN_PATH_LEVELS_MAX + 1][LN_PATH_LEVELS_MAX] = {
        { 0, 0, 0, 0 },
        { 0xffff, 0, 0, 0 },
        { 0xffff, 0xffff, 0, 0 },
        { 0xffff, 0xffff, 0xffff, 0 },
        { 0xffff, 0xffff, 0xffff, 0xffff },
    };
    uint64_t a, b, mask; /* all ids at once: this is called for every value */
    if (prefix->levels > path->levels || prefix->levels > LN_PATH_LEVELS_MAX)
        return false;
    memcpy(&a, path->id, sizeof a);
    memcpy(&b, prefix->id, sizeof b);
    memcpy(&mask, masks[prefix->levels], sizeof mask);
    return ((a ^ b) & mask) == 0;
}

/* ---- text ---- */

/**
 * Read "/3/0/9"; "/" is the root. One way to write each path: it begins with a slash, ends without
 * one, and numbers have no sign and no leading zeros.
 *
 * @param text  borrowed for the call; it need not end with a NUL
 * @param out   unchanged unless LN_OK
 * @retval LN_NOT_FOUND  a part is not a number ("/rd", "/.well-known/core"): no path of LwM2M
 * @retval LN_BAD_PEER   malformed: no slash in front, an empty part, a leading zero, 65535 or
 *                       more, five levels
 */
LN_MUST_USE LN_API enum ln_status ln_path_read(struct ln_span text, struct ln_path *out);

/**
 * Add one part, as a Uri-Path option holds it: "3". (CoAP's way to write the root is one empty
 * option; that is for the caller to know.)
 *
 * @param path  unchanged unless LN_OK
 * @retval LN_NOT_FOUND  not a number
 * @retval LN_BAD_PEER   empty, a leading zero, 65535 or more, or the path has four levels already
 */
LN_MUST_USE LN_API enum ln_status ln_path_add_part(struct ln_path *path, struct ln_span part);

/** Write it, with a NUL. Returns the length without the NUL. */
LN_API size_t ln_path_text(const struct ln_path *path, char text[LN_PATH_ROOM]);

#ifdef __cplusplus
}
#endif
#endif
