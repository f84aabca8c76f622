/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_EXPECT_H
#define LAB_EXPECT_H
/**
 * @file expect.h
 * What a script expects: of the last answer, or of an event that has come or will come.
 *
 *   expect 2.05                          the code of the last answer
 *   expect PATH = VALUE                  a value in it; also != < <= > >=, and ~ for a regular
 *                                        expression (POSIX, extended)
 *   expect no PATH                       no value and no link of that path
 *   expect link PATH [NAME=VALUE...]     a link of a Discover, with these attributes
 *   expect error [TEXT]                  the last command failed, for a reason with this text in it
 *   expect EVENT [ENDPOINT] [PATH] [within SECONDS]
 *                                        registered, updated, deregistered, expired, notification:
 *                                        it has come since the last event that was expected, or it
 *                                        comes in time; then values can be expected of it
 */
#include "words.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct lab;
struct expectation;

struct expectation *expect_new(struct lab *lab);

/** The command expect. */
void expect_run(struct lab *lab, const struct words *words);

/** What was told, for later expectations. */
void expect_note_answer(struct lab *lab, const cJSON *answer);
void expect_note_event(struct lab *lab, const cJSON *event);

/** @return when waiting for an event ends, INT64_MAX: nothing is waited for */
int64_t expect_expire(struct lab *lab, int64_t now);

void expect_free(struct expectation *expectation);

#endif
