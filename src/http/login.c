/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file login.c
 * Contract: http.h. Basic authentication (RFC 7617): whoever is sent it can read the password, so it
 * goes over TLS, or where the caller insists, and only to the origin that it was given for.
 */
#include "http/http.h"

#include "codec/ascii.h"
#include "codec/base64.h"

static const char scheme[] = "Basic ";
#define SCHEME_LEN (sizeof scheme - 1)
/** Of user name and password, each, decoded. */
#define SECRET_MAX 512

void ln__http_forget_login(struct ln_http *c)
{
    if (c->login != NULL)
        ln_free_secret(c->env, c->login, strlen(c->login));
    c->login = NULL;
}

/* `pair` is "user:password" with its percent-encoding undone. */
static enum ln_status encode(struct ln_http *c, struct ln_span pair)
{
    size_t len = ln__base64_encoded_len(pair.len);
    char *login = ln_calloc(c->env, 1, SCHEME_LEN + len + 1);
    if (login == NULL)
        return ln_diag_set(&c->diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a request");
    memcpy(login, scheme, SCHEME_LEN);
    enum ln_status st = ln__base64_encode(pair, ln_mspan(login + SCHEME_LEN, len), &len);
    c->login = login;
    return st;
}

static enum ln_status bad_login(struct ln_http *c, const char *what)
{
    return ln_diag_set(&c->diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "user name and password: %s", what);
}

/* A colon ends the user name, so none can be in it (RFC 7617 2). */
static enum ln_status join(struct ln_http *c, struct ln_span user, struct ln_span password)
{
    uint8_t pair[2 * SECRET_MAX + 1];
    if (user.len > SECRET_MAX || password.len > SECRET_MAX)
        return bad_login(c, "longer than 512 bytes");
    if (ln__find(user, ":") < user.len)
        return bad_login(c, "there is a colon in the user name, which Basic cannot transport");
    if (!ln__http_value_is_clean(user) || !ln__http_value_is_clean(password))
        return bad_login(c, "there is a control character in it");
    if (user.len > 0)
        memcpy(pair, user.data, user.len);
    pair[user.len] = ':';
    if (password.len > 0)
        memcpy(pair + user.len + 1, password.data, password.len);
    enum ln_status st = encode(c, ln_span(pair, user.len + 1 + password.len));
    ln_wipe(pair, sizeof pair);
    return st;
}

static enum ln_status join_decoded(struct ln_http *c, struct ln_span user, struct ln_span password)
{
    uint8_t room[2][SECRET_MAX];
    size_t len[2] = { 0, 0 };
    bool good = ln_uri_decode(user, ln_mspan(room[0], SECRET_MAX), &len[0]) == LN_OK &&
                ln_uri_decode(password, ln_mspan(room[1], SECRET_MAX), &len[1]) == LN_OK;
    enum ln_status st = LN_BAD_ARG;
    if (good)
        st = join(c, ln_span(room[0], len[0]), ln_span(room[1], len[1]));
    else
        (void)bad_login(c, "longer than 512 bytes, or a percent sign without two digits behind it");
    ln_wipe(room, sizeof room);
    return st;
}

enum ln_status ln__http_set_login(struct ln_http *c, const struct ln_http_request *request,
                                  struct ln_span userinfo)
{
    if (request->user != NULL)
        return join(c, ln_span_str(request->user), ln_span_str(request->password));
    if (userinfo.data == NULL)
        return LN_OK;
    size_t colon = ln__find(userinfo, ":");
    size_t behind = colon < userinfo.len ? colon + 1 : colon;
    return join_decoded(c, ln__head(userinfo, colon), ln__behind(userinfo, behind));
}

bool ln__http_may_log_in(const struct ln_http *c)
{
    bool private = c->here.scheme == LN_URI_HTTPS || c->options.insecure_basic;
    return c->login != NULL && private && ln__http_at_home(c);
}
