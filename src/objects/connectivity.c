/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connectivity Monitoring /4, version 1.2 (OMA object 4): resources 0..5, what every network has.
 * See <linnet/objects.h>.
 */
#include <linnet/objects.h>

#define R LN_RES_READ
#define MUST LN_RES_MANDATORY
#define NETWORK struct ln_connectivity

static const struct ln_resource resources[] = {
    LN_RESOURCE(0, LN_VALUE_INTEGER, R | MUST, NETWORK, bearer),
    LN_RESOURCE_MULTI(1, LN_VALUE_INTEGER, R | MUST, NETWORK, bearers),
    LN_RESOURCE(2, LN_VALUE_INTEGER, R | MUST, NETWORK, signal),
    LN_RESOURCE(3, LN_VALUE_INTEGER, R, NETWORK, link_quality),
    LN_RESOURCE_MULTI(4, LN_VALUE_STRING, R | MUST, NETWORK, addresses),
    LN_RESOURCE_MULTI(5, LN_VALUE_STRING, R, NETWORK, routers),
};

static void refresh(const struct ln_at *at)
{
    struct ln_connectivity *c = at->instance;
    if (c->refresh != NULL)
        c->refresh(c->user, c);
}

static const struct ln_object_ops ops = { .refresh = refresh };

static const struct ln_object object = {
    .id = 4,
    .version = "1.2",
    .resources = resources,
    .resource_count = LN_COUNT_OF(resources),
    .flags = LN_OBJECT_SINGLE,
    .instance_size = sizeof(struct ln_connectivity),
    .present = LN_PRESENT(struct ln_connectivity, present),
    .ops = &ops,
};

void ln_connectivity_init(struct ln_connectivity *connectivity)
{
    memset(connectivity, 0, sizeof *connectivity);
    connectivity->present = ~ln_object_bit(&object, 3);
}

enum ln_status ln_connectivity_add(struct ln_client *client, struct ln_connectivity *connectivity)
{
    enum ln_status st = ln_client_add_object(client, &object, NULL, NULL);
    return st == LN_OK ? ln_client_add_instance(client, 4, 0, connectivity, NULL) : st;
}
