/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file run.c
 * Contract: download.h, the states. Moves happen in `move`, wishes of callbacks in `obey`, and both
 * only when no driver is on the stack.
 */
#include "download/download.h"

#include "base/try.h"

static void move(struct ln_download *d, enum ln_download_state state)
{
    d->state = state;
    (void)!ln__download_tell(d); /* whoever wishes something then is heard by obey() */
}

static void let_go(struct ln_download *d)
{
    d->full = false;
    d->early = 0;
    d->skip = 0;
}

static void stop_fetch(struct ln_download *d)
{
    if (d->fetch != NULL)
        d->driver->stop(d->fetch);
    let_go(d);
}

/* The end, a bad one. @return what step() says */
static enum ln_status end(struct ln_download *d, enum ln_download_reason reason,
                          enum ln_status status, ln_msec now)
{
    d->reason = reason;
    d->failure = status != LN_OK && status != LN_AGAIN ? status : LN_INTERNAL;
    (void)ln_diag_set(&d->diag, d->failure, ln__download_category(reason), LN_PHASE_TRANSFER, "%s",
                      ln_download_reason_meaning(reason));
    stop_fetch(d);
    d->ended = true;
    ln__download_save(d, now);
    if (d->state != LN_DOWNLOAD_FAILED)
        move(d, LN_DOWNLOAD_FAILED);
    return d->failure;
}

/* ---- tries ---- */

static enum ln_status try_now(struct ln_download *d, ln_msec now)
{
    d->headed = false;
    let_go(d);
    d->refused = false;
    d->retry_after_s = -1;
    d->answer = 0;
    d->tried_at = d->offset;
    d->requests++;
    ln_diag_clear(&d->diag);
    if (d->fetch == NULL)
        TRY(d->driver->make(d, &d->fetch));
    TRY(d->driver->begin(d->fetch, now));
    move(d, LN_DOWNLOAD_RUNNING);
    return LN_OK;
}

/* Nothing stored can be used: count it, and forget it. */
static enum ln_status start_over(struct ln_download *d)
{
    if (d->restarts >= d->options.restarts_max)
        return LN_REFUSED;
    d->restarts++;
    ln__download_forget(d);
    return ln__download_start_over(d);
}

static enum ln_status wait_for_next(struct ln_download *d, ln_msec now)
{
    ln_msec pause = 0;
    enum ln_status st = ln__download_pause(d, &pause);
    if (st != LN_OK) {
        ln_diag_clear(&d->diag);
        (void)ln_diag_set(&d->diag, st, LN_CAT_LOCAL_IO, LN_PHASE_NONE,
                          "there is no randomness for the pause before the next try");
        return end(d, LN_DOWNLOAD_INTERNAL, st, now);
    }
    d->wait_until = now + pause;
    ln_log(d->env, LN_LOG_INFO, "download", "%s at byte %llu; again in %lld ms",
           ln_download_reason_word(d->reason), (unsigned long long)d->offset, (long long)pause);
    move(d, LN_DOWNLOAD_WAITING);
    return LN_AGAIN;
}

/* A digest that is wrong after parts of several answers were put together may be the fault of a server
 * whose validators lie. Once it may prove that in one piece. */
static enum ln_download_class class_of(const struct ln_download *d)
{
    if (d->reason == LN_DOWNLOAD_DIGEST && d->continued)
        return LN_DOWNLOAD_RESTART;
    return ln_download_reason_class(d->reason);
}

static enum ln_status after_failure(struct ln_download *d, enum ln_status status, ln_msec now)
{
    if (!d->refused)
        d->reason = ln__download_classify(&d->diag);
    enum ln_download_class class_ = class_of(d);
    stop_fetch(d);
    if (class_ == LN_DOWNLOAD_RETRY)
        ln__download_save(d, now);
    d->attempts = d->offset > d->tried_at ? 0 : d->attempts + 1;
    if (class_ == LN_DOWNLOAD_FINAL || d->attempts >= d->options.attempts_max)
        return end(d, d->reason, status, now);
    bool useless = d->offset > 0 && d->validator.kind == LN__NO_VALIDATOR;
    if (class_ == LN_DOWNLOAD_RESTART || useless) {
        enum ln_status st = start_over(d);
        if (st != LN_OK)
            return end(d, d->reason, st == LN_REFUSED ? status : st, now);
    }
    return wait_for_next(d, now);
}

/* ---- states ---- */

static enum ln_status finish(struct ln_download *d, ln_msec now)
{
    enum ln_status st = ln__download_complete(d, now);
    if (st != LN_OK)
        return after_failure(d, st, now);
    stop_fetch(d);
    d->reason = LN_DOWNLOAD_NONE;
    ln_diag_clear(&d->diag);
    move(d, LN_DOWNLOAD_COMPLETE);
    return LN_OK;
}

static enum ln_status step_checking(struct ln_download *d, ln_msec now)
{
    enum ln_status st = LN_AGAIN;
    if (!d->started) {
        d->started = true;
        d->started_at = now;
        d->saved_at = now;
        st = ln__download_load(d);
    }
    if (st == LN_AGAIN)
        st = ln__download_check(d);
    if (st == LN_AGAIN)
        return st;
    if (st != LN_OK)
        return end(d, st == LN_NO_MEMORY ? LN_DOWNLOAD_MEMORY : LN_DOWNLOAD_INTERNAL, st, now);
    d->wait_until = now;
    if (d->total != LN__UNKNOWN && d->offset == d->total)
        return finish(d, now);
    move(d, LN_DOWNLOAD_WAITING);
    return LN_AGAIN;
}

static enum ln_status step_waiting(struct ln_download *d, ln_msec now)
{
    if (now < d->wait_until)
        return LN_AGAIN;
    enum ln_status st = try_now(d, now);
    return st == LN_OK ? LN_AGAIN : after_failure(d, st, now);
}

static enum ln_status step_running(struct ln_download *d, ln_msec now)
{
    if (d->early != 0 && now >= d->early)
        d->early = 0;
    enum ln_status st = d->driver->step(d->fetch, now);
    if (st == LN_AGAIN || d->wish != LN__NO_WISH || d->doomed)
        return LN_AGAIN;
    return st == LN_OK ? finish(d, now) : after_failure(d, st, now);
}

void ln__download_obey(struct ln_download *d, ln_msec now)
{
    enum ln__download_wish wish = d->wish;
    bool over = d->state == LN_DOWNLOAD_COMPLETE || d->state == LN_DOWNLOAD_FAILED;
    d->wish = LN__NO_WISH;
    if (wish == LN__NO_WISH || over || d->doomed)
        return;
    if (wish == LN__CANCEL) {
        ln_diag_clear(&d->diag);
        (void)!end(d, LN_DOWNLOAD_CANCELLED, LN_CLOSED, now);
        return;
    }
    stop_fetch(d);
    ln__download_save(d, now);
    switch (wish) {
    case LN__SUSPEND:
        if (d->state != LN_DOWNLOAD_SUSPENDED)
            move(d, LN_DOWNLOAD_SUSPENDED);
        break;
    case LN__RECONNECT:
        if (d->state != LN_DOWNLOAD_RUNNING && d->state != LN_DOWNLOAD_WAITING)
            break;
        d->wait_until = now;
        d->attempts = 0;
        move(d, LN_DOWNLOAD_WAITING);
        break;
    case LN__CANCEL:
    case LN__NO_WISH:
        break;
    }
}

/* One state's work. LN_AGAIN: perhaps there is more to do in the next one. */
static enum ln_status work(struct ln_download *d, ln_msec now)
{
    switch (d->state) {
    case LN_DOWNLOAD_CHECKING:
        return step_checking(d, now);
    case LN_DOWNLOAD_WAITING:
        return step_waiting(d, now);
    case LN_DOWNLOAD_RUNNING:
        return step_running(d, now);
    case LN_DOWNLOAD_SUSPENDED:
        return LN_AGAIN;
    case LN_DOWNLOAD_COMPLETE:
        return LN_OK;
    case LN_DOWNLOAD_FAILED:
        break;
    }
    return d->failure;
}

enum ln_status ln__download_run(struct ln_download *d, ln_msec now)
{
    for (;;) {
        ln__download_obey(d, now);
        if (d->doomed)
            return LN_CLOSED;
        enum ln_download_state before = d->state;
        bool goes_on = before != LN_DOWNLOAD_COMPLETE && before != LN_DOWNLOAD_FAILED &&
                       before != LN_DOWNLOAD_SUSPENDED;
        if (goes_on && now >= ln__download_time_limit(d)) {
            ln_diag_clear(&d->diag);
            return end(d, LN_DOWNLOAD_TIME, LN_TIMEOUT, now);
        }
        enum ln_status st = work(d, now);
        if (d->wish == LN__NO_WISH && !d->doomed && (st != LN_AGAIN || d->state == before))
            return st;
    }
}
