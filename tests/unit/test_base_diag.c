/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/diag.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <linnet/diag.h>

static struct ln_diag cleared(void)
{
    struct ln_diag diag;
    memset(&diag, 0xa5, sizeof diag);
    ln_diag_clear(&diag);
    return diag;
}

/* ---- writing ---- */

static void test_clear(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    assert_int_equal(diag.status, LN_OK);
    assert_int_equal(diag.verify_depth, -1);
    assert_null(diag.origin);
    assert_string_equal(diag.text, "");
    ln_diag_clear(NULL);
}

static void test_set_returns_and_records(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    enum ln_status st = ln_diag_set(&diag, LN_REFUSED, LN_CAT_PEER_REFUSED, LN_PHASE_CONNECT,
                                    "connect to %s was refused", "192.0.2.1:5684");
    ln_diag_native(&diag, "posix", 111, "Connection refused");
    assert_int_equal(st, LN_REFUSED);
    assert_int_equal(diag.status, LN_REFUSED);
    assert_int_equal(diag.category, LN_CAT_PEER_REFUSED);
    assert_int_equal(diag.phase, LN_PHASE_CONNECT);
    assert_string_equal(diag.text, "connect to 192.0.2.1:5684 was refused");
    assert_string_equal(diag.origin, "posix");
    assert_int_equal(diag.native, 111);
    assert_string_equal(diag.native_text, "Connection refused");
    assert_int_equal(ln_diag_set(NULL, LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_NONE, "x"), LN_IO);
    ln_diag_native(NULL, "posix", 1, "x");
}

static void test_the_deepest_cause_wins(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    (void)ln_diag_set(&diag, LN_CLOSED, LN_CAT_RESET, LN_PHASE_TRANSFER, "reset");
    enum ln_status st =
        ln_diag_set(&diag, LN_BAD_PEER, LN_CAT_TRUNCATED, LN_PHASE_HANDSHAKE, "eof");
    ln_diag_native(&diag, "openssl", 5, "SSL_ERROR_SYSCALL");
    assert_int_equal(st, LN_BAD_PEER); /* the caller's own status comes back */
    assert_int_equal(diag.status, LN_CLOSED);
    assert_int_equal(diag.category, LN_CAT_RESET);
    assert_string_equal(diag.text, "reset");
    assert_string_equal(diag.origin, "linnet"); /* the number above is about something else */
    assert_int_equal(diag.native, 0);
}

static void test_only_the_first_native_counts(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    ln_diag_native(&diag, "openssl", 1, "before any failure");
    assert_null(diag.origin);
    (void)ln_diag_set(&diag, LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_CLOSE, "x");
    ln_diag_native(&diag, "posix", 5, NULL);
    ln_diag_native(&diag, "openssl", 6, "later");
    assert_string_equal(diag.origin, "posix");
    assert_int_equal(diag.native, 5);
    assert_string_equal(diag.native_text, "");
}

static void test_what_is_no_failure_is_not_recorded(void **state)
{
    (void)state;
    struct ln_diag diag = cleared();
    assert_int_equal(ln_diag_set(&diag, LN_OK, LN_CAT_NONE, LN_PHASE_NONE, "fine"), LN_OK);
    assert_int_equal(ln_diag_set(&diag, LN_AGAIN, LN_CAT_NONE, LN_PHASE_NONE, "wait"), LN_AGAIN);
    assert_int_equal(diag.status, LN_OK);
    assert_string_equal(diag.text, "");
}

static void test_texts_are_cut_cleaned_and_never_empty(void **state)
{
    (void)state;
    char longest[400];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';

    struct ln_diag diag = cleared();
    (void)ln_diag_set(&diag, LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_NONE, "%s", longest);
    ln_diag_native(&diag, "posix", 1, longest);
    assert_int_equal(strlen(diag.text), sizeof diag.text - 1);
    assert_string_equal(diag.text + sizeof diag.text - 5, "n...");
    assert_int_equal(strlen(diag.native_text), sizeof diag.native_text - 1);

    diag = cleared();
    (void)ln_diag_set(&diag, LN_IO, LN_CAT_LOCAL_IO, LN_PHASE_NONE, "host %s", "a\r\nX: y\x1b[2J");
    assert_string_equal(diag.text, "host a  X: y?[2J");

    diag = cleared();
    (void)ln_diag_set(&diag, LN_TIMEOUT, LN_CAT_NO_ANSWER, LN_PHASE_NONE, "%s", "");
    assert_string_equal(diag.text, "the time given for it ran out");
}

/* ---- words ---- */

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(ln_category_word(LN_CAT_PSK_KEY), "psk_key");
    assert_string_equal(ln_category_word(LN_CAT_INTERNAL_FAULT), "internal");
    assert_string_equal(ln_category_advice(LN_CAT_EXPIRED),
                        "renew the certificate or the CRL; check this machine's clock");
    assert_string_equal(ln_phase_word(LN_PHASE_HANDSHAKE), "handshake");
    assert_string_equal(ln_category_word((enum ln_category)999), "unknown");
    assert_non_null(ln_category_advice((enum ln_category)999));
    assert_string_equal(ln_phase_word((enum ln_phase) - 1), "unknown");
    for (int c = 0; c <= LN_CAT_LEGACY_SERVER; c++)
        assert_true(ln_category_advice((enum ln_category)c)[0] != '\0');
}

/* ---- reading aloud ---- */

static const struct {
    const char *why;
    struct ln_diag diag;
    const char *line;
} lines[] = {
    { "success", { .status = LN_OK, .text = "left over" }, "nothing failed" },
    { "a plain failure of the system",
      { .status = LN_REFUSED,
        .category = LN_CAT_PEER_REFUSED,
        .phase = LN_PHASE_CONNECT,
        .origin = "posix",
        .native = 111,
        .native_text = "Connection refused",
        .text = "connect to 192.0.2.1:5684 was refused" },
      "connect failed (refused): connect to 192.0.2.1:5684 was refused; posix 111: Connection "
      "refused; try: nothing listens there: check the port and that the server runs" },
    { "a guess, with an alert and flights",
      { .status = LN_REFUSED,
        .category = LN_CAT_PSK_KEY,
        .phase = LN_PHASE_HANDSHAKE,
        .likely = true,
        .alert_from = LN_ALERT_RECEIVED,
        .alert_level = 2,
        .alert_number = 20,
        .chosen_version = 0xfefd,
        .chosen_suite = 0xc0a8,
        .flights_sent = 3,
        .flights_received = 2,
        .retransmissions = 1,
        .text = "the server could not read our Finished" },
      "handshake failed (psk_key, likely): the server could not read our Finished; alert received: "
      "bad_record_mac (20, fatal); chosen DTLS 1.2, TLS_PSK_WITH_AES_128_CCM_8; flights: 3 sent, "
      "2 received, 1 sent again; try: check the PSK key on both sides" },
    { "a certificate, and a library that packs its codes",
      { .status = LN_DENIED,
        .category = LN_CAT_EXPIRED,
        .phase = LN_PHASE_HANDSHAKE,
        .origin = "openssl",
        .native = 0x0A000086,
        .native_text = "certificate verify failed",
        .alert_from = LN_ALERT_SENT,
        .alert_level = 2,
        .alert_number = 45,
        .alert_derived = true,
        .verify = LN_VERIFY_EXPIRED,
        .verify_native = 10,
        .verify_depth = 1,
        .chosen_version = 0x0304,
        .chosen_group = 29,
        .subject = "CN=Old CA\n",
        .text = "the certificate of the server was refused" },
      "handshake failed (expired): the certificate of the server was refused; alert sent: "
      "certificate_expired (45, fatal, derived); the certificate at depth 1 (CN=Old CA ) has "
      "expired (code 10); chosen TLS 1.3; group x25519; openssl 0xA000086: certificate verify "
      "failed; try: renew the certificate or the CRL; check this machine's clock" },
    { "nothing agreed: the offer is told, the rest of the suites counted",
      { .status = LN_REFUSED,
        .category = LN_CAT_SUITE,
        .phase = LN_PHASE_HANDSHAKE,
        .origin = "mbedtls",
        .native = -0x7780,
        .offered_min = 0x0303,
        .offered_max = 0x0304,
        .offered_suites = { 0x1301, 0xc0a8, 0x7f01, 0x1302 },
        .offered_suite_count = 12,
        .text = "no suite in common" },
      "handshake failed (suite): no suite in common; offered TLS 1.2 to TLS 1.3; offered "
      "TLS_AES_128_GCM_SHA256, TLS_PSK_WITH_AES_128_CCM_8, suite 0x7f01 and 9 more; mbedtls "
      "-0x7780; try: allow a cipher suite that both sides have" },
    { "an alert whose number nobody tells",
      { .status = LN_REFUSED,
        .category = LN_CAT_ALERT_OTHER,
        .phase = LN_PHASE_HANDSHAKE,
        .alert_from = LN_ALERT_RECEIVED,
        .alert_level = 2,
        .alert_number = LN_ALERT_NOT_TOLD,
        .text = "the server refused" },
      "handshake failed (alert_other): the server refused; alert received: number not told by this "
      "library, fatal; try: look up the alert in the server's log" },
    { "one version, one suite, an unknown group, an alert without level",
      { .status = LN_REFUSED,
        .category = LN_CAT_GROUP,
        .phase = LN_PHASE_NONE,
        .alert_from = LN_ALERT_RECEIVED,
        .alert_number = 40,
        .offered_min = 0xfefd,
        .offered_max = 0xfefd,
        .offered_suites = { 0xc0ae },
        .offered_suite_count = 1,
        .chosen_group = 0x4242,
        .text = "no group in common" },
      "failed (group): no group in common; alert received: handshake_failure (40); offered DTLS "
      "1.2; offered TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8; group 0x4242; try: allow a key exchange "
      "group that both sides have" },
    { "a verdict that is about no single certificate",
      { .status = LN_DENIED,
        .category = LN_CAT_DANE_MISMATCH,
        .phase = LN_PHASE_HANDSHAKE,
        .verify = LN_VERIFY_DANE,
        .verify_depth = -1,
        .text = "DANE" },
      "handshake failed (dane_mismatch): DANE; the certificate matches no TLSA record; try: update "
      "the TLSA record, or suspect the server" },
    { "a good certificate is not worth a word; without text, the meaning of the status",
      { .status = LN_TIMEOUT, .category = LN_CAT_NONE, .verify = LN_VERIFY_OK },
      "failed (none): the time given for it ran out" },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[LN_DIAG_LINE_MAX];
        print_message("  %s\n", lines[i].why);
        size_t len = ln_diag_line(&lines[i].diag, line, sizeof line);
        assert_string_equal(line, lines[i].line);
        assert_int_equal(len, strlen(line));
    }
}

/* A record in which everything is as long as it can be. */
static struct ln_diag longest_diag(void)
{
    struct ln_diag d = {
        .status = LN_REFUSED,
        .phase = LN_PHASE_CONFIGURE,
        .likely = true,
        .origin = "mbedtls/psa",
        .native = LONG_MIN,
        .alert_from = LN_ALERT_RECEIVED,
        .alert_level = 1,
        .alert_number = 113, /* bad_certificate_status_response */
        .alert_derived = true,
        .verify = LN_VERIFY_UNWANTED,
        .verify_native = INT_MIN,
        .verify_depth = INT_MAX,
        .flights_sent = UINT16_MAX,
        .flights_received = UINT16_MAX,
        .retransmissions = UINT16_MAX,
        .offered_min = 0xfeff,
        .offered_max = 0xfefc,
        .chosen_group = 31,
        .offered_suites = { 0xc072, 0xc072, 0xc072, 0xc072 },
        .offered_suite_count = UINT16_MAX,
    };
    memset(d.text, 't', sizeof d.text);       /* not terminated: */
    memset(d.subject, 's', sizeof d.subject); /* whoever fills them may be wrong */
    memset(d.native_text, 'n', sizeof d.native_text);
    return d;
}

static void test_every_line_fits(void **state)
{
    (void)state;
    struct ln_diag d = longest_diag();
    size_t longest = 0;
    for (int c = 1; c <= LN_CAT_LEGACY_SERVER; c++) {
        char line[LN_DIAG_LINE_MAX];
        d.category = (enum ln_category)c;
        size_t len = ln_diag_line(&d, line, sizeof line);
        const char *advice = ln_category_advice(d.category);
        assert_string_equal(line + len - strlen(advice), advice); /* not cut */
        longest = len > longest ? len : longest;
    }
    print_message("  longest line: %u\n", (unsigned)longest);
}

static void test_lines_are_cut_at_any_room(void **state)
{
    (void)state;
    struct ln_diag d = longest_diag();
    for (size_t room = 0; room < 200; room++) {
        char line[201];
        memset(line, 'x', sizeof line);
        size_t len = ln_diag_line(&d, line, room);
        assert_int_equal(line[room], 'x');
        if (room == 0)
            assert_int_equal(len, 0);
        else
            assert_int_equal(len, strlen(line));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_set_returns_and_records),
        cmocka_unit_test(test_the_deepest_cause_wins),
        cmocka_unit_test(test_only_the_first_native_counts),
        cmocka_unit_test(test_what_is_no_failure_is_not_recorded),
        cmocka_unit_test(test_texts_are_cut_cleaned_and_never_empty),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_every_line_fits),
        cmocka_unit_test(test_lines_are_cut_at_any_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
