/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_H
#define LN_TLS_H
/**
 * @file tls.h
 * Security settings for TLS and DTLS: an immutable, shared object that is checked once.
 *
 * Life:     fill `struct ln_tls_options` -> ln_tls_config_new -> any number of sockets ->
 *           ln_tls_config_unref. Each socket holds a reference of its own.
 * Threads:  a configuration may be used by sockets of several threads; its count is atomic.
 * Memory:   one native context of the TLS library per configuration. Options, and all they point
 *           to, are borrowed for the call; keys are copied and wiped on release.
 * Errors:   bad settings fail here, never in a handshake, with a sentence that names the field.
 *           Nothing falls back silently: what the library cannot do is LN_UNSUPPORTED.
 * Default:  all zero (LN_TLS_OPTIONS_INIT) verifies the peer and trusts nobody. Whatever weakens
 *           that is spelled insecure_.
 */
#include <linnet/cpp.h>
#include <linnet/sock.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ln_tls_config;
struct ln_tls_backend; /* tls_backend.h */

/** Seconds since 1970 of 2026-11-01: no clock of a device that runs this can be right below it. */
#define LN_TIME_FLOOR INT64_C(1793491200)

/* Protocol versions, as on the wire. For DTLS use the LN_DTLS_ names. */
#define LN_TLS_1_0 0x0301
#define LN_TLS_1_1 0x0302
#define LN_TLS_1_2 0x0303
#define LN_TLS_1_3 0x0304
#define LN_DTLS_1_0 0xfeff
#define LN_DTLS_1_2 0xfefd
#define LN_DTLS_1_3 0xfefc

/* ---- where credentials come from ---- */

enum ln_source_kind {
    LN_SOURCE_NONE = 0,
    LN_SOURCE_MEMORY,    /**< `data` */
    LN_SOURCE_FILE,      /**< `path`, through env->files */
    LN_SOURCE_DIRECTORY, /**< `path`: every file in it; trust and CRLs only; what cannot be read is
                              skipped, but something must be found */
    LN_SOURCE_URI,       /**< `path`: "pkcs11:..." (RFC 7512), for the own chain (one certificate)
                              and key; see docs/howto-pkcs11.md */
    LN_SOURCE_LIST,      /**< `list`, `count`; at most four levels deep */
};

/**
 * A credential. PEM or DER is told apart by content, never by name: PEM with comments before it,
 * a BOM, any line ends, several objects; DER alone or concatenated; PKCS#7 bundles of certificates.
 */
struct ln_source {
    enum ln_source_kind kind;
    struct ln_span data;
    const char *path;
    const char *password; /**< of an encrypted key; of a key's URI the PIN; NULL = none;
                                        never asked for */
    const struct ln_source *list;
    size_t count;
};

static inline struct ln_source ln_source_file(const char *path)
{
    struct ln_source s;
    memset(&s, 0, sizeof s);
    s.kind = LN_SOURCE_FILE;
    s.path = path;
    return s;
}

static inline struct ln_source ln_source_memory(const void *data, size_t len)
{
    struct ln_source s;
    memset(&s, 0, sizeof s);
    s.kind = LN_SOURCE_MEMORY;
    s.data = ln_span(data, len);
    return s;
}

static inline struct ln_source ln_source_directory(const char *path)
{
    struct ln_source s = ln_source_file(path);
    s.kind = LN_SOURCE_DIRECTORY;
    return s;
}

static inline struct ln_source ln_source_uri(const char *uri)
{
    struct ln_source s = ln_source_file(uri);
    s.kind = LN_SOURCE_URI;
    return s;
}

static inline struct ln_source ln_source_list(const struct ln_source *list, size_t count)
{
    struct ln_source s;
    memset(&s, 0, sizeof s);
    s.kind = LN_SOURCE_LIST;
    s.list = list;
    s.count = count;
    return s;
}

/* ---- DANE (RFC 6698, RFC 7671) ---- */

#define LN_TLSA_PKIX_TA 0
#define LN_TLSA_PKIX_EE 1
#define LN_TLSA_DANE_TA 2
#define LN_TLSA_DANE_EE 3
#define LN_TLSA_EXACT 0
#define LN_TLSA_SHA256 1
#define LN_TLSA_SHA512 2
/** SHA-384 has no number in DNS; LwM2M has one (Security /0 resource 13). A private number. */
#define LN_TLSA_SHA384 0xf0

struct ln_tlsa {
    uint8_t usage;    /**< 0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE */
    uint8_t selector; /**< 0 whole certificate, 1 SubjectPublicKeyInfo */
    uint8_t matching; /**< LN_TLSA_EXACT, _SHA256, _SHA384, _SHA512 */
    struct ln_span data;
};

/* ---- sessions that survive ---- */

/**
 * Where sessions are kept between connections, and over restarts.
 *
 * `key` is 32 hexadecimal digits: 30 that stand for the peer, and two for what is kept of it; the
 * blob itself tells for which settings. Blobs hold secrets: keep them as safe as a private key. A
 * damaged, old or foreign blob is ignored.
 *
 * With Connection ID, an association that was closed is kept too, and used once: `remove` must be
 * durable before it returns, so that after a crash it is not used again. Never put an old copy of a
 * whole store back, by a backup or a snapshot of the machine: old record numbers would come back with
 * it, and with them the secrets of what they encrypted. Clear the store then.
 */
struct ln_session_store {
    /** LN_OK, LN_NOT_FOUND, or LN_NO_SPACE with *len = the size needed. */
    enum ln_status (*load)(void *ctx, const char *key, struct ln_mspan room, size_t *len);
    enum ln_status (*save)(void *ctx, const char *key, struct ln_span blob);
    enum ln_status (*remove)(void *ctx, const char *key);
    void *ctx;
};

/** The largest session blob that is stored. Larger ones are not resumed (and that is logged). */
#define LN_SESSION_MAX 16384

/** A store in one folder (which must exist), a file per session, replaced atomically. */
struct ln_session_folder {
    const struct ln_env *env;
    const char *path; /**< borrowed; at most 200 bytes */
};
LN_API struct ln_session_store ln_session_store_folder(struct ln_session_folder *folder);

/** What is kept of one peer: a session, and with Connection ID an association and its seal. */
#define LN_SLOT_ENTRIES 3

/** A store in memory for one peer: what is kept of another drives it out. All zero is empty; what is in
 *  it is the store's. Gone with the process. */
struct ln_session_slot {
    struct {
        char key[33];
        size_t len; /**< 0 = none */
    } entry[LN_SLOT_ENTRIES];
    uint8_t blob[LN_SESSION_MAX];
};
LN_API struct ln_session_store ln_session_store_slot(struct ln_session_slot *slot);

/* ---- the options ---- */

/** How the peer proves who it is. */
enum ln_tls_auth {
    LN_AUTH_CERTIFICATE = 0,    /**< PKIX path to `trust`, and the name */
    LN_AUTH_PSK,                /**< both sides know `psk_key`; a certificate ends the handshake */
    LN_AUTH_DANE,               /**< TLSA records; without any set, as LN_AUTH_CERTIFICATE */
    LN_AUTH_DANE_OPPORTUNISTIC, /**< records of usage 2 and 3 are enforced where there are any;
                                     otherwise nobody is authenticated (RFC 7672 terms) */
};

enum ln_crl_policy {
    LN_CRL_IF_PRESENT = 0, /**< an issuer without a CRL is accepted */
    LN_CRL_ALL,            /**< every certificate of the path needs a current CRL */
};

enum ln_client_auth {
    LN_CLIENT_AUTH_NONE = 0, /**< servers: do not ask for a client certificate */
    LN_CLIENT_AUTH_REQUEST,  /**< ask; none is accepted, a bad one is not */
    LN_CLIENT_AUTH_REQUIRE,
};

/** Connection ID (RFC 9146): a server that gives one out finds the association again after our address
 *  has changed, and after a restart of ours, without a handshake. We ask for none of our own. */
enum ln_connection_id {
    LN_CID_AUTO = 0, /**< DTLS clients offer it where the TLS library has it */
    LN_CID_OFFER,    /**< they offer it; LN_UNSUPPORTED where the library does not have it */
    LN_CID_OFF,
};

enum ln_close_policy {
    /** TLS: close_notify at close of a healthy connection. DTLS: only without a session store and
     *  without Connection ID, since many servers forget the association at the alert. */
    LN_CLOSE_AUTO = 0,
    LN_CLOSE_NOTIFY,
    LN_CLOSE_SILENT,
};

struct ln_tls_options {
    size_t size; /**< set by LN_TLS_OPTIONS_INIT */
    /** The TLS library: NULL = the first of ln_tls_builtin(), or a table of your own. */
    const struct ln_tls_backend *backend;
    enum ln_tls_auth auth;

    uint16_t min_version;       /**< 0 = TLS 1.2 or DTLS 1.2 */
    uint16_t max_version;       /**< 0 = the newest the library has */
    bool insecure_old_versions; /**< allow TLS 1.0, 1.1 and DTLS 1.0, with their old signatures */
    /** Talk to a server of TLS 1.2 or DTLS 1.2 that does not speak RFC 5746: one that renegotiates
     *  can be made to take another client's bytes for the beginning of ours. Servers on Californium
     *  before 3.8 (Leshan 1.x, and 2.x up to M9) and on older tinydtls need it, and cannot
     *  renegotiate at all. */
    bool insecure_legacy_server;

    /* certificates */
    struct ln_source trust; /**< only self-signed ones are anchors, unless partial_chain */
    bool system_trust;      /**< also the system's CA bundle; read once per configuration */
    bool partial_chain;     /**< every certificate of `trust` is an anchor */
    struct ln_source crls;
    enum ln_crl_policy crl_policy;
    struct ln_source chain; /**< own certificate first, then its issuers */
    struct ln_source key;   /**< required with chain; must match its first certificate */
    bool complete_chain;    /**< append missing issuers found in `trust` (RFC 8446 4.4.2) */
    bool insecure_skip_verification; /**< accept any certificate; the result is still recorded */
    bool insecure_skip_name;         /**< verify the path, but not the name */
    enum ln_client_auth client_auth; /**< servers */

    /* pre-shared key */
    struct ln_span psk_identity; /**< 1..255 bytes; OpenSSL: no NUL inside */
    struct ln_span psk_key;      /**< 1..256 bytes */
    enum ln_hash psk_hash;       /**< TLS 1.3: the hash the key is bound to; SHA-256 or SHA-384 */

    /* DANE */
    const struct ln_tlsa *tlsa; /**< copied; a socket may set its own, see ln_sock_set_tlsa() */
    size_t tlsa_count;
    bool dane_ee_strict; /**< usage 3 also checks name and dates (RFC 7671 5.1 does not) */

    /* what is offered, by IANA id, most wanted first, and for a server: what is chosen first; empty =
     * the defaults in docs/errors.md */
    const uint16_t *suites;
    size_t suite_count;
    const uint16_t *groups;
    size_t group_count;
    const uint16_t *signatures;
    size_t signature_count;
    const char *const *alpn; /**< protocol names of 1..32 bytes, at most 8 */
    size_t alpn_count;

    /* time */
    uint32_t handshake_first_ms; /**< DTLS: first retransmission; 0 = 1000; 1..4294000 */
    uint32_t handshake_max_ms;   /**< DTLS: doubling stops here, and after a wait of this length the
                                      handshake fails; 0 = 60000; at least handshake_first_ms */
    uint32_t handshake_total_ms; /**< TLS: limit for the whole handshake; 0 = 60000. DTLS: 0 = only
                                      the schedule above */
    int64_t time_floor;          /**< seconds since 1970; a wall clock below it counts as wrong and
                                      this is used instead; 0 = LN_TIME_FLOOR */
    uint16_t mtu;                /**< DTLS: largest handshake datagram; 0 = what the socket below
                                      tells, at most 1200; else 208..4000. A longer ClientHello is
                                      cut, and then servers of Mbed TLS do not answer: below 256,
                                      name few suites */

    enum ln_connection_id connection_id; /**< DTLS */
    enum ln_close_policy close_policy;
    const struct ln_session_store *sessions; /**< NULL = no resumption; the structure is copied, its
                                                  ctx must outlive the configuration */

    /** One line of an NSS key log (SSLKEYLOGFILE) per secret: whoever has it reads the traffic. */
    void (*insecure_keylog)(void *user, const char *line);
    void *keylog_user;
    /** Called last with the library's native configuration ("SSL_CTX *" for OpenSSL). Anything but
     *  LN_OK fails the creation. */
    enum ln_status (*native_hook)(void *user, void *native);
    void *native_user;
};
#define LN_TLS_OPTIONS_INIT LN__SIZED(struct ln_tls_options)

/** The most TLSA records of one configuration or socket. */
#define LN_TLSA_MAX 32
/** The longest certificate chain that is accepted, and configured. */
#define LN_CHAIN_MAX 10
/** Limits of what is read from one source, in bytes. */
#define LN_CREDENTIAL_MAX (4u << 20)

/**
 * Check the options and make a configuration.
 *
 * @param env      borrowed until the last reference is gone
 * @param kind     LN_TLS or LN_DTLS
 * @param options  borrowed for the call
 * @param diag     may be NULL; on failure names the field
 * @param out      *out must be NULL; receives one reference, the caller's
 * @retval LN_BAD_ARG      a field is wrong, missing, or contradicts another one
 * @retval LN_UNSUPPORTED  the TLS library (or this build) cannot do what is asked
 * @retval LN_DENIED       a file cannot be read; a wrong password
 * @retval LN_NOT_FOUND    a file or folder does not exist, or nothing usable is in it
 * @retval LN_NO_MEMORY    nothing was created
 */
LN_MUST_USE LN_API enum ln_status ln_tls_config_new(const struct ln_env *env,
                                                    enum ln_sock_kind kind,
                                                    const struct ln_tls_options *options,
                                                    struct ln_diag *diag,
                                                    struct ln_tls_config **out);
/** One more reference. @return config */
LN_API struct ln_tls_config *ln_tls_config_ref(struct ln_tls_config *config);
/** One reference less; the last one wipes and frees. NULL is allowed. */
LN_API void ln_tls_config_unref(struct ln_tls_config *config);

/* ---- per socket ---- */

/**
 * Use these TLSA records instead of the configuration's, from the next connect on.
 *
 * @param records  copied at once; NULL and 0 go back to the configuration's
 * @retval LN_BAD_ARG    a record is malformed, or there are more than LN_TLSA_MAX; unchanged
 * @retval LN_BAD_STATE  not a TLS or DTLS socket with DANE, or not CLOSED; unchanged
 * @retval LN_NO_MEMORY  unchanged
 */
LN_MUST_USE LN_API enum ln_status ln_sock_set_tlsa(struct ln_sock *s, const struct ln_tlsa *records,
                                                   size_t count);

/**
 * Verify and send this name instead of the host that is connected to (SNI, RFC 6066; DANE base).
 *
 * @param name  copied; NULL goes back to the host; a literal is verified against iPAddress names
 *              and not sent
 * @retval LN_BAD_ARG    empty, longer than 255 bytes or not a name; unchanged
 * @retval LN_BAD_STATE  not a TLS or DTLS socket, or not CLOSED; unchanged
 */
LN_MUST_USE LN_API enum ln_status ln_sock_set_server_name(struct ln_sock *s, const char *name);

/** Remove what is stored of this socket's peer, session and association, so that the next handshake is
 *  a full one; and keep nothing of the connection that is open now. Needs a host (after connect,
 *  until close) or a server name and no more. */
LN_API void ln_sock_forget_session(struct ln_sock *s);

/**
 * Copy a certificate of the peer's chain, as the peer sent it.
 *
 * @param index  0 = leaf
 * @retval LN_NOT_FOUND  there is none of that index
 * @retval LN_NO_SPACE   *len is the size needed
 * @retval LN_BAD_STATE  no handshake was done
 */
LN_MUST_USE LN_API enum ln_status ln_sock_peer_certificate(const struct ln_sock *s, size_t index,
                                                           struct ln_mspan room, size_t *len);

/** What a person wants to know of a certificate. */
struct ln_certificate {
    char subject[256]; /**< one line, cleaned, cut with "..." */
    char issuer[256];
    char names[512];    /**< "DNS:a.example, IP:192.0.2.1"; cut with "..." */
    int64_t not_before; /**< seconds since 1970 */
    int64_t not_after;
    bool is_ca;
    bool self_issued;
};

/** Read a DER certificate. LN_BAD_PEER if it is malformed. Verifies nothing. */
LN_MUST_USE LN_API enum ln_status ln_certificate_read(struct ln_span der,
                                                      struct ln_certificate *out);

/* ---- what the linked libraries can do ---- */

#define LN_TLS_CAP_TLS_1_3 (1u << 0)
#define LN_TLS_CAP_DTLS_1_2 (1u << 1)
#define LN_TLS_CAP_DTLS_1_3 (1u << 2)
#define LN_TLS_CAP_PSK (1u << 3)
#define LN_TLS_CAP_PSK_TLS_1_3 (1u << 4)
#define LN_TLS_CAP_CERTIFICATES (1u << 5)
#define LN_TLS_CAP_RESUMPTION (1u << 6)
#define LN_TLS_CAP_CONNECTION_ID (1u << 7)
#define LN_TLS_CAP_PKCS11 (1u << 8)
#define LN_TLS_CAP_SYSTEM_TRUST (1u << 9)
#define LN_TLS_CAP_SERVER (1u << 10)
#define LN_TLS_CAP_ALERT_NUMBERS (1u << 11) /**< alerts are told with number and direction */
#define LN_TLS_CAP_KEYLOG (1u << 12)

struct ln_tls_capabilities {
    const char *backend; /**< "openssl" */
    const char *version; /**< the library's own words: "OpenSSL 3.0.22 ..." */
    unsigned caps;       /**< LN_TLS_CAP_* */
    const char *warning; /**< NULL, or a sentence about known holes of this version */
};

/** The back ends that are built in, the default one first; NULL behind the last. */
LN_API const struct ln_tls_backend *ln_tls_builtin(size_t index);
/** What a back end and the library linked to it can do. */
LN_API void ln_tls_capabilities(const struct ln_tls_backend *backend,
                                struct ln_tls_capabilities *out);
/** "connection_id" and so on for one LN_TLS_CAP_ bit; NULL for an unknown one. */
LN_API const char *ln_tls_capability_word(unsigned cap);

#ifdef __cplusplus
}
#endif
#endif
