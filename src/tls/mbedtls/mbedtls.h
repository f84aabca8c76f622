/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_MBEDTLS_H
#define LN_TLS_MBEDTLS_H
/**
 * @file mbedtls.h
 * What the files of the Mbed TLS back end share. Mbed TLS 3.6, public functions and fields only.
 *
 * config.c  settings -> mbedtls_ssl_config    engine.c  handshake, read, write
 * keys.c    certificates, CRLs, keys          bio.c     the library's bytes and timers <-> the filter
 * offers.c  suites, groups, signatures        watch.c   what the records say in plain text
 * digest.c  hash functions
 * cookie.c  who is there, for listeners        path.c    the search for paths
 * session.c tickets, sessions, Connection ID  verify.c  path building for the filter's policy
 * error.c   error codes -> status, reason     compat.h  versions and configurations
 *
 * Ownership: a `struct mbed_config` owns all that is loaded once, and one mbedtls_ssl_config for each
 * role. An engine has a copy of the one it needs, since several of the library's callbacks are told
 * their configuration and not their connection; the copy borrows what the original owns.
 *
 * Memory: the library's own comes from mbedtls_calloc(), which is the C library's unless the program
 * has called mbedtls_platform_set_calloc_free(), and that is for the whole process. Randomness: TLS
 * 1.2 takes it from the environment; TLS 1.3 uses the library's PSA, which has its own.
 */
#include "compat.h"
#include <linnet/tls_backend.h>

/** The largest plaintext of one record (RFC 5246 6.2.1). */
#define MBED_PLAINTEXT_MAX 16384
/* RFC 8446 6.2; the library's headers lack them. */
#define MBED_ALERT_MISSING_EXTENSION 109
#define MBED_ALERT_CERTIFICATE_REQUIRED 116

/** When a CRL is current. */
struct mbed_crl {
    struct ln_span issuer; /**< Name, DER; part of the CRL that config->crls holds */
    int64_t this_update;
    bool has_next_update;
    int64_t next_update;
};

struct mbed_config {
    const struct ln_env *env;
    bool datagram;
    bool psk;
    uint16_t min_version;
    uint16_t max_version;
    bool resume;
    bool connection_id;
    bool has_chain;
    bool partial_chain;
    bool weak; /**< old keys and signatures are good enough */
    enum ln_client_auth client_auth;
    enum ln_crl_policy crl_policy;
    uint32_t first_ms;
    uint32_t max_ms;
    mbedtls_ssl_config role[2]; /**< by enum ln_role */
    mbedtls_x509_crt anchors;
    mbedtls_x509_crt helpers; /**< trusted ones that are no anchors: they may complete a path */
    mbedtls_x509_crt nobody;  /**< an empty list, where the library insists on one */
    mbedtls_x509_crl crls;
    struct mbed_crl *crl_dates;
    size_t crl_count;
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
    mbedtls_ssl_ticket_context tickets;
    uint8_t cookie_secret[32];
    int *suites; /**< ends with 0, as the next two */
    uint16_t *groups;
    uint16_t *signatures;
    const char **alpn; /**< ends with NULL; one block with its strings */
    void (*keylog)(void *user, const char *line);
    void *keylog_user;
};

/** The retransmission timer, on the environment's clock. */
struct mbed_timer {
    bool runs;
    bool frozen;    /**< does not fire: first look whether an answer waits */
    bool repeats;   /**< it fired: what it is set for next is a retransmission */
    bool sent;      /**< something was sent since it was set, */
    bool announced; /**< ... and it was set for that */
    ln_msec between;
    ln_msec ends;
    uint32_t flight;
};

#define MBED_LACKS_VERSION 1u
#define MBED_LACKS_SUITE 2u
#define MBED_LACKS_GROUP 4u
#define MBED_LACKS_SIGNATURE 8u

#define MBED_MESSAGE_ROOM 512

/** What is known from records that are not encrypted; see watch.c. */
struct mbed_watch {
    bool encrypted[2]; /**< by direction: received, sent */
    uint8_t header[5]; /**< streams: of the record under way */
    size_t header_len;
    size_t record_left;
    uint8_t *
        message; /**< streams, until the handshake is over: the first MBED_MESSAGE_ROOM bytes of the
                       *   message under way, header and all; else NULL */
    size_t message_seen;  /**< of it, so far; `message` has the first of them */
    size_t message_total; /**< known from the fourth byte on */
    uint8_t alert[2];
    size_t alert_len;
    uint16_t group;
    bool ems;        /**< extended master secret was agreed on */
    bool ticket;     /**< a NewSessionTicket was sent in plain text */
    bool psk_chosen; /**< TLS 1.3 */
    uint16_t psk_index;
    uint16_t psk_offered; /**< TLS 1.3: identities in our ClientHello */
    unsigned sealed;      /**< TLS 1.3: encrypted records sent in the handshake */
    size_t first_sealed_len;
    bool alert_sent; /**< in plain text or not */
    unsigned lacks;  /**< servers: MBED_LACKS_*, what the client has not in common with us */
};

/** A certificate of the path that the library built, leaf last, as it reports them. */
struct mbed_item {
    mbedtls_x509_crt *cert;
    uint32_t flags; /**< MBEDTLS_X509_BADCERT_*, _BADCRL_* */
};
#define MBED_ITEMS_MAX (LN_CHAIN_MAX + 2)

struct mbed_path {
    size_t count;
    struct mbed_item items[MBED_ITEMS_MAX]; /**< leaf first */
};

struct mbed_engine {
    mbedtls_ssl_config conf;
    mbedtls_ssl_context ssl;
    struct mbed_config *config;
    const struct ln_tls_io *io;
    struct ln_tls_facts *facts;
    enum ln_role role;
    size_t mtu;
    struct mbed_timer timer;
    struct mbed_watch watch;
    enum ln_status io_status; /**< what the socket below failed with, LN_OK if it did not */
    size_t unsent;            /**< of what the library wants to send: the rest, seen already */
    size_t half_written;      /**< plaintext of a record that met no room below; 0 = none */
    bool half_waits;          /**< it has not left yet */
    bool eof;                 /**< the stream below ended */
    bool write_blocked;       /**< the socket below took nothing */
    bool starved;             /**< the socket below had nothing more to give */
    bool listening;           /**< no cookie was verified yet */
    struct ln_span hello;     /**< during a call: what the library is to receive first */
    uint8_t hello_seq[6];     /**< the record number of what a listener took, */
    bool from_listener;       /**< ... if one did */
    int hello_error;          /**< listening: what the first hello with a good cookie came to */
    bool denied;              /**< the filter refused the peer's certificate, */
    uint8_t objection;        /**< ... and this is still to be said, as an alert */
    bool vouched;             /**< ... or accepted it */
    bool muted;               /**< an alert was sent: the library's own would be the second one */
    bool open;
    bool failed;
    bool resumed;
    bool cid;         /**< what we send carries a Connection ID, */
    size_t cid_len;   /**< ... of so many bytes */
    bool unconfirmed; /**< TLS 1.3: our certificate may still be refused */
    bool peer_closed; /**< close_notify arrived */
    bool session_offered;
    bool no_ticket_key;     /**< servers: a ticket would be worse than none */
    bool ticket_taken;      /**< servers: what the client showed last was a ticket of ours */
    struct mbed_path *path; /**< during a call of handshake(); else NULL */
};

/* config.c */
enum ln_status mbed_config_new(const struct ln_tls_settings *settings, struct ln_diag *diag,
                               void **config);
void mbed_config_free(void *config);
/** For the library: randomness of the environment. */
int mbed_random(void *env, unsigned char *room, size_t len);

/* keys.c */
enum ln_status mbed_set_trust(struct mbed_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag);
enum ln_status mbed_set_own(struct mbed_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag);

/* digest.c */
enum ln_status mbed_hash(enum ln_hash hash, const struct ln_span *parts, size_t count,
                         uint8_t out[LN_HASH_MAX]);
extern const struct ln_digest_ops mbed_digest;

/* offers.c */
enum ln_status mbed_set_offers(struct mbed_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag);

/* bio.c */
int mbed_send(void *engine, const unsigned char *data, size_t len);
int mbed_recv(void *engine, unsigned char *room, size_t len);
void mbed_set_timer(void *engine, uint32_t between_ms, uint32_t end_ms);
int mbed_get_timer(void *engine);
bool mbed_timer_expired(const struct mbed_engine *e);

/* cookie.c */
/** Whether this is a ClientHello with the right cookie. One with another or none is answered. */
bool mbed_proves_address(struct mbed_engine *e, struct ln_span datagram);
int mbed_cookie_write(void *engine, unsigned char **p, unsigned char *end, const unsigned char *id,
                      size_t id_len);
int mbed_cookie_check(void *engine, const unsigned char *cookie, size_t cookie_len,
                      const unsigned char *id, size_t id_len);

/* watch.c */
/** Room for what the next function looks at. False: no memory. */
bool mbed_watch_begin(struct mbed_engine *e);
/** From now on all is encrypted. Also when nothing was begun. */
void mbed_watch_end(struct mbed_engine *e);
/** Servers: where the library's alert misleads, the number that fits; else the same. */
uint8_t mbed_better_alert(const struct mbed_engine *e, uint8_t number);
/** Whole records, as they leave. */
void mbed_watch_sent(struct mbed_engine *e, struct ln_span records);
/** Bytes of a stream in any pieces, or a datagram. */
void mbed_watch_received(struct mbed_engine *e, struct ln_span data);
/** The debug callback. */
void mbed_watch_debug(void *engine, int level, const char *file, int line, const char *text);

/* engine.c */
/** TLS 1.3 servers: why this client must not come in, as an alert; 0 = it may. */
uint8_t mbed_objection(const struct mbed_engine *e);
/** Servers: our ServerHello is out. */
void mbed_version_chosen(struct mbed_engine *e);

/* session.c */
int mbed_ticket_write(void *engine, const mbedtls_ssl_session *session, unsigned char *start,
                      const unsigned char *end, size_t *len, uint32_t *lifetime);
int mbed_ticket_parse(void *engine, mbedtls_ssl_session *session, unsigned char *data, size_t len);
void mbed_offer_session(struct mbed_engine *e, struct ln_span blob);
/** @return an error of the library, or 0: no handshake is needed */
int mbed_restore(struct mbed_engine *e, struct ln_span association);
enum ln_status mbed_save_association(void *engine, struct ln_mspan room, size_t *len);
/** Hand the current session to the filter. */
void mbed_store_session(struct mbed_engine *e);
void mbed_export_keys(void *engine, mbedtls_ssl_key_export_type type, const unsigned char *secret,
                      size_t secret_len, const unsigned char client_random[32],
                      const unsigned char server_random[32], mbedtls_tls_prf_types prf);

/* verify.c */
/** Which keys and signatures a path may have. */
const mbedtls_x509_crt_profile *mbed_profile(const struct mbed_config *c);
/** For mbedtls_ssl_set_verify(). */
int mbed_verify(void *engine, mbedtls_x509_crt *cert, int depth, uint32_t *flags);
/** Send a fatal alert, and nothing more in this call. */
void mbed_say(struct mbed_engine *e, uint8_t alert);
bool mbed_issued(struct ln_span cert, struct ln_span issuer);

/* error.c */
/** Turn an error of the library into diag and facts->reason, and tell the peer if it does not know. */
enum ln_status mbed_fail(struct mbed_engine *e, int error, struct ln_diag *diag);
/** The same for configuration calls: `what` names the field. */
enum ln_status mbed_config_fail(struct ln_diag *diag, enum ln_status status, int error,
                                const char *what);
/** The module's part of a code. */
int mbed_high(int error);
/** Whether memory was lacking. */
bool mbed_is_memory(int error);

/* engine.c */
extern const struct ln_tls_backend ln__tls_mbedtls; /* also in tls/builtin.h, which lists it */

#endif
