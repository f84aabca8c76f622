/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_NET_MEM_WORLD_H
#define LN_NET_MEM_WORLD_H
/**
 * @file world.h
 * How src/testkit makes a world: config->alloc must be complete.
 */
#include <linnet/testkit.h>

enum ln_status ln__mem_world_new(const struct ln_testkit_config *config, struct ln_testkit **out);

#endif
