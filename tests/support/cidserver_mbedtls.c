/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cidserver.h"

#include <linnet/sock.h>
#include <mbedtls/net_sockets.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RECORD_CID = 25, RECORD_HANDSHAKE = 22, MESSAGE_CLIENT_HELLO = 1 };
enum { HEADER_LEN = 13, CID_AT = 11, EPOCH_AT = 3, MESSAGE_SEQ_AT = HEADER_LEN + 4 };
enum { TICKET_LIFETIME_S = 86400, FIRST_MS = 1000, MAX_MS = 60000 };

/** What a datagram meets is not the server's concern. */
static void ignore(enum ln_status st)
{
    (void)st;
}

/* ---- what the library needs ---- */

static int random_bytes(void *env, unsigned char *room, size_t len)
{
    const struct ln_env *e = env;
    return e->random.fill(e->random.ctx, ln_mspan(room, len)) == LN_OK ? 0 : MBEDTLS_ERR_SSL_NO_RNG;
}

static int send_datagram(void *association, const unsigned char *data, size_t len)
{
    struct cid_server_association *a = association;
    const struct ln_addr *to = a->open ? &a->peer : &a->sender;
    ignore(ln_sock_send_to(a->server->udp, to, ln_span(data, len)));
    return (int)len; /* lost is lost */
}

static int take_datagram(void *association, unsigned char *room, size_t len)
{
    struct cid_server_association *a = association;
    size_t n = a->arrived.len;
    if (n == 0 || n > len)
        return MBEDTLS_ERR_SSL_WANT_READ;
    memcpy(room, a->arrived.data, n);
    a->arrived = ln_span(NULL, 0);
    return (int)n;
}

static void set_timer(void *association, uint32_t between_ms, uint32_t end_ms)
{
    struct cid_server_association *a = association;
    ln_msec now = ln_now(a->server->env);
    a->timer_between = now + (ln_msec)between_ms;
    a->timer_end = end_ms == 0 ? LN_NEVER : now + (ln_msec)end_ms;
}

static int get_timer(void *association)
{
    struct cid_server_association *a = association;
    ln_msec now = ln_now(a->server->env);
    if (a->timer_end == LN_NEVER)
        return -1;
    return now >= a->timer_end ? 2 : now >= a->timer_between ? 1 : 0;
}

static int write_ticket(void *association, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *len, uint32_t *lifetime)
{
    struct cid_server_association *a = association;
    return mbedtls_ssl_ticket_write(&a->server->tickets, session, start, end, len, lifetime);
}

static int read_ticket(void *association, mbedtls_ssl_session *session, unsigned char *data,
                       size_t len)
{
    struct cid_server_association *a = association;
    int error = mbedtls_ssl_ticket_parse(&a->server->tickets, session, data, len);
    a->resumed = error == 0;
    return error;
}

/* ---- associations ---- */

static void drop(struct cid_server_association *a)
{
    if (!a->used)
        return;
    mbedtls_ssl_free(&a->ssl);
    memset(a, 0, sizeof *a);
}

static struct cid_server_association *make(struct cid_server *s)
{
    struct cid_server_association *a = &s->association[s->next];
    s->next = (s->next + 1) % CID_SERVER_ASSOCIATIONS;
    drop(a);
    a->used = true;
    a->server = s;
    a->timer_end = LN_NEVER;
    a->conf = s->conf;
    mbedtls_ssl_conf_session_tickets_cb(&a->conf, write_ticket, read_ticket, a);
    mbedtls_ssl_init(&a->ssl);
    assert_int_equal(mbedtls_ssl_setup(&a->ssl, &a->conf), 0);
    mbedtls_ssl_set_bio(&a->ssl, a, send_datagram, take_datagram, NULL);
    mbedtls_ssl_set_timer_cb(&a->ssl, a, set_timer, get_timer);
    mbedtls_ssl_set_mtu(&a->ssl, 1200);
    if (s->options.cid_len == 0)
        return a;
    assert_int_equal(random_bytes((void *)(uintptr_t)s->env, a->cid, s->options.cid_len), 0);
    assert_int_equal(
        mbedtls_ssl_set_cid(&a->ssl, MBEDTLS_SSL_CID_ENABLED, a->cid, s->options.cid_len), 0);
    return a;
}

static struct cid_server_association *find_by_cid(struct cid_server *s, struct ln_span datagram)
{
    size_t len = s->options.cid_len;
    if (len == 0 || datagram.len < CID_AT + len)
        return NULL;
    for (size_t i = 0; i < CID_SERVER_ASSOCIATIONS; i++)
        if (s->association[i].used &&
            memcmp(s->association[i].cid, datagram.data + CID_AT, len) == 0)
            return &s->association[i];
    return NULL;
}

static struct cid_server_association *find_by_address(struct cid_server *s,
                                                      const struct ln_addr *sender)
{
    for (size_t i = 0; i < CID_SERVER_ASSOCIATIONS; i++)
        if (s->association[i].used && ln_addr_equal(&s->association[i].peer, sender))
            return &s->association[i];
    return NULL;
}

/** A client that begins anew, whatever it had before from that address (RFC 6347 4.2.8). */
static bool is_first_hello(struct ln_span d)
{
    return d.len > MESSAGE_SEQ_AT + 1 && d.data[0] == RECORD_HANDSHAKE && d.data[EPOCH_AT] == 0 &&
           d.data[EPOCH_AT + 1] == 0 && d.data[HEADER_LEN] == MESSAGE_CLIENT_HELLO &&
           d.data[MESSAGE_SEQ_AT] == 0 && d.data[MESSAGE_SEQ_AT + 1] == 0;
}

static struct cid_server_association *find(struct cid_server *s, struct ln_span datagram,
                                           const struct ln_addr *sender)
{
    if (datagram.data[0] == RECORD_CID)
        return find_by_cid(s, datagram);
    struct cid_server_association *a = find_by_address(s, sender);
    if (!is_first_hello(datagram) || (a != NULL && !a->open))
        return a;
    if (a != NULL)
        drop(a);
    a = make(s);
    a->peer = *sender;
    return a;
}

/* ---- serving ---- */

static void answer(struct cid_server_association *a, struct ln_span message)
{
    struct cid_server *s = a->server;
    s->messages++;
    s->last_len = message.len;
    memcpy(s->last, message.data, message.len);
    if (!ln_addr_equal(&a->peer, &a->sender)) { /* it has proven itself */
        a->peer = a->sender;
        s->moves++;
    }
    if (!s->options.mute)
        (void)mbedtls_ssl_write(&a->ssl, message.data, message.len);
}

static void shake(struct cid_server_association *a)
{
    int error = mbedtls_ssl_handshake(&a->ssl);
    if (error == MBEDTLS_ERR_SSL_WANT_READ)
        return;
    if (error != 0) {
        drop(a);
        return;
    }
    a->open = true;
    if (a->resumed)
        a->server->resumed++;
    else
        a->server->full++;
}

static void serve_association(struct cid_server_association *a)
{
    uint8_t room[CID_SERVER_MESSAGE_MAX];
    if (!a->open)
        shake(a);
    while (a->used && a->open) {
        int n = mbedtls_ssl_read(&a->ssl, room, sizeof room);
        if (n > 0)
            answer(a, ln_span(room, (size_t)n));
        else if (n == MBEDTLS_ERR_SSL_WANT_READ)
            return;
        else
            drop(a);
    }
}

static void take(struct cid_server *s, struct ln_span datagram, const struct ln_addr *sender)
{
    struct cid_server_association *a = datagram.len > 0 ? find(s, datagram, sender) : NULL;
    unsigned before = s->messages;
    if (a == NULL) {
        s->ignored++;
        return;
    }
    bool open = a->open;
    a->sender = *sender;
    a->arrived = datagram;
    serve_association(a);
    a->arrived = ln_span(NULL, 0);
    if (open && s->messages == before)
        s->ignored++;
}

static ln_msec serve(void *server, ln_msec now)
{
    struct cid_server *s = server;
    uint8_t room[2048];
    size_t got = 0;
    struct ln_addr sender;
    ln_msec next = LN_NEVER;
    ignore(ln_sock_step(s->udp, now));
    while (ln_sock_recv_from(s->udp, ln_mspan(room, sizeof room), &got, &sender) == LN_OK)
        take(s, ln_span(room, got), &sender);
    for (size_t i = 0; i < CID_SERVER_ASSOCIATIONS; i++) {
        struct cid_server_association *a = &s->association[i];
        if (a->used && !a->open && now >= a->timer_end)
            serve_association(a);
        if (a->used && a->timer_end < next)
            next = a->timer_end;
    }
    return next > now ? next : now + 1;
}

/* ---- life ---- */

static void new_tickets(struct cid_server *s)
{
    mbedtls_ssl_ticket_init(&s->tickets);
    assert_int_equal(mbedtls_ssl_ticket_setup(&s->tickets, random_bytes, (void *)(uintptr_t)s->env,
                                              MBEDTLS_CIPHER_AES_256_GCM, TICKET_LIFETIME_S),
                     0);
}

static void configure(struct cid_server *s)
{
    const struct cid_server_options *o = &s->options;
    mbedtls_ssl_config_init(&s->conf);
    assert_int_equal(mbedtls_ssl_config_defaults(&s->conf, MBEDTLS_SSL_IS_SERVER,
                                                 MBEDTLS_SSL_TRANSPORT_DATAGRAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&s->conf, random_bytes, (void *)(uintptr_t)s->env);
    mbedtls_ssl_conf_dtls_cookies(&s->conf, NULL, NULL, NULL);
    mbedtls_ssl_conf_handshake_timeout(&s->conf, FIRST_MS, MAX_MS);
    if (o->suites != NULL)
        mbedtls_ssl_conf_ciphersuites(&s->conf, o->suites);
    assert_int_equal(mbedtls_ssl_conf_psk(&s->conf, o->psk_key.data, o->psk_key.len,
                                          o->psk_identity.data, o->psk_identity.len),
                     0);
    if (o->cid_len > 0)
        assert_int_equal(
            mbedtls_ssl_conf_cid(&s->conf, o->cid_len, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE), 0);
}

void cid_server_open(struct cid_server *s, struct ln_testkit *kit, const struct ln_env *env,
                     const struct cid_server_options *options)
{
    struct ln_addr local;
    memset(s, 0, sizeof *s);
    s->options = *options;
    s->env = env;
    s->kit = kit;
    configure(s);
    new_tickets(s);
    assert_int_equal(ln_addr_parse("0.0.0.0", CID_SERVER_PORT, &local), LN_OK);
    assert_int_equal(ln_sock_new(env, LN_UDP, NULL, NULL, NULL, &s->udp), LN_OK);
    assert_int_equal(ln_sock_bind(s->udp, &local), LN_OK);
    assert_int_equal(ln_testkit_serve(kit, serve, s), LN_OK);
}

void cid_server_forget(struct cid_server *s, bool tickets)
{
    for (size_t i = 0; i < CID_SERVER_ASSOCIATIONS; i++)
        drop(&s->association[i]);
    if (!tickets)
        return;
    mbedtls_ssl_ticket_free(&s->tickets);
    new_tickets(s);
}

void cid_server_close(struct cid_server *s)
{
    ln_testkit_serve_stop(s->kit, s);
    cid_server_forget(s, false);
    mbedtls_ssl_ticket_free(&s->tickets);
    mbedtls_ssl_config_free(&s->conf);
    ln_sock_free(s->udp);
}
