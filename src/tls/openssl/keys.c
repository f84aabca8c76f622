/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file keys.c
 * Trust anchors, CRLs, the own chain and its private key -> SSL_CTX.
 *
 * Certificates and CRLs arrive as DER; a key as DER or as one PEM block, told apart before. Keys on
 * tokens come through OSSL_STORE and a provider for "pkcs11:" URIs, never through an ENGINE.
 */
#include "openssl.h"
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509v3.h>
#include <string.h>

/* ---- reading ahead ---- */

/** Whether a certificate that names itself as its issuer is known for a root, or names another. */
static bool signs_itself(X509 *cert)
{
    uint32_t flags = X509_get_extension_flags(cert);
    return (flags & EXFLAG_SI) == 0 || (flags & EXFLAG_SS) != 0;
}

/**
 * OpenSSL keeps what it could not read for lack of memory as if it could never be read: extensions,
 * and whether this is a root, when they are first needed, and the public key, when the certificate is
 * parsed. One allocation that failed would spoil every handshake that follows (H99). So all is read
 * here, while a failure can still be told. A certificate that really is odd may stay: it is refused
 * where it matters, and must not take a whole bundle with it.
 */
static bool is_whole(X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int bits = 0;
    return X509_check_purpose(cert, -1, 0) == 1 && key != NULL && signs_itself(cert) &&
           EVP_PKEY_get_security_bits(key) > 0 &&
           X509_get_signature_info(cert, NULL, NULL, &bits, NULL) == 1 && bits > 0;
}

/** False if memory is to blame that something is missing: another copy has it, or cannot be made. */
static bool read_ahead(X509 *cert)
{
    if (is_whole(cert))
        return true;
    X509 *again = X509_dup(cert);
    bool odd = again != NULL && !is_whole(again);
    X509_free(again);
    ERR_clear_error();
    return odd;
}

static bool read_ahead_all(X509_STORE *store)
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (cert != NULL && !read_ahead(cert))
            return false;
    }
    return true;
}

/* ---- trust ---- */

static enum ln_status add_trusted(X509_STORE *store, struct ln_span der, struct ln_diag *diag)
{
    X509 *cert = ossl_x509(der);
    if (cert == NULL)
        return ossl_config_fail(diag, LN_BAD_ARG, "trust: a certificate cannot be read");
    int ok = X509_STORE_add_cert(store, cert); /* a duplicate is fine */
    X509_free(cert);
    return ok ? LN_OK : ossl_config_fail(diag, LN_NO_MEMORY, "trust: a certificate is refused");
}

static enum ln_status add_crl(X509_STORE *store, struct ln_span der, struct ln_diag *diag)
{
    const unsigned char *p = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
    if (crl == NULL || p != der.data + der.len) {
        X509_CRL_free(crl);
        return ossl_config_fail(diag, LN_BAD_ARG, "crls: a CRL cannot be read");
    }
    int ok = X509_STORE_add_crl(store, crl);
    X509_CRL_free(crl);
    return ok ? LN_OK : ossl_config_fail(diag, LN_NO_MEMORY, "crls: a CRL is refused");
}

static bool found_one(void *user, const char *name)
{
    bool *found = user;
    (void)name;
    *found = true;
    return false;
}

/** The default file is read at once and once; the default folder when a path is built. */
static enum ln_status add_system(X509_STORE *store, const struct ln_tls_settings *s,
                                 struct ln_diag *diag)
{
    int before = sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
    if (!X509_STORE_set_default_paths(store))
        return ossl_config_fail(diag, LN_NO_MEMORY, "system_trust: cannot be loaded");
    ERR_clear_error();
    bool found = sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > before;
    if (!found && s->env->files.list != NULL)
        (void)s->env->files.list(s->env->files.ctx, X509_get_default_cert_dir(), found_one, &found);
    if (found || s->trust_count > 0)
        return LN_OK;
    return ln_diag_set(diag, LN_NOT_FOUND, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "system_trust: no CA certificates in %s (Debian: package "
                       "ca-certificates)",
                       X509_get_default_cert_file());
}

enum ln_status ossl_set_trust(struct ossl_config *c, const struct ln_tls_settings *s,
                              struct ln_diag *diag)
{
    X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);
    enum ln_status st = LN_OK;
    for (size_t i = 0; st == LN_OK && i < s->trust_count; i++)
        st = add_trusted(store, s->trust[i], diag);
    for (size_t i = 0; st == LN_OK && i < s->crl_count; i++)
        st = add_crl(store, s->crls[i], diag);
    if (st == LN_OK && s->system_trust)
        st = add_system(store, s, diag);
    if (st == LN_OK && !read_ahead_all(store))
        st = ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                         "trust: no memory");
    return st;
}

/* ---- the private key ---- */

struct password {
    const char *text; /**< NULL = none was given */
    bool asked;
};

static int give_password(char *room, int size, int writing, void *user)
{
    struct password *p = user;
    (void)writing;
    p->asked = true;
    size_t len = p->text != NULL ? strlen(p->text) : 0;
    if (p->text == NULL || len > (size_t)size)
        return -1;
    memcpy(room, p->text, len);
    return (int)len;
}

static EVP_PKEY *decode(const struct ln_tls_key *key, struct password *password)
{
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&pkey, key->pem ? "PEM" : "DER", NULL,
                                                              NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
    const unsigned char *p = key->data.data;
    size_t left = key->data.len;
    if (decoder != NULL && OSSL_DECODER_CTX_set_pem_password_cb(decoder, give_password, password))
        (void)OSSL_DECODER_from_data(decoder, &p, &left);
    OSSL_DECODER_CTX_free(decoder);
    return pkey;
}

static enum ln_status load_key(const struct ln_tls_key *key, EVP_PKEY **out, struct ln_diag *diag)
{
    struct password password = { .text = key->password };
    *out = decode(key, &password);
    if (*out != NULL) {
        ERR_clear_error();
        return LN_OK;
    }
    if (password.asked && password.text == NULL)
        return ossl_config_fail(diag, LN_DENIED, "key: is encrypted, and no password was given");
    if (password.asked)
        return ossl_config_fail(diag, LN_DENIED, "key: the password is wrong");
    return ossl_config_fail(diag, LN_BAD_ARG, "key: cannot be read as a private key");
}

/* ---- tokens ---- */

/** What is wanted from a token, and for whom. */
struct token {
    const char *field;
    const char *uri;
    int type;        /**< OSSL_STORE_INFO_* */
    const char *pin; /**< NULL = none but what the URI or openssl.cnf has */
};

bool ossl_has_pkcs11(void)
{
    if (OSSL_PROVIDER_available(NULL, "pkcs11"))
        return true;
    OSSL_STORE_LOADER *loader = OSSL_STORE_LOADER_fetch(NULL, "pkcs11", NULL);
    bool has = loader != NULL;
    OSSL_STORE_LOADER_free(loader);
    ERR_clear_error();
    return has;
}

/** An empty PIN stands for none, and the provider goes on without: pkcs11-provider would take a
 *  refusal, or no UI_METHOD, as the order to ask at the terminal, and wait there. */
static int give_pin(char *room, int size, int writing, void *user)
{
    int len = give_password(room, size, writing, user);
    return len < 0 ? 0 : len;
}

static OSSL_STORE_INFO *first_of(OSSL_STORE_CTX *store, int type)
{
    OSSL_STORE_INFO *found = NULL;
    if (!OSSL_STORE_expect(store, type))
        return NULL;
    while (found == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (info == NULL && OSSL_STORE_error(store))
            break;
        if (info != NULL && OSSL_STORE_INFO_get_type(info) == type)
            found = info;
        else
            OSSL_STORE_INFO_free(info);
    }
    return found;
}

/** The first object of the type. @param opened  whether there was anything to look into */
static OSSL_STORE_INFO *look(const struct token *t, struct password *pin, bool *opened)
{
    OSSL_STORE_INFO *found = NULL;
    UI_METHOD *ui = UI_UTIL_wrap_read_pem_callback(give_pin, 0);
    ERR_clear_error();
    OSSL_STORE_CTX *store =
        ui != NULL ? OSSL_STORE_open_ex(t->uri, NULL, NULL, ui, pin, NULL, NULL, NULL) : NULL;
    *opened = store != NULL;
    if (store != NULL)
        found = first_of(store, t->type);
    OSSL_STORE_close(store);
    UI_destroy_method(ui);
    return found;
}

static enum ln_status token_fail(const struct token *t, enum ln_status status, const char *what,
                                 struct ln_diag *diag)
{
    char text[192];
    (void)BIO_snprintf(text, sizeof text, "%s: %s", t->field, what);
    return ossl_config_fail(diag, status, text);
}

/** Nothing was found. Whoever is not logged in does not see private objects, and the provider keeps
 *  to itself why a login failed. But it asks for a PIN, if there is no login: so look once more, and
 *  answer none, which costs no attempt. */
static enum ln_status not_found(const struct token *t, struct ln_diag *diag)
{
    struct password none = { .text = NULL };
    bool opened = false;
    bool given = t->pin != NULL || strstr(t->uri, "pin-value=") != NULL ||
                 strstr(t->uri, "pin-source=") != NULL;
    OSSL_STORE_INFO_free(look(t, &none, &opened));
    ERR_clear_error();
    if (none.asked && given)
        return token_fail(t, LN_DENIED, "the token refuses the PIN", diag);
    if (t->type == OSSL_STORE_INFO_CERT)
        return token_fail(t, LN_NOT_FOUND, "no certificate behind the pkcs11: URI", diag);
    if (none.asked)
        return token_fail(t, LN_DENIED,
                          "the token wants a PIN: as password, in the URI or in openssl.cnf", diag);
    return token_fail(t, LN_NOT_FOUND, "no private key behind the pkcs11: URI", diag);
}

/** Find an object on a token: *out is the caller's. */
static enum ln_status fetch(const struct token *t, OSSL_STORE_INFO **out, struct ln_diag *diag)
{
    struct password pin = { .text = t->pin };
    bool opened = false;
    if (!ossl_has_pkcs11())
        return token_fail(t, LN_UNSUPPORTED,
                          "a pkcs11: URI needs OpenSSL's pkcs11 provider, and none is active "
                          "(Debian: package pkcs11-provider, then openssl.cnf)",
                          diag);
    *out = look(t, &pin, &opened);
    if (*out != NULL)
        return LN_OK;
    if (opened)
        return not_found(t, diag);
    ERR_clear_error(); /* OpenSSL has tried the URI as a file, too: what it says misleads */
    return token_fail(t, LN_NOT_FOUND,
                      "the pkcs11: URI cannot be opened: it is malformed, or there is no such "
                      "pin-source, or no such PKCS#11 module as openssl.cnf says",
                      diag);
}

static enum ln_status key_of_token(const struct ln_tls_key *key, EVP_PKEY **out,
                                   struct ln_diag *diag)
{
    struct token t = { "key", key->uri, OSSL_STORE_INFO_PKEY, key->password };
    OSSL_STORE_INFO *info = NULL;
    enum ln_status st = fetch(&t, &info, diag);
    if (st != LN_OK)
        return st;
    *out = OSSL_STORE_INFO_get1_PKEY(info);
    OSSL_STORE_INFO_free(info);
    ERR_clear_error();
    return *out != NULL ? LN_OK : token_fail(&t, LN_NO_MEMORY, "cannot be taken", diag);
}

/** The certificate alone: its issuers are not on the token, or not told apart there. Certificates
 *  are public, so that the PIN stays with the key. */
static enum ln_status leaf_of_token(SSL_CTX *ctx, const char *uri, struct ln_diag *diag)
{
    struct token t = { "chain", uri, OSSL_STORE_INFO_CERT, NULL };
    OSSL_STORE_INFO *info = NULL;
    enum ln_status st = fetch(&t, &info, diag);
    if (st != LN_OK)
        return st;
    X509 *leaf = OSSL_STORE_INFO_get0_CERT(info);
    int ok = read_ahead(leaf) && SSL_CTX_use_certificate(ctx, leaf);
    OSSL_STORE_INFO_free(info);
    return ok == 1 ? LN_OK : token_fail(&t, LN_BAD_ARG, "a certificate is refused", diag);
}

/* ---- the own chain ---- */

static enum ln_status use_chain(SSL_CTX *ctx, const struct ln_tls_settings *s, struct ln_diag *diag)
{
    for (size_t i = 0; i < s->chain_count; i++) {
        X509 *cert = ossl_x509(s->chain[i]);
        if (cert == NULL)
            return ossl_config_fail(diag, LN_BAD_ARG, "chain: a certificate cannot be read");
        bool ready = read_ahead(cert);
        long ok = i == 0 ? SSL_CTX_use_certificate(ctx, cert) : SSL_CTX_add1_chain_cert(ctx, cert);
        X509_free(cert);
        if (!ready)
            return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                               "chain: no memory");
        if (ok != 1)
            return ossl_config_fail(diag, LN_BAD_ARG, "chain: a certificate is refused");
    }
    return LN_OK;
}

/** OpenSSL finds suites for these keys in TLS 1.2 and 1.3 alone (ssl_set_masks()). */
static bool is_edwards(const EVP_PKEY *key)
{
    int id = EVP_PKEY_get_base_id(key);
    return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448;
}

enum ln_status ossl_set_own(struct ossl_config *c, const struct ln_tls_settings *s,
                            struct ln_diag *diag)
{
    EVP_PKEY *key = NULL;
    if (s->chain_count == 0 && s->chain_uri == NULL)
        return LN_OK;
    enum ln_status st = s->chain_uri != NULL ? leaf_of_token(c->ctx, s->chain_uri, diag) : LN_OK;
    if (st == LN_OK)
        st = use_chain(c->ctx, s, diag);
    if (st == LN_OK)
        st = s->key.uri != NULL ? key_of_token(&s->key, &key, diag) : load_key(&s->key, &key, diag);
    if (st != LN_OK)
        return st;
    X509 *leaf = SSL_CTX_get0_certificate(c->ctx);
    if (EVP_PKEY_get_security_bits(key) <= 0) /* OpenSSL keeps a key that it read half */
        st = ossl_config_fail(diag, LN_NO_MEMORY, "key: no memory");
    else if (s->datagram && is_edwards(key))
        st = ossl_config_fail(diag, LN_UNSUPPORTED,
                              "key: OpenSSL has no Ed25519 and Ed448 for DTLS 1.2");
    else if (leaf == NULL || X509_check_private_key(leaf, key) != 1)
        st = ossl_config_fail(diag, LN_BAD_ARG,
                              "key: does not belong to the first certificate of chain");
    else if (!SSL_CTX_use_PrivateKey(c->ctx, key))
        st = ossl_config_fail(diag, LN_BAD_ARG, "key: is refused");
    EVP_PKEY_free(key);
    return st;
}
