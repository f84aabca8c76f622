/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uri_small.c
 * uri.c of a small build: the addresses of CoAP servers, coap://HOST and coaps://HOST with or without a
 * port and a final slash. What else there is of URIs is refused, by the problem that comes nearest.
 */
#include <linnet/uri.h>

#include "codec/ascii.h"
#include <linnet/addr.h>

const char *ln_uri_problem_text(enum ln_uri_problem problem)
{
    return problem == LN_URI_PROBLEM_NONE ? "nothing is wrong" : "not coap://HOST[:PORT]";
}

const char *ln_uri_scheme_text(enum ln_uri_scheme scheme)
{
    return scheme == LN_URI_COAP ? "coap" : scheme == LN_URI_COAPS ? "coaps" : "unknown";
}

static bool begins_with(struct ln_span text, const char *word)
{
    struct ln_span w = ln_span_str(word);
    return text.len >= w.len && ln__same_word(ln__head(text, w.len), w);
}

/* Letters, digits, "-", "_" and "."; without a letter it is an IPv4 address, or a bad one. */
static bool is_host(struct ln_span host, bool *number)
{
    *number = true;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        *number = *number && !ln__is_letter(c);
        if (!ln__is_letter(c) && !ln__is_digit(c) && !ln__is_one_of(c, "-_."))
            return false;
    }
    return host.len > 0;
}

static bool is_literal(struct ln_span host)
{
    char text[LN_ADDR_TEXT_MAX];
    struct ln_addr addr;
    if (host.len >= sizeof text)
        return false;
    memcpy(text, host.data, host.len);
    text[host.len] = '\0';
    return ln_addr_parse(text, 0, &addr) == LN_OK;
}

/* "HOST" or "[ADDRESS]"; moves `text` behind it. */
static enum ln_uri_problem read_host(struct ln_span *text, struct ln_uri *uri)
{
    bool number = true;
    bool bracket = text->len > 0 && text->data[0] == '[';
    size_t end = ln__find(*text, bracket ? "]" : ":/");
    if (bracket && end == text->len)
        return LN_URI_PROBLEM_BRACKET;
    uri->host = bracket ? ln__behind(ln__head(*text, end), 1) : ln__head(*text, end);
    *text = ln__behind(*text, bracket ? end + 1 : end);
    uri->host_kind = bracket ? LN_URI_HOST_IPV6 : LN_URI_HOST_NAME;
    if (uri->host.len > LN_URI_HOST_MAX)
        return LN_URI_PROBLEM_HOST_TOO_LONG;
    if (!bracket && !is_host(uri->host, &number))
        return LN_URI_PROBLEM_HOST_CHARACTER;
    if (!bracket && number)
        uri->host_kind = LN_URI_HOST_IPV4;
    if (bracket &&
        (ln__find(uri->host, ":") == uri->host.len || ln__find(uri->host, "[%") < uri->host.len))
        return LN_URI_PROBLEM_IPV6;
    return !number || is_literal(uri->host) ? LN_URI_PROBLEM_NONE : LN_URI_PROBLEM_HOST_NUMBER;
}

/* Nothing, or ":" and 1 to 65535; moves `text` behind it. */
static enum ln_uri_problem read_port(struct ln_span *text, struct ln_uri *uri)
{
    uint32_t port = 0;
    size_t i = 1;
    uri->port_given = text->len > 0 && text->data[0] == ':';
    if (!uri->port_given)
        return LN_URI_PROBLEM_NONE;
    for (; i < text->len && ln__is_digit(text->data[i]) && port <= UINT16_MAX; i++)
        port = port * 10 + (uint32_t)(text->data[i] - '0');
    *text = ln__behind(*text, i);
    if (port == 0 || port > UINT16_MAX)
        return LN_URI_PROBLEM_PORT_RANGE;
    uri->port = (uint16_t)port;
    return LN_URI_PROBLEM_NONE;
}

enum ln_status ln_uri_read(struct ln_span text, struct ln_uri *out, enum ln_uri_problem *problem)
{
    struct ln_uri uri = { .scheme = LN_URI_COAP, .port = 5683 };
    enum ln_uri_problem found = LN_URI_PROBLEM_SCHEME;
    if (begins_with(text, "coaps://")) {
        uri.scheme = LN_URI_COAPS;
        uri.port = 5684;
    }
    size_t skip = uri.scheme == LN_URI_COAPS ? 8 : 7;
    if (uri.scheme == LN_URI_COAPS || begins_with(text, "coap://")) {
        text = ln__behind(text, skip);
        found = read_host(&text, &uri);
        if (found == LN_URI_PROBLEM_NONE)
            found = read_port(&text, &uri);
        if (found == LN_URI_PROBLEM_NONE && text.len > 0 && (text.len > 1 || text.data[0] != '/'))
            found = LN_URI_PROBLEM_NOT_AN_ADDRESS;
    }
    if (problem != NULL)
        *problem = found;
    if (found != LN_URI_PROBLEM_NONE)
        return LN_BAD_PEER;
    *out = uri;
    return LN_OK;
}

void ln_uri_host_text(const struct ln_uri *uri, char text[LN_URI_HOST_ROOM])
{
    memcpy(text, uri->host.data, uri->host.len);
    text[uri->host.len] = '\0';
}
