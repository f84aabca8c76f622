/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_system_trust.c
 * The system's CA bundle is read only where it is asked for, and then once per configuration, however
 * many sockets share it.
 *
 * OpenSSL finds the bundle by itself, in a real file that SSL_CERT_FILE names; inotify counts from
 * outside how often it is opened. For a library that knows of none we read it through the environment,
 * which counts. A back end of somebody else may have it where only the system can put it.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cmocka.h>

#define TESTKIT_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static char bundle[] = "/tmp/linnet-bundle-XXXXXX";
static int watcher = -1;

static int setup(void **state)
{
    if (tls_world_setup(state) != 0)
        return -1;
    struct ln_span pem = pki_pem(tls_world.pki, tls_world.root);
    int fd = mkstemp(bundle);
    if (fd < 0 || write(fd, pem.data, pem.len) != (ssize_t)pem.len || close(fd) != 0 ||
        setenv("SSL_CERT_FILE", bundle, 1) != 0 || setenv("SSL_CERT_DIR", "/nonexistent", 1) != 0)
        return -1;
    watcher = inotify_init1(IN_NONBLOCK);
    return watcher >= 0 && inotify_add_watch(watcher, bundle, IN_OPEN) >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)close(watcher);
    (void)unlink(bundle);
    return tls_world_teardown(state);
}

static struct ln_files real;
static size_t reads;

/* Empty room asks for the size alone. */
static enum ln_status counted_read(void *ctx, const char *path, struct ln_mspan room, size_t *len)
{
    reads += room.len > 0 && strcmp(path, TESTKIT_BUNDLE) == 0;
    return real.read(ctx, path, room, len);
}

/** How often anybody read the bundle since the last call. */
static size_t opens(void)
{
    struct inotify_event event; /* a watched file has no name in its events */
    size_t count = reads;
    reads = 0;
    while (read(watcher, &event, sizeof event) == (ssize_t)sizeof event)
        count++;
    return count;
}

static void open_pair(struct tls_pair *p, const struct tls_row *row, bool system_trust)
{
    struct tls_case c = tls_case_cert(row, "the system's CA bundle", &tls_world);
    c.client.system_trust = system_trust;
    if (system_trust)
        memset(&c.client.trust, 0, sizeof c.client.trust);
    tls_pair_open_bare(p, &c);
    assert_int_equal(
        ln_testkit_file_put(p->client_host, TESTKIT_BUNDLE, pki_pem(tls_world.pki, tls_world.root)),
        LN_OK);
    real = p->client_env.files;
    p->client_env.files.read = counted_read;
    tls_pair_new_server(p, &c.server);
    tls_pair_new_client(p, &c.client);
}

/* scenario: C1, PIT-16 */
static void test_read_when_asked_for_and_once(void **state)
{
    (void)state;
    unsigned configurations = 0;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        if (!tls_is_built_in(rows.row[r].client))
            continue;
        for (int asked = 0; asked <= 1; asked++) {
            struct tls_pair p;
            open_pair(&p, &rows.row[r], asked != 0);
            size_t opened = opens();
            if (opened != (size_t)asked)
                tls_fail(&p, "the configuration opened the bundle %zu times", opened);
            for (int i = 0; i < 3; i++) {
                tls_pair_must_connect(&p);
                tls_pair_must_exchange(&p);
                tls_pair_hang_up(&p);
            }
            if (opens() != 0)
                tls_fail(&p, "connections open the bundle again");
            tls_pair_close(&p);
            configurations++;
        }
    }
    assert_true(configurations >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_when_asked_for_and_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
