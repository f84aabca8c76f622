/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file device.c
 * The smallest device: Security, Server and Device over plain CoAP, on a board without an operating
 * system. It registers, shows its battery, and restarts when its server says so.
 *
 *   example_08_microcontroller coap://localhost my-device      (with board_sockets.c)
 *
 * `cmake --preset min-m4 && cmake --build --preset min-m4` builds it for a Cortex-M4.
 * docs/howto-microcontroller.md says what is left out there, and what a board must bring.
 */
#include "board.h"

#include <linnet/objects.h>

struct state {
    struct ln_env env;
    struct board_settings settings;
    struct ln_device device;
    struct ln_client *client;
    bool reboot;
};

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    (void)client;
    board_event(event);
}

/* A server asks: the answer goes out first, and the farewell too. */
static void on_reboot(void *user)
{
    ((struct state *)user)->reboot = true;
}

static void refresh(void *user, struct ln_device *device)
{
    (void)user;
    device->battery_level = board_battery();
}

static enum ln_status set_up(struct state *s)
{
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    struct ln_account account = LN_ACCOUNT_INIT;
    config.env = &s->env;
    config.endpoint = s->settings.endpoint;
    config.on_event = on_event;
    config.block_szx = 4; /* blocks of 256 bytes */
    account.uri = s->settings.server;

    ln_device_init(&s->device);
    s->device.manufacturer = "Linnet";
    s->device.model = "example 08";
    s->device.reboot = on_reboot;
    s->device.refresh = refresh;
    s->device.user = s;
    enum ln_status st = ln_device_enable(&s->device, 9); /* battery level */
    if (st == LN_OK)
        st = ln_client_new(&config, NULL, &s->client);
    if (st == LN_OK)
        st = ln_core_objects_add(s->client);
    if (st == LN_OK)
        st = ln_device_add(s->client, &s->device);
    if (st == LN_OK)
        st = ln_client_add_account(s->client, &account, NULL);
    if (st == LN_OK)
        st = ln_client_start(s->client, ln_now(&s->env), NULL);
    return st;
}

/* Until the server has asked for a restart and the farewell is through. */
static enum ln_status live(struct state *s)
{
    const struct ln_net *net = &s->env.net;
    for (;;) {
        struct ln_interest want;
        enum ln_status st = ln_client_step(s->client, ln_now(&s->env), &want);
        if (st != LN_OK)
            return st;
        if (s->reboot && ln_client_is_quiet(s->client)) {
            ln_client_stop(s->client, ln_now(&s->env));
            s->reboot = false;
            continue;
        }
        st =
            net->ops->wait(net->ctx, &want, want.deadline); /* a place for the processor to sleep */
        if (st != LN_OK)
            return st;
    }
}

int main(int argc, char **argv)
{
    static struct state state;
    board_start(&state.env, &state.settings, argc, argv);
    enum ln_status st = set_up(&state);
    if (st == LN_OK)
        st = live(&state);
    ln_client_free(state.client);
    if (st == LN_CLOSED)
        board_reboot();
    return st == LN_CLOSED ? 0 : 1;
}
