/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: httpfetch.h.
 */
#include "support/httpfetch.h"

#include "support/httpserver.h"

#include <stdio.h>
#include <stdlib.h>

static void note_field(void *user, struct ln_span name, struct ln_span value)
{
    struct http_fetch *f = user;
    size_t len = strlen(f->fields);
    int made = snprintf(f->fields + len, sizeof f->fields - len, "%.*s=%.*s|", (int)name.len,
                        (const char *)name.data, (int)value.len, (const char *)value.data);
    if (made < 0 || (size_t)made >= sizeof f->fields - len)
        abort();
}

static void wait_for(struct ln_http *http, const struct ln_env *env)
{
    struct ln_interest want;
    ln_http_interest(http, &want);
    http_wait(env, &want);
}

static enum ln_status read_body(struct ln_http *http, const struct ln_env *env, uint32_t pause_ms,
                                struct http_fetch *f)
{
    for (;;) {
        struct ln_span part;
        enum ln_status st = ln_http_body(http, ln_now(env), &part);
        if (st == LN_AGAIN) {
            wait_for(http, env);
            continue;
        }
        if (st != LN_OK || part.len == 0)
            return st;
        if (part.len > sizeof f->body - f->len)
            abort();
        memcpy(f->body + f->len, part.data, part.len);
        f->len += part.len;
        if (pause_ms > 0) {
            struct ln_interest nothing = ln_interest(0);
            nothing.deadline = ln_now(env) + pause_ms;
            http_wait(env, &nothing);
        }
    }
}

void http_fetch(struct ln_http *http, const struct ln_env *env,
                const struct ln_http_request *request, uint32_t pause_ms, struct http_fetch *f)
{
    struct ln_http_request asked = *request;
    ln_msec start = ln_now(env);
    f->headed = false;
    f->len = 0;
    f->fields[0] = '\0';
    asked.on_field = note_field;
    asked.on_field_user = f;
    enum ln_status st = ln_http_start(http, &asked, start);
    while (st == LN_AGAIN) {
        st = ln_http_step(http, ln_now(env));
        if (st == LN_AGAIN)
            wait_for(http, env);
    }
    if (st == LN_OK) {
        f->headed = true;
        f->response = *ln_http_response(http);
        st = read_body(http, env, pause_ms, f);
    }
    f->status = st;
    f->diag = *ln_http_diag(http);
    f->took = ln_now(env) - start;
}
