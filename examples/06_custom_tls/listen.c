/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DTLS servers before the first client is known: a ClientHello without a valid cookie is answered by
 * a HelloVerifyRequest and forgotten (RFC 6347 4.2.1).
 *
 * GnuTLS takes the cookie out of a hello by its position alone. That it is a hello, whole and in one
 * record, is made sure of here.
 */
#include "inbox.h"

#define RECORD_HEADER 13
#define HANDSHAKE 22
#define CLIENT_HELLO 1
#define DTLS_MESSAGE_HEADER 12

static size_t read_24(const uint8_t *p)
{
    return (size_t)p[0] << 16 | (size_t)p[1] << 8 | p[2];
}

/* Length of a whole ClientHello at the start of the datagram, headers included; 0 if there is none. */
static size_t whole_hello(struct ln_span datagram)
{
    const uint8_t *p = datagram.data;
    if (datagram.len < RECORD_HEADER + DTLS_MESSAGE_HEADER || p[0] != HANDSHAKE)
        return 0;
    size_t record = (size_t)p[11] << 8 | p[12];
    const uint8_t *message = p + RECORD_HEADER;
    size_t len = read_24(message + 1);
    bool unfragmented = read_24(message + 6) == 0 && read_24(message + 9) == len;
    if (message[0] != CLIENT_HELLO || !unfragmented || record != DTLS_MESSAGE_HEADER + len ||
        record > datagram.len - RECORD_HEADER)
        return 0;
    return RECORD_HEADER + record;
}

static ssize_t push_cookie(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct gtls_engine *e = ptr;
    size_t sent = 0;
    (void)e->io->send(e->io->ctx, ln_span(data, len), &sent); /* lost: the client sends again */
    return (ssize_t)len;
}

enum ln_status gtls_listen(struct gtls_engine *e)
{
    gnutls_datum_t key = { e->config->cookie_key, sizeof e->config->cookie_key };
    gnutls_dtls_prestate_st prestate;
    memset(&prestate, 0, sizeof prestate);
    struct gtls_inbox *in = e->inbox;
    if (!gtls_receive(e))
        return e->io_status != LN_OK ? e->io_status : LN_AGAIN;
    struct ln_span client = e->io->client_id(e->io->ctx);
    uint8_t id[32];
    size_t len = whole_hello(in->records);
    in->records = ln_span(NULL, 0); /* nothing is kept */
    if (len == 0 || client.len == 0 || client.len > sizeof id)
        return LN_AGAIN;
    memcpy(id, client.data, client.len);
    if (gnutls_dtls_cookie_verify(&key, id, client.len, in->datagram, len, &prestate) < 0) {
        prestate.record_seq = in->datagram[10]; /* the answer has the number of the question */
        (void)gnutls_dtls_cookie_send(&key, id, client.len, &prestate, e, push_cookie);
        return LN_AGAIN;
    }
    gnutls_dtls_prestate_set(e->session, &prestate);
    in->next = (uint16_t)prestate.hsk_read_seq;
    in->records = ln_span(in->datagram, len);
    e->listening = false;
    e->facts->address_verified = true;
    return LN_AGAIN; /* the hello is the first record to be read */
}
