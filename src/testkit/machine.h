/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTKIT_MACHINE_H
#define LN_TESTKIT_MACHINE_H
/**
 * @file machine.h
 * The environment's half of a host, one file for each member of struct ln_env. Each operation first
 * asks its point whether it is to fail. The context of every operation is the host.
 */
#include "net/mem/mem.h"

/* Count one call; true: it is to fail, with *status. */
bool ln__testkit_point_fails(struct ln_testkit_host *host, enum ln_testkit_point point,
                             enum ln_status *status);

void *ln__testkit_machine_resize(void *ctx, void *memory, size_t size);
enum ln_status ln__testkit_machine_random(void *ctx, struct ln_mspan room);
void ln__testkit_machine_log(void *ctx, enum ln_level level, const char *module, const char *text);
extern const struct ln_resolver_ops ln__testkit_machine_resolver_ops;
extern const struct ln_net_ops ln__testkit_machine_net_ops;
extern const struct ln_files ln__testkit_machine_files; /* without its context */

/* Free what the code under test did not. */
void ln__testkit_machine_free_leaks(struct ln_testkit_host *host);
void ln__testkit_machine_free_files(struct ln_testkit_host *host);
void ln__testkit_machine_free(struct ln_testkit_host *host);
void ln__testkit_names_free(struct ln_testkit *kit);

#endif
