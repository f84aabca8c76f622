/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/codec/pkcs7.c. The files are made by tests/data/x509/make.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/pkcs7.h"
#include "support/bytes.h"

static void test_certificates_of_a_bundle(void **state)
{
    (void)state;
    struct ln_cursor certs;
    struct ln_span cert;
    assert_int_equal(ln__pkcs7_certs(bytes_file("x509/bundle.p7b"), &certs), LN_OK);
    assert_true(ln__pkcs7_next(&certs, &cert));
    assert_true(ln_span_equal(cert, bytes_file("x509/leaf.der")));
    assert_true(ln__pkcs7_next(&certs, &cert));
    assert_true(ln_span_equal(cert, bytes_file("x509/sub.der")));
    assert_false(ln__pkcs7_next(&certs, &cert));
}

static void test_crls_in_it_are_passed_over(void **state)
{
    (void)state;
    struct ln_cursor certs;
    struct ln_span cert;
    assert_int_equal(ln__pkcs7_certs(bytes_file("x509/bundle_with_crl.p7b"), &certs), LN_OK);
    assert_true(ln__pkcs7_next(&certs, &cert));
    assert_true(ln_span_equal(cert, bytes_file("x509/sub.der")));
    assert_false(ln__pkcs7_next(&certs, &cert));
}

static const struct {
    const char *hex;
    enum ln_status status;
    const char *why;
} bundles[] = {
    { "302306092a864886f70d010702a01630140201013100300b06092a864886f70d0107013100", LN_OK,
      "no certificate at all" },
    { "300b06092a864886f70d010701", LN_UNSUPPORTED, "data, and nothing signed" },
    { "300d06092a864886f70d010703a000", LN_UNSUPPORTED, "enveloped data" },
    { "302506092a864886f70d010702a01830160201013100300d06092a864886f70d010701a0003100",
      LN_UNSUPPORTED, "contents" },
    { "302506092a864886f70d010702a01830160201013100300b06092a864886f70d01070131023000",
      LN_UNSUPPORTED, "a signer" },
    { "302706092a864886f70d010702a01a30180201013100300b06092a864886f70d010701a002a1003100",
      LN_BAD_PEER, "an attribute certificate" },
    { "302506092a864886f70d010702a01830160201013100300b06092a864886f70d01070131000500", LN_BAD_PEER,
      "something behind the signers" },
    { "302506092a864886f70d010702a01630140201013100300b06092a864886f70d01070131000500", LN_BAD_PEER,
      "something behind the signed data" },
    { "308006092a864886f70d010702a08000000000", LN_BAD_PEER, "BER" },
};

static void test_bundles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bundles / sizeof bundles[0]; i++) {
        struct ln_cursor certs = ln__cursor(ln_span("unchanged", 9));
        struct ln_span cert;
        print_message("  %s\n", bundles[i].why);
        assert_int_equal(ln__pkcs7_certs(bytes_hex(bundles[i].hex), &certs), bundles[i].status);
        if (bundles[i].status == LN_OK)
            assert_false(ln__pkcs7_next(&certs, &cert));
        else
            assert_int_equal(ln__cursor_left(&certs), 9);
    }
}

static void test_cut_or_followed_by_something(void **state)
{
    (void)state;
    struct ln_span whole = bytes_file("x509/bundle.p7b");
    struct ln_cursor certs;
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(ln__pkcs7_certs(bytes_copy(ln_span(whole.data, len)), &certs), LN_OK);
    const struct ln_span parts[] = { whole, ln_span("", 1) };
    assert_int_equal(ln__pkcs7_certs(bytes_join(parts, 2), &certs), LN_BAD_PEER);
    assert_int_equal(ln__pkcs7_certs(bytes_file("x509/leaf.der"), &certs), LN_BAD_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates_of_a_bundle),
        cmocka_unit_test(test_crls_in_it_are_passed_over),
        cmocka_unit_test(test_bundles),
        cmocka_unit_test(test_cut_or_followed_by_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
