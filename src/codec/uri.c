/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uri.c
 * Contract: <linnet/uri.h>. The text is split from the outside to the inside: scheme, authority,
 * the rest; then each part is checked. Every step returns the problem it found, NONE to go on.
 */
#include <linnet/uri.h>

#include "codec/ascii.h"
#include <linnet/addr.h>

static const struct {
    const char *text;
    uint16_t port;
    bool transport;
} schemes[] = {
#define SCHEME_ROW(name, text, port, transport) { text, port, transport },
    LN_URI_SCHEME_LIST(SCHEME_ROW)
#undef SCHEME_ROW
};

static const struct {
    const char *text;
} problems[] = {
#define PROBLEM_ROW(name, text) { text },
    LN_URI_PROBLEM_LIST(PROBLEM_ROW)
#undef PROBLEM_ROW
};

const char *ln_uri_problem_text(enum ln_uri_problem problem)
{
    size_t i = (size_t)problem;
    return i < sizeof problems / sizeof problems[0] ? problems[i].text : "unknown";
}

const char *ln_uri_scheme_text(enum ln_uri_scheme scheme)
{
    size_t i = (size_t)scheme;
    return i < sizeof schemes / sizeof schemes[0] ? schemes[i].text : "unknown";
}

/* ---- the parts ---- */

static enum ln_uri_problem check_characters(struct ln_span text)
{
    if (text.len == 0)
        return LN_URI_PROBLEM_EMPTY;
    if (text.len > LN_URI_MAX)
        return LN_URI_PROBLEM_TOO_LONG;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < ' ' || c == 0x7f)
            return LN_URI_PROBLEM_CONTROL;
        if (c == ' ')
            return LN_URI_PROBLEM_SPACE;
        if (c > 0x7f)
            return LN_URI_PROBLEM_NOT_ASCII;
    }
    return LN_URI_PROBLEM_NONE;
}

/* "coaps:"; moves `text` behind the colon. */
static enum ln_uri_problem split_scheme(struct ln_span *text, struct ln_uri *uri)
{
    size_t colon = ln__find(*text, ":/?#");
    if (colon == 0 || colon == text->len || text->data[colon] != ':')
        return LN_URI_PROBLEM_NO_SCHEME;
    struct ln_span s = ln__head(*text, colon);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (ln__same_word(s, ln_span_str(schemes[i].text))) {
            uri->scheme = (enum ln_uri_scheme)i;
            *text = ln__behind(*text, colon + 1);
            return LN_URI_PROBLEM_NONE;
        }
    }
    return LN_URI_PROBLEM_SCHEME;
}

/* "//authority"; moves `text` behind it. */
static enum ln_uri_problem split_authority(struct ln_span *text, struct ln_span *authority)
{
    if (text->len < 2 || text->data[0] != '/' || text->data[1] != '/')
        return LN_URI_PROBLEM_NO_AUTHORITY;
    struct ln_span rest = ln__behind(*text, 2);
    *authority = ln__head(rest, ln__find(rest, "/?#"));
    *text = ln__behind(rest, authority->len);
    if (ln__find(*authority, "@") < authority->len)
        return LN_URI_PROBLEM_USERINFO;
    return LN_URI_PROBLEM_NONE;
}

/* The literal as a terminated text; false if it is longer than any. */
static bool literal(struct ln_span s, struct ln_addr *out)
{
    char text[LN_ADDR_TEXT_MAX];
    if (s.len >= sizeof text)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    return ln_addr_parse(text, 0, out) == LN_OK;
}

/* RFC 6874: "%25" and a ZoneID; here without percent-encoding inside of it. */
static enum ln_uri_problem read_zone(struct ln_span s, struct ln_uri *uri)
{
    if (s.len < 4 || memcmp(s.data, "%25", 3) != 0)
        return LN_URI_PROBLEM_ZONE;
    uri->zone = ln__behind(s, 3);
    if (uri->zone.len > LN_URI_ZONE_MAX)
        return LN_URI_PROBLEM_ZONE;
    for (size_t i = 0; i < uri->zone.len; i++) {
        uint8_t c = uri->zone.data[i];
        if (!ln__is_letter(c) && !ln__is_digit(c) && !ln__is_one_of(c, "-._~"))
            return LN_URI_PROBLEM_ZONE;
    }
    return LN_URI_PROBLEM_NONE;
}

/* "[2001:db8::1]" up to its bracket; moves `authority` behind it. */
static enum ln_uri_problem read_ipv6(struct ln_span *authority, struct ln_uri *uri)
{
    struct ln_addr addr;
    size_t close = ln__find(*authority, "]");
    if (close == authority->len)
        return LN_URI_PROBLEM_BRACKET;
    struct ln_span inside = ln__behind(ln__head(*authority, close), 1);
    *authority = ln__behind(*authority, close + 1);
    uri->host = ln__head(inside, ln__find(inside, "%"));
    uri->host_kind = LN_URI_HOST_IPV6;
    if (ln__find(uri->host, ":") == uri->host.len || ln__find(uri->host, "[") < uri->host.len ||
        !literal(uri->host, &addr))
        return LN_URI_PROBLEM_IPV6;
    if (uri->host.len == inside.len)
        return LN_URI_PROBLEM_NONE;
    return read_zone(ln__behind(inside, uri->host.len), uri);
}

/* Whether the last label is a number, decimal or hexadecimal: then it is no name (WHATWG URL 3.5;
 * no top-level domain is one). */
static bool ends_in_number(struct ln_span host)
{
    size_t end = host.len > 0 && host.data[host.len - 1] == '.' ? host.len - 1 : host.len;
    size_t start = end;
    while (start > 0 && host.data[start - 1] != '.')
        start--;
    struct ln_span label = ln_span(host.data + start, end - start);
    bool hex = label.len > 1 && label.data[0] == '0' && ln__lower(label.data[1]) == 'x';
    for (size_t i = hex ? 2 : 0; i < label.len; i++) {
        if (!(hex ? ln__is_hex(label.data[i]) : ln__is_digit(label.data[i])))
            return false;
    }
    return label.len > 0;
}

/* Labels of 1 to 63 bytes; one dot may end the name. */
static enum ln_uri_problem check_name(struct ln_span host)
{
    size_t label = 0;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (c == '%')
            return LN_URI_PROBLEM_HOST_PERCENT;
        if (!ln__is_letter(c) && !ln__is_digit(c) && !ln__is_one_of(c, "-_."))
            return LN_URI_PROBLEM_HOST_CHARACTER;
        if (c == '.' && label == 0)
            return LN_URI_PROBLEM_HOST_LABEL;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return LN_URI_PROBLEM_HOST_LABEL;
    }
    return LN_URI_PROBLEM_NONE;
}

static enum ln_uri_problem read_name(struct ln_span *authority, struct ln_uri *uri)
{
    struct ln_addr addr;
    uri->host = ln__head(*authority, ln__find(*authority, ":"));
    *authority = ln__behind(*authority, uri->host.len);
    if (ln__find(uri->host, "[]") < uri->host.len)
        return LN_URI_PROBLEM_BRACKET;
    if (uri->host.len > LN_URI_HOST_MAX)
        return LN_URI_PROBLEM_HOST_TOO_LONG;
    enum ln_uri_problem problem = check_name(uri->host);
    if (problem != LN_URI_PROBLEM_NONE)
        return problem;
    uri->host_kind = LN_URI_HOST_NAME;
    if (ends_in_number(uri->host)) {
        uri->host_kind = LN_URI_HOST_IPV4;
        return literal(uri->host, &addr) ? LN_URI_PROBLEM_NONE : LN_URI_PROBLEM_HOST_NUMBER;
    }
    return LN_URI_PROBLEM_NONE;
}

/* What follows the host: nothing, or ":port". */
static enum ln_uri_problem read_port(struct ln_span s, struct ln_uri *uri)
{
    uint32_t port = 0;
    uri->port = schemes[uri->scheme].port;
    uri->port_given = s.len > 0;
    if (!uri->port_given)
        return uri->port != 0 ? LN_URI_PROBLEM_NONE : LN_URI_PROBLEM_PORT_MISSING;
    if (s.data[0] != ':')
        return LN_URI_PROBLEM_BRACKET; /* only a closing bracket ends a host before its port */
    if (s.len == 1)
        return LN_URI_PROBLEM_PORT_EMPTY;
    for (size_t i = 1; i < s.len; i++) {
        if (!ln__is_digit(s.data[i]))
            return LN_URI_PROBLEM_PORT_CHARACTER;
        if (port <= UINT16_MAX)
            port = port * 10 + (uint32_t)(s.data[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX)
        return LN_URI_PROBLEM_PORT_RANGE;
    uri->port = (uint16_t)port;
    return LN_URI_PROBLEM_NONE;
}

static enum ln_uri_problem read_authority(struct ln_span authority, struct ln_uri *uri)
{
    struct ln_addr addr;
    bool bracket = authority.len > 0 && authority.data[0] == '[';
    bool has_colon = ln__find(authority, ":") < authority.len;
    if (!bracket && has_colon && literal(authority, &addr))
        return LN_URI_PROBLEM_BRACKET; /* an IPv6 address without them */
    if (authority.len == 0 || authority.data[0] == ':')
        return LN_URI_PROBLEM_NO_HOST;
    enum ln_uri_problem problem = bracket ? read_ipv6(&authority, uri) : read_name(&authority, uri);
    return problem != LN_URI_PROBLEM_NONE ? problem : read_port(authority, uri);
}

/* pchar, and the characters that this part may have besides (RFC 3986 3.3 to 3.5) */
static enum ln_uri_problem check_part(struct ln_span s, const char *besides)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (c == '%' && (s.len - i < 3 || !ln__is_hex(s.data[i + 1]) || !ln__is_hex(s.data[i + 2])))
            return LN_URI_PROBLEM_PERCENT;
        if (!ln__is_letter(c) && !ln__is_digit(c) && !ln__is_one_of(c, "%-._~!$&'()*+,;=:@") &&
            !ln__is_one_of(c, besides))
            return LN_URI_PROBLEM_CHARACTER;
    }
    return LN_URI_PROBLEM_NONE;
}

static enum ln_uri_problem check_parts(const struct ln_uri *uri)
{
    enum ln_uri_problem problem = check_part(uri->path, "/");
    if (problem == LN_URI_PROBLEM_NONE)
        problem = check_part(uri->query, "/?");
    if (problem == LN_URI_PROBLEM_NONE)
        problem = check_part(uri->fragment, "/?");
    return problem;
}

/* "/path?query#fragment" */
static enum ln_uri_problem read_parts(struct ln_span s, struct ln_uri *uri)
{
    uri->path = ln__head(s, ln__find(s, "?#"));
    s = ln__behind(s, uri->path.len);
    uri->has_query = s.len > 0 && s.data[0] == '?';
    if (uri->has_query) {
        uri->query = ln__behind(ln__head(s, ln__find(s, "#")), 1);
        s = ln__behind(s, 1 + uri->query.len);
    }
    uri->has_fragment = s.len > 0;
    if (uri->has_fragment)
        uri->fragment = ln__behind(s, 1);
    return check_parts(uri);
}

static bool is_coap(enum ln_uri_scheme scheme)
{
    return scheme == LN_URI_COAP || scheme == LN_URI_COAPS || scheme == LN_URI_COAP_TCP ||
           scheme == LN_URI_COAPS_TCP;
}

static enum ln_uri_problem check_for_scheme(const struct ln_uri *uri)
{
    bool has_path = uri->path.len > 1; /* "/" alone says nothing */
    if (schemes[uri->scheme].transport && (has_path || uri->has_query || uri->has_fragment))
        return LN_URI_PROBLEM_NOT_AN_ADDRESS;
    if (is_coap(uri->scheme) && uri->has_fragment)
        return LN_URI_PROBLEM_FRAGMENT;
    return LN_URI_PROBLEM_NONE;
}

static enum ln_uri_problem read_uri(struct ln_span text, struct ln_uri *uri)
{
    struct ln_span authority;
    enum ln_uri_problem problem = check_characters(text);
    if (problem == LN_URI_PROBLEM_NONE)
        problem = split_scheme(&text, uri);
    if (problem == LN_URI_PROBLEM_NONE)
        problem = split_authority(&text, &authority);
    if (problem == LN_URI_PROBLEM_NONE)
        problem = read_authority(authority, uri);
    if (problem == LN_URI_PROBLEM_NONE)
        problem = read_parts(text, uri);
    if (problem == LN_URI_PROBLEM_NONE)
        problem = check_for_scheme(uri);
    return problem;
}

enum ln_status ln_uri_read(struct ln_span text, struct ln_uri *out, enum ln_uri_problem *problem)
{
    struct ln_uri uri = { .port = 0 };
    enum ln_uri_problem found = read_uri(text, &uri);
    if (problem != NULL)
        *problem = found;
    if (found != LN_URI_PROBLEM_NONE)
        return LN_BAD_PEER;
    *out = uri;
    return LN_OK;
}

void ln_uri_host_text(const struct ln_uri *uri, char text[LN_URI_HOST_ROOM])
{
    size_t len = uri->host.len;
    memcpy(text, uri->host.data, len);
    if (uri->zone.len > 0) {
        text[len++] = '%';
        memcpy(text + len, uri->zone.data, uri->zone.len);
        len += uri->zone.len;
    }
    text[len] = '\0';
}
