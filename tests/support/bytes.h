/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_BYTES_H
#define LN_TESTS_BYTES_H
/**
 * @file bytes.h
 * Fixed bytes for tests, each in a block of just its length, so that a sanitizer sees the first byte
 * that is read too far. They live until the process ends. A mistake aborts the test.
 */
#include <linnet/span.h>

/** "30 03 02 01 05", with any white space; "#" begins a comment up to the end of its line. */
struct ln_span bytes_hex(const char *text);

/** A file below tests/data. */
struct ln_span bytes_file(const char *name);

/** A copy. */
struct ln_span bytes_copy(struct ln_span from);

/** A copy that may be changed. */
struct ln_mspan bytes_mcopy(struct ln_span from);

/** The parts, one behind the other. */
struct ln_span bytes_join(const struct ln_span *parts, size_t count);

/** A copy in which the `from.len` bytes of `from`, which must be there once, are `to` (as long). */
struct ln_span bytes_replace(struct ln_span in, struct ln_span from, struct ln_span to);

#endif
