/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file kinds_table_small.c
 * The kinds of sockets of a small build: datagrams. Contract: kinds.h.
 */
#include "net/kinds.h"

const struct ln__kind ln__kinds[LN__KIND_COUNT] = {
    [LN_UDP] = { .transport = ln__udp_new, .secure = false },
    [LN_TCP] = { .transport = NULL, .secure = false },
    [LN_DTLS] = { .transport = ln__udp_new, .secure = true },
    [LN_TLS] = { .transport = NULL, .secure = true },
};
