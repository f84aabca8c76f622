/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the control protocol, by name: linnet-agent(8). */
#include "control.h"
#include "json.h"
#include "tree.h"

#include <string.h>

static void finish(struct control_peer *peer, cJSON *line)
{
    cJSON_AddBoolToObject(line, "done", true);
    control_answer(peer, line);
}

static void run_status(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(request, "follow")))
        control_follow(peer);
    else
        finish(peer, status_json(agent));
}

static void run_why(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    (void)request;
    finish(peer, why_json(agent));
}

/* ---- values ---- */

/* The path of a request. False: the answer has gone out. */
static bool read_path(struct control_peer *peer, const cJSON *request, unsigned least,
                      struct ln_path *out)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "path"));
    if (text == NULL || ln_path_read(ln_span_str(text), out) != LN_OK || out->levels < least) {
        control_refuse(peer, "bad_path",
                       "'%.60s' is no path for that; expected one such as /3/0/14",
                       text != NULL ? text : "");
        return false;
    }
    if (!tree_is_private(*out))
        return true;
    control_refuse(peer, "denied",
                   "%.60s holds keys, which nobody is shown and which are not set here", text);
    return false;
}

static void add_path(cJSON *line, struct ln_path path)
{
    char text[LN_PATH_ROOM];
    ln_path_text(&path, text);
    cJSON_AddStringToObject(line, "path", text);
}

static void answer_value(void *user, struct ln_path path, const struct ln_resource *resource,
                         const struct ln_value *value)
{
    struct control_peer *peer = user;
    cJSON *line = cJSON_CreateObject();
    (void)resource;
    add_path(line, path);
    cJSON_AddStringToObject(line, "type", ln_value_type_name(value->type));
    json_add(line, "value", tree_json(value));
    control_answer(peer, line);
}

static void run_get(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    struct ln_path path;
    char text[LN_PATH_ROOM];
    if (!read_path(peer, request, LN_LEVEL_ROOT, &path))
        return;
    machine_refresh(&agent->machine);
    size_t count = tree_walk(agent->client, path, answer_value, peer);
    ln_path_text(&path, text);
    if (count == 0) {
        control_refuse(peer, "not_found", "this device has no value at %s", text);
        return;
    }
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "count", (double)count);
    finish(peer, line);
}

/* It is set; what is not kept over a restart is not set either. */
static void answer_set(struct agent *agent, struct control_peer *peer, struct ln_path path)
{
    char text[LN_PATH_ROOM];
    ln_path_text(&path, text);
    if (kept_is(path.id[0]) &&
        !kept_save(&agent->kept, &agent->store, agent->client, &agent->machine)) {
        kept_undo(&agent->kept, agent->client, &agent->machine);
        control_refuse(peer, "not_kept",
                       "%s is not set, because the state folder cannot be written; `linnet status` "
                       "says why",
                       text);
        return;
    }
    cJSON *line = cJSON_CreateObject();
    add_path(line, path);
    finish(peer, line);
}

static void run_set(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    struct ln_path path;
    char text[LN_PATH_ROOM];
    if (!read_path(peer, request, LN_LEVEL_RESOURCE, &path))
        return;
    ln_path_text(&path, text);
    enum ln_status st =
        tree_set(agent->client, path, cJSON_GetObjectItemCaseSensitive(request, "value"));
    if (st == LN_OK) {
        answer_set(agent, peer, path);
    } else if (st == LN_NOT_FOUND) {
        control_refuse(peer, "not_found", "this device has no resource %s", text);
    } else if (st == LN_DENIED) {
        control_refuse(peer, "denied", "%s is a secret", text);
    } else if (st == LN_UNSUPPORTED) {
        control_refuse(peer, "unsupported",
                       "%s cannot be set: it is measured, executed, or of object 5, which is the "
                       "servers'",
                       text);
    } else {
        control_refuse(peer, "bad_value", "that is no value for %s; `linnet get %s` shows one",
                       text, text);
    }
}

static uint32_t observations_of(struct agent *agent, struct ln_path path)
{
    uint32_t count = 0;
    uint16_t ssid = LN_ID_NONE;
    while ((ssid = ln_client_next_server(agent->client, ssid)) != LN_ID_NONE) {
        struct ln_observation_info info;
        for (uint32_t i = 0; ln_client_observation_info(agent->client, ssid, i, &info) == LN_OK;
             i++)
            count += ln_path_is_below(&path, &info.path) || ln_path_is_below(&info.path, &path);
    }
    return count;
}

static void run_notify(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    struct ln_path path;
    if (!read_path(peer, request, LN_LEVEL_INSTANCE, &path))
        return;
    if (ln_client_instance(agent->client, path.id[0], path.id[1]) == NULL) {
        control_refuse(peer, "not_found", "this device has no instance /%u/%u", path.id[0],
                       path.id[1]);
        return;
    }
    ln_client_changed(agent->client, path.id[0], path.id[1],
                      path.levels >= LN_LEVEL_RESOURCE ? path.id[2] : LN_ID_NONE);
    cJSON *line = cJSON_CreateObject();
    add_path(line, path);
    cJSON_AddNumberToObject(line, "observations", observations_of(agent, path));
    finish(peer, line);
}

/* ---- servers ---- */

/* Update where there is a registration; else the attempt that waits is made now. */
static bool update(struct agent *agent, uint16_t ssid)
{
    return ln_client_update(agent->client, ssid) == LN_OK ||
           ln_client_enable(agent->client, ssid) == LN_OK;
}

static void run_update(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(request, "ssid");
    cJSON *line = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(line, "servers");
    uint16_t ssid = LN_ID_NONE;
    while ((ssid = ln_client_next_server(agent->client, ssid)) != LN_ID_NONE)
        if ((wanted == NULL || (cJSON_IsNumber(wanted) && wanted->valuedouble == ssid)) &&
            update(agent, ssid))
            json_append(list, cJSON_CreateNumber(ssid));
    if (cJSON_GetArraySize(list) > 0) {
        finish(peer, line);
        return;
    }
    cJSON_Delete(line);
    control_refuse(peer, "not_found", "there is no such server; `linnet status` shows them");
}

static const struct {
    const char *name;
    void (*run)(struct agent *agent, struct control_peer *peer, const cJSON *request);
} commands[] = {
    { "status", run_status }, { "get", run_get },       { "set", run_set },
    { "update", run_update }, { "notify", run_notify }, { "why", run_why },
};

void command_run(struct agent *agent, struct control_peer *peer, const cJSON *request)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request, "command"));
    for (size_t i = 0; name != NULL && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            commands[i].run(agent, peer, request);
            return;
        }
    }
    control_refuse(peer, "unknown_command",
                   "this agent knows no such command: it may be older than the program that asks");
}
