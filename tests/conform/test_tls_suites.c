/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_tls_suites.c
 * What is offered, and what becomes of it: suites, groups, signatures, versions, ALPN
 * (secure-sockets.md 2.1, 2.8).
 */
#include "support/rawpeer.h"
#include "support/tlspair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SCSV 0x00ff /* TLS_EMPTY_RENEGOTIATION_INFO_SCSV, RFC 5746: a signal and no suite */

static void use_suites(struct ln_tls_options *o, const uint16_t *ids, size_t count)
{
    o->suites = ids;
    o->suite_count = count;
}

/* ---- order on the wire ---- */

struct order {
    uint16_t version;
    bool psk;
    size_t count;
    uint16_t suites[8];
};

/* Suites of a version that is not offered can be chosen by nobody: some library leaves them in. */
static void drop_dead_ones(struct wire_hello *hello, uint16_t version)
{
    size_t kept = 0;
    for (size_t i = 0; i < hello->suites.count; i++) {
        bool tls13 = hello->suites.id[i] >> 8 == 0x13;
        if (version != LN_TLS_1_3 || tls13 || hello->suites.id[i] == SCSV)
            hello->suites.id[kept++] = hello->suites.id[i];
    }
    hello->suites.count = kept;
}

/* scenario: S25 */
static void test_suites_are_offered_in_order(void **state)
{
    (void)state;
    static const struct order table[] = {
        { LN_TLS_1_2, true, 4, { 0xc0a8, 0x00ae, 0x00a8, 0xc0a4 } },
        { LN_TLS_1_2, true, 4, { 0xc0a4, 0x00a8, 0x00ae, 0xc0a8 } },
        { LN_TLS_1_2, true, 1, { 0xc0a8 } },
        { LN_TLS_1_2, false, 5, { 0xc0ae, 0xc023, 0xc02b, 0xc02c, 0xcca9 } },
        { LN_TLS_1_2, false, 5, { 0xcca9, 0xc02c, 0xc02b, 0xc023, 0xc0ae } },
        { LN_TLS_1_3, false, 5, { 0x1305, 0x1304, 0x1303, 0x1302, 0x1301 } },
        { LN_TLS_1_3, false, 5, { 0x1301, 0x1302, 0x1303, 0x1304, 0x1305 } },
        { LN_TLS_1_3, true, 3, { 0x1304, 0x1303, 0x1301 } },
        { LN_DTLS_1_2, true, 4, { 0xc0a8, 0x00ae, 0x00a8, 0xc0a4 } },
        { LN_DTLS_1_2, true, 4, { 0xc0a4, 0x00a8, 0x00ae, 0xc0a8 } },
        { LN_DTLS_1_2, false, 5, { 0xc0ae, 0xc023, 0xc02b, 0xc02c, 0xcca9 } },
        { LN_DTLS_1_2, false, 5, { 0xcca9, 0xc02c, 0xc02b, 0xc023, 0xc0ae } },
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct tls_rows rows = tls_rows_of(table[i].version, 0);
        for (size_t r = 0; r < rows.count; r++) {
            const char *what = "the ClientHello lists the suites as they were given";
            struct tls_case c = table[i].psk ? tls_case_psk(&rows.row[r], what)
                                             : tls_case_cert(&rows.row[r], what, &tls_world);
            use_suites(&c.client, table[i].suites, table[i].count);
            use_suites(&c.server, table[i].suites, table[i].count);
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_start(&p, &c);
            assert_true(tls_pair_client_hello(&p, &hello));
            drop_dead_ones(&hello, table[i].version);
            if (!wire_equals(&hello.suites, table[i].suites, table[i].count, SCSV))
                tls_fail(&p, "row %zu: the order is another one", i);
            assert_true(wire_has(
                &(struct wire_list) { table[i].count,
                                      { table[i].suites[0], table[i].suites[1], table[i].suites[2],
                                        table[i].suites[3], table[i].suites[4] } },
                p.client_info.tls.suite));
            tls_pair_close(&p);
        }
    }
}

/* TLS-72: two lists in some libraries, one here. */
/* scenario: S25, S29, PIT-09b */
static void test_both_versions_in_one_list(void **state)
{
    (void)state;
    static const uint16_t both[] = { 0x1304, 0x1301, 0xc0ae, 0xc02b };
    static const uint16_t old_only[] = { 0xc0ae, 0xc02b };
    static const uint16_t new_only[] = { 0x1304, 0x1301 };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "suites of TLS 1.2 and 1.3", &tls_world);
        c.client.min_version = LN_TLS_1_2;
        c.client.max_version = LN_TLS_1_3;
        c.server.min_version = LN_TLS_1_2;
        c.server.max_version = LN_TLS_1_3;
        struct tls_pair p;
        struct wire_hello hello;
        use_suites(&c.client, both, COUNT(both));
        c.client_needs = TLS_NEED_ANY_SUITES;
        c.refusal_word = "suites";
        if (!tls_pair_able(&p, &c))
            continue;
        tls_pair_must_connect(&p);
        assert_true(tls_pair_client_hello(&p, &hello));
        if (!wire_equals(&hello.suites, both, COUNT(both), SCSV))
            tls_fail(&p, "the order is another one");
        assert_int_equal(p.client_info.tls.version, LN_TLS_1_3);
        tls_pair_hang_up(&p);
        /* "no suite of a version" must not bring the library's own suites of that version back */
        use_suites(&c.client, old_only, COUNT(old_only));
        tls_pair_new_client(&p, &c.client);
        tls_pair_must_connect(&p);
        assert_true(tls_pair_client_hello(&p, &hello));
        if (!wire_equals(&hello.suites, old_only, COUNT(old_only), SCSV))
            tls_fail(&p, "suites of TLS 1.3 that nobody asked for");
        assert_int_equal(p.client_info.tls.version, LN_TLS_1_2);
        tls_pair_hang_up(&p);
        use_suites(&c.client, new_only, COUNT(new_only));
        tls_pair_new_client(&p, &c.client);
        tls_pair_must_connect(&p);
        assert_true(tls_pair_client_hello(&p, &hello));
        if (!wire_equals(&hello.suites, new_only, COUNT(new_only), SCSV))
            tls_fail(&p, "suites of TLS 1.2 that nobody asked for");
        tls_pair_close(&p);
    }
}

static bool is_psk_suite(uint16_t id)
{
    /* RFC 4279, 4785, 5487, 5489, 6655, 7905, 8442; TLS 1.3 serves both */
    return (id >= 0x002c && id <= 0x002e) || (id >= 0x008a && id <= 0x0095) ||
           (id >= 0x00a8 && id <= 0x00b9) || (id >= 0xc033 && id <= 0xc03b) ||
           (id >= 0xc0a4 && id <= 0xc0ab) || (id >= 0xccab && id <= 0xccae) ||
           (id >= 0xd001 && id <= 0xd005) || (id >> 8) == 0x13;
}

static bool is_for_certificates(uint16_t id)
{
    return (id >> 8) == 0x13 || !is_psk_suite(id);
}

/* Broken, without encryption, without authentication, or export. */
static bool is_bad(uint16_t id)
{
    static const uint16_t bad[] = { 0x0000, 0x0001, 0x0002, 0x0004, 0x0005, 0x000a, 0x0016, 0x0018,
                                    0x001b, 0x0034, 0x003a, 0x003b, 0x00a6, 0x00a7, 0xc006, 0xc007,
                                    0xc008, 0xc010, 0xc011, 0xc012, 0xc015, 0xc016, 0xc017, 0xc018,
                                    0xc019, 0x002c, 0x002d, 0x002e, 0x008a, 0x008b, 0x00b0, 0x00b1,
                                    0x00b4, 0x00b5, 0x00b8, 0x00b9, 0xc039, 0xc03a, 0xc03b };
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (bad[i] == id)
            return true;
    }
    return false;
}

/* c4.0.1, TLS-71: a PSK client offers no suites of certificates, and the other way round. */
/* scenario: S25, S23, PIT-09b */
static void test_defaults_fit_the_mode(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        for (int psk = 0; psk <= 1; psk++) {
            struct tls_case c = psk != 0
                                    ? tls_case_psk(&rows.row[r], "default suites, PSK")
                                    : tls_case_cert(&rows.row[r], "default suites", &tls_world);
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_start(&p, &c);
            assert_true(tls_pair_client_hello(&p, &hello));
            for (size_t i = 0; i < hello.suites.count; i++) {
                uint16_t id = hello.suites.id[i];
                bool fits = psk != 0 ? is_psk_suite(id) : is_for_certificates(id);
                if (id != SCSV && (!fits || is_bad(id)))
                    tls_fail(&p, "suite 0x%04x is offered", id);
            }
            tls_pair_close(&p);
        }
    }
}

/* ---- every suite of LwM2M, and the usual ones, alone ---- */

struct single {
    uint16_t suite;
    enum pki_key_type key;
    bool psk;
};

static const struct single singles_1_2[] = {
    { 0xc0a8, PKI_P256, true },      /* PSK_WITH_AES_128_CCM_8: LwM2M, mandatory */
    { 0x00ae, PKI_P256, true },      /* PSK_WITH_AES_128_CBC_SHA256: LwM2M */
    { 0xc0a4, PKI_P256, true },      /* PSK_WITH_AES_128_CCM */
    { 0xc0a9, PKI_P256, true },      /* PSK_WITH_AES_256_CCM_8 */
    { 0x00a8, PKI_P256, true },      /* PSK_WITH_AES_128_GCM_SHA256 */
    { 0x00a9, PKI_P256, true },      /* PSK_WITH_AES_256_GCM_SHA384 */
    { 0xc037, PKI_P256, true },      /* ECDHE_PSK_WITH_AES_128_CBC_SHA256 */
    { 0xccab, PKI_P256, true },      /* PSK_WITH_CHACHA20_POLY1305 */
    { 0xc0ae, PKI_P256, false },     /* ECDHE_ECDSA_WITH_AES_128_CCM_8: LwM2M, mandatory */
    { 0xc023, PKI_P256, false },     /* ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: LwM2M */
    { 0xc0ac, PKI_P256, false },     /* ECDHE_ECDSA_WITH_AES_128_CCM */
    { 0xc02b, PKI_P256, false },     /* ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
    { 0xc02c, PKI_P256, false },     /* ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
    { 0xcca9, PKI_P256, false },     /* ECDHE_ECDSA_WITH_CHACHA20_POLY1305 */
    { 0xc02f, PKI_RSA_2048, false }, /* ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
    { 0xc027, PKI_RSA_2048, false }, /* ECDHE_RSA_WITH_AES_128_CBC_SHA256 */
};

static void connect_single(const struct tls_row *row, const struct single *single,
                           struct tls_pki *rsa)
{
    struct tls_pki *t = single->key == PKI_RSA_2048 ? rsa : &tls_world;
    struct tls_case c = single->psk ? tls_case_psk(row, "one suite alone")
                                    : tls_case_cert(row, "one suite alone", t);
    use_suites(&c.client, &single->suite, 1);
    use_suites(&c.server, &single->suite, 1);
    struct tls_pair p;
    tls_pair_open(&p, &c);
    if (tls_pair_connect(&p) != LN_OK)
        tls_fail(&p, "suite 0x%04x does not connect", single->suite);
    assert_int_equal(p.client_info.tls.suite, single->suite);
    assert_int_equal(p.server_info.tls.suite, single->suite);
    if (ln_suite_name(single->suite) == NULL)
        tls_fail(&p, "suite 0x%04x has no name", single->suite);
    assert_int_equal(ln_suite_id(ln_suite_name(single->suite)), single->suite);
    tls_pair_finish(&p);
}

/* CCM_8 with the default security level of this machine's library (TLS-73). */
/* scenario: S25, S1 */
static void test_each_suite_of_1_2(void **state)
{
    (void)state;
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    struct tls_pki rsa;
    tls_pki_init_type(&rsa, PKI_RSA_2048);
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            for (size_t i = 0; i < COUNT(singles_1_2); i++)
                connect_single(&rows.row[r], &singles_1_2[i], &rsa);
        }
    }
    tls_pki_deinit(&rsa);
}

/* scenario: S29, S25 */
static void test_each_suite_of_1_3(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (uint16_t id = 0x1301; id <= 0x1305; id++) {
            connect_single(&rows.row[r], &(struct single) { .suite = id }, NULL);
            if (id != 0x1302) /* that one is of SHA-384, see test_tls_psk.c */
                connect_single(&rows.row[r], &(struct single) { .suite = id, .psk = true }, NULL);
        }
    }
}

/* A server that offers CCM_8 only, made of another configuration than ours. */
/* scenario: S1, S25 */
static void test_a_foreign_server_with_ccm_8_only(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "libssl with PSK-AES128-CCM8 only");
        struct raw_server raw = { .psk_identity = "device-1",
                                  .psk_key = c.client.psk_key,
                                  .ciphers = "PSK-AES128-CCM8:@SECLEVEL=0" };
        c.raw = &raw;
        struct tls_pair p;
        tls_pair_start(&p, &c);
        assert_int_equal(p.client_info.tls.suite, 0xc0a8);
        tls_pair_finish(&p);
    }
}

/* "Most wanted first" holds for a server too, whatever the client wants most; but Mbed TLS 3.6 has no
 * way to say so for TLS 1.3 and takes the client's. */
/* scenario: S1, S25 */
static void test_the_order_of_the_server_decides(void **state)
{
    (void)state;
    static const uint16_t old[] = { 0xc02c, 0xc02b };
    static const uint16_t old_reversed[] = { 0xc02b, 0xc02c };
    static const uint16_t tls13[] = { 0x1303, 0x1301 };
    static const uint16_t tls13_reversed[] = { 0x1301, 0x1303 };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_SERVER);
    for (size_t r = 0; r < rows.count; r++) {
        bool is_1_3 = rows.row[r].version == LN_TLS_1_3;
        struct tls_case c = tls_case_cert(&rows.row[r], "two suites in another order", &tls_world);
        use_suites(&c.client, is_1_3 ? tls13 : old, 2);
        use_suites(&c.server, is_1_3 ? tls13_reversed : old_reversed, 2);
        struct tls_pair p;
        tls_pair_start(&p, &c);
        bool obeys = !is_1_3 || strcmp(rows.row[r].server->name, "mbedtls") != 0;
        const uint16_t *order = is_1_3 ? (obeys ? tls13_reversed : tls13) : old_reversed;
        assert_int_equal(p.client_info.tls.suite, order[0]);
        tls_pair_finish(&p);
    }
}

/* ---- nothing in common ---- */

static void expect_refusal(struct tls_case *c, enum ln_category want, enum ln_category also,
                           uint8_t alert)
{
    struct tls_pair p;
    enum ln_status st = tls_pair_attempt(&p, c);
    if (st != LN_REFUSED)
        tls_fail(&p, "connect came to %s", ln_status_name(st));
    if (p.client_diag.category != also)
        tls_want_category(&p, &p.client_diag, want);
    tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, alert);
    assert_int_equal(p.client_diag.alert_level, 2);
    assert_false(p.client_diag.alert_derived);
    tls_want_alert(&p, &p.server_diag, LN_ALERT_SENT, alert);
    assert_int_not_equal(p.server_status, LN_OK);
    tls_pair_close(&p);
}

/* scenario: S39, S25, C3, T1 */
static void test_no_suite_in_common(void **state)
{
    (void)state;
    static const uint16_t one[] = { 0xc02b };
    static const uint16_t other[] = { 0xc02c };
    static const uint16_t one_psk[] = { 0xc0a8 };
    static const uint16_t other_psk[] = { 0x00a8 };
    static const uint16_t one_1_3[] = { 0x1301 };
    static const uint16_t other_1_3[] = { 0x1303 };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        bool is_1_3 = rows.row[r].version == LN_TLS_1_3;
        struct tls_case c = tls_case_cert(&rows.row[r], "no suite in common", &tls_world);
        use_suites(&c.client, is_1_3 ? one_1_3 : one, 1);
        use_suites(&c.server, is_1_3 ? other_1_3 : other, 1);
        expect_refusal(&c, LN_CAT_SUITE, LN_CAT_SUITE, 40);
        if (is_1_3)
            continue;
        c = tls_case_psk(&rows.row[r], "no PSK suite in common");
        use_suites(&c.client, one_psk, 1);
        use_suites(&c.server, other_psk, 1);
        expect_refusal(&c, LN_CAT_SUITE, LN_CAT_SUITE, 40);
    }
}

/* The record tells what was offered, in order. */
/* scenario: S39, S25 */
static void test_the_record_tells_what_was_offered(void **state)
{
    (void)state;
    static const uint16_t many[] = { 0xc0ae, 0xc02b, 0xcca9, 0xc0ac, 0xc0af,
                                     0xc0ad, 0xc02c, 0xc02f, 0xcca8, 0xc030 };
    static const uint16_t other[] = { 0xc024 };
    static const uint16_t versions[] = { LN_TLS_1_2, LN_DTLS_1_2 };
    for (size_t v = 0; v < COUNT(versions); v++) {
        struct tls_rows rows = tls_rows_of(versions[v], 0);
        for (size_t r = 0; r < rows.count; r++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "ten suites, none liked", &tls_world);
            use_suites(&c.client, many, COUNT(many));
            use_suites(&c.server, other, 1);
            struct tls_pair p;
            (void)tls_pair_attempt(&p, &c);
            const struct ln_diag *d = &p.client_diag;
            tls_want_category(&p, d, LN_CAT_SUITE);
            assert_int_equal(d->offered_suite_count, COUNT(many));
            assert_memory_equal(d->offered_suites, many, sizeof d->offered_suites);
            assert_int_equal(d->offered_min, versions[v]);
            assert_int_equal(d->offered_max, versions[v]);
            assert_int_equal(d->chosen_suite, 0);
            tls_pair_close(&p);
        }
    }
}

/* On the wire it is a handshake_failure: the client can only guess; the server knows. */
/* scenario: S39, C3, T1 */
static void test_no_group_in_common(void **state)
{
    (void)state;
    static const uint16_t p256[] = { 0x0017 };
    static const uint16_t x25519[] = { 0x001d };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "no group in common", &tls_world);
        c.client.groups = x25519;
        c.client.group_count = 1;
        c.server.groups = p256;
        c.server.group_count = 1;
        struct tls_pair p;
        enum ln_status st = tls_pair_attempt(&p, &c);
        assert_int_equal(st, LN_REFUSED);
        if (p.client_diag.category != LN_CAT_SUITE)
            tls_want_category(&p, &p.client_diag, LN_CAT_GROUP);
        assert_true(p.client_diag.likely);
        if (strstr(p.client_diag.text, "group") == NULL)
            tls_fail(&p, "groups are not among the candidates");
        if (c.row.version == LN_TLS_1_3)
            tls_want_category(&p, &p.server_diag, LN_CAT_GROUP);
        tls_pair_close(&p);
    }
}

/* scenario: S25 */
static void test_groups(void **state)
{
    (void)state;
    static const uint16_t lists[][3] = { { 0x001d, 0x0017, 0x0018 },
                                         { 0x0018, 0x0017, 0x001d },
                                         { 0x0017, 0x001d, 0x0018 } };
    static const uint16_t only[] = { 0x0017 };
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(lists); i++) {
            struct tls_case c = tls_case_cert(&rows.row[r], "groups in order", &tls_world);
            c.client.groups = lists[i];
            c.client.group_count = 3;
            c.server.groups = only; /* TLS 1.3: a HelloRetryRequest, if it is not the first */
            c.server.group_count = 1;
            struct tls_pair p;
            struct wire_hello hello;
            tls_pair_start(&p, &c);
            assert_true(tls_pair_client_hello(&p, &hello));
            if (!wire_equals(&hello.groups, lists[i], 3, 0))
                tls_fail(&p, "the groups are offered in another order");
            if (p.client_info.tls.group != 0x0017)
                tls_fail(&p, "info.tls.group is 0x%04x", p.client_info.tls.group);
            tls_pair_finish(&p);
        }
    }
}

/* scenario: S25 */
static void test_signatures(void **state)
{
    (void)state;
    static const uint16_t good[] = { 0x0403, 0x0503 }; /* ecdsa_secp256r1_sha256, ..384r1.. */
    static const uint16_t bad[] = { 0x0401 };          /* rsa_pkcs1_sha256 */
    static const uint16_t bad_1_3[] = { 0x0804 };      /* rsa_pss_rsae_sha256 */
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "signature algorithms", &tls_world);
        c.client.signatures = good;
        c.client.signature_count = COUNT(good);
        struct tls_pair p;
        struct wire_hello hello;
        tls_pair_start(&p, &c);
        assert_true(tls_pair_client_hello(&p, &hello));
        if (!wire_equals(&hello.signatures, good, COUNT(good), 0))
            tls_fail(&p, "the signature algorithms are offered in another order");
        tls_pair_hang_up(&p);
        c.client.signatures = c.row.version == LN_TLS_1_3 ? bad_1_3 : bad;
        c.client.signature_count = 1;
        tls_pair_new_client(&p, &c.client);
        assert_int_equal(tls_pair_connect(&p), LN_REFUSED);
        tls_want_category(&p, &p.client_diag, LN_CAT_SUITE);
        tls_pair_close(&p);
    }
}

/* ---- versions ---- */

struct version_case {
    const char *sentence;
    uint16_t client_min, client_max, server_min, server_max;
    uint16_t chosen; /* 0 = nothing in common */
    bool insecure;
};

/* A library without old versions refuses also a range that begins with one. */
static unsigned needs_of_versions(uint16_t min)
{
    return min < LN_TLS_1_2 || min == LN_DTLS_1_0 ? TLS_NEED_OLD_VERSIONS : 0;
}

static void run_versions(const struct version_case *t, const struct tls_row *row)
{
    struct tls_case c = tls_case_cert(row, t->sentence, &tls_world);
    c.client.min_version = t->client_min;
    c.client.max_version = t->client_max;
    c.server.min_version = t->server_min;
    c.server.max_version = t->server_max;
    c.client.insecure_old_versions = t->insecure;
    c.server.insecure_old_versions = t->insecure;
    if (t->insecure) { /* no suite of before TLS 1.2 is offered unless it is asked for */
        static const uint16_t with_old_ones[] = { 0xc02b, 0xc009 };
        use_suites(&c.client, with_old_ones, COUNT(with_old_ones));
        use_suites(&c.server, with_old_ones, COUNT(with_old_ones));
    }
    struct tls_pair p;
    c.client_needs = needs_of_versions(t->client_min);
    c.server_needs = needs_of_versions(t->server_min);
    c.refusal_word = "version";
    if (!tls_pair_able(&p, &c))
        return;
    enum ln_status st = tls_pair_connect(&p);
    if (t->chosen != 0) {
        tls_want_status(&p, LN_OK);
        assert_int_equal(p.client_info.tls.version, t->chosen);
        tls_pair_must_exchange(&p);
    } else {
        assert_int_equal(st, LN_REFUSED);
        tls_want_category(&p, &p.client_diag, LN_CAT_VERSION);
        /* Whoever finds out says protocol_version (RFC 8446 4.2.1, RFC 5246 E.1). */
        assert_int_equal(p.client_diag.alert_number, 70);
        assert_int_not_equal(p.client_diag.alert_from, LN_ALERT_NONE);
        assert_int_equal(p.client_diag.offered_min, t->client_min);
        assert_int_equal(p.client_diag.offered_max, t->client_max);
    }
    tls_pair_close(&p);
}

/* scenario: S22, S39, T1 */
static void test_versions(void **state)
{
    (void)state;
    static const struct version_case table[] = {
        { "both have both", LN_TLS_1_2, LN_TLS_1_3, LN_TLS_1_2, LN_TLS_1_3, LN_TLS_1_3, false },
        { "the server stops at 1.2", LN_TLS_1_2, LN_TLS_1_3, LN_TLS_1_2, LN_TLS_1_2, LN_TLS_1_2,
          false },
        { "the client stops at 1.2", LN_TLS_1_2, LN_TLS_1_2, LN_TLS_1_2, LN_TLS_1_3, LN_TLS_1_2,
          false },
        { "1.3 against 1.2", LN_TLS_1_3, LN_TLS_1_3, LN_TLS_1_2, LN_TLS_1_2, 0, false },
        { "1.2 against 1.3", LN_TLS_1_2, LN_TLS_1_2, LN_TLS_1_3, LN_TLS_1_3, 0, false },
        { "1.0 where both say insecure", LN_TLS_1_0, LN_TLS_1_0, LN_TLS_1_0, LN_TLS_1_3, LN_TLS_1_0,
          true },
        { "1.1 where both say insecure", LN_TLS_1_0, LN_TLS_1_1, LN_TLS_1_1, LN_TLS_1_2, LN_TLS_1_1,
          true },
    };
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++)
            run_versions(&table[i], &rows.row[r]);
    }
    static const struct version_case dtls[] = {
        { "DTLS 1.0 where both say insecure", LN_DTLS_1_0, LN_DTLS_1_0, LN_DTLS_1_0, LN_DTLS_1_2,
          LN_DTLS_1_0, true },
        { "both have both", LN_DTLS_1_0, LN_DTLS_1_2, LN_DTLS_1_0, LN_DTLS_1_2, LN_DTLS_1_2, true },
        { "DTLS 1.0 against 1.2", LN_DTLS_1_0, LN_DTLS_1_0, LN_DTLS_1_2, LN_DTLS_1_2, 0, true },
    };
    rows = tls_rows_of(LN_DTLS_1_2, 0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(dtls); i++)
            run_versions(&dtls[i], &rows.row[r]);
    }
}

/* The defaults are TLS 1.2 .. the newest, whatever the machine's OpenSSL configuration says. */
/* scenario: S22, PIT-09b */
static void test_default_versions(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows_of(LN_TLS_1_3, 0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_cert(&rows.row[r], "default versions", &tls_world);
        struct tls_pair p;
        struct wire_hello hello;
        tls_pair_open(&p, &c);
        struct ln_tls_options o = c.client;
        struct ln_tls_config *config = NULL;
        struct ln_sock *s = NULL;
        o.backend = rows.row[r].client;
        assert_int_equal(ln_tls_config_new(&p.client_env, LN_TLS, &o, NULL, &config), LN_OK);
        assert_int_equal(ln_sock_new(&p.client_env, LN_TLS, NULL, config, NULL, &s), LN_OK);
        ln_sock_free(p.client);
        ln_tls_config_unref(p.client_config);
        p.client = s;
        p.socks[0] = s;
        p.client_config = config;
        tls_pair_must_connect(&p);
        assert_true(tls_pair_client_hello(&p, &hello));
        static const uint16_t versions[] = { LN_TLS_1_3, LN_TLS_1_2 };
        assert_true(wire_equals(&hello.versions, versions, 2, 0));
        tls_pair_close(&p);
    }
}

/* ---- ALPN ---- */

struct alpn_case {
    const char *sentence;
    const char *client[3];
    size_t client_count;
    const char *server[3];
    size_t server_count;
    const char *chosen; /* NULL = refused */
    const char *wire;
};

/* RFC 7301; RFC 8323 10.4 for "coap". */
/* scenario: S2 */
static void test_alpn(void **state)
{
    (void)state;
    static const char longest[] = "12345678901234567890123456789012";
    const struct alpn_case table[] = {
        { "both speak coap", { "coap" }, 1, { "coap" }, 1, "coap", "coap" },
        { "one of three",
          { "h2", "http/1.1", "coap" },
          3,
          { "coap" },
          1,
          "coap",
          "h2,http/1.1,coap" },
        { "the server's order decides", { "a", "b" }, 2, { "b", "a" }, 2, "b", "a,b" },
        { "the client does not ask", { 0 }, 0, { "coap" }, 1, "", "" },
        { "the server does not know ALPN", { "coap" }, 1, { 0 }, 0, "", "coap" },
        { "the longest name", { longest }, 1, { longest }, 1, longest, longest },
        { "nothing in common", { "h2" }, 1, { "coap" }, 1, NULL, "h2" },
        { "a prefix is another name", { "coa" }, 1, { "coap" }, 1, NULL, "coa" },
    };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        for (size_t i = 0; i < COUNT(table); i++) {
            struct tls_case c = tls_case_psk(&rows.row[r], table[i].sentence);
            c.client.alpn = table[i].client;
            c.client.alpn_count = table[i].client_count;
            c.server.alpn = table[i].server;
            c.server.alpn_count = table[i].server_count;
            struct tls_pair p;
            struct wire_hello hello;
            c.client_needs = table[i].client[0] == longest ? TLS_NEED_ALPN_32 : 0;
            c.server_needs = c.client_needs;
            c.refusal_word = "alpn";
            if (!tls_pair_able(&p, &c))
                continue;
            (void)tls_pair_connect(&p);
            assert_true(tls_pair_client_hello(&p, &hello));
            assert_string_equal(hello.alpn, table[i].wire);
            if (table[i].chosen != NULL) {
                tls_want_status(&p, LN_OK);
                assert_string_equal(p.client_info.tls.alpn, table[i].chosen);
                assert_string_equal(p.server_info.tls.alpn, table[i].chosen);
                tls_pair_must_exchange(&p);
            } else { /* RFC 7301 3.2 */
                tls_want_status(&p, LN_REFUSED);
                tls_want_category(&p, &p.client_diag, LN_CAT_ALERT_OTHER);
                tls_want_alert(&p, &p.client_diag, LN_ALERT_RECEIVED, 120);
            }
            tls_pair_close(&p);
        }
    }
}

static int choose_another(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                          const unsigned char *in, unsigned in_len, void *user)
{
    static const unsigned char another[] = "coal";
    (void)ssl, (void)in, (void)in_len, (void)user;
    *out = another;
    *out_len = sizeof another - 1;
    return SSL_TLSEXT_ERR_OK;
}

static void choose_another_always(void *user, SSL_CTX *ctx)
{
    (void)user;
    SSL_CTX_set_alpn_select_cb(ctx, choose_another, NULL);
}

/* A protocol that was not offered is not one that was agreed on (RFC 7301 3.2). */
/* scenario: S2 */
static void test_alpn_that_was_not_offered(void **state)
{
    (void)state;
    static const char *const offered[] = { "coap", "h2" };
    struct tls_rows rows = tls_rows(0);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c = tls_case_psk(&rows.row[r], "the server chooses another protocol");
        struct raw_server raw = { .psk_identity = "device-1",
                                  .psk_key = c.client.psk_key,
                                  .setup = choose_another_always };
        c.client.alpn = offered;
        c.client.alpn_count = COUNT(offered);
        c.raw = &raw;
        struct tls_pair p;
        (void)tls_pair_attempt(&p, &c);
        tls_want_status(&p, LN_BAD_PEER);
        tls_pair_close(&p);
    }
}

/* What a connection has to tell about itself. */
/* scenario: S39, S19 */
static void test_information(void **state)
{
    (void)state;
    struct tls_rows rows = tls_rows(LN_TLS_CAP_CERTIFICATES);
    for (size_t r = 0; r < rows.count; r++) {
        struct tls_case c =
            tls_case_cert(&rows.row[r], "information about a connection", &tls_world);
        c.link.delay_min_ms = 25;
        struct tls_pair p;
        struct ln_sock_info info;
        tls_pair_open(&p, &c);
        ln_sock_info(p.client, &info);
        assert_int_equal(info.tls.version, 0);
        assert_int_equal(info.state, LN_SOCK_CLOSED);
        tls_pair_must_connect(&p);
        info = p.client_info;
        assert_int_equal(info.state, LN_SOCK_OPEN);
        assert_int_equal(info.role, LN_CLIENT);
        assert_int_equal(p.server_info.role, LN_SERVER);
        assert_string_equal(info.host, TLS_HOST);
        assert_int_equal(info.peer.port, TLS_PORT);
        assert_int_equal(info.tls.version, c.row.version);
        assert_true(info.tls.suite != 0);
        assert_true(info.tls.group != 0);
        assert_false(info.tls.resumed);
        assert_false(info.tls.cid_in_use);
        assert_false(info.tls.cid_restored);
        assert_int_equal(info.tls.retransmissions, 0);
        assert_true(info.tls.flights_sent >= 1);
        assert_true(info.tls.flights_received >= 1);
        /* a round trip is 50 ms: one in TLS 1.3, two in 1.2, three with a cookie */
        ln_msec round_trips = c.row.version == LN_TLS_1_3 ? 1 : c.row.version == LN_TLS_1_2 ? 2 : 3;
        assert_int_equal(info.tls.handshake_ms, round_trips * 50);
        assert_true(info.wire_sent > 0);
        assert_true(info.wire_received > 0);
        assert_int_equal(info.app_sent, 0);
        /* nothing is decided on a hidden channel: the diagnosis of a success is empty */
        assert_int_equal(ln_sock_diag(p.client)->status, LN_OK);
        tls_pair_hang_up(&p);
        ln_sock_info(p.client, &info);
        assert_int_equal(info.tls.version, 0);
        assert_int_equal(info.tls.suite, 0);
        tls_pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_suites_are_offered_in_order),
        cmocka_unit_test(test_both_versions_in_one_list),
        cmocka_unit_test(test_defaults_fit_the_mode),
        cmocka_unit_test(test_each_suite_of_1_2),
        cmocka_unit_test(test_each_suite_of_1_3),
        cmocka_unit_test(test_a_foreign_server_with_ccm_8_only),
        cmocka_unit_test(test_no_suite_in_common),
        cmocka_unit_test(test_the_record_tells_what_was_offered),
        cmocka_unit_test(test_no_group_in_common),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_default_versions),
        cmocka_unit_test(test_the_order_of_the_server_decides),
        cmocka_unit_test(test_alpn),
        cmocka_unit_test(test_alpn_that_was_not_offered),
        cmocka_unit_test(test_information),
    };
    return cmocka_run_group_tests(tests, tls_world_setup, tls_world_teardown);
}
