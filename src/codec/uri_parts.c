/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uri_parts.c
 * Contract: what <linnet/uri.h> does with parts of a URI: user names, percent-encoding, origins.
 */
#include <linnet/uri.h>

#include "codec/ascii.h"
#include "codec/composer.h"
#include <linnet/addr.h>

struct ln_span ln_uri_userinfo(struct ln_span text)
{
    const struct ln_span none = { NULL, 0 };
    size_t colon = ln__find(text, ":/?#");
    if (text.len - colon < 3 || memcmp(text.data + colon, "://", 3) != 0)
        return none;
    struct ln_span rest = ln__behind(text, colon + 3);
    struct ln_span authority = ln__head(rest, ln__find(rest, "/?#"));
    size_t at = authority.len;
    while (at > 0 && authority.data[at - 1] != '@')
        at--;
    return at > 0 ? ln__head(authority, at - 1) : none;
}

enum ln_status ln_uri_strip(struct ln_span text, struct ln_mspan room, size_t *len)
{
    struct ln__composer w = ln__composer(room);
    struct ln_span userinfo = ln_uri_userinfo(text);
    text.len = ln__find(text, "#");
    if (userinfo.data != NULL) {
        size_t before = (size_t)(userinfo.data - text.data);
        ln__compose(&w, ln__head(text, before));
        text = ln__behind(text, before + userinfo.len + 1);
    }
    ln__compose(&w, text);
    return ln__composer_end(&w, len);
}

enum ln_status ln_uri_decode(struct ln_span text, struct ln_mspan room, size_t *len)
{
    size_t made = 0;
    for (size_t i = 0; i < text.len; i++, made++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            if (text.len - i < 3 || !ln__is_hex(text.data[i + 1]) || !ln__is_hex(text.data[i + 2]))
                return LN_BAD_PEER;
            c = (uint8_t)(ln__hex_value(text.data[i + 1]) << 4 | ln__hex_value(text.data[i + 2]));
            i += 2;
        }
        if (made < room.len)
            room.data[made] = c;
    }
    *len = made;
    return made <= room.len ? LN_OK : LN_NO_SPACE;
}

/* Addresses are compared as such: "::1" is "0:0:0:0:0:0:0:1". */
static bool same_host(const struct ln_uri *a, const struct ln_uri *b)
{
    char text[2][LN_URI_HOST_ROOM];
    struct ln_addr addr[2];
    if (a->host_kind == LN_URI_HOST_NAME || b->host_kind == LN_URI_HOST_NAME)
        return a->host_kind == b->host_kind && ln__same_word(a->host, b->host);
    ln_uri_host_text(a, text[0]);
    ln_uri_host_text(b, text[1]);
    bool numbers = ln_addr_parse(text[0], a->port, &addr[0]) == LN_OK &&
                   ln_addr_parse(text[1], b->port, &addr[1]) == LN_OK;
    /* zones are names here, which no address has */
    return numbers ? ln_addr_equal(&addr[0], &addr[1]) : strcmp(text[0], text[1]) == 0;
}

bool ln_uri_same_origin(const struct ln_uri *a, const struct ln_uri *b)
{
    return a->scheme == b->scheme && a->port == b->port && same_host(a, b);
}
