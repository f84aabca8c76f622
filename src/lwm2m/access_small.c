/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.c of a small build: there is no Access Control /2. Every account may do everything, but for
 * /0 and OSCORE /21, as with one account everywhere.
 */
#include "lwm2m/core.h"

unsigned ln__access_rights(const struct ln_client *client, uint16_t ssid, uint16_t oid,
                           uint16_t iid)
{
    (void)client;
    (void)iid;
    if (ssid != LN_ID_NONE && (oid == LN_OID_SECURITY || oid == LN_OID_OSCORE))
        return 0;
    return LN_RIGHT_READ | LN_RIGHT_WRITE | LN_RIGHT_EXECUTE | LN_RIGHT_DELETE | LN_RIGHT_CREATE;
}

void ln__access_created(struct ln_client *client, uint16_t ssid, uint16_t oid, uint16_t iid)
{
    (void)client;
    (void)ssid;
    (void)oid;
    (void)iid;
}

void ln__access_removed(struct ln_client *client, uint16_t oid, uint16_t iid)
{
    (void)client;
    (void)oid;
    (void)iid;
}

void ln__access_complete(struct ln_client *client)
{
    (void)client;
}
