/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file objlnk.c
 * Contract: objlnk.h.
 */
#include "codec/objlnk.h"

#include "base/try.h"
#include "codec/decimal.h"

static enum ln_status read_id(struct ln_span text, uint16_t *out)
{
    uint32_t id = 0;
    if (text.len == 0 || text.len > 5 || (text.data[0] == '0' && text.len > 1))
        return LN_BAD_PEER;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return LN_BAD_PEER;
        id = id * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (id > UINT16_MAX)
        return LN_BAD_PEER;
    *out = (uint16_t)id;
    return LN_OK;
}

enum ln_status ln__objlnk_read(struct ln_span text, struct ln_objlnk *out)
{
    struct ln_objlnk link = { .object = 0 };
    size_t colon = 0;
    while (colon < text.len && text.data[colon] != ':')
        colon++;
    if (colon == text.len)
        return LN_BAD_PEER;
    TRY(read_id(ln_span(text.data, colon), &link.object));
    TRY(read_id(ln_span(text.data + colon + 1, text.len - colon - 1), &link.instance));
    *out = link;
    return LN_OK;
}

size_t ln__objlnk_write(struct ln_objlnk link, char text[LN_OBJLNK_ROOM])
{
    char digits[LN_DECIMAL_ROOM];
    size_t len = ln__decimal_write_uint(link.object, digits);
    memcpy(text, digits, len);
    text[len++] = ':';
    size_t more = ln__decimal_write_uint(link.instance, digits);
    memcpy(text + len, digits, more);
    return len + more;
}
