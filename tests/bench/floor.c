/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file floor.c
 * The floor: a client of plain OpenSSL that does what its user needs and nothing else.
 *
 * One shared SSL_CTX, one blocking descriptor per connection, SSL_connect, SSL_read, SSL_write.
 * Nothing is saved at the user's cost: the server's chain and name are verified, only the suites of
 * the mode are offered, and a session that is to be resumed is serialised when it arrives and read
 * back when it is used, since a device keeps it over a restart.
 *
 * usage: see bench_args_read() in common.h; linnet.c takes the same but "device".
 */
#include "bench/common.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
    struct bench_args args;
    SSL_CTX *ctx;
    uint8_t session[16384];
    size_t session_len;
    bool resumed; /* the last one */
    uint64_t received;
} bench;

/* ---- the shared context ---- */

static unsigned int give_key(SSL *ssl, const char *hint, char *identity, unsigned int identity_room,
                             unsigned char *key, unsigned int key_room)
{
    (void)ssl, (void)hint;
    if (identity_room < sizeof BENCH_IDENTITY || key_room < sizeof BENCH_KEY - 1)
        return 0;
    memcpy(identity, BENCH_IDENTITY, sizeof BENCH_IDENTITY);
    memcpy(key, BENCH_KEY, sizeof BENCH_KEY - 1);
    return sizeof BENCH_KEY - 1;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    unsigned char *to = bench.session;
    int len = i2d_SSL_SESSION(session, NULL);
    bench_need(len > 0 && (size_t)len <= sizeof bench.session, "session");
    bench.session_len = (size_t)i2d_SSL_SESSION(session, &to);
    return 0;
}

static SSL_CTX *configure(const struct bench_args *a)
{
    const struct bench_mode *m = a->mode;
    static int group = BENCH_GROUP;
    SSL_CTX *ctx = SSL_CTX_new(m->datagram ? DTLS_client_method() : TLS_client_method());
    bench_need(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, m->version) &&
                   SSL_CTX_set_max_proto_version(ctx, m->version) &&
                   SSL_CTX_set1_groups(ctx, &group, 1),
               "context");
    bench_need(bench_set_suite(ctx, m), "suite");
    if (m->datagram)
        SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
    if (m->psk) {
        SSL_CTX_set_psk_client_callback(ctx, give_key);
    } else {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        bench_need(SSL_CTX_load_verify_file(ctx, bench_path(a->folder, "root.pem")) == 1,
                   "root.pem");
    }
    if (a->sessions == BENCH_NO_SESSIONS) {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    } else {
        SSL_CTX_set_session_cache_mode(ctx,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(ctx, keep_session);
    }
    return ctx;
}

/* ---- one connection ---- */

static int connect_socket(const struct bench_args *a)
{
    struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(a->port) };
    int fd = socket(AF_INET, a->mode->datagram ? SOCK_DGRAM : SOCK_STREAM, 0);
    bench_need(fd >= 0 && inet_pton(AF_INET, BENCH_ADDRESS, &peer.sin_addr) == 1 &&
                   connect(fd, (const struct sockaddr *)&peer, sizeof peer) == 0,
               "connect");
    return fd;
}

static void use_datagrams(SSL *ssl, int fd)
{
    BIO *bio = BIO_new_dgram(fd, BIO_NOCLOSE);
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    bench_need(bio != NULL && getpeername(fd, (struct sockaddr *)&peer, &len) == 0, "datagram BIO");
    (void)BIO_ctrl_set_connected(bio, &peer);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, BENCH_MTU);
}

static void offer_session(SSL *ssl)
{
    const unsigned char *from = bench.session;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &from, (long)bench.session_len);
    bench_need(session != NULL && SSL_set_session(ssl, session) == 1, "session to resume");
    SSL_SESSION_free(session);
}

static SSL *shake(const struct bench_args *a, int fd)
{
    static char name[] = BENCH_NAME;
    SSL *ssl = SSL_new(bench.ctx);
    bench_need(ssl != NULL, "connection");
    if (a->mode->datagram)
        use_datagrams(ssl, fd);
    else
        bench_need(SSL_set_fd(ssl, fd) == 1, "connection");
    if (!a->mode->psk)
        bench_need(SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1,
                   "name");
    if (a->sessions == BENCH_RESUME && bench.session_len > 0)
        offer_session(ssl);
    bench_need(SSL_connect(ssl) == 1, "the handshake failed");
    return ssl;
}

static void receive(SSL *ssl, uint64_t wanted)
{
    static uint8_t room[BENCH_CHUNK];
    uint8_t request[BENCH_REQUEST];
    bench_request_write(wanted, request);
    bench_need(SSL_write(ssl, request, sizeof request) == (int)sizeof request, "send");
    for (uint64_t got = 0; got < wanted;) {
        int n = SSL_read(ssl, room, sizeof room);
        bench_need(n > 0, "receive");
        got += (uint64_t)n;
        bench.received += (uint64_t)n;
    }
}

static SSL *open_one(const struct bench_args *a)
{
    SSL *ssl = shake(a, connect_socket(a));
    if (a->bytes > 0)
        receive(ssl, a->bytes);
    return ssl;
}

static void close_one(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);
    (void)SSL_shutdown(ssl);
    SSL_free(ssl);
    (void)close(fd);
}

/* ---- what a device does at the least ---- */

/* Registers with the bytes of a Register, and answers with the bytes of an answer: what SSL_read and
 * SSL_write cost for datagrams of that length, and nothing else. */
static void be_a_device(const struct bench_args *a)
{
    static const uint8_t registers[] = { 0x40, 2, 0, 1, 0xb2, 'r', 'd' };
    uint8_t room[BENCH_MTU] = { 0 };
    uint8_t answer[BENCH_MTU] = { 0x68, 0x45 };
    enum { HEAD = 4 + 8 }; /* with a token of eight bytes */
    SSL *ssl = open_one(&(struct bench_args) { .mode = a->mode, .port = a->port });
    bench_need(HEAD + 2 + a->bytes <= sizeof answer, "such long answers come in blocks");
    bench_need(SSL_write(ssl, registers, sizeof registers) == (int)sizeof registers, "register");
    bench_need(SSL_read(ssl, room, sizeof room) > 0, "no answer to the Register");
    answer[HEAD] = 0xff;
    answer[HEAD + 1] = 'x';
    while (SSL_read(ssl, room, sizeof room) > HEAD && room[1] == 1) { /* until no GET comes */
        memcpy(answer + 2, room + 2, HEAD - 2);
        bench_need(SSL_write(ssl, answer, (int)a->bytes) == (int)a->bytes, "answer");
    }
    close_one(ssl);
}

/* ---- all of them ---- */

static void one_after_the_other(const struct bench_args *a)
{
    for (unsigned i = 0; i < a->count; i++) {
        SSL *ssl = open_one(a);
        if (i + 1 == a->count)
            bench.resumed = SSL_session_reused(ssl) == 1;
        close_one(ssl);
    }
}

static void all_at_once(const struct bench_args *a, size_t heap_before)
{
    const struct bench_heap *heap = &bench_openssl_heap;
    struct bench_growth growth = { .config = heap->live - heap_before };
    SSL **all = calloc(a->count, sizeof(SSL *));
    bench_need(all != NULL, "no memory");
    size_t empty = heap->live;
    for (unsigned i = 0; i < a->count; i++) {
        size_t before = heap->live;
        bench_openssl_heap.peak = before;
        all[i] = open_one(a);
        growth.peak = heap->peak - before;
        if (i == 0)
            growth.first = heap->live - empty;
    }
    growth.all = heap->live - empty;
    for (unsigned i = 0; i < a->count; i++)
        close_one(all[i]);
    free(all);
    bench_print_growth("openssl", &growth, a->count);
}

int main(int argc, char **argv)
{
    bench.args = bench_args_read(argc, argv);
    const struct bench_args *a = &bench.args;
    if (a->action == BENCH_HOLD)
        bench_heap_watch_openssl();
    bench_need(OPENSSL_init_ssl(0, NULL) == 1, "OpenSSL");
    size_t heap_before = bench_openssl_heap.live;
    bench.ctx = configure(a);
    if (a->action == BENCH_HOLD)
        all_at_once(a, heap_before);
    else if (a->action == BENCH_DEVICE)
        be_a_device(a);
    else
        one_after_the_other(a);
    SSL_CTX_free(bench.ctx);
    bench_print_usage(bench.resumed, bench.received);
    return EXIT_SUCCESS;
}
