/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: utf8.h.
 */
#include "base/utf8.h"

/* Length of the sequence that starts with this byte; 0 = none does. */
static size_t sequence_length(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return 2;
    if (first >= 0xe0 && first <= 0xef)
        return 3;
    if (first >= 0xf0 && first <= 0xf4)
        return 4;
    return 0;
}

size_t ln__utf8_next(struct ln_span in, uint32_t *point)
{
    static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t want = in.len > 0 ? sequence_length(in.data[0]) : 0;
    if (want == 0 || want > in.len)
        return 0;
    uint32_t value = want == 1 ? in.data[0] : in.data[0] & (0x7fu >> want);
    for (size_t i = 1; i < want; i++) {
        if ((in.data[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (in.data[i] & 0x3fu);
    }
    if (value < lowest[want] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return want;
}

bool ln__utf8_is_valid(struct ln_span text)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t point = 0;
        if (text.data[at] < 0x80) { /* most of it */
            at++;
            continue;
        }
        size_t len = ln__utf8_next(ln_span(text.data + at, text.len - at), &point);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

size_t ln__utf8_put(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1;) {
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (uint8_t)((0xf00u >> len & 0xf0u) | point);
    return len;
}
