/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_edges_verify.c
 * Corners of verification that a review found: many records, of which a late one decides.
 */
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Each record of usage 2 costs a path of its own. The one of usage 0 behind them still finds its CA in
 * the path that was verified. */
/* scenario: S34, S16 */
static void test_a_usage_0_behind_many_of_usage_2(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct ln_tlsa records[LN_TLSA_MAX];
        for (size_t i = 0; i + 1 < LN_TLSA_MAX; i++)
            records[i] =
                pki_tlsa(tls_world.pki, tls_world.stranger, LN_TLSA_DANE_TA, 0, LN_TLSA_EXACT);
        records[LN_TLSA_MAX - 1] =
            pki_tlsa(tls_world.pki, tls_world.root, LN_TLSA_PKIX_TA, 0, LN_TLSA_SHA256);
        struct tls_case c = tls_case_cert(&rows.row[r], "the last of 32 records", &tls_world);
        tls_present(&c.server, tls_world.pki,
                    PKI_LIST(tls_world.server, tls_world.ca, tls_world.root));
        c.client.auth = LN_AUTH_DANE;
        c.client.tlsa = records;
        c.client.tlsa_count = LN_TLSA_MAX;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        tls_pair_finish(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_usage_0_behind_many_of_usage_2),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
