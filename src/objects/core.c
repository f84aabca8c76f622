/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects that every client has: Security, Server and Access Control. See <linnet/objects.h>.
 */
#include "objects/accounts.h"

enum ln_status ln_core_objects_add(struct ln_client *client)
{
    enum ln_status st = ln_client_add_object(client, &ln__object_security, NULL, NULL);
    if (st == LN_OK)
        st = ln_client_add_object(client, &ln__object_server, NULL, NULL);
    if (st == LN_OK)
        st = ln_client_add_object(client, &ln__object_access, NULL, NULL);
    return st;
}
