/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_BASE_SMALL_H
#define LN_BASE_SMALL_H
/**
 * @file small.h
 * LN_SMALL: the library keeps its sentences to itself. cmake/LinnetLibrary.cmake includes this file
 * before all others of each source but those of base; no source includes it by itself.
 *
 * A record still has status, category and phase; its text is empty, and ln_diag_line(), where a program
 * calls it, says what the status means. Nothing is logged. A program's own ln_diag_set() and ln_log()
 * are what they always are. The sentences are still checked by the compiler, against their arguments,
 * and then dropped: `0 ?` is never taken.
 */
#include <linnet/diag.h>
#include <linnet/env.h>

/** ln_diag_set() without a text. */
enum ln_status ln__diag_code(struct ln_diag *diag, enum ln_status status, enum ln_category category,
                             enum ln_phase phase);

#define ln_diag_set(diag, status, category, phase, ...)                                            \
    (0 ? ln_diag_set(diag, status, category, phase, __VA_ARGS__)                                   \
       : ln__diag_code(diag, status, category, phase))

#define ln_log(...) (0 ? ln_log(__VA_ARGS__) : (void)0)

#endif
