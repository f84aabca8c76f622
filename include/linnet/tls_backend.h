/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_BACKEND_H
#define LN_TLS_BACKEND_H
/**
 * @file tls_backend.h
 * For those who bring their own TLS library: the table behind every TLS and DTLS socket.
 *
 * The filter (src/tls/filter.c) owns states, deadlines, the session store, names, DANE, the DTLS
 * guard and the diagnosis. A back end turns settings into its library's configuration, runs the
 * record and handshake machinery over the I/O functions it is given, and reports facts. It never
 * blocks, never opens a descriptor, and keeps no state outside of its configuration and engine.
 *
 * Life:     config_new -> (start -> handshake* -> read/write* -> close_notify -> stop)* -> config_free
 * Memory:   the filter allocates `engine_bytes` zeroed bytes per socket, start() initialises them,
 *           stop() leaves them ready for another start(). stop() is called once per start(), also
 *           after a start() that failed. What the library allocates beyond that is its own affair,
 *           but stop() and config_free() give all of it back.
 * Threads:  a configuration is shared by the sockets of several threads and is not changed once it is
 *           made, or under the back end's own lock; an engine is one thread's at a time.
 * Time:     env's clocks only (ln_now(), ln_now_unix()), never the library's, so that tests can run
 *           two minutes of retransmissions in a moment. What the library will not give up of its
 *           own clock must be told to users.
 * Errors:   a function that fails describes it in `diag`, which may be NULL, with LN_PHASE_NONE, the
 *           back end's name as origin and its library's own number and text (ln_diag_native), and
 *           fills `facts->reason`, unless that is more than OTHER already; the filter decides phase,
 *           category and sentence, once for all libraries. A record with a phase stands as it is. A
 *           status of `io` other than LN_OK and LN_AGAIN is
 *           returned as it is, and the diagnosis left alone: whoever is below has described it. A
 *           reset is LN_CLOSED there, the end of a stream LN_OK and 0: without close_notify that is
 *           LN_CLOSED with LN_TLS_REASON_EOF.
 * Never:    renegotiation, compression, 0-RTT data, sessions without the extended master secret
 *           before TLS 1.3; nor, unless `insecure_legacy_server`, a server that lacks RFC 5746; nor,
 *           unless `insecure_old_versions`, less than 112 bits of security in keys and certificates.
 * Use:      `options.backend` of tls.h points to your table; nothing is registered.
 * Example:  examples/06_custom_tls, explained in docs/howto-tls-backend.md
 */
#include <linnet/env.h>
#include <linnet/tls.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Why the library gave up, in words that every library shares. */
enum ln_tls_reason {
    LN_TLS_REASON_OTHER = 0,
    LN_TLS_REASON_NOT_TLS, /**< the bytes are no TLS at all */
    LN_TLS_REASON_VERSION,
    LN_TLS_REASON_SUITE,
    LN_TLS_REASON_GROUP,
    LN_TLS_REASON_SIGNATURE,      /**< no signature algorithm in common */
    LN_TLS_REASON_DECRYPT,        /**< a record failed its MAC; a Finished did not verify */
    LN_TLS_REASON_PSK_UNKNOWN,    /**< we are server and do not know the identity */
    LN_TLS_REASON_VERIFY,         /**< the certificate was refused, see ln_tls_io.verify */
    LN_TLS_REASON_NO_CLIENT_CERT, /**< we are server and the client sent none */
    LN_TLS_REASON_MALFORMED,      /**< a message that makes no sense */
    LN_TLS_REASON_UNEXPECTED,     /**< a message out of order */
    LN_TLS_REASON_EOF,            /**< the stream below ended without close_notify */
    LN_TLS_REASON_TIMEOUT,        /**< the library itself gave up waiting */
    LN_TLS_REASON_MEMORY,
    LN_TLS_REASON_CONFIG,
    LN_TLS_REASON_LEGACY, /**< the server does not speak RFC 5746 */
};

/** What happened on a connection so far: written by the back end and the filter, read by the
 *  diagnosis. The filter writes got_bytes, verify*, subject and flights_*; the rest is the back end's,
 *  as it happens. */
struct ln_tls_facts {
    enum ln_tls_reason reason;
    enum ln_alert_from alert_from; /**< the last alert, close_notify aside, also a warning */
    uint8_t alert_level;
    uint8_t alert_number;
    bool alert_derived;      /**< the library hides the number: it was concluded from its error */
    bool closed_by_peer;     /**< close_notify arrived */
    bool address_verified;   /**< DTLS servers: the client returned a valid cookie */
    uint64_t seen;           /**< bit n: handshake message type n < 64 was received */
    uint64_t said;           /**< bit n: handshake message type n < 64 was sent */
    bool got_bytes;          /**< anything at all came from the peer */
    bool certificate_sent;   /**< we sent a certificate that was not empty */
    uint16_t chosen_version; /**< from ServerHello; 0 = none yet */
    uint16_t chosen_suite;
    enum ln_verify verify;
    int verify_native;
    int verify_depth;
    char subject[LN_DIAG_SUBJECT_MAX];
    uint16_t flights_sent;
    uint16_t flights_received;
    uint16_t retransmissions;
};

/** The peer's certificates, for the filter's decision; valid during the verify call. */
struct ln_tls_chain {
    const struct ln_span *certs; /**< DER, leaf first, as sent */
    size_t count;                /**< 1..LN_CHAIN_MAX; a longer chain fails in the back end */
    bool peer_is_client;
    const struct ln_tls_path_ops *ops;
    void *native;
};

/** How a path is to be built. */
struct ln_tls_path_request {
    const struct ln_span *anchors; /**< only these, each an anchor whatever it is; NULL = those of
                                        the configuration */
    size_t anchor_count;
    int64_t at; /**< verification time, seconds since 1970 */
    bool ignore_dates;
};

/** What the library's path building came to. */
struct ln_tls_path {
    enum ln_verify result;
    int native;                             /**< the library's verification code */
    int depth;                              /**< of the failing certificate; 0 = leaf */
    bool built;                             /**< `certs` hold the path */
    size_t count;                           /**< leaf to anchor */
    struct ln_span certs[LN_CHAIN_MAX + 1]; /**< DER, valid during the verify call */
};

struct ln_tls_path_ops {
    /** Build and check a path with the configuration's CRLs, purpose and security level. LN_OK also
     *  when the result is a refusal; anything else is a failure of the machinery. */
    enum ln_status (*build)(const struct ln_tls_chain *chain, const struct ln_tls_path_request *how,
                            struct ln_tls_path *path);
};

/** What the filter gives to an engine. All functions take `ctx` first. */
struct ln_tls_io {
    void *ctx; /**< this and the functions change when an engine that listened goes to its socket:
                    keep the pointer to the struct, not what it holds */
    /** Records to the socket below: a stream may take less; a datagram goes whole. LN_AGAIN: nothing
     *  was taken, see wants_write(). One call is one datagram, with as many records as fit `mtu`. */
    enum ln_status (*send)(void *ctx, struct ln_span data, size_t *sent);
    /** Bytes, or one datagram that passed the guard, from below. LN_OK and 0: end of the stream. */
    enum ln_status (*recv)(void *ctx, struct ln_mspan room, size_t *got);
    /** The peer sent certificates: LN_OK accepts; LN_DENIED refuses, facts->verify tells why, and the
     *  alert to send is the one that fits it. To be called in every full handshake in which any came,
     *  also when a pre-shared key was asked for (it refuses then), but not when a session is
     *  resumed. The library's own opinion of them does not matter. */
    enum ln_status (*verify)(void *ctx, const struct ln_tls_chain *chain);
    /** For `listen` only: 1..32 bytes that stand for the sender of what recv() gave last. */
    struct ln_span (*client_id)(void *ctx);
    /** A session (or ticket) that can be resumed later, once it is known: when the handshake is done,
     *  in TLS 1.3 with each ticket. Only if `resume` is set, and nothing of a server's. The blob is
     *  opaque to the filter and holds all that start() needs, at most LN_SESSION_MAX less the filter's
     *  own head. Borrowed for the call. */
    void (*session)(void *ctx, struct ln_span blob);
    struct ln_tls_facts *facts;
};

/** The private key, as far as it could be told without a library. */
struct ln_tls_key {
    struct ln_span data; /**< one DER object, or one PEM block if `pem`; empty if `uri` is set */
    bool pem;
    const char *password; /**< NULL = none */
    const char *uri;      /**< "pkcs11:..." */
};

/** Options after loading and checking. All borrowed for the call of config_new(), but for `env`,
 *  the functions and what is handed to these: a back end copies what it needs later. */
struct ln_tls_settings {
    const struct ln_env *env;
    bool datagram;
    enum ln_tls_auth auth;
    uint16_t min_version; /**< never 0 */
    uint16_t max_version; /**< never 0 */
    bool insecure_old_versions;
    bool insecure_legacy_server; /**< clients: go on without RFC 5746 */
    const struct ln_span *trust; /**< DER certificates, in the order given */
    size_t trust_count;
    size_t trust_optional; /**< so many at the end are the system's: one that cannot be read is no
                                fault. Only for back ends without LN_TLS_CAP_SYSTEM_TRUST, ... */
    bool system_trust;     /**< ... and this only for those with it */
    bool partial_chain;
    const struct ln_span *crls; /**< DER */
    size_t crl_count;
    enum ln_crl_policy crl_policy;
    const struct ln_span *chain; /**< DER, leaf first, completed if that was asked for */
    size_t chain_count;
    const char *chain_uri; /**< "pkcs11:..." instead of `chain`, or NULL */
    struct ln_tls_key key;
    enum ln_client_auth client_auth;
    struct ln_span psk_identity;
    struct ln_span psk_key;
    enum ln_hash psk_hash;
    const uint16_t *suites; /**< never empty; the mode's own only; a server chooses in this order */
    size_t suite_count;
    bool suites_default;    /**< nobody asked for these in particular: what the library lacks may be
                              left out, and the order may be its own */
    const uint16_t *groups; /**< never empty */
    size_t group_count;
    const uint16_t *signatures; /**< empty = the library's */
    size_t signature_count;
    const char *const *alpn;
    size_t alpn_count;
    uint32_t first_ms;
    uint32_t max_ms;
    bool resume; /**< sessions are wanted */
    /** DTLS clients offer a Connection ID of no bytes (RFC 9146 3): the server gives its own. Only for
     *  back ends with LN_TLS_CAP_CONNECTION_ID. */
    bool connection_id;
    void (*keylog)(void *user, const char *line);
    void *keylog_user;
    enum ln_status (*native_hook)(void *user, void *native);
    void *native_user;
};

/** What an engine is started with. Borrowed for the call of start(), but for `io`, which stays until
 *  stop(). */
struct ln_tls_start {
    enum ln_role role;
    const char *server_name; /**< SNI to send; NULL = none, and always for servers */
    struct ln_span session;  /**< a blob of io->session(), to be tried; empty = none, and always for
                                  servers */
    /** What save() made of an engine with the same settings: this one goes on from there, and
     *  handshake() is done at once. Empty = none. Where it cannot be used start() fails, and is called
     *  again without it. */
    struct ln_span association;
    const struct ln_tls_io *io;
    size_t mtu; /**< DTLS: largest datagram to send */
    /** DTLS servers before the first client is known: handshake() answers ClientHellos without a
     *  valid cookie by HelloVerifyRequests (RFC 6347 4.2.1), keeps nothing of them, and returns
     *  LN_AGAIN. When one brings a valid cookie, facts->address_verified turns true, and handshake()
     *  returns once more: from then on the engine belongs to that client, and handshake() goes on with
     *  it over other functions of `io`. recv() does not give that hello again: keep it. */
    bool listen;
};

/** What an engine knows of its session. */
struct ln_tls_session_info {
    uint16_t version;
    uint16_t suite;
    uint16_t group;
    bool resumed; /**< of an earlier session; never for an external PSK */
    const char *alpn;
    bool cid_in_use;     /**< records to the peer carry a Connection ID */
    size_t cid_overhead; /**< ... which makes each this much longer, at most */
};

/** The retransmission timer of a DTLS handshake (RFC 6347 4.2.4): `first_ms`, doubled for each
 *  retransmission up to `max_ms`, anew for each flight. */
struct ln_tls_timer {
    int64_t left_ms; /**< until it fires; -1 = it does not run */
    uint32_t flight; /**< counts the flights of ours that it was started for */
};

struct ln_tls_backend {
    const char *name; /**< "openssl" */
    /** The linked library: caps (LN_TLS_CAP_*), its version, a warning or NULL. */
    void (*capabilities)(struct ln_tls_capabilities *out);
    size_t engine_bytes;

    /** LN_UNSUPPORTED, LN_BAD_ARG, LN_DENIED, LN_NO_MEMORY: diag names the field. What the library
     *  cannot do is refused here, with LN_UNSUPPORTED, and never quietly left out: suites, groups and
     *  signatures in the order given, unless `suites_default`. */
    enum ln_status (*config_new)(const struct ln_tls_settings *settings, struct ln_diag *diag,
                                 void **config);
    void (*config_free)(void *config);

    enum ln_status (*start)(void *engine, void *config, const struct ln_tls_start *how,
                            struct ln_diag *diag);
    /**
     * LN_OK done, LN_AGAIN waits for the peer (or, if wants_write(), for room below).
     *
     * DTLS: called after the retransmission timer fired, it sends the last flight again, but never
     * while records of its own still wait for room. When the wait of `max_ms` has passed in vain,
     * nothing is sent any more and the result is LN_TIMEOUT, unless the answer has just come. A flight
     * that nothing answers (the last one) is sent again when the peer repeats its own, also by read().
     */
    enum ln_status (*handshake)(void *engine, struct ln_diag *diag);
    /** DTLS: the retransmission timer. */
    void (*timer)(const void *engine, struct ln_tls_timer *out);
    /** DTLS: use smaller handshake datagrams from now on, also for what is sent again. */
    void (*set_mtu)(void *engine, size_t mtu);
    /** Whether the last call ended because io->send() had no room. */
    bool (*wants_write)(const void *engine);

    /** Streams: LN_OK and what was taken, which may be less. LN_AGAIN: the same bytes will come again,
     *  perhaps with more behind them. Datagrams: one record in one datagram, or LN_AGAIN and nothing of
     *  it is kept; LN_NO_SPACE if the library has no record of that size. Nothing to say at all (an
     *  empty datagram): LN_UNSUPPORTED if the library has no such record. */
    enum ln_status (*write)(void *engine, struct ln_span plain, size_t *used, struct ln_diag *diag);
    /** Streams: LN_OK and 0 = close_notify. Datagrams: one record; LN_NO_SPACE if it was longer than
     *  the room, *full its length and the rest is gone; LN_CLOSED = close_notify. An empty room asks
     *  whether anything is there (LN_OK), and takes nothing of it. LN_AGAIN: io->recv() has no more. */
    enum ln_status (*read)(void *engine, struct ln_mspan room, size_t *got, size_t *full,
                           struct ln_diag *diag);
    /** Whether read() may give more without anything new from below. */
    bool (*pending)(const void *engine);
    void (*info)(const void *engine, struct ln_tls_session_info *out);
    enum ln_status (*peer_certificate)(const void *engine, size_t index, struct ln_mspan room,
                                       size_t *len);
    /** Say close_notify if the connection is healthy; best effort, never waits. */
    void (*close_notify)(void *engine);
    /**
     * Give the association away, whole: keys, record numbers, replay window. The engine is of no use
     * afterwards, whatever the result. NULL: this library cannot.
     * @retval LN_UNSUPPORTED  not with this cipher suite
     * @retval LN_NO_SPACE     it is longer than the room
     * @retval LN_AGAIN        not now: something waits to be sent or read, or a flight for its answer
     */
    enum ln_status (*save)(void *engine, struct ln_mspan room, size_t *len);
    void (*stop)(void *engine);

    /* helpers that need cryptography */
    enum ln_status (*hash)(enum ln_hash hash, const struct ln_span *parts, size_t count,
                           uint8_t out[LN_HASH_MAX]);
    /** Digests in pieces; `ctx` is NULL. NULL: the library has none, see digest.h. */
    const struct ln_digest_ops *digest;
    /** Whether `issuer` signed `cert` (names, key identifiers and signature); both DER. */
    bool (*issued)(struct ln_span cert, struct ln_span issuer);
};

#ifdef __cplusplus
}
#endif
#endif
