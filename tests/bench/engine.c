/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file engine.c
 * An LwM2M client as a user writes it: Security, Server, Access Control and Device, one account.
 * scripts/bench counts what it does with a server of manager.h.
 *
 * usage: bench_engine ACTION udp|psk-ccm8 PORT COUNT
 *   serve       answer Reads until the server executes /3/0/4
 *   reconnect   register; COUNT times: a new full handshake, and Register
 *   resume      register; COUNT times: a resumed session, and Update
 *   update      register; COUNT times: Update
 *   heap        register, and say what that took
 *
 * prints (heap): own_live=BYTES own_blocks=N own_peak=BYTES openssl_blocks=N
 *   own: through env->alloc, without the environment itself and the struct of the Device, which are
 *   the program's. openssl_blocks: what OpenSSL allocated since the process began.
 */
#include "bench/common.h"

#include <linnet/objects.h>

enum action { SERVE, RECONNECT, RESUME, UPDATE, HEAP };

static struct {
    enum action action;
    unsigned long left;
    struct ln_env env;
    struct bench_heap heap;
    struct ln_client *client;
    struct ln_device device;
    bool failed;
} bench;

static void need(enum ln_status st, const char *what, const struct ln_diag *diag)
{
    if (st == LN_OK)
        return;
    char line[LN_DIAG_LINE_MAX] = "";
    if (diag->status != LN_OK)
        (void)ln_diag_line(diag, line, sizeof line);
    bench_die(what, line[0] != '\0' ? line : ln_status_name(st));
}

/* ---- what happens ---- */

static void stop(void)
{
    ln_client_stop(bench.client, ln_now(&bench.env));
}

/* The server has read enough. */
static void reboot(void *user)
{
    (void)user;
    stop();
}

static void print_heap(void)
{
    (void)printf("own_live=%zu own_blocks=%zu own_peak=%zu openssl_blocks=%zu\n", bench.heap.live,
                 bench.heap.blocks, bench.heap.peak, bench_openssl_heap.blocks);
}

/* One turn is over: the next one, or the end. */
static void go_on(struct ln_client *client)
{
    if (bench.action == HEAP)
        print_heap();
    if (bench.left == 0) {
        stop();
        return;
    }
    bench.left--;
    if (bench.action == UPDATE)
        need(ln_client_update(client, 1), "update", &(struct ln_diag) { .status = LN_OK });
    else
        need(ln_client_reconnect(client, 1), "reconnect", &(struct ln_diag) { .status = LN_OK });
}

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    bool expected = event->kind == LN_CLIENT_REGISTERED || event->kind == LN_CLIENT_UPDATED;
    if (event->kind == LN_CLIENT_DEREGISTERED)
        return;
    if (!expected)
        need(LN_INTERNAL, "the registration was lost", event->diag);
    if (bench.action != SERVE)
        go_on(client);
}

/* ---- the client ---- */

static enum ln_status load_nothing(void *ctx, const char *key, struct ln_mspan room, size_t *len)
{
    (void)ctx, (void)key, (void)room;
    *len = 0;
    return LN_NOT_FOUND;
}

/* As a small device has it: 12 resources that can be read, three of them with several instances. */
static void fill_device(struct ln_device *d)
{
    static const uint16_t there[] = { 6, 7, 8, 9, 10 };
    ln_device_init(d);
    d->manufacturer = "Linnet project";
    d->model = "Agent x86-64";
    d->serial = "345000123";
    d->firmware = "1.0";
    d->reboot = reboot;
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        bench_need(ln_device_enable(d, there[i]) == LN_OK, "device");
    for (uint16_t i = 0; i < 2; i++) {
        d->power_sources.ids[i] = d->power_voltages.ids[i] = d->power_currents.ids[i] = i;
        d->power_sources.values[i] = i == 0 ? 1 : 5;
        d->power_voltages.values[i] = i == 0 ? 3800 : 5000;
        d->power_currents.values[i] = i == 0 ? 125 : 900;
    }
    d->power_sources.count = d->power_voltages.count = d->power_currents.count = 2;
    d->battery_level = 100;
    d->memory_free = 15;
}

static struct ln_client *make(const char *mode, const char *port)
{
    static struct ln_session_slot slot;
    static char uri[64];
    static const uint16_t suite = 0xc0a8;
    struct ln_session_store store = ln_session_store_slot(&slot);
    struct ln_diag diag = { .status = LN_OK };
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    struct ln_account account = LN_ACCOUNT_INIT;
    bool secure = strcmp(mode, "udp") != 0;
    struct ln_client *client = NULL;
    (void)snprintf(uri, sizeof uri, "coap%s://" BENCH_ADDRESS ":%s", secure ? "s" : "", port);
    store.load = load_nothing;
    config.env = &bench.env;
    config.endpoint = "urn:imei:004999010640000";
    config.on_event = on_event;
    if (bench.action == RECONNECT)
        config.sessions = &store;
    account.uri = uri;
    if (secure) {
        account.mode = LN_SECURITY_PSK;
        account.identity = ln_span_str(BENCH_IDENTITY);
        account.secret = ln_span_str(BENCH_KEY);
        account.suites = &suite;
        account.suite_count = 1;
    }
    need(ln_client_new(&config, &diag, &client), "client", &diag);
    need(ln_core_objects_add(client), "objects", &diag);
    need(ln_device_add(client, &bench.device), "device", &diag);
    need(ln_client_add_account(client, &account, &diag), "account", &diag);
    need(ln_client_start(client, ln_now(&bench.env), &diag), "start", &diag);
    return client;
}

static bool read_args(int argc, char **argv)
{
    static const char *const words[] = { "serve", "reconnect", "resume", "update", "heap" };
    uint64_t count = 0;
    if (argc != 5 || !bench_read_number(argv[4], 100000, &count))
        return false;
    bench.left = (unsigned long)count;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argv[1], words[i]) != 0)
            continue;
        bench.action = (enum action)i;
        return bench_mode_find(argv[2]) != NULL && bench_mode_find(argv[2])->datagram;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct ln_env *posix = NULL;
    if (!read_args(argc, argv)) {
        (void)fprintf(stderr, "usage: %s ACTION udp|psk-ccm8 PORT COUNT\n", argv[0]);
        return 2;
    }
    if (bench.action == HEAP)
        bench_heap_watch_openssl();
    bench_need(ln_env_posix_new(&posix) == LN_OK, "environment");
    bench.env = *posix;
    if (bench.action == HEAP)
        bench.env.alloc = (struct ln_alloc) { bench_heap_resize, &bench.heap };
    fill_device(&bench.device);
    bench.client = make(argv[2], argv[3]);
    enum ln_status st = ln_client_run(bench.client, LN_NEVER);
    bench_need(st == LN_CLOSED, "the client did not end by itself");
    ln_client_free(bench.client);
    ln_env_posix_free(posix);
    return EXIT_SUCCESS;
}
