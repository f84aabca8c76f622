/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's connection: what its instance of Security /0 says, as a socket and a CoAP endpoint.
 *
 * /0/x/0, the URI, is read here; what is said of keys and certificates, where there is (D)TLS, in
 * security_tls.c. All of it is checked when the client starts: what cannot be used is refused with the
 * number of the resource.
 */
#include <linnet/uri.h>

#include "lwm2m/security.h"

enum ln_status ln__security_refuse(const struct ln__server *s, struct ln_diag *diag,
                                   enum ln_status status, unsigned rid, const char *why)
{
    return ln_diag_set(diag, status, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "Security /0/%u/%u: %s", (unsigned)s->security_iid, rid, why);
}

struct ln_span ln__security_bytes(const struct ln__server *s, uint16_t rid)
{
    return ln__model_bytes(&s->client->model, LN_OID_SECURITY, s->security_iid, rid);
}

int64_t ln__security_number(const struct ln__server *s, uint16_t rid, int64_t otherwise)
{
    return ln__model_int(&s->client->model, LN_OID_SECURITY, s->security_iid, rid, otherwise);
}

/* ---- the address ---- */

static enum ln_status read_address(struct ln__server *s, struct ln_uri *uri, struct ln_diag *diag)
{
    enum ln_uri_problem problem = LN_URI_PROBLEM_NONE;
    if (ln_uri_read(ln__security_bytes(s, RID_URI), uri, &problem) != LN_OK)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_URI,
                                   LN__WORDS(ln_uri_problem_text(problem)));
    if (uri->scheme == LN_URI_COAP_TCP || uri->scheme == LN_URI_COAPS_TCP)
        return ln__security_refuse(s, diag, LN_UNSUPPORTED, RID_URI,
                                   "LwM2M over TCP is not supported yet; use coap or coaps");
    if (uri->scheme != LN_URI_COAP && uri->scheme != LN_URI_COAPS)
        return ln__security_refuse(s, diag, LN_BAD_ARG, RID_URI,
                                   "the scheme must be coap or coaps");
    if (uri->path.len > 1 || uri->has_query)
        return ln__security_refuse(s, diag, LN_UNSUPPORTED, RID_URI,
                                   "a server URI with a path or a query is not supported");
    char host[LN_URI_HOST_ROOM];
    ln_uri_host_text(uri, host);
    char *copy = ln_strdup(s->client->env, host);
    if (copy == NULL)
        return LN_NO_MEMORY;
    ln_free(s->client->env, s->host);
    s->host = copy;
    s->port = uri->port;
    s->kind = uri->scheme == LN_URI_COAPS ? LN_DTLS : LN_UDP;
    return LN_OK;
}

/* ---- socket and endpoint ---- */

static enum ln_status make_socket(struct ln__server *s, struct ln_diag *diag)
{
    ln_sock_free(s->sock);
    s->sock = NULL;
    enum ln_status st = ln_sock_new(s->client->env, (enum ln_sock_kind)s->kind,
                                    &s->client->config.sock, s->tls, diag, &s->sock);
    return st == LN_OK && s->kind == LN_DTLS ? ln__security_name(s, diag) : st;
}

static enum ln_status send(void *user, ln_coap_peer peer, struct ln_span data, size_t *sent)
{
    struct ln__server *s = user;
    return ln_coap_link_send(&s->link, peer, data, sent);
}

static enum ln_status make_endpoint(struct ln__server *s, struct ln_diag *diag)
{
    const struct ln_client_config *config = &s->client->config;
    struct ln_coap_config c = {
        .transport = LN_COAP_OVER_UDP,
        .timing = config->coap,
        .max_message = config->max_message,
        .block_szx = config->block_szx,
        .send = send,
        .handler = &ln__dispatch,
        .user = s,
    };
    if (s->coap != NULL)
        return LN_OK;
    return ln_coap_new(s->client->env, &c, diag, &s->coap);
}

enum ln_status ln__connection_setup(struct ln__server *s, struct ln_diag *diag)
{
    struct ln_uri uri;
    enum ln_status st = read_address(s, &uri, diag);
    if (st == LN_OK)
        st = ln__security_setup(s, diag);
    if (st == LN_OK)
        st = make_socket(s, diag);
    if (st == LN_OK)
        st = make_endpoint(s, diag);
    if (st == LN_OK)
        s->link = (struct ln_coap_link) { .coap = s->coap, .sock = s->sock };
    return st;
}

void ln__connection_free(struct ln__server *s)
{
    const struct ln_env *env = s->client->env;
    ln_coap_free(s->coap);
    ln_sock_free(s->sock);
    ln__security_free(s);
    ln_free(env, s->host);
    s->coap = NULL;
    s->sock = NULL;
    s->host = NULL;
}

enum ln_status ln__connection_open(struct ln__server *s, ln_msec now)
{
    ln__connection_close(s, now);
    s->connecting = true;
    return ln_sock_connect(s->sock, s->host, s->port, now);
}

void ln__connection_close(struct ln__server *s, ln_msec now)
{
    s->connecting = false;
    s->up = false;
    ln_coap_link_closed(&s->link, now);
}

bool ln__connection_is_open(const struct ln__server *s)
{
    return s->up && ln_sock_is_open(s->sock);
}
