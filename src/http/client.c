/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client.c
 * Contract: <linnet/http.h>. Options are checked once; a request is copied when it starts.
 */
#include "http/http.h"

#include "base/try.h"

#define BUFFER_MIN 1024
#define BUFFER_MAX ((size_t)1 << 20)

/* ---- options ---- */

static enum ln_status wrong(struct ln_diag *diag, const char *what)
{
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", what);
}

static void use_default(uint32_t *value, uint32_t standard)
{
    if (*value == 0)
        *value = standard;
}

static void fill_in(struct ln_http_options *o)
{
    if (o->user_agent == NULL)
        o->user_agent = "linnet";
    if (o->redirects_max == 0)
        o->redirects_max = 5;
    if (o->buffer_bytes == 0)
        o->buffer_bytes = 16384;
    use_default(&o->open_timeout_ms, 60000);
    use_default(&o->head_timeout_ms, 30000);
    use_default(&o->idle_timeout_ms, 30000);
    use_default(&o->slow_timeout_ms, 60000);
    use_default(&o->slow_bytes, 1024);
    use_default(&o->total_timeout_ms, LN_HTTP_NO_LIMIT);
}

static enum ln_status check_options(const struct ln_http_options *o, struct ln_diag *diag)
{
    if (o->size != sizeof *o)
        return wrong(diag, "size: start from LN_HTTP_OPTIONS_INIT");
    if (!ln__http_value_is_clean(ln_span_str(o->user_agent)))
        return wrong(diag, "user_agent: a control character is in it");
    if (o->redirects_max > LN_HTTP_REDIRECTS_MAX)
        return wrong(diag, "redirects_max: at most 20");
    if (o->buffer_bytes != 0 && (o->buffer_bytes < BUFFER_MIN || o->buffer_bytes > BUFFER_MAX))
        return wrong(diag, "buffer_bytes: 1024 to 1048576");
    return LN_OK;
}

static enum ln_status make_sockets(struct ln_http *c, struct ln_diag *diag)
{
    const struct ln_http_options *o = &c->options;
    if (o->opener != NULL)
        return LN_OK;
    TRY(ln_sock_new(c->env, LN_TCP, &o->sock, NULL, diag, &c->plain));
    if (o->tls == NULL)
        return LN_OK;
    return ln_sock_new(c->env, LN_TLS, &o->sock, o->tls, diag, &c->secure);
}

static enum ln_status make_parts(struct ln_http *c, struct ln_diag *diag)
{
    char *user_agent = ln_strdup(c->env, c->options.user_agent);
    c->options.user_agent = user_agent;
    c->buffer = ln_calloc(c->env, 1, c->options.buffer_bytes);
    if (user_agent == NULL || c->buffer == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for an HTTP client");
    return make_sockets(c, diag);
}

enum ln_status ln_http_new(const struct ln_env *env, const struct ln_http_options *options,
                           struct ln_diag *diag, struct ln_http **out)
{
    static const struct ln_http_options standard = LN_HTTP_OPTIONS_INIT;
    const struct ln_http_options *o = options != NULL ? options : &standard;
    if (*out != NULL)
        return wrong(diag, "*out must be NULL");
    TRY(check_options(o, diag));
    struct ln_http *c = ln_calloc(env, 1, sizeof *c);
    if (c == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for an HTTP client");
    c->env = env;
    c->options = *o;
    c->traffic.tls.alpn = "";
    ln_diag_clear(&c->diag);
    fill_in(&c->options);
    enum ln_status st = make_parts(c, diag);
    if (st != LN_OK) {
        ln_http_free(c);
        return st;
    }
    c->options.sock =
        (struct ln_sock_options)LN_SOCK_OPTIONS_INIT; /* the sockets have their copy */
    c->options.tls = NULL;
    *out = c;
    return LN_OK;
}

/* ---- the life of a request ---- */

static void forget_request(struct ln_http *c)
{
    ln__http_forget_login(c);
    for (unsigned i = 0; i <= c->hop; i++) {
        ln_free(c->env, c->hops[i]);
        c->hops[i] = NULL;
    }
    c->hop = 0;
    ln_free(c->env, c->if_range);
    ln_free(c->env, c->location);
    c->if_range = NULL;
    c->location = NULL;
    c->login_sent = false;
    c->on_field = NULL;
}

void ln_http_stop(struct ln_http *c)
{
    bool between = c->phase == LN__HTTP_IDLE || c->phase == LN__HTTP_DONE;
    if (!between)
        ln__http_hang_up(c);
    forget_request(c);
    c->phase = LN__HTTP_IDLE;
}

void ln_http_close(struct ln_http *c)
{
    ln_http_stop(c);
    ln__http_hang_up(c);
}

void ln_http_free(struct ln_http *c)
{
    if (c == NULL)
        return;
    ln_http_close(c);
    ln_sock_free(c->plain);
    ln_sock_free(c->secure);
    if (c->buffer != NULL)
        ln_free_secret(c->env, c->buffer, c->options.buffer_bytes);
    ln_free(c->env, (void *)(uintptr_t)c->options.user_agent);
    ln_free(c->env, c);
}

static enum ln_status check_uri(struct ln_http *c)
{
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    if (ln_uri_read(ln_span_str(c->hops[0]), &c->home, &problem) != LN_OK)
        return ln_diag_set(&c->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "uri: %s", ln_uri_problem_text(problem));
    if (c->home.scheme != LN_URI_HTTP && c->home.scheme != LN_URI_HTTPS)
        return wrong(&c->diag, "uri: the scheme is neither http nor https");
    c->here = c->home;
    return LN_OK;
}

static enum ln_status out_of_memory(struct ln_http *c)
{
    return ln_diag_set(&c->diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                       "no memory for a request");
}

static enum ln_status copy_if_range(struct ln_http *c, struct ln_span validator)
{
    if (validator.len == 0)
        return LN_OK;
    if (!ln__http_value_is_clean(validator))
        return wrong(&c->diag, "if_range: a control character is in it");
    c->if_range = ln_calloc(c->env, 1, validator.len + 1);
    if (c->if_range == NULL)
        return out_of_memory(c);
    memcpy(c->if_range, validator.data, validator.len);
    return LN_OK;
}

static enum ln_status copy_request(struct ln_http *c, const struct ln_http_request *request)
{
    struct ln_span text = ln_span_str(request->uri);
    struct ln_span userinfo = ln_uri_userinfo(text);
    if (text.len > LN_URI_MAX)
        return wrong(&c->diag, "uri: longer than 8192 bytes");
    size_t len = 0;
    c->hops[0] = ln_calloc(c->env, 1, text.len + 1);
    if (c->hops[0] == NULL)
        return out_of_memory(c);
    TRY(ln_uri_strip(text, ln_mspan(c->hops[0], text.len), &len));
    TRY(check_uri(c));
    TRY(ln__http_set_login(c, request, userinfo));
    if (request->ranged)
        TRY(copy_if_range(c, request->if_range));
    c->method = request->method;
    c->preemptive = request->preemptive;
    c->ranged = request->ranged;
    c->from = request->from;
    c->on_field = request->on_field;
    c->on_field_user = request->on_field_user;
    return LN_OK;
}

enum ln_status ln_http_start(struct ln_http *c, const struct ln_http_request *request, ln_msec now)
{
    ln_http_stop(c);
    ln_diag_clear(&c->diag);
    enum ln_status st = copy_request(c, request);
    if (st != LN_OK) {
        forget_request(c);
        return st;
    }
    memset(&c->response, 0, sizeof c->response);
    ln_msec kept_since = c->clock.kept_since;
    c->clock = (struct ln__http_clock) { .started = now, .kept_since = kept_since };
    return ln__http_ask(c, now);
}

enum ln_status ln_http_step(struct ln_http *c, ln_msec now)
{
    return ln__http_advance(c, now);
}

/* ---- what callers ask ---- */

const struct ln_http_response *ln_http_response(const struct ln_http *c)
{
    return c->phase == LN__HTTP_BODY || c->phase == LN__HTTP_DONE ? &c->response : NULL;
}

enum ln_status ln_http_body(struct ln_http *c, ln_msec now, struct ln_span *out)
{
    *out = ln_span(NULL, 0);
    if (c->phase == LN__HTTP_DONE)
        return LN_OK;
    if (c->phase != LN__HTTP_BODY)
        return LN_BAD_STATE;
    return ln__http_read_body(c, now, out);
}

void ln_http_interest(const struct ln_http *c, struct ln_interest *want)
{
    bool sending = c->phase == LN__HTTP_SENDING;
    bool busy =
        c->phase != LN__HTTP_IDLE && c->phase != LN__HTTP_DONE && c->phase != LN__HTTP_FAILED;
    *want = ln_interest(0);
    if (!busy)
        return;
    unsigned events = sending ? LN_WANT_WRITE : LN_WANT_READ;
    ln_sock_interest(c->sock, c->phase == LN__HTTP_OPENING ? 0 : events, want);
    ln_interest_until(want, ln__http_deadline(c));
    bool unread = c->begin != c->end || c->reader.state == LN__HTTP_AT_END;
    if (c->phase == LN__HTTP_BODY && unread)
        want->ready = true;
}

const struct ln_diag *ln_http_diag(const struct ln_http *c)
{
    return &c->diag;
}

void ln_http_traffic(const struct ln_http *c, struct ln_http_traffic *out)
{
    *out = c->traffic;
    ln__http_add_traffic(c, out);
}
