/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file der.c
 * Contract: der.h. Every read works on a copy of the cursor and moves the caller's at the end.
 */
#include "codec/der.h"

#include "base/try.h"

/* X.690 8.1.3 and 10.1: short form below 128, else the fewest octets that hold the length. */
static enum ln_status read_length(struct ln_cursor *in, size_t *out)
{
    uint8_t first = 0;
    TRY(ln__cursor_u8(in, &first));
    if (first < 0x80) {
        *out = first;
        return LN_OK;
    }
    size_t octets = first & 0x7fu;
    uint32_t len = 0;
    if (octets == 0) /* the indefinite form is BER */
        return LN_BAD_PEER;
    TRY(ln__cursor_uint(in, octets, &len)); /* refuses more than 4 */
    if (len < 0x80 || (octets > 1 && len >> (8 * (octets - 1)) == 0))
        return LN_BAD_PEER;
    *out = len;
    return LN_OK;
}

enum ln_status ln__der_read(struct ln_cursor *in, struct ln_der *out)
{
    struct ln_cursor c = *in;
    struct ln_der v = { .tag = 0 };
    size_t len = 0;
    TRY(ln__cursor_u8(&c, &v.tag));
    /* 0x00 ends a BER value; tag numbers above 30 take more octets and are used nowhere here */
    if (v.tag == 0 || (v.tag & 0x1f) == 0x1f)
        return LN_BAD_PEER;
    TRY(read_length(&c, &len));
    TRY(ln__cursor_take(&c, len, &v.body));
    v.whole = ln_span(in->left.data, ln__cursor_left(in) - ln__cursor_left(&c));
    *in = c;
    *out = v;
    return LN_OK;
}

bool ln__der_next_is(const struct ln_cursor *in, uint8_t tag)
{
    return in->left.len > 0 && in->left.data[0] == tag;
}

enum ln_status ln__der_expect(struct ln_cursor *in, uint8_t tag, struct ln_span *body)
{
    struct ln_der v;
    if (!ln__der_next_is(in, tag))
        return LN_BAD_PEER;
    TRY(ln__der_read(in, &v));
    *body = v.body;
    return LN_OK;
}

enum ln_status ln__der_enter(struct ln_cursor *in, uint8_t tag, struct ln_cursor *out)
{
    struct ln_span body;
    TRY(ln__der_expect(in, tag, &body));
    *out = ln__cursor(body);
    return LN_OK;
}

enum ln_status ln__der_optional(struct ln_cursor *in, uint8_t tag, bool *present,
                                struct ln_span *body)
{
    bool is_next = ln__der_next_is(in, tag);
    if (is_next)
        TRY(ln__der_expect(in, tag, body));
    *present = is_next;
    return LN_OK;
}

enum ln_status ln__der_end(const struct ln_cursor *in)
{
    return ln__cursor_is_empty(in) ? LN_OK : LN_BAD_PEER;
}

/* Not recursive: the cursors that are open form a stack of fixed size. Each turn either reads a
 * value (the input gets shorter) or closes a cursor, so it ends. */
enum ln_status ln__der_check(struct ln_span in, size_t depth)
{
    struct ln_cursor open[LN_DER_DEPTH_MAX + 1];
    size_t level = 0;
    if (depth > LN_DER_DEPTH_MAX)
        depth = LN_DER_DEPTH_MAX;
    open[0] = ln__cursor(in);
    for (;;) {
        struct ln_der v;
        if (ln__cursor_is_empty(&open[level])) {
            if (level == 0)
                return LN_OK;
            level--;
            continue;
        }
        TRY(ln__der_read(&open[level], &v));
        if ((v.tag & LN_DER_CONSTRUCTED) == 0)
            continue;
        if (level == depth)
            return LN_BAD_PEER;
        level++;
        open[level] = ln__cursor(v.body);
    }
}

/* X.690 8.3.2: the first nine bits are neither all 0 nor all 1. */
static bool is_shortest_integer(struct ln_span body)
{
    if (body.len < 2)
        return body.len == 1;
    bool spare_zero = body.data[0] == 0x00 && (body.data[1] & 0x80) == 0;
    bool spare_ones = body.data[0] == 0xff && (body.data[1] & 0x80) != 0;
    return !spare_zero && !spare_ones;
}

enum ln_status ln__der_integer(struct ln_cursor *in, struct ln_span *body)
{
    struct ln_cursor c = *in;
    struct ln_span v;
    TRY(ln__der_expect(&c, LN_DER_INTEGER, &v));
    if (!is_shortest_integer(v))
        return LN_BAD_PEER;
    *in = c;
    *body = v;
    return LN_OK;
}

enum ln_status ln__der_uint(struct ln_cursor *in, uint8_t tag, uint32_t *out)
{
    struct ln_cursor c = *in;
    struct ln_span v;
    TRY(ln__der_expect(&c, tag, &v));
    if (!is_shortest_integer(v) || (v.data[0] & 0x80) != 0)
        return LN_BAD_PEER;
    if (v.len > 1 && v.data[0] == 0) /* it only keeps the sign positive */
        v = ln_span(v.data + 1, v.len - 1);
    struct ln_cursor digits = ln__cursor(v);
    TRY(ln__cursor_uint(&digits, v.len, out)); /* refuses more than 4 octets */
    *in = c;
    return LN_OK;
}

enum ln_status ln__der_boolean(struct ln_cursor *in, bool *out)
{
    struct ln_cursor c = *in;
    struct ln_span v;
    TRY(ln__der_expect(&c, LN_DER_BOOLEAN, &v));
    if (v.len != 1 || (v.data[0] != 0x00 && v.data[0] != 0xff))
        return LN_BAD_PEER;
    *in = c;
    *out = v.data[0] != 0;
    return LN_OK;
}

/* X.690 8.19.2: arcs of seven bits per octet, the last octet without the high bit, none that
 * begins with a spare 0x80. */
static bool is_oid(struct ln_span body)
{
    bool begins = true;
    for (size_t i = 0; i < body.len; i++) {
        if (begins && body.data[i] == 0x80)
            return false;
        begins = (body.data[i] & 0x80) == 0;
    }
    return body.len > 0 && begins;
}

enum ln_status ln__der_oid(struct ln_cursor *in, struct ln_span *body)
{
    struct ln_cursor c = *in;
    struct ln_span v;
    TRY(ln__der_expect(&c, LN_DER_OID, &v));
    if (!is_oid(v))
        return LN_BAD_PEER;
    *in = c;
    *body = v;
    return LN_OK;
}

enum ln_status ln__der_bit_string(struct ln_cursor *in, struct ln_span *bytes, unsigned *unused)
{
    struct ln_cursor c = *in;
    struct ln_cursor body;
    uint8_t spare = 0;
    TRY(ln__der_enter(&c, LN_DER_BIT_STRING, &body));
    TRY(ln__cursor_u8(&body, &spare));
    struct ln_span v = ln__cursor_rest(&body);
    if (spare > 7 || (spare > 0 && v.len == 0))
        return LN_BAD_PEER;
    if (v.len > 0 && (v.data[v.len - 1] & ((1u << spare) - 1)) != 0)
        return LN_BAD_PEER; /* X.690 11.2.1: unused bits are zero */
    *in = c;
    *bytes = v;
    *unused = spare;
    return LN_OK;
}

/* `digits` decimal digits. */
static enum ln_status read_number(struct ln_cursor *in, size_t digits, int *out)
{
    struct ln_span part;
    int value = 0;
    TRY(ln__cursor_take(in, digits, &part));
    for (size_t i = 0; i < part.len; i++) {
        if (part.data[i] < '0' || part.data[i] > '9')
            return LN_BAD_PEER;
        value = value * 10 + (part.data[i] - '0');
    }
    *out = value;
    return LN_OK;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01 of a date in the Gregorian calendar; year 0..9999. */
static int64_t days_since_1970(int year, int month, int day)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    int64_t y = year;
    /* leap days of all the years before this one, counted from year 0, which is one */
    int64_t leap_days = y == 0 ? 0 : 1 + (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400;
    int64_t days = y * 365 + leap_days + before[month - 1] + (day - 1);
    if (month > 2 && is_leap(year))
        days++;
    return days - 719528; /* of 1970-01-01 by the same count */
}

/* Year, month, day, hour, minute, second, with the century already known for UTCTime. */
static enum ln_status read_date(struct ln_cursor *in, int year, int64_t *out)
{
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    TRY(read_number(in, 2, &month));
    TRY(read_number(in, 2, &day));
    TRY(read_number(in, 2, &hour));
    TRY(read_number(in, 2, &minute));
    TRY(read_number(in, 2, &second));
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return LN_BAD_PEER;
    if (hour > 23 || minute > 59 || second > 59) /* no leap seconds in POSIX time */
        return LN_BAD_PEER;
    *out = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return LN_OK;
}

enum ln_status ln__der_time(struct ln_cursor *in, int64_t *out)
{
    struct ln_cursor c = *in;
    struct ln_der v;
    TRY(ln__der_read(&c, &v));
    struct ln_cursor body = ln__cursor(v.body);
    int year = 0;
    if (v.tag == LN_DER_UTC_TIME) {
        TRY(read_number(&body, 2, &year));
        year += year >= 50 ? 1900 : 2000; /* RFC 5280 4.1.2.5.1 */
    } else if (v.tag == LN_DER_GENERALIZED_TIME) {
        TRY(read_number(&body, 4, &year));
    } else {
        return LN_BAD_PEER;
    }
    int64_t seconds = 0;
    uint8_t zone = 0;
    TRY(read_date(&body, year, &seconds));
    TRY(ln__cursor_u8(&body, &zone));
    if (zone != 'Z')
        return LN_BAD_PEER;
    TRY(ln__der_end(&body));
    *in = c;
    *out = seconds;
    return LN_OK;
}
