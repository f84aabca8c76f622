/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file 04_custom_transport.c
 * DTLS over a transport that is no IP: two radios that exchange packets of at most 240 bytes.
 *
 * A transport is one structure that begins with `struct ln_sock`, and one constant table. This one is
 * a pair of short queues in memory, as a driver for SMS or a radio module would have; everything
 * above it (handshake, timers, diagnosis) is Linnet's own and does not know the difference.
 *
 * The program connects a DTLS client and a DTLS server with a pre-shared key over the radios, sends
 * a word each way and prints what it cost. docs/howto-transport.md explains it line by line.
 * Exit status: 0 if both words arrived.
 */
#include <linnet/filter.h>
#include <linnet/tls.h>
#include <stdio.h>

#define PACKET_MAX 240
#define QUEUE_LEN 32

struct packet {
    size_t len;
    uint8_t bytes[PACKET_MAX];
};

/** What flies through the air in one direction. */
struct air {
    size_t first;
    size_t count;
    struct packet packets[QUEUE_LEN];
};

struct radio {
    struct ln_sock base; /* must come first */
    struct air *out;
    struct air *in;
};

static enum ln_status radio_connect(struct ln_sock *s, ln_msec now)
{
    (void)s;
    (void)now;
    return LN_OK; /* nothing to dial */
}

static enum ln_status radio_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    struct air *air = ((struct radio *)s)->out;
    if (data.len > PACKET_MAX)
        return LN_NO_SPACE;
    *sent = data.len;
    if (air->count == QUEUE_LEN)
        return LN_OK; /* the air is busy: lost, as datagrams may be */
    struct packet *p = &air->packets[(air->first + air->count++) % QUEUE_LEN];
    p->len = data.len;
    memcpy(p->bytes, data.data, data.len);
    return LN_OK;
}

static enum ln_status radio_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct air *air = ((struct radio *)s)->in;
    if (air->count == 0)
        return LN_AGAIN;
    const struct packet *p = &air->packets[air->first];
    *got = p->len < room.len ? p->len : room.len;
    if (room.len == 0)
        return LN_OK; /* a question: yes, something is there */
    memcpy(room.data, p->bytes, *got);
    s->datagram_len = p->len;
    air->first = (air->first + 1) % QUEUE_LEN;
    air->count--;
    return *got < p->len ? LN_NO_SPACE : LN_OK;
}

/** There is no descriptor here: the main loop below simply steps both ends. A real driver would add
 *  its handle with ln_interest_add(). */
static void radio_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct radio *r = (const struct radio *)s;
    if (r->in->count > 0 || (want->events & LN_WANT_WRITE) != 0)
        want->ready = true;
    ln_interest_until(want, ln_now(s->env) + 10);
}

static void radio_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    (void)s;
    out->mtu = PACKET_MAX;
    out->inner_mtu = PACKET_MAX;
}

static const struct ln_sock_ops radio_ops = {
    .name = "radio",
    .traits = LN_TRAIT_DATAGRAM,
    .connect = radio_connect,
    .send = radio_send,
    .recv = radio_recv,
    .interest = radio_interest,
    .info = radio_info,
};

static enum ln_status radio_new(const struct ln_env *env, struct air *out, struct air *in,
                                struct ln_sock **sock)
{
    enum ln_status st = ln_filter_new(&radio_ops, sizeof(struct radio), env, NULL, sock);
    if (st != LN_OK)
        return st;
    ((struct radio *)*sock)->out = out;
    ((struct radio *)*sock)->in = in;
    return LN_OK;
}

/* ---- the program ---- */

static struct air up, down;

static bool failed(enum ln_status st, const struct ln_diag *diag)
{
    char line[LN_DIAG_LINE_MAX];
    if (st == LN_OK || st == LN_AGAIN)
        return false;
    ln_diag_line(diag, line, sizeof line);
    fprintf(stderr, "%s\n", line);
    return true;
}

/** Both ends, one after the other, until both are open. */
static bool shake_hands(const struct ln_env *env, struct ln_sock *client, struct ln_sock *server)
{
    enum ln_status c = ln_sock_connect(client, "radio", 1, ln_now(env));
    enum ln_status s = LN_AGAIN;
    while (c == LN_AGAIN || s == LN_AGAIN) {
        s = ln_sock_step(server, ln_now(env));
        if (failed(s, ln_sock_diag(server)))
            return false;
        c = ln_sock_step(client, ln_now(env));
        if (failed(c, ln_sock_diag(client)))
            return false;
    }
    return true;
}

static bool say(struct ln_sock *from, struct ln_sock *to, const char *word)
{
    uint8_t room[64];
    size_t n = 0;
    if (ln_sock_send(from, ln_span_str(word), &n) != LN_OK ||
        ln_sock_recv(to, ln_mspan(room, sizeof room), &n) != LN_OK)
        return false;
    printf("heard: %.*s\n", (int)n, (const char *)room);
    return n == strlen(word);
}

/** The server's end begins where an accepted connection would be: connected, and in that role. */
static enum ln_status make_server(const struct ln_env *env, struct ln_tls_config *tls,
                                  struct ln_diag *diag, struct ln_sock **server)
{
    enum ln_status st = radio_new(env, &down, &up, server);
    if (st == LN_OK)
        st = ln_sock_connect(*server, "radio", 1, ln_now(env));
    if (st != LN_OK)
        return st;
    (*server)->role = LN_SERVER;
    return ln_sock_wrap(server, tls, NULL, diag);
}

static bool run(const struct ln_env *env, struct ln_sock **client, struct ln_sock **server)
{
    struct ln_diag diag;
    struct ln_tls_config *tls = NULL;
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    options.auth = LN_AUTH_PSK;
    options.psk_identity = ln_span_str("radio-7");
    options.psk_key = ln_span_str("not a good key");
    options.mtu = 208;
    enum ln_status st = ln_tls_config_new(env, LN_DTLS, &options, &diag, &tls);
    if (st == LN_OK)
        st = radio_new(env, &up, &down, client);
    if (st == LN_OK)
        st = ln_sock_wrap(client, tls, NULL, &diag);
    if (st == LN_OK)
        st = make_server(env, tls, &diag, server);
    ln_tls_config_unref(tls); /* the sockets hold their own references */
    if (failed(st, &diag))
        return false;
    return shake_hands(env, *client, *server) && say(*client, *server, "hello") &&
           say(*server, *client, "hello yourself");
}

int main(void)
{
    struct ln_env *env = NULL;
    struct ln_sock *client = NULL;
    struct ln_sock *server = NULL;
    struct ln_sock_info info;
    if (ln_env_posix_new(&env) != LN_OK)
        return 1;
    bool ok = run(env, &client, &server);
    if (ok) {
        ln_sock_info(client, &info);
        printf("%s, %u bytes up, %u bytes down, %u bytes of overhead per packet\n",
               ln_suite_name(info.tls.suite), (unsigned)info.wire_sent,
               (unsigned)info.wire_received, (unsigned)info.overhead);
    }
    ln_sock_free(client);
    ln_sock_free(server);
    ln_env_posix_free(env);
    return ok ? 0 : 1;
}
