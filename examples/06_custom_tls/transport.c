/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GnuTLS's bytes to and from the socket below, through the functions that the filter gave. There is
 * no descriptor.
 *
 * DTLS: GnuTLS reads datagrams, and keeps to itself whether records are left in one. So it is given
 * one record at a time, out of the inbox. What it sends goes through the schedule of flight.c and into
 * the outbox.
 */
#include "inbox.h"
#include "outbox.h"
#include <errno.h>

#define ALERT 21
#define APPLICATION_DATA 23
static ssize_t fail_with(struct gtls_engine *e, int code)
{
    gnutls_transport_set_errno(e->session, code);
    return -1;
}

static ssize_t fail_below(struct gtls_engine *e, enum ln_status st)
{
    if (st == LN_AGAIN)
        return fail_with(e, EAGAIN);
    e->io_status = st;
    return fail_with(e, EIO);
}

/* ---- streams ---- */

static ssize_t push_stream(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct gtls_engine *e = ptr;
    size_t sent = 0;
    enum ln_status st = e->io->send(e->io->ctx, ln_span(data, len), &sent);
    if (st == LN_OK)
        return (ssize_t)sent;
    e->write_blocked = st == LN_AGAIN;
    return fail_below(e, st);
}

/* ContentType, RFC 8446 5.1: change_cipher_spec to application_data */
static bool is_content_type(uint8_t byte)
{
    return byte >= 20 && byte <= APPLICATION_DATA;
}

/* An alert in plain text: the last record that came, and what it says. */
static void look_at_byte(struct gtls_framing *f, uint8_t byte)
{
    if (f->body_left == 0) {
        f->header[f->header_len++] = byte;
        if (f->header_len < sizeof f->header)
            return;
        f->header_len = 0;
        f->body_left = (size_t)f->header[3] << 8 | f->header[4];
        f->alert_len = 0;
        return;
    }
    f->body_left--;
    if (f->header[0] == ALERT && f->alert_len < sizeof f->alert)
        f->alert[f->alert_len++] = byte;
}

/* OpenSSL's clients send the alert about a certificate of TLS 1.3 in plain text, and GnuTLS takes it
 * for a record that does not decrypt. So the records of a handshake are looked at. */
static void look_at(struct gtls_framing *f, struct ln_span bytes)
{
    if (!f->begun && bytes.len > 0)
        f->not_tls = !is_content_type(bytes.data[0]);
    f->begun = f->begun || bytes.len > 0;
    for (size_t i = 0; i < bytes.len && !f->not_tls; i++)
        look_at_byte(f, bytes.data[i]);
}

static ssize_t pull_stream(gnutls_transport_ptr_t ptr, void *room, size_t len)
{
    struct gtls_engine *e = ptr;
    size_t got = 0;
    enum ln_status st = e->io->recv(e->io->ctx, ln_mspan(room, len), &got);
    if (st != LN_OK)
        return fail_below(e, st);
    if (!e->open)
        look_at(&e->framing, ln_span(room, got));
    e->pulled = got > 0;
    e->ended = got == 0;
    return (ssize_t)got;
}

static int pull_stream_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    (void)ptr;
    (void)ms;
    return 1; /* pull_stream() knows, and never waits */
}

/* ---- datagrams ---- */

static ssize_t push_datagram(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct gtls_engine *e = ptr;
    const struct ln_span record = ln_span(data, len);
    if (len == 0 || !gtls_flight_permits(e, record))
        return (ssize_t)len;
    gtls_outbox_send(e, record);
    return e->io_status == LN_OK ? (ssize_t)len : fail_with(e, EIO);
}

bool gtls_receive(struct gtls_engine *e)
{
    size_t got = 0;
    if (e->datagrams == GTLS_DATAGRAMS_PER_CALL || e->io_status != LN_OK)
        return false;
    struct ln_mspan room = ln_mspan(e->inbox->datagram, sizeof e->inbox->datagram);
    enum ln_status st = e->io->recv(e->io->ctx, room, &got);
    e->datagrams++;
    if (st != LN_OK && st != LN_AGAIN)
        e->io_status = st;
    e->inbox->records = ln_span(e->inbox->datagram, st == LN_OK ? got : 0);
    return st == LN_OK;
}

/* Each turn consumes a datagram. */
bool gtls_has_record(struct gtls_engine *e)
{
    while (!gtls_inbox_ready(e)) {
        if (!gtls_receive(e))
            return false;
    }
    return true;
}

static ssize_t pull_datagram(gnutls_transport_ptr_t ptr, void *room, size_t len)
{
    struct gtls_engine *e = ptr;
    while (gtls_has_record(e)) {
        size_t got = gtls_inbox_take(e, ln_mspan(room, len));
        e->pulled = true;
        if (got == 0)
            continue; /* longer than any may be */
        gtls_flight_answered(e);
        return (ssize_t)got;
    }
    return fail_below(e, e->io_status != LN_OK ? e->io_status : LN_AGAIN);
}

static int pull_datagram_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    struct gtls_engine *e = ptr;
    (void)ms; /* nothing here waits */
    if (gtls_has_record(e))
        return 1;
    return e->io_status == LN_OK ? 0 : (int)fail_with(e, EIO);
}

/* ---- both ---- */

int gtls_set_transport(struct gtls_engine *e)
{
    bool datagram = e->config->datagram;
    gnutls_transport_set_ptr(e->session, e);
    gnutls_transport_set_push_function(e->session, datagram ? push_datagram : push_stream);
    gnutls_transport_set_pull_function(e->session, datagram ? pull_datagram : pull_stream);
    gnutls_transport_set_pull_timeout_function(e->session, datagram ? pull_datagram_timeout
                                                                    : pull_stream_timeout);
    if (datagram)
        e->inbox = gnutls_calloc(1, sizeof *e->inbox);
    return datagram && e->inbox == NULL ? GNUTLS_E_MEMORY_ERROR : 0;
}
