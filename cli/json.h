/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_JSON_H
#define LN_CLI_JSON_H
/**
 * @file json.h
 * Writing JSON with cJSON, without a check behind each call.
 *
 * A call that finds no memory, or is handed NULL by an earlier one, leaves its member out and
 * clears `complete`; json_print() then prints nothing at all.
 */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json_writer {
    bool complete; /**< starts as true */
};

/** NULL is written as "". */
void json_text(struct json_writer *w, cJSON *at, const char *name, const char *value);
/** Exact up to 2^53. */
void json_number(struct json_writer *w, cJSON *at, const char *name, int64_t value);
void json_flag(struct json_writer *w, cJSON *at, const char *name, bool value);
cJSON *json_object(struct json_writer *w, cJSON *at, const char *name);
cJSON *json_array(struct json_writer *w, cJSON *at, const char *name);
/** Add an object, or a string, to an array. */
cJSON *json_element(struct json_writer *w, cJSON *list);
void json_word(struct json_writer *w, cJSON *list, const char *value);

/** Print and free `root`. @return false if memory was short: nothing was printed */
bool json_print(FILE *out, struct json_writer *w, cJSON *root);

#endif
