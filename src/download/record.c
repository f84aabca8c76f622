/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file record.c
 * Contract: download.h, the state that survives. Pure.
 *
 *   "LND" 0x01 | digest of the URI, 32 | kind of validator, 1 | its length, 1 | its bytes |
 *   total, 8 | received, 8 | restarts, 4 | points, 1 | points * (offset, 8 | SHA-256, 32)
 *
 * Integers are big-endian; an unknown total is all ones. resume.c puts a SHA-256 of all that behind it.
 */
#include "download/download.h"

#include "base/cursor.h"
#include "base/try.h"

static const uint8_t magic[4] = { 'L', 'N', 'D', 1 };

bool ln__validator_same(const struct ln__validator *a, const struct ln__validator *b)
{
    return a->kind != LN__NO_VALIDATOR && a->kind == b->kind && a->len == b->len &&
           memcmp(a->data, b->data, a->len) == 0;
}

static uint8_t *put(uint8_t *p, const uint8_t *bytes, size_t len)
{
    memcpy(p, bytes, len);
    return p + len;
}

static uint8_t *put_uint(uint8_t *p, size_t bytes, uint64_t value)
{
    for (size_t i = bytes; i > 0; i--, value >>= 8)
        p[i - 1] = (uint8_t)value;
    return p + bytes;
}

size_t ln__download_record_write(const struct ln__download_record *r,
                                 uint8_t out[LN_DOWNLOAD_STATE_MAX])
{
    _Static_assert(sizeof magic + LN__SHA256_LEN + 2 + LN__VALIDATOR_MAX + 8 + 8 + 4 + 1 +
                           LN__POINTS * (8 + LN__SHA256_LEN) + LN__SHA256_LEN <=
                       LN_DOWNLOAD_STATE_MAX,
                   "the longest state fits");
    uint8_t *p = put(out, magic, sizeof magic);
    p = put(p, r->uri, LN__SHA256_LEN);
    p = put_uint(p, 1, r->validator.kind);
    p = put_uint(p, 1, r->validator.len);
    p = put(p, r->validator.data, r->validator.len);
    p = put_uint(p, 8, r->total);
    p = put_uint(p, 8, r->received);
    p = put_uint(p, 4, r->restarts);
    p = put_uint(p, 1, r->points);
    for (size_t i = 0; i < r->points; i++) {
        p = put_uint(p, 8, r->point[i].offset);
        p = put(p, r->point[i].sha256, LN__SHA256_LEN);
    }
    return (size_t)(p - out);
}

static enum ln_status take(struct ln_cursor *c, uint8_t *out, size_t len)
{
    struct ln_span part;
    TRY(ln__cursor_take(c, len, &part));
    if (len > 0)
        memcpy(out, part.data, len);
    return LN_OK;
}

static enum ln_status take_u64(struct ln_cursor *c, uint64_t *out)
{
    uint32_t high = 0;
    uint32_t low = 0;
    TRY(ln__cursor_u32(c, &high));
    TRY(ln__cursor_u32(c, &low));
    *out = (uint64_t)high << 32 | low;
    return LN_OK;
}

static enum ln_status take_validator(struct ln_cursor *c, struct ln__validator *out)
{
    TRY(ln__cursor_u8(c, &out->kind));
    TRY(ln__cursor_u8(c, &out->len));
    TRY(take(c, out->data, out->len));
    bool none = out->kind == LN__NO_VALIDATOR;
    return out->kind > LN__DATE || none != (out->len == 0) ? LN_BAD_PEER : LN_OK;
}

static enum ln_status take_points(struct ln_cursor *c, struct ln__download_record *r)
{
    uint8_t points = 0;
    uint64_t last = 0;
    TRY(ln__cursor_u8(c, &points));
    if (points > LN__POINTS)
        return LN_BAD_PEER;
    for (r->points = 0; r->points < points; r->points++) {
        struct ln__download_point *point = &r->point[r->points];
        TRY(take_u64(c, &point->offset));
        TRY(take(c, point->sha256, LN__SHA256_LEN));
        if (point->offset <= last || point->offset > (uint64_t)INT64_MAX ||
            point->offset > r->total)
            return LN_BAD_PEER;
        last = point->offset;
    }
    return ln__cursor_is_empty(c) ? LN_OK : LN_BAD_PEER;
}

static enum ln_status read_record(struct ln_cursor *c, struct ln__download_record *r)
{
    struct ln_span start;
    TRY(ln__cursor_take(c, sizeof magic, &start));
    if (memcmp(start.data, magic, sizeof magic) != 0)
        return LN_BAD_PEER;
    TRY(take(c, r->uri, LN__SHA256_LEN));
    TRY(take_validator(c, &r->validator));
    TRY(take_u64(c, &r->total));
    TRY(take_u64(c, &r->received));
    TRY(ln__cursor_u32(c, &r->restarts));
    if (r->total > (uint64_t)INT64_MAX && r->total != LN__UNKNOWN)
        return LN_BAD_PEER;
    return take_points(c, r);
}

enum ln_status ln__download_record_read(struct ln_span in, struct ln__download_record *out)
{
    struct ln__download_record record = { .points = 0 };
    struct ln_cursor c = ln__cursor(in);
    TRY(read_record(&c, &record));
    *out = record;
    return LN_OK;
}
