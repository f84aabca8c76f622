/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_CONFIG_TELL_H
#define LN_AGENT_CONFIG_TELL_H
/**
 * @file config_tell.h
 * Errors of the configuration as one line: where, which key, what is wrong, what was expected.
 */
#include "keys.h"

/** Longest line, with its NUL. */
#define CONFIG_LINE_MAX 1024

/** "agent.ini:7: [server] lifetime: ...". `key` may be NULL. Counts an error. @return false */
bool config_wrong(struct config_teller *teller, const struct config_place *place,
                  const struct config_key *key, const char *text, ...) LN_PRINTF(4, 5);
/** The same, but no error: a remark. */
void config_remark(struct config_teller *teller, const struct config_place *place,
                   const struct config_key *key, const char *text, ...) LN_PRINTF(4, 5);

#endif
