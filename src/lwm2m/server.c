/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One management server: drives its connection, its registration, and what waits to be told.
 *
 * What happened is left as bits in server->events, from wherever it happened, and is acted on here,
 * outside of all callbacks: the state machine of register.c says what to do, this file does it.
 */
#include "lwm2m/core.h"

#define RID_LIFETIME 1
#define RID_DISABLE_TIMEOUT 5
#define RID_ALERT 11
#define RID_DELAY 14
#define RID_BOOTSTRAP 16
#define RID_RETRY_COUNT 17
#define RID_RETRY_TIMER 18
#define RID_SEQUENCE_DELAY 19
#define RID_SEQUENCE_COUNT 20

/* ---- settings ---- */

static uint32_t setting(const struct ln__server *s, uint16_t rid, uint32_t otherwise)
{
    int64_t value = ln__model_int(&s->client->model, LN_OID_SERVER, s->server_iid, rid, -1);
    return value < 0 ? otherwise : value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

uint32_t ln__server_lifetime(const struct ln__server *s)
{
    uint32_t life = setting(s, RID_LIFETIME, LN_REG_LIFETIME_S);
    bool for_ever = life == 0; /* since 1.2; for older servers it would be over at once */
    return for_ever && s->version < LN_LWM2M_1_2 ? LN_REG_LIFETIME_S : life;
}

struct ln__reg_policy ln__server_policy(const struct ln__server *s)
{
    const struct ln_coap_timing *timing = &s->client->config.coap;
    return (struct ln__reg_policy) {
        .lifetime_s = ln__server_lifetime(s),
        .delay_s = setting(s, RID_DELAY, 0),
        .retry_count = setting(s, RID_RETRY_COUNT, LN_REG_RETRY_COUNT),
        .retry_s = setting(s, RID_RETRY_TIMER, LN_REG_RETRY_S),
        .pause_s = setting(s, RID_SEQUENCE_DELAY, LN_REG_PAUSE_S),
        .sequence_count = setting(s, RID_SEQUENCE_COUNT, LN_REG_SEQUENCE_COUNT),
        .disable_s =
            s->disable_s != 0 ? s->disable_s : setting(s, RID_DISABLE_TIMEOUT, LN_REG_DISABLE_S),
        .answer_wait_ms = (uint32_t)ln_coap_max_transmit_wait(timing),
        .keep_trying = true,
    };
}

/* ---- telling ---- */

static void tell(const struct ln__server *s, enum ln_client_event_kind kind, ln_msec retry_at)
{
    const struct ln_diag *diag = s->sock != NULL ? ln_sock_diag(s->sock) : NULL;
    struct ln_client_event event = {
        .kind = kind,
        .ssid = s->ssid,
        .code = s->last_code,
        .bootstrap = kind == LN_CLIENT_GAVE_UP && setting(s, RID_BOOTSTRAP, 1) != 0,
        .retry_at = retry_at,
        .diag = diag != NULL && diag->status != LN_OK ? diag : NULL,
    };
    ln__client_tell(s->client, &event);
}

/* A fatal alert of the server is kept in /1/x/11 (LwM2M Core 1.1), if its number is known. */
static void keep_alert(struct ln__server *s)
{
    const struct ln_diag *diag = ln_sock_diag(s->sock);
    if (diag->alert_from != LN_ALERT_RECEIVED || diag->alert_number == LN_ALERT_NOT_TOLD)
        return;
    struct ln_at at;
    struct ln_value v = ln_value_unsigned(diag->alert_number);
    if (ln__model_find(&s->client->model, LN_OID_SERVER, s->server_iid, RID_ALERT, LN_ID_NONE,
                       &at) &&
        ln__resource_write(&at, &v) == LN_ANSWER_OK)
        ln__observe_changed(s->client, LN_OID_SERVER, at.iid, RID_ALERT);
}

/* ---- events ---- */

void ln__server_happened(struct ln__server *s, enum ln__reg_event event, ln_msec now)
{
    (void)now;
    s->events |= UINT32_C(1) << event;
}

void ln__server_active(struct ln__server *s, ln_msec now)
{
    s->active = now;
}

bool ln__server_is_online(const struct ln__server *s)
{
    return s->reg.state == LN_REG_REGISTERED && ln__connection_is_open(s);
}

bool ln__server_is_reachable(const struct ln__server *s)
{
    return s->reg.state == LN_REG_REGISTERED;
}

static uint32_t random_bits(const struct ln_client *client)
{
    uint32_t bits = 0;
    /* without randomness nothing is stretched: a storm is less bad than silence */
    if (client->env->random.fill(client->env->random.ctx, ln_mspan(&bits, sizeof bits)) != LN_OK)
        return 0;
    return bits;
}

static void registration_over(struct ln__server *s)
{
    ln__observe_free(s, LN_NOTE_DROPPED);
    ln_free(s->client->env, s->location);
    s->location = NULL;
    s->location_len = 0;
    s->asleep = false;
}

static void say(struct ln__server *s, enum ln_status (*message)(struct ln__server *, ln_msec),
                enum ln__reg_event if_not, ln_msec now)
{
    enum ln_status st = message(s, now);
    if (st == LN_OK)
        return;
    ln_log(s->client->env, LN_LOG_WARN, "lwm2m", "server %u: a message could not be made: %s",
           (unsigned)s->ssid, ln_status_meaning(st));
    ln__server_happened(s, if_not, now);
}

static bool is_old_session(const struct ln__server *s, const struct ln_sock_info *info)
{
    if (s->kind == LN_DTLS)
        return info->tls.resumed || info->tls.cid_restored;
    return s->reg.state == LN_REG_REGISTERED; /* no session: known by its Location */
}

static void link_opened(struct ln__server *s, ln_msec now)
{
    struct ln_sock_info info;
    ln_sock_info(s->sock, &info);
    s->connecting = false;
    s->up = true;
    if (info.inner_mtu > 0)
        ln_coap_set_max_message(s->coap, info.inner_mtu);
    ln__server_active(s, now);
    if (s->reg.state == LN_REG_REGISTERED && s->client->config.queue_mode)
        tell(s, LN_CLIENT_AWAKE, LN_NEVER);
    ln__server_happened(
        s, is_old_session(s, &info) ? LN_REG_EV_CONNECTED_OLD : LN_REG_EV_CONNECTED_NEW, now);
}

static void connect(struct ln__server *s, ln_msec now)
{
    s->asleep = false;
    s->last_code = 0; /* what fails from now on fails without an answer */
    enum ln_status st = ln__connection_open(s, now);
    if (st == LN_OK) {
        link_opened(s, now); /* UDP to an address waits for nothing */
    } else if (st != LN_AGAIN) {
        keep_alert(s);
        s->connecting = false;
        ln__server_happened(s, LN_REG_EV_LINK_FAILED, now);
    }
}

static void settle(struct ln__server *s, bool registered, ln_msec now)
{
    tell(s, registered ? LN_CLIENT_REGISTERED : LN_CLIENT_UPDATED, LN_NEVER);
    ln__server_active(s, now);
    if (s->news != 0)
        s->update_at = now;
}

/* Leave a state by a failed attempt: what the application hears. */
static void tell_failure(const struct ln__server *s)
{
    if (s->reg.state == LN_REG_BACKOFF)
        tell(s, LN_CLIENT_ATTEMPT_FAILED, s->reg.due);
    else
        tell(s, LN_CLIENT_GAVE_UP, s->reg.due);
}

static void act(struct ln__server *s, enum ln__reg_action action, enum ln__reg_state was,
                enum ln__reg_event event, ln_msec now)
{
    switch (action) {
    case LN_REG_DO_NOTHING:
    case LN_REG_DO_FAIL:
        break;
    case LN_REG_DO_WAIT:
        if (s->reg.state != LN_REG_BACKOFF && s->reg.state != LN_REG_PAUSED)
            break;
        tell_failure(s);
        ln__connection_close(s, now);
        registration_over(s);
        break;
    case LN_REG_DO_CONNECT:
        if (s->reg.state == LN_REG_CONNECTING)
            registration_over(s);
        connect(s, now);
        break;
    case LN_REG_DO_REGISTER:
        registration_over(s);
        if (was == LN_REG_REGISTERING)
            s->version--; /* 4.12: the next lower one */
        say(s, ln__message_register, LN_REG_EV_LINK_FAILED, now);
        break;
    case LN_REG_DO_UPDATE:
        say(s, ln__message_update, LN_REG_EV_LINK_FAILED, now);
        break;
    case LN_REG_DO_DEREGISTER:
        ln__observe_free(s, LN_NOTE_DROPPED);
        s->last_code = 0;
        if (s->asleep)
            connect(s, now); /* awake: connected, it is told to do this again */
        else if (s->connecting)
            break; /* likewise: it is waking up */
        else if (ln__connection_is_open(s))
            say(s, ln__message_deregister, LN_REG_EV_DEREGISTERED, now);
        else
            ln__server_happened(s, LN_REG_EV_DEREGISTERED, now);
        break;
    case LN_REG_DO_SETTLE:
        settle(s, was == LN_REG_REGISTERING, now);
        break;
    case LN_REG_DO_CLOSE:
        ln__connection_close(s, now);
        registration_over(s);
        if (s->reg.state == LN_REG_DISABLED)
            tell(s, LN_CLIENT_DISABLED, s->reg.due);
        else if (was == LN_REG_DEREGISTERING)
            tell(s, LN_CLIENT_DEREGISTERED, LN_NEVER);
        else if (event != LN_REG_EV_STOPPED) /* which is no news to the application */
            tell(s, LN_CLIENT_GAVE_UP, LN_NEVER);
        break;
    }
}

/* It slept, and the connection that ends that does not stand yet. */
static bool is_waking(const struct ln__server *s)
{
    return s->reg.state == LN_REG_REGISTERED && s->connecting;
}

static void happen(struct ln__server *s, enum ln__reg_event event, ln_msec now)
{
    struct ln__reg_policy policy = ln__server_policy(s);
    enum ln__reg_state was = s->reg.state;
    if (event == LN_REG_EV_UPDATE_WANTED && (s->asleep || is_waking(s))) {
        if (s->asleep)
            connect(s, now); /* awake: connected, it says Update or Register by itself */
        return;
    }
    enum ln__reg_action action =
        ln__reg_happened(&s->reg, &policy, event, now, s->asked, random_bits(s->client));
    if (s->reg.state != was)
        ln_log(s->client->env, LN_LOG_INFO, "lwm2m", "server %u: %s, now %s", (unsigned)s->ssid,
               ln__reg_event_name(event), ln__reg_state_name(s->reg.state));
    act(s, action, was, event, now);
}

/* An action may leave another event behind; each moves on in the table, so this ends. The bound is
 * for a table that would not. */
static void handle_events(struct ln__server *s, ln_msec now)
{
    if (s->events == 0)
        return;
    for (unsigned rounds = 0; s->events != 0 && rounds < 2 * LN_REG_STATE_COUNT; rounds++) {
        unsigned event = 0;
        while ((s->events >> event & 1) == 0)
            event++;
        s->events &= ~(UINT32_C(1) << event);
        happen(s, (enum ln__reg_event)event, now);
    }
}

/* ---- the connection ---- */

static void step_link(struct ln__server *s, ln_msec now)
{
    if (!s->connecting && !s->up)
        return;
    enum ln_status st = ln_coap_link_step(&s->link, now);
    if (st == LN_AGAIN)
        return;
    if (st == LN_OK) {
        if (s->connecting)
            link_opened(s, now);
        return;
    }
    keep_alert(s);
    s->connecting = false;
    s->up = false;
    ln__server_happened(s, LN_REG_EV_LINK_FAILED, now);
}

/* ---- queue mode ---- */

static ln_msec awake_until(const struct ln__server *s)
{
    const struct ln_client_config *config = &s->client->config;
    ln_msec window =
        config->awake_ms != 0 ? config->awake_ms : ln_coap_max_transmit_wait(&config->coap);
    return s->active + window;
}

static bool may_sleep(const struct ln__server *s)
{
    return s->client->config.queue_mode && !s->asleep && s->client->stay_awake == 0 &&
           ln__server_is_online(s) && s->exchange == 0 && !ln_coap_is_busy(s->coap) &&
           !ln__queue_is_busy(s);
}

static void fall_asleep(struct ln__server *s, ln_msec now)
{
    if (!may_sleep(s) || now < awake_until(s))
        return;
    s->asleep = true;
    ln__connection_close(s, now);
    tell(s, LN_CLIENT_ASLEEP, LN_NEVER);
}

/* ---- all of it ---- */

static void step_timers(struct ln__server *s, ln_msec now)
{
    enum ln__reg_event event;
    if (s->events != 0)
        return; /* they may be what the time was for */
    if (ln__reg_is_due(&s->reg, now, &event))
        ln__server_happened(s, event, now);
    if (s->update_at != LN_NEVER && now >= s->update_at && s->reg.state == LN_REG_REGISTERED) {
        s->update_at = LN_NEVER;
        ln__server_happened(s, LN_REG_EV_UPDATE_WANTED, now);
    }
}

void ln__server_step(struct ln__server *s, ln_msec now)
{
    handle_events(s, now);
    step_link(s, now);
    step_timers(s, now);
    handle_events(s, now);
    ln__observe_step(s, now);
    if (s->asleep && ln__queue_is_busy(s) && !s->connecting)
        connect(s, now);
    ln__queue_flush(s, now);
    fall_asleep(s, now);
    handle_events(s, now);
}

/* A socket fills in an interest of its own; those of several servers are put together. */
static void add_socket(const struct ln__server *s, struct ln_interest *want)
{
    struct ln_interest own;
    ln_coap_link_interest(&s->link, &own);
    for (size_t i = 0; i < own.count; i++)
        ln_interest_add(want, own.wait[i].handle, own.wait[i].events);
    want->ready = want->ready || own.ready;
    ln_interest_until(want, own.deadline);
}

void ln__server_interest(const struct ln__server *s, struct ln_interest *want)
{
    bool failed = s->up && !ln__connection_is_open(s); /* within a send: found by the next step */
    if (!failed && (s->connecting || s->up))
        add_socket(s, want);
    if (s->events != 0 || failed)
        want->ready = true;
    ln_interest_until(want, is_waking(s) ? s->reg.expires : ln__reg_deadline(&s->reg));
    if (s->reg.state == LN_REG_REGISTERED)
        ln_interest_until(want, s->update_at);
    ln_interest_until(want, ln__observe_deadline(s));
    if (may_sleep(s))
        ln_interest_until(want, awake_until(s));
}
