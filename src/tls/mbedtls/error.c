/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file error.c
 * The library's error codes -> status, a reason that every back end shares, and its own words.
 *
 * A code is a sum of a high one (the module) and a low one (what it met below). Before TLS 1.3 the
 * library ends some handshakes without a word to the peer; then the alert that fits is sent here.
 */
#include "mbedtls.h"

#define NO_ALERT 0 /* close_notify is never an answer to an error */
int mbed_high(int error)
{
    return -(int)((unsigned)-error & 0xff80u);
}

static int low(int error)
{
    return -(int)((unsigned)-error & 0x7fu);
}

static const struct {
    int error;
    enum ln_tls_reason reason;
    uint8_t alert; /**< what the library sends, or would have to */
} table[] = {
    { MBEDTLS_ERR_SSL_INVALID_RECORD, LN_TLS_REASON_NOT_TLS, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR },
    { MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, LN_TLS_REASON_VERSION,
      MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION },
    { MBEDTLS_ERR_SSL_INVALID_MAC, LN_TLS_REASON_DECRYPT, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC },
    { MBEDTLS_ERR_SSL_DECODE_ERROR, LN_TLS_REASON_MALFORMED, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR },
    { MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, LN_TLS_REASON_SUITE,
      MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER },
    { MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, LN_TLS_REASON_SUITE,
      MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE },
    { MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, LN_TLS_REASON_UNEXPECTED,
      MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE },
    { MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, LN_TLS_REASON_UNEXPECTED,
      MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE },
    { MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, LN_TLS_REASON_MALFORMED,
      MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_EXT },
    { MBEDTLS_ERR_SSL_UNKNOWN_IDENTITY, LN_TLS_REASON_PSK_UNKNOWN,
      MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY },
    { MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, LN_TLS_REASON_NO_CLIENT_CERT,
      MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE },
    { MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, LN_TLS_REASON_OTHER,
      MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL },
    { MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME, LN_TLS_REASON_OTHER,
      MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME },
    { MBEDTLS_ERR_SSL_BAD_CERTIFICATE, LN_TLS_REASON_VERIFY, MBEDTLS_SSL_ALERT_MSG_BAD_CERT },
    { MBEDTLS_ERR_SSL_PK_TYPE_MISMATCH, LN_TLS_REASON_SIGNATURE,
      MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT },
    { MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED, LN_TLS_REASON_SIGNATURE,
      MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE },
    { MBEDTLS_ERR_ECP_VERIFY_FAILED, LN_TLS_REASON_DECRYPT, MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR },
    { MBEDTLS_ERR_RSA_VERIFY_FAILED, LN_TLS_REASON_DECRYPT, MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR },
    { MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, LN_TLS_REASON_OTHER, NO_ALERT },
    { MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, LN_TLS_REASON_OTHER, NO_ALERT },
    { MBEDTLS_ERR_SSL_CONN_EOF, LN_TLS_REASON_EOF, NO_ALERT },
    { MBEDTLS_ERR_SSL_TIMEOUT, LN_TLS_REASON_TIMEOUT, NO_ALERT },
    { MBEDTLS_ERR_SSL_BAD_CONFIG, LN_TLS_REASON_CONFIG, NO_ALERT },
    { MBEDTLS_ERR_SSL_NO_RNG, LN_TLS_REASON_CONFIG, MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR },
};

bool mbed_is_memory(int error)
{
    static const int high[] = { MBEDTLS_ERR_SSL_ALLOC_FAILED, MBEDTLS_ERR_X509_ALLOC_FAILED,
                                MBEDTLS_ERR_PK_ALLOC_FAILED,  MBEDTLS_ERR_ECP_ALLOC_FAILED,
                                MBEDTLS_ERR_MD_ALLOC_FAILED,  MBEDTLS_ERR_CIPHER_ALLOC_FAILED,
                                MBEDTLS_ERR_DHM_ALLOC_FAILED, MBEDTLS_ERR_PEM_ALLOC_FAILED };
    for (size_t i = 0; i < sizeof high / sizeof *high; i++)
        if (mbed_high(error) == high[i])
            return true;
    return low(error) == MBEDTLS_ERR_MPI_ALLOC_FAILED ||
           low(error) == MBEDTLS_ERR_ASN1_ALLOC_FAILED;
}

/** We are server, and the library says no more than that the handshake failed. */
static enum ln_tls_reason of_client(const struct mbed_engine *e, enum ln_tls_reason reason)
{
    const struct ln_tls_facts *facts = e->facts;
    unsigned lacks = e->watch.lacks;
    if (e->config->psk && facts->alert_from == LN_ALERT_SENT &&
        facts->alert_number == MBEDTLS_SSL_ALERT_MSG_UNKNOWN_PSK_IDENTITY)
        return LN_TLS_REASON_PSK_UNKNOWN;
    if (facts->alert_from == LN_ALERT_SENT && facts->alert_number == MBED_ALERT_MISSING_EXTENSION)
        return LN_TLS_REASON_SIGNATURE;
    if (reason != LN_TLS_REASON_SUITE || (facts->said >> 2 & 1) != 0)
        return reason;
    if ((lacks & MBED_LACKS_VERSION) != 0)
        return LN_TLS_REASON_VERSION;
    if ((lacks & MBED_LACKS_SUITE) != 0)
        return LN_TLS_REASON_SUITE;
    if ((lacks & MBED_LACKS_GROUP) != 0)
        return LN_TLS_REASON_GROUP;
    return (lacks & MBED_LACKS_SIGNATURE) != 0 ? LN_TLS_REASON_SIGNATURE : reason;
}

static bool offered_suite(const struct mbed_engine *e, uint16_t suite)
{
    for (const int *ours = e->config->suites; *ours != 0; ours++)
        if (*ours == suite)
            return true;
    return false;
}

static bool offered_group(const struct mbed_engine *e, uint16_t group)
{
    for (const uint16_t *ours = e->config->groups; *ours != 0; ours++)
        if (*ours == group)
            return true;
    return group == 0;
}

/** We are client, and the server chose something that the library calls a bad parameter. */
static enum ln_tls_reason of_server(const struct mbed_engine *e, enum ln_tls_reason reason)
{
    if (reason != LN_TLS_REASON_SUITE || e->facts->chosen_suite == 0)
        return reason;
    if (!offered_suite(e, e->facts->chosen_suite))
        return LN_TLS_REASON_SUITE;
    return offered_group(e, e->watch.group) ? LN_TLS_REASON_MALFORMED : LN_TLS_REASON_GROUP;
}

static enum ln_tls_reason reason_of(const struct mbed_engine *e, int error, uint8_t *alert)
{
    *alert = MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR;
    if (e->denied) {
        *alert = NO_ALERT; /* it has been sent */
        return LN_TLS_REASON_VERIFY;
    }
    if (mbed_is_memory(error))
        return LN_TLS_REASON_MEMORY;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].error != error && table[i].error != mbed_high(error))
            continue;
        *alert = table[i].alert;
        return e->role == LN_SERVER ? of_client(e, table[i].reason) : of_server(e, table[i].reason);
    }
    return LN_TLS_REASON_OTHER;
}

/* ---- alerts ---- */

static bool is_tls13(const struct mbed_engine *e)
{
    return e->facts->chosen_version == LN_TLS_1_3;
}

/** The peer shall know why. In TLS 1.3 the library tells it always, and encrypts what it tells: the
 *  number is derived. */
static void tell_peer(struct mbed_engine *e, uint8_t alert)
{
    struct ln_tls_facts *facts = e->facts;
    if (alert == NO_ALERT || facts->alert_from != LN_ALERT_NONE || e->io_status != LN_OK ||
        !facts->got_bytes)
        return;
    bool known = !is_tls13(e) && !e->watch.alert_sent;
    if (known && mbedtls_ssl_send_alert_message(&e->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert) != 0)
        return;
    if (facts->alert_from != LN_ALERT_NONE) /* it went out in plain text */
        return;
    facts->alert_from = LN_ALERT_SENT;
    facts->alert_level = MBEDTLS_SSL_ALERT_LEVEL_FATAL;
    facts->alert_number = alert;
    facts->alert_derived = !known;
}

/** An alert that nobody told the number of. */
static void note_alert(struct mbed_engine *e)
{
    if (e->facts->alert_from == LN_ALERT_RECEIVED)
        return;
    e->facts->alert_from = LN_ALERT_RECEIVED;
    e->facts->alert_level = MBEDTLS_SSL_ALERT_LEVEL_FATAL;
    e->facts->alert_number = LN_ALERT_NOT_TOLD;
}

/* ---- failures ---- */

static enum ln_status status_of(const struct mbed_engine *e, int error, enum ln_tls_reason reason)
{
    if (e->io_status != LN_OK)
        return e->io_status; /* the deepest cause: the socket below said why */
    if (reason == LN_TLS_REASON_MEMORY)
        return LN_NO_MEMORY;
    if (reason == LN_TLS_REASON_TIMEOUT)
        return LN_TIMEOUT;
    return error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? LN_CLOSED : LN_BAD_PEER;
}

static void describe(struct ln_diag *diag, int error)
{
    char text[96] = "";
    if (error != 0)
        mbedtls_strerror(error, text, sizeof text);
    ln_diag_native(diag, "mbedtls", (long)error, text);
}

enum ln_status mbed_fail(struct mbed_engine *e, int error, struct ln_diag *diag)
{
    uint8_t alert = NO_ALERT;
    enum ln_tls_reason reason = reason_of(e, error, &alert);
    e->failed = true;
    if (error == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        e->facts->closed_by_peer = true;
    if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        note_alert(e);
    tell_peer(e, alert);
    if (e->facts->reason == LN_TLS_REASON_OTHER)
        e->facts->reason = reason;
    enum ln_status status = status_of(e, error, reason);
    if (e->io_status != LN_OK || status == LN_CLOSED)
        return status;
    ln_diag_set(diag, status, LN_CAT_INTERNAL_FAULT, LN_PHASE_NONE, "Mbed TLS failed");
    describe(diag, error);
    return status;
}

enum ln_status mbed_config_fail(struct ln_diag *diag, enum ln_status status, int error,
                                const char *what)
{
    enum ln_category category = LN_CAT_CONFIGURATION;
    char text[96] = "";
    if (mbed_is_memory(error) || status == LN_NO_MEMORY) {
        status = LN_NO_MEMORY;
        category = LN_CAT_OUT_OF_MEMORY;
    }
    if (error != 0)
        mbedtls_strerror(error, text, sizeof text);
    ln_diag_set(diag, status, category, LN_PHASE_CONFIGURE, "%s%s%s", what,
                error != 0 ? ": Mbed TLS says " : "", text);
    describe(diag, error);
    return status;
}
