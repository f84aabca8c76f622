/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CUSTOM_TLS_BACKEND_H
#define CUSTOM_TLS_BACKEND_H
/**
 * @file backend.h
 * What the files of this back end share.
 *
 * table.c    the table, capabilities     engine.c     handshake, read, write, close
 * config.c   settings -> credentials     transport.c  GnuTLS's bytes <-> the filter's functions
 * suites.c   ids -> priority string      inbox.c      DTLS: messages whole and in order
 * keys.c     certificates, keys, CRLs    outbox.c     DTLS: cut to the MTU, and a queue
 * psk.c      pre-shared keys             flight.c     DTLS: when ours goes out, and again
 * verify.c   the filter decides          listen.c     DTLS: cookies before anything is kept
 * path.c     paths for its policy        session.c    messages seen, key log, resumption
 * check.c    whether a path holds        error.c      codes -> reason, alert, diagnosis
 *
 * Ownership: a `struct gtls_config` owns everything that its sessions share, and nothing in it changes
 * once it is made; a `struct gtls_engine` owns its session and borrows the configuration.
 */
#include "custom_tls.h"
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/** The largest DTLS record of a correct peer: header, plaintext, expansion (RFC 6347 4.1). */
#define GTLS_DATAGRAM_MAX (13 + 16384 + 2048)
/** The most datagrams that are taken from below in one call. */
#define GTLS_DATAGRAMS_PER_CALL 32
#define GTLS_ALPN_MAX 8

/** Certificates that paths are built with. */
struct gtls_trust {
    gnutls_x509_crt_t *anchors; /**< self-signed ones; all of them for `partial_chain` */
    size_t anchor_count;
    gnutls_x509_crt_t *helpers; /**< the other ones: they may stand between */
    size_t helper_count;
    gnutls_x509_crl_t *crls;
    size_t crl_count;
    enum ln_crl_policy crl_policy;
    unsigned flags; /**< GNUTLS_VERIFY_*, with the profile */
};

struct gtls_config {
    const struct ln_env *env;
    bool datagram;
    enum ln_tls_auth auth;
    enum ln_client_auth client_auth;
    uint16_t min_version;
    uint16_t max_version;
    bool resume;
    uint32_t first_ms;
    uint32_t max_ms;
    gnutls_priority_t priority;
    gnutls_priority_t client_priority;
    gnutls_certificate_credentials_t certificates;
    gnutls_psk_client_credentials_t psk_client; /**< NULL without PSK */
    gnutls_psk_server_credentials_t psk_server;
    struct ln_mspan psk_identity; /**< servers: whom we know */
    struct ln_mspan psk_key;
    struct gtls_trust trust;
    char alpn_names[GTLS_ALPN_MAX][33];
    gnutls_datum_t alpn[GTLS_ALPN_MAX];
    unsigned alpn_count;
    gnutls_datum_t ticket_key;
    uint8_t cookie_key[32];
    void (*keylog)(void *user, const char *line);
    void *keylog_user;
};

/** DTLS: when our flight is due again. GnuTLS has no part in it, see flight.c. */
struct gtls_flight {
    uint32_t number;
    bool composing;   /**< GnuTLS has made a message that was not sent yet */
    bool begun;       /**< ... and the first datagram of that flight is out */
    bool again;       /**< the timer fired: this call sends the flight once more */
    bool counted;     /**< ... and that was counted */
    uint64_t place;   /**< of the record that left last */
    ln_msec due;      /**< LN_NEVER: no timer runs */
    uint32_t wait_ms; /**< the wait that ends then */
    ln_msec repeated; /**< behind the handshake: when the last flight went out again */
};

/** Streams in a handshake: what the records say of themselves, see transport.c. */
struct gtls_framing {
    uint8_t header[5];
    size_t header_len;
    size_t body_left;
    uint8_t alert[2]; /**< of a record that is an alert in plain text, the last one */
    size_t alert_len;
    bool begun;
    bool not_tls; /**< the first byte begins no record of TLS */
};

struct gtls_inbox; /* inbox.h */

/** DTLS: what is on its way out, see outbox.h. */
struct gtls_outbox {
    uint8_t *queue; /**< handshake datagrams that found no room: length, bytes, length, ... */
    size_t queue_len;
    uint64_t number; /**< of the next record in plain text */
    bool numbered;   /**< GnuTLS has said where the numbers begin */
};

struct gtls_engine {
    struct gtls_config *config;
    const struct ln_tls_io *io;
    struct ln_tls_facts *facts;
    gnutls_session_t session;
    enum ln_role role;
    size_t mtu;
    enum ln_status io_status; /**< what the socket below failed with, LN_OK if it did not */
    bool pulled;              /**< bytes came from below in this call */
    bool ended;               /**< the stream below did */
    bool write_blocked;       /**< the socket below took nothing */
    bool listening;
    bool open;
    bool failed;
    bool resumed;
    bool unconfirmed; /**< TLS 1.3: our certificate may still be refused */
    bool ticket_new;  /**< a ticket came that was not handed on yet */
    bool no_version;  /**< servers: the client offers none of ours */
    bool psk_found;   /**< servers: the client's identity is the one we know */
    struct gtls_framing framing;
    char alpn[33];
    size_t unsent; /**< streams: bytes of the record that GnuTLS could not get rid of */

    /* what was received and not consumed yet */
    gnutls_packet_t packet;
    struct ln_span plain; /**< what is left of it; of a datagram, all of it */

    /* DTLS */
    struct gtls_flight flight;
    struct gtls_inbox *inbox;
    unsigned datagrams; /**< taken from below in this call */
    struct gtls_outbox outbox;
};

/* config.c */
enum ln_status gtls_config_new(const struct ln_tls_settings *settings, struct ln_diag *diag,
                               void **config);
void gtls_config_free(void *config);

/* suites.c */
enum ln_status gtls_set_priority(struct gtls_config *c, const struct ln_tls_settings *s,
                                 struct ln_diag *diag);
/** The IANA id of what was agreed; 0 = none. */
uint16_t gtls_suite_id(gnutls_session_t session);
uint16_t gtls_group_id(gnutls_session_t session);
uint16_t gtls_version_id(gnutls_session_t session);

/* keys.c */
enum ln_status gtls_set_trust(struct gtls_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag);
void gtls_free_trust(const struct ln_env *env, struct gtls_trust *trust);
enum ln_status gtls_set_own(struct gtls_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag);
/** Read DER. Negative: GnuTLS's code, and *out is NULL. */
int gtls_certificate(struct ln_span der, gnutls_x509_crt_t *out);

/* psk.c */
enum ln_status gtls_set_psk(struct gtls_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag);
int gtls_set_psk_of(struct gtls_engine *e);

/* transport.c */
int gtls_set_transport(struct gtls_engine *e);
/** DTLS: whether something is there for GnuTLS; takes datagrams from below as need be. */
bool gtls_has_record(struct gtls_engine *e);
/** DTLS: take one datagram from below into the inbox. */
bool gtls_receive(struct gtls_engine *e);

/* flight.c */
void gtls_flight_begin(struct gtls_engine *e);
/** GnuTLS composed a handshake message. */
void gtls_flight_composed(struct gtls_engine *e);
/** A record is about to leave: whether it may. */
bool gtls_flight_permits(struct gtls_engine *e, struct ln_span record);
/** A record was received. */
void gtls_flight_answered(struct gtls_engine *e);
/** At the start of a handshake call. False: the longest wait has passed in vain. */
bool gtls_flight_step(struct gtls_engine *e, ln_msec now);
void gtls_flight_end(struct gtls_engine *e);
void gtls_flight_timer(const void *engine, struct ln_tls_timer *out);

/* listen.c */
enum ln_status gtls_listen(struct gtls_engine *e);

/* session.c */
/** Have GnuTLS report what it sends and receives, and keep an eye on tickets. */
void gtls_watch(struct gtls_engine *e);
void gtls_offer_session(struct gtls_engine *e, struct ln_span blob);
/** Hand on what can be resumed, if there is something new. */
void gtls_store_session(struct gtls_engine *e);

/* verify.c */
int gtls_verify(gnutls_session_t session);
bool gtls_issued(struct ln_span cert, struct ln_span issuer);

/* path.c */
enum ln_status gtls_build(const struct ln_tls_chain *chain, const struct ln_tls_path_request *how,
                          struct ln_tls_path *path);
/** One certificate under verification, and its bytes. */
struct gtls_cert {
    gnutls_x509_crt_t crt;
    struct ln_span der;
};
/** ln_tls_chain.native: what lives as long as the verification. */
struct gtls_verifying {
    const struct gtls_trust *trust;
    bool peer_is_client;
    struct gtls_cert sent[LN_CHAIN_MAX];
    size_t sent_count;
    gnutls_datum_t exported[LN_CHAIN_MAX + LN_TLSA_MAX]; /**< DER of anchors */
    size_t exported_count;
};

/* error.c */
/** A call failed for good: facts, status and diagnosis, and the alert that the peer deserves. */
enum ln_status gtls_fail(struct gtls_engine *e, int code, struct ln_diag *diag);
/** The same for configuration calls: `what` names the field. */
enum ln_status gtls_config_fail(struct ln_diag *diag, enum ln_status status, int code,
                                const char *what);
enum ln_status gtls_no_memory(struct ln_diag *diag);
/** An alert came from the peer. */
void gtls_note_alert(struct gtls_engine *e, int code);

#endif
