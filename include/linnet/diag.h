/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_DIAG_H
#define LN_DIAG_H
/**
 * @file diag.h
 * A failure that explains itself: what failed, why, and what to do next.
 *
 * One record, the same for every TLS library and every platform. It lives in the object that
 * failed, needs no memory of its own (so that it survives an allocation failure) and holds no
 * secret: no key, no password, no plaintext. Names and subjects from the peer are cut to length
 * and cleaned of control characters.
 *
 * The deepest cause wins: what the lowest layer reported first is not overwritten by what the
 * layers above it make of it.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Why it failed: name, the word in JSON and logs, what to try.
 * `linnet probe` turns these into its exit status (20 + position in this list).
 */
#define LN_CATEGORY_LIST(X)                                                                        \
    X(NONE, "none", "nothing failed")                                                              \
    X(DNS, "dns", "check the host name and the name servers")                                      \
    X(NO_ANSWER, "no_answer", "check address and port, that the server runs, and firewalls")       \
    X(UNREACHABLE, "unreachable", "check routes, the interface and the address family")            \
    X(PEER_REFUSED, "refused", "nothing listens there: check the port and that the server runs")   \
    X(RESET, "reset", "the connection was cut: look at the server's log and at middleboxes")       \
    X(STALLED, "stalled_in_handshake", "the peer answered and fell silent: see the server's log")  \
    X(NOT_TLS, "not_tls", "that port speaks another protocol: check scheme and port")              \
    X(VERSION, "version", "allow a protocol version that both sides have")                         \
    X(SUITE, "suite", "allow a cipher suite that both sides have")                                 \
    X(GROUP, "group", "allow a key exchange group that both sides have")                           \
    X(PSK_IDENTITY, "psk_identity", "check the PSK identity, and that the server knows it")        \
    X(PSK_KEY, "psk_key", "check the PSK key on both sides")                                       \
    X(CLIENT_CERT_WANTED, "client_certificate_wanted", "configure a client certificate and key")   \
    X(CLIENT_CERT_REJECTED, "client_certificate_rejected",                                         \
      "use a client certificate that the server trusts, not expired, with its whole chain")        \
    X(UNTRUSTED, "untrusted", "trust the CA that signed the server's certificate")                 \
    X(CHAIN_INCOMPLETE, "chain_incomplete",                                                        \
      "have the server send its intermediates, or add them to the trusted certificates")           \
    X(EXPIRED, "expired", "renew the certificate or the CRL; check this machine's clock")          \
    X(NOT_YET_VALID, "not_yet_valid", "check this machine's clock")                                \
    X(WRONG_NAME, "wrong_name", "connect by a name in the certificate, or set the server name")    \
    X(REVOKED, "revoked", "the certificate was withdrawn: replace it")                             \
    X(WEAK, "weak", "replace the certificate: its key or signature is too weak")                   \
    X(DANE_MISMATCH, "dane_mismatch", "update the TLSA record, or suspect the server")             \
    X(FRAGMENTS_LOST, "fragments_lost", "lower the MTU: large handshake packets do not arrive")    \
    X(RECORD_DAMAGED, "record_damaged", "suspect the path, or keys that differ")                   \
    X(TRUNCATED, "truncated", "the end of the data is not proven: discard it and retry")           \
    X(OUT_OF_MEMORY, "out_of_memory", "free memory and try again")                                 \
    X(CONFIGURATION, "configuration", "correct the setting that is named")                         \
    X(ALERT_OTHER, "alert_other", "look up the alert in the server's log")                         \
    X(CLOSED_BY_PEER, "closed_by_peer", "connect again")                                           \
    X(LOCAL_IO, "local_io", "read the system's own message")                                       \
    X(INTERNAL_FAULT, "internal", "report it, with this record")                                   \
    X(LEGACY_SERVER, "legacy_server", "update the server's TLS library, or allow a legacy server") \
    X(PROTOCOL, "protocol", "the peer breaks its protocol: check scheme and port, or suspect it")  \
    X(ANSWER, "answer", "the server answered, and said no: see its answer and its log")

enum ln_category {
#define LN_CATEGORY_ENUM(name, word, advice) LN_CAT_##name,
    LN_CATEGORY_LIST(LN_CATEGORY_ENUM)
#undef LN_CATEGORY_ENUM
};

/** Where in the life of a connection it failed. */
#define LN_PHASE_LIST(X)                                                                           \
    X(NONE, "none")                                                                                \
    X(CONFIGURE, "configure")                                                                      \
    X(RESOLVE, "resolve")                                                                          \
    X(CONNECT, "connect")                                                                          \
    X(HANDSHAKE, "handshake")                                                                      \
    X(TRANSFER, "transfer")                                                                        \
    X(CLOSE, "close")

enum ln_phase {
#define LN_PHASE_ENUM(name, word) LN_PHASE_##name,
    LN_PHASE_LIST(LN_PHASE_ENUM)
#undef LN_PHASE_ENUM
};

/** Who sent the alert of a record. */
enum ln_alert_from {
    LN_ALERT_NONE = 0, /**< there was none */
    LN_ALERT_RECEIVED, /**< the peer ended it */
    LN_ALERT_SENT,     /**< we ended it */
};

/** An alert came, and the TLS library has no way to tell its number. IANA assigns none of it. */
#define LN_ALERT_NOT_TOLD 255

/** What a certificate check came to, the same for every TLS library. */
enum ln_verify {
    LN_VERIFY_NOT_DONE = 0, /**< no certificate, PSK, or verification switched off */
    LN_VERIFY_OK,
    LN_VERIFY_UNTRUSTED,  /**< no path to a trust anchor; a root that is not trusted */
    LN_VERIFY_INCOMPLETE, /**< an issuer is missing from the chain */
    LN_VERIFY_EXPIRED,
    LN_VERIFY_NOT_YET_VALID,
    LN_VERIFY_WRONG_NAME,
    LN_VERIFY_REVOKED,
    LN_VERIFY_CRL_EXPIRED,   /**< the CRL is too old or not yet valid */
    LN_VERIFY_CRL_BAD,       /**< no CRL where one is required, or one with a bad signature */
    LN_VERIFY_WEAK,          /**< key or digest below the security level */
    LN_VERIFY_BAD_SIGNATURE, /**< a signature in the chain is wrong */
    LN_VERIFY_BAD_USAGE,     /**< not a CA, path too long, wrong key usage */
    LN_VERIFY_DANE,          /**< no TLSA record matches */
    LN_VERIFY_MALFORMED,     /**< the certificate cannot be read */
    LN_VERIFY_UNWANTED,      /**< a certificate where a pre-shared key was agreed */
};

#define LN_DIAG_SUITES_MAX 8
#define LN_DIAG_SUBJECT_MAX 128

struct ln_diag {
    enum ln_status status; /**< LN_OK: nothing failed, and nothing else here counts */
    enum ln_category category;
    enum ln_phase phase;
    bool likely; /**< the wire allows a guess only: `category` is the best one */

    const char *origin; /**< static text: "openssl", "posix", "linnet" */
    long native;        /**< that library's own number, 0 = none */

    enum ln_alert_from alert_from;
    uint8_t alert_level;  /**< 1 warning, 2 fatal */
    uint8_t alert_number; /**< AlertDescription, RFC 8446 section 6; LN_ALERT_NOT_TOLD */
    bool alert_derived;   /**< the library did not tell it: derived from its error code */

    enum ln_verify verify;
    int verify_native; /**< the TLS library's own verification code */
    int verify_depth;  /**< 0 = leaf; -1 = not about one certificate */

    uint16_t flights_sent; /**< runs of records without one of the peer's between them */
    uint16_t flights_received;
    uint16_t retransmissions; /**< DTLS flights that were sent again */

    uint16_t offered_min; /**< lowest and highest version offered: 0x0303, 0xfefd, ... */
    uint16_t offered_max;
    uint16_t chosen_version;                     /**< 0 = not known */
    uint16_t chosen_suite;                       /**< IANA id, 0 = not known */
    uint16_t chosen_group;                       /**< IANA id, 0 = not known */
    uint16_t offered_suites[LN_DIAG_SUITES_MAX]; /**< the first ones, in order */
    uint16_t offered_suite_count;                /**< of all that were offered */

    char subject[LN_DIAG_SUBJECT_MAX]; /**< of the certificate at verify_depth; "..." = cut */
    char native_text[96];              /**< the library's own words */
    char text[192]; /**< the first sentence for a person; never empty on failure */
};

/** Room for every line of ln_diag_line(). */
#define LN_DIAG_LINE_MAX 1152

/** "psk_key" and so on; never NULL. */
LN_API const char *ln_category_word(enum ln_category category);
/** What to try, in one clause; never NULL. */
LN_API const char *ln_category_advice(enum ln_category category);
/** "handshake" and so on; never NULL. */
LN_API const char *ln_phase_word(enum ln_phase phase);
/** "unknown_psk_identity" for 115 and so on; "unassigned" if IANA names none. Never NULL. */
LN_API const char *ln_alert_name(uint8_t number);
/** "TLS 1.3", "DTLS 1.2"; "unknown" otherwise. Never NULL. */
LN_API const char *ln_version_name(uint16_t version);
/** IANA name, such as "TLS_PSK_WITH_AES_128_CCM_8"; NULL if this library has no name for it. */
LN_API const char *ln_suite_name(uint16_t suite);
/** The id for an IANA name (case does not count), or 0. */
LN_API uint16_t ln_suite_id(const char *name);
/** "x25519", "secp256r1"; NULL if this library has no name for it. */
LN_API const char *ln_group_name(uint16_t group);
/** The id for a group's name (case does not count), or 0. */
LN_API uint16_t ln_group_id(const char *name);

/** Make `diag` say that nothing failed. */
LN_API void ln_diag_clear(struct ln_diag *diag);

/**
 * The record as one readable line without secrets or line breaks:
 * "handshake failed (psk_key, likely): ...; alert received: bad_record_mac (20); ...; try: ...".
 * Always terminated; cut at `room`.
 * @return the length of the text, without the NUL
 */
LN_API size_t ln_diag_line(const struct ln_diag *diag, char *text, size_t room);

/**
 * Record a failure, if `diag` is not NULL and records none yet (the deepest cause wins).
 *
 * For filters, ports and back ends. `text` is a printf format; the result is cut to fit.
 * @return `status`, so that a caller may write `return ln_diag_set(...)`
 */
LN_API enum ln_status ln_diag_set(struct ln_diag *diag, enum ln_status status,
                                  enum ln_category category, enum ln_phase phase, const char *text,
                                  ...) LN_PRINTF(5, 6);

/** Add whose number it is to a record that ln_diag_set() has just made; `text` may be NULL. Where
 *  the record is empty, or names somebody already, nothing happens. */
LN_API void ln_diag_native(struct ln_diag *diag, const char *origin, long native, const char *text);

#ifdef __cplusplus
}
#endif
#endif
