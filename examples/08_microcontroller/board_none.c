/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file board_none.c
 * A board with nothing on it: the heap of the C library, a clock that stands still, and a network that
 * takes no datagram. It is there to be linked, so that the size of all the rest is known, and as the
 * form to fill in for a real board.
 */
#include "board.h"

#include <stdlib.h>

static void *resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

static ln_msec monotonic(void *ctx)
{
    (void)ctx;
    return 0; /* of a timer that never goes back */
}

static int64_t wall(void *ctx)
{
    (void)ctx;
    return 0; /* of the real time clock, seconds since 1970 */
}

static enum ln_status fill(void *ctx, struct ln_mspan room)
{
    (void)ctx;
    (void)room;
    return LN_IO; /* of the hardware's random number generator, and of nothing else */
}

static enum ln_status no_open(void *ctx, const struct ln_net_open *how, struct ln_diag *diag,
                              ln_handle *out)
{
    (void)ctx;
    (void)how;
    (void)diag;
    *out = LN_NO_HANDLE;
    return LN_IO;
}

static enum ln_status no_bind(void *ctx, ln_handle h, enum ln_net_kind kind,
                              const struct ln_addr *local, struct ln_diag *diag)
{
    (void)ctx;
    (void)h;
    (void)kind;
    (void)local;
    (void)diag;
    return LN_IO;
}

static enum ln_status no_connect(void *ctx, ln_handle h, const struct ln_addr *peer,
                                 struct ln_diag *diag)
{
    (void)ctx;
    (void)h;
    (void)peer;
    (void)diag;
    return LN_IO;
}

static enum ln_status no_send(void *ctx, ln_handle h, const struct ln_addr *to, struct ln_span data,
                              size_t *sent, struct ln_diag *diag)
{
    (void)ctx;
    (void)h;
    (void)to;
    (void)data;
    (void)diag;
    *sent = 0;
    return LN_IO;
}

static enum ln_status no_recv(void *ctx, ln_handle h, enum ln_net_kind kind, struct ln_mspan room,
                              bool peek, struct ln_net_got *got, struct ln_diag *diag)
{
    (void)ctx;
    (void)h;
    (void)kind;
    (void)room;
    (void)peek;
    (void)got;
    (void)diag;
    return LN_AGAIN;
}

static void no_close(void *ctx, ln_handle h)
{
    (void)ctx;
    (void)h;
}

static enum ln_status no_names(void *ctx, ln_handle h, struct ln_addr *local, struct ln_addr *peer)
{
    (void)ctx;
    (void)h;
    (void)local;
    (void)peer;
    return LN_BAD_STATE;
}

static enum ln_status no_wait(void *ctx, const struct ln_interest *want, ln_msec until)
{
    (void)ctx;
    (void)want;
    (void)until;
    return LN_OK;
}

static const struct ln_net_ops no_net = {
    .name = "none",
    .open = no_open,
    .bind = no_bind,
    .connect = no_connect,
    .send = no_send,
    .recv = no_recv,
    .close = no_close,
    .names = no_names,
    .wait = no_wait,
};

void board_start(struct ln_env *env, struct board_settings *settings, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    env->alloc = (struct ln_alloc) { .resize = resize };
    env->clock = (struct ln_clock) { .monotonic = monotonic, .wall = wall };
    env->random = (struct ln_random) { .fill = fill };
    env->net = (struct ln_net) { .ops = &no_net };
    settings->endpoint = "device";
    settings->server = "coap://192.0.2.1";
}

void board_event(const struct ln_client_event *event)
{
    (void)event;
}

int32_t board_battery(void)
{
    return 100;
}

void board_reboot(void)
{
}
