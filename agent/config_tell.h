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
/** The same, as a warning. */
void config_warn(struct config_teller *teller, const struct config_place *place,
                 const struct config_key *key, const char *text, ...) LN_PRINTF(4, 5);

/** Where the value of a key was given: its line, the command line, or, where it is not given, its
 *  server. `server` is NULL for keys of other sections. */
struct config_place config_place_of(const struct config *config, const struct config_server *server,
                                    const struct config_key *key);

#endif
