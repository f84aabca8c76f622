/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_edges_config.c
 * Corners of configurations that a review found: counts without lists.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void must_be_refused(const struct tls_row *row, const struct ln_tls_options *options,
                            const char *field)
{
    struct tls_case c = tls_case(row, "a count without a list");
    struct tls_pair p;
    struct ln_tls_config *config = NULL;
    struct ln_diag diag;
    tls_pair_open_bare(&p, &c);
    enum ln_status st = tls_pair_config(&p, &p.client_env, options, row->client, &diag, &config);
    if ((st != LN_BAD_ARG && st != LN_NOT_FOUND) || strstr(diag.text, field) == NULL)
        tls_fail(&p, "%s: %s (%s)", field, ln_status_name(st), diag.text);
    assert_null(config);
    tls_pair_close(&p);
}

/* tls.h: "bad settings fail here, with a sentence that names the field". */
/* scenario: S26 */
static void test_a_count_without_a_list(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_tls_options o = LN_TLS_OPTIONS_INIT;
        o.alpn_count = 1;
        must_be_refused(&rows.row[r], &o, "alpn");
        o = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
        o.suite_count = 1;
        must_be_refused(&rows.row[r], &o, "suites");
        o = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
        o.group_count = 1;
        must_be_refused(&rows.row[r], &o, "groups");
        o = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
        o.signature_count = 1;
        must_be_refused(&rows.row[r], &o, "signatures");
        o = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
        o.auth = LN_AUTH_DANE;
        o.tlsa_count = 1;
        must_be_refused(&rows.row[r], &o, "tlsa");
        o = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
        o.trust = ln_source_list(NULL, 1);
        must_be_refused(&rows.row[r], &o, "trust");
        o.trust = ln_source_memory(NULL, 100);
        must_be_refused(&rows.row[r], &o, "trust");
        o = (struct ln_tls_options)LN_TLS_OPTIONS_INIT;
        o.chain = pki_span_source(pki_cert_der(tls_world.client));
        o.key = ln_source_memory(NULL, 100);
        must_be_refused(&rows.row[r], &o, "key");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_count_without_a_list),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
