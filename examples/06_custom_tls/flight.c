/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS: when our flight goes out, and when it goes out again (RFC 6347 4.2.4).
 *
 * GnuTLS counts its retransmissions on the wall clock, doubles the wait without our limit, and takes
 * the rest modulo a minute. None of this can be set, so it is told to wait 0 ms: it then sends its
 * flight again whenever it is called and finds nothing to read. Of these sendings we let out those
 * that are due, by the schedule that the configuration asks for, on the clock of the environment;
 * the others are swallowed in the transport, as if they had been lost. They cost record numbers, and
 * nothing else.
 *
 * What is left of GnuTLS's own clock is the limit for a whole handshake, which cannot be switched off:
 * it is moved as far away as it goes. A server's handshake ends early if the wall clock is set by
 * twelve days or more while it lasts; a client's does not.
 */
#include "outbox.h"
#include <limits.h>

#define CHANGE_CIPHER_SPEC 20
#define HANDSHAKE 22

/* Answers to a peer that repeats its flight: several of its datagrams may ask for the same. */
#define REPEAT_MS 250

/* The limit that GnuTLS is given when its handshake begins: its arithmetic is that of an int. */
#define BEGIN_LIMIT_MS (INT_MAX / 2)
/* The limit from then on. "None" exists, and DTLS takes it for "over". */
#define LATER_LIMIT_MS UINT_MAX

/* The outbox cuts to the MTU, and the filter knows what the path takes behind the handshake. */
#define ANY_DATAGRAM 16384

void gtls_flight_begin(struct gtls_engine *e)
{
    /* a client's limit is set in time by its first message, and until then there shall be none */
    unsigned limit = e->role == LN_CLIENT ? GNUTLS_INDEFINITE_TIMEOUT : BEGIN_LIMIT_MS;
    gnutls_dtls_set_timeouts(e->session, 0, limit);
    gnutls_dtls_set_mtu(e->session, ANY_DATAGRAM);
    e->flight.due = LN_NEVER;
    e->flight.repeated = INT64_MIN / 2;
}

void gtls_flight_composed(struct gtls_engine *e)
{
    gnutls_dtls_set_timeouts(e->session, 0, LATER_LIMIT_MS);
    if (!e->flight.composing)
        e->flight.begun = false;
    e->flight.composing = true;
}

void gtls_flight_answered(struct gtls_engine *e)
{
    gnutls_dtls_set_timeouts(e->session, 0, LATER_LIMIT_MS);
    e->flight.composing = false;
    if (e->open)
        e->flight.again = false;
}

static void start_timer(struct gtls_engine *e)
{
    e->flight.number++;
    e->flight.wait_ms = e->config->first_ms;
    e->flight.due = ln_now(e->config->env) + e->flight.wait_ms;
    e->flight.begun = true;
}

/* The last flight of a handshake has no timer: it goes out again when the peer repeats its own. */
static bool permits_repetition(struct gtls_engine *e)
{
    ln_msec now = ln_now(e->config->env);
    if (e->flight.again)
        return true; /* the rest of it */
    if (now - e->flight.repeated < REPEAT_MS)
        return false;
    e->flight.again = true;
    e->flight.repeated = now;
    return true;
}

/* Where in the handshake a record stands: encrypted ones come last, a message by number and offset, and
 * ChangeCipherSpec behind the message before it. */
static uint64_t place_of(const struct gtls_flight *f, struct ln_span record)
{
    const uint64_t encrypted = (uint64_t)1 << 48;
    const uint8_t *p = record.data;
    if (record.len < 13 || p[3] != 0 || p[4] != 0)
        return encrypted;
    if (p[0] != HANDSHAKE || record.len < 13 + 12)
        return f->place | 0xffffff;
    uint64_t seq = (uint64_t)p[13 + 4] << 8 | p[13 + 5];
    return seq << 24 | (uint64_t)p[13 + 6] << 16 | (uint64_t)p[13 + 7] << 8 | p[13 + 8];
}

/* GnuTLS repeats a flight that it has just sent if it finds nothing to read behind it. */
static bool is_repeated(struct gtls_flight *f, struct ln_span record)
{
    uint64_t place = place_of(f, record);
    bool repeated = f->begun && place <= f->place;
    f->place = place;
    return repeated;
}

bool gtls_flight_permits(struct gtls_engine *e, struct ln_span record)
{
    if (record.data[0] != HANDSHAKE && record.data[0] != CHANGE_CIPHER_SPEC)
        return true;
    if (e->open)
        return permits_repetition(e);
    if (e->flight.composing && is_repeated(&e->flight, record))
        e->flight.composing = false;
    if (e->flight.composing) {
        if (!e->flight.begun)
            start_timer(e);
        return true;
    }
    if (e->flight.again && !e->flight.counted)
        e->facts->retransmissions++;
    e->flight.counted = e->flight.counted || e->flight.again;
    return e->flight.again;
}

bool gtls_flight_step(struct gtls_engine *e, ln_msec now)
{
    struct gtls_flight *f = &e->flight;
    f->again = false;
    f->counted = false;
    f->composing = f->composing && !f->begun;
    if (now < f->due || e->outbox.queue_len > 0) /* what waits for room has not been sent once */
        return true;
    if (f->wait_ms >= e->config->max_ms)
        return false;
    uint64_t next = (uint64_t)f->wait_ms * 2;
    f->wait_ms = next < e->config->max_ms ? (uint32_t)next : e->config->max_ms;
    f->due = now + f->wait_ms;
    f->again = true;
    return true;
}

void gtls_flight_end(struct gtls_engine *e)
{
    e->flight.due = LN_NEVER;
    e->flight.again = false;
}

void gtls_flight_timer(const void *engine, struct ln_tls_timer *out)
{
    const struct gtls_engine *e = engine;
    ln_msec now = ln_now(e->config->env);
    out->flight = e->flight.number;
    out->left_ms = -1;
    if (e->flight.due != LN_NEVER)
        out->left_ms = e->flight.due > now ? e->flight.due - now : 0;
}
