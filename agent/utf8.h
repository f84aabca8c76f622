/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_UTF8_H
#define LN_AGENT_UTF8_H
/**
 * @file utf8.h
 * Texts from people are UTF-8 (RFC 3629 4), or refused where they come in: servers are told them,
 * and JSON has no other.
 */
#include <stdbool.h>
#include <stddef.h>

bool utf8_is(const char *text, size_t len);

#endif
