/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: Access Control /2 (LwM2M Core 1.1 8.2).
 *
 * Resources of /2: 0 object id, 1 instance id (65535: who may create), 2 the list, by short server
 * id (0: everybody else), 3 the owner. With one account there is nothing to control. The engine
 * reads and writes /2 through the model, like any object; if it was not added, several servers have
 * full rights each.
 */
#include "lwm2m/core.h"

#define ALL                                                                                        \
    (LN_RIGHT_READ | LN_RIGHT_WRITE | LN_RIGHT_EXECUTE | LN_RIGHT_DELETE | LN_RIGHT_CREATE)
#define RID_OBJECT 0
#define RID_INSTANCE 1
#define RID_LIST 2
#define RID_OWNER 3

static unsigned account_count(const struct ln_client *client)
{
    unsigned count = 0;
    for (const struct ln__server *s = client->servers; s != NULL; s = s->next)
        count++;
    return count;
}

static int64_t number(const struct ln_client *client, uint16_t iid, uint16_t rid)
{
    return ln__model_int(&client->model, LN_OID_ACCESS, iid, rid, -1);
}

/* The instance of /2 that speaks of oid/iid; LN_ID_NONE. */
static uint16_t find(const struct ln_client *client, uint16_t oid, uint16_t iid)
{
    const struct ln__object *acl = ln__model_object(&client->model, LN_OID_ACCESS);
    for (uint16_t i = 0; acl != NULL && i < acl->count; i++) {
        uint16_t at = acl->instances[i].iid;
        if (number(client, at, RID_OBJECT) == oid && number(client, at, RID_INSTANCE) == iid)
            return at;
    }
    return LN_ID_NONE;
}

static bool entry(const struct ln_client *client, uint16_t acl, uint16_t ssid, unsigned *rights)
{
    struct ln_value v;
    if (!ln__model_get(&client->model, LN_OID_ACCESS, acl, RID_LIST, ssid, &v))
        return false;
    *rights = (unsigned)v.as.integer & ALL;
    return true;
}

/* /2 itself: everybody may read; its owner may write. */
static unsigned rights_on_access(const struct ln_client *client, uint16_t ssid, uint16_t iid)
{
    unsigned rights = LN_RIGHT_READ;
    if (iid != LN_ID_NONE && number(client, iid, RID_OWNER) == ssid)
        rights |= LN_RIGHT_WRITE;
    return rights;
}

unsigned ln__access_rights(const struct ln_client *client, uint16_t ssid, uint16_t oid,
                           uint16_t iid)
{
    if (ssid == LN_ID_NONE)
        return ALL;
    if (oid == LN_OID_SECURITY || oid == LN_OID_OSCORE)
        return 0;
    if (account_count(client) < 2 || ln__model_object(&client->model, LN_OID_ACCESS) == NULL)
        return ALL;
    if (oid == LN_OID_ACCESS)
        return rights_on_access(client, ssid, iid);
    uint16_t acl = find(client, oid, iid);
    if (acl == LN_ID_NONE)
        return 0;
    unsigned rights = 0;
    if (entry(client, acl, ssid, &rights))
        return rights;
    if (iid != LN_ID_NONE && number(client, acl, RID_OWNER) == ssid)
        return ALL & ~LN_RIGHT_CREATE;
    return entry(client, acl, 0, &rights) ? rights : 0;
}

static enum ln_answer put(struct ln_client *client, struct ln__object *acl, uint16_t iid,
                          void *data, uint16_t rid, int64_t value)
{
    const struct ln_resource *r = ln__model_resource(acl->def, rid);
    if (r == NULL)
        return LN_ANSWER_INTERNAL;
    struct ln_at at = ln__model_at(&client->model, acl, iid, data, r, LN_ID_NONE, LN_ID_NONE);
    struct ln_value v = ln_value_integer(value);
    return ln__resource_write(&at, &v);
}

void ln__access_created(struct ln_client *client, uint16_t ssid, uint16_t oid, uint16_t iid)
{
    struct ln__object *acl = ln__model_object(&client->model, LN_OID_ACCESS);
    if (acl == NULL || account_count(client) < 2 || oid == LN_OID_ACCESS ||
        oid == LN_OID_SECURITY || oid == LN_OID_OSCORE || find(client, oid, iid) != LN_ID_NONE)
        return;
    uint16_t free_iid = ln__model_free_iid(acl);
    void *data = ln_calloc(client->env, 1, acl->def->instance_size);
    if (free_iid == LN_ID_NONE || data == NULL ||
        put(client, acl, free_iid, data, RID_OBJECT, oid) != LN_ANSWER_OK ||
        put(client, acl, free_iid, data, RID_INSTANCE, iid) != LN_ANSWER_OK ||
        put(client, acl, free_iid, data, RID_OWNER, ssid) != LN_ANSWER_OK ||
        ln__model_put(&client->model, acl, free_iid, data, true) != LN_OK) {
        /* without its /2 nobody has rights on the instance: safe, and tried again on each change */
        ln_free(client->env, data);
        ln_log(client->env, LN_LOG_ERROR, "lwm2m", "no room for the access control of /%u/%u",
               (unsigned)oid, (unsigned)iid);
        return;
    }
    ln__observe_changed(client, LN_OID_ACCESS, free_iid, LN_ID_NONE);
}

void ln__access_removed(struct ln_client *client, uint16_t oid, uint16_t iid)
{
    struct ln__object *acl = ln__model_object(&client->model, LN_OID_ACCESS);
    uint16_t at = acl != NULL ? find(client, oid, iid) : LN_ID_NONE;
    if (at == LN_ID_NONE)
        return;
    ln__model_take(&client->model, acl, at);
    ln__observe_gone(client, ln_path_instance(LN_OID_ACCESS, at));
}

void ln__access_complete(struct ln_client *client)
{
    if (account_count(client) < 2)
        return;
    uint16_t owner = client->servers->ssid; /* the earliest server keeps what it had */
    for (uint16_t o = 0; o < client->model.count; o++) {
        uint16_t oid = client->model.objects[o].def->id;
        for (uint16_t i = 0; i < client->model.objects[o].count; i++)
            ln__access_created(
                client,
                oid == LN_OID_SERVER
                    ? (uint16_t)ln__model_int(&client->model, oid,
                                              client->model.objects[o].instances[i].iid, 0, owner)
                    : owner,
                oid, client->model.objects[o].instances[i].iid);
    }
}
