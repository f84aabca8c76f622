/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bio.c
 * The library's bytes and its timer: to and from what the filter gave.
 *
 * The library calls these while it works. None of them blocks or sleeps; time is the environment's
 * monotonic clock, so that a test's virtual time moves the retransmissions too.
 */
#include "mbedtls.h"
#include <string.h>

/** Of a DTLS record: type, version, epoch, sequence number. */
#define RECORD_SEQ_AT 5
#define MSG_SERVER_HELLO 2

/* ---- bytes ---- */

static int send_records(struct mbed_engine *e, const unsigned char *data, size_t len)
{
    size_t sent = 0;
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
    e->timer.sent = true;
    if (e->unsent == 0)
        mbed_watch_sent(e, ln_span(data, len));
    e->unsent = len - sent;
    if (e->unsent == 0)
        e->half_waits = false;
    return (int)sent;
}

/** A record that holds one alert in plain text, and nothing else. */
static bool is_plain_alert(const struct mbed_engine *e, const unsigned char *data, size_t len)
{
    size_t header = e->config->datagram ? 13 : 5;
    bool encrypted = e->config->datagram ? len > 4 && data[4] != 0 : e->watch.encrypted[1];
    return len == header + 2 && data[0] == MBEDTLS_SSL_MSG_ALERT && !encrypted;
}

/** Some alerts of the library's mislead the client: a better one goes out instead. */
static int send_alert(struct mbed_engine *e, const unsigned char *data, size_t len)
{
    uint8_t better[15];
    memcpy(better, data, len);
    better[len - 1] = mbed_better_alert(e, data[len - 1]);
    return send_records(e, better, len);
}

int mbed_send(void *engine, const unsigned char *data, size_t len)
{
    struct mbed_engine *e = engine;
    if (e->muted || len == 0)
        return (int)len;
    if (e->role == LN_SERVER && !e->open && e->unsent == 0 && is_plain_alert(e, data, len))
        return send_alert(e, data, len);
    return send_records(e, data, len);
}
/** The ClientHello that brought its cookie back. */
static int take_hello(struct mbed_engine *e, unsigned char *room)
{
    size_t len = e->hello.len;
    memcpy(room, e->hello.data, len);
    memcpy(e->hello_seq, e->hello.data + RECORD_SEQ_AT, sizeof e->hello_seq);
    e->from_listener = true;
    e->hello = ln_span(NULL, 0);
    mbed_watch_received(e, ln_span(room, len));
    return (int)len;
}

/** The listener has looked at a datagram that the client's own socket gets again. Where it has but a
 *  fragment of the ClientHello, the library would not forgive the repetition. */
static bool is_hello_again(const struct mbed_engine *e, struct ln_span datagram)
{
    bool answered = (e->facts->said & UINT64_C(1) << MSG_SERVER_HELLO) != 0;
    return e->from_listener && !answered && datagram.len > RECORD_SEQ_AT + sizeof e->hello_seq &&
           memcmp(datagram.data + RECORD_SEQ_AT, e->hello_seq, sizeof e->hello_seq) == 0;
}

static enum ln_status receive(struct mbed_engine *e, struct ln_mspan room, size_t *got)
{
    enum ln_status st = e->io->recv(e->io->ctx, room, got);
    if (st == LN_OK && is_hello_again(e, ln_span(room.data, *got)))
        st = e->io->recv(e->io->ctx, room, got);
    return st;
}

int mbed_recv(void *engine, unsigned char *room, size_t len)
{
    struct mbed_engine *e = engine;
    size_t got = 0;
    if (e->hello.len > 0 && e->hello.len <= len)
        return take_hello(e, room);
    enum ln_status st = receive(e, ln_mspan(room, len), &got);
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

/** The library sets it before it sends a flight, and again behind it. Where nothing ran, the flight is
 *  a new one; where it had ended, it is a retransmission; and where it ran and something was sent that
 *  had not been announced so, one that the peer asked for by its own. */
void mbed_set_timer(void *engine, uint32_t between_ms, uint32_t end_ms)
{
    struct mbed_engine *e = engine;
    struct mbed_timer *t = &e->timer;
    ln_msec now = ln_now(e->config->env);
    if (end_ms == 0) {
        t->runs = false;
        return;
    }
    if (t->repeats || (t->runs && t->sent && !t->announced))
        e->facts->retransmissions++;
    else if (!t->runs)
        t->flight++;
    t->announced = !t->runs && !t->repeats;
    t->sent = false;
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
