/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_NETWORK_H
#define LN_AGENT_NETWORK_H
/**
 * @file network.h
 * How this machine is connected: the interface of its default route, for /4.
 */
#include <linnet/objects.h>

/** Fill in bearer, signal, addresses and routers. Without a route: the addresses that there are. */
void network_read(struct ln_connectivity *out);

#endif
