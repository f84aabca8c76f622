/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file netfault.c
 * The raw network of a host, with its point of failure in front of every call of the table that can
 * fail and does not wait.
 */
#include "testkit/machine.h"

static const long native_eio = 5;

static enum ln_category category_of(enum ln_status status)
{
    if (status == LN_REFUSED)
        return LN_CAT_PEER_REFUSED;
    if (status == LN_TIMEOUT)
        return LN_CAT_NO_ANSWER;
    if (status == LN_CLOSED)
        return LN_CAT_CLOSED_BY_PEER;
    return status == LN_NO_MEMORY ? LN_CAT_OUT_OF_MEMORY : LN_CAT_LOCAL_IO;
}

/* LN_OK: the call goes on. */
static enum ln_status ask(void *ctx, struct ln_diag *diag)
{
    enum ln_status st = LN_OK;
    if (!ln__testkit_point_fails(ctx, LN_TESTKIT_NET, &st) || st == LN_AGAIN)
        return st;
    (void)ln_diag_set(diag, st, category_of(st), LN_PHASE_NONE, "injected fault");
    ln_diag_native(diag, "testkit", native_eio, "injected fault");
    return st;
}

static enum ln_status fault_open(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                                 ln_handle *out)
{
    enum ln_status st = ask(ctx, diag);
    return st == LN_OK ? ln__mem_net_ops.open(ctx, how, diag, out) : st;
}

static enum ln_status fault_bind(void *ctx, ln_handle h, enum ln_net_kind kind,
                                 const struct ln_addr *local, struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    return st == LN_OK ? ln__mem_net_ops.bind(ctx, h, kind, local, diag) : st;
}

static enum ln_status fault_connect(void *ctx, ln_handle h, const struct ln_addr *peer,
                                    struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    return st == LN_OK ? ln__mem_net_ops.connect(ctx, h, peer, diag) : st;
}

static enum ln_status fault_finish(void *ctx, ln_handle h, struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    return st == LN_OK ? ln__mem_net_ops.finish(ctx, h, diag) : st;
}

static enum ln_status fault_accept(void *ctx, ln_handle h, ln_handle *out, struct ln_addr *peer,
                                   struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    return st == LN_OK ? ln__mem_net_ops.accept(ctx, h, out, peer, diag) : st;
}

static enum ln_status fault_send(void *ctx, ln_handle h, const struct ln_addr *to,
                                 struct ln_span data, size_t *sent, struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    *sent = 0;
    return st == LN_OK ? ln__mem_net_ops.send(ctx, h, to, data, sent, diag) : st;
}

static enum ln_status fault_recv(void *ctx, ln_handle h, enum ln_net_kind kind,
                                 struct ln_mspan room, bool peek, struct ln_net_got *got,
                                 struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    *got = (struct ln_net_got) { .len = 0 };
    return st == LN_OK ? ln__mem_net_ops.recv(ctx, h, kind, room, peek, got, diag) : st;
}

static enum ln_status fault_shutdown(void *ctx, ln_handle h, struct ln_diag *diag)
{
    enum ln_status st = ask(ctx, diag);
    return st == LN_OK ? ln__mem_net_ops.shutdown(ctx, h, diag) : st;
}

static void fault_close(void *ctx, ln_handle h)
{
    ln__mem_net_ops.close(ctx, h);
}

static enum ln_status fault_names(void *ctx, ln_handle h, struct ln_addr *local,
                                  struct ln_addr *peer)
{
    enum ln_status st = ask(ctx, NULL);
    return st == LN_OK ? ln__mem_net_ops.names(ctx, h, local, peer) : st;
}

static enum ln_status fault_mtu(void *ctx, ln_handle h, size_t *mtu)
{
    enum ln_status st = ask(ctx, NULL);
    return st == LN_OK ? ln__mem_net_ops.mtu(ctx, h, mtu) : st;
}

static enum ln_status fault_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    return ln__mem_net_ops.wait(ctx, want, until);
}

const struct ln_net_ops ln__testkit_machine_net_ops = {
    .name = "mem",
    .open = fault_open,
    .bind = fault_bind,
    .connect = fault_connect,
    .finish = fault_finish,
    .accept = fault_accept,
    .send = fault_send,
    .recv = fault_recv,
    .shutdown = fault_shutdown,
    .close = fault_close,
    .names = fault_names,
    .mtu = fault_mtu,
    .wait = fault_wait,
};
