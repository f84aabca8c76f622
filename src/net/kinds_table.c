/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kinds_table.c
 * All kinds of sockets. Contract: kinds.h.
 */
#include "net/kinds.h"

const struct ln__kind ln__kinds[LN__KIND_COUNT] = {
    [LN_UDP] = { .transport = ln__udp_new, .secure = false },
    [LN_TCP] = { .transport = ln__tcp_new, .secure = false },
    [LN_DTLS] = { .transport = ln__udp_new, .secure = true },
    [LN_TLS] = { .transport = ln__tcp_new, .secure = true },
};
