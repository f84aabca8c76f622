/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file uri_resolve.c
 * Contract: ln_uri_resolve() of <linnet/uri.h>. Base and reference are split into the five parts of
 * RFC 3986 appendix B, put together by section 5.3, and the result is read as strictly as any URI.
 */
#include <linnet/uri.h>

#include "codec/ascii.h"
#include "codec/composer.h"

struct parts {
    bool has_scheme, has_authority, has_query, has_fragment;
    struct ln_span scheme, authority, path, query, fragment;
};

/* Where a scheme ends; 0 = the text has none (RFC 3986 3.1). */
static size_t scheme_len(struct ln_span text)
{
    size_t i = 0;
    if (text.len == 0 || !ln__is_letter(text.data[0]))
        return 0;
    while (i < text.len && (ln__is_letter(text.data[i]) || ln__is_digit(text.data[i]) ||
                            ln__is_one_of(text.data[i], "+-.")))
        i++;
    return i < text.len && text.data[i] == ':' ? i : 0;
}

static struct parts split(struct ln_span s)
{
    struct parts p = { .has_scheme = scheme_len(s) > 0 };
    if (p.has_scheme) {
        p.scheme = ln__head(s, scheme_len(s));
        s = ln__behind(s, p.scheme.len + 1);
    }
    p.has_authority = s.len >= 2 && s.data[0] == '/' && s.data[1] == '/';
    if (p.has_authority) {
        s = ln__behind(s, 2);
        p.authority = ln__head(s, ln__find(s, "/?#"));
        s = ln__behind(s, p.authority.len);
    }
    p.path = ln__head(s, ln__find(s, "?#"));
    s = ln__behind(s, p.path.len);
    p.has_query = s.len > 0 && s.data[0] == '?';
    if (p.has_query) {
        p.query = ln__behind(ln__head(s, ln__find(s, "#")), 1);
        s = ln__behind(s, 1 + p.query.len);
    }
    p.has_fragment = s.len > 0;
    if (p.has_fragment)
        p.fragment = ln__behind(s, 1);
    return p;
}

/* ---- writing ---- */

static bool is_dots(const uint8_t *segment, size_t len, size_t dots)
{
    return len == dots && segment[0] == '.' && segment[len - 1] == '.';
}

/* Take "/." and "/.." out of an absolute path, in place (RFC 3986 5.2.4). @return its length */
static size_t remove_dots(uint8_t *path, size_t len)
{
    size_t in = 0;
    size_t out = 0;
    while (in < len) { /* path[in] is a slash */
        size_t end = in + 1;
        while (end < len && path[end] != '/')
            end++;
        size_t segment = end - in - 1;
        bool one = is_dots(path + in + 1, segment, 1);
        bool two = is_dots(path + in + 1, segment, 2);
        while (two && out > 0) {
            out--;
            if (path[out] == '/')
                break;
        }
        if (!one && !two) {
            memmove(path + out, path + in, end - in);
            out += end - in;
        } else if (end == len) {
            path[out++] = '/';
        }
        in = end;
    }
    return out;
}

/* The path of the base up to its last slash, then the reference's (RFC 3986 5.2.3). */
static void add_merged(struct ln__composer *w, const struct parts *base, struct ln_span path)
{
    size_t keep = base->path.len;
    while (keep > 0 && base->path.data[keep - 1] != '/')
        keep--;
    if (keep == 0)
        ln__compose_text(w, "/");
    ln__compose(w, ln__head(base->path, keep));
    ln__compose(w, path);
}

static void add_path(struct ln__composer *w, const struct parts *base, const struct parts *ref)
{
    size_t start = w->len;
    bool own = ref->has_scheme || ref->has_authority;
    bool absolute = ref->path.len > 0 && ref->path.data[0] == '/';
    if (!own && ref->path.len == 0) {
        ln__compose(w, base->path);
        return;
    }
    if (own || absolute)
        ln__compose(w, ref->path);
    else
        add_merged(w, base, ref->path);
    bool fits = w->len <= w->room.len && w->len > start;
    if (fits && w->room.data[start] == '/')
        w->len = start + remove_dots(w->room.data + start, w->len - start);
}

/* RFC 3986 5.2.2 and 5.3 */
static void put_together(struct ln__composer *w, const struct parts *base, const struct parts *ref)
{
    bool own = ref->has_scheme || ref->has_authority;
    bool own_query = own || ref->path.len > 0 || ref->has_query;
    ln__compose(w, ref->has_scheme ? ref->scheme : base->scheme);
    ln__compose_text(w, ":");
    if (ref->has_authority || !ref->has_scheme) {
        ln__compose_text(w, "//");
        ln__compose(w, ref->has_authority ? ref->authority : base->authority);
    }
    add_path(w, base, ref);
    if (own_query ? ref->has_query : base->has_query) {
        ln__compose_text(w, "?");
        ln__compose(w, own_query ? ref->query : base->query);
    }
    if (ref->has_fragment) {
        ln__compose_text(w, "#");
        ln__compose(w, ref->fragment);
    }
}

enum ln_status ln_uri_resolve(struct ln_span base, struct ln_span reference, struct ln_mspan room,
                              size_t *len, enum ln_uri_problem *problem)
{
    struct ln_uri read;
    struct ln__composer w = ln__composer(room);
    if (ln_uri_read(base, &read, problem) != LN_OK)
        return LN_BAD_PEER;
    struct parts from = split(base);
    struct parts ref = split(reference);
    put_together(&w, &from, &ref);
    enum ln_status st = ln__composer_end(&w, len);
    if (st != LN_OK)
        return st;
    return ln_uri_read(ln_span(room.data, w.len), &read, problem);
}
