/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bio.c
 * SSL's bytes to and from the socket below, through the functions the filter gave.
 *
 * One BIO per engine serves both directions and never sees a descriptor. Datagrams keep their
 * boundaries: what SSL writes at once leaves as one datagram; when OpenSSL has packed more records
 * into a flight than fit the MTU (its sum forgets the tag of encrypted records), the flight is cut
 * between records, so that no datagram is ever larger than was agreed.
 */
#include "openssl.h"
#include <openssl/bio.h>
#include <openssl/err.h>

#define DTLS_HEADER 13u

/** The bytes of as many whole records as fit `mtu`; at least the first one. */
static size_t whole_records(const uint8_t *data, size_t len, size_t mtu)
{
    size_t fit = 0;
    while (len - fit >= DTLS_HEADER) {
        size_t record = DTLS_HEADER + ((size_t)data[fit + 11] << 8 | data[fit + 12]);
        if (record > len - fit || (fit > 0 && fit + record > mtu))
            break;
        fit += record;
    }
    return fit > 0 ? fit : len;
}

static int bio_write(BIO *bio, const char *data, int len)
{
    struct ossl_engine *e = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (e == NULL || len <= 0)
        return 0;
    size_t n = (size_t)len;
    if (e->muted)
        return len; /* one transmission too many */
    if (e->config->datagram && n > e->mtu)
        n = whole_records((const uint8_t *)data, n, e->mtu);
    size_t sent = 0;
    enum ln_status st = e->io->send(e->io->ctx, ln_span(data, n), &sent);
    if (st == LN_OK)
        return (int)(e->config->datagram ? n : sent);
    if (st == LN_AGAIN) {
        e->write_blocked = true;
        BIO_set_retry_write(bio);
        return -1;
    }
    e->io_status = st;
    return -1;
}

static int bio_read(BIO *bio, char *room, int len)
{
    struct ossl_engine *e = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (e == NULL || len <= 0)
        return 0;
    e->muted = false; /* what is sent from here on answers something */
    size_t got = 0;
    enum ln_status st = e->io->recv(e->io->ctx, ln_mspan(room, (size_t)len), &got);
    if (st == LN_OK) {
        e->eof = got == 0;
        return (int)got;
    }
    if (st == LN_AGAIN) {
        /* OpenSSL never reads on after a failure of its own: what stands in the queue was left there
         * by somebody whom we called, and would be taken for one */
        if (ERR_peek_error() != 0)
            ERR_clear_error();
        BIO_set_retry_read(bio);
    } else {
        e->io_status = st;
    }
    return -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    struct ossl_engine *e = BIO_get_data(bio);
    (void)number;
    (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DUP:
        return 1;
    case BIO_CTRL_EOF:
        return e != NULL && e->eof;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return e != NULL ? (long)e->mtu : 0;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return 48; /* IPv6 and UDP: lets OpenSSL's own minimum of 256 go down to 208 */
    default:
        return 0; /* nothing pending, no peer, no timeouts: those are the filter's */
    }
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *ossl_bio_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "linnet");
    if (method == NULL)
        return NULL;
    if (BIO_meth_set_write(method, bio_write) && BIO_meth_set_read(method, bio_read) &&
        BIO_meth_set_ctrl(method, bio_ctrl) && BIO_meth_set_create(method, bio_create))
        return method;
    BIO_meth_free(method);
    return NULL;
}

BIO *ossl_bio_new(struct ossl_engine *e)
{
    BIO *bio = BIO_new(e->config->bio);
    if (bio != NULL)
        BIO_set_data(bio, e);
    return bio;
}
