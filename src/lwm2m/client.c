/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client: what was added to it, its servers, and one step for all of them. See client.h.
 */
#include "lwm2m/core.h"

#define ENDPOINT_MAX 128

/* Defaults of client.h. */
#define WRITE_MAX 4096u
#define READ_MAX 16384u
#define OBSERVATIONS_MAX 16u
#define NOTES_MAX 16u
#define NOTES_BYTES 4096u
#define BATCH_MS 1000u

/* ---- making one ---- */

static enum ln_status refuse(struct ln_diag *diag, const char *why)
{
    return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "%s", why);
}

static enum ln_status check(const struct ln_client_config *c, struct ln_diag *diag)
{
    if (c->size != sizeof *c)
        return refuse(diag, "start from LN_CLIENT_CONFIG_INIT");
    if (c->env == NULL)
        return refuse(diag, "env is missing");
    size_t len = c->endpoint != NULL ? strlen(c->endpoint) : 0;
    if (len == 0 || len > ENDPOINT_MAX)
        return refuse(diag, "endpoint must have 1 to 128 bytes");
    if (c->min_version < LN_LWM2M_1_0 || c->max_version > LN_LWM2M_1_2 ||
        c->min_version > c->max_version)
        return refuse(diag, "min_version and max_version must be LwM2M 1.0 to 1.2, in this order");
    return LN_OK;
}

static void fill_defaults(struct ln_client_config *c)
{
    c->write_max = c->write_max != 0 ? c->write_max : WRITE_MAX;
    c->read_max = c->read_max != 0 ? c->read_max : READ_MAX;
    c->observations_max = c->observations_max != 0 ? c->observations_max : OBSERVATIONS_MAX;
    c->notes_max = c->notes_max != 0 ? c->notes_max : NOTES_MAX;
    c->notes_bytes = c->notes_bytes != 0 ? c->notes_bytes : NOTES_BYTES;
    c->batch_ms = c->batch_ms != 0 ? c->batch_ms : BATCH_MS;
}

enum ln_status ln_client_new(const struct ln_client_config *config, struct ln_diag *diag,
                             struct ln_client **out)
{
    if (diag != NULL)
        ln_diag_clear(diag);
    enum ln_status st = check(config, diag);
    if (st != LN_OK)
        return st;
    struct ln_client *client = ln_calloc(config->env, 1, sizeof *client);
    char *endpoint = ln_strdup(config->env, config->endpoint);
    if (client == NULL || endpoint == NULL) {
        ln_free(config->env, endpoint);
        ln_free(config->env, client);
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for a client");
    }
    client->env = config->env;
    client->config = *config;
    client->endpoint = endpoint;
    client->config.endpoint = endpoint;
    client->model = (struct ln__model) { .env = config->env, .client = client };
    fill_defaults(&client->config);
    *out = client;
    return LN_OK;
}

static void free_server(struct ln__server *s)
{
    const struct ln_env *env = s->client->env;
    ln__observe_free(s, LN_NOTE_DROPPED);
    ln__attr_free(s);
    ln__connection_free(s);
    ln_free(env, s->location);
    ln_free(env, s);
}

static void free_servers(struct ln_client *client)
{
    while (client->servers != NULL) {
        struct ln__server *s = client->servers;
        client->servers = s->next;
        free_server(s);
    }
}

void ln_client_free(struct ln_client *client)
{
    if (client == NULL)
        return;
    client->config.on_event = NULL; /* what is freed here is told to nobody */
    free_servers(client);
    ln__model_free(&client->model);
    ln_free(client->env, client->endpoint);
    ln_free(client->env, client);
}

void ln__client_tell(struct ln_client *client, const struct ln_client_event *event)
{
    bool within = client->telling;
    if (client->config.on_event == NULL)
        return;
    client->telling = true;
    client->config.on_event(client->config.user, client, event);
    client->telling = within;
}

/* ---- accounts: pairs of /0 and /1 ---- */

static struct ln__server *find_server(const struct ln_client *client, uint16_t ssid)
{
    for (struct ln__server *s = client->servers; s != NULL; s = s->next)
        if (s->ssid == ssid)
            return s;
    return NULL;
}

static uint16_t server_iid_of(const struct ln_client *client, int64_t ssid)
{
    const struct ln__object *object = ln__model_object(&client->model, LN_OID_SERVER);
    for (uint16_t i = 0; object != NULL && i < object->count; i++)
        if (ln__model_int(&client->model, LN_OID_SERVER, object->instances[i].iid, 0, -1) == ssid)
            return object->instances[i].iid;
    return LN_ID_NONE;
}

static void append_server(struct ln_client *client, struct ln__server *s)
{
    struct ln__server **at = &client->servers;
    while (*at != NULL)
        at = &(*at)->next;
    *at = s;
}

static enum ln_status add_server(struct ln_client *client, uint16_t security_iid,
                                 struct ln_diag *diag)
{
    int64_t ssid = ln__model_int(&client->model, LN_OID_SECURITY, security_iid, 10, -1);
    if (ssid < 1 || ssid >= LN_ID_NONE)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "Security /0/%u/10: the short server id must be 1 to 65534",
                           (unsigned)security_iid);
    uint16_t server_iid = server_iid_of(client, ssid);
    if (server_iid == LN_ID_NONE)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "Security /0/%u has the short server id %u, and no instance of Server "
                           "/1 has it",
                           (unsigned)security_iid, (unsigned)ssid);
    if (find_server(client, (uint16_t)ssid) != NULL)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "Security /0/%u/10: the short server id %u is used twice",
                           (unsigned)security_iid, (unsigned)ssid);
    struct ln__server *s = ln_calloc(client->env, 1, sizeof *s);
    if (s == NULL)
        return LN_NO_MEMORY;
    s->client = client;
    s->ssid = (uint16_t)ssid;
    s->security_iid = security_iid;
    s->server_iid = server_iid;
    s->version = client->config.max_version;
    s->update_at = LN_NEVER;
    ln__reg_init(&s->reg);
    append_server(client, s);
    return ln__connection_setup(s, diag);
}

static bool is_bootstrap(const struct ln_client *client, uint16_t iid)
{
    return ln__model_int(&client->model, LN_OID_SECURITY, iid, 1, 0) != 0;
}

static enum ln_status add_servers(struct ln_client *client, struct ln_diag *diag)
{
    const struct ln__object *object = ln__model_object(&client->model, LN_OID_SECURITY);
    for (uint16_t i = 0; object != NULL && i < object->count; i++) {
        uint16_t iid = object->instances[i].iid;
        if (is_bootstrap(client, iid))
            continue;
        enum ln_status st = add_server(client, iid, diag);
        if (st != LN_OK)
            return st;
    }
    return LN_OK;
}

enum ln_status ln_client_start(struct ln_client *client, ln_msec now, struct ln_diag *diag)
{
    if (diag != NULL)
        ln_diag_clear(diag);
    if (client->state != LN_CLIENT_NEW && client->state != LN_CLIENT_OVER)
        return LN_BAD_STATE;
    free_servers(client);
    client->now = now;
    enum ln_status st = add_servers(client, diag);
    if (st == LN_OK && client->servers == NULL)
        st = ln_diag_set(diag, LN_BAD_STATE, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                         "there is no server account: add an instance of Security /0 and one of "
                         "Server /1");
    if (st != LN_OK) {
        free_servers(client);
        return st;
    }
    for (struct ln__server *s = client->servers; s != NULL; s = s->next)
        s->wanted = true;
    ln__access_complete(client);
    client->state = LN_CLIENT_RUNNING;
    return LN_OK;
}

void ln_client_stop(struct ln_client *client, ln_msec now)
{
    if (client->state != LN_CLIENT_RUNNING)
        return;
    client->state = LN_CLIENT_STOPPING;
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        s->wanted = false;
        ln__server_happened(s, LN_REG_EV_STOPPED, now);
    }
}

/* ---- the order of servers (/1/x/13) ---- */

static int64_t priority(const struct ln__server *s)
{
    return ln__model_int(&s->client->model, LN_OID_SERVER, s->server_iid, 13, -1);
}

/* It is through, or failed a whole sequence and does not block those behind it (/1/x/15). */
static bool lets_pass(const struct ln__server *s)
{
    if (ln__reg_is_registered(&s->reg))
        return true;
    bool failed = s->reg.sequence > 0 || s->reg.state == LN_REG_PAUSED ||
                  s->reg.state == LN_REG_STOPPED || s->reg.state == LN_REG_DISABLED;
    bool blocks = ln__model_int(&s->client->model, LN_OID_SERVER, s->server_iid, 15, 0) != 0;
    return failed && !blocks;
}

static bool has_turn(const struct ln__server *s)
{
    int64_t mine = priority(s);
    if (mine < 0)
        return true;
    for (const struct ln__server *o = s->client->servers; o != NULL; o = o->next) {
        int64_t other = priority(o);
        bool before = other >= 0 && (other < mine || (other == mine && o->ssid < s->ssid));
        if (o != s && before && !lets_pass(o))
            return false;
    }
    return true;
}

static void start_in_order(struct ln_client *client, ln_msec now)
{
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        if (!s->wanted || !has_turn(s))
            continue;
        s->wanted = false;
        ln__server_happened(s, LN_REG_EV_STARTED, now);
    }
}

/* ---- posts of other threads ---- */

void ln_client_post(struct ln_client *client, struct ln_post *post)
{
    struct ln_post *head = atomic_load_explicit(&client->posts, memory_order_relaxed);
    do {
        post->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&client->posts, &head, post,
                                                    memory_order_release, memory_order_relaxed));
}

static void run_posts(struct ln_client *client)
{
    struct ln_post *list = atomic_exchange_explicit(&client->posts, NULL, memory_order_acquire);
    struct ln_post *in_order = NULL;
    while (list != NULL) {
        struct ln_post *next = list->next;
        list->next = in_order;
        in_order = list;
        list = next;
    }
    while (in_order != NULL) {
        struct ln_post *next = in_order->next; /* run() may post it anew */
        in_order->run(client, in_order->user);
        in_order = next;
    }
}

/* ---- jobs ---- */

void ln_client_add_job(struct ln_client *client, struct ln_client_job *job)
{
    job->next = client->jobs;
    client->jobs = job;
}

void ln_client_remove_job(struct ln_client *client, struct ln_client_job *job)
{
    if (client->next_job == job)
        client->next_job = job->next;
    for (struct ln_client_job **at = &client->jobs; *at != NULL; at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        return;
    }
}

static void step_jobs(struct ln_client *client, ln_msec now)
{
    for (struct ln_client_job *job = client->jobs; job != NULL; job = client->next_job) {
        client->next_job = job->next; /* a step may remove its own job, and others */
        job->step(job->user, now);
    }
}

static void ask_jobs(const struct ln_client *client, struct ln_interest *want)
{
    for (const struct ln_client_job *job = client->jobs; job != NULL; job = job->next)
        job->interest(job->user, want);
}

bool ln_client_is_quiet(const struct ln_client *client)
{
    for (const struct ln__server *s = client->servers; s != NULL; s = s->next) {
        bool speaks = s->notes != NULL || s->exchange != 0 || s->events != 0 ||
                      (s->coap != NULL && ln_coap_is_busy(s->coap)) ||
                      ln__observe_deadline(s) <= client->now;
        if (ln__reg_is_registered(&s->reg) && speaks)
            return false;
    }
    return true;
}

/* ---- the step ---- */

static bool is_over(const struct ln_client *client)
{
    for (const struct ln__server *s = client->servers; s != NULL; s = s->next)
        if (s->reg.state != LN_REG_STOPPED && s->reg.state != LN_REG_IDLE)
            return false;
    return true;
}

enum ln_status ln_client_step(struct ln_client *client, ln_msec now, struct ln_interest *want)
{
    client->now = now;
    run_posts(client);
    step_jobs(client, now);
    start_in_order(client, now);
    for (struct ln__server *s = client->servers; s != NULL; s = s->next)
        ln__server_step(s, now);
    start_in_order(client, now);
    ln_interest_init(want, LN_WANT_READ);
    for (const struct ln__server *s = client->servers; s != NULL; s = s->next)
        ln__server_interest(s, want);
    ask_jobs(client, want);
    if (client->state == LN_CLIENT_STOPPING && is_over(client))
        client->state = LN_CLIENT_OVER;
    return client->state == LN_CLIENT_OVER ? LN_CLOSED : LN_OK;
}

enum ln_status ln_client_run(struct ln_client *client, ln_msec until)
{
    const struct ln_net *net = &client->env->net;
    if (net->ops == NULL || net->ops->wait == NULL)
        return LN_UNSUPPORTED;
    for (;;) {
        struct ln_interest want;
        ln_msec now = ln_now(client->env);
        enum ln_status st = ln_client_step(client, now, &want);
        if (st != LN_OK || now >= until)
            return st;
        ln_interest_until(&want, until);
        st = net->ops->wait(net->ctx, &want, until);
        if (st != LN_OK)
            return st;
    }
}

/* ---- objects ---- */

const struct ln_env *ln_client_env(const struct ln_client *client)
{
    return client->env;
}

enum ln_status ln_client_add_object(struct ln_client *client, const struct ln_object *object,
                                    void *user, struct ln_diag *diag)
{
    if (diag != NULL)
        ln_diag_clear(diag);
    enum ln_status st = ln__model_check(object, diag);
    if (st == LN_OK)
        st = ln__model_add(&client->model, object, user);
    if (st == LN_OK)
        ln__client_listed(client);
    return st;
}

enum ln_status ln_client_remove_object(struct ln_client *client, uint16_t oid)
{
    const struct ln__object *object = ln__model_object(&client->model, oid);
    if (object == NULL)
        return LN_NOT_FOUND;
    while (object->count > 0) {
        enum ln_status st = ln_client_remove_instance(client, oid, object->instances[0].iid);
        if (st != LN_OK)
            return st;
    }
    enum ln_status st = ln__model_remove(&client->model, oid);
    ln__observe_gone(client, ln_path_object(oid));
    ln__client_listed(client);
    return st;
}

static enum ln_status allocate(struct ln_client *client, struct ln__object *object, uint16_t iid,
                               void **out)
{
    uint16_t size = object->def->instance_size;
    const struct ln_object_ops *ops = object->def->ops;
    void *data = ln_calloc(client->env, 1, size > 0 ? size : 1u);
    if (data == NULL)
        return LN_NO_MEMORY;
    struct ln_at at = ln__model_at(&client->model, object, iid, data, NULL, LN_ID_NONE, LN_ID_NONE);
    if (ops != NULL && ops->create != NULL && ops->create(&at) != LN_ANSWER_OK) {
        ln_free(client->env, data);
        return LN_DENIED;
    }
    *out = data;
    return LN_OK;
}

enum ln_status ln_client_add_instance(struct ln_client *client, uint16_t oid, uint16_t iid,
                                      void *instance, uint16_t *chosen)
{
    struct ln__object *object = ln__model_object(&client->model, oid);
    if (object == NULL)
        return LN_NOT_FOUND;
    uint16_t id = iid != LN_ID_NONE ? iid : ln__model_free_iid(object);
    if (id == LN_ID_NONE)
        return LN_NO_SPACE;
    void *data = instance;
    bool owned = instance == NULL;
    if (owned) {
        enum ln_status st = allocate(client, object, id, &data);
        if (st != LN_OK)
            return st;
    }
    enum ln_status st = ln__model_put(&client->model, object, id, data, owned);
    if (st != LN_OK) {
        if (owned)
            ln_free_secret(client->env, data, object->def->instance_size);
        return st;
    }
    if (client->servers != NULL)
        ln__access_created(client, client->servers->ssid, oid, id);
    ln__client_touched(client, oid, id, LN_ID_NONE);
    ln__client_listed(client);
    if (chosen != NULL)
        *chosen = id;
    return LN_OK;
}

enum ln_status ln_client_remove_instance(struct ln_client *client, uint16_t oid, uint16_t iid)
{
    struct ln__object *object = ln__model_object(&client->model, oid);
    if (object == NULL || ln__model_instance(object, iid) == NULL)
        return LN_NOT_FOUND;
    ln__model_take(&client->model, object, iid);
    ln__observe_gone(client, ln_path_instance(oid, iid));
    ln__access_removed(client, oid, iid);
    ln__client_listed(client);
    return LN_OK;
}

void *ln_client_instance(struct ln_client *client, uint16_t oid, uint16_t iid)
{
    const struct ln__object *object = ln__model_object(&client->model, oid);
    const struct ln__instance *it = object != NULL ? ln__model_instance(object, iid) : NULL;
    return it != NULL ? it->data : NULL;
}

uint16_t ln_client_next_instance(const struct ln_client *client, uint16_t oid, uint16_t after)
{
    const struct ln__object *object = ln__model_object(&client->model, oid);
    for (uint16_t i = 0; object != NULL && i < object->count; i++)
        if (after == LN_ID_NONE || object->instances[i].iid > after)
            return object->instances[i].iid;
    return LN_ID_NONE;
}

uint16_t ln_client_next_object(const struct ln_client *client, uint16_t after)
{
    const struct ln__model *m = &client->model;
    for (uint16_t i = 0; i < m->count; i++)
        if (after == LN_ID_NONE || m->objects[i].def->id > after)
            return m->objects[i].def->id;
    return LN_ID_NONE;
}

const struct ln_resource *ln_client_next_resource(struct ln_client *client, uint16_t oid,
                                                  uint16_t iid, uint16_t after)
{
    const struct ln__object *object = ln__model_object(&client->model, oid);
    const struct ln__instance *it = object != NULL ? ln__model_instance(object, iid) : NULL;
    for (uint16_t i = 0; it != NULL && i < object->def->resource_count; i++) {
        const struct ln_resource *r = &object->def->resources[i];
        struct ln_at at =
            ln__model_at(&client->model, object, iid, it->data, r, LN_ID_NONE, LN_ID_NONE);
        if ((after == LN_ID_NONE || r->id > after) && ln__resource_exists(&at))
            return r;
    }
    return NULL;
}

uint16_t ln_client_next_resource_instance(struct ln_client *client, struct ln_path resource,
                                          uint16_t after)
{
    const struct ln__object *object = ln__model_object(&client->model, resource.id[0]);
    const struct ln__instance *it =
        object != NULL ? ln__model_instance(object, resource.id[1]) : NULL;
    const struct ln_resource *r =
        it != NULL ? ln__model_resource(object->def, resource.id[2]) : NULL;
    if (resource.levels != LN_LEVEL_RESOURCE || r == NULL || (r->flags & LN_RES_MULTIPLE) == 0)
        return LN_ID_NONE;
    struct ln_at at =
        ln__model_at(&client->model, object, it->iid, it->data, r, LN_ID_NONE, LN_ID_NONE);
    uint16_t next = ln__resource_exists(&at) ? ln__resource_next(&at, after) : LN_ID_NONE;
    return after != LN_ID_NONE && next <= after ? LN_ID_NONE : next; /* a walk always ends */
}

/* ---- changes ---- */

/* What the engine itself lives by: lifetime, binding and default periods of a server. */
static void server_touched(struct ln_client *client, uint16_t iid, uint16_t rid)
{
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        if (s->server_iid != iid)
            continue;
        if (rid == 1 || rid == LN_ID_NONE)
            s->news |= LN_NEWS_LIFETIME;
        if (rid == 7 || rid == LN_ID_NONE)
            s->news |= LN_NEWS_BINDING;
        if ((s->news & (LN_NEWS_LIFETIME | LN_NEWS_BINDING)) != 0)
            s->update_at = client->now;
        ln__observe_attrs_changed(s);
    }
}

void ln__client_touched(struct ln_client *client, uint16_t oid, uint16_t iid, uint16_t rid)
{
    if (oid == LN_OID_SERVER)
        server_touched(client, iid, rid);
    ln__observe_changed(client, oid, iid, rid);
}

void ln__client_listed(struct ln_client *client)
{
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        s->news |= LN_NEWS_OBJECTS;
        if (s->update_at == LN_NEVER)
            s->update_at = client->now + client->config.batch_ms;
    }
}

void ln_client_changed(struct ln_client *client, uint16_t oid, uint16_t iid, uint16_t rid)
{
    client->now = ln_now(client->env);
    ln__client_touched(client, oid, iid, rid);
}

static enum ln_status locate(struct ln_client *client, struct ln_path path, struct ln_at *at)
{
    bool one = path.levels == LN_LEVEL_RESOURCE_INSTANCE;
    if (path.levels < LN_LEVEL_RESOURCE ||
        !ln__model_find(&client->model, path.id[0], path.id[1], path.id[2],
                        one ? path.id[3] : LN_ID_NONE, at))
        return LN_NOT_FOUND;
    bool multiple = (at->resource->flags & LN_RES_MULTIPLE) != 0;
    return multiple == one ? LN_OK : LN_BAD_ARG;
}

static enum ln_status status_of(enum ln_answer answer)
{
    switch (answer) {
    case LN_ANSWER_OK:
        return LN_OK;
    case LN_ANSWER_NOT_FOUND:
        return LN_NOT_FOUND;
    case LN_ANSWER_NOT_ALLOWED:
        return LN_UNSUPPORTED;
    case LN_ANSWER_BAD_REQUEST:
    case LN_ANSWER_TOO_LARGE:
    case LN_ANSWER_NOT_ACCEPTABLE:
    case LN_ANSWER_UNSUPPORTED_FORMAT:
        return LN_BAD_ARG;
    case LN_ANSWER_UNAUTHORIZED:
        return LN_DENIED;
    case LN_ANSWER_UNAVAILABLE:
        return LN_AGAIN;
    case LN_ANSWER_INTERNAL:
        break;
    }
    return LN_INTERNAL;
}

enum ln_status ln_client_get(struct ln_client *client, struct ln_path path, struct ln_value *out)
{
    struct ln_at at;
    enum ln_status st = locate(client, path, &at);
    if (st != LN_OK)
        return st;
    return ln__resource_exists(&at) ? status_of(ln__resource_read(&at, out)) : LN_NOT_FOUND;
}

enum ln_status ln_client_set(struct ln_client *client, struct ln_path path,
                             const struct ln_value *value)
{
    struct ln_at at;
    enum ln_status st = locate(client, path, &at);
    if (st == LN_OK)
        st = status_of(ln__resource_write(&at, value));
    if (st == LN_OK)
        ln_client_changed(client, path.id[0], path.id[1], path.id[2]);
    return st;
}

/* ---- servers ---- */

enum ln_status ln_client_update(struct ln_client *client, uint16_t ssid)
{
    enum ln_status st = LN_NOT_FOUND;
    for (struct ln__server *s = client->servers; s != NULL; s = s->next) {
        if (ssid != LN_ID_NONE && s->ssid != ssid)
            continue;
        if (!ln__reg_is_registered(&s->reg)) {
            st = st == LN_NOT_FOUND ? LN_BAD_STATE : st;
            continue;
        }
        ln__server_happened(s, LN_REG_EV_UPDATE_WANTED, client->now);
        st = LN_OK;
    }
    return st;
}

enum ln_status ln_client_disable(struct ln_client *client, uint16_t ssid, uint32_t seconds)
{
    struct ln__server *s = find_server(client, ssid);
    if (s == NULL)
        return LN_NOT_FOUND;
    s->disable_s = seconds;
    ln__server_happened(s, LN_REG_EV_DISABLED, client->now);
    return LN_OK;
}

enum ln_status ln_client_enable(struct ln_client *client, uint16_t ssid)
{
    struct ln__server *s = find_server(client, ssid);
    if (s == NULL)
        return LN_NOT_FOUND;
    s->wanted = false; /* it need not wait for its turn any more */
    ln__server_happened(s, LN_REG_EV_STARTED, client->now);
    return LN_OK;
}

enum ln_status ln_client_reconnect(struct ln_client *client, uint16_t ssid)
{
    struct ln__server *s = find_server(client, ssid);
    if (s == NULL)
        return LN_NOT_FOUND;
    ln__server_happened(s, LN_REG_EV_LINK_FAILED, client->now);
    return LN_OK;
}

void ln_client_stay_awake(struct ln_client *client, bool stay)
{
    if (stay)
        client->stay_awake++;
    else if (client->stay_awake > 0)
        client->stay_awake--;
}

uint16_t ln_client_next_server(const struct ln_client *client, uint16_t after)
{
    uint16_t next = LN_ID_NONE;
    for (const struct ln__server *s = client->servers; s != NULL; s = s->next)
        if ((after == LN_ID_NONE || s->ssid > after) && s->ssid < next)
            next = s->ssid;
    return next;
}

static uint32_t observation_count(const struct ln__server *s)
{
    uint32_t count = 0;
    for (const struct ln__observation *o = s->observations; o != NULL; o = o->next)
        count++;
    return count;
}

enum ln_status ln_client_server_info(const struct ln_client *client, uint16_t ssid,
                                     struct ln_server_info *out)
{
    const struct ln__server *s = find_server(client, ssid);
    if (s == NULL)
        return LN_NOT_FOUND;
    *out = (struct ln_server_info) {
        .ssid = s->ssid,
        .security_iid = s->security_iid,
        .server_iid = s->server_iid,
        .state = ln__reg_state_name(s->reg.state),
        .registered = ln__reg_is_registered(&s->reg),
        .asleep = s->asleep,
        .version = s->version,
        .waits_until = s->reg.due,
        .expires = s->reg.expires,
        .attempt = s->reg.attempt,
        .observations = observation_count(s),
        .notes = s->note_count,
        .diag = ln_sock_diag(s->sock),
    };
    ln_sock_info(s->sock, &out->sock);
    return LN_OK;
}

enum ln_status ln_client_observation_info(const struct ln_client *client, uint16_t ssid,
                                          uint32_t index, struct ln_observation_info *out)
{
    const struct ln__server *s = find_server(client, ssid);
    const struct ln__observation *o = s != NULL ? s->observations : NULL;
    while (o != NULL && index-- > 0)
        o = o->next;
    if (o == NULL)
        return LN_NOT_FOUND;
    *out = (struct ln_observation_info) {
        .path = o->path,
        .held = o->rules.fired,
        .due = ln__notify_deadline(&o->rules, &o->attrs),
    };
    return LN_OK;
}
