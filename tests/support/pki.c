/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pki.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct pki_cert {
    struct pki_cert *next;
    enum pki_key_type type;
    EVP_PKEY *key;
    X509 *x509;
    struct ln_span der;
    char name[64];
};

struct pki_block {
    struct pki_block *next;
    size_t len;
    uint8_t data[];
};

struct pki {
    struct pki_cert *certs;
    struct pki_block *blocks;
    long serial;
    int64_t now;
    const char *folder;
    EVP_PKEY *other_key; /* signs what is forged */
};

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "pki: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- memory ---- */

static struct pki_block *add_block(struct pki *pki, size_t len)
{
    struct pki_block *block = malloc(sizeof *block + len + 1);
    need(block != NULL, "no memory");
    block->len = len;
    block->data[len] = 0;
    block->next = pki->blocks;
    pki->blocks = block;
    return block;
}

static struct ln_span keep(struct pki *pki, const void *data, size_t len)
{
    struct pki_block *block = add_block(pki, len);
    if (len > 0)
        memcpy(block->data, data, len);
    return ln_span(block->data, len);
}

static struct ln_span keep_bio(struct pki *pki, BIO *bio)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    struct ln_span out = keep(pki, data, (size_t)len);
    BIO_free(bio);
    return out;
}

struct pki *pki_new_at(int64_t now)
{
    struct pki *pki = calloc(1, sizeof *pki);
    need(pki != NULL, "no memory");
    pki->serial = 0x1000;
    pki->now = now;
    return pki;
}

struct pki *pki_new(void)
{
    return pki_new_at(PKI_NOW);
}

void pki_free(struct pki *pki)
{
    if (pki == NULL)
        return;
    struct pki_cert *next_cert = NULL;
    for (struct pki_cert *cert = pki->certs; cert != NULL; cert = next_cert) {
        next_cert = cert->next;
        EVP_PKEY_free(cert->key);
        X509_free(cert->x509);
        free(cert);
    }
    if (pki->folder != NULL)
        (void)rmdir(pki->folder);
    struct pki_block *next_block = NULL;
    for (struct pki_block *block = pki->blocks; block != NULL; block = next_block) {
        next_block = block->next;
        free(block);
    }
    EVP_PKEY_free(pki->other_key);
    free(pki);
}

/* ---- keys ---- */

static EVP_PKEY *generate(enum pki_key_type type)
{
    EVP_PKEY *key = NULL;
    switch (type) {
    case PKI_P256:
        key = EVP_EC_gen("P-256");
        break;
    case PKI_P384:
        key = EVP_EC_gen("P-384");
        break;
    case PKI_ED25519:
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        break;
    case PKI_RSA_1024:
        key = EVP_RSA_gen(1024);
        break;
    case PKI_RSA_2048:
        key = EVP_RSA_gen(2048);
        break;
    case PKI_RSA_4096:
        key = EVP_RSA_gen(4096);
        break;
    }
    need(key != NULL, "key generation failed");
    return key;
}

static EVP_PKEY *slow_keys[3];
static size_t slow_key_next;

static void free_slow_keys(void)
{
    for (size_t i = 0; i < sizeof slow_keys / sizeof slow_keys[0]; i++) {
        EVP_PKEY_free(slow_keys[i]);
        slow_keys[i] = NULL;
    }
}

/* Each of a three-certificate chain has a key of its own, however many chains there are. */
static EVP_PKEY *slow_key(void)
{
    size_t count = sizeof slow_keys / sizeof slow_keys[0];
    EVP_PKEY **slot = &slow_keys[slow_key_next++ % count];
    if (*slot == NULL) {
        if (slow_keys[0] == NULL)
            need(atexit(free_slow_keys) == 0, "atexit");
        *slot = generate(PKI_RSA_4096);
    }
    need(EVP_PKEY_up_ref(*slot) == 1, "key reference");
    return *slot;
}

static EVP_PKEY *make_key(enum pki_key_type type)
{
    return type == PKI_RSA_4096 ? slow_key() : generate(type);
}

static EVP_PKEY *other_key(struct pki *pki)
{
    if (pki->other_key == NULL)
        pki->other_key = generate(PKI_P256);
    return pki->other_key;
}

/* ---- certificates ---- */

static const EVP_MD *digest_for(EVP_PKEY *key, enum pki_digest digest)
{
    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    switch (digest) {
    case PKI_SHA256:
        return EVP_sha256();
    case PKI_SHA384:
        return EVP_sha384();
    case PKI_SHA1:
        return EVP_sha1();
    }
    return NULL;
}

static void set_time(ASN1_TIME *field, int64_t at)
{
    need(ASN1_TIME_adj(field, (time_t)at, 0, 0) != NULL, "time");
}

static void add_extension(X509 *x509, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)(const void *)issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    need(extension != NULL, value);
    need(X509_add_ext(x509, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_padding(X509 *x509, size_t len)
{
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
    uint8_t *bytes = calloc(1, len);
    need(object != NULL && data != NULL && bytes != NULL, "no memory");
    need(ASN1_OCTET_STRING_set(data, bytes, (int)len) == 1, "padding");
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, data);
    need(extension != NULL && X509_add_ext(x509, extension, -1) == 1, "padding");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(data);
    ASN1_OBJECT_free(object);
    free(bytes);
}

static void add_extensions(X509 *x509, const X509 *issuer, const struct pki_spec *spec)
{
    const char *constraints = spec->constraints;
    if (constraints == NULL)
        constraints = spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE";
    if (constraints[0] != '\0')
        add_extension(x509, issuer, NID_basic_constraints, constraints);
    const char *usage = spec->usage;
    if (usage == NULL)
        usage = spec->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    if (usage[0] != '\0')
        add_extension(x509, issuer, NID_key_usage, usage);
    if (spec->eku != NULL)
        add_extension(x509, issuer, NID_ext_key_usage, spec->eku);
    add_extension(x509, issuer, NID_subject_key_identifier, "hash");
    if (issuer != x509)
        add_extension(x509, issuer, NID_authority_key_identifier, "keyid:always");
    if (spec->san != NULL)
        add_extension(x509, issuer, NID_subject_alt_name, spec->san);
    if (spec->padding > 0)
        add_padding(x509, spec->padding);
}

static void set_subject(X509 *x509, const char *name)
{
    X509_NAME *subject = X509_NAME_new();
    need(subject != NULL, "no memory");
    if (name != NULL && name[0] != '\0') {
        need(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                        -1, -1, 0) == 1,
             "subject");
    }
    need(X509_set_subject_name(x509, subject) == 1, "subject");
    X509_NAME_free(subject);
}

const struct pki_cert *pki_make(struct pki *pki, const struct pki_spec *spec)
{
    struct pki_cert *cert = calloc(1, sizeof *cert);
    X509 *x509 = X509_new();
    need(cert != NULL && x509 != NULL, "no memory");
    cert->x509 = x509;
    cert->type = spec->twin != NULL ? spec->twin->type : spec->key;
    cert->next = pki->certs;
    pki->certs = cert;
    if (spec->twin != NULL) {
        cert->key = spec->twin->key;
        need(EVP_PKEY_up_ref(cert->key) == 1, "key reference");
    } else {
        cert->key = make_key(spec->key);
    }
    const char *name = spec->twin != NULL ? spec->twin->name : spec->name;
    if (name != NULL)
        (void)snprintf(cert->name, sizeof cert->name, "%s", name);

    const struct pki_cert *issuer = spec->issuer != NULL ? spec->issuer : cert;
    need(X509_set_version(x509, X509_VERSION_3) == 1, "version");
    need(ASN1_INTEGER_set(X509_get_serialNumber(x509), pki->serial++) == 1, "serial");
    set_subject(x509, name);
    need(X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509)) == 1, "issuer");
    int64_t begin = spec->not_before != 0 ? spec->not_before : pki->now - PKI_DAY;
    int64_t end = spec->not_after != 0 ? spec->not_after : pki->now + 365 * PKI_DAY;
    set_time(X509_getm_notBefore(x509), begin);
    set_time(X509_getm_notAfter(x509), end);
    need(X509_set_pubkey(x509, cert->key) == 1, "public key");
    add_extensions(x509, issuer->x509, spec);

    EVP_PKEY *signer = spec->forged ? other_key(pki) : issuer->key;
    need(X509_sign(x509, signer, digest_for(signer, spec->digest)) > 0, "signature");

    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);
    need(len > 0, "DER");
    cert->der = keep(pki, der, (size_t)len);
    OPENSSL_free(der);
    return cert;
}

struct ln_span pki_cert_der(const struct pki_cert *cert)
{
    return cert->der;
}

const char *pki_cert_name(const struct pki_cert *cert)
{
    return cert->name;
}

/* ---- forms ---- */

static BIO *new_bio(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(bio != NULL, "no memory");
    return bio;
}

static struct ln_span with_crlf(struct pki *pki, struct ln_span text)
{
    BIO *bio = new_bio();
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            need(BIO_write(bio, "\r", 1) == 1, "write");
        need(BIO_write(bio, &text.data[i], 1) == 1, "write");
    }
    return keep_bio(pki, bio);
}

struct ln_span pki_join(struct pki *pki, struct ln_span a, struct ln_span b)
{
    struct pki_block *block = add_block(pki, a.len + b.len);
    if (a.len > 0)
        memcpy(block->data, a.data, a.len);
    if (b.len > 0)
        memcpy(block->data + a.len, b.data, b.len);
    return ln_span(block->data, block->len);
}

static struct ln_span with_bom(struct pki *pki, struct ln_span text)
{
    return pki_join(pki, ln_span("\xef\xbb\xbf", 3), text);
}

static const char comment_before[] = "Bag Attributes\n"
                                     "    friendlyName: a name with -----dashes-----\n"
                                     "subject=CN = somebody\n"
                                     "# key: 0x30820122\n"
                                     "\n";
static const char comment_behind[] = "\nand this is the end -----\n";

static void write_comment(BIO *bio, const char *text)
{
    need(BIO_puts(bio, text) > 0, "write");
}

static struct ln_span write_pem_certs(struct pki *pki, const struct pki_cert *const *certs,
                                      bool comments)
{
    BIO *bio = new_bio();
    for (; *certs != NULL; certs++) {
        if (comments)
            write_comment(bio, comment_before);
        need(PEM_write_bio_X509(bio, (*certs)->x509) == 1, "PEM");
    }
    if (comments)
        write_comment(bio, comment_behind);
    return keep_bio(pki, bio);
}

static struct ln_span write_pkcs7(struct pki *pki, const struct pki_cert *const *certs, bool pem)
{
    PKCS7 *bundle = PKCS7_new();
    need(bundle != NULL && PKCS7_set_type(bundle, NID_pkcs7_signed) == 1, "PKCS#7");
    need(PKCS7_content_new(bundle, NID_pkcs7_data) == 1, "PKCS#7");
    /* A bundle of certificates has no content at all, not an empty one. */
    need(PKCS7_set_detached(bundle, 1) >= 0, "PKCS#7");
    for (; *certs != NULL; certs++)
        need(PKCS7_add_certificate(bundle, (*certs)->x509) == 1, "PKCS#7");
    BIO *bio = new_bio();
    if (pem)
        need(PEM_write_bio_PKCS7(bio, bundle) == 1, "PKCS#7");
    else
        need(i2d_PKCS7_bio(bio, bundle) == 1, "PKCS#7");
    PKCS7_free(bundle);
    return keep_bio(pki, bio);
}

struct ln_span pki_write_certs(struct pki *pki, enum pki_form form,
                               const struct pki_cert *const *certs)
{
    struct ln_span all = ln_span(NULL, 0);
    if (form == PKI_PEM || form == PKI_PEM_COMMENTS)
        return write_pem_certs(pki, certs, form == PKI_PEM_COMMENTS);
    if (form == PKI_PEM_CRLF)
        return with_crlf(pki, write_pem_certs(pki, certs, false));
    if (form == PKI_PEM_BOM)
        return with_bom(pki, write_pem_certs(pki, certs, false));
    if (form == PKI_PKCS7_PEM || form == PKI_PKCS7_DER)
        return write_pkcs7(pki, certs, form == PKI_PKCS7_PEM);
    need(form == PKI_DER, "not a form of certificates");
    for (; *certs != NULL; certs++)
        all = pki_join(pki, all, (*certs)->der);
    return all;
}

struct ln_span pki_pem(struct pki *pki, const struct pki_cert *cert)
{
    return pki_write_certs(pki, PKI_PEM, PKI_LIST(cert));
}

/* The forms that are a text around another form. */
static struct ln_span write_key_dressed(struct pki *pki, enum pki_form form,
                                        const struct pki_cert *cert)
{
    struct ln_span plain = pki_write_key(pki, PKI_PKCS8_PEM, cert, NULL);
    if (form == PKI_PKCS8_PEM_CRLF)
        return with_crlf(pki, plain);
    if (form == PKI_PKCS8_PEM_BOM)
        return with_bom(pki, plain);
    struct ln_span before = pki_join(pki, ln_span_str(comment_before), plain);
    return pki_join(pki, before, ln_span_str(comment_behind));
}

static const char *ec_parameters(enum pki_key_type type)
{
    /* the OIDs of the curves, SEC 2 */
    return type == PKI_P384 ? "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n"
                              "-----END EC PARAMETERS-----\n"
                            : "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                              "-----END EC PARAMETERS-----\n";
}

static int write_key(BIO *bio, enum pki_form form, const struct pki_cert *cert,
                     const char *password)
{
    int len = password != NULL ? (int)strlen(password) : 0;
    unsigned char *secret = (unsigned char *)(uintptr_t)(const void *)password;
    switch (form) {
    case PKI_PKCS8_PEM:
        return PEM_write_bio_PKCS8PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL);
    case PKI_PKCS8_DER:
        return i2d_PKCS8PrivateKey_bio(bio, cert->key, NULL, NULL, 0, NULL, NULL);
    case PKI_PLAIN_PARAMETERS:
        write_comment(bio, ec_parameters(cert->type));
        return PEM_write_bio_PrivateKey_traditional(bio, cert->key, NULL, NULL, 0, NULL, NULL);
    case PKI_PLAIN_PEM:
        return PEM_write_bio_PrivateKey_traditional(bio, cert->key, NULL, NULL, 0, NULL, NULL);
    case PKI_PLAIN_DER:
        return i2d_PrivateKey_bio(bio, cert->key);
    case PKI_PKCS8_ENCRYPTED_PEM:
        return PEM_write_bio_PKCS8PrivateKey(bio, cert->key, EVP_aes_256_cbc(), password, len, NULL,
                                             NULL);
    case PKI_PKCS8_ENCRYPTED_DER:
        return i2d_PKCS8PrivateKey_bio(bio, cert->key, EVP_aes_256_cbc(), password, len, NULL,
                                       NULL);
    case PKI_LEGACY_ENCRYPTED_PEM:
        return PEM_write_bio_PrivateKey_traditional(bio, cert->key, EVP_aes_256_cbc(), secret, len,
                                                    NULL, NULL);
    case PKI_PEM:
    case PKI_PEM_CRLF:
    case PKI_PEM_COMMENTS:
    case PKI_PEM_BOM:
    case PKI_DER:
    case PKI_PKCS7_PEM:
    case PKI_PKCS7_DER:
    case PKI_PKCS8_PEM_CRLF:
    case PKI_PKCS8_PEM_COMMENTS:
    case PKI_PKCS8_PEM_BOM:
        break;
    }
    return 0;
}

struct ln_span pki_write_key(struct pki *pki, enum pki_form form, const struct pki_cert *cert,
                             const char *password)
{
    if (form == PKI_PKCS8_PEM_CRLF || form == PKI_PKCS8_PEM_COMMENTS || form == PKI_PKCS8_PEM_BOM)
        return write_key_dressed(pki, form, cert);
    BIO *bio = new_bio();
    need(write_key(bio, form, cert, password) == 1, "key cannot be written in that form");
    return keep_bio(pki, bio);
}

bool pki_form_fits(enum pki_key_type type, enum pki_form form)
{
    if (form < PKI_PKCS8_PEM)
        return false;
    if (type == PKI_ED25519)
        return form != PKI_PLAIN_PEM && form != PKI_PLAIN_DER && form != PKI_PLAIN_PARAMETERS &&
               form != PKI_LEGACY_ENCRYPTED_PEM;
    if (form == PKI_PLAIN_PARAMETERS)
        return type == PKI_P256 || type == PKI_P384;
    return true;
}

const char *pki_form_name(enum pki_form form)
{
    static const char *const names[] = {
        [PKI_PEM] = "PEM",
        [PKI_PEM_CRLF] = "PEM with CRLF",
        [PKI_PEM_COMMENTS] = "PEM with comments",
        [PKI_PEM_BOM] = "PEM with BOM",
        [PKI_DER] = "DER",
        [PKI_PKCS7_PEM] = "PKCS#7 PEM",
        [PKI_PKCS7_DER] = "PKCS#7 DER",
        [PKI_PKCS8_PEM] = "PKCS#8 PEM",
        [PKI_PKCS8_DER] = "PKCS#8 DER",
        [PKI_PLAIN_PEM] = "PKCS#1 or SEC1 PEM",
        [PKI_PLAIN_DER] = "PKCS#1 or SEC1 DER",
        [PKI_PLAIN_PARAMETERS] = "SEC1 behind EC PARAMETERS",
        [PKI_PKCS8_PEM_CRLF] = "PKCS#8 PEM with CRLF",
        [PKI_PKCS8_PEM_COMMENTS] = "PKCS#8 PEM with comments",
        [PKI_PKCS8_PEM_BOM] = "PKCS#8 PEM with BOM",
        [PKI_PKCS8_ENCRYPTED_PEM] = "encrypted PKCS#8 PEM",
        [PKI_PKCS8_ENCRYPTED_DER] = "encrypted PKCS#8 DER",
        [PKI_LEGACY_ENCRYPTED_PEM] = "legacy encrypted PEM",
    };
    return names[form];
}

const char *pki_key_name(enum pki_key_type type)
{
    static const char *const names[] = {
        [PKI_P256] = "P-256",        [PKI_P384] = "P-384",        [PKI_ED25519] = "Ed25519",
        [PKI_RSA_2048] = "RSA-2048", [PKI_RSA_4096] = "RSA-4096", [PKI_RSA_1024] = "RSA-1024",
    };
    return names[type];
}

struct ln_span pki_block(struct pki *pki, const char *label, struct ln_span der)
{
    BIO *bio = new_bio();
    need(PEM_write_bio(bio, label, "", der.data, (long)der.len) > 0, "PEM");
    return keep_bio(pki, bio);
}

/* ---- CRLs ---- */

static void revoke(X509_CRL *crl, const struct pki_cert *cert, int64_t at)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_new();
    need(entry != NULL && when != NULL, "no memory");
    set_time(when, at);
    need(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert->x509)) == 1, "serial");
    need(X509_REVOKED_set_revocationDate(entry, when) == 1, "date");
    need(X509_CRL_add0_revoked(crl, entry) == 1, "entry");
    ASN1_TIME_free(when);
}

struct ln_span pki_crl(struct pki *pki, const struct pki_crl_spec *spec)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *when = ASN1_TIME_new();
    need(crl != NULL && when != NULL, "no memory");
    need(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1, "version");
    need(X509_CRL_set_issuer_name(crl, X509_get_subject_name(spec->issuer->x509)) == 1, "issuer");
    set_time(when, spec->this_update != 0 ? spec->this_update : pki->now - PKI_DAY);
    need(X509_CRL_set1_lastUpdate(crl, when) == 1, "date");
    set_time(when, spec->next_update != 0 ? spec->next_update : pki->now + 30 * PKI_DAY);
    need(X509_CRL_set1_nextUpdate(crl, when) == 1, "date");
    for (size_t i = 0; i < sizeof spec->revoked / sizeof spec->revoked[0]; i++) {
        if (spec->revoked[i] != NULL)
            revoke(crl, spec->revoked[i], pki->now - PKI_DAY);
    }
    need(X509_CRL_sort(crl) == 1, "sort");
    EVP_PKEY *signer = spec->forged ? other_key(pki) : spec->issuer->key;
    need(X509_CRL_sign(crl, signer, digest_for(signer, PKI_SHA256)) > 0, "signature");
    BIO *bio = new_bio();
    need(i2d_X509_CRL_bio(bio, crl) == 1, "DER");
    ASN1_TIME_free(when);
    X509_CRL_free(crl);
    return keep_bio(pki, bio);
}

/* ---- TLSA ---- */

static const EVP_MD *tlsa_digest(uint8_t matching)
{
    switch (matching) {
    case LN_TLSA_SHA256:
        return EVP_sha256();
    case LN_TLSA_SHA512:
        return EVP_sha512();
    case LN_TLSA_SHA384:
        return EVP_sha384();
    default:
        return NULL;
    }
}

struct ln_tlsa pki_tlsa(struct pki *pki, const struct pki_cert *cert, uint8_t usage,
                        uint8_t selector, uint8_t matching)
{
    struct ln_tlsa record = { .usage = usage, .selector = selector, .matching = matching };
    struct ln_span chosen = cert->der;
    if (selector == 1) {
        unsigned char *spki = NULL;
        int len = i2d_PUBKEY(cert->key, &spki);
        need(len > 0, "SubjectPublicKeyInfo");
        chosen = keep(pki, spki, (size_t)len);
        OPENSSL_free(spki);
    }
    if (matching == LN_TLSA_EXACT) {
        record.data = chosen;
        return record;
    }
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    const EVP_MD *md = tlsa_digest(matching);
    need(md != NULL, "matching type");
    need(EVP_Digest(chosen.data, chosen.len, hash, &len, md, NULL) == 1, "digest");
    record.data = keep(pki, hash, len);
    return record;
}

/* ---- sources and files ---- */

struct ln_source pki_span_source(struct ln_span data)
{
    return ln_source_memory(data.data, data.len);
}

struct ln_source pki_trust(struct pki *pki, const struct pki_cert *const *certs)
{
    return pki_span_source(pki_write_certs(pki, PKI_PEM, certs));
}

struct ln_source pki_trust_one(struct pki *pki, const struct pki_cert *cert)
{
    return pki_trust(pki, PKI_LIST(cert));
}

struct ln_source pki_key_source(struct pki *pki, const struct pki_cert *cert)
{
    return pki_span_source(pki_write_key(pki, PKI_PKCS8_PEM, cert, NULL));
}

const char *pki_folder(struct pki *pki)
{
    if (pki->folder == NULL) {
        static const char pattern[] = "/tmp/linnet-test-XXXXXX";
        struct pki_block *block = add_block(pki, sizeof pattern);
        memcpy(block->data, pattern, sizeof pattern);
        need(mkdtemp((char *)block->data) != NULL, "mkdtemp");
        pki->folder = (const char *)block->data;
    }
    return pki->folder;
}
