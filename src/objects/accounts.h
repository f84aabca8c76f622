/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_OBJECTS_ACCOUNTS_H
#define LN_OBJECTS_ACCOUNTS_H
/**
 * @file accounts.h
 * What security.c, server.c and access.c give to accounts.c: tables, and how an account fills them.
 */
#include <linnet/objects.h>

extern const struct ln_object ln__object_security;
extern const struct ln_object ln__object_server;
extern const struct ln_object ln__object_access;

/* `instance` is zeroed; on failure what was copied is still there: remove the instance. */
LN_MUST_USE enum ln_status ln__security_fill(void *instance, const struct ln_env *env,
                                             const struct ln_account *account);
void ln__server_fill(void *instance, const struct ln_account *account);
bool ln__server_binding_is_good(const char *binding);

/* As many cipher suites as an account may name. */
#define LN_ACCOUNT_SUITES_MAX 8

#endif
