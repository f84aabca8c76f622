/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_threads.c
 * One configuration, many threads: its sockets belong to one thread each, its count is atomic
 * (tls.h, "Threads"). Made for ThreadSanitizer, where it proves most.
 */
#include "support/tlspair.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { THREADS = 4 };

struct worker {
    pthread_t thread;
    struct tls_case spec;
    unsigned rounds;
    unsigned done;
};

/* A world of its own, with a clock of its own; only the two configurations are shared. */
static void *work(void *user)
{
    struct worker *w = user;
    struct tls_pair *p = malloc(sizeof *p);
    if (p == NULL)
        return NULL;
    tls_pair_open(p, &w->spec);
    for (unsigned i = 0; i < w->rounds; i++) {
        tls_pair_must_connect(p);
        tls_pair_must_exchange(p);
        tls_pair_hang_up(p);
        /* references come and go while others are at it */
        ln_tls_config_unref(ln_tls_config_ref(w->spec.shared_client));
        w->done++;
    }
    tls_pair_close(p);
    free(p);
    return NULL;
}

static int64_t wall(void *ctx)
{
    (void)ctx;
    return PKI_NOW;
}

static enum ln_status make(const struct ln_env *env, const struct tls_case *c,
                           const struct ln_tls_options *options,
                           const struct ln_tls_backend *backend, struct ln_tls_config **out)
{
    struct ln_tls_options o = *options;
    o.backend = backend;
    o.min_version = c->row.version;
    o.max_version = c->row.version;
    return ln_tls_config_new(env, c->row.kind, &o, NULL, out);
}

static void run_threads(const struct tls_case *c)
{
    struct ln_env *env = NULL;
    struct ln_tls_config *client = NULL;
    struct ln_tls_config *server = NULL;
    struct worker workers[THREADS];
    assert_int_equal(ln_env_posix_new(&env), LN_OK); /* may be shared by threads */
    env->clock.wall = wall;
    assert_int_equal(make(env, c, &c->client, c->row.client, &client), LN_OK);
    assert_int_equal(make(env, c, &c->server, c->row.server, &server), LN_OK);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker) { .spec = *c, .rounds = tls_full() ? 200 : 8 };
        workers[i].spec.shared_client = client;
        workers[i].spec.shared_server = server;
        workers[i].spec.seed = i + 1;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    /* the makers' references go first; the last socket ends the configuration */
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].done, workers[i].rounds);
    }
    ln_tls_config_unref(client);
    ln_tls_config_unref(server);
    ln_env_posix_free(env);
}

/* scenario: S21, PIT-16 */
static void test_certificates(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            tls_case_cert(&rows.row[r], "one configuration, four threads", &tls_world);
        /* everything that a verification shares: store, CRLs, records */
        struct pki_crl_spec crl = { .issuer = tls_world.ca };
        struct ln_tlsa record =
            pki_tlsa(tls_world.pki, tls_world.ca, LN_TLSA_PKIX_TA, 1, LN_TLSA_SHA256);
        c.client.crls = pki_span_source(pki_crl(tls_world.pki, &crl));
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = &record;
        c.client.tlsa_count = 1;
        run_threads(&c);
    }
}

/* scenario: S21, PIT-16 */
static void test_psk(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_PSK);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "one key, four threads");
        run_threads(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_psk),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
