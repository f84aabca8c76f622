/* SPDX-License-Identifier: Apache-2.0 */
/* The answers to `status` and `why`: linnet-agent(8), CONTROL PROTOCOL. */
#include "control.h"
#include "json.h"

#include <linnet/tls_backend.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What each state of docs/registration.md waits for. */
static const struct {
    const char *state;
    const char *waits_for;
} waits[] = {
    { "idle", "its turn" },
    { "delayed", "the end of the initial delay" },
    { "connecting", "the connection and its handshake" },
    { "registering", "the server's answer to Register" },
    { "registered", "the next Update, before the registration expires" },
    { "updating", "the server's answer to Update" },
    { "reconnecting", "a new connection" },
    { "backoff", "the next attempt" },
    { "paused", "the next sequence of attempts" },
    { "deregistering", "the server's answer to De-register" },
    { "disabled", "the end of the silence that was asked for" },
    { "stopped", "nothing" },
};

static const char *waits_for(const char *state)
{
    for (size_t i = 0; i < LN_COUNT_OF(waits); i++)
        if (strcmp(waits[i].state, state) == 0)
            return waits[i].waits_for;
    return "";
}

static int64_t wall(const struct agent *agent)
{
    return agent->env->clock.wall(agent->env->clock.ctx);
}

/* Milliseconds from now; null = never. */
static void add_until(const struct agent *agent, cJSON *at, const char *name, ln_msec until)
{
    ln_msec left = until - ln_now(agent->env);
    if (until == LN_NEVER)
        cJSON_AddNullToObject(at, name);
    else
        cJSON_AddNumberToObject(at, name, (double)(left > 0 ? left : 0));
}

void status_add_failure(cJSON *at, const struct failure *failure)
{
    char line[LN_DIAG_LINE_MAX];
    if (!failure->is) {
        cJSON_AddNullToObject(at, "failure");
        return;
    }
    struct failure_words words;
    cJSON *made = cJSON_AddObjectToObject(at, "failure");
    failure_words(failure, &words);
    failure_text(failure, line, sizeof line);
    cJSON_AddNumberToObject(made, "since", (double)failure->since);
    cJSON_AddStringToObject(made, "category", words.category);
    cJSON_AddStringToObject(made, "text", words.text);
    cJSON_AddStringToObject(made, "advice", words.advice);
    cJSON_AddStringToObject(made, "line", line);
}

/* ---- servers ---- */

static void add_tls(cJSON *at, const struct ln_tls_info *tls)
{
    if (tls->version == 0) {
        cJSON_AddNullToObject(at, "tls");
        return;
    }
    const char *suite = ln_suite_name(tls->suite);
    cJSON *made = cJSON_AddObjectToObject(at, "tls");
    cJSON_AddStringToObject(made, "version", ln_version_name(tls->version));
    cJSON_AddStringToObject(made, "suite", suite != NULL ? suite : "");
    cJSON_AddBoolToObject(made, "resumed", tls->resumed);
    cJSON_AddBoolToObject(made, "cid", tls->cid_in_use);
    cJSON_AddBoolToObject(made, "cid_restored", tls->cid_restored);
}

static void add_peer(cJSON *at, const struct ln_sock_info *sock)
{
    char text[LN_ADDR_TEXT_MAX];
    if (sock->peer.family == 0)
        cJSON_AddStringToObject(at, "peer", "");
    else {
        ln_addr_format(&sock->peer, text);
        cJSON_AddStringToObject(at, "peer", text);
    }
}

static void add_uri(struct agent *agent, cJSON *at, uint16_t security_iid)
{
    struct ln_value uri;
    char text[256] = "";
    if (ln_client_get(agent->client, ln_path_resource(0, security_iid, 0), &uri) == LN_OK)
        (void)snprintf(text, sizeof text, "%.*s", (int)uri.as.bytes.len,
                       (const char *)uri.as.bytes.data);
    cJSON_AddStringToObject(at, "uri", text);
}

/* What both answers say of a server. */
static cJSON *add_server(struct agent *agent, cJSON *list, const struct ln_server_info *info)
{
    cJSON *made = cJSON_CreateObject();
    json_append(list, made);
    if (made == NULL || list == NULL)
        return NULL;
    cJSON_AddNumberToObject(made, "ssid", info->ssid);
    add_uri(agent, made, info->security_iid);
    cJSON_AddStringToObject(made, "state", info->state);
    cJSON_AddStringToObject(made, "waits_for", waits_for(info->state));
    add_until(agent, made, "waits_ms", info->waits_until);
    cJSON_AddNumberToObject(made, "attempt", info->attempt);
    const struct failure *failure = problem_of_server(&agent->problems, info->ssid);
    if (failure != NULL)
        status_add_failure(made, failure);
    return made;
}

static void add_servers(struct agent *agent, cJSON *at)
{
    cJSON *list = cJSON_AddArrayToObject(at, "servers");
    uint16_t ssid = LN_ID_NONE;
    while ((ssid = ln_client_next_server(agent->client, ssid)) != LN_ID_NONE) {
        struct ln_server_info info;
        if (ln_client_server_info(agent->client, ssid, &info) != LN_OK)
            continue;
        char version[8] = "";
        cJSON *made = add_server(agent, list, &info);
        if (info.version != 0)
            (void)snprintf(version, sizeof version, "%u.%u", info.version / 10u,
                           info.version % 10u);
        cJSON_AddBoolToObject(made, "registered", info.registered);
        cJSON_AddBoolToObject(made, "asleep", info.asleep);
        cJSON_AddStringToObject(made, "lwm2m", version);
        add_until(agent, made, "expires_ms", info.expires);
        cJSON_AddNumberToObject(made, "observations", info.observations);
        cJSON_AddNumberToObject(made, "notifications", info.notes);
        add_peer(made, &info.sock);
        add_tls(made, &info.sock.tls);
    }
}

/* ---- firmware ---- */

static void add_download(const struct agent *agent, cJSON *at, const struct ln_firmware_info *info)
{
    const struct ln_download_info *d = &info->download;
    if (!info->downloading) {
        cJSON_AddNullToObject(at, "download");
        return;
    }
    cJSON *made = cJSON_AddObjectToObject(at, "download");
    cJSON_AddStringToObject(made, "state", ln_download_state_word(d->state));
    cJSON_AddStringToObject(made, "reason", ln_download_reason_word(d->reason));
    cJSON_AddNumberToObject(made, "offset", (double)d->offset);
    if (d->has_total)
        cJSON_AddNumberToObject(made, "total", (double)d->total);
    else
        cJSON_AddNullToObject(made, "total");
    cJSON_AddNumberToObject(made, "resumed_at", (double)d->resumed_at);
    cJSON_AddNumberToObject(made, "attempts", d->attempts);
    add_until(agent, made, "wait_ms", d->state == LN_DOWNLOAD_WAITING ? d->wait_until : LN_NEVER);
}

/* What both answers say of the firmware. NULL: there is none. */
static cJSON *add_firmware_state(const struct update *u, cJSON *at, struct ln_firmware_info *info)
{
    if (u->firmware == NULL) {
        cJSON_AddNullToObject(at, "firmware");
        return NULL;
    }
    ln_firmware_info(u->firmware, info);
    cJSON *made = cJSON_AddObjectToObject(at, "firmware");
    cJSON_AddStringToObject(made, "state", ln_firmware_state_word(info->state));
    return made;
}

static void add_firmware(struct agent *agent, cJSON *at)
{
    const struct update *u = &agent->update;
    struct ln_firmware_info info;
    cJSON *made = add_firmware_state(u, at, &info);
    if (made == NULL)
        return;
    cJSON_AddStringToObject(made, "result", ln_firmware_result_word(info.result));
    cJSON_AddNumberToObject(made, "result_number", info.result);
    cJSON_AddStringToObject(made, "uri", info.uri);
    cJSON_AddNumberToObject(made, "severity", info.severity);
    cJSON_AddNumberToObject(made, "changed", (double)info.changed);
    cJSON_AddNumberToObject(made, "install_by", (double)info.install_by);
    cJSON_AddNumberToObject(made, "received", (double)info.received);
    if (u->hook.pid != 0)
        cJSON_AddStringToObject(made, "hook", u->hook.verb);
    else
        cJSON_AddNullToObject(made, "hook");
    add_download(agent, made, &info);
    status_add_failure(made, &u->failure);
}

static const char *firmware_waits_for(const struct update *u, const struct ln_firmware_info *info)
{
    if (u->hook.pid != 0)
        return "the hook";
    switch (info->state) {
    case LN_FIRMWARE_IDLE:
        return "an image, or a URI to fetch it from";
    case LN_FIRMWARE_DOWNLOADING:
        return info->downloading && info->download.state == LN_DOWNLOAD_WAITING
                   ? "the next try to download"
                   : "the rest of the image";
    case LN_FIRMWARE_DOWNLOADED:
        return "the server's Update";
    case LN_FIRMWARE_UPDATING:
        return "the restart";
    }
    return "";
}

static void add_firmware_wait(const struct agent *agent, cJSON *at)
{
    const struct update *u = &agent->update;
    struct ln_firmware_info info;
    cJSON *made = add_firmware_state(u, at, &info);
    if (made != NULL)
        cJSON_AddStringToObject(made, "waits_for", firmware_waits_for(u, &info));
}

/* ---- observations ---- */

static void add_observations(const struct agent *agent, cJSON *at, uint16_t ssid)
{
    struct ln_observation_info info;
    cJSON *list = cJSON_AddArrayToObject(at, "observations");
    for (uint32_t i = 0; ln_client_observation_info(agent->client, ssid, i, &info) == LN_OK; i++) {
        char path[LN_PATH_ROOM];
        cJSON *made = cJSON_CreateObject();
        ln_path_text(&info.path, path);
        cJSON_AddStringToObject(made, "path", path);
        cJSON_AddStringToObject(made, "waits_for",
                                info.held              ? "pmin"
                                : info.due != LN_NEVER ? "a change, or pmax"
                                                       : "a change");
        add_until(agent, made, "waits_ms", info.due);
        json_append(list, made);
    }
}

static void add_notifications(const struct agent *agent, cJSON *at, uint16_t ssid)
{
    cJSON *list = cJSON_AddArrayToObject(at, "notifications");
    for (size_t i = 0; i < NOTES_MAX; i++) {
        const struct note *note = &agent->notes.of[i];
        char path[LN_PATH_ROOM];
        if (note->id == 0 || note->ssid != ssid)
            continue;
        cJSON *made = cJSON_CreateObject();
        ln_path_text(&note->path, path);
        cJSON_AddNumberToObject(made, "id", note->id);
        cJSON_AddStringToObject(made, "path", path);
        cJSON_AddStringToObject(made, "state", note->sent ? "sent" : "queued");
        cJSON_AddBoolToObject(made, "confirmable", note->confirmable);
        cJSON_AddNumberToObject(made, "age_ms", (double)(ln_now(agent->env) - note->since));
        cJSON_AddStringToObject(made, "waits_for",
                                note->sent ? "the server's acknowledgement"
                                           : "its turn, or the connection");
        json_append(list, made);
    }
}

/* ---- the agent ---- */

static void add_agent(const struct agent *agent, cJSON *at)
{
    cJSON *made = cJSON_AddObjectToObject(at, "agent");
    const struct config *config = agent->config;
    cJSON_AddStringToObject(made, "version", agent_version());
    cJSON_AddNumberToObject(made, "pid", (double)getpid());
    cJSON_AddStringToObject(made, "endpoint", config->endpoint);
    cJSON_AddStringToObject(made, "state", agent->leaves ? "stopping" : "running");
    int64_t uptime_s = (ln_now(agent->env) - agent->started) / 1000;
    cJSON_AddNumberToObject(made, "uptime_s", (double)uptime_s);
    cJSON_AddStringToObject(made, "state_folder", agent->state);
    cJSON_AddStringToObject(made, "config", config->path != NULL ? config->path : "");
    cJSON_AddStringToObject(made, "tls_library",
                            agent->config->tls != NULL ? agent->config->tls->name : "");
    cJSON *clock = cJSON_AddObjectToObject(made, "clock");
    cJSON_AddNumberToObject(clock, "wall", (double)wall(agent));
    cJSON_AddNumberToObject(clock, "floor", (double)agent->clock.floor);
    cJSON_AddBoolToObject(clock, "trusted", !agent->problems.of[PROBLEM_CLOCK].is);
}

static void add_problems(const struct agent *agent, cJSON *at)
{
    cJSON *list = cJSON_AddArrayToObject(at, "problems");
    for (int i = 0; i < PROBLEM_MATTERS; i++) {
        const struct problem *p = &agent->problems.of[i];
        cJSON *made = p->is ? cJSON_CreateObject() : NULL;
        if (made == NULL)
            continue;
        cJSON_AddStringToObject(made, "about", problem_word((enum problem_matter)i));
        cJSON_AddNumberToObject(made, "since", (double)p->since);
        cJSON_AddStringToObject(made, "text", p->text);
        json_append(list, made);
    }
}

cJSON *status_json(struct agent *agent)
{
    cJSON *made = cJSON_CreateObject();
    add_agent(agent, made);
    add_servers(agent, made);
    add_firmware(agent, made);
    add_problems(agent, made);
    return made;
}

cJSON *why_json(struct agent *agent)
{
    cJSON *made = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(made, "servers");
    uint16_t ssid = LN_ID_NONE;
    while ((ssid = ln_client_next_server(agent->client, ssid)) != LN_ID_NONE) {
        struct ln_server_info info;
        if (ln_client_server_info(agent->client, ssid, &info) != LN_OK)
            continue;
        cJSON *server = add_server(agent, list, &info);
        add_observations(agent, server, ssid);
        add_notifications(agent, server, ssid);
    }
    add_firmware_wait(agent, made);
    return made;
}
