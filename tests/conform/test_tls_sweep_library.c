/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_sweep_library.c
 * The TLS libraries' own allocations fail, one after the other: through the hooks that they have for
 * their memory, so in a program of its own. The arithmetic of large numbers allocates ten thousand
 * times in a handshake, on two thousand call paths. The quick form meets one allocation of every 17th
 * path, LN_TEST_SWEEP=paths of each path, and LN_TEST_FULL=1 every single allocation.
 *
 * Both sides of a connection run in this program, so each allocation of either is met. Whatever
 * fails: it is told, nothing crashes, nothing of ours stays behind, and afterwards all works.
 * LN_TEST_N=1654 runs that N alone, with a debugger for example; LN_TEST_ROW="TLS 1.3" only the rows
 * whose names begin so, since all rows with each allocation take hours.
 */
#include "support/libmem.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

/* With all allocations behind the Nth failing too, runs differ less: fewer do in quick form. */
enum { QUICK_STRIDE = 17, QUICK_STRIDE_STICKY = 4 * 17 };

/* ---- the scenarios ---- */

static struct tls_pair pair;

struct result {
    enum ln_status st;
    bool worked;
    char broken[400]; /* the promise that was not kept; "" = none */
};

static bool everything_works(void)
{
    return tls_pair_connect(&pair) == LN_OK && pair.server_status == LN_OK &&
           tls_pair_try_exchange(&pair);
}

static bool has_sentence(const struct ln_diag *d)
{
    return d->status == LN_OK || (d->text[0] != '\0' && d->category != LN_CAT_NONE);
}

/* Somebody says what is wrong: connect, or the side that could not go on. */
static bool somebody_told(void)
{
    const struct ln_diag *client = ln_sock_diag(pair.client);
    const struct ln_diag *server = pair.server != NULL ? ln_sock_diag(pair.server) : client;
    return client->status != LN_OK || server->status != LN_OK || pair.client_status != LN_OK ||
           (pair.server_status != LN_OK && pair.server_status != LN_AGAIN);
}

static struct ln_testkit *new_kit(struct ln_testkit_host **device)
{
    struct ln_testkit_config config = { .seed = 1, .wall_s = PKI_NOW };
    struct ln_testkit *kit = NULL;
    assert_int_equal(ln_testkit_new(&config, &kit), LN_OK);
    assert_int_equal(ln_testkit_host_new(kit, "client", TLS_CLIENT_IP, device), LN_OK);
    return kit;
}

static void broken(struct result *r, const char *what)
{
    if (r->broken[0] != '\0')
        return;
    (void)snprintf(r->broken, sizeof r->broken, "%s; client: %s: %.100s; server: %s: %.100s", what,
                   ln_status_name(pair.client_status), pair.client_diag.text,
                   ln_status_name(pair.server_status), pair.server_diag.text);
}

static bool is_clean(const struct ln_testkit_host *host)
{
    struct ln_testkit_memory memory;
    ln_testkit_memory(host, &memory);
    return memory.live_blocks == 0 && ln_testkit_open_handles(host) == 0;
}

static void connect_twice(struct result *r)
{
    r->worked = everything_works();
    libmem_disarm();
    if (!r->worked && !somebody_told())
        broken(r, "nobody tells what failed");
    if (!has_sentence(&pair.client_diag) || !has_sentence(&pair.server_diag))
        broken(r, "a failure without a sentence");
    tls_pair_hang_up(&pair);
    if (!everything_works())
        broken(r, "closed, the object does not work any more");
}

/* One run from nothing to nothing. `n` is SIZE_MAX to only count. */
static struct result run_once(const struct tls_case *c, size_t n, bool keep_failing)
{
    struct result r = { .st = LN_OK };
    struct ln_testkit_host *device = NULL;
    struct ln_testkit *kit = new_kit(&device);
    struct ln_diag diag;
    libmem_arm(n, keep_failing);
    r.st = tls_pair_try_open(&pair, c, kit, device, false, &diag);
    if (r.st == LN_OK)
        connect_twice(&r);
    else if (diag.status != r.st || !has_sentence(&diag))
        broken(&r, "a configuration fails and does not tell why");
    libmem_disarm();
    struct ln_testkit_host *client = pair.client_host;
    struct ln_testkit_host *server = pair.server_host;
    tls_pair_free(&pair);
    if (!is_clean(client) || !is_clean(server))
        broken(&r, "blocks or handles are left");
    ln_testkit_free(kit);
    ERR_clear_error();
    libmem_renew();
    return r;
}

enum { REPORTED_MAX = 8 };

static bool is_wanted(const struct tls_row *row)
{
    const char *wanted = getenv("LN_TEST_ROW");
    return wanted == NULL || strncmp(row->name, wanted, strlen(wanted)) == 0;
}

/* Which allocations are to fail. */
struct plan {
    const size_t *first; /* of the call paths, or NULL: each one from 0 on */
    size_t count;
    size_t stride;
    size_t total; /* allocations */
};

static struct plan make_plan(void)
{
    struct plan plan = { .total = libmem_calls(), .stride = 1 };
    const char *what = getenv("LN_TEST_SWEEP");
    bool all_paths = what != NULL && strcmp(what, "paths") == 0;
    plan.count = plan.total;
    if (all_paths || !tls_full())
        plan.count = libmem_paths(&plan.first);
    if (!all_paths && !tls_full())
        plan.stride = QUICK_STRIDE;
    return plan;
}

struct tally {
    size_t runs;
    size_t told;
    size_t bad;
};

static void fail_at(const struct tls_case *c, size_t n, bool keep_failing, struct tally *tally)
{
    struct result r = run_once(c, n, keep_failing);
    tally->runs++;
    if (!r.worked)
        tally->told++;
    if (r.broken[0] != '\0' && tally->bad++ < REPORTED_MAX)
        print_error("%s: %s: N = %zu%s: %s\n", c->row.name, c->what, n,
                    keep_failing ? " and on" : "", r.broken);
}

static void carry_out(const struct tls_case *c, const struct plan *plan, bool keep_failing,
                      struct tally *tally)
{
    const char *only = getenv("LN_TEST_N");
    size_t stride = keep_failing && plan->stride > 1 ? QUICK_STRIDE_STICKY : plan->stride;
    if (only != NULL) {
        fail_at(c, (size_t)strtoul(only, NULL, 10), keep_failing, tally);
        return;
    }
    for (size_t i = 0; i < plan->count; i += stride)
        fail_at(c, plan->first != NULL ? plan->first[i] : i, keep_failing, tally);
}

/* How many promises were broken: all rows are walked before that ends the test. */
static size_t sweep(const struct tls_case *c)
{
    if (!is_wanted(&c->row))
        return 0;
    if (!tls_is_built_in(c->row.client) && !tls_is_built_in(c->row.server))
        return 0;                       /* there are no hooks for its library's memory */
    (void)run_once(c, SIZE_MAX, false); /* what is made once for the process is made */
    struct result whole = run_once(c, SIZE_MAX, false);
    struct plan plan = make_plan();
    struct tally tally = { .runs = 0 };
    assert_int_equal(whole.st, LN_OK);
    assert_true(whole.worked);
    assert_true(plan.total > 100);
    assert_true(plan.count > 100);
    carry_out(c, &plan, false, &tally);
    carry_out(c, &plan, true, &tally);
    print_message("%s, %s: %zu allocations%s; %zu runs, %zu failures told, %zu promises broken\n",
                  c->row.name, c->what, plan.total, plan.first != NULL ? ", by call path" : "",
                  tally.runs, tally.told, tally.bad);
    assert_true(tally.told > 0 || getenv("LN_TEST_N") != NULL);
    return tally.bad;
}

/* OpenSSL frees a record layer twice if memory runs out while it is made (seen in 3.5.9; record layers came
 * with 3.2). It aborts then, and nothing that a program does can help: there is nothing of ours to see. */
static bool survives(const struct tls_row *row)
{
    bool openssl =
        strcmp(row->client->name, "openssl") == 0 || strcmp(row->server->name, "openssl") == 0;
    return !openssl || OpenSSL_version_num() < 0x30200000;
}

static struct tls_rows rows_to_sweep(unsigned needs)
{
    struct tls_rows all = tls_rows(needs);
    struct tls_rows rows = { .count = 0 };
    for (size_t r = 0; r < all.count; r++)
        if (survives(&all.row[r]))
            rows.row[rows.count++] = all.row[r];
    if (all.count > 0 && rows.count == 0) {
        print_message("skip: %s does not survive a lack of memory\n",
                      OpenSSL_version(OPENSSL_VERSION));
        skip();
    }
    return rows;
}

/* scenario: S21, S39, PIT-02, PIT-09 */
static void test_psk(void **state)
{
    (void)state;
    size_t bad = 0;
    struct tls_rows rows = rows_to_sweep(LN_TLS_CAP_PSK);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "PSK");
        bad += sweep(&c);
    }
    assert_int_equal(bad, 0);
}

/* scenario: S21, S39, PIT-02, PIT-09, PIT-25 */
static void test_certificates(void **state)
{
    (void)state;
    size_t bad = 0;
    struct tls_rows rows = rows_to_sweep(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "certificates on both sides", &tls_world);
        struct pki_crl_spec crl = { .issuer = tls_world.ca };
        c.client.crls = pki_span_source(pki_crl(tls_world.pki, &crl));
        tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client, tls_world.ca));
        c.server.trust = c.client.trust;
        c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
        bad += sweep(&c);
    }
    assert_int_equal(bad, 0);
}

/* scenario: S21, S17 */
static void test_resumption(void **state)
{
    (void)state;
    static struct ln_session_slot slot;
    size_t bad = 0;
    struct tls_rows rows = rows_to_sweep(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_session_store store = ln_session_store_slot(&slot);
        struct tls_case c = tls_case_cert(&rows.row[r], "a session is stored", &tls_world);
        memset(&slot, 0, sizeof slot);
        c.client.sessions = &store;
        bad += sweep(&c);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    if (!libmem_install())
        return EXIT_FAILURE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psk),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_resumption),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
