/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file offers.c
 * Suites, groups, signature algorithms and ALPN: IANA ids in the caller's order -> the library's
 * lists, which are of such ids too. What this build of the library lacks is refused by id.
 */
#include "mbedtls.h"
#include <string.h>

static enum ln_status unknown(struct ln_diag *diag, const char *field, uint16_t id,
                              const char *name)
{
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "%s: this Mbed TLS does not have %s (0x%04x)", field,
                       name != NULL ? name : "the one", (unsigned)id);
}

static enum ln_status no_memory(struct ln_diag *diag)
{
    return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                       "no memory for a TLS configuration");
}

/* ---- suites ---- */

static bool has_suite(uint16_t id)
{
    for (const int *have = mbedtls_ssl_list_ciphersuites(); *have != 0; have++)
        if (*have == id)
            return true;
    return false;
}

static enum ln_status set_suites(struct mbed_config *c, const struct ln_tls_settings *s,
                                 struct ln_diag *diag)
{
    c->suites = ln_calloc(c->env, s->suite_count + 1, sizeof *c->suites);
    if (c->suites == NULL)
        return no_memory(diag);
    for (size_t i = 0; i < s->suite_count; i++) {
        if (!has_suite(s->suites[i]))
            return unknown(diag, "suites", s->suites[i], ln_suite_name(s->suites[i]));
        c->suites[i] = s->suites[i];
    }
    return LN_OK;
}

/* ---- groups ---- */

/** Finite fields (RFC 7919) are for TLS 1.3, and need PSA to have them. */
static bool has_group(uint16_t id, bool tls13)
{
    bool finite = id >= 0x0100 && id <= 0x0104;
    if (finite)
        return tls13 && LN_MBED_HAS_FFDH;
    return mbedtls_ecp_curve_info_from_tls_id(id) != NULL;
}

static enum ln_status set_groups(struct mbed_config *c, const struct ln_tls_settings *s,
                                 struct ln_diag *diag)
{
    c->groups = ln_calloc(c->env, s->group_count + 1, sizeof *c->groups);
    if (c->groups == NULL)
        return no_memory(diag);
    for (size_t i = 0; i < s->group_count; i++) {
        if (!has_group(s->groups[i], s->max_version == LN_TLS_1_3))
            return unknown(diag, "groups", s->groups[i], ln_group_name(s->groups[i]));
        c->groups[i] = s->groups[i];
    }
    return LN_OK;
}

/* ---- signature algorithms ---- */

/** What there is: ECDSA, RSA-PSS with a key of RSA's own kind, RSA, with SHA-2. No SHA-1, no Edwards
 *  curves. It is the default too, SHA-256 first: what signs with a key of 1024 bits does not fit the
 *  library's RSA-PSS with SHA-512. */
static const uint16_t signatures[] = { 0x0403, 0x0503, 0x0603, 0x0804, 0x0805,
                                       0x0806, 0x0401, 0x0501, 0x0601 };
#define SIGNATURES (sizeof signatures / sizeof *signatures)

static bool has_signature(uint16_t id)
{
    for (size_t i = 0; i < SIGNATURES; i++)
        if (signatures[i] == id)
            return true;
    return false;
}

/** RSA-PSS is for TLS 1.3 in this library, and RSA's older padding for everything before. */
static bool signs_in(uint16_t id, bool tls13)
{
    bool ecdsa = (id & 0xff) == 0x03;
    bool pss = id >> 8 == 0x08;
    return ecdsa || pss == tls13;
}

static bool any_signs(const uint16_t *ids, const struct ln_tls_settings *s)
{
    bool old = s->datagram || s->min_version < LN_TLS_1_3;
    bool tls13 = s->max_version == LN_TLS_1_3;
    for (; *ids != 0; ids++)
        if ((old && signs_in(*ids, false)) || (tls13 && signs_in(*ids, true)))
            return true;
    return false;
}

static enum ln_status set_signatures(struct mbed_config *c, const struct ln_tls_settings *s,
                                     struct ln_diag *diag)
{
    const uint16_t *ids = s->signature_count > 0 ? s->signatures : signatures;
    size_t count = s->signature_count > 0 ? s->signature_count : SIGNATURES;
    c->signatures = ln_calloc(c->env, count + 1, sizeof *c->signatures);
    if (c->signatures == NULL)
        return no_memory(diag);
    for (size_t i = 0; i < count; i++) {
        if (!has_signature(ids[i]))
            return unknown(diag, "signatures", ids[i], NULL);
        c->signatures[i] = ids[i];
    }
    if (!any_signs(c->signatures, s))
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "signatures: Mbed TLS has RSA-PSS for TLS 1.3 only, and RSA's older "
                           "padding before that only");
    return LN_OK;
}

/* ---- ALPN ---- */

static enum ln_status set_alpn(struct mbed_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag)
{
    size_t size = (s->alpn_count + 1) * sizeof *c->alpn;
    if (s->alpn_count == 0)
        return LN_OK;
    for (size_t i = 0; i < s->alpn_count; i++)
        size += strlen(s->alpn[i]) + 1;
    c->alpn = ln_calloc(c->env, size, 1);
    if (c->alpn == NULL)
        return no_memory(diag);
    char *text = (char *)(c->alpn + s->alpn_count + 1);
    for (size_t i = 0; i < s->alpn_count; i++) {
        size_t len = strlen(s->alpn[i]) + 1;
        memcpy(text, s->alpn[i], len);
        c->alpn[i] = text;
        text += len;
    }
    return LN_OK;
}

enum ln_status mbed_set_offers(struct mbed_config *c, const struct ln_tls_settings *s,
                               struct ln_diag *diag)
{
    enum ln_status st = set_suites(c, s, diag);
    if (st == LN_OK)
        st = set_groups(c, s, diag);
    if (st == LN_OK)
        st = set_signatures(c, s, diag);
    if (st == LN_OK)
        st = set_alpn(c, s, diag);
    return st;
}
