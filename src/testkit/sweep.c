/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sweep.c
 * Sweeps: the same scenario in a new world for each N, with the Nth call at a point failing.
 *
 * Every promise is judged in one function, judge(). What a scenario leaked is named and then freed,
 * so that the next trial starts clean.
 */
#include <stdarg.h>
#include <stdio.h>

#include "testkit/machine.h"

/* ---- for scenarios ---- */

enum ln_testkit_verdict ln_testkit_failed(struct ln_testkit_trial *trial, enum ln_status status,
                                          const struct ln_diag *diag)
{
    if (status == LN_OK || status == LN_AGAIN)
        return ln_testkit_broken(trial, "failed with %s, which is no failure",
                                 ln_status_name(status));
    trial->status = status;
    if (diag != NULL && diag->status != LN_OK)
        (void)ln_diag_line(diag, trial->text, sizeof trial->text);
    else
        (void)snprintf(trial->text, sizeof trial->text, "%s", ln_status_meaning(status));
    return LN_TESTKIT_FAILED;
}

enum ln_testkit_verdict ln_testkit_broken(struct ln_testkit_trial *trial, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    (void)vsnprintf(trial->text, sizeof trial->text, text, args);
    va_end(args);
    return LN_TESTKIT_BROKEN;
}

/* ---- one trial ---- */

struct outcome {
    enum ln_testkit_verdict verdict;
    size_t hits;
    size_t calls;
    struct ln_testkit_trial trial;
    char leak[160]; /* "" = none */
};

static void look_for_leaks(struct ln_testkit *kit, char *text, size_t room)
{
    text[0] = '\0';
    for (struct ln_testkit_host *host = kit->hosts; host != NULL; host = host->next) {
        struct ln_testkit_memory memory;
        ln_testkit_memory(host, &memory);
        if (text[0] == '\0' && (memory.live_blocks > 0 || host->open_handles > 0))
            (void)snprintf(text, room,
                           "%s: %zu blocks (%zu bytes) not freed, %zu sockets not closed; the "
                           "oldest block is allocation %llu, %zu bytes",
                           host->name, memory.live_blocks, memory.live_bytes, host->open_handles,
                           (unsigned long long)memory.oldest_live, memory.oldest_bytes);
        ln__testkit_machine_free_leaks(host);
    }
}

/* LN_NO_MEMORY: the kit itself could not be made; nothing was tried. */
static enum ln_status try_once(const struct ln_testkit_sweep *sweep, enum ln_testkit_point point,
                               const struct ln_testkit_fault *fault, struct outcome *out)
{
    const struct ln_testkit_config config = { .seed = sweep->seed };
    struct ln_testkit *kit = NULL;
    *out = (struct outcome) { .verdict = LN_TESTKIT_BROKEN };
    enum ln_status st = ln_testkit_new(&config, &kit);
    if (st != LN_OK)
        return st;
    out->trial.kit = kit;
    out->trial.phase = "";
    st = ln_testkit_host_new(kit, "device", "192.0.2.10 2001:db8::10", &out->trial.device);
    if (st == LN_OK) {
        ln_testkit_fail(out->trial.device, point, fault);
        out->verdict = sweep->scenario(sweep->user, &out->trial);
        out->hits = ln_testkit_hits(out->trial.device, point);
        out->calls = ln_testkit_calls(out->trial.device, point);
        look_for_leaks(kit, out->leak, sizeof out->leak);
    }
    ln_testkit_free(kit);
    return st;
}

/* ---- the judgement ---- */

/* NULL: every promise was kept. */
static const char *judge(const struct outcome *out, bool may_complete)
{
    if (out->leak[0] != '\0')
        return out->leak;
    switch (out->verdict) {
    case LN_TESTKIT_BROKEN:
        return out->trial.text[0] != '\0' ? out->trial.text : "a promise was broken";
    case LN_TESTKIT_FAILED:
        if (out->hits == 0)
            return out->trial.text;
        return out->trial.status != LN_OK ? NULL : "FAILED without ln_testkit_failed()";
    case LN_TESTKIT_COMPLETED:
        return out->hits == 0 || may_complete
                   ? NULL
                   : "a fault was met and nobody told: the scenario says it completed";
    case LN_TESTKIT_TOLERATED:
        break;
    }
    return out->hits > 0 ? NULL : "TOLERATED without a fault";
}

static void count(struct ln_testkit_report *report, enum ln_testkit_verdict verdict)
{
    report->trials++;
    report->completed += verdict == LN_TESTKIT_COMPLETED;
    report->tolerated += verdict == LN_TESTKIT_TOLERATED;
    report->failed += verdict == LN_TESTKIT_FAILED;
}

/* Try once and judge. False: the sweep ends here, and the report says why. */
static bool trial_holds(enum ln_testkit_point point, const struct ln_testkit_sweep *sweep,
                        const struct ln_testkit_fault *fault, struct ln_testkit_report *report,
                        struct outcome *out)
{
    enum ln_status st = try_once(sweep, point, fault, out);
    const char *wrong = st == LN_OK ? judge(out, sweep->may_complete) : "no memory for a kit";
    count(report, out->verdict);
    if (wrong == NULL)
        return true;
    report->held = false;
    report->n = fault->times != 0 ? fault->nth : LN_TESTKIT_ALWAYS;
    report->sticky = fault->times == LN_TESTKIT_ALWAYS;
    report->status = out->trial.status;
    (void)snprintf(report->phase, sizeof report->phase, "%s",
                   out->trial.phase != NULL ? out->trial.phase : "");
    (void)snprintf(report->text, sizeof report->text, "%s", wrong);
    return false;
}

/* True: the fault was not reached any more. False: the limit came first, or the sweep failed. */
static bool sweep_mode(enum ln_testkit_point point, const struct ln_testkit_sweep *sweep,
                       size_t times, struct ln_testkit_report *report)
{
    struct ln_testkit_fault fault = { .nth = sweep->first,
                                      .times = times,
                                      .status = sweep->status };
    struct outcome out;
    for (size_t i = 0; sweep->limit == 0 || i < sweep->limit; i++) {
        if (!trial_holds(point, sweep, &fault, report, &out))
            return false;
        if (out.hits == 0)
            return true;
        fault.nth += sweep->stride != 0 ? sweep->stride : 1;
    }
    return false;
}

bool ln_testkit_for_each_fault(enum ln_testkit_point point, const struct ln_testkit_sweep *sweep,
                               struct ln_testkit_report *report)
{
    struct ln_testkit_report ours;
    struct outcome out;
    const struct ln_testkit_fault none = { .times = 0 };
    unsigned modes = sweep->modes != 0 ? sweep->modes : LN_TESTKIT_TRANSIENT | LN_TESTKIT_STICKY;
    if (report == NULL)
        report = &ours;
    *report = (struct ln_testkit_report) { .held = true, .whole = true, .seed = sweep->seed };
    if (!trial_holds(point, sweep, &none, report, &out)) {
        report->whole = false;
        return false;
    }
    report->points = out.calls;
    if (modes & LN_TESTKIT_TRANSIENT)
        report->whole = sweep_mode(point, sweep, 1, report) && report->whole;
    if (modes & LN_TESTKIT_STICKY && report->held)
        report->whole = sweep_mode(point, sweep, LN_TESTKIT_ALWAYS, report) && report->whole;
    report->whole = report->whole && report->held;
    return report->held;
}

bool ln_testkit_for_each_oom(const struct ln_testkit_sweep *sweep, struct ln_testkit_report *report)
{
    return ln_testkit_for_each_fault(LN_TESTKIT_ALLOC, sweep, report);
}

bool ln_testkit_for_each_io_fault(const struct ln_testkit_sweep *sweep,
                                  struct ln_testkit_report *report)
{
    return ln_testkit_for_each_fault(LN_TESTKIT_NET, sweep, report);
}
