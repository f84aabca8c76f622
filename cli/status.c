/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet status`: how the agent, its servers and its firmware are. */
#include "status.h"
#include "command.h"
#include "gauge.h"

#include <string.h>

/* ---- the agent ---- */

static void show_clock(FILE *out, const cJSON *clock)
{
    char text[48];
    if (!cJSON_IsFalse(agent_member(clock, "trusted")))
        return;
    fprintf(out, "  the clock is not trusted yet: it says %s\n",
            agent_clock(agent_number(clock, "wall"), text));
}

static void show_agent(FILE *out, const cJSON *agent)
{
    char text[48];
    fprintf(out, "%s  %s for %s\n", agent_text(agent, "endpoint"), agent_text(agent, "state"),
            agent_duration(agent_number(agent, "uptime_s") * 1000, text));
    fprintf(out, "  linnet-agent %s, process %.0f, TLS by %s\n", agent_text(agent, "version"),
            agent_number(agent, "pid"), agent_text(agent, "tls_library"));
    if (*agent_text(agent, "config") != '\0')
        fprintf(out, "  configuration %s\n", agent_text(agent, "config"));
    if (*agent_text(agent, "state_folder") != '\0')
        fprintf(out, "  state in %s\n", agent_text(agent, "state_folder"));
    show_clock(out, agent_member(agent, "clock"));
}

/* ---- servers ---- */

static void show_tls(FILE *out, const cJSON *tls)
{
    if (!cJSON_IsObject(tls))
        return;
    fprintf(out, ", %s %s", agent_text(tls, "version"), agent_text(tls, "suite"));
    if (agent_is(tls, "resumed"))
        fputs(", resumed", out);
    if (agent_is(tls, "cid"))
        fputs(agent_is(tls, "cid_restored") ? ", Connection ID, restored" : ", Connection ID", out);
}

static void show_count(FILE *out, const cJSON *server, const char *name, const char *one)
{
    double count = agent_number(server, name);
    if (count > 0)
        fprintf(out, "  %.0f %s%s\n", count, one, count > 1 ? "s" : "");
}

static void show_server(FILE *out, const cJSON *server)
{
    char text[48];
    fprintf(out, "\nserver %.0f  %s\n  %s%s", agent_number(server, "ssid"),
            agent_text(server, "uri"), agent_text(server, "state"),
            agent_is(server, "asleep") ? ", asleep" : "");
    if (agent_is(server, "registered"))
        fprintf(out, ", LwM2M %s", agent_text(server, "lwm2m"));
    show_tls(out, agent_member(server, "tls"));
    fputc('\n', out);
    if (agent_is(server, "registered") && agent_number(server, "expires_ms") >= 0)
        fprintf(out, "  expires in %s\n", agent_duration(agent_number(server, "expires_ms"), text));
    agent_show_wait(out, 2, server);
    show_count(out, server, "observations", "observation");
    show_count(out, server, "notifications", "notification under way");
    show_count(out, server, "attempt", "failed attempt");
    agent_show_failure(out, 2, server);
}

/* ---- firmware ---- */

bool status_gauge(const cJSON *firmware, struct status_gauge *out)
{
    const cJSON *download = agent_member(firmware, "download");
    double offset = agent_number(download, "offset");
    double total = agent_number(download, "total");
    if (!cJSON_IsObject(download) || offset < 0)
        return false;
    out->offset = (uint64_t)offset;
    out->total = total < 0 ? 0 : (uint64_t)total;
    out->has_total = total >= 0;
    return true;
}

static void show_download(FILE *out, const cJSON *firmware)
{
    char line[GAUGE_LINE_MAX], text[48];
    struct status_gauge gauge;
    const cJSON *download = agent_member(firmware, "download");
    if (!status_gauge(firmware, &gauge))
        return;
    gauge_line(agent_text(download, "state"), gauge.offset, gauge.has_total ? &gauge.total : NULL,
               0, gauge_columns(out) - 2, line);
    fprintf(out, "  %s\n", line);
    if (agent_number(download, "wait_ms") >= 0)
        fprintf(out, "  tries again in %s (%s, attempt %.0f)\n",
                agent_duration(agent_number(download, "wait_ms"), text),
                agent_text(download, "reason"), agent_number(download, "attempts"));
}

static void show_firmware(FILE *out, const cJSON *firmware)
{
    char text[32];
    if (!cJSON_IsObject(firmware))
        return;
    fprintf(out, "\nfirmware  %s", agent_text(firmware, "state"));
    if (agent_number(firmware, "result_number") > 0)
        fprintf(out, ", Update Result %.0f: %s", agent_number(firmware, "result_number"),
                agent_text(firmware, "result"));
    fputc('\n', out);
    if (*agent_text(firmware, "uri") != '\0')
        fprintf(out, "  %s\n", agent_text(firmware, "uri"));
    show_download(out, firmware);
    if (agent_number(firmware, "received") > 0)
        fprintf(out, "  %s came by push\n",
                gauge_bytes((uint64_t)agent_number(firmware, "received"), text));
    if (*agent_text(firmware, "hook") != '\0')
        fprintf(out, "  the hook runs: %s\n", agent_text(firmware, "hook"));
    agent_show_failure(out, 2, firmware);
}

/* ---- all of it ---- */

static void show_problems(FILE *out, const cJSON *problems)
{
    const cJSON *problem = NULL;
    if (cJSON_GetArraySize(problems) > 0)
        fputs("\nproblems\n", out);
    cJSON_ArrayForEach(problem, problems)
        fprintf(out, "  %s: %s\n", agent_text(problem, "about"), agent_text(problem, "text"));
}

static void show_status(FILE *out, const struct agent_args *args, const cJSON *answer)
{
    const cJSON *server = NULL;
    (void)args;
    show_agent(out, agent_member(answer, "agent"));
    cJSON_ArrayForEach(server, agent_member(answer, "servers")) show_server(out, server);
    show_firmware(out, agent_member(answer, "firmware"));
    show_problems(out, agent_member(answer, "problems"));
}

static void request(const struct agent_args *args, struct json_writer *w, cJSON *request)
{
    if (args->follow)
        json_flag(w, request, "follow", true);
}

static const struct option_rule rules[] = {
    { .kind = OPTION_HEADING, .help = "How long:" },
    { "follow", 'f', OPTION_FLAG, NULL,
      "go on, and tell each change; on a terminal with a bar for a running\n"
      "download; with --json, one object a line",
      offsetof(struct agent_args, follow), 0, 0 },
};

int status_main(int argc, char **argv)
{
    static const struct agent_command command = {
        .name = "status",
        .operands = "",
        .about = "Shows how a running linnet-agent is: each server with its registration and its\n"
                 "last failure, the firmware and its download, and what wants a person.\n",
        .examples = "  linnet status\n"
                    "  linnet status --follow\n"
                    "  linnet status --json | jq .servers[0].state\n",
        .rules = rules,
        .rule_count = sizeof rules / sizeof rules[0],
        .request = request,
        .show = show_status,
        .follow = status_follow,
    };
    return agent_main(&command, argc, argv);
}
