/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_REPORT_H
#define LAB_REPORT_H
/**
 * @file report.h
 * What the lab tells: objects as they are, one a line, or as text for people.
 */
#include <cjson/cJSON.h>
#include <stdio.h>

/** One answer or event as a line of JSON. */
void report_json(FILE *out, const cJSON *told);

/** The same as text, one line or more. */
void report_text(FILE *out, const cJSON *told);

#endif
