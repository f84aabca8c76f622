/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: src/codec/uri.c, and the names that hosts become (src/tls/names.c). What is accepted
 * can be put together again and means the same. */
#include "fuzz/fuzz.h"

#include <linnet/addr.h>
#include <linnet/uri.h>

#include "fuzz/check.h"
#include "tls/names.h"

static bool same(struct ln_span a, struct ln_span b)
{
    return ln_span_equal(a, b) != 0;
}

/* scheme://host:port/path?query#fragment */
static void check_put_together(const struct ln_uri *uri, struct ln_span in)
{
    bool v6 = uri->host_kind == LN_URI_HOST_IPV6;
    bool zone = uri->zone.len > 0;
    size_t room = in.len + 64;
    char *text = malloc(room);
    CHECK(text != NULL);
    int len = snprintf(text, room, "%s://%s%.*s%s%.*s%s:%u%.*s%s%.*s%s%.*s",
                       ln_uri_scheme_text(uri->scheme), v6 ? "[" : "", (int)uri->host.len,
                       (const char *)uri->host.data, zone ? "%25" : "", (int)uri->zone.len,
                       zone ? (const char *)uri->zone.data : "", v6 ? "]" : "", (unsigned)uri->port,
                       (int)uri->path.len, uri->path.len > 0 ? (const char *)uri->path.data : "",
                       uri->has_query ? "?" : "", (int)uri->query.len,
                       uri->query.len > 0 ? (const char *)uri->query.data : "",
                       uri->has_fragment ? "#" : "", (int)uri->fragment.len,
                       uri->fragment.len > 0 ? (const char *)uri->fragment.data : "");
    CHECK(len > 0 && (size_t)len < room);
    struct ln_uri again;
    if (len <= LN_URI_MAX) { /* the port may have made it longer */
        CHECK(ln_uri_read(ln_span(text, (size_t)len), &again, NULL) == LN_OK);
        CHECK(again.scheme == uri->scheme && again.host_kind == uri->host_kind);
        CHECK(again.port == uri->port && again.has_query == uri->has_query);
        CHECK(again.has_fragment == uri->has_fragment && same(again.fragment, uri->fragment));
        CHECK(same(again.host, uri->host) && same(again.zone, uri->zone));
        CHECK(same(again.path, uri->path) && same(again.query, uri->query));
    }
    free(text);
}

/* A host is an address or a name, and the policy for names agrees which. */
static void check_host(const struct ln_uri *uri)
{
    char host[LN_URI_HOST_ROOM];
    struct ln_name name;
    ln_uri_host_text(uri, host);
    size_t len = strlen(host);
    CHECK(len == uri->host.len + (uri->zone.len > 0 ? 1 + uri->zone.len : 0));
    CHECK(is_clean(host, len, sizeof host));
    CHECK(ln__name_parse(host, &name) == LN_OK);
    CHECK(name.is_ip == (uri->host_kind != LN_URI_HOST_NAME));
    CHECK(name.is_ip == (ln__name_sni(&name) == NULL));
}

static void check_parts(const struct ln_uri *uri, struct ln_span in)
{
    const struct ln_span parts[] = { uri->host, uri->zone, uri->path, uri->query, uri->fragment };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        CHECK(lies_in(parts[i], in));
    CHECK(uri->host.len > 0 && uri->host.len <= LN_URI_HOST_MAX && uri->port > 0);
    CHECK(uri->zone.len <= LN_URI_ZONE_MAX);
    CHECK(uri->path.len == 0 || uri->path.data[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ln_span in = ln_span(data, size);
    struct ln_uri uri;
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    enum ln_status st = ln_uri_read(in, &uri, &problem);
    CHECK(st == LN_OK || st == LN_BAD_PEER);
    CHECK((st == LN_OK) == (problem == LN_URI_PROBLEM_NONE));
    CHECK(strlen(ln_uri_problem_text(problem)) > 0);
    if (st != LN_OK)
        return 0;
    check_parts(&uri, in);
    check_host(&uri);
    check_put_together(&uri, in);
    return 0;
}
