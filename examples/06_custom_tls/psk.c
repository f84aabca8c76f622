/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pre-shared keys, both roles. In TLS 1.3 GnuTLS 3.7 binds an external key to SHA-256 and to nothing
 * else: another hash is refused where TLS 1.3 could be agreed on.
 */
#include "backend.h"

static bool is_ours(const struct gtls_config *c, const gnutls_datum_t *identity)
{
    return identity->size == c->psk_identity.len &&
           memcmp(identity->data, c->psk_identity.data, identity->size) == 0;
}

/* A negative answer ends the handshake; 1 would make GnuTLS go on with a key of its own. */
static int find_key(gnutls_session_t session, const gnutls_datum_t *identity, gnutls_datum_t *key)
{
    struct gtls_engine *e = gnutls_session_get_ptr(session);
    const struct gtls_config *c = e->config;
    if (!is_ours(c, identity))
        return -1;
    key->data = gnutls_malloc(c->psk_key.len);
    if (key->data == NULL)
        return -1;
    memcpy(key->data, c->psk_key.data, c->psk_key.len);
    key->size = (unsigned)c->psk_key.len;
    e->psk_found = true;
    return 0;
}

static bool copy(const struct ln_env *env, struct ln_span from, struct ln_mspan *to)
{
    to->data = ln_calloc(env, from.len, 1);
    if (to->data == NULL)
        return false;
    memcpy(to->data, from.data, from.len);
    to->len = from.len;
    return true;
}

static int set_server(struct gtls_config *c)
{
    int ret = gnutls_psk_allocate_server_credentials(&c->psk_server);
    if (ret < 0)
        return ret;
    gnutls_psk_set_server_credentials_function2(c->psk_server, find_key);
    return gnutls_psk_set_server_known_dh_params(c->psk_server, GNUTLS_SEC_PARAM_MEDIUM);
}

static int set_client(struct gtls_config *c)
{
    gnutls_datum_t identity = { c->psk_identity.data, (unsigned)c->psk_identity.len };
    gnutls_datum_t key = { c->psk_key.data, (unsigned)c->psk_key.len };
    int ret = gnutls_psk_allocate_client_credentials(&c->psk_client);
    if (ret < 0)
        return ret;
    return gnutls_psk_set_client_credentials2(c->psk_client, &identity, &key, GNUTLS_PSK_KEY_RAW);
}

enum ln_status gtls_set_psk(struct gtls_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag)
{
    if (s->auth != LN_AUTH_PSK)
        return LN_OK;
    if (!s->datagram && s->max_version >= LN_TLS_1_3 && s->psk_hash != LN_SHA256)
        return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                "psk_hash: GnuTLS binds a key of TLS 1.3 to SHA-256 only");
    if (!copy(c->env, s->psk_identity, &c->psk_identity) || !copy(c->env, s->psk_key, &c->psk_key))
        return gtls_no_memory(diag);
    int ret = set_client(c);
    if (ret >= 0)
        ret = set_server(c);
    if (ret < 0)
        return gtls_config_fail(diag, LN_BAD_ARG, ret, "psk_identity, psk_key");
    return LN_OK;
}

int gtls_set_psk_of(struct gtls_engine *e)
{
    void *credentials =
        e->role == LN_SERVER ? (void *)e->config->psk_server : (void *)e->config->psk_client;
    return gnutls_credentials_set(e->session, GNUTLS_CRD_PSK, credentials);
}
