/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cookie.c
 * Servers: HelloVerifyRequests (RFC 6347 4.2.1), made of the ClientHello alone.
 *
 * The library could answer too, but it parses and judges a ClientHello before it looks at the cookie,
 * and allocates while it does. Here a stranger's datagram is read, answered and forgotten. The one
 * that brings its cookie back goes to the library as it came.
 */
#include "base/cursor.h"
#include "mbedtls.h"
#include <string.h>

#define TYPE_HANDSHAKE 22
#define MSG_CLIENT_HELLO 1
#define MSG_HELLO_VERIFY 3
#define COOKIE_LEN 32
/** record header, message header, version, cookie */
#define ANSWER_LEN (13 + 12 + 2 + 1 + COOKIE_LEN)

struct hello {
    struct ln_span record_seq; /**< 6 bytes */
    struct ln_span cookie;
};

/** A ClientHello in the first record, or its first fragment: type, version, epoch, sequence number,
 *  length; type, length, message_seq, fragment_offset, fragment. */
static bool read_message(struct ln_span datagram, struct ln_span *record_seq, struct ln_span *body)
{
    struct ln_cursor in = ln__cursor(datagram);
    struct ln_span record;
    uint8_t type = 0;
    uint8_t message = 0;
    uint16_t epoch = 0;
    uint32_t len = 0;
    uint32_t offset = 0;
    if (ln__cursor_u8(&in, &type) != LN_OK || ln__cursor_skip(&in, 2) != LN_OK ||
        ln__cursor_u16(&in, &epoch) != LN_OK || ln__cursor_take(&in, 6, record_seq) != LN_OK ||
        ln__cursor_vector(&in, 2, &record) != LN_OK)
        return false;
    in = ln__cursor(record);
    return type == TYPE_HANDSHAKE && epoch == 0 && ln__cursor_u8(&in, &message) == LN_OK &&
           message == MSG_CLIENT_HELLO && ln__cursor_u24(&in, &len) == LN_OK &&
           ln__cursor_skip(&in, 2) == LN_OK && ln__cursor_u24(&in, &offset) == LN_OK &&
           offset == 0 && ln__cursor_vector(&in, 3, body) == LN_OK && body->len <= len;
}

/** version, random, session id, cookie, ... The cookie must be in the first fragment. */
static bool read_hello(struct ln_span datagram, struct hello *out)
{
    struct ln_span body;
    struct ln_span session;
    if (!read_message(datagram, &out->record_seq, &body))
        return false;
    struct ln_cursor in = ln__cursor(body);
    return ln__cursor_skip(&in, 2 + 32) == LN_OK && ln__cursor_vector(&in, 1, &session) == LN_OK &&
           ln__cursor_vector(&in, 1, &out->cookie) == LN_OK;
}

static bool make_cookie(const struct mbed_engine *e, uint8_t cookie[COOKIE_LEN])
{
    struct ln_span id = e->io->client_id(e->io->ctx);
    return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), e->config->cookie_secret,
                           sizeof e->config->cookie_secret, id.data, id.len, cookie) == 0;
}

/** With the record number of the ClientHello, message_seq 0 and the version of DTLS 1.0, as RFC 6347
 *  4.2.1 wants it. Lost is lost: the client asks again. */
static void send_answer(const struct mbed_engine *e, const struct hello *hello,
                        const uint8_t cookie[COOKIE_LEN])
{
    uint8_t answer[ANSWER_LEN] = { TYPE_HANDSHAKE, 0xfe, 0xff };
    size_t message_len = 2 + 1 + COOKIE_LEN;
    size_t sent = 0;
    memcpy(answer + 5, hello->record_seq.data, 6);
    answer[12] = (uint8_t)(12 + message_len);
    answer[13] = MSG_HELLO_VERIFY;
    answer[16] = (uint8_t)message_len;
    answer[24] = (uint8_t)message_len;
    answer[25] = 0xfe;
    answer[26] = 0xff;
    answer[27] = COOKIE_LEN;
    memcpy(answer + 28, cookie, COOKIE_LEN);
    (void)e->io->send(e->io->ctx, ln_span(answer, sizeof answer), &sent);
}

bool mbed_proves_address(struct mbed_engine *e, struct ln_span datagram)
{
    struct hello hello;
    uint8_t cookie[COOKIE_LEN];
    if (!read_hello(datagram, &hello) || !make_cookie(e, cookie))
        return false;
    if (hello.cookie.len == sizeof cookie &&
        ln_equal_secret(hello.cookie.data, cookie, sizeof cookie))
        return true;
    send_answer(e, &hello, cookie);
    return false;
}

/* ---- for the library, which insists on callbacks ---- */

/* NOLINTNEXTLINE(readability-non-const-parameter): the library says what its callbacks look like */
int mbed_cookie_write(void *engine, unsigned char **p, unsigned char *end, const unsigned char *id,
                      size_t id_len)
{
    (void)engine;
    (void)p;
    (void)end;
    (void)id;
    (void)id_len;
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR; /* never asked: the check below says yes */
}

int mbed_cookie_check(void *engine, const unsigned char *cookie, size_t cookie_len,
                      const unsigned char *id, size_t id_len)
{
    (void)engine;
    (void)cookie;
    (void)cookie_len;
    (void)id;
    (void)id_len;
    return 0; /* it was looked at before the library got it */
}
