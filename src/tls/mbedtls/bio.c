/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bio.c
 * The library's bytes, its timer and its cookies: to and from what the filter gave.
 *
 * The library calls these while it works. None of them blocks or sleeps; time is the environment's
 * monotonic clock, so that a test's virtual time moves the retransmissions too.
 */
#include "mbedtls.h"
#include <string.h>

/* ---- bytes ---- */

int mbed_send(void *engine, const unsigned char *data, size_t len)
{
    struct mbed_engine *e = engine;
    size_t sent = 0;
    if (e->muted || len == 0)
        return (int)len;
    enum ln_status st = e->io->send(e->io->ctx, ln_span(data, len), &sent);
    if (st == LN_AGAIN) {
        e->write_blocked = true;
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    }
    if (st != LN_OK) {
        e->io_status = st;
        return MBEDTLS_ERR_NET_SEND_FAILED;
    }
    if (e->config->datagram)
        sent = len;
    if (e->unsent == 0)
        mbed_watch_sent(e, ln_span(data, len));
    e->unsent = len - sent;
    return (int)sent;
}

int mbed_recv(void *engine, unsigned char *room, size_t len)
{
    struct mbed_engine *e = engine;
    size_t got = 0;
    enum ln_status st = e->io->recv(e->io->ctx, ln_mspan(room, len), &got);
    if (st == LN_AGAIN || (st == LN_OK && got == 0 && e->config->datagram)) {
        e->starved = true;
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    if (st != LN_OK) {
        e->io_status = st;
        return MBEDTLS_ERR_NET_RECV_FAILED;
    }
    if (got == 0) {
        e->eof = true;
        return 0;
    }
    mbed_watch_received(e, ln_span(room, got));
    return (int)got;
}

/* ---- the retransmission timer ---- */

/** Where nothing ran, the flight is a new one; where it had ended, it is a retransmission, and where
 *  it ran, one that the peer asked for by a retransmission of its own. */
void mbed_set_timer(void *engine, uint32_t between_ms, uint32_t end_ms)
{
    struct mbed_engine *e = engine;
    struct mbed_timer *t = &e->timer;
    ln_msec now = ln_now(e->config->env);
    if (end_ms == 0) {
        t->runs = false;
        return;
    }
    if (t->repeats || t->runs)
        e->facts->retransmissions++;
    else
        t->flight++;
    t->repeats = false;
    t->runs = true;
    t->between = now + (ln_msec)between_ms;
    t->ends = now + (ln_msec)end_ms;
}

bool mbed_timer_expired(const struct mbed_engine *e)
{
    return e->timer.runs && ln_now(e->config->env) >= e->timer.ends;
}

int mbed_get_timer(void *engine)
{
    struct mbed_engine *e = engine;
    if (!e->timer.runs)
        return -1;
    if (e->timer.frozen)
        return 0;
    if (mbed_timer_expired(e)) {
        e->timer.repeats = true;
        return 2;
    }
    return ln_now(e->config->env) >= e->timer.between ? 1 : 0;
}

/* ---- cookies (RFC 6347 4.2.1) ---- */

static int make_cookie(const struct mbed_engine *e, const unsigned char *id, size_t id_len,
                       uint8_t cookie[MBED_COOKIE_LEN])
{
    return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), e->config->cookie_secret,
                           sizeof e->config->cookie_secret, id, id_len, cookie);
}

int mbed_cookie_write(void *engine, unsigned char **p, unsigned char *end, const unsigned char *id,
                      size_t id_len)
{
    uint8_t cookie[MBED_COOKIE_LEN];
    int error = make_cookie(engine, id, id_len, cookie);
    if (error != 0)
        return error;
    if (end < *p || (size_t)(end - *p) < sizeof cookie)
        return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    memcpy(*p, cookie, sizeof cookie);
    *p += sizeof cookie;
    return 0;
}

int mbed_cookie_check(void *engine, const unsigned char *cookie, size_t cookie_len,
                      const unsigned char *id, size_t id_len)
{
    struct mbed_engine *e = engine;
    uint8_t expected[MBED_COOKIE_LEN];
    if (make_cookie(e, id, id_len, expected) != 0 || cookie_len != sizeof expected ||
        !ln_equal_secret(cookie, expected, sizeof expected))
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    e->cookie_good = true;
    return 0;
}
