/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file session.c
 * Sessions that can be resumed: the client's, which the filter keeps, and the server's tickets.
 */
#include "mbedtls.h"
#include <string.h>

/* ---- servers: tickets ---- */

int mbed_ticket_write(void *engine, const mbedtls_ssl_session *session, unsigned char *start,
                      const unsigned char *end, size_t *len, uint32_t *lifetime)
{
    struct mbed_engine *e = engine;
    if (mbed_objection(e) != 0) /* a ticket would let it in the next time */
        return MBEDTLS_ERR_SSL_BAD_CERTIFICATE;
    if (e->no_ticket_key)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    return mbedtls_ssl_ticket_write(&e->config->tickets, session, start, end, len, lifetime);
}

/** Called for each identity of a ClientHello until one fits: the last answer counts. */
int mbed_ticket_parse(void *engine, mbedtls_ssl_session *session, unsigned char *data, size_t len)
{
    struct mbed_engine *e = engine;
    int error = mbedtls_ssl_ticket_parse(&e->config->tickets, session, data, len);
    e->ticket_taken = error == 0;
    return error;
}

/* ---- clients: sessions ---- */

void mbed_offer_session(struct mbed_engine *e, struct ln_span blob)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    if (mbedtls_ssl_session_load(&session, blob.data, blob.len) == 0)
        e->session_offered = mbedtls_ssl_set_session(&e->ssl, &session) == 0;
    mbedtls_ssl_session_free(&session);
}

/** The blob is the library's memory, as the session is. */
static void hand_over(struct mbed_engine *e, const mbedtls_ssl_session *session)
{
    size_t len = 0;
    (void)mbedtls_ssl_session_save(session, NULL, 0, &len);
    uint8_t *blob = len > 0 ? mbedtls_calloc(1, len) : NULL;
    if (blob == NULL) {
        ln_log(e->config->env, LN_LOG_WARN, "mbedtls", "no memory to store a session");
        return;
    }
    if (mbedtls_ssl_session_save(session, blob, len, &len) == 0)
        e->io->session(e->io->ctx, ln_span(blob, len));
    ln_wipe(blob, len);
    mbedtls_free(blob);
}

void mbed_store_session(struct mbed_engine *e)
{
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    if (mbedtls_ssl_get_session(&e->ssl, &session) == 0 &&
        (e->watch.ticket || mbedtls_ssl_session_get_id_len(&session) > 0))
        hand_over(e, &session);
    mbedtls_ssl_session_free(&session);
}

/* ---- the key log ---- */

#define SECRET_MAX 64
#define RANDOM_LEN 32

/** What the secrets are called in a key log (NSS Key Log Format). */
static const struct {
    mbedtls_ssl_key_export_type type;
    const char *label;
} labels[] = { LN_MBED_KEY_LABELS };

static const char *label_of(mbedtls_ssl_key_export_type type)
{
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (labels[i].type == type)
            return labels[i].label;
    return NULL;
}

static size_t add_hex(char *line, size_t at, const unsigned char *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        line[at++] = digits[data[i] >> 4];
        line[at++] = digits[data[i] & 15];
    }
    line[at] = '\0';
    return at;
}

void mbed_export_keys(void *engine, mbedtls_ssl_key_export_type type, const unsigned char *secret,
                      size_t secret_len, const unsigned char client_random[32],
                      const unsigned char server_random[32], mbedtls_tls_prf_types prf)
{
    struct mbed_engine *e = engine;
    char line[40 + 2 * RANDOM_LEN + 1 + 2 * SECRET_MAX + 1];
    const char *label = label_of(type);
    (void)server_random;
    (void)prf;
    if (label == NULL || secret_len > SECRET_MAX)
        return;
    size_t len = 0;
    for (; label[len] != '\0'; len++)
        line[len] = label[len];
    line[len++] = ' ';
    len = add_hex(line, len, client_random, RANDOM_LEN);
    line[len++] = ' ';
    len = add_hex(line, len, secret, secret_len);
    e->config->keylog(e->config->keylog_user, line);
    ln_wipe(line, len);
}
