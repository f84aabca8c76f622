/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file server.c
 * The peer of every benchmark: plain OpenSSL, one process per connection, as many bytes as asked for.
 *
 * usage: bench_server MODE FOLDER [READS PATH]    MODE as in common.h, FOLDER made by mkpki
 *
 * With READS it is an LwM2M server instead (manager.h), in the modes of datagrams.
 * Writes its port to standard output, and one line per handshake with what went over the wire until
 * it was done (tickets included): datagrams or TCP segments with data, and bytes of their payload.
 * DTLS clients get a HelloVerifyRequest first, as from every server on the open Internet.
 * It ends with its standard input, so that none is left behind by a script that was interrupted.
 */
#include "bench/manager.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct bench_mode *mode;

/* ---- counting ---- */

static struct bench_wire wire;
static struct bench_manager manager = { .wire = &wire };

static long count_wire(BIO *bio, int operation, const char *data, size_t len, int argi, long argl,
                       int ret, size_t *processed) /* NOLINT: BIO_callback_fn_ex has no const */
{
    (void)bio, (void)data, (void)len, (void)argi, (void)argl;
    if (ret > 0 && operation == (BIO_CB_READ | BIO_CB_RETURN)) {
        wire.packets_in++;
        wire.bytes_in += *processed;
    }
    if (ret > 0 && operation == (BIO_CB_WRITE | BIO_CB_RETURN)) {
        wire.packets_out++;
        wire.bytes_out += *processed;
    }
    return ret;
}

/** Reads and writes of a stream are no packets: the kernel knows how many there were. */
static void count_segments(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    bench_need(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0, "TCP_INFO");
    wire.packets_in = info.tcpi_data_segs_in;
    wire.packets_out = info.tcpi_data_segs_out;
}

static void report(const SSL *ssl)
{
    char line[160];
    int len = snprintf(
        line, sizeof line, "packets_up=%u bytes_up=%zu packets_down=%u bytes_down=%zu resumed=%d\n",
        wire.packets_in, wire.bytes_in, wire.packets_out, wire.bytes_out, SSL_session_reused(ssl));
    bench_need(write(STDOUT_FILENO, line, (size_t)len) == len, "cannot write the report");
}

/* ---- the configuration ---- */

static unsigned int find_key(SSL *ssl, const char *identity, unsigned char *key, unsigned int room)
{
    unsigned int len = sizeof BENCH_KEY - 1;
    (void)ssl;
    if (strcmp(identity, BENCH_IDENTITY) != 0 || room < len)
        return 0;
    memcpy(key, BENCH_KEY, len);
    return len;
}

/** As long as a real one. Nobody is to be kept out here. */
static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len)
{
    (void)ssl;
    memset(cookie, 'c', 32);
    *len = 32;
    return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
    (void)ssl, (void)cookie;
    return len == 32;
}

static SSL_CTX *configure(const char *folder)
{
    SSL_CTX *ctx = SSL_CTX_new(mode->datagram ? DTLS_server_method() : TLS_server_method());
    bench_need(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, mode->version) &&
                   SSL_CTX_set_max_proto_version(ctx, mode->version) &&
                   SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"bench", 5),
               "server context");
    bench_need(bench_set_suite(ctx, mode), "server suite");
    SSL_CTX_set_options(ctx, SSL_OP_COOKIE_EXCHANGE | SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_cookie_generate_cb(ctx, make_cookie);
    SSL_CTX_set_cookie_verify_cb(ctx, check_cookie);
    SSL_CTX_set_psk_server_callback(ctx, find_key);
    if (mode->psk)
        return ctx;
    bench_need(SSL_CTX_use_certificate_chain_file(ctx, bench_path(folder, "server-chain.pem")) == 1,
               "server-chain.pem");
    bench_need(
        SSL_CTX_use_PrivateKey_file(ctx, bench_path(folder, "server.key"), SSL_FILETYPE_PEM) == 1,
        "server.key");
    return ctx;
}

/* ---- one connection ---- */

static void stream(SSL *ssl, uint64_t left)
{
    static const uint8_t chunk[BENCH_CHUNK];
    while (left > 0) {
        int n = left < sizeof chunk ? (int)left : (int)sizeof chunk;
        if (SSL_write(ssl, chunk, n) != n)
            return;
        left -= (uint64_t)n;
    }
}

static void send_record(void *ctx, const uint8_t *data, size_t len)
{
    bench_need(SSL_write(ctx, data, (int)len) == (int)len, "SSL_write");
}

static SSL *listening_ssl(SSL_CTX *ctx, int listener)
{
    SSL *ssl = SSL_new(ctx);
    BIO *bio = BIO_new_dgram(listener, BIO_NOCLOSE);
    bench_need(ssl != NULL && bio != NULL, "server connection");
    SSL_set_bio(ssl, bio, bio);
    SSL_set_mtu(ssl, BENCH_MTU);
    BIO_set_callback_ex(bio, count_wire);
    memset(&wire, 0, sizeof wire);
    return ssl;
}

/** A device that lost its session, or wants a new one, says so from the same port (RFC 6347 4.2.8): it
 *  has the handshake of a newcomer, over the socket that is there. */
static bool begins_anew(int fd)
{
    uint8_t head[5];
    return recv(fd, head, sizeof head, MSG_PEEK) == (ssize_t)sizeof head && head[0] == 22 &&
           head[3] == 0 && head[4] == 0; /* a handshake record of epoch 0 */
}

static SSL *accept_anew(SSL *old, int fd)
{
    struct sockaddr_in there;
    socklen_t len = sizeof there;
    SSL *ssl = listening_ssl(SSL_get_SSL_CTX(old), fd);
    bench_need(getpeername(fd, (struct sockaddr *)&there, &len) == 0, "getpeername");
    (void)BIO_ctrl_set_connected(SSL_get_rbio(ssl), &there);
    SSL_set_accept_state(ssl);
    bench_need(SSL_accept(ssl) == 1, "a new handshake over the same socket");
    SSL_free(old);
    return ssl;
}

static void manage(SSL *ssl, int fd)
{
    uint8_t room[BENCH_MTU];
    int n = 1;
    manager.send = send_record;
    while (n > 0) {
        if (begins_anew(fd))
            ssl = accept_anew(ssl, fd);
        manager.ctx = ssl;
        n = SSL_read(ssl, room, sizeof room);
        if (n > 0)
            bench_manager_receive(&manager, room, (size_t)n);
    }
}

/** In a process of its own. Requests are answered until the client says goodbye. */
static _Noreturn void serve(SSL *ssl, int fd)
{
    uint8_t request[BENCH_REQUEST];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)alarm(BENCH_ANSWER_S);
    if (SSL_accept(ssl) != 1)
        bench_die("the handshake failed on the server", mode->name);
    (void)alarm(0); /* idle connections are measured too */
    if (manager.path != NULL) {
        manage(ssl, fd);
        _exit(EXIT_SUCCESS);
    }
    if (!mode->datagram)
        count_segments(fd);
    report(ssl);
    while (SSL_read(ssl, request, sizeof request) == (int)sizeof request)
        stream(ssl, bench_request_read(request));
    _exit(EXIT_SUCCESS);
}

static void hand_over(SSL *ssl, int fd)
{
    pid_t child = fork();
    bench_need(child >= 0, "fork");
    if (child == 0)
        serve(ssl, fd);
    SSL_free(ssl);
    (void)close(fd);
}

static void accept_stream(SSL_CTX *ctx, int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    SSL *ssl = SSL_new(ctx);
    bench_need(ssl != NULL && SSL_set_fd(ssl, fd) == 1, "server connection");
    memset(&wire, 0, sizeof wire);
    BIO_set_callback_ex(SSL_get_rbio(ssl), count_wire);
    hand_over(ssl, fd);
}

static int open_socket(int type, const struct sockaddr_in *address)
{
    int on = 1;
    int fd = socket(AF_INET, type, 0);
    bench_need(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                   bind(fd, (const struct sockaddr *)address, sizeof *address) == 0,
               "server socket");
    return fd;
}

/** The client has returned its cookie: from now on it has a socket of its own on the same port. */
static int connected_socket(int listener, const BIO_ADDR *client)
{
    struct sockaddr_in here = { .sin_family = AF_INET };
    struct sockaddr_in there = { .sin_family = AF_INET };
    socklen_t len = sizeof here;
    size_t address_len = sizeof there.sin_addr;
    bench_need(getsockname(listener, (struct sockaddr *)&here, &len) == 0 &&
                   BIO_ADDR_rawaddress(client, &there.sin_addr, &address_len) == 1,
               "addresses");
    there.sin_port = BIO_ADDR_rawport(client);
    int fd = open_socket(SOCK_DGRAM, &here);
    bench_need(connect(fd, (const struct sockaddr *)&there, sizeof there) == 0, "server connect");
    return fd;
}

static void accept_datagram(SSL_CTX *ctx, int listener)
{
    static SSL *ssl; /* waits for the next client that returns its cookie */
    BIO_ADDR *client = BIO_ADDR_new();
    bench_need(client != NULL, "no memory");
    if (ssl == NULL)
        ssl = listening_ssl(ctx, listener);
    int found = DTLSv1_listen(ssl, client);
    if (found > 0) {
        int fd = connected_socket(listener, client);
        BIO_set_fd(SSL_get_rbio(ssl), fd, BIO_NOCLOSE);
        BIO_ctrl_set_connected(SSL_get_rbio(ssl), client);
        hand_over(ssl, fd);
        ssl = NULL;
    } else if (wire.packets_out == 0) {
        memset(&wire, 0, sizeof wire); /* what came was left of an earlier association */
    }
    BIO_ADDR_free(client);
    ERR_clear_error();
}

/* ---- without TLS: an LwM2M server ---- */

static struct {
    int fd;
    struct sockaddr_storage address;
    socklen_t address_len;
} device;

static void send_datagram(void *ctx, const uint8_t *data, size_t len)
{
    (void)ctx;
    bench_need(sendto(device.fd, data, len, 0, (struct sockaddr *)&device.address,
                      device.address_len) == (ssize_t)len,
               "sendto");
    wire.packets_out++;
    wire.bytes_out += len;
}

static void manage_datagram(int listener)
{
    uint8_t room[BENCH_MTU];
    device.fd = listener;
    device.address_len = sizeof device.address;
    ssize_t n = recvfrom(listener, room, sizeof room, 0, (struct sockaddr *)&device.address,
                         &device.address_len);
    if (n < 0)
        return;
    wire.packets_in++;
    wire.bytes_in += (size_t)n;
    bench_manager_receive(&manager, room, (size_t)n);
}

/* ---- the listener ---- */

static int listen_anywhere(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = open_socket(mode->datagram ? SOCK_DGRAM : SOCK_STREAM, &address);
    bench_need(mode->datagram || listen(fd, 128) == 0, "listen");
    bench_need(BIO_socket_nbio(fd, 1) == 1, "non-blocking listener");
    bench_need(getsockname(fd, (struct sockaddr *)&address, &len) == 0, "getsockname");
    (void)printf("port=%u\n", (unsigned)ntohs(address.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    mode = argc == 3 || argc == 5 ? bench_mode_find(argv[1]) : NULL;
    if (mode == NULL || (mode->cipher == NULL && argc == 3) || (!mode->datagram && argc == 5)) {
        (void)fprintf(stderr, "usage: bench_server MODE FOLDER [READS PATH]\n");
        return 2;
    }
    if (argc == 5) {
        manager.reads = strtoul(argv[3], NULL, 10);
        manager.path = argv[4];
        manager.send = send_datagram;
    }
    (void)signal(SIGCHLD, SIG_IGN); /* children go without a farewell */
    (void)signal(SIGPIPE, SIG_IGN);
    SSL_CTX *ctx = mode->cipher != NULL ? configure(argv[2]) : NULL;
    int listener = listen_anywhere();
    struct pollfd ready[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                              { .fd = listener, .events = POLLIN } };
    while (poll(ready, 2, -1) > 0 || errno == EINTR) {
        if (ready[0].revents != 0)
            break;
        if (ready[1].revents == 0)
            continue;
        if (ctx == NULL)
            manage_datagram(listener);
        else if (mode->datagram)
            accept_datagram(ctx, listener);
        else
            accept_stream(ctx, listener);
    }
    SSL_CTX_free(ctx);
    return EXIT_SUCCESS;
}
