/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_ADDR_H
#define LN_ADDR_H
/**
 * @file addr.h
 * A numeric network address with its port, independent of any operating system.
 *
 * A value type: copy it freely, it owns nothing. An IPv4 address that arrives as an IPv4-mapped
 * IPv6 address is stored, compared and printed as the IPv4 address it is.
 */
#include <linnet/span.h>
#include <linnet/status.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ln_family {
    LN_FAMILY_ANY = 0, /**< in options: no restriction; in an address: no address */
    LN_IPV4 = 4,
    LN_IPV6 = 6,
};

struct ln_addr {
    uint8_t family; /**< enum ln_family; LN_FAMILY_ANY means "no address" */
    uint16_t port;  /**< host byte order */
    uint32_t scope; /**< IPv6 zone (interface index), 0 = none */
    uint8_t ip[16]; /**< network order; IPv4 uses the first four bytes, the rest are 0 */
};

/** Room for every text of ln_addr_format(): "[ffff:...%4294967295]:65535" and its NUL. */
#define LN_ADDR_TEXT_MAX 64

/**
 * Read a literal: "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "fe80::1%3".
 *
 * No names, no ports in the text, no octal and no shortened IPv4 forms ("127.1" is not a literal).
 * @retval LN_OK         *out is written
 * @retval LN_NOT_FOUND  the text is not a literal (it may be a host name); *out is unchanged
 */
LN_MUST_USE LN_API enum ln_status ln_addr_parse(const char *text, uint16_t port,
                                                struct ln_addr *out);

/** Write "192.0.2.1" or "2001:db8::1" (RFC 5952), without port. Always terminated. */
LN_API void ln_addr_format_ip(const struct ln_addr *addr, char text[LN_ADDR_TEXT_MAX]);

/** Write "192.0.2.1:5684" or "[2001:db8::1]:5684". Always terminated. */
LN_API void ln_addr_format(const struct ln_addr *addr, char text[LN_ADDR_TEXT_MAX]);

/** Same family, address, zone and port. */
LN_API bool ln_addr_equal(const struct ln_addr *a, const struct ln_addr *b);

#ifdef __cplusplus
}
#endif
#endif
