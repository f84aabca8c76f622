/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file suites.c
 * Suites, groups and signature algorithms: IANA ids in the caller's order -> OpenSSL's lists.
 *
 * OpenSSL keeps two lists of suites, one for TLS 1.3 and one for everything before. What it does not
 * know is refused here, by id, and never left out silently. OpenSSL >= 3.2 rates suites with a tag of
 * 8 bytes (CCM_8) at 64 bits, below our security level: where they are asked for, and only for them,
 * the level makes an exception.
 */
#include "openssl.h"
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 4096

struct name_list {
    char text[LIST_MAX];
    size_t len;
    bool full;
};

static void add_name(struct name_list *list, const char *name)
{
    size_t len = strlen(name);
    if (list->len + len + 2 > sizeof list->text) {
        list->full = true;
        return;
    }
    if (list->len > 0)
        list->text[list->len++] = ':';
    memcpy(list->text + list->len, name, len + 1);
    list->len += len;
}

static bool is_tls13(uint16_t suite)
{
    return suite >> 8 == 0x13;
}

/** 64-bit tags: the CCM_8 suites of RFC 6655, RFC 7251 and RFC 8446. */
static bool is_ccm8(uint16_t suite)
{
    static const uint16_t ids[] = { 0xc0a0, 0xc0a1, 0xc0a2, 0xc0a3, 0xc0a8, 0xc0a9,
                                    0xc0aa, 0xc0ab, 0xc0ae, 0xc0af, 0x1305 };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i] == suite)
            return true;
    return false;
}

static int security(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other,
                    void *config)
{
    const struct ossl_config *c = config;
    bool about_suite = op == SSL_SECOP_CIPHER_SUPPORTED || op == SSL_SECOP_CIPHER_SHARED ||
                       op == SSL_SECOP_CIPHER_CHECK;
    if (about_suite && other != NULL && is_ccm8(SSL_CIPHER_get_protocol_id(other)))
        return 1;
    return c->default_security(ssl, ctx, op, bits, nid, other, NULL);
}

/** Bits of security that level 2 asks for (SSL_CTX_set_security_level(3)). */
#define LEVEL_2_BITS 112

static bool is_below_level(const SSL_CIPHER *cipher)
{
    return is_ccm8(SSL_CIPHER_get_protocol_id(cipher)) &&
           SSL_CIPHER_get_bits(cipher, NULL) < LEVEL_2_BITS;
}

/** Let CCM_8 pass the security level. */
static void allow_ccm8(struct ossl_config *c)
{
    c->default_security = SSL_CTX_get_security_callback(c->ctx);
    SSL_CTX_set0_security_ex_data(c->ctx, c);
    SSL_CTX_set_security_callback(c->ctx, security);
}

static const SSL_CIPHER *find(SSL *ssl, uint16_t suite)
{
    unsigned char id[2] = { (unsigned char)(suite >> 8), (unsigned char)suite };
    return SSL_CIPHER_find(ssl, id);
}

static enum ln_status unknown(struct ln_diag *diag, const char *field, uint16_t id,
                              const char *name)
{
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "%s: this OpenSSL does not have %s (0x%04x)", field,
                       name != NULL ? name : "the one", (unsigned)id);
}

/** What was asked for, as OpenSSL's two lists. */
struct wanted {
    struct name_list old;
    struct name_list tls13;
    bool below_level; /**< one of them needs the exception */
};

static enum ln_status collect(SSL *ssl, const struct ln_tls_settings *s, struct wanted *w,
                              struct ln_diag *diag)
{
    for (size_t i = 0; i < s->suite_count; i++) {
        const SSL_CIPHER *cipher = find(ssl, s->suites[i]);
        if (cipher == NULL)
            return unknown(diag, "suites", s->suites[i], ln_suite_name(s->suites[i]));
        add_name(is_tls13(s->suites[i]) ? &w->tls13 : &w->old, SSL_CIPHER_get_name(cipher));
        w->below_level = w->below_level || is_below_level(cipher);
    }
    if (w->old.full || w->tls13.full)
        return ln_diag_set(diag, LN_NO_SPACE, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "suites: too many of them");
    return LN_OK;
}

enum ln_status ossl_set_suites(struct ossl_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag)
{
    struct wanted w = { .below_level = false };
    SSL *ssl = SSL_new(c->ctx);
    if (ssl == NULL)
        return ossl_config_fail(diag, LN_NO_MEMORY, "no memory");
    enum ln_status st = collect(ssl, s, &w, diag);
    SSL_free(ssl);
    if (st != LN_OK)
        return st;
    if (w.below_level)
        allow_ccm8(c);
    /* "-ALL" leaves nothing; an empty list would mean the default one */
    if (!SSL_CTX_set_ciphersuites(c->ctx, w.tls13.text))
        return ossl_config_fail(diag, LN_UNSUPPORTED, "suites: refused");
    if (w.old.len > 0 && !SSL_CTX_set_cipher_list(c->ctx, w.old.text))
        return ossl_config_fail(diag, LN_UNSUPPORTED, "suites: refused");
    ERR_clear_error();
    return LN_OK;
}

/* ---- groups ---- */

static const struct {
    uint16_t id;
    int nid;
} groups[] = {
    { 0x0017, NID_X9_62_prime256v1 },
    { 0x0018, NID_secp384r1 },
    { 0x0019, NID_secp521r1 },
    { 0x001d, NID_X25519 },
    { 0x001e, NID_X448 },
    { 0x001a, NID_brainpoolP256r1 },
    { 0x001b, NID_brainpoolP384r1 },
    { 0x001c, NID_brainpoolP512r1 },
    { 0x0100, NID_ffdhe2048 },
    { 0x0101, NID_ffdhe3072 },
    { 0x0102, NID_ffdhe4096 },
    { 0x0103, NID_ffdhe6144 },
    { 0x0104, NID_ffdhe8192 },
    { 0x0015, NID_secp224r1 },
    { 0x0016, NID_secp256k1 },
};

#define GROUPS_MAX 16

enum ln_status ossl_set_groups(struct ossl_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag)
{
    int nids[GROUPS_MAX];
    if (s->group_count > GROUPS_MAX)
        return ln_diag_set(diag, LN_NO_SPACE, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "groups: at most %d", GROUPS_MAX);
    for (size_t i = 0; i < s->group_count; i++) {
        nids[i] = NID_undef;
        for (size_t k = 0; k < sizeof groups / sizeof *groups; k++)
            if (groups[k].id == s->groups[i])
                nids[i] = groups[k].nid;
        if (nids[i] == NID_undef)
            return unknown(diag, "groups", s->groups[i], ln_group_name(s->groups[i]));
    }
    if (!SSL_CTX_set1_groups(c->ctx, nids, (long)s->group_count))
        return ossl_config_fail(diag, LN_UNSUPPORTED, "groups: refused");
    return LN_OK;
}

uint16_t ossl_group_id(SSL *ssl)
{
    int nid = (int)SSL_get_negotiated_group(ssl);
    if (nid <= 0)
        return 0;
    if (nid & TLSEXT_nid_unknown)
        return (uint16_t)(nid & 0xffff);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (groups[i].nid == nid)
            return groups[i].id;
    return 0;
}

/* ---- signature algorithms ---- */

static const struct {
    uint16_t id;
    const char *name;
} signatures[] = {
    { 0x0403, "ECDSA+SHA256" },
    { 0x0503, "ECDSA+SHA384" },
    { 0x0603, "ECDSA+SHA512" },
    { 0x0807, "ed25519" },
    { 0x0808, "ed448" },
    { 0x0804, "rsa_pss_rsae_sha256" },
    { 0x0805, "rsa_pss_rsae_sha384" },
    { 0x0806, "rsa_pss_rsae_sha512" },
    { 0x0809, "rsa_pss_pss_sha256" },
    { 0x080a, "rsa_pss_pss_sha384" },
    { 0x080b, "rsa_pss_pss_sha512" },
    { 0x0401, "RSA+SHA256" },
    { 0x0501, "RSA+SHA384" },
    { 0x0601, "RSA+SHA512" },
    { 0x0203, "ECDSA+SHA1" },
    { 0x0201, "RSA+SHA1" },
};

enum ln_status ossl_set_signatures(struct ossl_config *c, const struct ln_tls_settings *s,
                                   struct ln_diag *diag)
{
    struct name_list list = { .len = 0 };
    for (size_t i = 0; i < s->signature_count; i++) {
        const char *name = NULL;
        for (size_t k = 0; k < sizeof signatures / sizeof *signatures; k++)
            if (signatures[k].id == s->signatures[i])
                name = signatures[k].name;
        if (name == NULL)
            return unknown(diag, "signatures", s->signatures[i], NULL);
        add_name(&list, name);
    }
    if (list.full || (list.len > 0 && !SSL_CTX_set1_sigalgs_list(c->ctx, list.text)))
        return ossl_config_fail(diag, LN_UNSUPPORTED, "signatures: refused");
    return LN_OK;
}
