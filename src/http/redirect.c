/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file redirect.c
 * Contract: http.h. What leads nowhere, in a circle, to another protocol or out of TLS is refused
 * before anybody is asked.
 */
#include "http/http.h"

#include "codec/ascii.h"

/* The scheme, "://", a slash that is put in, and a NUL. */
#define RESOLVE_EXTRA 16

bool ln__http_at_home(const struct ln_http *c)
{
    return ln_uri_same_origin(&c->home, &c->here);
}

bool ln__http_at_home_host(const struct ln_http *c)
{
    struct ln_uri home = c->home;
    home.scheme = c->here.scheme;
    home.port = c->here.port;
    return ln_uri_same_origin(&home, &c->here);
}

bool ln__http_is_redirect(const struct ln_http *c)
{
    unsigned status = c->reader.head.status;
    bool moved = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return moved && !c->options.no_redirects;
}

enum ln_status ln__http_note_location(struct ln_http *c, struct ln_span value)
{
    if (c->location != NULL) {
        if (ln_span_equal(ln_span_str(c->location), value))
            return LN_OK;
        return ln_diag_set(&c->diag, LN_BAD_PEER, LN_CAT_ANSWER, LN_PHASE_TRANSFER,
                           "the redirect has two locations");
    }
    c->location = ln_calloc(c->env, 1, value.len + 1);
    if (c->location == NULL)
        return ln_diag_set(&c->diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_TRANSFER,
                           "no memory for the location of a redirect");
    if (value.len > 0)
        memcpy(c->location, value.data, value.len);
    return LN_OK;
}

/* c->location, seen from the current hop and without fragment, as a text and read; NULL: diag tells. */
static char *resolve(struct ln_http *c, struct ln_uri *uri)
{
    struct ln_span base = ln_span_str(c->hops[c->hop]);
    struct ln_span reference = ln_span_str(c->location);
    size_t room = base.len + reference.len + RESOLVE_EXTRA;
    enum ln_uri_problem problem = LN_URI_PROBLEM_TOO_LONG;
    size_t len = 0;
    char *text = ln_calloc(c->env, 1, room);
    if (text == NULL) {
        (void)ln_diag_set(&c->diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_TRANSFER,
                          "no memory for the location of a redirect");
        return NULL;
    }
    reference.len = ln__find(reference, "#");
    if (ln_uri_resolve(base, reference, ln_mspan(text, room - 1), &len, &problem) == LN_OK &&
        ln_uri_read(ln_span(text, len), uri, &problem) == LN_OK) {
        text[len] = '\0'; /* dots that were taken out may have left something behind it */
        return text;
    }
    (void)ln_diag_set(&c->diag, LN_BAD_PEER, LN_CAT_ANSWER, LN_PHASE_TRANSFER,
                      "the redirect's location is refused: %s", ln_uri_problem_text(problem));
    ln_free(c->env, text);
    return NULL;
}

static enum ln_status refuse(struct ln_http *c, enum ln_status status, const char *why)
{
    return ln_diag_set(&c->diag, status, LN_CAT_ANSWER, LN_PHASE_TRANSFER, "%s", why);
}

static enum ln_status check(struct ln_http *c, const char *text, const struct ln_uri *there)
{
    if (there->scheme != LN_URI_HTTP && there->scheme != LN_URI_HTTPS)
        return refuse(c, LN_DENIED, "the redirect leads away from http and https");
    bool downgrade = c->here.scheme == LN_URI_HTTPS && there->scheme == LN_URI_HTTP;
    if (downgrade && !c->options.insecure_downgrade)
        return refuse(c, LN_DENIED,
                      "the redirect leads from https to http, where anybody may answer");
    for (unsigned i = 0; i <= c->hop; i++)
        if (strcmp(c->hops[i], text) == 0)
            return refuse(c, LN_BAD_PEER, "the redirects lead in a circle");
    if (c->hop >= c->options.redirects_max)
        return ln_diag_set(&c->diag, LN_BAD_PEER, LN_CAT_ANSWER, LN_PHASE_TRANSFER,
                           "more than %u redirects", (unsigned)c->options.redirects_max);
    return LN_OK;
}

enum ln_status ln__http_follow(struct ln_http *c)
{
    struct ln_uri there;
    char *text = resolve(c, &there);
    if (text == NULL)
        return c->diag.status;
    enum ln_status st = check(c, text, &there);
    if (st != LN_OK) {
        ln_free(c->env, text);
        return st;
    }
    c->hops[++c->hop] = text;
    c->here = there;
    c->login_sent = false;
    ln_log(c->env, LN_LOG_DEBUG, "http", "redirected to %.*s", (int)there.host.len,
           (const char *)there.host.data);
    return LN_OK;
}
