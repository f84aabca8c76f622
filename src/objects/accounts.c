/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts: an instance of Security /0 and one of Server /1 that belong together. See
 * <linnet/objects.h>.
 */
#include "objects/accounts.h"

#define URI_MAX 255

static enum ln_status refuse_as(struct ln_diag *diag, enum ln_status status, const char *why)
{
    return ln_diag_set(diag, status, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "account: %s", why);
}

static enum ln_status refuse(struct ln_diag *diag, const char *why)
{
    return refuse_as(diag, LN_BAD_ARG, why);
}

static enum ln_status check_mode(const struct ln_account *a, struct ln_diag *diag)
{
    switch (a->mode) {
    case LN_SECURITY_RPK:
        return refuse_as(diag, LN_UNSUPPORTED, "raw public keys are not supported yet");
    case LN_SECURITY_EST:
        return refuse_as(diag, LN_UNSUPPORTED, "EST is not supported yet");
    case LN_SECURITY_PSK:
        return a->identity.len == 0 || a->secret.len == 0
                   ? refuse(diag, "mode PSK needs identity and secret")
                   : LN_OK;
    case LN_SECURITY_CERTIFICATE:
    case LN_SECURITY_NONE:
        return LN_OK;
    }
    return refuse(diag, "mode must be 0 to 4");
}

static bool is_used(struct ln_client *client, uint16_t ssid)
{
    uint16_t iid = ln_client_next_instance(client, 1, LN_ID_NONE);
    for (; iid != LN_ID_NONE; iid = ln_client_next_instance(client, 1, iid)) {
        struct ln_value v;
        if (ln_client_get(client, ln_path_resource(1, iid, 0), &v) == LN_OK && v.as.integer == ssid)
            return true;
    }
    return false;
}

static enum ln_status check(struct ln_client *client, const struct ln_account *a,
                            struct ln_diag *diag)
{
    size_t uri_len = a->uri != NULL ? strlen(a->uri) : 0;
    if (uri_len == 0 || uri_len > URI_MAX)
        return refuse(diag, "uri must have 1 to 255 bytes");
    if (a->ssid == 0 || a->ssid == LN_ID_NONE)
        return refuse(diag, "ssid must be 1 to 65534");
    if (is_used(client, a->ssid))
        return refuse(diag, "its ssid is in use already");
    if (a->sni != NULL && strlen(a->sni) > URI_MAX)
        return refuse(diag, "sni is longer than 255 bytes");
    if (!ln__server_binding_is_good(a->binding))
        return refuse(diag, "binding must be letters of U, T, S, N and hold U");
    if (a->suite_count > LN_ACCOUNT_SUITES_MAX)
        return refuse(diag, "there are more than 8 suites");
    return check_mode(a, diag);
}

/* Take back an instance that was just added. */
static void undo(struct ln_client *client, uint16_t oid, uint16_t iid)
{
    enum ln_status st = ln_client_remove_instance(client, oid, iid);
    (void)st; /* it exists */
}

static enum ln_status add_security(struct ln_client *client, const struct ln_env *env,
                                   const struct ln_account *account, uint16_t *iid)
{
    enum ln_status st = ln_client_add_instance(client, 0, LN_ID_NONE, NULL, iid);
    if (st != LN_OK)
        return st;
    st = ln__security_fill(ln_client_instance(client, 0, *iid), env, account);
    if (st != LN_OK)
        undo(client, 0, *iid);
    return st;
}

enum ln_status ln_client_add_account(struct ln_client *client, const struct ln_account *account,
                                     struct ln_diag *diag)
{
    uint16_t security = LN_ID_NONE;
    uint16_t server = LN_ID_NONE;
    if (diag != NULL)
        ln_diag_clear(diag);
    if (ln_client_next_server(client, LN_ID_NONE) != LN_ID_NONE)
        return LN_BAD_STATE;
    enum ln_status st = check(client, account, diag);
    if (st != LN_OK)
        return st;
    st = add_security(client, ln_client_env(client), account, &security);
    if (st == LN_NOT_FOUND)
        return LN_BAD_STATE; /* the objects were not added */
    if (st == LN_OK)
        st = ln_client_add_instance(client, 1, LN_ID_NONE, NULL, &server);
    if (st != LN_OK) {
        if (security != LN_ID_NONE)
            undo(client, 0, security);
        return st;
    }
    ln__server_fill(ln_client_instance(client, 1, server), account);
    return LN_OK;
}
