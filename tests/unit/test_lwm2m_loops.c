/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_lwm2m_loops.c
 * One client, real sockets of the loopback, and loops of several kinds around it: poll and epoll as a
 * program would write them, and the library's own. Meanwhile eight threads post to it; made for
 * ThreadSanitizer, where it proves most. (libuv: tests/interop/test_event_loop.py.)
 */
#include <linnet/objects.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

/* No event of the loopback takes this long, not even on a busy machine under a sanitizer. */
#define PATIENCE_MS 60000

enum { THREADS = 8, POSTS = 400, SOURCES = LN_WAIT_MAX + 2 };

struct worker {
    pthread_t thread;
    struct world *world;
    struct ln_post posts[POSTS];
};

struct world {
    struct ln_env *env;
    struct ln_client *client;
    struct ln_device device;
    struct ln_sock *server;
    unsigned registers, updates, deregisters;
    unsigned ran; /* posts: touched by the client's thread alone */
    int pipe[2];  /* wakes the loop */
    int epoll;
    struct worker workers[THREADS];
};

/* ---- a server that says yes ---- */

static void answer(struct world *w, const struct ln_coap_msg *msg, const struct ln_addr *peer)
{
    uint8_t room[64];
    struct ln_coap_writer out;
    struct ln_span datagram;
    bool registers = msg->code == LN_COAP_POST && w->registers == 0;
    uint8_t code = registers                     ? LN_COAP_CREATED
                   : msg->code == LN_COAP_DELETE ? LN_COAP_DELETED
                                                 : LN_COAP_CHANGED;
    w->registers += registers;
    w->updates += code == LN_COAP_CHANGED;
    w->deregisters += code == LN_COAP_DELETED;
    ln_coap_write_udp(&out, ln_mspan(room, sizeof room), LN_COAP_ACK, code, msg->mid, &msg->token);
    if (registers)
        ln_coap_put_text(&out, LN_COAP_LOCATION_PATH, "rd");
    assert_int_equal(ln_coap_writer_end(&out, &datagram), LN_OK);
    assert_int_equal(ln_sock_send_to(w->server, peer, datagram), LN_OK);
}

static void serve(struct world *w)
{
    uint8_t room[1500];
    size_t got = 0;
    struct ln_addr peer;
    struct ln_coap_msg msg;
    while (ln_sock_recv_from(w->server, ln_mspan(room, sizeof room), &got, &peer) == LN_OK) {
        assert_int_equal(ln_coap_read_udp(ln_span(room, got), &msg), LN_OK);
        if (msg.type == LN_COAP_CON && ln_coap_is_request(msg.code))
            answer(w, &msg, &peer);
    }
}

/* ---- the loops: wait for one of `want`, in milliseconds ---- */

static void wait_poll(struct world *w, const struct ln_interest *want, int ms)
{
    struct pollfd fds[SOURCES];
    for (size_t i = 0; i < want->count; i++) {
        bool reads = (want->wait[i].events & LN_WANT_READ) != 0;
        bool writes = (want->wait[i].events & LN_WANT_WRITE) != 0;
        fds[i] =
            (struct pollfd) { .fd = (int)want->wait[i].handle,
                              .events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)) };
    }
    (void)w;
    assert_true(poll(fds, (nfds_t)want->count, ms) >= 0 || errno == EINTR);
}

static void wait_epoll(struct world *w, const struct ln_interest *want, int ms)
{
    struct epoll_event ready[SOURCES];
    for (size_t i = 0; i < want->count; i++) {
        bool reads = (want->wait[i].events & LN_WANT_READ) != 0;
        bool writes = (want->wait[i].events & LN_WANT_WRITE) != 0;
        struct epoll_event e = { .events = (reads ? EPOLLIN : 0u) | (writes ? EPOLLOUT : 0u) };
        assert_int_equal(epoll_ctl(w->epoll, EPOLL_CTL_ADD, (int)want->wait[i].handle, &e), 0);
    }
    assert_true(epoll_wait(w->epoll, ready, SOURCES, ms) >= 0 || errno == EINTR);
    for (size_t i = 0; i < want->count; i++)
        assert_int_equal(epoll_ctl(w->epoll, EPOLL_CTL_DEL, (int)want->wait[i].handle, NULL), 0);
}

static void wait_port(struct world *w, const struct ln_interest *want, int ms)
{
    const struct ln_net *net = &w->env->net;
    assert_int_equal(net->ops->wait(net->ctx, want, ln_now(w->env) + ms), LN_OK);
}

typedef void wait_function(struct world *w, const struct ln_interest *want, int ms);

static void wait_for_any(struct world *w, wait_function *wait, struct ln_interest want)
{
    struct ln_interest server;
    char byte[64];
    ln_sock_interest(w->server, LN_WANT_READ, &server);
    for (size_t i = 0; i < server.count; i++)
        ln_interest_add(&want, server.wait[i].handle, server.wait[i].events);
    ln_interest_add(&want, w->pipe[0], LN_WANT_READ);
    ln_msec now = ln_now(w->env);
    ln_msec left = want.ready || want.deadline <= now ? 0 : want.deadline - now;
    wait(w, &want, left < PATIENCE_MS ? (int)left : PATIENCE_MS);
    while (read(w->pipe[0], byte, sizeof byte) > 0) {
    }
    serve(w);
}

/* ---- the posts ---- */

static void on_post(struct ln_client *client, void *user)
{
    struct world *w = user;
    w->device.battery_level = (int32_t)(w->ran++ % 100);
    ln_client_changed(client, 3, 0, 9);
}

static void *post_all(void *user)
{
    struct worker *me = user;
    for (size_t i = 0; i < POSTS; i++) {
        me->posts[i] = (struct ln_post) { .run = on_post, .user = me->world };
        ln_client_post(me->world->client, &me->posts[i]);
        ssize_t n = write(me->world->pipe[1], "", 1);
        (void)n; /* a full pipe wakes as well */
    }
    return NULL;
}

/* ---- the world ---- */

static void open_world(struct world *w)
{
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    struct ln_account account = LN_ACCOUNT_INIT;
    struct ln_sock_info info;
    struct ln_addr local;
    char uri[64];
    assert_int_equal(ln_env_posix_new(&w->env), LN_OK);
    assert_int_equal(ln_sock_new(w->env, LN_UDP, NULL, NULL, NULL, &w->server), LN_OK);
    assert_int_equal(ln_addr_parse("127.0.0.1", 0, &local), LN_OK);
    assert_int_equal(ln_sock_bind(w->server, &local), LN_OK);
    ln_sock_info(w->server, &info);
    snprintf(uri, sizeof uri, "coap://127.0.0.1:%u", (unsigned)info.local.port);
    assert_int_equal(pipe(w->pipe), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(fcntl(w->pipe[i], F_SETFL, O_NONBLOCK), 0);
    w->epoll = epoll_create1(0);
    assert_true(w->epoll >= 0);
    config.env = w->env;
    config.endpoint = "loops";
    account.uri = uri;
    assert_int_equal(ln_client_new(&config, NULL, &w->client), LN_OK);
    assert_int_equal(ln_core_objects_add(w->client), LN_OK);
    ln_device_init(&w->device);
    assert_int_equal(ln_device_add(w->client, &w->device), LN_OK);
    assert_int_equal(ln_client_add_account(w->client, &account, NULL), LN_OK);
    assert_int_equal(ln_client_start(w->client, ln_now(w->env), NULL), LN_OK);
}

static void close_world(struct world *w)
{
    ln_client_free(w->client);
    ln_sock_free(w->server);
    close(w->pipe[0]);
    close(w->pipe[1]);
    close(w->epoll);
    ln_env_posix_free(w->env);
    free(w);
}

/* Registers, runs what the threads post, says Update, and de-registers. */
static void live(wait_function *wait)
{
    struct world *w = calloc(1, sizeof *w);
    struct ln_interest want;
    assert_non_null(w);
    open_world(w);
    for (size_t i = 0; i < THREADS; i++) {
        w->workers[i].world = w;
        assert_int_equal(pthread_create(&w->workers[i].thread, NULL, post_all, &w->workers[i]), 0);
    }
    bool updating = false;
    bool stopping = false;
    ln_msec deadline = ln_now(w->env) + PATIENCE_MS;
    while (ln_client_step(w->client, ln_now(w->env), &want) == LN_OK) {
        assert_true(ln_now(w->env) < deadline);
        if (w->registers > 0 && !updating)
            updating = ln_client_update(w->client, 1) == LN_OK;
        else if (updating && w->updates > 0 && w->ran == THREADS * POSTS && !stopping) {
            stopping = true;
            ln_client_stop(w->client, ln_now(w->env));
            continue;
        }
        want.ready = want.ready || (updating && w->updates == 0);
        wait_for_any(w, wait, want);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(w->workers[i].thread, NULL), 0);
    assert_int_equal(w->registers, 1);
    assert_int_equal(w->updates, 1);
    assert_int_equal(w->deregisters, 1);
    assert_int_equal(w->ran, THREADS * POSTS);
    close_world(w);
}

/* scenario: T7 */
static void test_poll(void **state)
{
    (void)state;
    live(wait_poll);
}

/* scenario: T7 */
static void test_epoll(void **state)
{
    (void)state;
    live(wait_epoll);
}

/* scenario: T7 */
static void test_the_wait_of_the_port(void **state)
{
    (void)state;
    live(wait_port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poll),
        cmocka_unit_test(test_epoll),
        cmocka_unit_test(test_the_wait_of_the_port),
    };
    return cmocka_run_group_tests_name("lwm2m/loops", tests, NULL, NULL);
}
