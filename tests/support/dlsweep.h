/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_TESTS_DLSWEEP_H
#define LN_TESTS_DLSWEEP_H
/**
 * @file dlsweep.h
 * A download in a sweep of faults: the program ends once, and the next one goes on with what is stored.
 *
 * What failed is told or healed; what is stored in the end is right; where only one call failed, the
 * same download, begun again, is complete.
 */
#include "support/dlstore.h"

#include <linnet/testkit.h>

struct dl_sweep {
    enum ln_testkit_point point;
    bool sticky;
    struct ln_env device;
    struct dl_store store;
    struct ln_diag diag; /**< of the last run */
    struct ln_span content;
    size_t kill_at; /**< the first program ends when so many bytes are stored */
};

/** The download of one trial; `options.store` is that of `s`. */
enum ln_testkit_verdict dl_sweep_trial(struct dl_sweep *s,
                                       const struct ln_download_options *options,
                                       struct ln_testkit_trial *trial);

/** Walk all faults of `point` with a scenario whose `user` is given. Fails the test if one of them
 *  breaks a promise, or if fewer than `failures` are told. */
void dl_sweep_walk(enum ln_testkit_point point, bool sticky, ln_testkit_scenario *scenario,
                   void *user, enum ln_status status, size_t failures);

#endif
