/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_SECRETS_H
#define LN_AGENT_SECRETS_H
/**
 * @file secrets.h
 * Keys and certificates: from hexadecimal digits, files, and credentials of systemd.
 *
 * What comes out is on the heap and the caller's, to be wiped. A failure is a clause for people:
 * what is wrong, and what was expected; it never holds a secret.
 */
#include <linnet/env.h>

#define SECRETS_WHY_MAX 256

/** Longest key, in bytes (/0/x/5 of LwM2M). */
#define SECRETS_KEY_MAX 64

/**
 * A pre-shared key: "@FILE" and "credential:NAME" hold hexadecimal digits, else the text does.
 * @param folder  relative files count from here; NULL: from the current folder
 */
bool secrets_key(const struct ln_env *env, const char *given, const char *folder,
                 struct ln_mspan *out, char why[SECRETS_WHY_MAX]);
/** A whole file. */
bool secrets_file(const struct ln_env *env, const char *path, const char *folder,
                  struct ln_mspan *out, char why[SECRETS_WHY_MAX]);
/** A certificate, of PEM the first one, as DER. */
bool secrets_certificate(const struct ln_env *env, const char *path, const char *folder,
                         struct ln_mspan *out, char why[SECRETS_WHY_MAX]);

/** FOLDER/PATH if `path` is relative and there is a folder; else `path`. False: too long. */
bool secrets_path(const char *path, const char *folder, char *room, size_t size);

#endif
