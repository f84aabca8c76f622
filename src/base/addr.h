/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_ADDR_H
#define LN_BASE_ADDR_H
/*
 * Internal part of <linnet/addr.h>.
 */
#include <linnet/addr.h>

/* Make an IPv4-mapped IPv6 address (RFC 4291 2.5.5.2) the IPv4 address that it is, and clear what
 * does not count in its family. For ports that fill in addresses of the system. */
void ln__addr_normalise(struct ln_addr *addr);

#endif
