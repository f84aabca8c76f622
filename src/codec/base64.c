/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base64.c
 * Contract: base64.h.
 */
#include "codec/base64.h"

#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NOT_A_DIGIT 64u

static uint32_t digit_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == '+')
        return 62;
    return c == '/' ? 63 : NOT_A_DIGIT;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Bytes that come out; those that do not fit are counted all the same. */
struct sink {
    struct ln_mspan room;
    size_t len;
};

static void put(struct sink *out, uint32_t group, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (out->len < out->room.len)
            out->room.data[out->len] = (uint8_t)(group >> (16 - 8 * i));
        out->len++;
    }
}

/* Four characters of which `padding` are "=". */
static enum ln_status put_group(struct sink *out, uint32_t group, size_t padding)
{
    if (padding > 2)
        return LN_BAD_PEER;
    uint32_t hidden = group & ((1u << (8 * padding)) - 1);
    if (hidden != 0)
        return LN_BAD_PEER;
    put(out, group, 3 - padding);
    return LN_OK;
}

enum ln_status ln__base64_decode(struct ln_span text, enum ln_base64_space space,
                                 struct ln_mspan room, size_t *len)
{
    struct sink out = { .room = room };
    uint32_t group = 0;
    size_t digits = 0; /* of the group, padding included */
    size_t padding = 0;
    bool done = false; /* padding was there: nothing may follow */
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (space == LN_BASE64_WRAPPED && is_space(c))
            continue;
        uint32_t value = digit_value(c);
        if (done)
            return LN_BAD_PEER;
        if (c == '=')
            padding++;
        else if (value == NOT_A_DIGIT || padding > 0)
            return LN_BAD_PEER;
        group = group << 6 | (c == '=' ? 0 : value);
        if (++digits < 4)
            continue;
        if (put_group(&out, group, padding) != LN_OK)
            return LN_BAD_PEER;
        group = 0;
        digits = 0;
        done = padding > 0;
    }
    if (digits != 0)
        return LN_BAD_PEER;
    *len = out.len;
    return out.len <= room.len ? LN_OK : LN_NO_SPACE;
}

enum ln_status ln__base64_encode(struct ln_span bytes, struct ln_mspan room, size_t *len)
{
    size_t need = ln__base64_encoded_len(bytes.len);
    if (need > room.len)
        return LN_NO_SPACE;
    for (size_t in = 0, out = 0; in < bytes.len; in += 3, out += 4) {
        size_t have = bytes.len - in < 3 ? bytes.len - in : 3;
        uint32_t group = (uint32_t)bytes.data[in] << 16;
        if (have > 1)
            group |= (uint32_t)bytes.data[in + 1] << 8;
        if (have > 2)
            group |= bytes.data[in + 2];
        for (size_t i = 0; i < 4; i++)
            room.data[out + i] =
                i <= have ? (uint8_t)alphabet[group >> (18 - 6 * i) & 0x3f] : (uint8_t)'=';
    }
    *len = need;
    return LN_OK;
}
