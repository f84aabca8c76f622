/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine.c
 * One connection: handshake, records, sessions. See tls_backend.h for the contract.
 *
 * Nothing here blocks: the callbacks of bio.c answer "want read" or "want write", and that is
 * LN_AGAIN. The library also says "want read" when it has dropped something or sent a flight again,
 * so a call goes on until the socket below has nothing more to give.
 */
#include "mbedtls.h"
#include <stdatomic.h>
#include <string.h>

/** Records that may be dropped in one call before the caller gets a turn. */
#define TURNS_PER_CALL 64
#define VERSION_TEXT_LEN 24
/** Nobody needs a longer one before it has said more than hello. */
#define HELLO_MAX 2048

/* ---- starting ---- */

/** The copy of the configuration that is told this connection. */
static void set_callbacks(struct mbed_engine *e)
{
    e->conf = e->config->role[e->role];
    mbed_set_debug(&e->conf, mbed_watch_debug, e);
    if (e->role == LN_SERVER) {
        mbedtls_ssl_conf_session_tickets_cb(&e->conf, mbed_ticket_write, mbed_ticket_parse, e);
        mbedtls_ssl_conf_dtls_cookies(&e->conf, e->listening ? mbed_cookie_write : NULL,
                                      e->listening ? mbed_cookie_check : NULL, e);
    }
}

static int set_up(struct mbed_engine *e)
{
    int error = mbedtls_ssl_setup(&e->ssl, &e->conf);
    if (error != 0)
        return error;
    mbedtls_ssl_set_bio(&e->ssl, e, mbed_send, mbed_recv, NULL);
    mbedtls_ssl_set_verify(&e->ssl, mbed_verify, e);
    if (e->config->keylog != NULL)
        mbedtls_ssl_set_export_keys_cb(&e->ssl, mbed_export_keys, e);
    if (e->config->datagram) {
        mbedtls_ssl_set_timer_cb(&e->ssl, e, mbed_set_timer, mbed_get_timer);
        mbedtls_ssl_set_mtu(&e->ssl, (uint16_t)e->mtu);
    }
    return 0;
}

static int start_client(struct mbed_engine *e, const struct ln_tls_start *how)
{
    /* also without a name: the library wants to hear that there is none */
    int error = mbedtls_ssl_set_hostname(&e->ssl, how->server_name);
    if (error == 0 && how->association.len != 0)
        return mbed_restore(e, how->association);
    if (error == 0 && e->config->connection_id)
        error = mbed_offer_cid(&e->ssl);
    if (error == 0 && how->session.len != 0)
        mbed_offer_session(e, how->session);
    return error;
}

static enum ln_status start(void *engine, void *config, const struct ln_tls_start *how,
                            struct ln_diag *diag)
{
    struct mbed_engine *e = engine;
    memset(e, 0, sizeof *e);
    mbedtls_ssl_init(&e->ssl);
    e->config = config;
    e->io = how->io;
    e->facts = how->io->facts;
    e->role = how->role;
    e->mtu = how->mtu;
    e->listening = how->listen;
    set_callbacks(e);
    int error = mbed_watch_begin(e) ? set_up(e) : MBEDTLS_ERR_SSL_ALLOC_FAILED;
    if (error == 0 && e->role == LN_CLIENT)
        error = start_client(e, how);
    return error == 0 ? LN_OK : mbed_fail(e, error, diag);
}

static void stop(void *engine)
{
    struct mbed_engine *e = engine;
    mbedtls_ssl_free(&e->ssl);
    mbed_watch_end(e);
    ln_wipe(e, sizeof *e);
}

/* ---- results ---- */

static void begin(struct mbed_engine *e)
{
    e->io_status = LN_OK;
    e->write_blocked = false;
    e->starved = false;
}

static enum ln_status outcome(struct mbed_engine *e, int ret, struct ln_diag *diag)
{
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        return LN_AGAIN;
    return mbed_fail(e, ret, diag);
}

/* ---- handshake ---- */

static bool said(const struct mbed_engine *e, int type)
{
    return (e->facts->said >> type & 1) != 0;
}

static bool seen(const struct mbed_engine *e, int type)
{
    return (e->facts->seen >> type & 1) != 0;
}

#define MSG_SERVER_HELLO_DONE 14

/** Before TLS 1.3, a handshake without ServerHelloDone is an abbreviated one. In TLS 1.3 the server
 *  chose a ticket, which comes before the pre-shared key where there are both. */
static bool truly_resumed(const struct mbed_engine *e)
{
    const struct mbed_watch *w = &e->watch;
    bool client = e->role == LN_CLIENT;
    if (mbedtls_ssl_get_version_number(&e->ssl) != MBEDTLS_SSL_VERSION_TLS1_3)
        return client ? !seen(e, MSG_SERVER_HELLO_DONE) : !said(e, MSG_SERVER_HELLO_DONE);
    if (!w->psk_chosen)
        return false;
    if (!client)
        return e->ticket_taken;
    return w->psk_index == 0 && (!e->config->psk || w->psk_offered > 1);
}

static void handshake_done(struct mbed_engine *e)
{
    bool tls13 = mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    bool client = e->role == LN_CLIENT;
    e->resumed = truly_resumed(e);
    e->open = true;
    mbed_watch_end(e);
    e->cid = mbed_peer_cid(&e->ssl, &e->cid_len);
    /* no other client may take this one's place by a ClientHello (RFC 6347 4.2.8) */
    mbedtls_ssl_conf_dtls_cookies(&e->conf, NULL, NULL, NULL);
    e->unconfirmed = client && tls13 && e->facts->certificate_sent;
    /* a session without extended master secret proves less than it seems (RFC 7627) */
    if (client && !tls13 && e->config->resume && e->watch.ems && (!e->resumed || e->watch.ticket))
        mbed_store_session(e);
}

/** Let the library read the ClientHello, or its first fragment, and go no further: what it answers is
 *  for the socket that the client gets. What it says of a bad one is told by the next call. */
static void take_client(struct mbed_engine *e, struct ln_span hello)
{
    e->hello = hello;
    e->facts->address_verified = true; /* it may be told what is wrong with its hello */
    while (e->hello_error == 0 && e->hello.len > 0)
        e->hello_error = mbedtls_ssl_handshake_step(&e->ssl);
    if (e->hello_error == MBEDTLS_ERR_SSL_WANT_READ)
        e->hello_error = 0;
    e->hello = ln_span(NULL, 0);
    e->listening = false;
}

/** Answer ClientHellos by cookies until one brings its cookie back. */
static enum ln_status listen_once(struct mbed_engine *e)
{
    uint8_t room[HELLO_MAX];
    size_t got = 0;
    enum ln_status st = e->io->recv(e->io->ctx, ln_mspan(room, sizeof room), &got);
    if (st == LN_OK && mbed_proves_address(e, ln_span(room, got)))
        take_client(e, ln_span(room, got));
    return st == LN_OK ? LN_AGAIN : st;
}

/** In TLS 1.3, it is not the library that says that a certificate is missing, see object(). */
void mbed_version_chosen(struct mbed_engine *e)
{
    if (e->config->client_auth == LN_CLIENT_AUTH_REQUIRE && e->facts->chosen_version == LN_TLS_1_3)
        mbedtls_ssl_conf_authmode(&e->conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
}

uint8_t mbed_objection(const struct mbed_engine *e)
{
    bool asked = e->role == LN_SERVER && e->config->client_auth != LN_CLIENT_AUTH_NONE &&
                 e->facts->chosen_version == LN_TLS_1_3 && !e->watch.psk_chosen;
    if (!asked)
        return 0;
    if (e->denied)
        return e->objection;
    bool missing = !e->vouched && e->config->client_auth == LN_CLIENT_AUTH_REQUIRE;
    return missing ? MBED_ALERT_CERTIFICATE_REQUIRED : 0;
}

/** The handshake is over, and so the client can read what it must be told: it is not let in. */
static int object(struct mbed_engine *e)
{
    mbed_say(e, mbed_objection(e));
    return e->denied ? MBEDTLS_ERR_SSL_BAD_CERTIFICATE : MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE;
}

static int shake(struct mbed_engine *e)
{
    int ret = MBEDTLS_ERR_SSL_WANT_READ;
    for (int i = 0; i < TURNS_PER_CALL && ret == MBEDTLS_ERR_SSL_WANT_READ && !e->starved; i++)
        ret = mbedtls_ssl_handshake(&e->ssl);
    return ret;
}

/** An answer that has come is read before the timer is looked at. */
static int shake_in_time(struct mbed_engine *e)
{
    e->timer.frozen = true;
    int ret = shake(e);
    e->timer.frozen = false;
    if (ret != MBEDTLS_ERR_SSL_WANT_READ || !mbed_timer_expired(e))
        return ret;
    return mbedtls_ssl_handshake(&e->ssl);
}

/** With room for the path of a certificate, which the library verifies within one call. */
static int shake_with_path(struct mbed_engine *e)
{
    struct mbed_path path = { .count = 0 };
    e->path = &path;
    int ret = e->config->datagram ? shake_in_time(e) : shake(e);
    e->path = NULL;
    return ret;
}

static enum ln_status handshake(void *engine, struct ln_diag *diag)
{
    struct mbed_engine *e = engine;
    begin(e);
    if (e->open) /* restored */
        return LN_OK;
    if (e->listening)
        return listen_once(e);
    int ret = e->hello_error;
    if (ret == 0)
        ret = shake_with_path(e);
    if ((ret == 0 || ret == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) && mbed_objection(e) != 0)
        ret = object(e);
    if (ret != 0)
        return outcome(e, ret, diag);
    handshake_done(e);
    return LN_OK;
}

static void timer(const void *engine, struct ln_tls_timer *out)
{
    const struct mbed_engine *e = engine;
    ln_msec left = e->timer.ends - ln_now(e->config->env);
    out->flight = e->timer.flight;
    out->left_ms = -1;
    if (e->timer.runs)
        out->left_ms = left > 0 ? left : 0;
}

static void set_mtu(void *engine, size_t mtu)
{
    struct mbed_engine *e = engine;
    e->mtu = mtu;
    mbedtls_ssl_set_mtu(&e->ssl, (uint16_t)mtu);
}

static bool wants_write(const void *engine)
{
    const struct mbed_engine *e = engine;
    return e->write_blocked;
}

/* ---- reading ---- */

/** @param len  0 asks whether there is anything */
static int read_on(struct mbed_engine *e, uint8_t *room, size_t len)
{
    int ret = MBEDTLS_ERR_SSL_WANT_READ;
    for (int i = 0; i < TURNS_PER_CALL; i++) {
        ret = mbedtls_ssl_read(&e->ssl, room, len);
        if (ret == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
            e->watch.ticket = true;
            if (e->config->resume)
                mbed_store_session(e);
            ret = MBEDTLS_ERR_SSL_WANT_READ;
        } else if (ret != MBEDTLS_ERR_SSL_WANT_READ || e->starved) {
            break;
        }
    }
    if (ret == 0 && e->eof)
        return MBEDTLS_ERR_SSL_CONN_EOF;
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        e->peer_closed = true;
    return ret;
}

/** An empty room asks whether anything is there; the end of a stream is something. */
static enum ln_status peek(struct mbed_engine *e, struct ln_diag *diag)
{
    if (e->peer_closed && !e->config->datagram)
        return LN_OK;
    int ret = read_on(e, NULL, 0);
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY && !e->config->datagram)
        return LN_OK;
    return ret >= 0 ? LN_OK : outcome(e, ret, diag);
}

static enum ln_status read_stream(struct mbed_engine *e, struct ln_mspan room, size_t *got,
                                  struct ln_diag *diag)
{
    int ret = e->peer_closed ? MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY : read_on(e, room.data, room.len);
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) { /* it alone proves the end */
        e->facts->closed_by_peer = true;
        return LN_OK;
    }
    if (ret == 0) /* a record without content */
        return LN_AGAIN;
    if (ret < 0)
        return outcome(e, ret, diag);
    *got = (size_t)ret;
    return LN_OK;
}

static void drain_record(struct mbed_engine *e)
{
    uint8_t rest[256];
    while (mbedtls_ssl_get_bytes_avail(&e->ssl) > 0 &&
           mbedtls_ssl_read(&e->ssl, rest, sizeof rest) > 0)
        ;
    ln_wipe(rest, sizeof rest);
}

/** One record is one datagram: what does not fit the room is gone. */
static enum ln_status read_datagram(struct mbed_engine *e, struct ln_mspan room, size_t *got,
                                    size_t *full, struct ln_diag *diag)
{
    int ret = read_on(e, NULL, 0);
    if (ret < 0)
        return outcome(e, ret, diag);
    *full = mbedtls_ssl_get_bytes_avail(&e->ssl);
    ret = mbedtls_ssl_read(&e->ssl, room.data, room.len);
    if (ret < 0)
        return outcome(e, ret, diag);
    *got = (size_t)ret;
    if (*got == *full)
        return LN_OK;
    drain_record(e);
    return LN_NO_SPACE;
}

static enum ln_status read_plain(void *engine, struct ln_mspan room, size_t *got, size_t *full,
                                 struct ln_diag *diag)
{
    struct mbed_engine *e = engine;
    begin(e);
    if (room.len == 0)
        return peek(e, diag);
    if (e->config->datagram)
        return read_datagram(e, room, got, full, diag);
    enum ln_status st = read_stream(e, room, got, diag);
    *full = *got;
    return st;
}

static bool pending(const void *engine)
{
    const struct mbed_engine *e = engine;
    return e->open && !e->failed && (e->peer_closed || mbedtls_ssl_check_pending(&e->ssl) != 0);
}

/* ---- writing ---- */

/** In TLS 1.3 a server's objection to our certificate comes behind the handshake, and the server has
 *  gone by then. It is worth more than the reset that our next record would meet (ERR-03). */
static enum ln_status hear_objections(struct mbed_engine *e, struct ln_diag *diag)
{
    if (!e->unconfirmed)
        return LN_OK;
    enum ln_status st = peek(e, diag);
    if (st == LN_OK) /* it answers */
        e->unconfirmed = false;
    return st == LN_AGAIN ? LN_OK : st;
}

/** A record that waits for room below is made already. The library would send it, and believe that
 *  all it is given this time is in it; or it has left meanwhile, since reading sends what waits. */
static int write_on(struct mbed_engine *e, struct ln_span plain)
{
    size_t len = plain.len;
    size_t half = e->half_written;
    bool left = half != 0 && !e->half_waits;
    if (half != 0 && half < len)
        len = half;
    int ret = left ? (int)len : mbedtls_ssl_write(&e->ssl, plain.data, len);
    e->half_waits = ret == MBEDTLS_ERR_SSL_WANT_WRITE;
    e->half_written = e->half_waits ? len : 0;
    return ret;
}

/** The MTU of handshakes is no limit for data: the filter asks the path. */
static int write_datagram(struct mbed_engine *e, struct ln_span plain)
{
    mbedtls_ssl_set_mtu(&e->ssl, 0);
    int ret = write_on(e, plain);
    mbedtls_ssl_set_mtu(&e->ssl, (uint16_t)e->mtu);
    return ret;
}

static enum ln_status write_plain(void *engine, struct ln_span plain, size_t *used,
                                  struct ln_diag *diag)
{
    struct mbed_engine *e = engine;
    begin(e);
    if (plain.len == 0) {
        ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_TRANSFER,
                    "Mbed TLS hands out no record without content, so that none is sent either");
        return LN_UNSUPPORTED;
    }
    enum ln_status st = hear_objections(e, diag);
    if (st != LN_OK)
        return st;
    int ret = e->config->datagram ? write_datagram(e, plain) : write_on(e, plain);
    if (ret == MBEDTLS_ERR_SSL_BAD_INPUT_DATA && e->config->datagram)
        return LN_NO_SPACE;
    if (ret < 0)
        return outcome(e, ret, diag);
    *used = (size_t)ret;
    return LN_OK;
}

static void close_notify(void *engine)
{
    struct mbed_engine *e = engine;
    if (!e->open || e->failed)
        return;
    begin(e);
    (void)mbedtls_ssl_close_notify(&e->ssl);
}

/* ---- what is known ---- */

static bool has_group(const struct mbed_engine *e)
{
    const char *suite = mbedtls_ssl_get_ciphersuite(&e->ssl);
    return mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_3 ||
           (suite != NULL && strstr(suite, "ECDHE") != NULL);
}

static void info(const void *engine, struct ln_tls_session_info *out)
{
    const struct mbed_engine *e = engine;
    memset(out, 0, sizeof *out);
    out->alpn = "";
    if (!e->open)
        return;
    const char *alpn = mbedtls_ssl_get_alpn_protocol(&e->ssl);
    bool tls13 = mbedtls_ssl_get_version_number(&e->ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    out->version = e->config->datagram ? LN_DTLS_1_2 : tls13 ? LN_TLS_1_3 : LN_TLS_1_2;
    out->suite = (uint16_t)mbedtls_ssl_get_ciphersuite_id_from_ssl(&e->ssl);
    out->group = has_group(e) ? e->watch.group : 0;
    out->resumed = e->resumed;
    if (alpn != NULL)
        out->alpn = alpn;
    out->cid_in_use = e->cid;
    if (e->cid) /* and the content type, and what the library fills up */
        out->cid_overhead = e->cid_len + LN_MBED_CID_PADDING;
}

static enum ln_status peer_certificate(const void *engine, size_t index, struct ln_mspan room,
                                       size_t *len)
{
    const struct mbed_engine *e = engine;
    const mbedtls_x509_crt *cert = mbedtls_ssl_get_peer_cert(&e->ssl);
    for (size_t i = 0; i < index && cert != NULL; i++)
        cert = cert->next;
    if (cert == NULL || cert->raw.len == 0)
        return LN_NOT_FOUND;
    *len = cert->raw.len;
    if (room.len < *len)
        return LN_NO_SPACE;
    memcpy(room.data, cert->raw.p, *len);
    return LN_OK;
}

/* ---- capabilities ---- */

/** The linked library's own words, written once. */
static const char *version_text(void)
{
    static char text[VERSION_TEXT_LEN];
    static atomic_int state; /* 0 nothing, 1 being written, 2 there */
    int nothing = 0;
    if (atomic_compare_exchange_strong(&state, &nothing, 1)) {
        mbedtls_version_get_string_full(text);
        atomic_store(&state, 2);
    }
    return atomic_load(&state) == 2 ? text : MBEDTLS_VERSION_STRING_FULL;
}

/** 3.6.6 mended two holes in what we use (CVE-2026-25834, CVE-2026-34873). */
#define FIXED_VERSION 0x03060600

static void capabilities(struct ln_tls_capabilities *out)
{
    out->backend = "mbedtls";
    out->version = version_text();
    out->caps = LN_MBED_CAPS;
    out->warning = LN_MBED_WARNING;
    if (out->warning == NULL && mbedtls_version_get_number() < FIXED_VERSION)
        out->warning = "by its number this Mbed TLS lacks the fixes of 3.6.6 (CVE-2026-25834, "
                       "CVE-2026-34873) unless the distribution added them";
}

const struct ln_tls_backend ln__tls_mbedtls = {
    .name = "mbedtls",
    .capabilities = capabilities,
    .engine_bytes = sizeof(struct mbed_engine),
    .config_new = mbed_config_new,
    .config_free = mbed_config_free,
    .start = start,
    .handshake = handshake,
    .timer = timer,
    .set_mtu = set_mtu,
    .wants_write = wants_write,
    .write = write_plain,
    .read = read_plain,
    .pending = pending,
    .info = info,
    .peer_certificate = peer_certificate,
    .close_notify = close_notify,
    .save = mbed_save_association,
    .stop = stop,
    .hash = mbed_hash,
    .digest = &mbed_digest,
    .issued = mbed_issued,
};
