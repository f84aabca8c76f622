/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_OPENSSL_H
#define LN_TLS_OPENSSL_H
/**
 * @file openssl.h
 * What the files of the OpenSSL back end share. OpenSSL >= 3.0, public functions only.
 *
 * config.c  settings -> SSL_CTX          engine.c  handshake, read, write, timers
 * keys.c    certificates, keys, PKCS#11  bio.c     SSL's bytes <-> the socket below
 * psk.c     pre-shared keys              verify.c  path building for the filter's policy
 * suites.c  suites, groups, signatures   error.c   error codes -> status, reason, diagnosis
 * offer.c   whether all of it is there
 *
 * Ownership: a `struct ossl_config` owns its SSL_CTX and its BIO_METHOD and copies what callbacks
 * need; a `struct ossl_engine` owns its SSL, and borrows the configuration (the filter holds it).
 */
#include <linnet/tls_backend.h>
#include <openssl/ssl.h>

/** The largest plaintext of one record (RFC 8446 5.1). */
#define OSSL_PLAINTEXT_MAX 16384

/* OpenSSL 3.0 and 3.1 compress no certificates. */
#ifdef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
#define OSSL_PLAIN_CERTIFICATES                                                                    \
    (SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION)
#else
#define OSSL_PLAIN_CERTIFICATES 0
#endif

struct ossl_config {
    const struct ln_env *env;
    SSL_CTX *ctx;
    BIO_METHOD *bio;
    bool datagram;
    bool resume;
    enum ln_client_auth client_auth;
    enum ln_crl_policy crl_policy;
    bool has_crls;
    bool partial_chain;
    uint32_t first_ms;
    uint32_t max_ms;
    uint8_t cookie_secret[32];
    char *psk_identity; /**< terminated */
    size_t psk_identity_len;
    uint8_t *psk_key;
    size_t psk_key_len;
    SSL_SESSION *psk_session; /**< TLS 1.3: the key as a session, to be copied; NULL without */
    uint8_t *alpn;            /**< wire form: length, name, length, name, ... */
    unsigned alpn_len;
    void (*keylog)(void *user, const char *line);
    void *keylog_user;
    int (*default_security)(const SSL *, const SSL_CTX *, int, int, int, void *, void *);
};

struct ossl_engine {
    SSL *ssl;
    struct ossl_config *config;
    const struct ln_tls_io *io;
    struct ln_tls_facts *facts;
    size_t mtu;
    uint32_t flight;          /**< how often the retransmission timer began anew */
    bool exhausted;           /**< its longest wait has passed in vain */
    bool muted;               /**< ... and OpenSSL sends the flight once more all the same */
    enum ln_status io_status; /**< what the socket below failed with, LN_OK if it did not */
    bool eof;                 /**< the stream below ended */
    bool write_blocked;       /**< the socket below took nothing */
    bool listening;           /**< no cookie was verified yet */
    bool open;
    bool failed;
    bool drained; /**< the last read found nothing complete */
    bool resumed;
    bool unconfirmed; /**< TLS 1.3: our certificate may still be refused */
    bool session_new; /**< TLS 1.2: a session was made in this handshake */
    bool psk_found;   /**< TLS 1.3 server: the client's external PSK was ours */
    char alpn[33];
};

/* config.c */
/** Hand a session to the filter, if it is worth keeping. */
void ossl_store_session(struct ossl_engine *e, SSL_SESSION *session);
/** Sessions are bound to it, external PSKs of TLS 1.3 too; every session of ours has the same. */
#define OSSL_SESSION_CONTEXT_LEN 6
extern const unsigned char ossl_session_context[OSSL_SESSION_CONTEXT_LEN];
/** Make `c->ctx` with the versions, suites, groups and signature algorithms of the settings. */
enum ln_status ossl_set_offer(struct ossl_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag);
enum ln_status ossl_config_new(const struct ln_tls_settings *settings, struct ln_diag *diag,
                               void **config);
void ossl_config_free(void *config);

/* suites.c */
enum ln_status ossl_set_suites(struct ossl_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag);
enum ln_status ossl_set_groups(struct ossl_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag);
enum ln_status ossl_set_signatures(struct ossl_config *c, const struct ln_tls_settings *s,
                                   struct ln_diag *diag);
uint16_t ossl_group_id(SSL *ssl);

/* offer.c */
/** LN_NO_MEMORY: OpenSSL had too little when it made the context, and left something out.
 *  LN_UNSUPPORTED: none of the suites is for any of the versions. */
enum ln_status ossl_check_offer(struct ossl_config *c, const struct ln_tls_settings *s,
                                struct ln_diag *diag);

/* keys.c */
enum ln_status ossl_set_trust(struct ossl_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag);
enum ln_status ossl_set_own(struct ossl_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag);
/** Whether a provider answers for the scheme "pkcs11". */
bool ossl_has_pkcs11(void);

/* psk.c */
/** Whether this session is an external PSK of TLS 1.3, or a copy of one. */
bool ossl_is_external_psk(const SSL_SESSION *session);
/** A ticket that was made from an external PSK is a session like any other. */
void ossl_forget_external_psk(SSL_SESSION *session);
enum ln_status ossl_set_psk(struct ossl_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag);

/* bio.c */
BIO_METHOD *ossl_bio_method(void);
BIO *ossl_bio_new(struct ossl_engine *e);

/* verify.c */
/** For SSL_CTX_set_cert_verify_callback(). */
int ossl_verify(X509_STORE_CTX *store_ctx, void *config);
bool ossl_issued(struct ln_span cert, struct ln_span issuer);
X509 *ossl_x509(struct ln_span der);

/* error.c */
/** Turn OpenSSL's error queue into diag and facts->reason, and empty it. */
enum ln_status ossl_fail(struct ossl_engine *e, struct ln_diag *diag);
/** The same for configuration calls: `what` names the field. */
enum ln_status ossl_config_fail(struct ln_diag *diag, enum ln_status status, const char *what);

/* digest.c */
enum ln_status ossl_hash(enum ln_hash hash, const struct ln_span *parts, size_t count,
                         uint8_t out[LN_HASH_MAX]);
extern const struct ln_digest_ops ossl_digest;

/* engine.c */
/** Make a connection a server's or a client's. OpenSSL's own functions for it return nothing, but
 *  since 3.2 they make a record layer, for which memory may be missing: false, the reason is in the
 *  error queue, and all that may be done with `ssl` is to free it. Set options before: they go
 *  through the record layer. */
bool ossl_set_role(SSL *ssl, bool server);
extern const struct ln_tls_backend ln__tls_openssl; /* also in tls/builtin.h, which lists it */

#endif
