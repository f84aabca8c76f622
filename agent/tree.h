/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_TREE_H
#define LN_AGENT_TREE_H
/**
 * @file tree.h
 * The client's values as JSON, and JSON as values: for `get` and `set`, and for what is kept.
 *
 * Strings are strings, opaque ones hexadecimal, numbers numbers (digits beyond 2^53), object links
 * "3:0". Security /0, OSCORE /21 and secret resources are never shown and never set.
 */
#include <cjson/cJSON.h>
#include <linnet/client.h>

/** Whether a path leads to what nobody is shown. */
bool tree_is_private(struct ln_path path);

/** Each value at or below `path`, in the order of paths; `each` owns nothing. @return how many */
size_t tree_walk(struct ln_client *client, struct ln_path path,
                 void (*each)(void *user, struct ln_path path, const struct ln_resource *resource,
                              const struct ln_value *value),
                 void *user);

/** A value as JSON; NULL: no memory. */
cJSON *tree_json(const struct ln_value *value);

/** Room for the bytes of a value that is set. */
#define TREE_VALUE_MAX 4096

/**
 * Set a resource to a value in JSON.
 * @retval LN_NOT_FOUND    there is no such resource
 * @retval LN_BAD_ARG      the value does not fit
 * @retval LN_DENIED       it is private
 * @retval LN_UNSUPPORTED  it cannot be set; as all of object 5, whose values are a server's and its
 *                         state machine's
 */
enum ln_status tree_set(struct ln_client *client, struct ln_path path, const cJSON *value);

#endif
