/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TRY_H
#define LN_TRY_H
/**
 * @file try.h
 * The one macro that changes control flow: leave the function if a call did not succeed.
 *
 * Only in functions that own nothing yet; whoever holds memory or a handle writes `goto out`.
 */
#include <linnet/status.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum ln_status st_ = (call);                                                               \
        if (st_ != LN_OK)                                                                          \
            return st_;                                                                            \
    } while (0)

#endif
