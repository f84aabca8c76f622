/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_PKI_H
#define LN_TESTS_PKI_H
/**
 * @file pki.h
 * Certificates, keys, CRLs and TLSA records, made in memory when a test wants them.
 *
 * Everything a `struct pki` makes belongs to it and is gone with pki_free(). A mistake in a
 * specification is a mistake in the test: it prints what libcrypto says and aborts, so nothing here
 * returns NULL. No file of keys lies in the tree.
 *
 * Dates are seconds since 1970 around PKI_NOW, the wall clock of the tests; nothing depends on the
 * day the tests run.
 */
#include <linnet/tls.h>

/** 2027-06-01 00:00:00 UTC */
#define PKI_NOW INT64_C(1811808000)
#define PKI_DAY INT64_C(86400)

enum pki_key_type {
    PKI_P256 = 0,
    PKI_P384,
    PKI_ED25519,
    PKI_RSA_2048,
    PKI_RSA_4096, /**< slow to make: three of them are kept for the whole process */
    PKI_RSA_1024, /**< weak */
};

enum pki_digest { PKI_SHA256 = 0, PKI_SHA384, PKI_SHA1 };

struct pki;
struct pki_cert;

/** All zero: a self-signed P-256 leaf without names, valid from yesterday for a year. */
struct pki_spec {
    const char *name; /**< the CN; NULL or "" = an empty subject */
    enum pki_key_type key;
    enum pki_digest digest;        /**< of the signature on it */
    const struct pki_cert *issuer; /**< NULL = self-signed */
    const struct pki_cert *twin;   /**< same key and subject as this one: cross-signed, renewed */
    const char *san;               /**< "DNS:a.example,IP:192.0.2.1"; NULL = none */
    int64_t not_before;            /**< 0 = yesterday */
    int64_t not_after;             /**< 0 = in a year */
    bool ca;
    const char *constraints; /**< basicConstraints; NULL = from `ca`, "" = leave out */
    const char *usage;       /**< keyUsage; NULL = from `ca`, "" = leave out */
    const char *eku;         /**< "serverAuth,clientAuth"; NULL = leave out */
    bool forged;             /**< names its issuer, but another key signed it */
    size_t padding;          /**< bytes of an unknown extension, to make it large */
};

/** How certificates and keys are written. */
enum pki_form {
    PKI_PEM = 0,
    PKI_PEM_CRLF,
    PKI_PEM_COMMENTS, /**< text before, between and behind the objects */
    PKI_PEM_BOM,
    PKI_DER,       /**< several: one behind the other */
    PKI_PKCS7_PEM, /**< certificates only */
    PKI_PKCS7_DER,
    PKI_PKCS8_PEM, /**< keys only, from here on */
    PKI_PKCS8_DER,
    PKI_PLAIN_PEM, /**< PKCS#1 or SEC1 */
    PKI_PLAIN_DER,
    PKI_PLAIN_PARAMETERS, /**< SEC1 behind a block of EC PARAMETERS */
    PKI_PKCS8_PEM_CRLF,
    PKI_PKCS8_PEM_COMMENTS,
    PKI_PKCS8_PEM_BOM,
    PKI_PKCS8_ENCRYPTED_PEM,
    PKI_PKCS8_ENCRYPTED_DER,
    PKI_LEGACY_ENCRYPTED_PEM, /**< "Proc-Type: 4,ENCRYPTED" */
};

struct pki_crl_spec {
    const struct pki_cert *issuer;
    const struct pki_cert *revoked[4];
    int64_t this_update; /**< 0 = yesterday */
    int64_t next_update; /**< 0 = in 30 days */
    bool forged;         /**< signed by another key */
};

struct pki *pki_new(void);
/** The same with another clock than PKI_NOW: for peers that live in real time. */
struct pki *pki_new_at(int64_t now);
void pki_free(struct pki *pki);

const struct pki_cert *pki_make(struct pki *pki, const struct pki_spec *spec);

/** One certificate as DER. Borrowed from the pki, as all spans here. */
struct ln_span pki_cert_der(const struct pki_cert *cert);
/** The CN, "" if there is none. */
const char *pki_cert_name(const struct pki_cert *cert);

/** Certificates in a form of the upper half of enum pki_form. The list ends with NULL. */
struct ln_span pki_write_certs(struct pki *pki, enum pki_form form,
                               const struct pki_cert *const *certs);
/** The same for one, as PEM. */
struct ln_span pki_pem(struct pki *pki, const struct pki_cert *cert);
/** A key in a form of the lower half. */
struct ln_span pki_write_key(struct pki *pki, enum pki_form form, const struct pki_cert *cert,
                             const char *password);
/** Whether that type of key can be written in that form (Ed25519 has PKCS#8 only). */
bool pki_form_fits(enum pki_key_type type, enum pki_form form);
const char *pki_form_name(enum pki_form form);
const char *pki_key_name(enum pki_key_type type);

/** A CRL as DER. */
struct ln_span pki_crl(struct pki *pki, const struct pki_crl_spec *spec);
/** Any DER as one PEM block. */
struct ln_span pki_block(struct pki *pki, const char *label, struct ln_span der);
/** Spans one behind the other. */
struct ln_span pki_join(struct pki *pki, struct ln_span a, struct ln_span b);
/** A TLSA record that fits the certificate. */
struct ln_tlsa pki_tlsa(struct pki *pki, const struct pki_cert *cert, uint8_t usage,
                        uint8_t selector, uint8_t matching);

/** Sources for struct ln_tls_options. */
struct ln_source pki_trust(struct pki *pki, const struct pki_cert *const *certs);
struct ln_source pki_trust_one(struct pki *pki, const struct pki_cert *cert);
struct ln_source pki_key_source(struct pki *pki, const struct pki_cert *cert);
struct ln_source pki_span_source(struct ln_span data);

/** A folder of its own under the system's temporary one, removed with the pki. */
const char *pki_folder(struct pki *pki);

/** NULL-ended list of certificates, for the functions above. */
#define PKI_LIST(...) ((const struct pki_cert *const[]){ __VA_ARGS__, NULL })

#endif
