/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trust.c
 * How often the system's CA bundle is read: not without system_trust, and once per configuration.
 *
 * Counted from outside, by inotify on the bundle and on the folder of OpenSSL, so that it does not
 * matter who opens it and how. That a bundle is also parsed shows in OpenSSL's allocations, by the
 * hundred for each of its certificates.
 *
 * usage: bench_trust PORT FOLDER COUNT    a bench_server of the mode tls13, the folder of mkpki, and
 *                                         how many connections share the configuration
 */
#include "bench/common.h"

#include <linnet/blocking.h>
#include <linnet/tls.h>
#include <openssl/x509.h>
#include <sys/inotify.h>
#include <unistd.h>

static struct ln_env *env;
static int watcher;

/* ---- counting ---- */

static void start_watching(void)
{
    watcher = inotify_init1(IN_NONBLOCK);
    bench_need(watcher >= 0 &&
                   inotify_add_watch(watcher, X509_get_default_cert_file(), IN_OPEN) >= 0 &&
                   inotify_add_watch(watcher, X509_get_default_cert_dir(), IN_OPEN) >= 0,
               "the system's CA bundle cannot be watched (Debian: package ca-certificates)");
}

/** Opens since the last call. The bundle lies in the folder in Debian, and would count twice. */
static unsigned opens(void)
{
    union {
        struct inotify_event event; /* for the alignment */
        char bytes[16384];
    } room;
    unsigned of_file = 0;
    unsigned of_folder = 0;
    for (ssize_t got; (got = read(watcher, &room, sizeof room)) > 0;) {
        for (size_t at = 0; at < (size_t)got;) {
            struct inotify_event event;
            memcpy(&event, room.bytes + at, sizeof event);
            if ((event.mask & IN_ISDIR) == 0)
                *(event.len == 0 ? &of_file : &of_folder) += 1;
            at += sizeof event + event.len;
        }
    }
    return of_file > of_folder ? of_file : of_folder;
}

static void print_step(const char *step)
{
    static size_t blocks_before;
    (void)printf("%s_opens=%u %s_blocks=%zu ", step, opens(), step,
                 bench_openssl_heap.blocks - blocks_before);
    blocks_before = bench_openssl_heap.blocks;
}

/* ---- the steps ---- */

static struct ln_tls_config *configure(const char *folder, bool system_trust)
{
    struct ln_tls_options options = LN_TLS_OPTIONS_INIT;
    struct ln_tls_config *config = NULL;
    options.trust = ln_source_file(bench_path(folder, "root.pem"));
    options.system_trust = system_trust;
    bench_need(ln_tls_config_new(env, LN_TLS, &options, NULL, &config) == LN_OK, "configuration");
    return config;
}

static void connect_once(struct ln_tls_config *config, uint16_t port)
{
    struct ln_sock *s = NULL;
    bench_need(ln_sock_new(env, LN_TLS, NULL, config, NULL, &s) == LN_OK &&
                   ln_sock_set_server_name(s, BENCH_NAME) == LN_OK &&
                   ln_sock_connect_until(s, BENCH_ADDRESS, port,
                                         ln_deadline_in(env, BENCH_ANSWER_S * 1000)) == LN_OK,
               "connection");
    ln_sock_free(s);
}

int main(int argc, char **argv)
{
    uint64_t port = 0;
    uint64_t count = 0;
    if (argc != 4 || !bench_read_number(argv[1], UINT16_MAX, &port) ||
        !bench_read_number(argv[3], 1000, &count)) {
        (void)fprintf(stderr, "usage: bench_trust PORT FOLDER COUNT\n");
        return 2;
    }
    bench_heap_watch_openssl();
    start_watching();
    bench_need(ln_env_posix_new(&env) == LN_OK && OPENSSL_init_ssl(0, NULL) == 1, "environment");
    struct ln_tls_config *without = configure(argv[2], false);
    ln_tls_config_unref(without); /* once before, so that OpenSSL's own first time does not count */
    print_step("start");
    without = configure(argv[2], false);
    print_step("without");
    struct ln_tls_config *with = configure(argv[2], true);
    print_step("with");
    for (uint64_t i = 0; i < count; i++)
        connect_once(with, (uint16_t)port);
    print_step("connections");
    ln_tls_config_unref(without);
    ln_tls_config_unref(with);
    ln_env_posix_free(env);
    (void)printf("\n");
    return EXIT_SUCCESS;
}
