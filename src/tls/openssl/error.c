/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file error.c
 * OpenSSL's error queue -> status, a reason that every back end shares, and its own words.
 *
 * The queue belongs to the thread: it is emptied here, and before each call into SSL, so that an
 * error of somebody else's is never taken for ours.
 */
#include "openssl.h"
#include <openssl/err.h>

static const struct {
    int code;
    enum ln_tls_reason reason;
} reasons[] = {
    { SSL_R_WRONG_VERSION_NUMBER, LN_TLS_REASON_NOT_TLS },
    { SSL_R_HTTP_REQUEST, LN_TLS_REASON_NOT_TLS },
    { SSL_R_HTTPS_PROXY_REQUEST, LN_TLS_REASON_NOT_TLS },
    { SSL_R_PACKET_LENGTH_TOO_LONG, LN_TLS_REASON_NOT_TLS },
    { SSL_R_RECORD_LENGTH_MISMATCH, LN_TLS_REASON_MALFORMED },
    { SSL_R_BAD_RECORD_TYPE, LN_TLS_REASON_NOT_TLS },
    { SSL_R_UNSUPPORTED_PROTOCOL, LN_TLS_REASON_VERSION },
    { SSL_R_UNKNOWN_PROTOCOL, LN_TLS_REASON_VERSION },
    { SSL_R_UNSUPPORTED_SSL_VERSION, LN_TLS_REASON_VERSION },
    { SSL_R_WRONG_SSL_VERSION, LN_TLS_REASON_VERSION },
    { SSL_R_VERSION_TOO_LOW, LN_TLS_REASON_VERSION },
    { SSL_R_VERSION_TOO_HIGH, LN_TLS_REASON_VERSION },
    { SSL_R_NO_PROTOCOLS_AVAILABLE, LN_TLS_REASON_VERSION },
    { SSL_R_INAPPROPRIATE_FALLBACK, LN_TLS_REASON_VERSION },
    { SSL_R_NO_SHARED_CIPHER, LN_TLS_REASON_SUITE },
    { SSL_R_NO_CIPHERS_AVAILABLE, LN_TLS_REASON_SUITE },
    { SSL_R_NO_CIPHER_MATCH, LN_TLS_REASON_SUITE },
    { SSL_R_WRONG_CIPHER_RETURNED, LN_TLS_REASON_SUITE },
    { SSL_R_UNKNOWN_CIPHER_RETURNED, LN_TLS_REASON_SUITE },
    { SSL_R_NO_SUITABLE_GROUPS, LN_TLS_REASON_GROUP },
    { SSL_R_NO_SUITABLE_KEY_SHARE, LN_TLS_REASON_GROUP },
    { SSL_R_NO_SHARED_GROUPS, LN_TLS_REASON_GROUP },
    { SSL_R_WRONG_CURVE, LN_TLS_REASON_GROUP },
    { SSL_R_BAD_KEY_SHARE, LN_TLS_REASON_GROUP },
    { SSL_R_UNSUPPORTED_ELLIPTIC_CURVE, LN_TLS_REASON_GROUP },
    { SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, LN_TLS_REASON_SIGNATURE },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, LN_TLS_REASON_SIGNATURE },
    { SSL_R_WRONG_SIGNATURE_TYPE, LN_TLS_REASON_SIGNATURE },
    { SSL_R_MISSING_SIGALGS_EXTENSION, LN_TLS_REASON_SIGNATURE },
    { SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, LN_TLS_REASON_DECRYPT },
    { SSL_R_DECRYPTION_FAILED, LN_TLS_REASON_DECRYPT },
    { SSL_R_BLOCK_CIPHER_PAD_IS_WRONG, LN_TLS_REASON_DECRYPT },
    { SSL_R_DIGEST_CHECK_FAILED, LN_TLS_REASON_DECRYPT },
    { SSL_R_BAD_SIGNATURE, LN_TLS_REASON_DECRYPT },
    { SSL_R_BINDER_DOES_NOT_VERIFY, LN_TLS_REASON_DECRYPT },
    { SSL_R_PSK_IDENTITY_NOT_FOUND, LN_TLS_REASON_PSK_UNKNOWN },
    { SSL_R_BAD_PSK_IDENTITY, LN_TLS_REASON_PSK_UNKNOWN },
    { SSL_R_BAD_PSK, LN_TLS_REASON_PSK_UNKNOWN },
    { SSL_R_CERTIFICATE_VERIFY_FAILED, LN_TLS_REASON_VERIFY },
    { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, LN_TLS_REASON_NO_CLIENT_CERT },
    { SSL_R_UNEXPECTED_MESSAGE, LN_TLS_REASON_UNEXPECTED },
    { SSL_R_UNEXPECTED_RECORD, LN_TLS_REASON_UNEXPECTED },
    { SSL_R_CCS_RECEIVED_EARLY, LN_TLS_REASON_UNEXPECTED },
    { SSL_R_UNEXPECTED_EOF_WHILE_READING, LN_TLS_REASON_EOF },
    { SSL_R_READ_TIMEOUT_EXPIRED, LN_TLS_REASON_TIMEOUT },
    { SSL_R_LENGTH_MISMATCH, LN_TLS_REASON_MALFORMED },
    { SSL_R_BAD_LENGTH, LN_TLS_REASON_MALFORMED },
    { SSL_R_EXCESSIVE_MESSAGE_SIZE, LN_TLS_REASON_MALFORMED },
    { SSL_R_BAD_EXTENSION, LN_TLS_REASON_MALFORMED },
    { SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, LN_TLS_REASON_LEGACY },
};

static enum ln_tls_reason reason_of(unsigned long error)
{
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return LN_TLS_REASON_MEMORY;
    if (ERR_GET_LIB(error) != ERR_LIB_SSL)
        return LN_TLS_REASON_OTHER;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == ERR_GET_REASON(error))
            return reasons[i].reason;
    return LN_TLS_REASON_OTHER;
}

/** The error that tells most: memory first, then the first of SSL with a known reason, then the
 *  first of SSL, then the first. Empties the queue. */
static unsigned long most_telling(enum ln_tls_reason *reason)
{
    unsigned long best = 0;
    int best_rank = 0;
    *reason = LN_TLS_REASON_OTHER;
    for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error()) {
        enum ln_tls_reason r = reason_of(error);
        int rank = r == LN_TLS_REASON_MEMORY           ? 4
                   : r != LN_TLS_REASON_OTHER          ? 3
                   : ERR_GET_LIB(error) == ERR_LIB_SSL ? 2
                                                       : 1;
        if (rank > best_rank) {
            best = error;
            best_rank = rank;
            *reason = r;
        }
    }
    return best;
}

enum ln_status ossl_fail(struct ossl_engine *e, struct ln_diag *diag)
{
    enum ln_tls_reason reason = LN_TLS_REASON_OTHER;
    unsigned long error = most_telling(&reason);
    e->failed = true;
    if (e->facts->reason == LN_TLS_REASON_OTHER)
        e->facts->reason = reason;
    if (e->io_status != LN_OK)
        return e->io_status; /* the deepest cause: the socket below said why */
    enum ln_status status = reason == LN_TLS_REASON_MEMORY    ? LN_NO_MEMORY
                            : reason == LN_TLS_REASON_TIMEOUT ? LN_TIMEOUT
                                                              : LN_BAD_PEER;
    ln_diag_set(diag, status, LN_CAT_INTERNAL_FAULT, LN_PHASE_NONE, "OpenSSL failed");
    char text[96] = "";
    if (error != 0)
        ERR_error_string_n(error, text, sizeof text);
    ln_diag_native(diag, "openssl", (long)error, text);
    return status;
}

enum ln_status ossl_config_fail(struct ln_diag *diag, enum ln_status status, const char *what)
{
    enum ln_tls_reason reason = LN_TLS_REASON_OTHER;
    unsigned long error = most_telling(&reason);
    enum ln_category category = LN_CAT_CONFIGURATION;
    if (reason == LN_TLS_REASON_MEMORY) {
        status = LN_NO_MEMORY;
        category = LN_CAT_OUT_OF_MEMORY;
    }
    const char *why = error != 0 ? ERR_reason_error_string(error) : NULL;
    ln_diag_set(diag, status, category, LN_PHASE_CONFIGURE, "%s%s%s", what,
                why != NULL ? ": OpenSSL says " : "", why != NULL ? why : "");
    char text[96] = "";
    if (error != 0)
        ERR_error_string_n(error, text, sizeof text);
    ln_diag_native(diag, "openssl", (long)error, text);
    return status;
}
