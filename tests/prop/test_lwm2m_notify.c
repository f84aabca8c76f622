/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_lwm2m_notify.c
 * Notifications of random walks of values under random attributes, against an oracle that is written
 * from the text of LwM2M Core 1.1 5.1.2 and 1.2 7.3 and walks through time millisecond by
 * millisecond.
 *
 * The whole client is under test: attributes come as Write-Attributes at object, instance, resource
 * and resource instance, default periods as Writes to /1, and what a server receives is compared, with
 * its time, its value and its type. Now and then the server is away for a while, so that
 * notifications are stored.
 *
 * A failure tells its seed and step: LN_TEST_SEED=n repeats it. LN_TEST_FULL=1 makes a million steps.
 */
#include "support/lwworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STEPS = 400, RUNS = 20, RUNS_FULL = 2500, TICK_MS = 500, STORED_MAX = 400 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* ---- what is watched, and where attributes may stand ---- */

enum target_kind { KIND_INTEGER, KIND_DECIMAL, KIND_SWITCH, KIND_TEXT, KIND_ALL };

enum { AT_OBJECT, AT_INSTANCE, AT_120, AT_130, AT_140, AT_110, AT_1120, AT_1120_3, PLACES };
static const struct {
    const char *path;
    enum target_kind kind; /* KIND_ALL: above resources */
} places[PLACES] = {
    { "/3442", KIND_ALL },
    { "/3442/0", KIND_ALL },
    { "/3442/0/120", KIND_INTEGER },
    { "/3442/0/130", KIND_DECIMAL },
    { "/3442/0/140", KIND_SWITCH },
    { "/3442/0/110", KIND_TEXT },
    { "/3442/0/1120", KIND_INTEGER },
    { "/3442/0/1120/3", KIND_INTEGER },
};

enum { TARGETS = 6 };
static const struct {
    enum target_kind kind;
    const char *path;
    int line[5]; /* places from here up to the object; -1 = end */
} targets[TARGETS] = {
    { KIND_INTEGER, "/3442/0/120", { AT_120, AT_INSTANCE, AT_OBJECT, -1, -1 } },
    { KIND_DECIMAL, "/3442/0/130", { AT_130, AT_INSTANCE, AT_OBJECT, -1, -1 } },
    { KIND_SWITCH, "/3442/0/140", { AT_140, AT_INSTANCE, AT_OBJECT, -1, -1 } },
    { KIND_TEXT, "/3442/0/110", { AT_110, AT_INSTANCE, AT_OBJECT, -1, -1 } },
    { KIND_INTEGER, "/3442/0/1120/3", { AT_1120_3, AT_1120, AT_INSTANCE, AT_OBJECT, -1 } },
    { KIND_ALL, "/3442/0", { AT_INSTANCE, AT_OBJECT, -1, -1, -1 } },
};
enum { WHOLE = TARGETS - 1 };

enum { PMIN, PMAX, GT, LT, ST, EPMIN, EPMAX, EDGE, CON, HQMAX, ATTRS };
static const char *const names[ATTRS] = { "pmin",  "pmax",  "gt",   "lt",  "st",
                                          "epmin", "epmax", "edge", "con", "hqmax" };

struct attrs {
    bool set[ATTRS];
    double is[ATTRS];
};

/* All values of the device; each target knows one, the whole instance all of them. */
struct values {
    double of[TARGETS]; /* a text is told by a number */
};

/* ---- the oracle ---- */

struct expected {
    ln_msec at;
    double value; /* nothing of KIND_ALL: its payload is not looked into */
    bool con;
    bool stored; /* comes when the server is back */
};

struct watch {
    struct attrs attrs; /* in force */
    uint8_t token[8];
    ln_msec t_last;
    ln_msec t_eval;
    ln_msec t_con;
    struct values last; /* as sent */
    bool was_on;        /* as seen last: edges */
    bool dirty;
    bool fired;
    bool kept; /* ... with this value */
    double kept_value;
    struct expected due[STORED_MAX];
    size_t due_count;
};

struct run {
    struct lw_world *w;
    uint64_t dice;
    struct attrs own[PLACES];
    struct attrs defaults;
    struct values now;
    struct watch watch[TARGETS];
    bool online;
    ln_msec polled; /* up to here, this millisecond included */
    size_t notes, stored;
};

static struct lw_world w;
static struct run run;
static uint64_t running_seed;
static unsigned running_step;

static unsigned cast(unsigned faces)
{
    run.dice = run.dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((run.dice >> 33) % faces);
}

/* "The nearest": each attribute by itself from the target upwards, then the server's defaults. */
static void inherit(void)
{
    for (unsigned t = 0; t < TARGETS; t++) {
        struct attrs *in_force = &run.watch[t].attrs;
        memset(in_force, 0, sizeof *in_force);
        for (unsigned a = 0; a < ATTRS; a++) {
            const struct attrs *from = &run.defaults;
            for (unsigned i = 5; i-- > 0;)
                if (targets[t].line[i] >= 0 && run.own[targets[t].line[i]].set[a])
                    from = &run.own[targets[t].line[i]];
            in_force->set[a] = from->set[a];
            in_force->is[a] = from->is[a];
        }
    }
}

static ln_msec seconds(const struct watch *o, unsigned attr)
{
    return o->attrs.set[attr] ? (ln_msec)o->attrs.is[attr] * 1000 : 0;
}

static bool has_condition(const struct watch *o)
{
    return o->attrs.set[GT] || o->attrs.set[LT] || o->attrs.set[ST] || o->attrs.set[EDGE];
}

static bool is_met(unsigned t, const struct watch *o, bool was_on)
{
    double from = o->last.of[t];
    double to = run.now.of[t];
    const double *is = o->attrs.is;
    const bool *set = o->attrs.set;
    if (targets[t].kind == KIND_SWITCH)
        return was_on != (to != 0) && (to != 0) == (is[EDGE] != 0);
    if (set[GT] && (from > is[GT]) != (to > is[GT]))
        return true;
    if (set[LT] && (from < is[LT]) != (to < is[LT]))
        return true;
    double moved = to > from ? to - from : from - to;
    return set[ST] && moved > 0 && moved >= is[ST];
}

static bool is_different(unsigned t, const struct watch *o)
{
    if (targets[t].kind != KIND_ALL)
        return run.now.of[t] != o->last.of[t];
    for (unsigned i = 0; i < TARGETS; i++)
        if (run.now.of[i] != o->last.of[i])
            return true;
    return false;
}

static void evaluate(unsigned t, ln_msec now)
{
    struct watch *o = &run.watch[t];
    bool was_on = o->was_on;
    o->t_eval = now;
    o->dirty = false;
    o->was_on = run.now.of[t] != 0;
    bool condition = has_condition(o);
    if (condition ? !is_met(t, o, was_on) : !is_different(t, o))
        return;
    o->fired = true;
    o->kept = condition; /* the value that crossed is the value that is sent */
    o->kept_value = run.now.of[t];
}

static void keep_newest(struct watch *o)
{
    size_t stored = 0;
    for (size_t i = 0; i < o->due_count; i++)
        stored += o->due[i].stored;
    while (o->attrs.set[HQMAX] && stored > (size_t)o->attrs.is[HQMAX]) {
        memmove(&o->due[0], &o->due[1], (o->due_count - 1) * sizeof o->due[0]);
        o->due_count--;
        stored--;
    }
}

static void tell(unsigned t, ln_msec now)
{
    struct watch *o = &run.watch[t];
    double value = o->kept ? o->kept_value : run.now.of[t];
    bool con = (o->attrs.set[CON] && o->attrs.is[CON] != 0) || now - o->t_con >= DAY_MS;
    assert_true(o->due_count < STORED_MAX);
    o->due[o->due_count++] =
        (struct expected) { .at = now, .value = value, .con = con, .stored = !run.online };
    if (con)
        o->t_con = now;
    if (o->kept)
        o->dirty = o->dirty || value != run.now.of[t]; /* what came behind it is looked at anew */
    else
        o->was_on = value != 0;
    o->last = run.now;
    o->last.of[t] = value;
    o->t_last = now;
    o->fired = o->kept = false;
    if (!run.online)
        keep_newest(o);
}

static bool may_evaluate(const struct watch *o, ln_msec now)
{
    ln_msec epmin = seconds(o, EPMIN);
    ln_msec epmax = seconds(o, EPMAX);
    ln_msec since = now - o->t_eval;
    return (o->dirty && since >= epmin) || (epmax > 0 && since >= epmax && since >= epmin);
}

static bool may_tell(const struct watch *o, ln_msec now)
{
    ln_msec pmin = seconds(o, PMIN);
    ln_msec pmax = seconds(o, PMAX);
    ln_msec since = now - o->t_last;
    return (o->fired && since >= pmin) || (pmax > 0 && pmax >= pmin && since >= pmax);
}

/* What happens in this millisecond by itself. Twice: what comes behind a value that was kept and is
 * now told is looked at in the same millisecond. */
static void poll_at(ln_msec now)
{
    for (unsigned i = 0; i < 2 * TARGETS; i++) {
        unsigned t = i / 2;
        struct watch *o = &run.watch[t];
        if (may_evaluate(o, now))
            evaluate(t, now);
        if (may_tell(o, now))
            tell(t, now);
    }
}

/* Targets with a condition see each value, however fast they follow. */
static void value_changed(unsigned t, ln_msec now)
{
    struct watch *both[2] = { &run.watch[t], &run.watch[WHOLE] };
    both[0]->dirty = both[1]->dirty = true;
    if (!has_condition(both[0]) || !may_evaluate(both[0], now))
        return;
    evaluate(t, now);
    if (both[0]->kept && may_tell(both[0], now))
        tell(t, now);
}

/* ---- what the server received ---- */

static double value_of(unsigned t, const struct lw_note *note)
{
    if (targets[t].kind == KIND_ALL)
        return 0;
    return strtod(targets[t].kind == KIND_TEXT ? note->payload + 1 : note->payload, NULL);
}

static unsigned target_of(const struct lw_note *note)
{
    for (unsigned t = 0; t < TARGETS; t++)
        if (memcmp(run.watch[t].token, note->token, sizeof note->token) == 0)
            return t;
    fail_msg("a notification of nothing that is observed");
    return 0;
}

static void check_note(const struct lw_note *note)
{
    unsigned t = target_of(note);
    struct watch *o = &run.watch[t];
    const struct expected *e = &o->due[0];
    double value = value_of(t, note);
    assert_int_equal(note->code, LN_COAP_CONTENT);
    if (o->due_count == 0)
        fail_msg("%s: %g at %lld, and nothing was due", targets[t].path, value,
                 (long long)note->at);
    bool is_late = !e->stored && note->at != e->at;
    bool is_wrong = targets[t].kind != KIND_ALL && value != e->value;
    if (is_late || is_wrong || (note->type == LN_COAP_CON) != e->con)
        fail_msg("%s: %g at %lld (CON %d); due: %g at %lld (CON %d, stored %d)", targets[t].path,
                 value, (long long)note->at, note->type == LN_COAP_CON, e->value, (long long)e->at,
                 e->con, e->stored);
    run.stored += e->stored;
    run.notes++;
    memmove(&o->due[0], &o->due[1], (o->due_count - 1) * sizeof o->due[0]);
    o->due_count--;
}

static void check_notes(void)
{
    assert_true(w.server.note_count < LW_NOTES_MAX);
    for (size_t i = 0; i < w.server.note_count; i++)
        check_note(&w.server.notes[i]);
    w.server.note_count = 0;
    for (unsigned t = 0; run.online && t < TARGETS; t++)
        if (run.watch[t].due_count != 0)
            fail_msg("%s: %g was due at %lld and did not come", targets[t].path,
                     run.watch[t].due[0].value, (long long)run.watch[t].due[0].at);
}

/* ---- what is done ---- */

static struct ln_value make_value(unsigned t, double v, char text[8])
{
    switch (targets[t].kind) {
    case KIND_DECIMAL:
        return ln_value_float(v);
    case KIND_SWITCH:
        return ln_value_boolean(v != 0);
    case KIND_TEXT:
        snprintf(text, 8, "t%d", (int)v);
        return ln_value_string(text);
    case KIND_INTEGER:
    case KIND_ALL:
        break;
    }
    return ln_value_integer((int64_t)v);
}

static void change_one(void)
{
    static const struct {
        uint16_t rid, riid;
    } where[TARGETS - 1] = { { 120, 0 }, { 130, 0 }, { 140, 0 }, { 110, 0 }, { 1120, 3 } };
    unsigned t = cast(TARGETS - 1);
    char text[8];
    double v = (double)cast(31) - 15;
    v = targets[t].kind == KIND_DECIMAL  ? v / 2
        : targets[t].kind == KIND_SWITCH ? cast(2)
        : targets[t].kind == KIND_TEXT   ? cast(4)
                                         : v;
    struct ln_value value = make_value(t, v, text);
    struct ln_path path = where[t].riid != 0
                              ? ln_path_resource_instance(3442, 0, where[t].rid, where[t].riid)
                              : ln_path_resource(3442, 0, where[t].rid);
    assert_int_equal(ln_client_set(w.client, path, &value), LN_OK);
    run.now.of[t] = v;
    value_changed(t, lw_now(&w));
}

static bool fits(unsigned place, unsigned attr)
{
    bool number = places[place].kind == KIND_INTEGER || places[place].kind == KIND_DECIMAL;
    if (attr == GT || attr == LT || attr == ST)
        return number;
    return attr != EDGE || places[place].kind == KIND_SWITCH;
}

static double draw(unsigned attr)
{
    switch (attr) {
    case GT:
    case LT:
        return ((double)cast(41) - 20) / 2;
    case ST:
        return (double)cast(9) / 2 - (cast(20) == 0 ? 5 : 0);
    case EDGE:
    case CON:
        return cast(2);
    case HQMAX:
        return 1 + cast(3);
    case PMAX:
        return cast(3) == 0 ? 0 : 1 + cast(10);
    default:
        return cast(5);
    }
}

static bool is_lawful(const struct attrs *a)
{
    if (a->set[ST] && a->is[ST] < 0)
        return false;
    if (!a->set[GT] || !a->set[LT])
        return true;
    return a->is[LT] < a->is[GT] && (!a->set[ST] || a->is[LT] + 2 * a->is[ST] < a->is[GT]);
}

/* What is on its way arrives, in this very millisecond, and so do acknowledgements: otherwise a
 * notification may wait behind a confirmable one, and a newer one replaces it. */
static void arrive(void)
{
    struct ln_interest want;
    ln_msec now = lw_now(&w);
    for (unsigned i = 0; i < 2 * TARGETS; i++) {
        assert_int_equal(ln_client_step(w.client, now, &want), LN_OK);
        assert_int_equal(w.env.net.ops->wait(w.env.net.ctx, &want, now), LN_OK);
    }
    assert_int_equal(lw_now(&w), now);
}

/* Time passes until `ticks` ticks behind `from`, when something was done. @return false where one
 * millisecond holds both the server's return and a tick: nobody can say which came first */
static bool pass(ln_msec from, unsigned ticks)
{
    unsigned updates = w.server.updates;
    assert_true(lw_now(&w) < from + TICK_MS);
    assert_true(lw_run(&w, NULL, from + (ln_msec)ticks * TICK_MS - lw_now(&w)));
    arrive();
    bool back = w.server.updates != updates;
    ln_msec back_at = back ? lw_last_seen(&w)->at : LN_NEVER;
    if (back && !run.online && (back_at - from) % TICK_MS == 0)
        return false;
    for (ln_msec at = from; at <= lw_now(&w); at++) {
        run.online = run.online || at >= back_at;
        poll_at(at);
    }
    check_notes();
    return true;
}

/* One Write-Attributes: takes all or nothing. */
static void write_attributes(void)
{
    unsigned place = cast(PLACES);
    struct attrs result = run.own[place];
    char query[200] = "";
    bool lawful = true;
    bool named[ATTRS] = { false };
    for (unsigned n = 1 + cast(4); n-- > 0;) {
        unsigned attr = cast(ATTRS);
        if (named[attr] || (!fits(place, attr) && cast(20) != 0))
            continue;
        size_t at = strlen(query);
        bool unset = cast(3) == 0;
        named[attr] = true;
        lawful = lawful && fits(place, attr);
        result.set[attr] = !unset;
        result.is[attr] = unset ? 0 : draw(attr);
        if (unset)
            snprintf(query + at, sizeof query - at, "%s%s", at > 0 ? "&" : "", names[attr]);
        else
            snprintf(query + at, sizeof query - at, "%s%s=%g", at > 0 ? "&" : "", names[attr],
                     result.is[attr]);
    }
    if (query[0] == '\0')
        return;
    lawful = lawful && is_lawful(&result);
    struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_PUT, .path = places[place].path,
                             .query = query };
    ln_msec before = lw_now(&w);
    assert_true(lw_ask(&w, &rq));
    if (w.server.answer.code != (lawful ? LN_COAP_CHANGED : LN_COAP_BAD_REQUEST))
        fail_msg("%s?%s: answered %x", places[place].path, query, w.server.answer.code);
    if (lawful)
        run.own[place] = result;
    inherit();
    assert_true(pass(before, 1));
}

static void write_default(void)
{
    unsigned attr = cast(2) == 0 ? PMIN : PMAX;
    unsigned value = cast(6);
    char text[8];
    snprintf(text, sizeof text, "%u", value);
    ln_msec before = lw_now(&w);
    assert_int_equal(lw_put(&w, attr == PMIN ? "/1/0/2" : "/1/0/3", 0, text, strlen(text)),
                     LN_COAP_CHANGED);
    run.defaults.set[attr] = true;
    run.defaults.is[attr] = value;
    inherit();
    assert_true(pass(before, 1));
}

/* The server is away: its answer to an Update does not come. */
static void leave(void)
{
    w.server.script.silent = true;
    assert_int_equal(ln_client_update(w.client, 1), LN_OK);
    run.online = false;
}

/* A confirmable one at least every 24 hours: only where nothing goes on by itself meanwhile. */
static void pass_a_day(void)
{
    for (unsigned t = 0; t < TARGETS; t++) {
        const struct watch *o = &run.watch[t];
        if (o->dirty || o->fired || seconds(o, EPMAX) > 0 ||
            (seconds(o, PMAX) > 0 && seconds(o, PMAX) >= seconds(o, PMIN)))
            return;
    }
    assert_true(lw_run(&w, NULL, DAY_MS + TICK_MS));
    arrive();
    check_notes();
}

static bool step(void)
{
    if (run.online && cast(30) == 0)
        write_attributes();
    if (run.online && cast(200) == 0)
        write_default();
    if (run.online && cast(300) == 0)
        pass_a_day();
    if (run.online && cast(200) == 0)
        leave();
    else if (!run.online && cast(4) == 0)
        w.server.script.silent = false;
    if (cast(3) == 0)
        for (unsigned n = 1 + cast(4); n-- > 0;)
            change_one();
    return pass(lw_now(&w), 1 + cast(3));
}

static void open_run(uint64_t seed)
{
    struct lw_options options = LW_OPTIONS_INIT;
    const char *what = "";
    options.seed = seed;
    options.lifetime_s = 100 * 86400;
    options.config.notes_max = STORED_MAX;
    options.config.notes_bytes = 1 << 20;
    assert_int_equal(lw_open(&w, &options, &what), LN_OK);
    assert_true(lw_register(&w));
    memset(&run, 0, sizeof run);
    run.dice = seed;
    run.online = true;
    struct lw_request clear = { LW_REQUEST_INIT, .code = LN_COAP_POST, .path = "/3442/0/2" };
    assert_true(lw_ask(&w, &clear));
    struct ln_value zero = ln_value_integer(0);
    struct ln_value text = ln_value_string("t0");
    assert_int_equal(ln_client_set(w.client, ln_path_resource_instance(3442, 0, 1120, 3), &zero),
                     LN_OK);
    assert_int_equal(ln_client_set(w.client, ln_path_resource(3442, 0, 110), &text), LN_OK);
    for (unsigned t = 0; t < TARGETS; t++) {
        struct lw_request rq = { LW_REQUEST_INIT, .code = LN_COAP_GET, .path = targets[t].path };
        ln_msec asked = lw_now(&w);
        rq.observe = 0;
        assert_true(lw_ask(&w, &rq));
        assert_true(w.server.answer.observe);
        memcpy(run.watch[t].token, w.server.answer.token, 8);
        run.watch[t].t_last = run.watch[t].t_eval = run.watch[t].t_con = asked;
    }
    inherit();
    w.server.note_count = 0;
    assert_true(pass(lw_now(&w), 1));
}

/* scenario: T12 */
static void notifications_are_what_the_oracle_says(void **state)
{
    const char *one = getenv("LN_TEST_SEED");
    uint64_t first = one != NULL ? strtoull(one, NULL, 0) : 1;
    uint64_t count = getenv("LN_TEST_FULL") != NULL ? RUNS_FULL : RUNS;
    size_t notes = 0;
    size_t stored = 0;
    uint64_t steps = 0;
    (void)state;
    count = one != NULL ? 1 : count;
    for (running_seed = first; running_seed < first + count; running_seed++) {
        open_run(running_seed);
        for (running_step = 0; running_step < STEPS && step(); running_step++)
            steps++;
        notes += run.notes;
        stored += run.stored;
        lw_close(&w);
    }
    print_message("%llu steps, %zu notifications, %zu of them stored\n", (unsigned long long)steps,
                  notes, stored);
    assert_true(one != NULL || (notes > steps / 4 && stored > steps / 200));
}

static int tell_seed(void **state)
{
    (void)state;
    print_message("LN_TEST_SEED=%llu, step %u\n", (unsigned long long)running_seed, running_step);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(notifications_are_what_the_oracle_says, tell_seed),
    };
    return cmocka_run_group_tests_name("lwm2m/notify", tests, NULL, NULL);
}
