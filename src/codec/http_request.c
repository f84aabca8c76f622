/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_request.c
 * Contract: http.h, writing.
 */
#include "codec/http.h"

#include "codec/composer.h"

static void add_field(struct ln__composer *w, struct ln_span name, struct ln_span value)
{
    ln__compose(w, name);
    ln__compose_text(w, ": ");
    ln__compose(w, value);
    ln__compose_text(w, "\r\n");
}

/* RFC 9112 3.2.1: path and query as they are written in the URI, no fragment. */
static void add_target(struct ln__composer *w, const struct ln_uri *uri)
{
    ln__compose(w, uri->path.len > 0 ? uri->path : ln_span_str("/"));
    if (uri->has_query) {
        ln__compose_text(w, "?");
        ln__compose(w, uri->query);
    }
}

/* RFC 9112 3.2: as in the URI, but for the zone, which means nothing to anybody else (RFC 6874 4). */
static void add_host(struct ln__composer *w, const struct ln_uri *uri)
{
    bool brackets = uri->host_kind == LN_URI_HOST_IPV6;
    ln__compose_text(w, "Host: ");
    ln__compose_text(w, brackets ? "[" : "");
    ln__compose(w, uri->host);
    ln__compose_text(w, brackets ? "]" : "");
    if (uri->port_given) {
        ln__compose_text(w, ":");
        ln__compose_number(w, uri->port);
    }
    ln__compose_text(w, "\r\n");
}

static bool is_field(const struct ln__http_field *field)
{
    return ln__http_is_token(field->name) && ln__http_value_is_clean(field->value);
}

enum ln_status ln__http_request_write(const struct ln__http_request *request, struct ln_mspan room,
                                      size_t *len)
{
    struct ln__composer w = ln__composer(room);
    for (size_t i = 0; i < request->field_count; i++)
        if (!is_field(&request->fields[i]))
            return LN_BAD_ARG;
    ln__compose_text(&w, request->method);
    ln__compose_text(&w, " ");
    add_target(&w, request->uri);
    ln__compose_text(&w, " HTTP/1.1\r\n");
    add_host(&w, request->uri);
    if (request->ranged) {
        ln__compose_text(&w, "Range: bytes=");
        ln__compose_number(&w, request->from);
        ln__compose_text(&w, "-\r\n");
    }
    for (size_t i = 0; i < request->field_count; i++)
        add_field(&w, request->fields[i].name, request->fields[i].value);
    ln__compose_text(&w, "\r\n");
    return ln__composer_end(&w, len);
}
