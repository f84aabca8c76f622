/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: dlsweep.h.
 */
#include "support/dlsweep.h"

#include "support/httpserver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Until it is over, or `stop_at` bytes are stored: then the program ends. */
static enum ln_status run(struct dl_sweep *s, const struct ln_download_options *options,
                          size_t stop_at)
{
    struct ln_download *d = NULL;
    ln_diag_clear(&s->diag);
    enum ln_status st = ln_download_new(&s->device, options, &s->diag, &d);
    if (st != LN_OK)
        return st;
    for (;;) {
        struct ln_interest want;
        st = ln_download_step(d, ln_now(&s->device));
        if (st != LN_AGAIN || s->store.len >= stop_at)
            break;
        ln_download_interest(d, &want);
        http_wait(&s->device, &want);
    }
    s->diag = *ln_download_diag(d);
    ln_download_free(d);
    return st == LN_AGAIN ? LN_OK : st;
}

static bool is_right(const struct dl_sweep *s)
{
    return dl_store_holds(&s->store, s->content);
}

static enum ln_testkit_verdict told(const struct dl_sweep *s, struct ln_testkit_trial *trial,
                                    enum ln_status st)
{
    if (st == LN_OK)
        return ln_testkit_broken(trial, "what is stored is not what was sent, and nobody tells");
    if (s->diag.status != st || s->diag.text[0] == '\0' || s->diag.category == LN_CAT_NONE)
        return ln_testkit_broken(trial, "a failure without a diagnosis: %s", ln_status_name(st));
    return ln_testkit_failed(trial, st, &s->diag);
}

enum ln_testkit_verdict dl_sweep_trial(struct dl_sweep *s,
                                       const struct ln_download_options *options,
                                       struct ln_testkit_trial *trial)
{
    trial->phase = "first";
    enum ln_status st = run(s, options, s->kill_at);
    if (st == LN_OK) {
        trial->phase = "second";
        st = run(s, options, SIZE_MAX);
    }
    enum ln_testkit_verdict verdict = LN_TESTKIT_COMPLETED;
    if (st != LN_OK || !is_right(s))
        verdict = told(s, trial, st);
    else if (ln_testkit_hits(trial->device, s->point) > 0)
        verdict = LN_TESTKIT_TOLERATED; /* healed by another try */
    if (verdict == LN_TESTKIT_FAILED && !s->sticky) {
        enum ln_status again = run(s, options, SIZE_MAX);
        if (again != LN_OK || !is_right(s))
            verdict = ln_testkit_broken(trial, "after %s it cannot be completed: %s: %.80s",
                                        ln_status_name(st), ln_status_name(again), s->diag.text);
    }
    return verdict;
}

void dl_sweep_walk(enum ln_testkit_point point, bool sticky, ln_testkit_scenario *scenario,
                   void *user, enum ln_status status, size_t failures)
{
    struct ln_testkit_sweep settings = {
        .scenario = scenario,
        .user = user,
        .seed = 1,
        .modes = sticky ? LN_TESTKIT_STICKY : LN_TESTKIT_TRANSIENT,
        .status = status,
    };
    struct ln_testkit_report report;
    if (!ln_testkit_for_each_fault(point, &settings, &report))
        fail_msg("N = %zu%s, %s: %s", report.n, report.sticky ? " and on" : "", report.phase,
                 report.text);
    assert_true(report.whole);
    assert_true(report.points > 0);
    assert_true(report.failed >= failures);
}
