/* SPDX-License-Identifier: Apache-2.0 */
/* Unit tests of src/base/addr.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linnet/addr.h>

static const struct {
    const char *in;
    const char *out; /* as ln_addr_format() writes it, port 5684 */
    const char *why;
} literals[] = {
    { "192.0.2.1", "192.0.2.1:5684", "IPv4" },
    { "0.0.0.0", "0.0.0.0:5684", "the wildcard" },
    { "255.255.255.255", "255.255.255.255:5684", "the highest octets" },
    { "2001:db8::1", "[2001:db8::1]:5684", "IPv6" },
    { "[2001:db8::1]", "[2001:db8::1]:5684", "in brackets, as in a URI" },
    { "2001:DB8::A", "[2001:db8::a]:5684", "lower case (RFC 5952 4.3)" },
    { "2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:db8::1]:5684",
      "no leading zeros (4.1), longest form" },
    { "::", "[::]:5684", "the wildcard" },
    { "::1", "[::1]:5684", "the loopback: a gap at the start" },
    { "1::", "[1::]:5684", "a gap at the end" },
    { "1:2:3:4:5:6:7:8", "[1:2:3:4:5:6:7:8]:5684", "no gap" },
    { "1:0:3:4:5:6:7:8", "[1:0:3:4:5:6:7:8]:5684", "one zero is not shortened (4.2.2)" },
    { "1::3:4:5:6:7:8", "[1:0:3:4:5:6:7:8]:5684", "nor written shortened when it was read so" },
    { "1:2:3:4:5:6:7::", "[1:2:3:4:5:6:7:0]:5684", "a gap of one at the end" },
    { "::2:3:4:5:6:7:8", "[0:2:3:4:5:6:7:8]:5684", "a gap of one at the start" },
    { "2001:0:0:1:0:0:0:1", "[2001:0:0:1::1]:5684", "the longest run (4.2.3)" },
    { "2001:db8:0:0:1:0:0:1", "[2001:db8::1:0:0:1]:5684", "the first of equal runs (4.2.3)" },
    { "64:ff9b::192.0.2.33", "[64:ff9b::c000:221]:5684", "dotted end" },
    { "1:2:3:4:5:6:1.2.3.4", "[1:2:3:4:5:6:102:304]:5684", "dotted end without a gap" },
    { "::ffff:192.0.2.1", "192.0.2.1:5684", "IPv4-mapped is the IPv4 address" },
    { "[::FFFF:c000:0201]", "192.0.2.1:5684", "written in any way" },
    { "::192.0.2.1", "[::c000:201]:5684", "IPv4-compatible is not IPv4" },
    { "fe80::1%3", "[fe80::1%3]:5684", "zone" },
    { "[fe80::1%4294967295]", "[fe80::1%4294967295]:5684", "the highest zone" },
};

static void test_literals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        struct ln_addr addr;
        char text[LN_ADDR_TEXT_MAX];
        print_message("  %s: %s\n", literals[i].in, literals[i].why);
        assert_int_equal(ln_addr_parse(literals[i].in, 5684, &addr), LN_OK);
        ln_addr_format(&addr, text);
        assert_string_equal(text, literals[i].out);
    }
}

static const struct {
    const char *in;
    const char *why;
} not_literals[] = {
    { "", "nothing" },
    { "localhost", "a name" },
    { "127.1", "a shortened form" },
    { "2130706433", "one number" },
    { "0x7f.0.0.1", "hexadecimal" },
    { "127.0.0.01", "a leading zero, octal to others" },
    { "1.2.3.256", "too large an octet" },
    { "1.2.3.99999999999999999999", "one that overflows" },
    { "1.2.3", "three octets" },
    { "1.2.3.4.5", "five octets" },
    { "1.2.3.4 ", "a blank behind" },
    { " 1.2.3.4", "a blank before" },
    { "1.2.3.", "an octet missing" },
    { "-1.2.3.4", "a sign" },
    { "1.2.3.4:80", "a port" },
    { "[1.2.3.4]", "brackets are for IPv6" },
    { "[::1", "brackets that do not close" },
    { "::1]", "brackets that do not open" },
    { "[::1]:80", "a port behind brackets" },
    { ":", "one colon" },
    { ":::", "three colons" },
    { "1:::2", "three colons in the middle" },
    { "1::2::3", "two gaps" },
    { "1:2:3:4:5:6:7", "seven groups" },
    { "1:2:3:4:5:6:7:8:9", "nine groups" },
    { "1:2:3:4:5:6:7:8::", "eight groups and a gap" },
    { "::1:2:3:4:5:6:7:8", "a gap and eight groups" },
    { ":1:2:3:4:5:6:7:8", "a colon at the start" },
    { "1:2:3:4:5:6:7:", "a colon at the end" },
    { "1:", "a group missing" },
    { "12345::", "five digits" },
    { "g::", "no hexadecimal digit" },
    { "1:2:3:4:5:6:7:1.2.3.4", "a dotted end too late" },
    { "::1.2.3.4:5", "a dotted address in the middle" },
    { "::1.2.3", "a dotted end too short" },
    { "fe80::1%", "no zone" },
    { "fe80::1%0", "zone 0 is none" },
    { "fe80::1%03", "a zone with a leading zero" },
    { "fe80::1%4294967296", "a zone too large" },
    { "fe80::1%eth0", "a zone by name: only the system knows its number" },
    { "192.0.2.1%3", "a zone of IPv4" },
    { "[]", "nothing in brackets" },
};

static void test_what_is_no_literal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof not_literals / sizeof not_literals[0]; i++) {
        struct ln_addr addr = { .family = LN_IPV4, .port = 7, .ip = { 9, 9, 9, 9 } };
        const struct ln_addr before = addr;
        print_message("  \"%s\": %s\n", not_literals[i].in, not_literals[i].why);
        assert_int_equal(ln_addr_parse(not_literals[i].in, 5684, &addr), LN_NOT_FOUND);
        assert_memory_equal(&addr, &before, sizeof addr);
    }
    struct ln_addr addr;
    assert_int_equal(ln_addr_parse(NULL, 1, &addr), LN_NOT_FOUND);
}

static void test_format_of_odd_addresses(void **state)
{
    (void)state;
    char text[LN_ADDR_TEXT_MAX];
    struct ln_addr addr = { .family = LN_FAMILY_ANY, .port = 1 };
    ln_addr_format(&addr, text);
    assert_string_equal(text, ""); /* no address */
    ln_addr_format_ip(&addr, text);
    assert_string_equal(text, "");

    addr = (struct ln_addr) { .family = LN_IPV6, .port = 65535, .scope = UINT32_MAX };
    memset(addr.ip, 0xff, sizeof addr.ip);
    ln_addr_format(&addr, text);
    assert_string_equal(text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");

    addr = (struct ln_addr) { .family = LN_IPV6, .ip = { [10] = 0xff, 0xff, 192, 0, 2, 1 } };
    ln_addr_format_ip(&addr, text);
    assert_string_equal(text, "192.0.2.1"); /* mapped by hand */
}

static struct ln_addr parsed(const char *text, uint16_t port)
{
    struct ln_addr addr;
    assert_int_equal(ln_addr_parse(text, port, &addr), LN_OK);
    return addr;
}

static const struct {
    const char *a;
    uint16_t port_a;
    const char *b;
    uint16_t port_b;
    bool equal;
    const char *why;
} pairs[] = {
    { "192.0.2.1", 1, "192.0.2.1", 1, true, "the same" },
    { "192.0.2.1", 1, "192.0.2.1", 2, false, "another port" },
    { "192.0.2.1", 1, "192.0.2.2", 1, false, "another address" },
    { "192.0.2.1", 1, "::ffff:192.0.2.1", 1, true, "mapped" },
    { "192.0.2.1", 1, "::192.0.2.1", 1, false, "compatible is not mapped" },
    { "::1", 1, "0:0::1", 1, true, "written otherwise" },
    { "fe80::1%2", 1, "fe80::1%3", 1, false, "another zone" },
    { "fe80::1%2", 1, "fe80::1", 1, false, "no zone" },
};

static void test_equal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct ln_addr a = parsed(pairs[i].a, pairs[i].port_a);
        struct ln_addr b = parsed(pairs[i].b, pairs[i].port_b);
        print_message("  %s\n", pairs[i].why);
        assert_int_equal(ln_addr_equal(&a, &b), pairs[i].equal);
        assert_int_equal(ln_addr_equal(&b, &a), pairs[i].equal);
    }
    struct ln_addr none = { .family = LN_FAMILY_ANY, .port = 9 };
    struct ln_addr other_none = { .family = LN_FAMILY_ANY };
    struct ln_addr some = parsed("192.0.2.1", 1);
    assert_true(ln_addr_equal(&none, &other_none));
    assert_false(ln_addr_equal(&none, &some));

    struct ln_addr junk = some; /* bytes that do not count in IPv4 */
    junk.scope = 4;
    junk.ip[15] = 1;
    assert_true(ln_addr_equal(&junk, &some));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_what_is_no_literal),
        cmocka_unit_test(test_format_of_odd_addresses),
        cmocka_unit_test(test_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
