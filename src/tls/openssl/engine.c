/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine.c
 * One connection: handshake, records, DTLS timers, sessions. See tls_backend.h for the contract.
 *
 * Nothing here blocks: the BIO answers "retry", SSL answers WANT_READ or WANT_WRITE, and that is
 * LN_AGAIN. Every call starts with an empty error queue and ends with one.
 */
#include "openssl.h"
#include <openssl/err.h>
#include <string.h>
#include <sys/time.h>

static struct ossl_engine *engine_of(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

/** Start with an empty queue; to look is cheaper than to clear what is empty. */
static void forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* ---- starting ---- */

/** Called when a flight was sent (previous 0), and when a wait has passed in vain. */
static unsigned int next_interval(SSL *ssl, unsigned int previous_us)
{
    struct ossl_engine *e = engine_of(ssl);
    uint64_t next_ms = e->config->first_ms;
    if (previous_us == 0) {
        e->flight++;
        e->exhausted = false; /* the answer came in the last moment */
    } else if (previous_us / 1000 >= e->config->max_ms) {
        e->exhausted = true;
        e->muted = true;
    } else {
        e->facts->retransmissions++;
        next_ms = (uint64_t)previous_us / 1000 * 2;
    }
    if (next_ms > e->config->max_ms)
        next_ms = e->config->max_ms;
    return (unsigned int)(next_ms * 1000);
}

static void offer_session(struct ossl_engine *e, struct ln_span blob)
{
    const unsigned char *p = blob.data;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &p, (long)blob.len);
    if (session != NULL && p == blob.data + blob.len && SSL_SESSION_is_resumable(session))
        (void)SSL_set_session(e->ssl, session);
    SSL_SESSION_free(session);
    ERR_clear_error();
}

bool ossl_set_role(SSL *ssl, bool server)
{
    forget_errors();
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ERR_peek_error() == 0;
}

static bool start_client(struct ossl_engine *e, const struct ln_tls_start *how)
{
    if (!e->config->resume)
        SSL_set_options(e->ssl, SSL_OP_NO_TICKET); /* a ClientHello without the extension */
    if (!ossl_set_role(e->ssl, false))
        return false;
    SSL_set_verify(e->ssl, SSL_VERIFY_PEER, NULL);
    /* what the macro SSL_set_tlsext_host_name() does, without its cast */
    if (how->server_name != NULL &&
        !SSL_ctrl(e->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                  (void *)(uintptr_t)how->server_name))
        return false;
    if (how->session.len != 0)
        offer_session(e, how->session);
    return true;
}

static bool start_server(struct ossl_engine *e)
{
    int mode = SSL_VERIFY_NONE;
    if (e->config->client_auth != LN_CLIENT_AUTH_NONE)
        mode = SSL_VERIFY_PEER;
    if (e->config->client_auth == LN_CLIENT_AUTH_REQUIRE)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_set_verify(e->ssl, mode, NULL);
    return ossl_set_role(e->ssl, true);
}

static enum ln_status start(void *engine, void *config, const struct ln_tls_start *how,
                            struct ln_diag *diag)
{
    struct ossl_engine *e = engine;
    memset(e, 0, sizeof *e);
    e->config = config;
    e->io = how->io;
    e->facts = how->io->facts;
    e->mtu = how->mtu;
    e->listening = how->listen;
    forget_errors();
    e->ssl = SSL_new(e->config->ctx);
    BIO *bio = e->ssl != NULL ? ossl_bio_new(e) : NULL;
    if (bio == NULL)
        return ossl_fail(e, diag);
    SSL_set_bio(e->ssl, bio, bio);
    if (!SSL_set_app_data(e->ssl, e))
        return ossl_fail(e, diag);
    SSL_set_msg_callback_arg(e->ssl, e);
    if (e->config->datagram) {
        SSL_set_mtu(e->ssl, (long)e->mtu);
        DTLS_set_timer_cb(e->ssl, next_interval);
    }
    bool started = how->role == LN_SERVER ? start_server(e) : start_client(e, how);
    return started ? LN_OK : ossl_fail(e, diag);
}

static void stop(void *engine)
{
    struct ossl_engine *e = engine;
    if (e->open && !e->failed) /* or a server would forget the session, as one that was cut */
        SSL_set_shutdown(e->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(e->ssl);
    memset(e, 0, sizeof *e);
}

/* ---- results ---- */

/** What an unsuccessful call of SSL's means. */
static enum ln_status outcome(struct ossl_engine *e, int ret, struct ln_diag *diag)
{
    int error = SSL_get_error(e->ssl, ret);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        if (e->io_status == LN_OK)
            return LN_AGAIN;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        e->facts->closed_by_peer = true;
        return LN_CLOSED;
    }
    return ossl_fail(e, diag);
}

static void begin(struct ossl_engine *e)
{
    forget_errors();
    e->io_status = LN_OK;
    e->write_blocked = false;
    e->muted = false;
}

/* ---- handshake ---- */

/** The external PSK of TLS 1.3 counts as a resumption to OpenSSL, never to us. */
static bool truly_resumed(const struct ossl_engine *e)
{
    if (!SSL_session_reused(e->ssl))
        return false;
    return SSL_is_server(e->ssl) ? !e->psk_found : !ossl_is_external_psk(SSL_get_session(e->ssl));
}

static void handshake_done(struct ossl_engine *e)
{
    const unsigned char *alpn = NULL;
    unsigned len = 0;
    e->open = true;
    e->resumed = truly_resumed(e);
    e->unconfirmed = e->facts->certificate_sent && SSL_version(e->ssl) == TLS1_3_VERSION &&
                     !SSL_is_server(e->ssl);
    if (e->session_new && SSL_get_extms_support(e->ssl) == 1)
        ossl_store_session(e, SSL_get_session(e->ssl));
    SSL_get0_alpn_selected(e->ssl, &alpn, &len);
    if (alpn != NULL && len < sizeof e->alpn)
        memcpy(e->alpn, alpn, len);
}

/** Answer ClientHellos by cookies until one brings its cookie back. */
static enum ln_status listen_once(struct ossl_engine *e, struct ln_diag *diag)
{
    BIO_ADDR *nobody = BIO_ADDR_new();
    if (nobody == NULL)
        return ossl_fail(e, diag);
    int ret = DTLSv1_listen(e->ssl, nobody);
    BIO_ADDR_free(nobody);
    if (ret > 0) {
        e->listening = false;
        e->failed = false; /* what was somebody else's */
        e->facts->address_verified = true;
        return LN_AGAIN;
    }
    if (ret == 0 && e->io_status == LN_OK)
        return LN_AGAIN;
    return ossl_fail(e, diag);
}

static enum ln_status handshake(void *engine, struct ln_diag *diag)
{
    struct ossl_engine *e = engine;
    begin(e);
    if (e->listening)
        return listen_once(e, diag);
    int ret = SSL_do_handshake(e->ssl);
    if (ret == 1) {
        handshake_done(e);
        return LN_OK;
    }
    enum ln_status st = outcome(e, ret, diag);
    return st == LN_AGAIN && e->exhausted ? LN_TIMEOUT : st;
}

/* ---- DTLS ---- */

static void timer(const void *engine, struct ln_tls_timer *out)
{
    const struct ossl_engine *e = engine;
    struct timeval left = { 0, 0 };
    out->flight = e->flight;
    out->left_ms = -1;
    if (!e->listening && DTLSv1_get_timeout(e->ssl, &left) == 1)
        out->left_ms = (int64_t)left.tv_sec * 1000 + (left.tv_usec + 999) / 1000;
}

static void set_mtu(void *engine, size_t mtu)
{
    struct ossl_engine *e = engine;
    e->mtu = mtu;
    SSL_set_mtu(e->ssl, (long)mtu);
}

static bool wants_write(const void *engine)
{
    const struct ossl_engine *e = engine;
    return e->write_blocked;
}

/* ---- data ---- */

/** An empty room asks whether anything is there; the end of a stream is something. */
static enum ln_status peek(struct ossl_engine *e, struct ln_diag *diag)
{
    uint8_t byte;
    size_t got = 0;
    int ret = SSL_peek_ex(e->ssl, &byte, 1, &got);
    e->drained = ret != 1;
    if (ret == 1)
        return LN_OK;
    enum ln_status st = outcome(e, ret, diag);
    return st == LN_CLOSED && !e->config->datagram ? LN_OK : st;
}

/** In TLS 1.3 a server's objection to our certificate comes behind the handshake, and the server has
 *  gone by then. It is worth more than the reset that our next record would meet (ERR-03). */
static enum ln_status hear_objections(struct ossl_engine *e, struct ln_diag *diag)
{
    if (!e->unconfirmed)
        return LN_OK;
    enum ln_status st = peek(e, diag);
    if (st == LN_OK) /* it answers */
        e->unconfirmed = false;
    return st == LN_AGAIN ? LN_OK : st;
}

static enum ln_status write_plain(void *engine, struct ln_span plain, size_t *used,
                                  struct ln_diag *diag)
{
    struct ossl_engine *e = engine;
    begin(e);
    if (plain.len == 0) {
        ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_TRANSFER,
                    "OpenSSL cannot send a record without content");
        return LN_UNSUPPORTED;
    }
    enum ln_status st = hear_objections(e, diag);
    if (st != LN_OK)
        return st;
    int ret = SSL_write_ex(e->ssl, plain.data, plain.len, used);
    return ret == 1 ? LN_OK : outcome(e, ret, diag);
}

static enum ln_status read_stream(struct ossl_engine *e, struct ln_mspan room, size_t *got,
                                  struct ln_diag *diag)
{
    int ret = SSL_read_ex(e->ssl, room.data, room.len, got);
    e->drained = ret != 1;
    if (ret == 1)
        return LN_OK;
    enum ln_status st = outcome(e, ret, diag);
    return st == LN_CLOSED && !e->failed ? LN_OK : st; /* close_notify alone proves the end */
}

/** One record is one datagram. SSL would keep the rest of a record for the next call, so a record
 *  is always taken out whole. */
static enum ln_status read_datagram(struct ossl_engine *e, struct ln_mspan room, size_t *got,
                                    size_t *full, struct ln_diag *diag)
{
    uint8_t record[OSSL_PLAINTEXT_MAX];
    bool direct = room.len >= sizeof record;
    uint8_t *to = direct ? room.data : record;
    int ret = SSL_read_ex(e->ssl, to, sizeof record, full);
    e->drained = ret != 1;
    if (ret != 1)
        return outcome(e, ret, diag);
    *got = *full < room.len ? *full : room.len;
    if (!direct) {
        memcpy(room.data, record, *got);
        OPENSSL_cleanse(record, *full);
    }
    return *got < *full ? LN_NO_SPACE : LN_OK;
}

static enum ln_status read_plain(void *engine, struct ln_mspan room, size_t *got, size_t *full,
                                 struct ln_diag *diag)
{
    struct ossl_engine *e = engine;
    begin(e);
    if (room.len == 0)
        return peek(e, diag);
    if (e->config->datagram)
        return read_datagram(e, room, got, full, diag);
    enum ln_status st = read_stream(e, room, got, diag);
    *full = *got;
    return st;
}

/** SSL_has_pending() also counts half a record, which nothing but new bytes can finish. */
static bool pending(const void *engine)
{
    const struct ossl_engine *e = engine;
    return e->open && !e->drained && SSL_has_pending(e->ssl);
}

static void close_notify(void *engine)
{
    struct ossl_engine *e = engine;
    if (!e->open || e->failed)
        return;
    begin(e);
    (void)SSL_shutdown(e->ssl);
    forget_errors();
}

/* ---- what is known ---- */

static void info(const void *engine, struct ln_tls_session_info *out)
{
    const struct ossl_engine *e = engine;
    memset(out, 0, sizeof *out);
    out->alpn = e->alpn;
    if (!e->open)
        return;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(e->ssl);
    out->version = (uint16_t)SSL_version(e->ssl);
    out->suite = cipher != NULL ? SSL_CIPHER_get_protocol_id(cipher) : 0;
    out->group = ossl_group_id(e->ssl);
    out->resumed = e->resumed;
}

/** The chain as the peer sent it; for servers OpenSSL keeps the leaf apart. */
static const X509 *certificate_at(const struct ossl_engine *e, size_t index)
{
    const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(e->ssl);
    const X509 *leaf = SSL_get0_peer_certificate(e->ssl);
    if (index == 0)
        return leaf;
    size_t at = SSL_is_server(e->ssl) ? index - 1 : index;
    if (chain == NULL || at >= (size_t)sk_X509_num(chain))
        return NULL;
    return sk_X509_value(chain, (int)at);
}

static enum ln_status peer_certificate(const void *engine, size_t index, struct ln_mspan room,
                                       size_t *len)
{
    const struct ossl_engine *e = engine;
    if (e->ssl == NULL || index > LN_CHAIN_MAX)
        return LN_NOT_FOUND;
    const X509 *cert = certificate_at(e, index);
    int size = cert != NULL ? i2d_X509(cert, NULL) : -1;
    if (size <= 0)
        return LN_NOT_FOUND;
    *len = (size_t)size;
    if (room.len < *len)
        return LN_NO_SPACE;
    unsigned char *p = room.data;
    return i2d_X509(cert, &p) == size ? LN_OK : LN_INTERNAL;
}

/* ---- capabilities ---- */

/** First release of each series with the DTLS fixes of 2026 (CVE-2026-75806, -84782, -95690). */
static const struct {
    unsigned major, minor, patch;
} fixed[] = { { 3, 0, 24 }, { 3, 4, 8 }, { 3, 5, 10 }, { 3, 6, 5 }, { 4, 0, 4 }, { 4, 1, 1 } };

static bool known_bad(void)
{
    unsigned major = OPENSSL_version_major();
    unsigned minor = OPENSSL_version_minor();
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (fixed[i].major == major && fixed[i].minor == minor)
            return OPENSSL_version_patch() < fixed[i].patch;
    return major == 3; /* a series that got no fixes */
}

static void capabilities(struct ln_tls_capabilities *out)
{
    out->backend = "openssl";
    out->version = OpenSSL_version(OPENSSL_VERSION);
    out->caps = LN_TLS_CAP_TLS_1_3 | LN_TLS_CAP_DTLS_1_2 | LN_TLS_CAP_PSK | LN_TLS_CAP_PSK_TLS_1_3 |
                LN_TLS_CAP_CERTIFICATES | LN_TLS_CAP_RESUMPTION | LN_TLS_CAP_SYSTEM_TRUST |
                LN_TLS_CAP_SERVER | LN_TLS_CAP_ALERT_NUMBERS | LN_TLS_CAP_KEYLOG;
    if (ossl_has_pkcs11())
        out->caps |= LN_TLS_CAP_PKCS11;
    out->warning = NULL;
    if (known_bad())
        out->warning = "by its number this OpenSSL lacks the DTLS fixes of 2026 (CVE-2026-75806, "
                       "CVE-2026-84782, CVE-2026-95690) unless the distribution added them; "
                       "Linnet shields it, and an update is still the better answer";
}

const struct ln_tls_backend ln__tls_openssl = {
    .name = "openssl",
    .capabilities = capabilities,
    .engine_bytes = sizeof(struct ossl_engine),
    .config_new = ossl_config_new,
    .config_free = ossl_config_free,
    .start = start,
    .handshake = handshake,
    .timer = timer,
    .set_mtu = set_mtu,
    .wants_write = wants_write,
    .write = write_plain,
    .read = read_plain,
    .pending = pending,
    .info = info,
    .peer_certificate = peer_certificate,
    .close_notify = close_notify,
    .stop = stop,
    .hash = ossl_hash,
    .digest = &ossl_digest,
    .issued = ossl_issued,
};
