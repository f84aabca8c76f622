/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file path.c
 * Contract: <linnet/path.h>.
 */
#include "base/try.h"

#include <linnet/path.h>

/* 0..65534 in its one spelling. */
static enum ln_status read_id(struct ln_span part, uint16_t *out)
{
    uint32_t id = 0; /* of more than five digits it is not looked at */
    if (part.len == 0)
        return LN_BAD_PEER;
    for (size_t i = 0; i < part.len; i++) {
        unsigned digit = part.data[i] - (unsigned)'0';
        if (digit > 9)
            return LN_NOT_FOUND;
        id = id * 10 + digit;
    }
    if (part.len > 5 || (part.data[0] == '0' && part.len > 1) || id >= LN_ID_NONE)
        return LN_BAD_PEER;
    *out = (uint16_t)id;
    return LN_OK;
}

enum ln_status ln_path_add_part(struct ln_path *path, struct ln_span part)
{
    uint16_t id = 0;
    TRY(read_id(part, &id));
    if (path->levels >= LN_PATH_LEVELS_MAX)
        return LN_BAD_PEER;
    *path = ln_path_child(*path, id);
    return LN_OK;
}

enum ln_status ln_path_read(struct ln_span text, struct ln_path *out)
{
    struct ln_path path = ln_path_root();
    if (text.len == 0 || text.data[0] != '/')
        return LN_BAD_PEER;
    for (size_t at = 1; text.len > 1 && at <= text.len;) {
        size_t end = at;
        while (end < text.len && text.data[end] != '/')
            end++;
        TRY(ln_path_add_part(&path, ln_span(text.data + at, end - at)));
        at = end + 1;
    }
    *out = path;
    return LN_OK;
}

static size_t put_id(char *text, uint16_t id)
{
    char digits[5];
    size_t count = 0;
    size_t len = 0;
    do {
        digits[count++] = (char)('0' + id % 10);
        id = (uint16_t)(id / 10);
    } while (id > 0);
    while (count > 0)
        text[len++] = digits[--count];
    return len;
}

size_t ln_path_text(const struct ln_path *path, char text[LN_PATH_ROOM])
{
    size_t len = 0;
    for (size_t i = 0; i < path->levels && i < LN_PATH_LEVELS_MAX; i++) {
        text[len++] = '/';
        len += put_id(text + len, path->id[i]);
    }
    if (len == 0)
        text[len++] = '/';
    text[len] = '\0';
    return len;
}

int ln_path_compare(const struct ln_path *a, const struct ln_path *b)
{
    for (size_t i = 0; i < a->levels && i < b->levels; i++) {
        if (a->id[i] != b->id[i])
            return (int)a->id[i] - (int)b->id[i];
    }
    return (int)a->levels - (int)b->levels;
}
