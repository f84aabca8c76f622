/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_AGENT_JSON_H
#define LN_AGENT_JSON_H
/**
 * @file json.h
 * JSON that is whole or none.
 *
 * cJSON leaves out what it has no memory for, deep within its calls. All of its allocations are
 * watched here, so that a text with a hole is never written, sent or kept:
 *   json_begin -> make or parse -> json_is_whole, or json_text -> cJSON_Delete
 *
 * Threads: one.
 */
#include <cjson/cJSON.h>
#include <stdbool.h>

/** Watch cJSON from now on; once, before any other use of it. */
void json_watch(void);
/** What follows is one piece of work. */
void json_begin(void);
/** No allocation has failed since json_begin(). */
bool json_is_whole(void);
/** Put an item into an object, or at the end of a list; what does not go in is freed. */
void json_add(cJSON *object, const char *name, cJSON *item);
void json_append(cJSON *list, cJSON *item);
/** As text, to be freed with cJSON_free(); NULL: there is not enough memory for all of it. */
char *json_text(const cJSON *json);

#endif
