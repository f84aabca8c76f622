/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/tls/names.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/bytes.h"
#include "tls/names.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

/* ---- references ---- */

static const struct {
    const char *host;
    const char *name; /* as read; NULL = an address, in `ip` */
    const char *ip;
    const char *why;
} references[] = {
    { "a.example", "a.example", NULL, "a name" },
    { "A.eXample", "a.example", NULL, "in small letters" },
    { "a.example.", "a.example", NULL, "without its trailing dot" },
    { "localhost", "localhost", NULL, "one label" },
    { "my_host", "my_host", NULL, "an underscore" },
    { "xn--bcher-kva.example", "xn--bcher-kva.example", NULL, "an A-label" },
    { "1.2.3.4.example", "1.2.3.4.example", NULL, "numbers in front" },
    { "4a", "4a", NULL, "a label that begins with a digit" },
    { "aZ.zA", "az.za", NULL, "the last letters" },
    { "a.ax", "a.ax", NULL, "almost hexadecimal" },
    { "a.0xg", "a.0xg", NULL, "not hexadecimal, either" },
    { "192.0.2.1", NULL, "c0000201", "IPv4" },
    { "2001:db8::1", NULL, "20010db8000000000000000000000001", "IPv6" },
    { "[2001:db8::1]", NULL, "20010db8000000000000000000000001", "in brackets" },
    { "2001:DB8:0:0:0:0:0:1", NULL, "20010db8000000000000000000000001", "written in another way" },
    { "fe80::1%eth0", NULL,
      "fe80000000000000"
      "0000000000000001",
      "a zone says nothing" },
    { "[fe80::1%3]", NULL,
      "fe80000000000000"
      "0000000000000001",
      "in brackets, too" },
    { "::ffff:192.0.2.1", NULL, "c0000201", "IPv4-mapped is the IPv4 address" },
};

static void test_references(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(references); i++) {
        struct ln_name name;
        print_message("  %s: %s\n", references[i].host, references[i].why);
        assert_null(ln__name_fault(references[i].host));
        assert_int_equal(ln__name_parse(references[i].host, &name), LN_OK);
        assert_int_equal(name.is_ip, references[i].name == NULL);
        if (references[i].name != NULL) {
            assert_string_equal(name.text, references[i].name);
            assert_string_equal(ln__name_sni(&name), references[i].name);
            assert_int_equal(name.ip_len, 0);
        } else {
            assert_true(ln_span_equal(ln_span(name.ip, name.ip_len), bytes_hex(references[i].ip)));
            assert_null(ln__name_sni(&name)); /* RFC 6066 3 */
        }
    }
}

static const struct {
    const char *host;
    const char *fault; /* how its sentence begins */
} no_references[] = {
    { "", "the name is empty" },
    { NULL, "the name is empty" },
    { ".", "the name has two dots" },
    { ".a", "the name has two dots" },
    { "a..b", "the name has two dots" },
    { "a..", "the name has two dots" },
    { "*.example", "the name has a wildcard" },
    { "a b", "the name has a character that is neither" },
    { "a/b", "the name has a character that is neither" },
    { "a\nb", "the name has a character that is neither" },
    { "a\x7f", "the name has a character that is neither" },
    { "b\xc3\xbc"
      "cher.example",
      "the name has a character outside ASCII" },
    { "127.1", "the name looks like an IPv4" },
    { "2130706433", "the name looks like an IPv4" },
    { "192.0.2.1.", "the name looks like an IPv4" },
    { "192.0.2.256", "the name looks like an IPv4" },
    { "127.0.0.0x1", "the name looks like an IPv4" },
    { "a.example:443", "the name is no IPv6" },
    { "[a.example]", "the name is no IPv6" },
    { "[192.0.2.1]", "the name is no IPv6" },
    { "[[::1]]", "the name is no IPv6" },
    { "[::1", "the name is no IPv6" },
    { "::1]", "the name is no IPv6" },
    { "[]", "the name is no IPv6" },
    { "::1::", "the name is no IPv6" },
    { "0000000000000000000000000000000000000000000000000000000000000000::1",
      "the name is no IPv6" },
    { "192.0.2.1%eth0", "the name is no IPv6" },
    { "fe80::1%", "the name is no IPv6" },
    { "a%20b", "the name is no IPv6" },
};

static void test_what_is_no_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(no_references); i++) {
        struct ln_name name = { .ip_len = 77 };
        const char *fault = ln__name_fault(no_references[i].host);
        assert_non_null(fault);
        print_message("  %s: %s\n", no_references[i].host, fault);
        assert_memory_equal(fault, no_references[i].fault, strlen(no_references[i].fault));
        assert_int_equal(ln__name_parse(no_references[i].host, &name), LN_BAD_ARG);
        assert_int_equal(name.ip_len, 77);
    }
}

/* scenario: S18 */
static void test_lengths(void **state)
{
    (void)state;
    char host[LN_NAME_MAX + 2];
    for (size_t len = 253; len <= 256; len++) {
        struct ln_name name;
        for (size_t i = 0; i < len; i++)
            host[i] = i % 50 == 49 ? '.' : 'a';
        host[len] = '\0';
        assert_int_equal(ln__name_parse(host, &name), len <= 255 ? LN_OK : LN_BAD_ARG);
        if (len <= 255)
            assert_int_equal(strlen(name.text), len);
    }
    memset(host, 'a', 64);
    host[64] = '\0';
    assert_memory_equal(ln__name_fault(host), "a part of the name", 18);
    host[63] = '\0';
    assert_null(ln__name_fault(host));
}

/* ---- matching ---- */

struct match {
    const char *reference;
    const char *presented;
    bool fits;
    const char *why;
};

static const struct match dns_names[] = {
    { "a.example", "a.example", true, "the same" },
    { "a.example", "A.EXAMPLE", true, "case does not count" },
    { "A.Example", "a.example", true, "on either side" },
    { "a.example.", "a.example", true, "the reference's trailing dot does not count" },
    { "a.example", "a.example.", false, "a dNSName has none" },
    { "a.example", "b.example", false, "another name" },
    { "a.example", "a.example.net", false, "a longer one" },
    { "a.example.net", "a.example", false, "a shorter one" },
    { "a.example", "xa.example", false, "one that ends so" },
    { "xa.example", "a.example", false, "or that the reference ends with" },
    { "a.example", ".example", false, "a dot is no wildcard" },
    { "a.example", "a.exampl\xc3\xa9", false, "not ASCII" },
    { "a.example", " a.example", false, "a space before it" },
    { "a.example", "a.example ", false, "a space behind it" },
    { "a.example", "", false, "nothing" },
    { "localhost", "localhost", true, "one label" },
    { "my_host.example", "my_host.example", true, "an underscore" },
    { "xn--bcher-kva.example", "xn--bcher-kva.example", true, "an A-label as it is" },
    { "xn--bcher-kva.example", "XN--BCHER-KVA.example", true, "its case does not count" },
    { "xn--bcher-kva.example",
      "b\xc3\xbc"
      "cher.example",
      false, "a U-label is no dNSName" },
    { "a.b.example", "*.b.example", true, "a wildcard for one label" },
    { "A.B.example", "*.b.EXAMPLE", true, "case does not count behind it" },
    { "xn--bcher-kva.b.example", "*.b.example", true, "it stands for an A-label, too" },
    { "_x.b.example", "*.b.example", true, "and for any other" },
    { "b.example", "*.b.example", false, "not for none" },
    { "x.a.b.example", "*.b.example", false, "not for two" },
    { "a.b.example", "*.example", false, "two labels behind it are required" },
    { "a.example", "*.example", false, "even where it would fit" },
    { "a.example", "*", false, "alone" },
    { "localhost", "*", false, "alone, for one label" },
    { "localhost", "*.b.example", false, "a name of one label has no domain" },
    { "a.example", "*.", false, "with a dot" },
    { "a.b.example", "*..example", false, "with an empty label" },
    { "a.b.example", "*.*.example", false, "twice" },
    { "a.b.example", "a.*.example", false, "in the middle" },
    { "a.b.example", "a.b.*", false, "at the end" },
    { "aa.b.example", "a*.b.example", false, "a part of a label" },
    { "aa.b.example", "*a.b.example", false, "the end of a label" },
    { "axa.b.example", "a*a.b.example", false, "the middle of a label" },
    { "a.b.example", "**.b.example", false, "two in one label" },
    { "xn--bcher-kva.b.example", "xn--*.b.example", false, "a part of an A-label" },
    { "a.b.example", "*.b.example.", false, "with a trailing dot" },
    { "a.b.example", "*.c.example", false, "another domain" },
    { "a.evil-b.example", "*.b.example", false, "a domain that ends so" },
    { "192.0.2.1", "192.0.2.1", false, "an address is no dNSName" },
    { "192.0.2.1", "*.0.2.1", false, "and no wildcard reaches it" },
    { "2001:db8::1", "2001:db8::1", false, "IPv6 neither" },
};

static const struct match nul_bytes[] = {
    { "a.example", "a.example\0.evil.example", false, "a NUL behind the name" },
    { "a.example", "a.example\0", false, "a NUL at the end" },
    { "a.b.example", "*.b.example\0.evil", false, "a NUL behind a wildcard" },
    { "a.example", "\0a.example", false, "a NUL before it" },
};
static const size_t nul_lengths[] = { 23, 10, 17, 10 };

/* scenario: S18 */
static void test_dns_names(void **state)
{
    (void)state;
    assert_true(COUNT(dns_names) + COUNT(nul_bytes) >= 48);
    for (size_t i = 0; i < COUNT(dns_names); i++) {
        struct ln_name name;
        struct ln_span value = bytes_copy(ln_span_str(dns_names[i].presented));
        const struct ln_san san = { LN_SAN_DNS, value };
        print_message("  %s, %s: %s\n", dns_names[i].reference, dns_names[i].presented,
                      dns_names[i].why);
        assert_int_equal(ln__name_parse(dns_names[i].reference, &name), LN_OK);
        assert_int_equal(ln__name_matches_san(&name, &san), dns_names[i].fits);
    }
    for (size_t i = 0; i < COUNT(nul_bytes); i++) {
        struct ln_name name;
        struct ln_span value = bytes_copy(ln_span(nul_bytes[i].presented, nul_lengths[i]));
        const struct ln_san san = { LN_SAN_DNS, value };
        print_message("  %s: %s\n", nul_bytes[i].reference, nul_bytes[i].why);
        assert_int_equal(ln__name_parse(nul_bytes[i].reference, &name), LN_OK);
        assert_false(ln__name_matches_san(&name, &san));
    }
}

static const struct match addresses[] = {
    { "192.0.2.1", "c0000201", true, "IPv4" },
    { "192.0.2.1", "c0000202", false, "another one" },
    { "192.0.2.1", "00000000000000000000ffffc0000201", false, "not as IPv4-mapped IPv6" },
    { "::ffff:192.0.2.1", "c0000201", true, "IPv4-mapped is IPv4" },
    { "2001:db8::1", "20010db8000000000000000000000001", true, "IPv6" },
    { "[2001:db8::1]", "20010db8000000000000000000000001", true, "in brackets" },
    { "2001:db8::1", "20010db8000000000000000000000002", false, "its last byte counts" },
    { "2001:db8::1", "20010db8", false, "its first four bytes alone do not" },
    { "fe80::1%eth0", "fe800000000000000000000000000001", true, "the zone does not count" },
    { "192.0.2.1", "c000020100000000ffffffff00000000", false, "a network is no address" },
    { "a.example", "612e6578", false, "a name is no address" },
    { "a.example", "", false, "nothing" },
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct ln_name name;
        const struct ln_san san = { LN_SAN_IP, bytes_hex(addresses[i].presented) };
        print_message("  %s, %s: %s\n", addresses[i].reference, addresses[i].presented,
                      addresses[i].why);
        assert_int_equal(ln__name_parse(addresses[i].reference, &name), LN_OK);
        assert_int_equal(ln__name_matches_san(&name, &san), addresses[i].fits);
    }
}

static void test_other_kinds_of_names_match_nothing(void **state)
{
    (void)state;
    struct ln_name name;
    const struct ln_san uri = { LN_SAN_OTHER, ln_span_str("a.example") };
    assert_int_equal(ln__name_parse("a.example", &name), LN_OK);
    assert_false(ln__name_matches_san(&name, &uri));
}

/* leaf.der: CN and DNS:leaf.example, DNS:*.wild.example, IP:192.0.2.1, IP:2001:db8::1 */
static const struct match certificates[] = {
    { "leaf.example", "x509/leaf.der", true, "its first name" },
    { "x.wild.example", "x509/leaf.der", true, "its wildcard" },
    { "wild.example", "x509/leaf.der", false, "not what the wildcard hangs on" },
    { "192.0.2.1", "x509/leaf.der", true, "its IPv4 address" },
    { "[2001:db8::1]", "x509/leaf.der", true, "its last name" },
    { "b.example", "x509/leaf.der", false, "the domain of its mail address" },
    { "other.example", "x509/leaf.der", false, "another name" },
    { "localhost", "x509/bare.der", false, "no names at all" },
};

static void test_certificates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(certificates); i++) {
        struct ln_name name;
        struct ln_x509 cert;
        print_message("  %s: %s\n", certificates[i].reference, certificates[i].why);
        assert_int_equal(ln__name_parse(certificates[i].reference, &name), LN_OK);
        assert_int_equal(ln__x509_read(bytes_file(certificates[i].presented), &cert), LN_OK);
        assert_int_equal(ln__name_matches(&name, &cert), certificates[i].fits);
    }
}

/* leaf.der with another dNSName: its CN is still leaf.example */
static void test_the_common_name_is_no_name(void **state)
{
    (void)state;
    struct ln_name name;
    struct ln_x509 cert;
    struct ln_span der = bytes_replace(bytes_file("x509/leaf.der"), ln_span("\x82\x0cleaf", 6),
                                       ln_span("\x82\x0cLEAV", 6));
    assert_int_equal(ln__x509_read(der, &cert), LN_OK);
    assert_int_equal(ln__name_parse("leaf.example", &name), LN_OK);
    assert_false(ln__name_matches(&name, &cert));
    assert_int_equal(ln__name_parse("leav.example", &name), LN_OK);
    assert_true(ln__name_matches(&name, &cert));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_what_is_no_reference),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_dns_names),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_other_kinds_of_names_match_nothing),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_the_common_name_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
