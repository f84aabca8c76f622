/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coap_read.c
 * Reading messages of CoAP. Contract: <linnet/coap_msg.h>.
 *
 * Everything is decoded into a message of the function's own, which becomes the caller's when the
 * last byte was found in order.
 */
#include "base/try.h"

#include <linnet/coap_msg.h>

/* ---- one option ---- */

#define PAYLOAD_MARKER 0xffu

enum step { STEP_OPTION, STEP_END, STEP_MARKER, STEP_BAD };

/* Nibbles below 13 stand for themselves; 13 and 14 for one or two bytes more; 15 for nothing
 * (RFC 7252 3.1). Moves *at only within the bytes that are left. */
static inline bool extend(const uint8_t *data, size_t len, size_t *at, uint32_t *value)
{
    if (*value < 13)
        return true;
    if (*value == 13) {
        if (*at >= len)
            return false;
        *value = 13u + data[(*at)++];
        return true;
    }
    if (*value == 15 || len - *at < 2)
        return false;
    *value = 269u + ((uint32_t)data[*at] << 8 | data[*at + 1]);
    *at += 2;
    return true;
}

/* The next option, checked before the iterator moves. */
static inline enum step step(struct ln_coap_iter *it, struct ln_coap_opt *out)
{
    const uint8_t *data = it->left.data;
    size_t len = it->left.len;
    if (len == 0)
        return STEP_END;
    if (data[0] == PAYLOAD_MARKER)
        return STEP_MARKER;
    uint32_t delta = data[0] >> 4;
    uint32_t size = data[0] & 0x0fu;
    size_t at = 1;
    if (!extend(data, len, &at, &delta) || !extend(data, len, &at, &size) || size > len - at ||
        delta > 0xffffu - it->number)
        return STEP_BAD;
    it->number = (uint16_t)(it->number + delta);
    out->number = it->number;
    out->value = ln_span(data + at, size);
    it->left = ln_span(data + at + size, len - at - size);
    return STEP_OPTION;
}

bool ln_coap_next(struct ln_coap_iter *it, struct ln_coap_opt *out)
{
    return step(it, out) == STEP_OPTION;
}

bool ln_coap_next_of(struct ln_coap_iter *it, uint16_t number, struct ln_span *value)
{
    struct ln_coap_opt opt;
    for (struct ln_coap_iter ahead = *it; step(&ahead, &opt) == STEP_OPTION; *it = ahead) {
        if (opt.number > number)
            return false; /* stays before it, for a higher number */
        if (opt.number == number) {
            *it = ahead;
            *value = opt.value;
            return true;
        }
    }
    return false;
}

enum ln_status ln_coap_uint(struct ln_span value, uint32_t *out)
{
    if (value.len > sizeof *out)
        return LN_BAD_PEER;
    uint32_t v = 0;
    for (size_t i = 0; i < value.len; i++)
        v = v << 8 | value.data[i];
    *out = v;
    return LN_OK;
}

/* ---- what options mean ---- */

struct rule {
    uint16_t min, max;
    bool repeatable;
};

/* What is known about an option; NULL if nothing is. */
static const struct rule *rule_of(uint16_t number)
{
    switch (number) {
#define RULE_CASE(name, number_, repeatable, format, min, max)                                     \
    case number_: {                                                                                \
        static const struct rule rule = { min, max, repeatable };                                  \
        return &rule;                                                                              \
    }
        LN_COAP_OPTION_LIST(RULE_CASE)
#undef RULE_CASE
    }
    return NULL;
}

bool ln_coap_option_is_known(uint16_t number)
{
    return rule_of(number) != NULL;
}

static uint32_t uint_of(struct ln_span value)
{
    uint32_t v = 0;
    for (size_t i = 0; i < value.len; i++)
        v = v << 8 | value.data[i];
    return v;
}

static struct ln_coap_block block_of(struct ln_span value)
{
    uint32_t v = uint_of(value);
    return (struct ln_coap_block) { .num = v >> 4, .more = (v & 8) != 0, .szx = v & 7 };
}

/* Keep what an option of legal length says. */
static void keep(struct ln_coap_msg *m, const struct ln_coap_opt *opt)
{
    switch (opt->number) {
    case LN_COAP_URI_PATH:
        m->has |= LN_COAP_HAS_URI_PATH;
        break;
    case LN_COAP_URI_QUERY:
        m->has |= LN_COAP_HAS_URI_QUERY;
        break;
    case LN_COAP_LOCATION_PATH:
        m->has |= LN_COAP_HAS_LOCATION_PATH;
        break;
    case LN_COAP_IF_MATCH:
        m->has |= LN_COAP_HAS_IF_MATCH;
        break;
    case LN_COAP_IF_NONE_MATCH:
        m->has |= LN_COAP_HAS_IF_NONE_MATCH;
        break;
    case LN_COAP_OSCORE:
        m->has |= LN_COAP_HAS_OSCORE;
        break;
    case LN_COAP_PROXY_URI:
    case LN_COAP_PROXY_SCHEME:
        m->has |= LN_COAP_HAS_PROXY;
        break;
    case LN_COAP_ETAG:
        if ((m->has & LN_COAP_HAS_ETAG) == 0)
            m->etag = opt->value;
        m->has |= LN_COAP_HAS_ETAG;
        break;
    case LN_COAP_ECHO:
        m->echo = opt->value;
        m->has |= LN_COAP_HAS_ECHO;
        break;
    case LN_COAP_OBSERVE:
        m->observe = uint_of(opt->value);
        m->has |= LN_COAP_HAS_OBSERVE;
        break;
    case LN_COAP_CONTENT_FORMAT:
        m->content_format = (uint16_t)uint_of(opt->value);
        m->has |= LN_COAP_HAS_CONTENT_FORMAT;
        break;
    case LN_COAP_ACCEPT:
        m->accept = (uint16_t)uint_of(opt->value);
        m->has |= LN_COAP_HAS_ACCEPT;
        break;
    case LN_COAP_MAX_AGE:
        m->max_age = uint_of(opt->value);
        m->has |= LN_COAP_HAS_MAX_AGE;
        break;
    case LN_COAP_BLOCK1:
        m->block1 = block_of(opt->value);
        m->has |= LN_COAP_HAS_BLOCK1;
        break;
    case LN_COAP_BLOCK2:
        m->block2 = block_of(opt->value);
        m->has |= LN_COAP_HAS_BLOCK2;
        break;
    case LN_COAP_SIZE1:
        m->size1 = uint_of(opt->value);
        m->has |= LN_COAP_HAS_SIZE1;
        break;
    case LN_COAP_SIZE2:
        m->size2 = uint_of(opt->value);
        m->has |= LN_COAP_HAS_SIZE2;
        break;
    }
}

/* RFC 7252 5.4.1, 5.4.3 and 5.4.5: unknown, of illegal length, or once too often. */
static void understand(struct ln_coap_msg *m, const struct ln_coap_opt *opt, uint16_t before)
{
    const struct rule *rule = rule_of(opt->number);
    bool legal = rule != NULL && opt->value.len >= rule->min && opt->value.len <= rule->max &&
                 (rule->repeatable || opt->number != before);
    if (legal)
        keep(m, opt);
    else if ((opt->number & 1) != 0 && m->bad_option == 0)
        m->bad_option = opt->number;
}

/* Options and payload: all that follows the token. */
static enum ln_status read_body(struct ln_span in, bool signalling, struct ln_coap_msg *m)
{
    struct ln_coap_iter it = ln_coap_options(in);
    struct ln_coap_opt opt;
    enum step s;
    uint16_t before = 0;
    while ((s = step(&it, &opt)) == STEP_OPTION) {
        if (!signalling)
            understand(m, &opt, before);
        before = opt.number;
    }
    if (s == STEP_BAD)
        return LN_BAD_PEER;
    m->options = ln_span(in.data, in.len - it.left.len);
    if (s == STEP_END)
        return LN_OK;
    if (it.left.len < 2) /* a marker and nothing behind it */
        return LN_BAD_PEER;
    m->payload = ln_span(it.left.data + 1, it.left.len - 1);
    return LN_OK;
}

static enum ln_status read_token(struct ln_span in, size_t at, uint8_t tkl, struct ln_coap_msg *m)
{
    if (tkl == 13 || tkl == 14)
        return LN_UNSUPPORTED;
    if (tkl > sizeof m->token.data || tkl > in.len - at)
        return LN_BAD_PEER;
    m->token.len = tkl;
    for (uint8_t i = 0; i < tkl; i++)
        m->token.data[i] = in.data[at + i];
    return LN_OK;
}

/* ---- UDP ---- */

/* RFC 7252 3: version and type and token length, code, message id. */
enum { UDP_HEADER = 4, UDP_VERSION = 1 };

enum ln_status ln_coap_read_udp_header(struct ln_span in, uint8_t *type, uint8_t *code,
                                       uint16_t *mid)
{
    if (in.len < UDP_HEADER || in.data[0] >> 6 != UDP_VERSION)
        return LN_BAD_PEER;
    *type = in.data[0] >> 4 & 3;
    *code = in.data[1];
    *mid = (uint16_t)(in.data[2] << 8 | in.data[3]);
    return LN_OK;
}

enum ln_status ln_coap_read_udp(struct ln_span in, struct ln_coap_msg *out)
{
    struct ln_coap_msg m = { .type = 0 };
    TRY(ln_coap_read_udp_header(in, &m.type, &m.code, &m.mid));
    unsigned class_ = ln_coap_class(m.code);
    if (class_ == 1 || class_ > 5) /* reserved, or signalling, which belongs to TCP */
        return LN_BAD_PEER;
    if (m.code == LN_COAP_EMPTY && (in.len > UDP_HEADER || (in.data[0] & 0x0f) != 0))
        return LN_BAD_PEER;
    TRY(read_token(in, UDP_HEADER, in.data[0] & 0x0f, &m));
    size_t at = UDP_HEADER + (size_t)m.token.len;
    TRY(read_body(ln_span(in.data + at, in.len - at), false, &m));
    *out = m;
    return LN_OK;
}

/* ---- TCP ---- */

struct frame {
    size_t header; /* first byte, extended length and code */
    uint64_t body; /* options, marker and payload */
    uint8_t tkl;
};

/* RFC 8323 3.2: the upper nibble is a length of 0 to 12, or says how many bytes of it follow. */
static enum ln_status read_frame(struct ln_span in, struct frame *out)
{
    static const struct {
        size_t bytes;
        uint32_t base;
    } forms[] = { { 1, 13 }, { 2, 269 }, { 4, 65805 } };
    if (in.len == 0)
        return LN_AGAIN;
    struct frame f = { .header = 2, .body = in.data[0] >> 4, .tkl = in.data[0] & 0x0f };
    if (f.tkl == 13 || f.tkl == 14)
        return LN_UNSUPPORTED;
    if (f.tkl > 8)
        return LN_BAD_PEER;
    if (f.body >= 13) {
        size_t form = (size_t)f.body - 13;
        f.header += forms[form].bytes;
        if (in.len < f.header - 1) /* the code does not matter here */
            return LN_AGAIN;
        f.body = uint_of(ln_span(in.data + 1, forms[form].bytes));
        f.body += forms[form].base;
    }
    *out = f;
    return LN_OK;
}

enum ln_status ln_coap_frame_tcp(struct ln_span in, uint64_t *len)
{
    struct frame f;
    TRY(read_frame(in, &f));
    *len = f.header + f.tkl + f.body;
    return LN_OK;
}

enum ln_status ln_coap_read_tcp(struct ln_span in, struct ln_coap_msg *out)
{
    struct ln_coap_msg m = { .type = LN_COAP_NON };
    struct frame f;
    enum ln_status st = read_frame(in, &f);
    if (st != LN_OK)
        return st == LN_UNSUPPORTED ? st : LN_BAD_PEER;
    if (in.len != f.header + f.tkl + f.body)
        return LN_BAD_PEER;
    m.code = in.data[f.header - 1];
    unsigned class_ = ln_coap_class(m.code);
    if (class_ == 1 || class_ == 6)
        return LN_BAD_PEER;
    TRY(read_token(in, f.header, f.tkl, &m));
    size_t at = f.header + f.tkl;
    TRY(read_body(ln_span(in.data + at, in.len - at), class_ == 7, &m));
    *out = m;
    return LN_OK;
}
