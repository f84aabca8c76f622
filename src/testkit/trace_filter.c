/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trace_filter.c
 * The trace filter: reports what passes, changes nothing.
 */
#include <linnet/filter.h>
#include <linnet/testkit.h>

struct trace {
    struct ln_sock base; /* first */
    struct ln_trace_sink sink;
};

static enum ln_status trace_send(struct ln_sock *s, struct ln_span data, size_t *sent)
{
    const struct trace *trace = (struct trace *)s;
    enum ln_status st = ln_below_send(s, data, sent);
    if (st == LN_OK)
        trace->sink.bytes(trace->sink.user, s, LN_OUT, ln_span(data.data, *sent));
    return st;
}

static enum ln_status trace_recv(struct ln_sock *s, struct ln_mspan room, size_t *got)
{
    const struct trace *trace = (struct trace *)s;
    enum ln_status st = ln_below_recv(s, room, got);
    if (st == LN_NO_SPACE)
        s->datagram_len = s->below->datagram_len;
    if ((st == LN_OK || st == LN_NO_SPACE) && room.len > 0)
        trace->sink.bytes(trace->sink.user, s, LN_IN, ln_span(room.data, *got));
    return st;
}

static const struct ln_sock_ops trace_ops = {
    .name = "trace",
    .send = trace_send,
    .recv = trace_recv,
};

enum ln_status ln_trace_filter_new(struct ln_sock *below, const struct ln_trace_sink *sink,
                                   struct ln_sock **out)
{
    struct ln_sock *s = NULL;
    enum ln_status st = ln_filter_new(&trace_ops, sizeof(struct trace), NULL, below, &s);
    if (st != LN_OK)
        return st;
    ((struct trace *)s)->sink = *sink;
    *out = s;
    return LN_OK;
}
