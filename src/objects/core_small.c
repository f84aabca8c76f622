/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c of a small build: Security and Server.
 */
#include "objects/accounts.h"

enum ln_status ln_core_objects_add(struct ln_client *client)
{
    enum ln_status st = ln_client_add_object(client, &ln__object_security, NULL, NULL);
    return st == LN_OK ? ln_client_add_object(client, &ln__object_server, NULL, NULL) : st;
}
