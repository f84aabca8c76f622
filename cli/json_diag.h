/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_JSON_DIAG_H
#define LN_CLI_JSON_DIAG_H
/**
 * @file json_diag.h
 * Records of the library as JSON, the same in all subcommands; linnet-probe(1) describes the members.
 */
#include "json.h"

#include <linnet/diag.h>

/** {"id": 49320, "name": "TLS_..."}; `words` NULL: the name is not known. */
void json_identifier(struct json_writer *w, cJSON *at, const char *name, uint16_t id,
                     const char *words);
/** The member "failure". */
void json_failure(struct json_writer *w, cJSON *at, const struct ln_diag *diag);

/** "expired" and so on. Never NULL. */
const char *verify_word(enum ln_verify verify);

#endif
