/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file coap_write.c
 * Writing messages of CoAP. Contract: <linnet/coap_msg.h>.
 *
 * Every function checks that all of what it adds fits before it writes the first byte.
 */
#include <linnet/coap_msg.h>

enum { KIND_UDP, KIND_TCP, KIND_OPTIONS };

/* Before the token of a message over TCP: first byte, up to 4 bytes of length, code. */
enum { TCP_HEADER_MAX = 6 };

#define PAYLOAD_MARKER 0xffu
/* What a nibble and two more bytes can say, RFC 7252 3.1. */
#define EXTENDED_MAX (65535u + 269u)
/* Nibbles, two bytes of delta, two of length. */
#define OPTION_HEADER_MAX 5

static void fail(struct ln_coap_writer *w, enum ln_status status)
{
    if (w->status == LN_OK)
        w->status = status;
}

static bool has_room(struct ln_coap_writer *w, size_t bytes)
{
    if (w->status == LN_OK && bytes > w->room - w->len)
        w->status = LN_NO_SPACE;
    return w->status == LN_OK;
}

static void append(struct ln_coap_writer *w, const uint8_t *bytes, size_t len)
{
    if (len > 0)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
}

/* ---- beginnings ---- */

static void begin(struct ln_coap_writer *w, struct ln_mspan room, uint8_t kind, size_t header,
                  const struct ln_coap_token *token)
{
    *w = (struct ln_coap_writer) { .data = room.data, .room = room.len, .kind = kind };
    w->token_len = token != NULL ? token->len : 0;
    if (w->token_len > sizeof token->data)
        fail(w, LN_BAD_ARG);
    if (!has_room(w, header + w->token_len))
        return;
    w->len = header;
    if (token != NULL)
        append(w, token->data, token->len);
    w->options = w->len;
}

void ln_coap_write_udp(struct ln_coap_writer *w, struct ln_mspan room, enum ln_coap_type type,
                       uint8_t code, uint16_t mid, const struct ln_coap_token *token)
{
    begin(w, room, KIND_UDP, 4, token);
    if (w->status != LN_OK)
        return;
    w->data[0] = (uint8_t)(1u << 6 | ((unsigned)type & 3u) << 4 | w->token_len);
    w->data[1] = code;
    w->data[2] = (uint8_t)(mid >> 8);
    w->data[3] = (uint8_t)mid;
}

void ln_coap_write_tcp(struct ln_coap_writer *w, struct ln_mspan room, uint8_t code,
                       const struct ln_coap_token *token)
{
    begin(w, room, KIND_TCP, TCP_HEADER_MAX, token);
    if (w->status == LN_OK)
        w->data[TCP_HEADER_MAX - 1] = code;
}

void ln_coap_write_options(struct ln_coap_writer *w, struct ln_mspan room)
{
    begin(w, room, KIND_OPTIONS, 0, NULL);
}

void ln_coap_set_code(struct ln_coap_writer *w, uint8_t code)
{
    if (w->status == LN_OK && w->kind != KIND_OPTIONS)
        w->data[w->kind == KIND_UDP ? 1 : TCP_HEADER_MAX - 1] = code;
}

/* ---- options ---- */

/* Write a nibble's extension; returns the nibble. */
static unsigned extend(uint8_t *out, size_t *at, uint32_t value)
{
    if (value < 13)
        return value;
    if (value < 269) {
        out[(*at)++] = (uint8_t)(value - 13);
        return 13;
    }
    out[(*at)++] = (uint8_t)((value - 269) >> 8);
    out[(*at)++] = (uint8_t)(value - 269);
    return 14;
}

static size_t option_header(uint8_t out[OPTION_HEADER_MAX], uint32_t delta, uint32_t len)
{
    size_t at = 1;
    unsigned high = extend(out, &at, delta);
    unsigned low = extend(out, &at, len);
    out[0] = (uint8_t)(high << 4 | low);
    return at;
}

/* Put an option before those with higher numbers. The delta of the one behind it shrinks, and with
 * it perhaps its header. */
static void insert(struct ln_coap_writer *w, uint16_t number, struct ln_span value)
{
    struct ln_coap_iter it = ln_coap_options(ln_span(w->data + w->options, w->len - w->options));
    struct ln_coap_iter before = it;
    struct ln_coap_opt next = { .number = 0 };
    while (ln_coap_next(&it, &next) && next.number <= number)
        before = it;
    size_t at = w->len - before.left.len; /* where the new one goes */
    size_t tail = it.left.len + next.value.len;

    uint8_t header[OPTION_HEADER_MAX];
    uint8_t next_header[OPTION_HEADER_MAX];
    size_t header_len =
        option_header(header, (uint32_t)number - before.number, (uint32_t)value.len);
    size_t next_len =
        option_header(next_header, (uint32_t)next.number - number, (uint32_t)next.value.len);
    size_t grown = at + header_len + value.len + next_len + tail;
    if (!has_room(w, grown - w->len))
        return;
    memmove(w->data + grown - tail, w->data + w->len - tail, tail);
    w->len = at;
    append(w, header, header_len);
    append(w, value.data, value.len);
    append(w, next_header, next_len);
    w->len = grown;
}

void ln_coap_put(struct ln_coap_writer *w, uint16_t number, struct ln_span value)
{
    if (value.len > EXTENDED_MAX || w->payload != 0)
        fail(w, LN_BAD_ARG);
    if (w->status != LN_OK)
        return;
    if (number < w->last) {
        insert(w, number, value);
        return;
    }
    uint8_t header[OPTION_HEADER_MAX];
    size_t len = option_header(header, (uint32_t)number - w->last, (uint32_t)value.len);
    if (!has_room(w, len + value.len))
        return;
    append(w, header, len);
    append(w, value.data, value.len);
    w->last = number;
}

void ln_coap_put_text(struct ln_coap_writer *w, uint16_t number, const char *text)
{
    ln_coap_put(w, number, ln_span_str(text));
}

void ln_coap_put_uint(struct ln_coap_writer *w, uint16_t number, uint32_t value)
{
    const uint8_t bytes[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 8), (uint8_t)value };
    size_t zeros = 0;
    while (zeros < sizeof bytes && bytes[zeros] == 0)
        zeros++;
    ln_coap_put(w, number, ln_span(bytes + zeros, sizeof bytes - zeros));
}

void ln_coap_put_block(struct ln_coap_writer *w, uint16_t number, struct ln_coap_block block)
{
    if (block.num >= UINT32_C(1) << 20 || block.szx > 7)
        fail(w, LN_BAD_ARG);
    ln_coap_put_uint(w, number, block.num << 4 | (block.more ? 8u : 0u) | (block.szx & 7u));
}

void ln_coap_put_options(struct ln_coap_writer *w, struct ln_span options)
{
    struct ln_coap_iter it = ln_coap_options(options);
    struct ln_coap_opt opt = { .number = 0 };
    if (w->len != w->options) { /* among others: one by one */
        while (ln_coap_next(&it, &opt))
            ln_coap_put(w, opt.number, opt.value);
        if (it.left.len > 0)
            fail(w, LN_BAD_ARG);
        return;
    }
    while (ln_coap_next(&it, &opt))
        ;
    if (it.left.len > 0 || w->payload != 0)
        fail(w, LN_BAD_ARG);
    if (!has_room(w, options.len))
        return;
    append(w, options.data, options.len);
    w->last = opt.number;
}

/* ---- payload and end ---- */

struct ln_mspan ln_coap_payload_room(struct ln_coap_writer *w)
{
    size_t marker = w->payload == 0 ? 1 : 0;
    if (w->kind == KIND_OPTIONS)
        fail(w, LN_BAD_ARG);
    if (w->status != LN_OK || w->room - w->len <= marker)
        return ln_mspan(NULL, 0);
    return ln_mspan(w->data + w->len + marker, w->room - w->len - marker);
}

void ln_coap_payload_written(struct ln_coap_writer *w, size_t len)
{
    if (len == 0)
        return;
    if (len > ln_coap_payload_room(w).len)
        fail(w, LN_NO_SPACE);
    if (w->status != LN_OK)
        return;
    if (w->payload == 0) {
        w->data[w->len++] = PAYLOAD_MARKER;
        w->payload = w->len;
    }
    w->len += len;
}

void ln_coap_put_payload(struct ln_coap_writer *w, struct ln_span bytes)
{
    struct ln_mspan room = ln_coap_payload_room(w);
    if (bytes.len > 0 && bytes.len <= room.len)
        memmove(room.data, bytes.data, bytes.len);
    ln_coap_payload_written(w, bytes.len);
}

/* RFC 8323 3.2: the length of what follows the token, in front of code and token. */
static void end_tcp(struct ln_coap_writer *w)
{
    uint32_t body = (uint32_t)(w->len - w->options);
    unsigned nibble = body;
    size_t at = TCP_HEADER_MAX - 1; /* just behind the length */
    if (body >= 65805) {
        uint32_t rest = body - 65805;
        nibble = 15;
        for (int i = 0; i < 4; i++, rest >>= 8)
            w->data[--at] = (uint8_t)rest;
    } else if (body >= 269) {
        nibble = 14;
        w->data[--at] = (uint8_t)(body - 269);
        w->data[--at] = (uint8_t)((body - 269) >> 8);
    } else if (body >= 13) {
        nibble = 13;
        w->data[--at] = (uint8_t)(body - 13);
    }
    w->data[--at] = (uint8_t)(nibble << 4 | w->token_len);
    w->start = at;
}

enum ln_status ln_coap_writer_end(struct ln_coap_writer *w, struct ln_span *out)
{
    if (w->status == LN_OK && w->kind == KIND_TCP)
        end_tcp(w);
    if (w->status == LN_OK)
        *out = ln_span(w->data + w->start, w->len - w->start);
    return w->status;
}
