/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file offer.c
 * Whether a new context offers all that it should.
 *
 * SSL_CTX_new() asks for each suite, group and signature algorithm whether the library has it, and
 * takes a lack of memory for "no". Such a context works, but for the one algorithm that a peer may
 * insist on, for as long as the configuration lives; nothing tells. So a twin is made, and both say
 * what they would offer, in a ClientHello that nobody gets: where these differ, memory was short.
 */
#include "openssl.h"

#include "base/cursor.h"
#include "base/try.h"
#include <openssl/err.h>
#include <string.h>

/** All suites, groups, signature algorithms and versions that OpenSSL knows need a third of it. */
#define OFFER_MAX 2048
/** In case the path were asked. */
#define HELLO_MTU 1400

struct offer {
    uint8_t bytes[OFFER_MAX];
    size_t len;
    bool whole; /**< a ClientHello was written, and fits */
};

/* ---- what a ClientHello offers ---- */

static enum ln_status add(struct offer *o, struct ln_span list)
{
    if (list.len > sizeof o->bytes - o->len)
        return LN_NO_SPACE;
    memcpy(o->bytes + o->len, list.data, list.len);
    o->len += list.len;
    return LN_OK;
}

static bool is_offer(uint16_t extension)
{
    return extension == TLSEXT_TYPE_supported_groups ||
           extension == TLSEXT_TYPE_signature_algorithms ||
           extension == TLSEXT_TYPE_supported_versions;
}

static enum ln_status add_extensions(struct offer *o, struct ln_span extensions)
{
    struct ln_cursor in = ln__cursor(extensions);
    while (!ln__cursor_is_empty(&in)) {
        uint16_t type = 0;
        struct ln_span body;
        TRY(ln__cursor_u16(&in, &type));
        TRY(ln__cursor_vector(&in, 2, &body));
        if (is_offer(type))
            TRY(add(o, body));
    }
    return LN_OK;
}

/** RFC 8446 4.1.2; with the cookie of RFC 6347 4.2.1. */
static enum ln_status read_hello(struct offer *o, struct ln_span message, bool datagram)
{
    struct ln_cursor in = ln__cursor(message);
    struct ln_span part;
    TRY(ln__cursor_skip(&in, (datagram ? 12u : 4u) + 2 + 32)); /* header, version, random */
    TRY(ln__cursor_vector(&in, 1, &part));                     /* session id */
    if (datagram)
        TRY(ln__cursor_vector(&in, 1, &part));
    TRY(ln__cursor_vector(&in, 2, &part));
    TRY(add(o, part));
    TRY(ln__cursor_vector(&in, 1, &part)); /* compression */
    TRY(ln__cursor_vector(&in, 2, &part));
    return add_extensions(o, part);
}

static void on_hello(int writing, int version, int type, const void *data, size_t len, SSL *ssl,
                     void *offer)
{
    struct offer *o = offer;
    (void)version;
    if (!writing || type != SSL3_RT_HANDSHAKE || o->whole)
        return;
    o->len = 0;
    o->whole = read_hello(o, ln_span(data, len), SSL_is_dtls(ssl)) == LN_OK;
}

/* ---- two of them ---- */

/** Suites of pre-shared keys are offered only where there is somebody to ask. */
/* NOLINTBEGIN(readability-non-const-parameter): the library says what its callbacks look like */
static unsigned int no_key(SSL *ssl, const char *hint, char *identity, unsigned int identity_max,
                           unsigned char *key, unsigned int key_max)
{
    (void)ssl, (void)hint, (void)identity, (void)identity_max, (void)key, (void)key_max;
    return 0;
}
/* NOLINTEND(readability-non-const-parameter) */

static bool ask(SSL_CTX *ctx, bool psk, struct offer *out)
{
    SSL *ssl = SSL_new(ctx);
    BIO *nowhere = BIO_new(BIO_s_null());
    out->whole = false;
    if (ssl == NULL || nowhere == NULL) {
        SSL_free(ssl);
        BIO_free(nowhere);
        return false;
    }
    SSL_set_bio(ssl, nowhere, nowhere);
    SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl, HELLO_MTU);
    if (psk)
        SSL_set_psk_client_callback(ssl, no_key);
    SSL_set_msg_callback(ssl, on_hello);
    SSL_set_msg_callback_arg(ssl, out);
    if (ossl_set_role(ssl, false))
        (void)SSL_do_handshake(ssl); /* nobody answers */
    SSL_free(ssl);
    return out->whole;
}

enum ln_status ossl_check_offer(struct ossl_config *c, const struct ln_tls_settings *s,
                                struct ln_diag *diag)
{
    struct ossl_config twin = { .env = c->env, .datagram = c->datagram };
    struct offer ours;
    struct offer other;
    bool psk = s->auth == LN_AUTH_PSK;
    if (!ask(c->ctx, psk, &ours))
        return ossl_config_fail(diag, LN_UNSUPPORTED,
                                "suites, min_version, max_version: nothing is left to offer");
    enum ln_status st = ossl_set_offer(&twin, s, diag);
    bool same = st == LN_OK && ask(twin.ctx, psk, &other) &&
                ln_span_equal(ln_span(ours.bytes, ours.len), ln_span(other.bytes, other.len));
    SSL_CTX_free(twin.ctx);
    ERR_clear_error();
    if (st != LN_OK || same)
        return st;
    return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                       "no memory: OpenSSL left out an algorithm");
}
