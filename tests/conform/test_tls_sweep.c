/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_sweep.c
 * The same scenarios with the Nth allocation failing, and with the Nth network call, file or random
 * number failing: N = 0, 1, 2, ... until it is not reached (architecture.md, section 11).
 *
 * A scenario makes configurations and sockets, connects, exchanges, closes, connects again. When
 * something failed it must have been told; where only one call failed, the same objects, closed,
 * work afterwards.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct tls_pair pair; /* large */

struct job {
    struct tls_case spec;
    enum ln_testkit_point point;
    bool serves; /* the device is the server */
    bool wraps;  /* TLS is put around a plain socket of the client */
    bool sticky; /* all calls from the Nth on fail, so nothing can work afterwards */
    bool heals; /* a fault may go unnoticed: retransmission, an address raced, a file not written */
    struct ln_session_slot slot;
};

static bool everything_works(struct tls_pair *p)
{
    return tls_pair_connect(p) == LN_OK && p->server_status == LN_OK && tls_pair_try_exchange(p);
}

/* What the device's side of a failed connection says. */
static enum ln_testkit_verdict told(struct job *job, struct ln_testkit_trial *trial)
{
    const struct tls_pair *p = &pair;
    enum ln_status st = p->client_status;
    const struct ln_diag *diag = &p->client_diag;
    if (job->serves && p->server_status != LN_OK && p->server_status != LN_AGAIN) {
        st = p->server_status;
        diag = &p->server_diag;
    }
    if (st == LN_OK) { /* it connected; sending or receiving failed */
        diag = ln_sock_diag(job->serves ? p->server : p->client);
        st = diag->status;
    }
    if (st == LN_OK)
        return ln_testkit_broken(trial, "a message was lost and nobody tells why");
    if (diag->status != LN_OK && (diag->text[0] == '\0' || diag->category == LN_CAT_NONE))
        return ln_testkit_broken(trial, "a failure without a diagnosis");
    return ln_testkit_failed(trial, st, diag);
}

/* In place of the client's socket, one that was made plain. */
static enum ln_status wrap_client(struct tls_pair *p, struct ln_diag *diag)
{
    bool dtls = p->spec.row.kind == LN_DTLS;
    ln_sock_free(p->client);
    p->client = NULL;
    p->socks[0] = NULL;
    enum ln_status st = ln_sock_new(&p->client_env, dtls ? LN_UDP : LN_TCP, &p->spec.client_socket,
                                    NULL, diag, &p->client);
    if (st == LN_OK)
        st = ln_sock_wrap(&p->client, p->client_config, NULL, diag);
    p->socks[0] = p->client; /* untouched where it could not be wrapped */
    return st;
}

static enum ln_testkit_verdict scenario(void *user, struct ln_testkit_trial *trial)
{
    struct job *job = user;
    struct ln_diag diag;
    trial->phase = "configure";
    ln_testkit_set_wall(trial->kit, PKI_NOW);
    memset(&job->slot, 0, sizeof job->slot);
    enum ln_status st =
        tls_pair_try_open(&pair, &job->spec, trial->kit, trial->device, job->serves, &diag);
    if (st == LN_OK && job->wraps)
        st = wrap_client(&pair, &diag);
    if (st != LN_OK) {
        tls_pair_free(&pair);
        return ln_testkit_failed(trial, st, &diag);
    }
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    trial->phase = "connect";
    bool first = everything_works(&pair);
    if (first) {
        tls_pair_hang_up(&pair);
        trial->phase = "again";
        first = everything_works(&pair);
    }
    if (!first)
        verdict = told(job, trial);
    else if (pair.accept_failures > 0) /* accept told, and the client came again */
        verdict = LN_TESTKIT_TOLERATED;
    else if (job->heals && ln_testkit_hits(trial->device, job->point) > 0)
        verdict = LN_TESTKIT_TOLERATED;
    if (verdict == LN_TESTKIT_FAILED && !job->sticky) {
        tls_pair_hang_up(&pair);
        if (!everything_works(&pair))
            verdict = ln_testkit_broken(
                trial, "after %s and close the object does not work: %s: %.80s; server: %s: %.80s",
                ln_status_name(trial->status), ln_status_name(pair.client_status),
                pair.client_diag.text, ln_status_name(pair.server_status), pair.server_diag.text);
    }
    tls_pair_free(&pair);
    return verdict;
}

static void sweep(struct job *job, ln_testkit_scenario *run, size_t stride)
{
    for (int sticky = 0; sticky <= 1; sticky++) {
        struct ln_testkit_sweep settings = {
            .scenario = run,
            .user = job,
            .seed = 1,
            .stride = stride,
            .modes = sticky != 0 ? LN_TESTKIT_STICKY : LN_TESTKIT_TRANSIENT,
            .may_complete = job->heals,
        };
        struct ln_testkit_report report;
        job->sticky = sticky != 0;
        if (!ln_testkit_for_each_fault(job->point, &settings, &report)) {
            print_error("%s, %s: %s: N = %zu%s, %s: %s\n", job->spec.row.name,
                        job->serves ? "server" : "client", job->spec.what, report.n,
                        report.sticky ? " and on" : "", report.phase, report.text);
            fail();
        }
        if (stride <= 1)
            assert_true(report.whole);
        assert_true(report.trials > 1);
    }
}

/* ---- the scenarios ---- */

static const char *const protocols[] = { "coap" };

static struct tls_case full_case(const struct tls_row *row, const char *what)
{
    struct tls_case c = tls_case_cert(row, what, &tls_world);
    struct pki_crl_spec crl = { .issuer = tls_world.ca };
    c.client.crls = pki_span_source(pki_crl(tls_world.pki, &crl));
    tls_present(&c.client, tls_world.pki, PKI_LIST(tls_world.client));
    c.client.trust = pki_trust(tls_world.pki, PKI_LIST(tls_world.root, tls_world.ca));
    c.client.complete_chain = true;
    c.client.alpn = protocols;
    c.client.alpn_count = 1;
    c.server.alpn = protocols;
    c.server.alpn_count = 1;
    c.server.trust = c.client.trust;
    c.server.client_auth = LN_CLIENT_AUTH_REQUIRE;
    return c;
}

static void sweep_all(enum ln_testkit_point point, bool heals, size_t stride)
{
    static struct job job;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        for (int kind = 0; kind < 3; kind++) {
            for (int serves = 0; serves <= 1; serves++) {
                memset(&job, 0, sizeof job);
                struct ln_session_store store = ln_session_store_slot(&job.slot);
                job.point = point;
                job.serves = serves != 0;
                /* a DTLS listener makes what the next client needs before that one comes */
                job.heals = heals || (serves != 0 && rows.row[r].kind == LN_DTLS);
                if (kind == 0)
                    job.spec = tls_case_psk(&rows.row[r], "PSK");
                else if (kind == 1)
                    job.spec = full_case(&rows.row[r], "certificates on both sides");
                else
                    job.spec = tls_case_cert(&rows.row[r], "a session is resumed", &tls_world);
                if (kind == 2)
                    job.spec.client.sessions = &store;
                /* with two families one question to the resolver may fail and nobody minds */
                if (point != LN_TESTKIT_RESOLVE)
                    job.spec.client_socket.family = LN_IPV4;
                sweep(&job, scenario, stride);
            }
        }
    }
}

/* scenario: S21, S26, PIT-02, PIT-25 */
static void test_every_allocation(void **state)
{
    (void)state;
    sweep_all(LN_TESTKIT_ALLOC, false, 1);
}

/* Records of DANE, and TLS around a socket that is there already: what they allocate besides. */
/* scenario: S21, S34, C4 */
static void test_records_and_wrapped_sockets(void **state)
{
    (void)state;
    static struct job job;
    struct ln_tlsa record =
        pki_tlsa(tls_world.pki, tls_world.ca, LN_TLSA_DANE_TA, 0, LN_TLSA_SHA256);
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        if (rows.row[r].version == LN_TLS_1_2)
            continue; /* the same code as TLS 1.3 here */
        memset(&job, 0, sizeof job);
        job.spec = tls_case_cert(&rows.row[r], "DANE on a wrapped socket", &tls_world);
        job.spec.client.auth = LN_AUTH_DANE;
        job.spec.client.tlsa = &record;
        job.spec.client.tlsa_count = 1;
        job.spec.client_socket.family = LN_IPV4;
        job.point = LN_TESTKIT_ALLOC;
        job.wraps = true;
        sweep(&job, scenario, 1);
    }
}

/* scenario: S21, S39 */
static void test_every_network_call(void **state)
{
    (void)state;
    sweep_all(LN_TESTKIT_NET, true, tls_full() ? 1 : 7);
}

/* scenario: S21 */
static void test_every_random_number(void **state)
{
    (void)state;
    sweep_all(LN_TESTKIT_RANDOM, true, 1);
}

/* scenario: S21, S39 */
static void test_every_question_to_the_resolver(void **state)
{
    (void)state;
    sweep_all(LN_TESTKIT_RESOLVE, true, 1);
}

/* ---- a session store on a disk that fails ---- */

static enum ln_testkit_verdict folder_scenario(void *user, struct ln_testkit_trial *trial)
{
    struct job *job = user;
    struct ln_env env;
    struct ln_session_folder folder = { &env, "/sessions" };
    struct ln_session_store store = ln_session_store_folder(&folder);
    ln_testkit_env(trial->device, &env);
    job->spec.client.sessions = &store;
    return scenario(job, trial);
}

/* Files may fail as they like: the connection does not notice. */
/* scenario: S17, S21 */
static void test_every_file_of_a_session_folder(void **state)
{
    (void)state;
    static struct job job;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_RESUMPTION);
    for (size_t r = 0; r < rows.count; r++) {
        memset(&job, 0, sizeof job);
        job.spec = tls_case_cert(&rows.row[r], "a session folder on a bad disk", &tls_world);
        job.point = LN_TESTKIT_FILE;
        job.heals = true;
        sweep(&job, folder_scenario, 1);
    }
}

/* ---- credentials in files ---- */

static enum ln_testkit_verdict files_scenario(void *user, struct ln_testkit_trial *trial)
{
    struct job *job = user;
    struct pki *pki = tls_world.pki;
    struct ln_span chain = pki_write_certs(pki, PKI_PEM, PKI_LIST(tls_world.server, tls_world.ca));
    struct ln_span key = pki_write_key(pki, PKI_PKCS8_ENCRYPTED_PEM, tls_world.server, "secret");
    if (ln_testkit_file_put(trial->device, "/server.pem", chain) != LN_OK ||
        ln_testkit_file_put(trial->device, "/server.key", key) != LN_OK ||
        ln_testkit_file_put(trial->device, "/ca/root.pem", pki_pem(pki, tls_world.root)) != LN_OK)
        return ln_testkit_broken(trial, "no files");
    return scenario(job, trial);
}

/* scenario: S8, S21, C1 */
static void test_credentials_in_files(void **state)
{
    (void)state;
    static const enum ln_testkit_point points[] = { LN_TESTKIT_ALLOC, LN_TESTKIT_FILE };
    static struct job job;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(points); i++) {
            memset(&job, 0, sizeof job);
            job.spec = tls_case_cert(&rows.row[r], "credentials in files", &tls_world);
            job.spec.server.chain = ln_source_file("/server.pem");
            job.spec.server.key = ln_source_file("/server.key");
            job.spec.server.key.password = "secret";
            job.spec.server.trust = ln_source_directory("/ca");
            job.point = points[i];
            job.serves = true;
            sweep(&job, files_scenario, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation),
        cmocka_unit_test(test_records_and_wrapped_sockets),
        cmocka_unit_test(test_every_network_call),
        cmocka_unit_test(test_every_random_number),
        cmocka_unit_test(test_every_question_to_the_resolver),
        cmocka_unit_test(test_every_file_of_a_session_folder),
        cmocka_unit_test(test_credentials_in_files),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
