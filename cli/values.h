/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_VALUES_H
#define LN_CLI_VALUES_H
/**
 * @file values.h
 * Values on command lines: hexadecimal, files by "@", lists of identifiers, TLSA records, versions.
 *
 * All return false and fill `error` with a sentence that names the option and what was expected.
 * None of them ever puts a secret into that sentence.
 */
#include "options.h"

#include <linnet/span.h>
#include <linnet/tls.h>

/** "DEADBEEF", "de:ad be ef". The first `*len` bytes of `room` on success. */
bool value_hex(const char *option, const char *text, struct ln_mspan room, size_t *len,
               struct option_error *error);

/** The text itself, or for "@file" what is in that file, without white space at its end. Always
 *  ends with a NUL, which is not counted. */
bool value_text(const char *option, const char *text, struct ln_mspan room, size_t *len,
                struct option_error *error);

/** A list with commas, of names known to `find` (0 = unknown) or of numbers: "0xc0a8,TLS_...". */
bool value_ids(const char *option, const char *text, uint16_t (*find)(const char *name),
               uint16_t *out, size_t room, size_t *count, struct option_error *error);

/** "3 1 1 HEX" as in a zone file. The record's data takes the place of its hexadecimal text. */
bool value_tlsa(const char *option, char *text, struct ln_tlsa *out, struct option_error *error);

/** "1.2", "tls1.2", "dtls1.2". */
bool value_version(const char *option, const char *text, bool datagram, uint16_t *out,
                   struct option_error *error);

/** A list with commas, taken apart in place. */
bool value_words(const char *option, char *text, const char **out, size_t room, size_t *count,
                 struct option_error *error);

#endif
