/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base64.c
 * Contract: base64.h.
 */
#include "codec/base64.h"

#include "base/try.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define NOT_A_DIGIT 64u

static uint32_t digit_value(uint8_t c, enum ln_base64_form form)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0' + 52);
    if (c == '+' || (c == '-' && form == LN_BASE64_ANY))
        return 62;
    return c == '/' || (c == '_' && form == LN_BASE64_ANY) ? 63 : NOT_A_DIGIT;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Four characters are there. */
static enum ln_status take_group(struct ln_base64_text *text, uint8_t out[3], size_t *made)
{
    if (text->padding > 2)
        return LN_BAD_PEER;
    uint32_t hidden = text->group & ((1u << (8 * text->padding)) - 1);
    if (hidden != 0)
        return LN_BAD_PEER;
    *made = 3u - text->padding;
    for (size_t i = 0; i < *made && i < 3; i++)
        out[i] = (uint8_t)(text->group >> (16 - 8 * i));
    *text = (struct ln_base64_text) { .done = text->padding > 0 };
    return LN_OK;
}

enum ln_status ln__base64_next(struct ln_base64_text *text, enum ln_base64_form form, uint8_t c,
                               uint8_t out[3], size_t *made)
{
    *made = 0;
    if (form == LN_BASE64_WRAPPED && is_space(c))
        return LN_OK;
    uint32_t value = digit_value(c, form);
    if (text->done)
        return LN_BAD_PEER;
    if (c == '=')
        text->padding++;
    else if (value == NOT_A_DIGIT || text->padding > 0)
        return LN_BAD_PEER;
    text->group = text->group << 6 | (c == '=' ? 0 : value);
    text->digits++;
    return text->digits == 4 ? take_group(text, out, made) : LN_OK;
}

enum ln_status ln__base64_end(struct ln_base64_text *text, enum ln_base64_form form, uint8_t out[3],
                              size_t *made)
{
    *made = 0;
    if (text->digits == 0)
        return LN_OK;
    if (form != LN_BASE64_ANY || text->padding > 0)
        return LN_BAD_PEER;
    text->padding = (uint8_t)(4 - text->digits);
    text->group <<= 6 * text->padding;
    return take_group(text, out, made);
}

/* Bytes that come out; those that do not fit are counted all the same. */
static void put(struct ln_mspan room, size_t *at, const uint8_t bytes[3], size_t made)
{
    for (size_t i = 0; i < made; i++, (*at)++) {
        if (*at < room.len)
            room.data[*at] = bytes[i];
    }
}

enum ln_status ln__base64_decode(struct ln_span text, enum ln_base64_form form,
                                 struct ln_mspan room, size_t *len)
{
    struct ln_base64_text state = { .group = 0 };
    uint8_t bytes[3];
    size_t made = 0;
    size_t at = 0;
    for (size_t i = 0; i < text.len; i++) {
        TRY(ln__base64_next(&state, form, text.data[i], bytes, &made));
        put(room, &at, bytes, made);
    }
    TRY(ln__base64_end(&state, form, bytes, &made));
    put(room, &at, bytes, made);
    *len = at;
    return at <= room.len ? LN_OK : LN_NO_SPACE;
}

static void encode(struct ln_span bytes, const char *alphabet, struct ln_mspan room)
{
    size_t out = 0;
    for (size_t in = 0; in < bytes.len; in += 3) {
        size_t have = bytes.len - in < 3 ? bytes.len - in : 3;
        uint32_t group = (uint32_t)bytes.data[in] << 16;
        if (have > 1)
            group |= (uint32_t)bytes.data[in + 1] << 8;
        if (have > 2)
            group |= bytes.data[in + 2];
        for (size_t i = 0; i <= have; i++)
            room.data[out++] = (uint8_t)alphabet[group >> (18 - 6 * i) & 0x3f];
    }
    while (out < room.len) /* only where the length asks for it */
        room.data[out++] = '=';
}

enum ln_status ln__base64_encode(struct ln_span bytes, struct ln_mspan room, size_t *len)
{
    size_t need = ln__base64_encoded_len(bytes.len);
    if (need > room.len)
        return LN_NO_SPACE;
    encode(bytes, standard, ln_mspan(room.data, need));
    *len = need;
    return LN_OK;
}

enum ln_status ln__base64url_encode(struct ln_span bytes, struct ln_mspan room, size_t *len)
{
    size_t need = ln__base64url_encoded_len(bytes.len);
    if (need > room.len)
        return LN_NO_SPACE;
    encode(bytes, url, ln_mspan(room.data, need));
    *len = need;
    return LN_OK;
}
