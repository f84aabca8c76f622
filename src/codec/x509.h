/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CODEC_X509_H
#define LN_CODEC_X509_H
/**
 * @file x509.h
 * Reads X.509 certificates and CRLs (RFC 5280) into spans. It verifies nothing.
 *
 * For policies that must be the same with every TLS library (names, DANE, completing a chain) and
 * for texts about certificates (these are in x509_text.c). Strict DER (der.h); the input must be
 * one whole object with nothing behind it. Four things are accepted although RFC 5280 forbids them,
 * because certificates in use have them and no policy depends on them: version 1 and 2, serial
 * numbers that are zero, negative or long, `cA FALSE` spelled out, and GeneralizedTime before 2050.
 *
 * Pure: nothing is allocated; spans point into the input and are valid while it is. Whatever is
 * malformed is LN_BAD_PEER, and then the result is unchanged.
 */
#include "base/cursor.h"

/** A certificate. Spans that are absent are empty. */
struct ln_x509 {
    struct ln_span der;     /**< all of it */
    struct ln_span tbs;     /**< tbsCertificate, DER */
    unsigned version;       /**< 1..3 */
    struct ln_span serial;  /**< contents of the INTEGER */
    struct ln_span issuer;  /**< Name, DER */
    struct ln_span subject; /**< Name, DER */
    struct ln_span spki;    /**< SubjectPublicKeyInfo, DER */
    int64_t not_before;     /**< seconds since 1970 */
    int64_t not_after;
    bool is_ca; /**< basicConstraints says so */
    bool has_path_len;
    uint32_t path_len;  /**< pathLenConstraint */
    bool self_issued;   /**< issuer and subject are the same bytes */
    bool has_san;       /**< subjectAltName is there */
    struct ln_span san; /**< its GeneralNames, for ln__x509_san_next() */
    struct ln_span ski; /**< subjectKeyIdentifier, the octets */
    struct ln_span aki; /**< authorityKeyIdentifier, its keyIdentifier */
};

/**
 * Read a certificate.
 * @retval LN_BAD_PEER  malformed, truncated, or something follows it
 */
LN_MUST_USE enum ln_status ln__x509_read(struct ln_span der, struct ln_x509 *out);

enum ln_san_kind {
    LN_SAN_DNS, /**< dNSName: the characters as they are; may be anything, NUL too */
    LN_SAN_IP,  /**< iPAddress: 4 or 16 bytes */
    LN_SAN_OTHER,
};

struct ln_san {
    enum ln_san_kind kind;
    struct ln_span value;
};

/** Where to begin with the subject alternative names of a certificate. */
static inline struct ln_cursor ln__x509_sans(const struct ln_x509 *cert)
{
    return ln__cursor(cert->san);
}

/** The next name, or false behind the last one. They were checked by ln__x509_read(). */
bool ln__x509_san_next(struct ln_cursor *sans, struct ln_san *out);

/*
 * What a certificate says, in one line for a person. A peer chose these names, so they are cleaned
 * (base/text.h: no control characters, valid UTF-8, nothing that turns the direction of text), and a
 * comma or the like inside a value gets a backslash: one value can never look like two. Where the
 * room ends, the text ends in "...". Always terminated; `room` counts the NUL.
 */

/**
 * A Name, most specific part first (RFC 4514): "CN=a.example, O=Acme, C=PL".
 * @param name  DER; what is no Name gives "(unreadable)"
 * @return the length of the text without the NUL
 */
size_t ln__x509_name_text(struct ln_span name, char *text, size_t room);

/** The subject alternative names: "DNS:a.example, IP:192.0.2.1"; other kinds are left out. */
size_t ln__x509_sans_text(const struct ln_x509 *cert, char *text, size_t room);

/** A certificate revocation list. */
struct ln_crl {
    struct ln_span der;
    struct ln_span issuer; /**< Name, DER */
    int64_t this_update;   /**< seconds since 1970 */
    bool has_next_update;
    int64_t next_update;
};

/** Read a CRL: the head of it, and that the rest is well-formed. Errors as ln__x509_read(). */
LN_MUST_USE enum ln_status ln__x509_crl_read(struct ln_span der, struct ln_crl *out);

/** Check that this is one whole SubjectPublicKeyInfo. */
LN_MUST_USE enum ln_status ln__x509_spki_check(struct ln_span der);

#endif
