/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a path holds: signatures, constraints, purpose and strength by GnuTLS; CRLs and dates here,
 * because they are a matter of the time that is asked for.
 *
 * GnuTLS says what is wrong, and not where. So a path that fails is verified once more from the
 * anchor down, a certificate longer each time: the first one that fails is where it is wrong.
 */
#include "path.h"

static const struct {
    unsigned status;
    enum ln_verify verify;
    int above; /**< 1: the issuer of the certificate is to blame */
} results[] = {
    { GNUTLS_CERT_SIGNATURE_FAILURE, LN_VERIFY_BAD_SIGNATURE, 0 },
    { GNUTLS_CERT_SIGNER_NOT_CA, LN_VERIFY_BAD_USAGE, 1 },
    { GNUTLS_CERT_PURPOSE_MISMATCH, LN_VERIFY_BAD_USAGE, 0 },
    { GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, LN_VERIFY_BAD_USAGE, 1 },
    { GNUTLS_CERT_INSECURE_ALGORITHM, LN_VERIFY_WEAK, 0 },
    { GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, LN_VERIFY_UNTRUSTED, 0 },
    { GNUTLS_CERT_SIGNER_NOT_FOUND, LN_VERIFY_UNTRUSTED, 0 },
};

/* ---- what GnuTLS checks ---- */

/** The part of the path from `first` to the anchor. -1 without memory. */
static int verify_from(const struct gtls_verifying *v, const struct gtls_path *path, size_t first,
                       unsigned *status)
{
    const char *purpose = v->peer_is_client ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;
    gnutls_typed_vdata_st data = { GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)purpose,
                                   0 };
    gnutls_x509_crt_t certs[GTLS_PATH_MAX];
    gnutls_x509_trust_list_t list = NULL;
    size_t last = path->count - 1;
    size_t count = 0;
    for (size_t i = first; i < last; i++)
        certs[count++] = path->at[i].crt;
    if (count == 0)
        certs[count++] = path->at[last].crt;
    if (gnutls_x509_trust_list_init(&list, 1) < 0)
        return -1;
    int ret = gnutls_x509_trust_list_add_cas(list, &path->at[last].crt, 1, 0);
    ret = ret == 1 ? gnutls_x509_trust_list_verify_crt2(list, certs, (unsigned)count, &data, 1,
                                                        v->trust->flags, status, NULL)
                   : -1;
    gnutls_x509_trust_list_deinit(list, 0);
    return ret;
}

static void blame(unsigned status, size_t first, size_t count, struct gtls_finding *out)
{
    out->native = status;
    out->result = LN_VERIFY_UNTRUSTED;
    out->depth = (int)first;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if ((status & results[i].status) == 0)
            continue;
        out->result = results[i].verify;
        if (first + 1 < count)
            out->depth += results[i].above;
        return;
    }
}

static bool check_signatures(const struct gtls_verifying *v, const struct gtls_path *path,
                             struct gtls_finding *out)
{
    unsigned status = 0;
    if (verify_from(v, path, 0, &status) < 0)
        return false;
    if (status == 0)
        return true;
    for (size_t first = path->count; first-- > 0;) {
        if (verify_from(v, path, first, &status) < 0)
            return false;
        if (status != 0) {
            blame(status, first, path->count, out);
            return true;
        }
    }
    blame(GNUTLS_CERT_INVALID, 0, path->count, out); /* only as a whole it does not hold */
    return true;
}

/* ---- CRLs ---- */

static bool is_issuer(gnutls_x509_crl_t crl, gnutls_x509_crt_t issuer)
{
    gnutls_datum_t of_crl = { NULL, 0 };
    gnutls_datum_t of_issuer = { NULL, 0 };
    bool yes = gnutls_x509_crl_get_raw_issuer_dn(crl, &of_crl) >= 0 &&
               gnutls_x509_crt_get_raw_dn(issuer, &of_issuer) >= 0 &&
               of_crl.size == of_issuer.size &&
               memcmp(of_crl.data, of_issuer.data, of_crl.size) == 0;
    gnutls_free(of_crl.data);
    gnutls_free(of_issuer.data);
    return yes;
}

static bool is_current(gnutls_x509_crl_t crl, int64_t at)
{
    int64_t from = gnutls_x509_crl_get_this_update(crl);
    int64_t until = gnutls_x509_crl_get_next_update(crl); /* -1: there is none */
    return from <= at && (until == -1 || at <= until);
}

/* Beside its dates, which GnuTLS compares with a clock of its own, flags or not. */
static bool is_signed(const struct gtls_verifying *v, gnutls_x509_crl_t crl,
                      gnutls_x509_crt_t issuer)
{
    const unsigned dates =
        GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED | GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE;
    unsigned status = 0;
    if (gnutls_x509_crl_verify(crl, &issuer, 1, v->trust->flags, &status) < 0)
        return false;
    if ((status & dates) != 0)
        status &= ~(dates | GNUTLS_CERT_INVALID); /* the sum of the others */
    return status == 0;
}

static enum ln_verify judge_crl(const struct gtls_verifying *v, gnutls_x509_crl_t crl,
                                gnutls_x509_crt_t cert, gnutls_x509_crt_t issuer,
                                const struct ln_tls_path_request *how)
{
    if (!is_signed(v, crl, issuer))
        return LN_VERIFY_CRL_BAD;
    if (!how->ignore_dates && !is_current(crl, how->at))
        return LN_VERIFY_CRL_EXPIRED;
    return gnutls_x509_crt_check_revocation(cert, &crl, 1) == 0 ? LN_VERIFY_OK : LN_VERIFY_REVOKED;
}

/* One good CRL of the issuer decides; if there are only bad ones, the last of them is told. */
static enum ln_verify check_revocation(const struct gtls_verifying *v, gnutls_x509_crt_t cert,
                                       gnutls_x509_crt_t issuer,
                                       const struct ln_tls_path_request *how)
{
    const struct gtls_trust *t = v->trust;
    enum ln_verify result = t->crl_policy == LN_CRL_ALL ? LN_VERIFY_CRL_BAD : LN_VERIFY_OK;
    for (size_t i = 0; issuer != NULL && i < t->crl_count; i++) {
        if (!is_issuer(t->crls[i], issuer))
            continue;
        result = judge_crl(v, t->crls[i], cert, issuer, how);
        if (result == LN_VERIFY_OK || result == LN_VERIFY_REVOKED)
            break;
    }
    return result;
}

static unsigned native_of(enum ln_verify result)
{
    if (result == LN_VERIFY_REVOKED)
        return GNUTLS_CERT_INVALID | GNUTLS_CERT_REVOKED;
    if (result == LN_VERIFY_CRL_EXPIRED)
        return GNUTLS_CERT_INVALID | GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED;
    return GNUTLS_CERT_INVALID;
}

static void check_crls(const struct gtls_verifying *v, const struct gtls_path *path,
                       const struct ln_tls_path_request *how, struct gtls_finding *out)
{
    if (v->trust->crl_count == 0 && v->trust->crl_policy != LN_CRL_ALL)
        return;
    for (size_t i = 0; i < path->count && out->result == LN_VERIFY_OK; i++) {
        gnutls_x509_crt_t cert = path->at[i].crt;
        gnutls_x509_crt_t issuer = NULL;
        if (i + 1 < path->count)
            issuer = path->at[i + 1].crt;
        else if (gnutls_x509_crt_check_issuer(cert, cert))
            issuer = cert;
        out->result = check_revocation(v, cert, issuer, how);
        if (out->result != LN_VERIFY_OK) {
            out->native = native_of(out->result);
            out->depth = (int)i;
        }
    }
}

/* ---- dates ---- */

static void check_dates(const struct gtls_path *path, int64_t at, struct gtls_finding *out)
{
    for (size_t i = 0; i < path->count && out->result == LN_VERIFY_OK; i++) {
        gnutls_x509_crt_t cert = path->at[i].crt;
        out->depth = (int)i;
        if (at < gnutls_x509_crt_get_activation_time(cert)) {
            out->result = LN_VERIFY_NOT_YET_VALID;
            out->native = GNUTLS_CERT_INVALID | GNUTLS_CERT_NOT_ACTIVATED;
        } else if (at > gnutls_x509_crt_get_expiration_time(cert)) {
            out->result = LN_VERIFY_EXPIRED;
            out->native = GNUTLS_CERT_INVALID | GNUTLS_CERT_EXPIRED;
        }
    }
}

bool gtls_path_check(const struct gtls_verifying *v, const struct gtls_path *path,
                     const struct ln_tls_path_request *how, struct gtls_finding *out)
{
    *out = (struct gtls_finding) { LN_VERIFY_OK, 0, 0 };
    if (!check_signatures(v, path, out))
        return false;
    if (out->result == LN_VERIFY_OK)
        check_crls(v, path, how, out);
    if (out->result == LN_VERIFY_OK && !how->ignore_dates)
        check_dates(path, how->at, out);
    if (out->result == LN_VERIFY_OK)
        out->depth = 0;
    return true;
}
