/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linnet.c
 * The client of floor.c once more, written as a user of the library would: the classic calls of
 * blocking.h over one shared configuration.
 *
 * usage: see bench_args_read() in common.h; floor.c takes the same. The environment variable
 * LN_BENCH_BACKEND names the TLS library; without it the default one.
 */
#include "bench/common.h"
#include "support/libmem.h"

#include <linnet/blocking.h>
#include <linnet/tls.h>

static struct {
    struct bench_args args;
    struct ln_env env; /**< the system's, with a heap that counts when that is wanted */
    struct bench_heap heap;
    const struct ln_tls_backend *backend;
    const char *library;
    struct ln_tls_config *config;
    struct ln_session_slot slot;
    bool resumed; /* the last one */
    uint64_t received;
} bench;

/* ---- what went wrong ---- */

static void need(enum ln_status st, const char *what, const struct ln_diag *diag)
{
    if (st == LN_OK)
        return;
    char line[LN_DIAG_LINE_MAX] = "";
    if (diag != NULL)
        (void)ln_diag_line(diag, line, sizeof line);
    bench_die(what, line[0] != '\0' ? line : ln_status_name(st));
}

/* ---- the shared configuration ---- */

static void choose_library(void)
{
    struct ln_tls_capabilities can;
    const char *wanted = getenv("LN_BENCH_BACKEND");
    for (size_t i = 0; wanted != NULL && ln_tls_builtin(i) != NULL; i++) {
        ln_tls_capabilities(ln_tls_builtin(i), &can);
        if (strcmp(can.backend, wanted) == 0)
            bench.backend = ln_tls_builtin(i);
    }
    if (wanted == NULL)
        bench.backend = ln_tls_builtin(0);
    bench_need(bench.backend != NULL, "there is no such back end");
    ln_tls_capabilities(bench.backend, &can);
    bench.library = can.backend;
}

/** For full handshakes: what is kept is never offered. */
static enum ln_status load_nothing(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    (void)ctx, (void)key, (void)room;
    *len = 0;
    return LN_NOT_FOUND;
}

static struct ln_tls_config *configure(const struct bench_args *a)
{
    static const uint16_t group = BENCH_GROUP_ID;
    struct ln_source root = ln_source_file(bench_path(a->folder, "root.pem"));
    struct ln_session_store store = ln_session_store_slot(&bench.slot);
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    struct ln_diag diag = { .status = LN_OK };
    struct ln_tls_config *config = NULL;
    options.backend = bench.backend;
    options.min_version = a->mode->version;
    options.max_version = a->mode->version;
    options.suites = &a->mode->suite;
    options.suite_count = 1;
    options.groups = &group;
    options.group_count = 1;
    options.close_policy = LN_CLOSE_NOTIFY; /* the floor says goodbye too */
    if (a->mode->psk) {
        options.auth = LN_AUTH_PSK;
        options.psk_identity = ln_span_str(BENCH_IDENTITY);
        options.psk_key = ln_span_str(BENCH_KEY);
    } else {
        options.trust = root;
    }
    if (a->sessions == BENCH_SAVE)
        store.load = load_nothing;
    if (a->sessions != BENCH_NO_SESSIONS)
        options.sessions = &store;
    need(ln_tls_config_new(&bench.env, a->mode->datagram ? LN_DTLS : LN_TLS, &options, &diag,
                           &config),
         "configuration", &diag);
    return config;
}

/* ---- one connection ---- */

static ln_msec deadline(void)
{
    return ln_deadline_in(&bench.env, BENCH_ANSWER_S * 1000);
}

static void receive(struct ln_sock *s, uint64_t wanted)
{
    static uint8_t room[BENCH_CHUNK];
    uint8_t request[BENCH_REQUEST];
    bench_request_write(wanted, request);
    need(ln_sock_send_until(s, ln_span(request, sizeof request), deadline(), NULL), "send",
         ln_sock_diag(s));
    for (uint64_t got = 0; got < wanted;) {
        size_t n = 0;
        need(ln_sock_recv_until(s, ln_mspan(room, sizeof room), LN_NEVER, &n), "receive",
             ln_sock_diag(s));
        bench_need(n > 0, "the server ended the connection");
        got += n;
        bench.received += n;
    }
}

static struct ln_sock *open_one(const struct bench_args *a)
{
    static struct ln_diag diag;
    struct ln_sock *s = NULL;
    need(ln_sock_new(&bench.env, a->mode->datagram ? LN_DTLS : LN_TLS, NULL, bench.config, &diag,
                     &s),
         "socket", &diag);
    if (!a->mode->psk)
        need(ln_sock_set_server_name(s, BENCH_NAME), "name", ln_sock_diag(s));
    need(ln_sock_connect_until(s, BENCH_ADDRESS, a->port, deadline()), "the handshake failed",
         ln_sock_diag(s));
    if (a->bytes > 0)
        receive(s, a->bytes);
    return s;
}

/* ---- all of them ---- */

static void one_after_the_other(const struct bench_args *a)
{
    struct ln_sock_info info;
    for (unsigned i = 0; i < a->count; i++) {
        struct ln_sock *s = open_one(a);
        if (i + 1 == a->count) {
            ln_sock_info(s, &info);
            bench.resumed = info.tls.resumed;
        }
        ln_sock_free(s);
    }
}

static void watch(const struct bench_heap *heap, struct bench_growth *growth, size_t before,
                  size_t empty, bool first)
{
    growth->peak = heap->peak - before;
    growth->all = heap->live - empty;
    if (first)
        growth->first = growth->all;
}

static void all_at_once(const struct bench_args *a, size_t own_before, size_t library_before)
{
    struct bench_growth own = { .config = bench.heap.live - own_before };
    struct bench_growth library = { .config = libmem_live() - library_before };
    size_t own_empty = bench.heap.live;
    size_t library_empty = libmem_live();
    struct ln_sock **all = calloc(a->count, sizeof(struct ln_sock *));
    bench_need(all != NULL, "no memory");
    for (unsigned i = 0; i < a->count; i++) {
        own_before = bench.heap.peak = bench.heap.live;
        library_before = libmem_live();
        libmem_mark();
        all[i] = open_one(a);
        watch(&bench.heap, &own, own_before, own_empty, i == 0);
        struct bench_heap heap = { .live = libmem_live(), .peak = libmem_peak() };
        watch(&heap, &library, library_before, library_empty, i == 0);
    }
    for (unsigned i = 0; i < a->count; i++)
        ln_sock_free(all[i]);
    free(all);
    bench_print_growth("own", &own, a->count);
    bench_print_growth(bench.library, &library, a->count);
}

int main(int argc, char **argv)
{
    struct ln_env *posix = NULL;
    bench.args = bench_args_read(argc, argv);
    const struct bench_args *a = &bench.args;
    bench_need(a->action != BENCH_DEVICE, "engine.c is the device");
    if (a->action == BENCH_HOLD)
        bench_need(libmem_install(), "the TLS library's memory cannot be counted");
    need(ln_env_posix_new(&posix), "environment", NULL);
    bench.env = *posix;
    if (a->action == BENCH_HOLD)
        bench.env.alloc = (struct ln_alloc) { bench_heap_resize, &bench.heap };
    bench_need(OPENSSL_init_ssl(0, NULL) == 1, "OpenSSL");
    size_t own_before = bench.heap.live;
    size_t library_before = libmem_live();
    choose_library();
    bench.config = configure(a);
    if (a->action == BENCH_HOLD)
        all_at_once(a, own_before, library_before);
    else
        one_after_the_other(a);
    ln_tls_config_unref(bench.config);
    ln_env_posix_free(posix);
    bench_print_usage(bench.resumed, bench.received);
    return EXIT_SUCCESS;
}
