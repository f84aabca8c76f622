/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file main.c
 * A client in somebody else's event loop, here libuv's: registers and shows the time (object 3333).
 *
 *   example_05_own_event_loop --server coaps://localhost --endpoint uv --psk-identity uv \
 *       --psk-key 00112233445566778899aabbccddeeff
 *
 * The whole of it: step the client, watch what it asks for, set one timer for its deadline; step it
 * again when any of that happens. SIGINT and SIGTERM de-register, then the loop ends by itself. A
 * thread of yours would call ln_client_post() and then uv_async_send() to wake the loop.
 *
 * Exit status: 1 if the account cannot be used.
 */
#include "account.h"

#include <signal.h>
#include <uv.h>

struct watch {
    uv_poll_t poll;
    ln_handle handle;
};

struct app {
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[2];
    struct watch *watches[LN_WAIT_MAX];
    const struct ln_env *env;
    struct ln_client *client;
};

static void step(struct app *app);

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)status; /* errors are found, and explained, by the step */
    (void)events;
    step(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    step(timer->data);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle); /* `poll` is the first member of its watch */
}

static void unwatch(struct app *app, size_t i)
{
    if (app->watches[i] != NULL)
        uv_close((uv_handle_t *)&app->watches[i]->poll, on_closed);
    app->watches[i] = NULL;
}

/* A uv_poll_t belongs to one descriptor: another descriptor needs another one. */
static void watch(struct app *app, size_t i, const struct ln_wait *wanted)
{
    int events = ((wanted->events & LN_WANT_READ) != 0 ? UV_READABLE : 0) |
                 ((wanted->events & LN_WANT_WRITE) != 0 ? UV_WRITABLE : 0);
    if (app->watches[i] == NULL || app->watches[i]->handle != wanted->handle) {
        unwatch(app, i);
        struct watch *w = calloc(1, sizeof *w);
        if (w == NULL || uv_poll_init(&app->loop, &w->poll, (int)wanted->handle) != 0) {
            free(w); /* the timer goes on: a slower client, no dead one */
            uv_timer_start(&app->timer, on_timer, 100, 0);
            return;
        }
        w->handle = wanted->handle;
        w->poll.data = app;
        app->watches[i] = w;
    }
    uv_poll_start(&app->watches[i]->poll, events, on_ready);
}

static void finish(struct app *app)
{
    uv_close((uv_handle_t *)&app->timer, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&app->signals[i], NULL);
}

static void step(struct app *app)
{
    struct ln_interest want;
    if (uv_is_closing((uv_handle_t *)&app->timer))
        return;
    /* the step may close descriptors and open others of the same number: none may be watched then */
    for (size_t i = 0; i < LN_WAIT_MAX; i++)
        if (app->watches[i] != NULL)
            uv_poll_stop(&app->watches[i]->poll);
    ln_msec now = ln_now(app->env);
    bool over = ln_client_step(app->client, now, &want) == LN_CLOSED;
    ln_msec left = want.ready ? 0 : want.deadline > now ? want.deadline - now : 0;
    uv_timer_stop(&app->timer);
    if (want.ready || want.deadline != LN_NEVER)
        uv_timer_start(&app->timer, on_timer, (uint64_t)left, 0);
    for (size_t i = 0; i < LN_WAIT_MAX; i++)
        if (!over && i < want.count)
            watch(app, i, &want.wait[i]);
        else
            unwatch(app, i);
    if (over)
        finish(app);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct app *app = signal->data;
    (void)number;
    ln_client_stop(app->client, ln_now(app->env));
    step(app);
}

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    (void)client;
    if (event->kind == LN_CLIENT_REGISTERED || event->kind == LN_CLIENT_DEREGISTERED)
        printf("%s server %u\n", event->kind == LN_CLIENT_REGISTERED ? "registered at" : "left",
               event->ssid);
    if (event->kind == LN_CLIENT_ATTEMPT_FAILED)
        account_failed(event);
    fflush(stdout);
}

static enum ln_status make_client(struct app *app, const struct account_args *args,
                                  struct ln_diag *diag)
{
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    config.env = app->env;
    config.endpoint = args->endpoint;
    config.on_event = on_event;
    account_trust(args, &config);
    enum ln_status st = ln_client_new(&config, diag, &app->client);
    if (st == LN_OK)
        st = ln_core_objects_add(app->client);
    if (st == LN_OK)
        st = ln_time_add(app->client, NULL);
    if (st == LN_OK)
        st = ln_client_add_account(app->client, &args->account, diag);
    if (st == LN_OK)
        st = ln_client_start(app->client, ln_now(app->env), diag);
    return st;
}

static void run(struct app *app)
{
    static const int numbers[] = { SIGINT, SIGTERM };
    uv_loop_init(&app->loop);
    uv_timer_init(&app->loop, &app->timer);
    app->timer.data = app;
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&app->loop, &app->signals[i]);
        app->signals[i].data = app;
        uv_signal_start(&app->signals[i], on_signal, numbers[i]);
    }
    step(app);
    uv_run(&app->loop, UV_RUN_DEFAULT);
    uv_loop_close(&app->loop);
}

int main(int argc, char **argv)
{
    static struct app app;
    struct account_args args;
    struct ln_env *env = NULL;
    struct ln_diag diag = { .status = LN_OK };
    if (!account_read(&args, NULL, argc, argv) || ln_env_posix_new(&env) != LN_OK)
        return 1;
    app.env = env;
    enum ln_status st = make_client(&app, &args, &diag);
    if (st == LN_OK)
        run(&app);
    else
        account_complain(st, &diag);
    ln_client_free(app.client);
    ln_env_posix_free(env);
    return st == LN_OK ? 0 : 1;
}
