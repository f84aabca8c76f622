/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file 01_hello.c
 * The smallest LwM2M device: registers and shows the time (object 3333).
 *
 *   example_01_hello --server coaps://localhost --endpoint hello --psk-identity hello \
 *       --psk-key 00112233445566778899aabbccddeeff
 *
 * Runs until it is stopped. Exit status: 1 if the account cannot be used.
 */
#include "account.h"

static void on_event(void *user, struct ln_client *client, const struct ln_client_event *event)
{
    (void)user;
    (void)client;
    if (event->kind == LN_CLIENT_REGISTERED)
        printf("registered at server %u\n", event->ssid);
    if (event->kind == LN_CLIENT_ATTEMPT_FAILED)
        account_failed(event);
    fflush(stdout);
}

static enum ln_status run(const struct ln_env *env, const struct account_args *args)
{
    struct ln_diag diag = { .status = LN_OK };
    struct ln_client *client = NULL;
    struct ln_client_config config = LN_CLIENT_CONFIG_INIT;
    config.env = env;
    config.endpoint = args->endpoint;
    config.on_event = on_event;
    account_trust(args, &config);
    enum ln_status st = ln_client_new(&config, &diag, &client);
    if (st == LN_OK)
        st = ln_core_objects_add(client);
    if (st == LN_OK)
        st = ln_time_add(client, NULL);
    if (st == LN_OK)
        st = ln_client_add_account(client, &args->account, &diag);
    if (st == LN_OK)
        st = ln_client_start(client, ln_now(env), &diag);
    if (st == LN_OK)
        st = ln_client_run(client, LN_NEVER);
    if (st != LN_OK)
        account_complain(st, &diag);
    ln_client_free(client);
    return st;
}

int main(int argc, char **argv)
{
    struct account_args args;
    struct ln_env *env = NULL;
    if (!account_read(&args, NULL, argc, argv) || ln_env_posix_new(&env) != LN_OK)
        return 1;
    enum ln_status st = run(env, &args);
    ln_env_posix_free(env);
    return st == LN_OK ? 0 : 1;
}
