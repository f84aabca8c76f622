/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TLS_NAMES_H
#define LN_TLS_NAMES_H
/**
 * @file names.h
 * Whether a certificate is for the peer we meant: the policy, the same for every TLS library.
 *
 * By RFC 9525, and where it leaves a choice, by the stricter one:
 *  - only subject alternative names count; the CN is never a name;
 *  - an address is compared with iPAddress names, all its bytes, and never with a dNSName;
 *  - a name is compared with dNSNames, letters without case, all of their bytes: one with a NUL in it
 *    matches nothing;
 *  - "*" may only be the whole left-most label; it stands for exactly one label, and at least two
 *    labels follow it. RFC 9525 does not ask for the two, but nobody may own "*.com", and the TLS
 *    libraries refuse it too.
 *
 * Pure, nothing is allocated.
 */
#include "codec/x509.h"

/** The longest name, without its NUL (LN_HOST_MAX of <linnet/sock.h>). */
#define LN_NAME_MAX 255

/** Whom we meant: the reference identity of RFC 9525. */
struct ln_name {
    bool is_ip;
    char text[LN_NAME_MAX + 1]; /**< a DNS name in small letters without its last dot, or "" */
    uint8_t ip[16];
    size_t ip_len; /**< 4 or 16; 0 for a DNS name */
};

/**
 * Read a host as people write it: "a.example", "A.example.", "192.0.2.1", "[2001:db8::1]",
 * "fe80::1%eth0". Brackets, a zone and a trailing dot are taken away; an IPv4-mapped IPv6 address
 * is the IPv4 address.
 *
 * @param out  unchanged unless LN_OK
 * @retval LN_BAD_ARG  no name and no address; ln__name_fault() tells why
 */
LN_MUST_USE enum ln_status ln__name_parse(const char *host, struct ln_name *out);

/** Why ln__name_parse() refuses this: one sentence without its dot. NULL if it does not. */
const char *ln__name_fault(const char *host);

/** What to send as server_name: the DNS name, or NULL for an address (RFC 6066 3). Borrowed. */
const char *ln__name_sni(const struct ln_name *name);

/** Whether a certificate presents this name. */
bool ln__name_matches(const struct ln_name *name, const struct ln_x509 *cert);

/** The same for one subject alternative name. */
bool ln__name_matches_san(const struct ln_name *name, const struct ln_san *san);

#endif
