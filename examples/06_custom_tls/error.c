/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GnuTLS's codes -> a reason that every back end shares, the alert that the peer is told, and the
 * diagnosis. GnuTLS sends no alert by itself: whoever drives it does.
 */
#include "backend.h"

/* AlertDescription, RFC 8446 6; those that the table below needs and GnuTLS would choose otherwise. */
static const struct {
    int code;
    enum ln_tls_reason reason;
    int alert; /**< 0 = the one that gnutls_error_to_alert() knows */
} codes[] = {
    { GNUTLS_E_UNSUPPORTED_VERSION_PACKET, LN_TLS_REASON_VERSION, 0 },
    { GNUTLS_E_INAPPROPRIATE_FALLBACK, LN_TLS_REASON_VERSION, 0 },
    { GNUTLS_E_SAFE_RENEGOTIATION_FAILED, LN_TLS_REASON_LEGACY, 0 },
    { GNUTLS_E_UNSAFE_RENEGOTIATION_DENIED, LN_TLS_REASON_LEGACY, 0 },
    { GNUTLS_E_UNKNOWN_CIPHER_SUITE, LN_TLS_REASON_SUITE, 0 },
    { GNUTLS_E_NO_CIPHER_SUITES, LN_TLS_REASON_SUITE, 0 },
    { GNUTLS_E_INSUFFICIENT_CREDENTIALS, LN_TLS_REASON_SUITE, 0 },
    { GNUTLS_E_NO_COMMON_KEY_SHARE, LN_TLS_REASON_GROUP, 0 },
    { GNUTLS_E_ECC_NO_SUPPORTED_CURVES, LN_TLS_REASON_GROUP, 0 },
    { GNUTLS_E_ECC_UNSUPPORTED_CURVE, LN_TLS_REASON_GROUP, 0 },
    { GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM, LN_TLS_REASON_SIGNATURE, 0 },
    { GNUTLS_E_INCOMPATIBLE_SIG_WITH_KEY, LN_TLS_REASON_SIGNATURE, 0 },
    { GNUTLS_E_DECRYPTION_FAILED, LN_TLS_REASON_DECRYPT, 0 },
    { GNUTLS_E_ERROR_IN_FINISHED_PACKET, LN_TLS_REASON_DECRYPT, 0 },
    { GNUTLS_E_PK_SIG_VERIFY_FAILED, LN_TLS_REASON_DECRYPT, 0 },
    { GNUTLS_E_SRP_PWD_ERROR, LN_TLS_REASON_PSK_UNKNOWN, GNUTLS_A_UNKNOWN_PSK_IDENTITY },
    { GNUTLS_E_CERTIFICATE_ERROR, LN_TLS_REASON_VERIFY, 0 },
    { GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR, LN_TLS_REASON_VERIFY, 0 },
    /* RFC 5246 7.4.6; TLS 1.3 has a number of its own, and a code of its own */
    { GNUTLS_E_NO_CERTIFICATE_FOUND, LN_TLS_REASON_NO_CLIENT_CERT, GNUTLS_A_HANDSHAKE_FAILURE },
    { GNUTLS_E_CERTIFICATE_REQUIRED, LN_TLS_REASON_NO_CLIENT_CERT, 0 },
    { GNUTLS_E_UNEXPECTED_PACKET_LENGTH, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_UNEXPECTED_EXTENSIONS_LENGTH, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_RECEIVED_ILLEGAL_EXTENSION, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_MISSING_EXTENSION, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_HANDSHAKE_TOO_LARGE, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_TOO_MANY_EMPTY_PACKETS, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_RECORD_OVERFLOW, LN_TLS_REASON_MALFORMED, 0 },
    { GNUTLS_E_UNEXPECTED_PACKET, LN_TLS_REASON_UNEXPECTED, 0 },
    { GNUTLS_E_UNEXPECTED_HANDSHAKE_PACKET, LN_TLS_REASON_UNEXPECTED, 0 },
    { GNUTLS_E_PREMATURE_TERMINATION, LN_TLS_REASON_EOF, 0 },
    { GNUTLS_E_TIMEDOUT, LN_TLS_REASON_TIMEOUT, 0 },
    { GNUTLS_E_MEMORY_ERROR, LN_TLS_REASON_MEMORY, 0 },
};

/* What the peer is told about its certificate: the numbers that it would hear from OpenSSL. */
static const struct {
    enum ln_verify verify;
    int alert;
} refusals[] = {
    { LN_VERIFY_UNTRUSTED, GNUTLS_A_UNKNOWN_CA },
    { LN_VERIFY_INCOMPLETE, GNUTLS_A_UNKNOWN_CA },
    { LN_VERIFY_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED },
    { LN_VERIFY_NOT_YET_VALID, GNUTLS_A_CERTIFICATE_EXPIRED },
    { LN_VERIFY_CRL_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED },
    { LN_VERIFY_REVOKED, GNUTLS_A_CERTIFICATE_REVOKED },
    { LN_VERIFY_CRL_BAD, GNUTLS_A_CERTIFICATE_UNKNOWN },
    { LN_VERIFY_BAD_SIGNATURE, GNUTLS_A_DECRYPT_ERROR },
    { LN_VERIFY_BAD_USAGE, GNUTLS_A_UNSUPPORTED_CERTIFICATE },
    { LN_VERIFY_UNWANTED, GNUTLS_A_HANDSHAKE_FAILURE },
};

static const size_t code_count = sizeof codes / sizeof codes[0];

/* No suite in common, because there is no version in common. */
static int better_code(const struct gtls_engine *e, int code)
{
    bool suites = code == GNUTLS_E_NO_CIPHER_SUITES || code == GNUTLS_E_UNKNOWN_CIPHER_SUITE;
    return suites && e->no_version ? GNUTLS_E_UNSUPPORTED_VERSION_PACKET : code;
}

static enum ln_tls_reason reason_of(const struct gtls_engine *e, int code)
{
    if (e->framing.not_tls)
        return LN_TLS_REASON_NOT_TLS;
    if (e->ended) /* GnuTLS calls a record that was cut one of a wrong length */
        return LN_TLS_REASON_EOF;
    /* the proof (binder) of a key that is known under this identity */
    if (e->psk_found && code == GNUTLS_E_RECEIVED_ILLEGAL_PARAMETER)
        return LN_TLS_REASON_DECRYPT;
    for (size_t i = 0; i < code_count; i++) {
        if (codes[i].code == code)
            return codes[i].reason;
    }
    return LN_TLS_REASON_OTHER;
}

static int alert_of(const struct gtls_engine *e, int code)
{
    int level = 0;
    if (code == GNUTLS_E_CERTIFICATE_ERROR) {
        for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
            if (refusals[i].verify == e->facts->verify)
                return refusals[i].alert;
        }
    }
    for (size_t i = 0; i < code_count; i++) {
        if (codes[i].code == code && codes[i].alert != 0)
            return codes[i].alert;
    }
    return gnutls_error_to_alert(code, &level);
}

static void send_alert(struct gtls_engine *e, int code)
{
    int alert = alert_of(e, code);
    if (gnutls_alert_send(e->session, GNUTLS_AL_FATAL, (gnutls_alert_description_t)alert) < 0)
        return;
    e->facts->alert_from = LN_ALERT_SENT;
    e->facts->alert_level = GNUTLS_AL_FATAL;
    e->facts->alert_number = (uint8_t)alert;
}

void gtls_note_alert(struct gtls_engine *e, int code)
{
    bool warning = code == GNUTLS_E_WARNING_ALERT_RECEIVED;
    e->facts->alert_from = LN_ALERT_RECEIVED;
    e->facts->alert_level = warning ? GNUTLS_AL_WARNING : GNUTLS_AL_FATAL;
    e->facts->alert_number = (uint8_t)gnutls_alert_get(e->session);
}

/* What GnuTLS could not decrypt was an alert in plain text. */
static bool note_plain_alert(struct gtls_engine *e, int code)
{
    const struct gtls_framing *f = &e->framing;
    bool whole = f->alert_len == sizeof f->alert && f->body_left == 0;
    if (e->open || code != GNUTLS_E_DECRYPTION_FAILED || !whole)
        return false;
    e->facts->alert_from = LN_ALERT_RECEIVED;
    e->facts->alert_level = f->alert[0];
    e->facts->alert_number = f->alert[1];
    return true;
}

/* Whether the peer can still hear, and has not ended it itself. */
static bool deserves_alert(const struct gtls_engine *e, int code)
{
    return e->session != NULL && !e->failed && e->io_status == LN_OK &&
           code != GNUTLS_E_FATAL_ALERT_RECEIVED && code != GNUTLS_E_SESSION_EOF &&
           code != GNUTLS_E_PREMATURE_TERMINATION && code != GNUTLS_E_TIMEDOUT;
}

enum ln_status gtls_fail(struct gtls_engine *e, int code, struct ln_diag *diag)
{
    code = better_code(e, code);
    enum ln_tls_reason reason = reason_of(e, code);
    if (e->facts->reason == LN_TLS_REASON_OTHER)
        e->facts->reason = reason;
    if (code == GNUTLS_E_FATAL_ALERT_RECEIVED)
        gtls_note_alert(e, code);
    else if (code == GNUTLS_E_SESSION_EOF)
        e->facts->closed_by_peer = true;
    else if (!note_plain_alert(e, code) && deserves_alert(e, code))
        send_alert(e, code);
    e->failed = true;
    if (e->io_status != LN_OK)
        return e->io_status; /* the deepest cause: the socket below said why */
    enum ln_status status = reason == LN_TLS_REASON_MEMORY    ? LN_NO_MEMORY
                            : reason == LN_TLS_REASON_TIMEOUT ? LN_TIMEOUT
                                                              : LN_BAD_PEER;
    ln_diag_set(diag, status, LN_CAT_INTERNAL_FAULT, LN_PHASE_NONE, "GnuTLS failed");
    ln_diag_native(diag, "gnutls", code, gnutls_strerror(code));
    return status;
}

enum ln_status gtls_no_memory(struct ln_diag *diag)
{
    return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                       "no memory for a TLS configuration");
}

enum ln_status gtls_config_fail(struct ln_diag *diag, enum ln_status status, int code,
                                const char *what)
{
    if (code == GNUTLS_E_MEMORY_ERROR)
        return gtls_no_memory(diag);
    ln_diag_set(diag, status, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s%s%s", what,
                code != 0 ? ": GnuTLS says " : "", code != 0 ? gnutls_strerror(code) : "");
    ln_diag_native(diag, "gnutls", code, code != 0 ? gnutls_strerror(code) : NULL);
    return status;
}
