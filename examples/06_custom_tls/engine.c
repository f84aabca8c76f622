/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: handshake, records, closing. The contract is in <linnet/tls_backend.h>.
 *
 * Nothing here blocks: the transport answers EAGAIN, GnuTLS answers GNUTLS_E_AGAIN, and that is
 * LN_AGAIN, once nothing more can be had from below. What is received is taken out of GnuTLS as a
 * whole record and kept until it is consumed, so that an empty room can ask whether anything is
 * there, and a datagram never leaves a rest behind.
 */
#include "engine.h"
#include "inbox.h"
#include "outbox.h"

/* Records without data for the caller (tickets, warnings, key updates) that one call goes through. */
#define ROUNDS_PER_CALL 64

/* ---- starting ---- */

static unsigned session_flags(const struct gtls_config *c, enum ln_role role)
{
    unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    flags |= role == LN_SERVER ? GNUTLS_SERVER : GNUTLS_CLIENT;
    if (c->datagram)
        flags |= GNUTLS_DATAGRAM;
    if (role == LN_SERVER)
        return flags;
    flags |= GNUTLS_FORCE_CLIENT_CERT; /* whatever CAs the server names: there is one to send */
    flags |= GNUTLS_KEY_SHARE_TOP;     /* one key share: a hello stays small */
    if (!c->resume)
        flags |= GNUTLS_NO_TICKETS;
    return flags;
}

static int set_role(struct gtls_engine *e)
{
    static const gnutls_certificate_request_t requests[] = {
        [LN_CLIENT_AUTH_NONE] = GNUTLS_CERT_IGNORE,
        [LN_CLIENT_AUTH_REQUEST] = GNUTLS_CERT_REQUEST,
        [LN_CLIENT_AUTH_REQUIRE] = GNUTLS_CERT_REQUIRE,
    };
    if (e->role == LN_CLIENT)
        return 0;
    gnutls_certificate_server_set_request(e->session, requests[e->config->client_auth]);
    return gnutls_session_ticket_enable_server(e->session, &e->config->ticket_key);
}

/* A client that wants a pre-shared key has the certificate credentials too: a certificate that comes
 * all the same is shown to the filter, which refuses it with a sentence of its own. */
static int set_credentials(struct gtls_engine *e)
{
    struct gtls_config *c = e->config;
    int ret = c->auth == LN_AUTH_PSK ? gtls_set_psk_of(e) : 0;
    if (ret >= 0 && (c->auth != LN_AUTH_PSK || e->role == LN_CLIENT))
        ret = gnutls_credentials_set(e->session, GNUTLS_CRD_CERTIFICATE, c->certificates);
    return ret;
}

static int set_hello(struct gtls_engine *e, const char *server_name)
{
    const struct gtls_config *c = e->config;
    int ret = 0;
    if (server_name != NULL)
        ret = gnutls_server_name_set(e->session, GNUTLS_NAME_DNS, server_name, strlen(server_name));
    if (ret >= 0 && c->alpn_count > 0)
        ret = gnutls_alpn_set_protocols(e->session, c->alpn, c->alpn_count,
                                        GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
    return ret;
}

static int set_up(struct gtls_engine *e, const struct ln_tls_start *how)
{
    int ret = gnutls_init(&e->session, session_flags(e->config, how->role));
    if (ret < 0) {
        e->session = NULL;
        return ret;
    }
    gnutls_session_set_ptr(e->session, e);
    ret = gnutls_priority_set(e->session, e->role == LN_SERVER ? e->config->priority
                                                               : e->config->client_priority);
    if (ret >= 0)
        ret = set_credentials(e);
    if (ret >= 0)
        ret = set_role(e);
    if (ret >= 0)
        ret = set_hello(e, how->server_name);
    if (ret < 0)
        return ret;
    gtls_watch(e);
    gnutls_handshake_set_timeout(e->session, GNUTLS_INDEFINITE_TIMEOUT);
    if (e->config->datagram)
        gtls_flight_begin(e);
    return gtls_set_transport(e);
}

enum ln_status gtls_start(void *engine, void *config, const struct ln_tls_start *how,
                          struct ln_diag *diag)
{
    struct gtls_engine *e = engine;
    memset(e, 0, sizeof *e);
    e->config = config;
    e->io = how->io;
    e->facts = how->io->facts;
    e->role = how->role;
    e->mtu = how->mtu;
    e->listening = how->listen;
    int ret = set_up(e, how);
    if (ret < 0)
        return gtls_fail(e, ret, diag);
    if (how->session.len > 0)
        gtls_offer_session(e, how->session);
    return LN_OK;
}

static void release_packet(struct gtls_engine *e)
{
    if (e->packet != NULL)
        gnutls_packet_deinit(e->packet);
    e->packet = NULL;
    e->plain = ln_span(NULL, 0);
}

void gtls_stop(void *engine)
{
    struct gtls_engine *e = engine;
    release_packet(e);
    if (e->session != NULL)
        gnutls_deinit(e->session);
    gtls_inbox_clear(e->inbox);
    gnutls_free(e->inbox);
    gtls_outbox_clear(&e->outbox);
    memset(e, 0, sizeof *e);
}

static void begin(struct gtls_engine *e)
{
    e->io_status = LN_OK;
    e->write_blocked = false;
    e->datagrams = 0;
}

/* ---- handshake ---- */

static bool is_patient(int ret)
{
    return ret == GNUTLS_E_AGAIN || ret == GNUTLS_E_INTERRUPTED;
}

/* Whether the call should be made again at once: something that was not for the caller was received,
 * and perhaps what is waited for stands behind it. */
static bool goes_on(struct gtls_engine *e)
{
    if (e->io_status != LN_OK || !e->pulled)
        return false;
    return !e->config->datagram || gtls_has_record(e);
}

static int shake(struct gtls_engine *e)
{
    int ret = GNUTLS_E_AGAIN;
    for (int i = 0; i < ROUNDS_PER_CALL; i++) {
        e->pulled = false;
        ret = gnutls_handshake(e->session);
        if (ret == GNUTLS_E_WARNING_ALERT_RECEIVED)
            gtls_note_alert(e, ret);
        else if (!is_patient(ret))
            return ret;
        if (!goes_on(e))
            break;
    }
    return GNUTLS_E_AGAIN;
}

/* In TLS 1.3 nothing but this keeps a server from answering an offered key by a certificate that
 * was accepted for another reason; in TLS 1.2 the suites do. */
static bool is_what_was_agreed(const struct gtls_engine *e)
{
    return e->config->auth != LN_AUTH_PSK || e->resumed ||
           gnutls_auth_get_type(e->session) == GNUTLS_CRD_PSK;
}

static enum ln_status handshake_done(struct gtls_engine *e, struct ln_diag *diag)
{
    gnutls_datum_t name = { NULL, 0 };
    e->resumed = gnutls_session_is_resumed(e->session) != 0;
    if (!is_what_was_agreed(e)) {
        e->facts->verify = LN_VERIFY_UNWANTED;
        return gtls_fail(e, GNUTLS_E_CERTIFICATE_ERROR, diag);
    }
    e->open = true;
    e->unconfirmed = e->facts->certificate_sent && e->role == LN_CLIENT &&
                     gtls_version_id(e->session) == LN_TLS_1_3;
    if (gnutls_alpn_get_selected_protocol(e->session, &name) >= 0 && name.size < sizeof e->alpn)
        memcpy(e->alpn, name.data, name.size);
    if (e->config->datagram) {
        gtls_flight_end(e);
        gtls_inbox_clear(e->inbox);
    }
    if (!e->resumed && gtls_version_id(e->session) != LN_TLS_1_3)
        e->ticket_new = true; /* or a session id, which is as good */
    gtls_store_session(e);
    return LN_OK;
}

enum ln_status gtls_handshake(void *engine, struct ln_diag *diag)
{
    struct gtls_engine *e = engine;
    begin(e);
    if (e->listening)
        return gtls_listen(e);
    if (e->config->datagram) {
        (void)gtls_outbox_flush(e);
        bool in_time = gtls_flight_step(e, ln_now(e->config->env));
        bool due = e->flight.number == 0 || e->flight.again; /* the first, or once more */
        if (!gtls_has_record(e) && e->io_status == LN_OK && (!in_time || !due))
            return in_time ? LN_AGAIN : LN_TIMEOUT;
    }
    int ret = e->io_status == LN_OK ? shake(e) : GNUTLS_E_PULL_ERROR;
    if (e->io_status != LN_OK || !is_patient(ret))
        return ret == GNUTLS_E_SUCCESS ? handshake_done(e, diag) : gtls_fail(e, ret, diag);
    return LN_AGAIN;
}

void gtls_set_mtu(void *engine, size_t mtu)
{
    struct gtls_engine *e = engine;
    e->mtu = mtu;
}

bool gtls_wants_write(const void *engine)
{
    const struct gtls_engine *e = engine;
    return e->write_blocked;
}

/* ---- receiving ---- */

/* GnuTLS hands a renegotiation to us, and we have none. */
static void refuse_renegotiation(struct gtls_engine *e)
{
    (void)gnutls_alert_send(e->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
}

static enum ln_status closed(struct gtls_engine *e)
{
    e->facts->closed_by_peer = true;
    return LN_CLOSED;
}

/* One record to consume, if there is one. */
static enum ln_status receive_once(struct gtls_engine *e, struct ln_diag *diag)
{
    gnutls_datum_t plain = { NULL, 0 };
    e->pulled = false;
    ssize_t ret = gnutls_record_recv_packet(e->session, &e->packet);
    gtls_store_session(e);
    if (ret > 0) {
        gnutls_packet_get(e->packet, &plain, NULL);
        e->plain = ln_span(plain.data, plain.size);
        return LN_OK;
    }
    e->packet = NULL;
    if (ret == 0)
        return closed(e);
    if (ret == GNUTLS_E_WARNING_ALERT_RECEIVED)
        gtls_note_alert(e, (int)ret);
    else if (ret == GNUTLS_E_REHANDSHAKE)
        refuse_renegotiation(e);
    else if (!is_patient((int)ret))
        return gtls_fail(e, (int)ret, diag);
    return e->io_status == LN_OK ? LN_AGAIN : gtls_fail(e, (int)ret, diag);
}

static enum ln_status receive(struct gtls_engine *e, struct ln_diag *diag)
{
    enum ln_status st = LN_AGAIN;
    if (e->packet != NULL)
        return LN_OK;
    for (int i = 0; i < ROUNDS_PER_CALL && st == LN_AGAIN; i++) {
        st = receive_once(e, diag);
        if (st == LN_AGAIN && !goes_on(e))
            break;
    }
    return st;
}

static void consume(struct gtls_engine *e, struct ln_mspan room, size_t *got)
{
    *got = e->plain.len < room.len ? e->plain.len : room.len;
    memcpy(room.data, e->plain.data, *got);
    e->plain = ln_span(e->plain.data + *got, e->plain.len - *got);
    if (e->plain.len == 0 || e->config->datagram)
        release_packet(e);
}

enum ln_status gtls_read(void *engine, struct ln_mspan room, size_t *got, size_t *full,
                         struct ln_diag *diag)
{
    struct gtls_engine *e = engine;
    begin(e);
    enum ln_status st = receive(e, diag);
    if (st == LN_CLOSED && !e->failed && !e->config->datagram)
        return LN_OK; /* close_notify alone proves the end; a reset is LN_CLOSED too */
    if (st != LN_OK || room.len == 0)
        return st;
    *full = e->plain.len;
    consume(e, room, got);
    return e->config->datagram && *got < *full ? LN_NO_SPACE : LN_OK;
}

bool gtls_pending(const void *engine)
{
    const struct gtls_engine *e = engine;
    const struct gtls_inbox *in = e->inbox;
    bool records = in != NULL && (in->records.len > 0 || in->direct.len > 0);
    return e->open && (records || e->packet != NULL || gnutls_record_check_pending(e->session) > 0);
}

/* ---- sending ---- */

/* In TLS 1.3 a server's objection to our certificate comes behind the handshake, and the server has
 * gone by then. It is worth more than the reset that our next record would meet. */
static enum ln_status hear_objections(struct gtls_engine *e, struct ln_diag *diag)
{
    if (!e->unconfirmed)
        return LN_OK;
    enum ln_status st = receive(e, diag);
    if (st == LN_OK)
        e->unconfirmed = false;   /* it answers */
    bool ended = st == LN_CLOSED; /* that is for read() to tell */
    return st == LN_AGAIN || ended ? LN_OK : st;
}

/* What the socket below does not take now is forgotten: the caller sends the same again. */
static enum ln_status write_datagram(struct gtls_engine *e, struct ln_span plain, size_t *used,
                                     struct ln_diag *diag)
{
    if (!gtls_outbox_flush(e))
        return e->io_status == LN_OK ? LN_AGAIN : gtls_fail(e, GNUTLS_E_PUSH_ERROR, diag);
    ssize_t ret = gnutls_record_send(e->session, plain.data, plain.len);
    if (e->io_status != LN_OK || (ret < 0 && ret != GNUTLS_E_LARGE_PACKET && !is_patient((int)ret)))
        return gtls_fail(e, (int)ret, diag);
    if (ret == GNUTLS_E_LARGE_PACKET)
        return LN_NO_SPACE;
    if (ret < 0 || e->write_blocked)
        return LN_AGAIN;
    *used = (size_t)ret;
    return LN_OK;
}

/* A record that GnuTLS could not get rid of is encrypted already; the caller comes with the same data
 * again, and then it is GnuTLS's turn to say how much of it that was. */
static enum ln_status write_stream(struct gtls_engine *e, struct ln_span plain, size_t *used,
                                   struct ln_diag *diag)
{
    bool again = e->unsent > 0;
    ssize_t ret = gnutls_record_send(e->session, again ? NULL : plain.data, again ? 0 : plain.len);
    if (e->io_status != LN_OK || (ret < 0 && !is_patient((int)ret)))
        return gtls_fail(e, (int)ret, diag);
    if (ret < 0) {
        e->unsent = again ? e->unsent : plain.len;
        return LN_AGAIN;
    }
    e->unsent = 0;
    *used = (size_t)ret < plain.len ? (size_t)ret : plain.len;
    return LN_OK;
}

enum ln_status gtls_write(void *engine, struct ln_span plain, size_t *used, struct ln_diag *diag)
{
    struct gtls_engine *e = engine;
    begin(e);
    if (plain.len == 0)
        return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_TRANSFER,
                           "GnuTLS drops records without content");
    enum ln_status st = hear_objections(e, diag);
    if (st != LN_OK)
        return st;
    return e->config->datagram ? write_datagram(e, plain, used, diag)
                               : write_stream(e, plain, used, diag);
}

void gtls_close_notify(void *engine)
{
    struct gtls_engine *e = engine;
    if (!e->open || e->failed)
        return;
    begin(e);
    (void)gnutls_bye(e->session, GNUTLS_SHUT_WR);
}

/* ---- what is known ---- */

void gtls_info(const void *engine, struct ln_tls_session_info *out)
{
    const struct gtls_engine *e = engine;
    memset(out, 0, sizeof *out);
    out->alpn = e->alpn;
    if (!e->open)
        return;
    out->version = gtls_version_id(e->session);
    out->suite = gtls_suite_id(e->session);
    out->group = gtls_group_id(e->session);
    out->resumed = e->resumed;
}

enum ln_status gtls_peer_certificate(const void *engine, size_t index, struct ln_mspan room,
                                     size_t *len)
{
    const struct gtls_engine *e = engine;
    unsigned count = 0;
    const gnutls_datum_t *certs =
        e->session != NULL ? gnutls_certificate_get_peers(e->session, &count) : NULL;
    if (certs == NULL || index >= count)
        return LN_NOT_FOUND;
    *len = certs[index].size;
    if (room.len < *len)
        return LN_NO_SPACE;
    memcpy(room.data, certs[index].data, *len);
    return LN_OK;
}
