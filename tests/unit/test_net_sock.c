/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file test_net_sock.c
 * The core of the sockets, src/net/sock.c, over filters that do what a test tells them and write
 * down what they were asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <linnet/filter.h>

/* ---- an environment that counts ---- */

struct heap {
    size_t live;
    size_t calls;
    size_t fail_at;
};

static void *heap_resize(void *ctx, void *block, size_t size)
{
    struct heap *h = (struct heap *)ctx;
    if (size == 0) {
        h->live--;
        free(block);
        return NULL;
    }
    if (h->calls++ == h->fail_at)
        return NULL;
    h->live += block == NULL ? 1 : 0;
    return realloc(block, size);
}

static struct ln_env heap_env(struct heap *h)
{
    struct ln_env env;
    memset(h, 0, sizeof *h);
    h->fail_at = SIZE_MAX;
    memset(&env, 0, sizeof env);
    env.alloc.resize = heap_resize;
    env.alloc.ctx = h;
    return env;
}

/* ---- a filter that does as it is told ---- */

/* What was called, in order: "a.connect b.connect ". One letter for each filter. */
static char calls[2048];

static void note(char name, const char *call)
{
    size_t len = strlen(calls);
    (void)snprintf(calls + len, sizeof calls - len, "%c.%s ", name, call);
}

static void forget_calls(void)
{
    calls[0] = '\0';
}

struct puppet {
    struct ln_sock base;
    char name;
    enum ln_status connect_status;
    enum ln_status bind_status;
    enum ln_status accept_status;
    enum ln_status step_status;
    enum ln_status data_status; /* of send, recv, send_to and recv_from */
    enum ln_status shutdown_status;
    size_t data_len; /* what send takes and recv gives */
    size_t full_len; /* for LN_NO_SPACE */
    bool silent;     /* no interest at all */
    bool explains;   /* sets a diagnosis when it fails */
    bool forwards;   /* send and recv go on below */
    char host_seen[32];
    uint16_t port_seen;
    enum ln_sock_state state_at_close;
    struct ln_sock *made; /* what accept gives */
};

static struct puppet *puppet(struct ln_sock *s)
{
    return (struct puppet *)s;
}

static enum ln_status tell(struct ln_sock *s, enum ln_status st)
{
    if (puppet(s)->explains)
        (void)ln_diag_set(s->diag, st, LN_CAT_RESET, LN_PHASE_TRANSFER, "%c says no",
                          puppet(s)->name);
    return st;
}

static enum ln_status puppet_connect(struct ln_sock *s, ln_msec now)
{
    (void)now;
    note(puppet(s)->name, "connect");
    (void)snprintf(puppet(s)->host_seen, sizeof puppet(s)->host_seen, "%s",
                   s->host != NULL ? s->host : "-");
    puppet(s)->port_seen = s->port;
    return tell(s, puppet(s)->connect_status);
}

static enum ln_status puppet_bind(struct ln_sock *s, const struct ln_addr *local)
{
    (void)local;
    note(puppet(s)->name, "bind");
    return tell(s, puppet(s)->bind_status);
}

static enum ln_status puppet_accept(struct ln_sock *s, ln_msec now, struct ln_sock **out)
{
    (void)now;
    note(puppet(s)->name, "accept");
    *out = puppet(s)->made;
    puppet(s)->made = NULL;
    return tell(s, puppet(s)->accept_status);
}

static enum ln_status puppet_step(struct ln_sock *s, ln_msec now)
{
    (void)now;
    note(puppet(s)->name, "step");
    return tell(s, puppet(s)->step_status);
}

static enum ln_status puppet_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    note(puppet(s)->name, "send");
    *sent = data.len;
    if (puppet(s)->forwards)
        return ln_below_send(s, data, sent);
    return tell(s, puppet(s)->data_status);
}

static enum ln_status puppet_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    struct puppet *p = puppet(s);
    note(p->name, "recv");
    if (p->forwards)
        return ln_below_recv(s, room, got);
    *got = p->data_len < room.len ? p->data_len : room.len;
    s->datagram_len = p->full_len;
    return tell(s, p->data_status);
}

static enum ln_status puppet_send_to(struct ln_sock *s, const struct ln_addr *to,
                                     struct ln_span data)
{
    (void)to;
    (void)data;
    note(puppet(s)->name, "send_to");
    return tell(s, puppet(s)->data_status);
}

static enum ln_status puppet_recv_from(struct ln_sock *s, struct ln_mspan room, bool peek,
                                       size_t *got, struct ln_addr *from)
{
    note(puppet(s)->name, peek ? "peek_from" : "recv_from");
    memset(from, 0, sizeof *from);
    from->port = 7;
    *got = puppet(s)->data_len < room.len ? puppet(s)->data_len : room.len;
    s->datagram_len = puppet(s)->full_len;
    return tell(s, puppet(s)->data_status);
}

static enum ln_status puppet_shutdown(struct ln_sock *s, ln_msec now)
{
    (void)now;
    note(puppet(s)->name, "shutdown");
    return tell(s, puppet(s)->shutdown_status);
}

static void puppet_close(struct ln_sock *s)
{
    note(puppet(s)->name, "close");
    puppet(s)->state_at_close = s->state;
}

static void puppet_interest(const struct ln_sock *s, struct ln_interest *want)
{
    const struct puppet *p = (const struct puppet *)s;
    note(p->name, "interest");
    if (p->silent)
        return;
    ln_interest_add(want, 100 + p->name, s->below == NULL ? LN_WANT_READ : want->events);
}

static void puppet_info(const struct ln_sock *s, struct ln_sock_info *out)
{
    const struct puppet *p = (const struct puppet *)s;
    note(p->name, "info");
    out->overhead += 10;
    out->inner_mtu = s->below == NULL ? 1000 : out->inner_mtu - 10;
}

static void puppet_notice(struct ln_sock *s, enum ln_notice notice)
{
    static const char *const names[] = { [LN_NOTICE_OPENED] = "opened",
                                         [LN_NOTICE_HANDSHAKE_FAILED] = "handshake_failed",
                                         [LN_NOTICE_NO_ANSWER] = "no_answer",
                                         [LN_NOTICE_GIVE_UP] = "give_up" };
    note(puppet(s)->name, names[notice]);
}

static void puppet_destroy(struct ln_sock *s)
{
    note(puppet(s)->name, "destroy");
    ln_sock_free(puppet(s)->made);
}

#define PUPPET_OPS(traits_)                                                                        \
    {                                                                                              \
        .name = "puppet", .traits = (traits_), .connect = puppet_connect, .bind = puppet_bind,     \
        .accept = puppet_accept, .step = puppet_step, .send = puppet_send, .recv = puppet_recv,    \
        .send_to = puppet_send_to, .recv_from = puppet_recv_from, .shutdown = puppet_shutdown,     \
        .close = puppet_close, .interest = puppet_interest, .info = puppet_info,                   \
        .notice = puppet_notice, .destroy = puppet_destroy                                         \
    }

static const struct ln_sock_ops stream_ops = PUPPET_OPS(LN_TRAIT_STREAM);
static const struct ln_sock_ops datagram_ops = PUPPET_OPS(LN_TRAIT_DATAGRAM);
static const struct ln_sock_ops secure_ops = PUPPET_OPS(LN_TRAIT_DATAGRAM | LN_TRAIT_SECURE);
static const struct ln_sock_ops same_ops = PUPPET_OPS(0);
/* Filters that do nothing of their own. */
static const struct ln_sock_ops empty_ops = { .name = "empty" };
static const struct ln_sock_ops empty_secure_ops = { .name = "empty secure",
                                                     .traits =
                                                         LN_TRAIT_DATAGRAM | LN_TRAIT_SECURE };

static struct ln_sock *make(const struct ln_env *env, const struct ln_sock_ops *ops, char name,
                            struct ln_sock *below)
{
    struct ln_sock *s = NULL;
    assert_int_equal(ln_filter_new(ops, sizeof(struct puppet), env, below, &s), LN_OK);
    puppet(s)->name = name;
    return s;
}

static struct ln_sock *open_one(const struct ln_env *env, const struct ln_sock_ops *ops)
{
    struct ln_sock *s = make(env, ops, 'a', NULL);
    assert_int_equal(ln_sock_connect(s, "h", 1, 0), LN_OK);
    forget_calls();
    return s;
}

static enum ln_status connect(struct ln_sock *s)
{
    return ln_sock_connect(s, "example.org", 5684, 0);
}

/* ---- the table of states ---- */

static const char *const operation_names[] = {
    "connect", "bind", "accept", "step", "send", "recv", "send_to", "recv_from", "shutdown",
};
enum { OPERATIONS = sizeof operation_names / sizeof operation_names[0] };

static enum ln_status call(struct ln_sock *s, size_t operation)
{
    static const struct ln_addr to = { .family = LN_IPV4, .port = 9 };
    uint8_t bytes[4] = { 1, 2, 3, 4 };
    size_t n = 99;
    struct ln_sock *client = NULL;
    enum ln_status st = LN_INTERNAL;
    switch (operation) {
    case 0:
        return connect(s);
    case 1:
        return ln_sock_bind(s, NULL);
    case 2:
        st = ln_sock_accept(s, 0, &client);
        ln_sock_free(client);
        return st;
    case 3:
        return ln_sock_step(s, 0);
    case 4:
        st = ln_sock_send(s, ln_span(bytes, sizeof bytes), &n);
        assert_int_equal(n, st == LN_OK ? 4 : 0);
        return st;
    case 5:
        st = ln_sock_recv(s, ln_mspan(bytes, sizeof bytes), &n);
        assert_int_equal(n, st == LN_OK ? 2 : 0);
        return st;
    case 6:
        return ln_sock_send_to(s, &to, ln_span(bytes, sizeof bytes));
    case 7:
        st = ln_sock_recv_from(s, ln_mspan(bytes, sizeof bytes), &n, NULL);
        assert_int_equal(n, st == LN_OK ? 2 : 0);
        return st;
    case 8:
        return ln_sock_shutdown(s, 0);
    }
    return st;
}

static struct ln_sock *make_in_state(const struct ln_env *env, const struct ln_sock_ops *ops,
                                     enum ln_sock_state state)
{
    struct ln_sock *s = make(env, ops, 'a', NULL);
    puppet(s)->data_len = 2;
    puppet(s)->made = make(env, ops, 'c', NULL);
    switch (state) {
    case LN_SOCK_CLOSED:
        break;
    case LN_SOCK_BOUND:
        assert_int_equal(ln_sock_bind(s, NULL), LN_OK);
        break;
    case LN_SOCK_CONNECTING:
        puppet(s)->connect_status = LN_AGAIN;
        assert_int_equal(connect(s), LN_AGAIN);
        break;
    case LN_SOCK_OPEN:
        assert_int_equal(connect(s), LN_OK);
        break;
    case LN_SOCK_SHUT:
        assert_int_equal(connect(s), LN_OK);
        assert_int_equal(ln_sock_shutdown(s, 0), LN_OK);
        break;
    case LN_SOCK_FAILED:
        puppet(s)->connect_status = LN_REFUSED;
        assert_int_equal(connect(s), LN_REFUSED);
        break;
    }
    assert_int_equal(s->state, state);
    return s;
}

static const enum ln_sock_state all_states[] = { LN_SOCK_CLOSED, LN_SOCK_BOUND, LN_SOCK_CONNECTING,
                                                 LN_SOCK_OPEN,   LN_SOCK_SHUT,  LN_SOCK_FAILED };
enum { STATES = sizeof all_states / sizeof all_states[0] };

/* Operation x state: what comes of it where the filter itself says LN_OK. '!' = LN_BAD_STATE. */
struct legality {
    const char *what;
    const struct ln_sock_ops *ops;
    const char *table[STATES]; /* of CLOSED, BOUND, CONNECTING, OPEN, SHUT, FAILED */
};

/* c connect, b bind, a accept, s step, w send, r recv, W send_to, R recv_from, d shutdown */
static const struct legality legalities[] = {
    { "datagrams", &datagram_ops, { "cbs", "casWR", "s", "swrWRd", "sr", "s" } },
    { "streams: connect is not legal where they listen",
      &stream_ops,
      { "cbs", "asWR", "s", "swrWRd", "sr", "s" } },
};
static const char operation_letters[] = "cbaswrWRd";

static enum ln_status legal_status(enum ln_sock_state state, size_t operation)
{
    bool is_step = operation_letters[operation] == 's';
    if (is_step && state == LN_SOCK_CONNECTING)
        return LN_AGAIN;
    return is_step && state == LN_SOCK_FAILED ? LN_REFUSED : LN_OK;
}

/* scenario: S42 */
static void test_every_operation_in_every_state(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof legalities / sizeof legalities[0]; k++) {
        for (size_t i = 0; i < STATES; i++) {
            for (size_t o = 0; o < OPERATIONS; o++) {
                struct heap heap;
                struct ln_env env = heap_env(&heap);
                struct ln_sock *s = make_in_state(&env, legalities[k].ops, all_states[i]);
                bool legal = strchr(legalities[k].table[i], operation_letters[o]) != NULL;
                enum ln_status expected = legal ? legal_status(all_states[i], o) : LN_BAD_STATE;
                forget_calls();
                enum ln_status st = call(s, o);
                if (st != expected)
                    fail_msg("%s: %s while %s: %s", legalities[k].what, operation_names[o],
                             ln_sock_state_name(all_states[i]), ln_status_name(st));
                if (!legal) {
                    assert_string_equal(calls, "");
                    assert_int_equal(s->state, all_states[i]);
                }
                ln_sock_free(s);
                assert_int_equal(heap.live, 0);
            }
        }
    }
}

static void test_what_is_legal_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < STATES; i++) {
        struct heap heap;
        struct ln_env env = heap_env(&heap);
        struct ln_sock *s = make_in_state(&env, &datagram_ops, all_states[i]);
        struct ln_sock_info info;
        struct ln_interest want;
        ln_sock_info(s, &info);
        assert_int_equal(info.state, all_states[i]);
        assert_non_null(info.host);
        assert_non_null(info.tls.alpn);
        ln_sock_interest(s, LN_WANT_READ, &want);
        assert_non_null(ln_sock_diag(s));
        ln_sock_close(s);
        assert_int_equal(s->state, LN_SOCK_CLOSED);
        ln_sock_close(s);
        assert_int_equal(s->state, LN_SOCK_CLOSED);
        ln_sock_free(s);
        assert_int_equal(heap.live, 0);
    }
    ln_sock_free(NULL);
}

static void test_state_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "closed", "bound", "connecting", "open", "shut", "failed"
    };
    for (size_t i = 0; i < STATES; i++)
        assert_string_equal(ln_sock_state_name(all_states[i]), names[i]);
    assert_string_equal(ln_sock_state_name((enum ln_sock_state)77), "unknown");
}

/* ---- making ---- */

static void test_filter_new(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = NULL;
    assert_int_equal(ln_filter_new(&stream_ops, sizeof(struct puppet), NULL, NULL, &s), LN_BAD_ARG);
    assert_int_equal(ln_filter_new(&stream_ops, sizeof(struct ln_sock) - 1, &env, NULL, &s),
                     LN_BAD_ARG);
    assert_null(s);

    struct ln_sock *bottom = make(&env, &stream_ops, 'b', NULL);
    struct ln_sock *top = make(NULL, &same_ops, 'a', bottom);
    assert_ptr_equal(top->env, &env);
    assert_ptr_equal(top->below, bottom);
    assert_ptr_equal(top->diag, bottom->diag);
    assert_int_equal(top->traits, LN_TRAIT_STREAM);
    assert_int_equal(heap.live, 2); /* the record is in the bottom's block */
    assert_int_equal(ln_sock_diag(top)->status, LN_OK);
    assert_int_equal(ln_sock_diag(top)->verify_depth, -1);
    ln_sock_free(top);
    assert_int_equal(heap.live, 0);
}

static void test_filter_new_without_memory(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *bottom = make(&env, &stream_ops, 'b', NULL);
    struct ln_sock *top = NULL;
    heap.fail_at = heap.calls;
    assert_int_equal(ln_filter_new(&same_ops, sizeof(struct puppet), NULL, bottom, &top),
                     LN_NO_MEMORY);
    assert_null(top);
    assert_int_equal(connect(bottom), LN_OK); /* still the caller's, and untouched */
    ln_sock_free(bottom);
    assert_int_equal(heap.live, 0);
}

/* Where a stack starts, given the state of what it is put on. */
static void test_filter_new_over_every_state(void **state)
{
    (void)state;
    static const struct {
        enum ln_status status;
        enum ln_sock_state state;
    } expected[STATES] = {
        [LN_SOCK_CLOSED] = { LN_OK, LN_SOCK_CLOSED },
        [LN_SOCK_BOUND] = { LN_OK, LN_SOCK_BOUND },
        [LN_SOCK_CONNECTING] = { LN_OK, LN_SOCK_CONNECTING },
        [LN_SOCK_OPEN] = { LN_OK, LN_SOCK_CONNECTING },
        [LN_SOCK_SHUT] = { LN_BAD_STATE, LN_SOCK_SHUT },
        [LN_SOCK_FAILED] = { LN_BAD_STATE, LN_SOCK_FAILED },
    };
    for (size_t i = 0; i < STATES; i++) {
        struct heap heap;
        struct ln_env env = heap_env(&heap);
        struct ln_sock *below = make_in_state(&env, &stream_ops, all_states[i]);
        struct ln_sock *top = NULL;
        enum ln_status st = ln_filter_new(&same_ops, sizeof(struct puppet), NULL, below, &top);
        assert_int_equal(st, expected[i].status);
        if (st == LN_OK)
            assert_int_equal(top->state, expected[i].state);
        ln_sock_free(top != NULL ? top : below);
        assert_int_equal(heap.live, 0);
    }
}

/* scenario: C4 */
static void test_wrapping_an_open_socket(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *below = make(&env, &stream_ops, 'b', NULL);
    assert_int_equal(connect(below), LN_OK);
    forget_calls();
    struct ln_sock *top = make(NULL, &same_ops, 'a', below);
    assert_string_equal(top->host, "example.org");
    assert_int_equal(top->port, 5684);
    puppet(top)->connect_status = LN_AGAIN;
    assert_int_equal(ln_sock_step(top, 1), LN_AGAIN);
    puppet(top)->connect_status = LN_OK;
    forget_calls();
    assert_int_equal(ln_sock_step(top, 2), LN_OK);
    assert_string_equal(calls, "b.step a.connect a.opened b.opened ");
    ln_sock_close(top);
    assert_int_equal(below->state, LN_SOCK_CLOSED);
    assert_null(below->host);
    ln_sock_free(top);
    assert_int_equal(heap.live, 0);
}

/* ---- order ---- */

struct stack {
    struct heap heap;
    struct ln_env env;
    struct ln_sock *top, *middle, *bottom;
};

static void stack_new(struct stack *k)
{
    k->env = heap_env(&k->heap);
    k->bottom = make(&k->env, &datagram_ops, 'c', NULL);
    k->middle = make(NULL, &secure_ops, 'b', k->bottom);
    k->top = make(NULL, &same_ops, 'a', k->middle);
    forget_calls();
}

static void stack_free(struct stack *k)
{
    ln_sock_free(k->top);
    assert_int_equal(k->heap.live, 0);
}

static void test_order_of_a_life(void **state)
{
    (void)state;
    struct stack k;
    struct ln_sock_info info;
    stack_new(&k);
    assert_int_equal(connect(k.top), LN_OK);
    assert_string_equal(calls, "c.connect b.connect a.connect a.opened b.opened c.opened ");
    assert_string_equal(puppet(k.top)->host_seen, "example.org");
    assert_string_equal(puppet(k.bottom)->host_seen, "example.org");
    assert_int_equal(puppet(k.middle)->port_seen, 5684);
    assert_ptr_equal(k.top->host, k.bottom->host);

    forget_calls();
    assert_int_equal(ln_sock_step(k.top, 1), LN_OK);
    assert_string_equal(calls, "c.step b.step a.step ");
    forget_calls();
    ln_sock_info(k.top, &info);
    assert_string_equal(calls, "c.info b.info a.info ");
    assert_int_equal(info.overhead, 30);
    assert_int_equal(info.inner_mtu, 980);
    assert_string_equal(info.host, "example.org");
    struct ln_interest want;
    forget_calls();
    ln_sock_interest(k.top, LN_WANT_WRITE, &want);
    assert_string_equal(calls, "a.interest b.interest c.interest ");
    assert_int_equal(want.count, 3);

    forget_calls();
    assert_int_equal(ln_sock_shutdown(k.top, 2), LN_OK);
    assert_string_equal(calls, "a.shutdown b.shutdown c.shutdown ");
    assert_int_equal(k.bottom->state, LN_SOCK_SHUT);
    forget_calls();
    ln_sock_close(k.top);
    assert_string_equal(calls, "a.close b.close c.close ");
    assert_int_equal(puppet(k.top)->state_at_close, LN_SOCK_SHUT);
    assert_int_equal(k.bottom->state, LN_SOCK_CLOSED);
    forget_calls();
    ln_sock_free(k.top);
    assert_string_equal(calls, "a.destroy b.destroy c.destroy ");
    assert_int_equal(k.heap.live, 0);
}

/* The lower one first, each until it is done; a filter above what is not open is not asked. */
static void test_connecting_one_after_the_other(void **state)
{
    (void)state;
    struct stack k;
    struct ln_interest want;
    stack_new(&k);
    puppet(k.bottom)->connect_status = LN_AGAIN;
    puppet(k.middle)->connect_status = LN_AGAIN;
    assert_int_equal(connect(k.top), LN_AGAIN);
    assert_int_equal(k.top->state, LN_SOCK_CONNECTING);
    assert_int_equal(k.bottom->state, LN_SOCK_CONNECTING);
    forget_calls();
    ln_sock_interest(k.top, 0, &want);
    assert_string_equal(calls, "c.interest ");

    puppet(k.bottom)->connect_status = LN_OK;
    forget_calls();
    assert_int_equal(ln_sock_step(k.top, 1), LN_AGAIN);
    assert_string_equal(calls, "c.connect b.connect b.interest c.interest ");
    assert_int_equal(k.bottom->state, LN_SOCK_OPEN);
    assert_int_equal(k.middle->state, LN_SOCK_CONNECTING);

    puppet(k.middle)->connect_status = LN_OK;
    forget_calls();
    assert_int_equal(ln_sock_step(k.top, 2), LN_OK);
    assert_string_equal(calls, "c.step b.connect a.connect a.opened b.opened c.opened ");
    forget_calls();
    assert_int_equal(ln_sock_step(k.top, 3), LN_OK);
    assert_string_equal(calls, "c.step b.step a.step "); /* no second "opened" */
    stack_free(&k);
}

static void test_a_handshake_that_fails_is_told_below(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    puppet(k.middle)->connect_status = LN_BAD_PEER;
    puppet(k.middle)->explains = true;
    assert_int_equal(connect(k.top), LN_BAD_PEER);
    assert_string_equal(calls, "c.connect b.connect c.handshake_failed ");
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    assert_int_equal(k.middle->state, LN_SOCK_FAILED);
    assert_int_equal(k.bottom->state, LN_SOCK_OPEN);
    assert_string_equal(ln_sock_diag(k.top)->text, "b says no");
    assert_int_equal(ln_sock_step(k.top, 1), LN_BAD_PEER); /* and says so again */
    ln_sock_close(k.top);
    assert_int_equal(k.bottom->state, LN_SOCK_CLOSED);
    assert_string_equal(ln_sock_diag(k.top)->text, "b says no"); /* survives close */
    puppet(k.middle)->connect_status = LN_OK;
    assert_int_equal(connect(k.top), LN_OK);
    assert_int_equal(ln_sock_diag(k.top)->status, LN_OK); /* cleared by connect */
    stack_free(&k);
}

static void test_a_transport_that_fails_is_told_to_nobody(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    puppet(k.bottom)->connect_status = LN_REFUSED;
    assert_int_equal(connect(k.top), LN_REFUSED);
    assert_string_equal(calls, "c.connect ");
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_diag(k.top)->status, LN_REFUSED); /* though it told nothing itself */
    assert_int_equal(ln_sock_diag(k.top)->category, LN_CAT_PEER_REFUSED);
    assert_true(strlen(ln_sock_diag(k.top)->text) > 0);
    stack_free(&k);
}

/* Whoever is connecting is told, and those below it that it came to nothing. */
static void test_giving_up(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    puppet(k.middle)->connect_status = LN_AGAIN;
    assert_int_equal(connect(k.top), LN_AGAIN);
    forget_calls();
    ln_sock_give_up(k.top);
    assert_string_equal(calls, "b.give_up c.handshake_failed ");
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_diag(k.top)->status, LN_TIMEOUT);
    assert_int_equal(ln_sock_diag(k.top)->phase, LN_PHASE_HANDSHAKE);
    assert_int_equal(ln_sock_step(k.top, 1), LN_TIMEOUT);
    ln_sock_close(k.top);

    puppet(k.bottom)->connect_status = LN_AGAIN;
    assert_int_equal(connect(k.top), LN_AGAIN);
    forget_calls();
    ln_sock_give_up(k.top);
    assert_string_equal(calls, "c.give_up ");
    assert_int_equal(ln_sock_diag(k.top)->phase, LN_PHASE_CONNECT);
    assert_non_null(strstr(ln_sock_diag(k.top)->text, "example.org"));
    stack_free(&k);

    for (size_t i = 0; i < STATES; i++) { /* elsewhere there is nothing to give up */
        struct heap heap;
        struct ln_env env = heap_env(&heap);
        struct ln_sock *s = make_in_state(&env, &stream_ops, all_states[i]);
        ln_sock_give_up(s);
        if (all_states[i] != LN_SOCK_CONNECTING)
            assert_int_equal(s->state, all_states[i]);
        ln_sock_free(s);
    }
}

/* A connect that fails is FAILED whatever the status, also those that are harmless elsewhere. */
static void test_every_status_of_connect(void **state)
{
    (void)state;
    for (int st = LN_CLOSED; st <= LN_INTERNAL; st++) {
        struct heap heap;
        struct ln_env env = heap_env(&heap);
        struct ln_sock *s = make(&env, &datagram_ops, 'a', NULL);
        puppet(s)->connect_status = (enum ln_status)st;
        assert_int_equal(connect(s), st);
        assert_int_equal(s->state, LN_SOCK_FAILED);
        assert_int_equal(ln_sock_diag(s)->status, st);
        struct ln_interest want;
        ln_sock_interest(s, 0, &want);
        assert_true(want.ready); /* who waits for a failed socket finds out at once */
        ln_sock_free(s);
    }
}

static void test_reconnecting(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    for (int i = 0; i < 50; i++) {
        size_t live = k.heap.live;
        puppet(k.middle)->connect_status = i % 3 == 0 ? LN_TIMEOUT : LN_OK;
        assert_int_equal(connect(k.top), puppet(k.middle)->connect_status);
        ln_sock_close(k.top);
        assert_int_equal(k.heap.live, live);
        assert_int_equal(k.top->state, LN_SOCK_CLOSED);
        assert_null(k.top->host);
    }
    stack_free(&k);
}

/* ---- rule 2 ---- */

static void test_again_without_interest(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    puppet(k.bottom)->connect_status = LN_AGAIN;
    puppet(k.bottom)->silent = true;
    assert_int_equal(connect(k.top), LN_INTERNAL);
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_diag(k.top)->category, LN_CAT_INTERNAL_FAULT);
    ln_sock_close(k.top);

    puppet(k.bottom)->silent = false;
    assert_int_equal(connect(k.top), LN_AGAIN);
    puppet(k.bottom)->silent = true; /* and later is no better */
    assert_int_equal(ln_sock_step(k.top, 1), LN_INTERNAL);
    assert_int_equal(ln_sock_step(k.top, 2), LN_INTERNAL);
    stack_free(&k);
}

static void test_interest_of_closed_and_failed(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_interest want;
    struct ln_sock *s = make(&env, &stream_ops, 'a', NULL);
    ln_sock_interest(s, LN_WANT_READ, &want);
    assert_false(want.ready);
    assert_int_equal(want.count, 0);
    assert_int_equal(want.deadline, LN_NEVER);
    ln_sock_free(s);
}

/* ---- arguments ---- */

static void test_arguments_of_connect(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = make(&env, &stream_ops, 'a', NULL);
    char name[LN_HOST_MAX + 2];
    forget_calls();
    memset(name, 'x', sizeof name);
    name[LN_HOST_MAX + 1] = '\0';
    assert_int_equal(ln_sock_connect(s, name, 1, 0), LN_BAD_ARG);
    assert_int_equal(ln_sock_connect(s, "", 1, 0), LN_BAD_ARG);
    assert_int_equal(ln_sock_connect(s, NULL, 1, 0), LN_BAD_ARG);
    assert_non_null(strstr(ln_sock_diag(s)->text, "host"));
    assert_int_equal(ln_sock_connect(s, "x", 0, 0), LN_BAD_ARG);
    assert_non_null(strstr(ln_sock_diag(s)->text, "port"));
    assert_int_equal(s->state, LN_SOCK_CLOSED);
    assert_string_equal(calls, "");
    name[LN_HOST_MAX] = '\0';
    assert_int_equal(ln_sock_connect(s, name, 65535, 0), LN_OK);
    ln_sock_free(s);
}

static void test_connect_without_memory(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = make(&env, &stream_ops, 'a', NULL);
    heap.fail_at = heap.calls;
    assert_int_equal(connect(s), LN_NO_MEMORY);
    assert_int_equal(ln_sock_diag(s)->category, LN_CAT_OUT_OF_MEMORY);
    ln_sock_close(s);
    assert_int_equal(connect(s), LN_OK);
    ln_sock_free(s);
    assert_int_equal(heap.live, 0);
}

/* ---- data ---- */

/* What a status of send and recv does to an open socket. */
struct ending {
    enum ln_status status;
    bool ends_stream;
    bool ends_datagrams;
};

static const struct ending endings[] = {
    { LN_AGAIN, false, false },     { LN_NO_SPACE, false, false },    { LN_BAD_ARG, false, false },
    { LN_BAD_STATE, false, false }, { LN_UNSUPPORTED, false, false }, { LN_REFUSED, true, false },
    { LN_TIMEOUT, true, false },    { LN_NO_MEMORY, true, false },    { LN_NOT_FOUND, true, false },
    { LN_DENIED, true, false },     { LN_CLOSED, true, true },        { LN_BAD_PEER, true, true },
    { LN_IO, true, true },          { LN_INTERNAL, true, true },
};

static void check_ending(const struct ln_sock_ops *ops, enum ln_status status, bool ends)
{
    uint8_t byte = 0;
    size_t n;
    for (int receiving = 0; receiving < 2; receiving++) {
        struct heap heap;
        struct ln_env env = heap_env(&heap);
        struct ln_sock *s = open_one(&env, ops);
        puppet(s)->data_status = status;
        enum ln_status st = receiving ? ln_sock_recv(s, ln_mspan(&byte, 1), &n)
                                      : ln_sock_send(s, ln_span(&byte, 1), &n);
        assert_int_equal(st, status);
        if (s->state != (ends ? LN_SOCK_FAILED : LN_SOCK_OPEN))
            fail_msg("%s of %s leaves the socket %s", ln_status_name(status),
                     receiving ? "recv" : "send", ln_sock_state_name(s->state));
        if (ends)
            assert_int_equal(ln_sock_diag(s)->status, status);
        ln_sock_free(s);
    }
}

static void test_what_ends_a_socket(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        check_ending(&stream_ops, endings[i].status, endings[i].ends_stream);
        check_ending(&datagram_ops, endings[i].status, endings[i].ends_datagrams);
        check_ending(&secure_ops, endings[i].status, endings[i].ends_stream);
    }
    check_ending(&stream_ops, (enum ln_status)99, true);
}

/* scenario: PIT-30 */
static void test_counters(void **state)
{
    (void)state;
    struct stack k;
    struct ln_sock_info info;
    uint8_t bytes[100] = { 0 };
    size_t n;
    stack_new(&k);
    assert_int_equal(connect(k.top), LN_OK);
    puppet(k.bottom)->data_len = 30;
    puppet(k.middle)->forwards = true;
    puppet(k.top)->forwards = true;
    assert_int_equal(ln_sock_send(k.top, ln_span(bytes, 70), &n), LN_OK);
    assert_int_equal(ln_below_send(k.middle, ln_span(bytes, 5), &n),
                     LN_OK); /* a record of its own */
    assert_int_equal(ln_sock_recv(k.top, ln_mspan(bytes, 100), &n), LN_OK);
    ln_sock_info(k.top, &info);
    assert_int_equal(info.app_sent, 70);
    assert_int_equal(info.wire_sent, 75);
    assert_int_equal(info.app_received, 30);
    assert_int_equal(info.wire_received, 30);
    assert_int_equal(info.datagram_len, 30);
    puppet(k.bottom)->data_status = LN_AGAIN;
    assert_int_equal(ln_sock_send(k.top, ln_span(bytes, 70), &n), LN_AGAIN);
    assert_int_equal(n, 0);
    ln_sock_close(k.top);
    ln_sock_info(k.top, &info);
    assert_int_equal(info.app_sent, 70); /* survives */
    assert_int_equal(info.wire_received, 30);
    assert_int_equal(info.datagram_len, 0);
    stack_free(&k);
}

static void test_cut_datagram(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = open_one(&env, &datagram_ops);
    struct ln_sock_info info;
    uint8_t room[99];
    size_t n = 0;
    puppet(s)->data_len = 100;
    puppet(s)->full_len = 100;
    puppet(s)->data_status = LN_NO_SPACE;
    assert_int_equal(ln_sock_recv(s, ln_mspan(room, 99), &n), LN_NO_SPACE);
    assert_int_equal(n, 99);
    assert_int_equal(s->state, LN_SOCK_OPEN);
    ln_sock_info(s, &info);
    assert_int_equal(info.datagram_len, 100);
    assert_int_equal(info.app_received, 99);
    /* empty room is a question and no truncation */
    assert_int_equal(ln_sock_recv(s, ln_mspan(NULL, 0), &n), LN_OK);
    assert_int_equal(ln_sock_recv_from(s, ln_mspan(NULL, 0), &n, NULL), LN_OK);
    assert_non_null(strstr(calls, "peek_from"));
    ln_sock_free(s);
}

static void test_nothing_to_send(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    size_t n = 7;
    struct ln_sock *stream = open_one(&env, &stream_ops);
    assert_int_equal(ln_sock_send(stream, ln_span(NULL, 0), &n), LN_OK);
    assert_int_equal(n, 0);
    assert_string_equal(calls, ""); /* of a stream, nothing is nothing */
    struct ln_sock *datagrams = open_one(&env, &datagram_ops);
    assert_int_equal(ln_sock_send(datagrams, ln_span(NULL, 0), &n), LN_OK);
    assert_string_equal(calls, "a.send "); /* an empty datagram is one */
    ln_sock_free(stream);
    ln_sock_free(datagrams);
}

static void test_passing_through(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_addr to = { .family = LN_IPV4, .port = 9 };
    uint8_t bytes[8] = { 0 };
    size_t n;
    struct ln_sock *bottom = make(&env, &datagram_ops, 'b', NULL);
    struct ln_sock *top = make(NULL, &empty_ops, 'a', bottom);
    puppet(bottom)->data_len = 8;
    puppet(bottom)->full_len = 20;
    assert_int_equal(connect(top), LN_OK);
    assert_int_equal(ln_sock_send(top, ln_span(bytes, 8), &n), LN_OK);
    assert_int_equal(ln_sock_send_to(top, &to, ln_span(bytes, 4)), LN_OK);
    assert_int_equal(ln_sock_recv(top, ln_mspan(bytes, 8), &n), LN_OK);
    puppet(bottom)->data_status = LN_NO_SPACE;
    assert_int_equal(ln_sock_recv_from(top, ln_mspan(bytes, 8), &n, &to), LN_NO_SPACE);
    assert_int_equal(top->datagram_len, 20);
    assert_int_equal(to.port, 7);
    assert_int_equal(top->sent_bytes, 12);
    assert_int_equal(bottom->sent_bytes, 12);
    assert_int_equal(top->received_bytes, 16);
    assert_int_equal(ln_sock_step(top, 0), LN_OK);
    assert_int_equal(ln_sock_shutdown(top, 0), LN_OK);
    ln_sock_free(top);
}

/* What encrypts must not be bypassed: plain text would leave. */
static void test_nothing_passes_encryption_by(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_addr to = { .family = LN_IPV4, .port = 9 };
    struct ln_sock *client = NULL;
    uint8_t byte = 0;
    size_t n;
    struct ln_sock *bottom = make(&env, &datagram_ops, 'c', NULL);
    struct ln_sock *secure = make(NULL, &empty_secure_ops, 'b', bottom);
    struct ln_sock *top = make(NULL, &empty_ops, 'a', secure);
    assert_int_equal(connect(top), LN_OK);
    forget_calls();
    assert_int_equal(ln_sock_send(top, ln_span(&byte, 1), &n), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_recv(top, ln_mspan(&byte, 1), &n), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_send_to(top, &to, ln_span(&byte, 1)), LN_UNSUPPORTED);
    assert_int_equal(ln_sock_recv_from(top, ln_mspan(&byte, 1), &n, NULL), LN_UNSUPPORTED);
    assert_int_equal(top->state, LN_SOCK_OPEN);
    ln_sock_close(top);
    assert_int_equal(ln_sock_bind(top, NULL), LN_OK); /* a listener of the transport below */
    assert_int_equal(ln_sock_accept(top, 0, &client), LN_UNSUPPORTED);
    assert_null(strstr(calls, "send"));
    assert_null(strstr(calls, "accept"));
    ln_sock_free(top);
}

static void test_a_bottom_without_operations(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = make(&env, &empty_ops, 'a', NULL);
    uint8_t byte = 0;
    size_t n = 5;
    assert_int_equal(ln_sock_bind(s, NULL), LN_UNSUPPORTED);
    assert_int_equal(s->state, LN_SOCK_CLOSED);
    assert_int_equal(connect(s), LN_UNSUPPORTED);
    assert_int_equal(s->state, LN_SOCK_FAILED);
    assert_int_equal(ln_below_send(s, ln_span(&byte, 1), &n), LN_UNSUPPORTED);
    assert_int_equal(n, 0);
    assert_int_equal(ln_below_recv(s, ln_mspan(&byte, 1), &n), LN_UNSUPPORTED);
    ln_below_notice(s, LN_NOTICE_NO_ANSWER);
    ln_sock_free(s);
    assert_int_equal(heap.live, 0);
}

/* ---- who explains what ---- */

static void test_deepest_cause_wins(void **state)
{
    (void)state;
    struct stack k;
    uint8_t byte = 0;
    size_t n;
    stack_new(&k);
    assert_int_equal(connect(k.top), LN_OK);
    puppet(k.bottom)->data_status = LN_IO;
    puppet(k.bottom)->explains = true;
    puppet(k.middle)->forwards = true;
    puppet(k.middle)->explains = true;
    puppet(k.top)->forwards = true;
    assert_int_equal(ln_sock_send(k.top, ln_span(&byte, 1), &n), LN_IO);
    assert_string_equal(ln_sock_diag(k.top)->text, "c says no");
    assert_int_equal(k.bottom->state, LN_SOCK_FAILED);
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    stack_free(&k);
}

/* An ICMP error that was survived must not stand where a later failure belongs. */
static void test_an_old_story_is_forgotten(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = open_one(&env, &datagram_ops);
    uint8_t byte = 0;
    size_t n;
    puppet(s)->explains = true;
    puppet(s)->data_status = LN_REFUSED;
    assert_int_equal(ln_sock_send(s, ln_span(&byte, 1), &n), LN_REFUSED);
    assert_int_equal(ln_sock_diag(s)->status, LN_REFUSED);
    puppet(s)->data_status = LN_IO;
    assert_int_equal(ln_sock_recv(s, ln_mspan(&byte, 1), &n), LN_IO);
    assert_int_equal(ln_sock_diag(s)->status, LN_IO);
    assert_int_equal(ln_sock_recv(s, ln_mspan(&byte, 1), &n), LN_BAD_STATE);
    assert_int_equal(ln_sock_diag(s)->status, LN_IO); /* a wrong call does not hide it */
    ln_sock_free(s);
}

/* A wrong call while the stack connects must not take the place of the cause to come. */
static void test_wrong_calls_while_connecting(void **state)
{
    (void)state;
    struct stack k;
    uint8_t byte = 0;
    size_t n;
    stack_new(&k);
    puppet(k.bottom)->connect_status = LN_AGAIN;
    assert_int_equal(connect(k.top), LN_AGAIN);
    assert_int_equal(ln_sock_send(k.top, ln_span(&byte, 1), &n), LN_BAD_STATE);
    assert_int_equal(connect(k.top), LN_BAD_STATE);
    assert_int_equal(ln_sock_diag(k.top)->status, LN_OK);
    puppet(k.bottom)->connect_status = LN_REFUSED;
    puppet(k.bottom)->explains = true;
    assert_int_equal(ln_sock_step(k.top, 1), LN_REFUSED);
    assert_string_equal(ln_sock_diag(k.top)->text, "c says no");
    stack_free(&k);
}

static void test_wrong_calls_are_named(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = make(&env, &stream_ops, 'a', NULL);
    size_t n;
    assert_int_equal(ln_sock_send(s, ln_span("x", 1), &n), LN_BAD_STATE);
    assert_string_equal(ln_sock_diag(s)->text, "send is not possible while the socket is closed");
    ln_sock_free(s);
}

/* ---- step ---- */

static void test_step_that_fails(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    assert_int_equal(connect(k.top), LN_OK);
    puppet(k.middle)->step_status = LN_AGAIN; /* nothing to do is not worth a word */
    assert_int_equal(ln_sock_step(k.top, 1), LN_OK);
    puppet(k.bottom)->step_status = LN_REFUSED; /* datagrams: survived */
    assert_int_equal(ln_sock_step(k.top, 2), LN_OK);
    puppet(k.middle)->step_status = LN_TIMEOUT; /* secure datagrams: not */
    assert_int_equal(ln_sock_step(k.top, 3), LN_TIMEOUT);
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    assert_int_equal(ln_sock_step(k.top, 4), LN_TIMEOUT);
    stack_free(&k);
}

/* ---- shutdown ---- */

static void test_shutdown_does_not_wait(void **state)
{
    (void)state;
    struct stack k;
    uint8_t byte = 0;
    size_t n;
    stack_new(&k);
    assert_int_equal(connect(k.top), LN_OK);
    puppet(k.middle)->shutdown_status = LN_AGAIN; /* a close_notify that finds no room below */
    assert_int_equal(ln_sock_shutdown(k.top, 1), LN_OK);
    assert_int_equal(k.top->state, LN_SOCK_SHUT);
    puppet(k.top)->data_status = LN_CLOSED;
    assert_int_equal(ln_sock_recv(k.top, ln_mspan(&byte, 1), &n), LN_CLOSED);
    assert_int_equal(k.top->state, LN_SOCK_SHUT); /* there is nothing left to fail */
    stack_free(&k);
}

static void test_shutdown_that_fails(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    assert_int_equal(connect(k.top), LN_OK);
    puppet(k.middle)->shutdown_status = LN_IO;
    assert_int_equal(ln_sock_shutdown(k.top, 1), LN_IO);
    assert_int_equal(k.top->state, LN_SOCK_FAILED);
    assert_non_null(strstr(calls, "c.shutdown")); /* the lower ones had their turn */
    stack_free(&k);
}

/* ---- servers ---- */

static void test_bind_that_fails(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    puppet(k.middle)->bind_status = LN_DENIED;
    assert_int_equal(ln_sock_bind(k.top, NULL), LN_DENIED);
    assert_string_equal(calls, "c.bind b.bind a.close b.close c.close ");
    assert_int_equal(k.top->state, LN_SOCK_CLOSED);
    assert_int_equal(k.bottom->state, LN_SOCK_CLOSED);
    assert_int_equal(ln_sock_diag(k.top)->status, LN_DENIED);
    puppet(k.middle)->bind_status = LN_OK;
    assert_int_equal(ln_sock_bind(k.top, NULL), LN_OK);
    assert_int_equal(ln_sock_diag(k.top)->status, LN_OK);
    assert_int_equal(k.bottom->state, LN_SOCK_BOUND);
    stack_free(&k);
}

static void test_accept(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *listener = make(&env, &stream_ops, 'l', NULL);
    struct ln_sock *client = NULL;
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);

    puppet(listener)->accept_status = LN_AGAIN;
    assert_int_equal(ln_sock_accept(listener, 0, &client), LN_AGAIN);
    assert_null(client);

    puppet(listener)->accept_status = LN_NO_MEMORY; /* one client's trouble */
    assert_int_equal(ln_sock_accept(listener, 0, &client), LN_NO_MEMORY);
    assert_int_equal(listener->state, LN_SOCK_BOUND);
    assert_int_equal(ln_sock_diag(listener)->status, LN_NO_MEMORY);

    puppet(listener)->accept_status = LN_OK;
    puppet(listener)->made = make(&env, &stream_ops, 'c', NULL);
    assert_int_equal(ln_sock_accept(listener, 10, &client), LN_OK);
    assert_int_equal(ln_sock_diag(listener)->status, LN_OK);
    assert_int_equal(client->state, LN_SOCK_OPEN); /* a transport is open at once */
    assert_int_equal(client->role, LN_SERVER);
    assert_false(client->accepting);

    struct ln_sock *other = client;
    assert_int_equal(ln_sock_accept(listener, 0, &other), LN_BAD_ARG); /* it holds something */
    assert_ptr_equal(other, client);

    ln_sock_close(client);
    assert_int_equal(client->role, LN_CLIENT); /* the object may now connect */
    ln_sock_free(client);
    ln_sock_free(listener);
    assert_int_equal(heap.live, 0);
}

/* ---- a listener whose accept fails ---- */

/* Whether it waits for clients; else until when it does not. */
static bool listens(const struct ln_sock *listener, ln_msec *until)
{
    struct ln_interest want;
    ln_sock_interest(listener, LN_WANT_READ, &want);
    *until = want.deadline;
    assert_false(want.ready);
    return want.events == LN_WANT_READ;
}

/* Its handle stays readable all the while: without a pause it would keep an event loop busy. */
static void test_accept_that_keeps_failing(void **state)
{
    (void)state;
    static const ln_msec waits[] = { 10, 20, 40, 80, 160, 320, 640, 1000, 1000 };
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *listener = make(&env, &stream_ops, 'l', NULL);
    struct ln_sock *client = NULL;
    ln_msec now = 5;
    ln_msec until = 0;
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);
    puppet(listener)->accept_status = LN_NO_SPACE; /* no descriptor left */
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        assert_true(listens(listener, &until));
        assert_true(until == LN_NEVER);
        assert_int_equal(ln_sock_accept(listener, now, &client), LN_NO_SPACE);
        assert_int_equal(ln_sock_diag(listener)->status, LN_NO_SPACE);
        assert_false(listens(listener, &until));
        assert_int_equal(until, now + waits[i]);
        forget_calls();
        assert_int_equal(ln_sock_accept(listener, until - 1, &client), LN_AGAIN);
        assert_int_equal(ln_sock_step(listener, until - 1), LN_OK);
        assert_false(listens(listener, &until));
        assert_null(strstr(calls, "accept")); /* nobody was asked */
        now = until;
        assert_int_equal(ln_sock_step(listener, now), LN_OK); /* and it listens again */
    }
    puppet(listener)->accept_status = LN_OK;
    puppet(listener)->made = make(&env, &stream_ops, 'c', NULL);
    assert_int_equal(ln_sock_accept(listener, now, &client), LN_OK);
    assert_true(listens(listener, &until));
    ln_sock_free(client);
    client = NULL;
    puppet(listener)->accept_status = LN_IO;
    assert_int_equal(ln_sock_accept(listener, now, &client), LN_IO);
    assert_false(listens(listener, &until));
    assert_int_equal(until, now + 10); /* that was over, and this is new */
    ln_sock_free(listener);
    assert_int_equal(heap.live, 0);
}

/* Whoever does not step it, and only looks at the clock. */
static void test_accept_after_the_pause(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *listener = make(&env, &stream_ops, 'l', NULL);
    struct ln_sock *client = NULL;
    ln_msec until = 0;
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);
    puppet(listener)->accept_status = LN_NO_SPACE;
    assert_int_equal(ln_sock_accept(listener, 100, &client), LN_NO_SPACE);
    assert_int_equal(ln_sock_accept(listener, 109, &client), LN_AGAIN);
    puppet(listener)->accept_status = LN_AGAIN;
    assert_int_equal(ln_sock_accept(listener, 110, &client), LN_AGAIN);
    assert_true(listens(listener, &until));
    puppet(listener)->accept_status = LN_NO_SPACE;
    assert_int_equal(ln_sock_accept(listener, 120, &client), LN_NO_SPACE);
    assert_false(listens(listener, &until));
    assert_int_equal(until, 130); /* nobody waited in between: not the second failure in a row */
    ln_sock_close(listener);
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);
    assert_true(listens(listener, &until)); /* a new one */
    ln_sock_free(listener);
    assert_int_equal(heap.live, 0);
}

/* A datagram socket that was a listener, and connects: what it reads from now on is not of clients. */
static void test_connect_while_accept_rests(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *s = make(&env, &datagram_ops, 'l', NULL);
    struct ln_sock *client = NULL;
    ln_msec until = 0;
    assert_int_equal(ln_sock_bind(s, NULL), LN_OK);
    puppet(s)->accept_status = LN_NO_SPACE;
    assert_int_equal(ln_sock_accept(s, 0, &client), LN_NO_SPACE);
    assert_false(listens(s, &until));
    assert_int_equal(ln_sock_connect(s, "peer", 1, 0), LN_OK);
    assert_true(listens(s, &until));
    ln_sock_free(s);
    assert_int_equal(heap.live, 0);
}

/* A mistake of the program is told each time. */
static void test_accept_that_cannot_be(void **state)
{
    (void)state;
    static const enum ln_status mistakes[] = { LN_BAD_ARG, LN_BAD_STATE, LN_UNSUPPORTED };
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *listener = make(&env, &stream_ops, 'l', NULL);
    struct ln_sock *client = NULL;
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        puppet(listener)->accept_status = mistakes[i];
        assert_int_equal(ln_sock_accept(listener, 0, &client), mistakes[i]);
        assert_int_equal(ln_sock_accept(listener, 0, &client), mistakes[i]);
    }
    ln_sock_free(listener);
    assert_int_equal(heap.live, 0);
}

static void test_accept_with_a_handshake(void **state)
{
    (void)state;
    struct heap heap;
    struct ln_env env = heap_env(&heap);
    struct ln_sock *below = make(&env, &stream_ops, 'm', NULL);
    struct ln_sock *listener = make(NULL, &same_ops, 'l', below);
    struct ln_sock *client = NULL;
    assert_int_equal(ln_sock_bind(listener, NULL), LN_OK);
    puppet(below)->made = make(&env, &stream_ops, 'd', NULL);
    struct ln_sock *lower = NULL;
    assert_int_equal(ln_sock_accept(below, 0, &lower), LN_OK); /* as a TLS filter does */
    puppet(listener)->made = make(NULL, &same_ops, 'c', lower);
    puppet(puppet(listener)->made)->connect_status = LN_AGAIN;
    assert_int_equal(ln_sock_accept(listener, 0, &client), LN_OK);
    assert_int_equal(client->state, LN_SOCK_CONNECTING);
    assert_true(client->accepting);
    assert_false(lower->accepting);
    assert_int_equal(client->role, LN_SERVER);
    assert_int_equal(ln_sock_step(client, 1), LN_AGAIN);
    puppet(client)->connect_status = LN_OK;
    assert_int_equal(ln_sock_step(client, 2), LN_OK);
    assert_int_equal(client->state, LN_SOCK_OPEN);
    ln_sock_free(client);
    ln_sock_free(listener);
    assert_int_equal(heap.live, 0);
}

static void test_connect_from_bound(void **state)
{
    (void)state;
    struct stack k;
    stack_new(&k);
    assert_int_equal(ln_sock_bind(k.top, NULL), LN_OK);
    forget_calls();
    assert_int_equal(connect(k.top), LN_OK);
    assert_string_equal(calls, "c.connect b.connect a.connect a.opened b.opened c.opened ");
    stack_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_in_every_state),
        cmocka_unit_test(test_what_is_legal_everywhere),
        cmocka_unit_test(test_state_names),
        cmocka_unit_test(test_filter_new),
        cmocka_unit_test(test_filter_new_without_memory),
        cmocka_unit_test(test_filter_new_over_every_state),
        cmocka_unit_test(test_wrapping_an_open_socket),
        cmocka_unit_test(test_order_of_a_life),
        cmocka_unit_test(test_connecting_one_after_the_other),
        cmocka_unit_test(test_a_handshake_that_fails_is_told_below),
        cmocka_unit_test(test_a_transport_that_fails_is_told_to_nobody),
        cmocka_unit_test(test_giving_up),
        cmocka_unit_test(test_every_status_of_connect),
        cmocka_unit_test(test_reconnecting),
        cmocka_unit_test(test_again_without_interest),
        cmocka_unit_test(test_interest_of_closed_and_failed),
        cmocka_unit_test(test_arguments_of_connect),
        cmocka_unit_test(test_connect_without_memory),
        cmocka_unit_test(test_what_ends_a_socket),
        cmocka_unit_test(test_counters),
        cmocka_unit_test(test_cut_datagram),
        cmocka_unit_test(test_nothing_to_send),
        cmocka_unit_test(test_passing_through),
        cmocka_unit_test(test_nothing_passes_encryption_by),
        cmocka_unit_test(test_a_bottom_without_operations),
        cmocka_unit_test(test_deepest_cause_wins),
        cmocka_unit_test(test_an_old_story_is_forgotten),
        cmocka_unit_test(test_wrong_calls_while_connecting),
        cmocka_unit_test(test_wrong_calls_are_named),
        cmocka_unit_test(test_step_that_fails),
        cmocka_unit_test(test_shutdown_does_not_wait),
        cmocka_unit_test(test_shutdown_that_fails),
        cmocka_unit_test(test_bind_that_fails),
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_accept_that_keeps_failing),
        cmocka_unit_test(test_accept_after_the_pause),
        cmocka_unit_test(test_connect_while_accept_rests),
        cmocka_unit_test(test_accept_that_cannot_be),
        cmocka_unit_test(test_accept_with_a_handshake),
        cmocka_unit_test(test_connect_from_bound),
    };
    return cmocka_run_group_tests_name("net/sock", tests, NULL, NULL);
}
