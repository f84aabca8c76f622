/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_UTIL_H
#define LAB_UTIL_H
/**
 * @file util.h
 * Memory, text and time for a program on a desk: without memory it says so and ends.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Zeroed; never NULL. Free with free(). */
void *lab_alloc(size_t size);

/** A block of another size; what is new is not zeroed. Never NULL. */
void *lab_resize(void *block, size_t size);

/** A copy, with a NUL behind it. Never NULL. */
char *lab_copy(const char *text, size_t len);
char *lab_text(const char *text);

/** What a device says, as text of its own for people and for programs: UTF-8 on one line, without what
 *  would control a terminal; question marks stand for all else. */
char *lab_clean(const void *bytes, size_t len);

/** printf() into memory of its own. Never NULL. */
char *lab_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Zero it in a way that no compiler leaves out. */
void lab_wipe(void *block, size_t size);

/** Bytes that nobody can guess. */
void lab_random(void *block, size_t size);

/** Monotonic milliseconds. */
int64_t lab_now(void);

/** Decimal digits and nothing else, at most `max`. */
bool lab_number(const char *text, uint64_t max, uint64_t *out);

/** Two hexadecimal digits for each byte. @return the bytes, NULL if it is anything else */
uint8_t *lab_hex(const char *text, size_t *len);

/** The reverse: text of its own. */
char *lab_hex_text(const void *bytes, size_t len);

/** Whether text begins with prefix. */
bool lab_begins(const char *text, const char *prefix);

#endif
