/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rawpeer.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "rawpeer: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- a BIO over a socket of the library ---- */

static struct ln_sock *lower(const struct raw_server *raw)
{
    return raw->datagram ? raw->listener : raw->sock;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct raw_server *raw = BIO_get_data(bio);
    size_t sent = 0;
    BIO_clear_retry_flags(bio);
    enum ln_status st = LN_CLOSED;
    if (raw->datagram) {
        st = ln_sock_send_to(raw->listener, &raw->peer, ln_span(data, (size_t)len));
        sent = (size_t)len;
    } else if (raw->sock != NULL) {
        st = ln_sock_send(raw->sock, ln_span(data, (size_t)len), &sent);
    }
    if (st == LN_AGAIN)
        BIO_set_retry_write(bio);
    return st == LN_OK ? (int)sent : -1;
}

static int bio_read(BIO *bio, char *data, int room)
{
    struct raw_server *raw = BIO_get_data(bio);
    size_t got = 0;
    BIO_clear_retry_flags(bio);
    enum ln_status st = LN_CLOSED;
    if (raw->datagram)
        st = ln_sock_recv_from(raw->listener, ln_mspan(data, (size_t)room), &got, &raw->peer);
    else if (raw->sock != NULL)
        st = ln_sock_recv(raw->sock, ln_mspan(data, (size_t)room), &got);
    if (st == LN_AGAIN)
        BIO_set_retry_read(bio);
    return st == LN_OK ? (int)got : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *method;

static void free_method(void)
{
    BIO_meth_free(method);
    method = NULL;
}

static BIO *make_bio(struct raw_server *raw)
{
    if (method == NULL) {
        method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "raw peer");
        need(method != NULL && BIO_meth_set_write(method, bio_write) == 1 &&
                 BIO_meth_set_read(method, bio_read) == 1 &&
                 BIO_meth_set_ctrl(method, bio_ctrl) == 1,
             "BIO method");
        need(atexit(free_method) == 0, "atexit");
    }
    BIO *bio = BIO_new(method);
    need(bio != NULL, "BIO");
    BIO_set_data(bio, raw);
    BIO_set_init(bio, 1);
    return bio;
}

/* ---- keys ---- */

static struct raw_server *of(SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static unsigned psk_server(SSL *ssl, const char *identity, unsigned char *key, unsigned room)
{
    const struct raw_server *raw = of(ssl);
    if (strcmp(identity, raw->psk_identity) != 0 || raw->psk_key.len > room)
        return 0;
    memcpy(key, raw->psk_key.data, raw->psk_key.len);
    return (unsigned)raw->psk_key.len;
}

static int psk_find(SSL *ssl, const unsigned char *identity, size_t len, SSL_SESSION **out)
{
    const struct raw_server *raw = of(ssl);
    *out = NULL;
    if (len != strlen(raw->psk_identity) || memcmp(identity, raw->psk_identity, len) != 0)
        return 1;
    static const unsigned char sha256_suite[2] = { 0x13, 0x01 };
    static const unsigned char sha384_suite[2] = { 0x13, 0x02 };
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, raw->psk_sha384 ? sha384_suite : sha256_suite);
    SSL_SESSION *session = SSL_SESSION_new();
    need(session != NULL && cipher != NULL, "PSK session");
    need(SSL_SESSION_set1_master_key(session, raw->psk_key.data, raw->psk_key.len) == 1 &&
             SSL_SESSION_set_cipher(session, cipher) == 1 &&
             SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1,
         "PSK session");
    *out = session;
    return 1;
}

static int accept_any_client(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static EVP_PKEY *key_of(struct raw_server *raw)
{
    struct ln_span der = pki_write_key(raw->pki, PKI_PKCS8_DER, raw->chain[0], NULL);
    const unsigned char *p = der.data;
    EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &p, (long)der.len);
    need(key != NULL, "key");
    return key;
}

static void use_chain(struct raw_server *raw)
{
    for (size_t i = 0; raw->chain[i] != NULL; i++) {
        struct ln_span der = pki_cert_der(raw->chain[i]);
        const unsigned char *p = der.data;
        X509 *x509 = d2i_X509(NULL, &p, (long)der.len);
        need(x509 != NULL, "certificate");
        if (i == 0)
            need(SSL_CTX_use_certificate(raw->ctx, x509) == 1, "certificate");
        else
            need(SSL_CTX_add1_chain_cert(raw->ctx, x509) == 1, "chain");
        X509_free(x509);
    }
    EVP_PKEY *key = key_of(raw);
    need(SSL_CTX_use_PrivateKey(raw->ctx, key) == 1, "key");
    EVP_PKEY_free(key);
}

/* ---- the context ---- */

static void use_settings(struct raw_server *raw, int version)
{
    SSL_CTX *ctx = raw->ctx;
    SSL_CTX_set_security_level(ctx, 0);
    need(SSL_CTX_set_min_proto_version(ctx, raw->min_version != 0 ? raw->min_version : version) ==
             1,
         "version");
    need(SSL_CTX_set_max_proto_version(ctx, raw->max_version != 0 ? raw->max_version : version) ==
             1,
         "version");
    need(SSL_CTX_set_cipher_list(ctx,
                                 raw->ciphers != NULL ? raw->ciphers : "ALL:PSK:@SECLEVEL=0") == 1,
         "ciphers");
    if (raw->suites != NULL)
        need(SSL_CTX_set_ciphersuites(ctx, raw->suites) == 1, "suites");
    if (raw->groups != NULL)
        need(SSL_CTX_ctrl(ctx, SSL_CTRL_SET_GROUPS_LIST, 0, (void *)(uintptr_t)raw->groups) == 1,
             "groups");
    if (raw->tickets != 0)
        need(SSL_CTX_set_num_tickets(ctx, raw->tickets > 0 ? (size_t)raw->tickets : 0) == 1,
             "tickets");
    if (raw->no_ticket)
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
    need(SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"raw", 3) == 1, "id context");
    if (raw->psk_identity != NULL) {
        SSL_CTX_set_psk_server_callback(ctx, psk_server);
        SSL_CTX_set_psk_find_session_callback(ctx, psk_find);
    }
    if (raw->request_certificate || raw->require_certificate)
        SSL_CTX_set_verify(
            ctx, SSL_VERIFY_PEER | (raw->require_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
            accept_any_client);
}

void raw_server_start(struct raw_server *raw, const struct ln_env *env, bool datagram, int version,
                      const struct ln_addr *local)
{
    raw->datagram = datagram;
    raw->ctx = SSL_CTX_new(datagram ? DTLS_server_method() : TLS_server_method());
    need(raw->ctx != NULL, "SSL_CTX");
    use_settings(raw, version);
    if (raw->chain != NULL)
        use_chain(raw);
    if (raw->setup != NULL)
        raw->setup(raw->user, raw->ctx);
    enum ln_sock_kind kind = datagram ? LN_UDP : LN_TCP;
    need(ln_sock_new(env, kind, NULL, NULL, NULL, &raw->listener) == LN_OK, "socket");
    need(ln_sock_bind(raw->listener, local) == LN_OK, "bind");
}

/* ---- running ---- */

static void new_connection(struct raw_server *raw)
{
    raw->handshake_done = false;
    raw->failed = false;
    raw->error = 0;
    raw->ssl = SSL_new(raw->ctx);
    need(raw->ssl != NULL, "SSL");
    SSL_set_app_data(raw->ssl, raw);
    BIO *bio = make_bio(raw);
    SSL_set_bio(raw->ssl, bio, bio);
    SSL_set_accept_state(raw->ssl);
    if (raw->datagram)
        SSL_set_mtu(raw->ssl, (long)(raw->mtu != 0 ? raw->mtu : 1200));
}

static void note_error(struct raw_server *raw, int result)
{
    int error = SSL_get_error(raw->ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return;
    raw->failed = true;
    raw->error = ERR_peek_error();
    ERR_clear_error();
}

static void accept_one(struct raw_server *raw, ln_msec now)
{
    if (raw->ssl != NULL)
        return;
    if (!raw->datagram) {
        if (ln_sock_accept(raw->listener, now, &raw->sock) != LN_OK)
            return;
    }
    new_connection(raw);
}

void raw_server_step(struct raw_server *raw, ln_msec now)
{
    need(ln_sock_step(raw->listener, now) == LN_OK, "listener");
    accept_one(raw, now);
    if (raw->ssl == NULL || raw->failed || raw->handshake_done)
        return;
    ERR_clear_error();
    if (raw->datagram)
        (void)DTLSv1_handle_timeout(raw->ssl);
    int result = SSL_do_handshake(raw->ssl);
    if (result != 1) {
        note_error(raw, result);
        return;
    }
    raw->handshake_done = true;
    raw->handshakes++;
    if (SSL_session_reused(raw->ssl) == 1)
        raw->resumed++;
}

void raw_server_interest(struct raw_server *raw, ln_msec now, struct ln_interest *want)
{
    struct ln_sock *s = lower(raw);
    ln_sock_interest(raw->listener, LN_WANT_READ, want);
    if (s != NULL && s != raw->listener)
        ln_sock_interest(s, LN_WANT_READ, want);
    struct timeval left = { 0, 0 };
    if (raw->datagram && raw->ssl != NULL && DTLSv1_get_timeout(raw->ssl, &left) == 1)
        ln_interest_until(want, now + left.tv_sec * 1000 + left.tv_usec / 1000 + 1);
}

size_t raw_server_read(struct raw_server *raw, void *data, size_t room)
{
    size_t got = 0;
    if (raw->ssl == NULL || !raw->handshake_done)
        return 0;
    ERR_clear_error();
    int result = SSL_read_ex(raw->ssl, data, room, &got);
    if (result != 1) {
        note_error(raw, result);
        return 0;
    }
    return got;
}

bool raw_server_write(struct raw_server *raw, const void *data, size_t len)
{
    size_t done = 0;
    if (raw->ssl == NULL || !raw->handshake_done)
        return false;
    ERR_clear_error();
    return SSL_write_ex(raw->ssl, data, len, &done) == 1 && done == len;
}

void raw_server_hang_up(struct raw_server *raw, bool notify)
{
    if (raw->ssl != NULL && notify && raw->handshake_done && !raw->failed)
        (void)SSL_shutdown(raw->ssl);
    /* Else libssl drops the session of a connection that was not closed by the book. */
    if (raw->ssl != NULL && raw->handshake_done)
        SSL_set_shutdown(raw->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(raw->ssl);
    raw->ssl = NULL;
    ERR_clear_error();
    ln_sock_free(raw->sock);
    raw->sock = NULL;
    raw->handshake_done = false;
}

void raw_server_stop(struct raw_server *raw)
{
    raw_server_hang_up(raw, false);
    ln_sock_free(raw->listener);
    raw->listener = NULL;
    SSL_CTX_free(raw->ctx);
    raw->ctx = NULL;
}
