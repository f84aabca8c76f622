/* SPDX-License-Identifier: Apache-2.0 */
/* `linnet status --follow`: a line for each change; below it, on a terminal, a bar that moves. */
#include "command.h"
#include "gauge.h"
#include "status.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_ROOM 1024

enum { SERVER_MAX = 16 };

/* What was told of one thing, so that it is told again only when it changed. */
struct told {
    char line[LINE_ROOM];
};

struct follow {
    FILE *out;
    bool moving; /* a bar can move */
    bool drawn;
    struct told servers[SERVER_MAX], firmware, problems;
    struct gauge_rate rate;
};

static ln_msec now_ms(void)
{
    struct timespec now = { 0, 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (ln_msec)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void erase_bar(struct follow *f)
{
    if (f->drawn)
        fputs("\r\033[K", f->out);
    f->drawn = false;
}

static void tell(struct follow *f, struct told *told, const char *line)
{
    char clock[16] = "";
    struct tm parts;
    time_t wall = time(NULL);
    if (strcmp(told->line, line) == 0)
        return;
    snprintf(told->line, sizeof told->line, "%s", line);
    if (localtime_r(&wall, &parts) != NULL)
        (void)strftime(clock, sizeof clock, "%H:%M:%S", &parts);
    erase_bar(f);
    fprintf(f->out, "%s  %s\n", clock, line);
}

static void tell_server(struct follow *f, struct told *told, const cJSON *server)
{
    char line[LINE_ROOM];
    const cJSON *failure = agent_member(server, "failure");
    int used = snprintf(line, sizeof line, "server %.0f: %s%s", agent_number(server, "ssid"),
                        agent_text(server, "state"), agent_is(server, "asleep") ? ", asleep" : "");
    if (cJSON_IsObject(failure) && used > 0 && (size_t)used < sizeof line)
        snprintf(line + used, sizeof line - (size_t)used, "; %s", agent_text(failure, "text"));
    tell(f, told, line);
}

static void tell_firmware(struct follow *f, const cJSON *firmware)
{
    char line[LINE_ROOM];
    const cJSON *failure = agent_member(firmware, "failure");
    const char *hook = agent_text(firmware, "hook");
    if (!cJSON_IsObject(firmware))
        return;
    snprintf(line, sizeof line, "firmware: %s, %s%s%s%s%s", agent_text(firmware, "state"),
             agent_text(firmware, "result"), *hook != '\0' ? ", the hook runs: " : "", hook,
             cJSON_IsObject(failure) ? "; " : "", agent_text(failure, "text"));
    tell(f, &f->firmware, line);
}

static void tell_problems(struct follow *f, const cJSON *problems)
{
    char line[LINE_ROOM] = "no problems";
    const cJSON *problem = NULL;
    size_t used = 0;
    cJSON_ArrayForEach(problem, problems)
    {
        if (used < sizeof line)
            used += (size_t)snprintf(line + used, sizeof line - used, "%sproblem with %s: %s",
                                     used > 0 ? "; " : "", agent_text(problem, "about"),
                                     agent_text(problem, "text"));
    }
    if (used > 0 || f->problems.line[0] != '\0')
        tell(f, &f->problems, line);
}

static void draw_bar(struct follow *f, const cJSON *firmware)
{
    char line[GAUGE_LINE_MAX];
    struct status_gauge gauge;
    int columns = gauge_columns(f->out);
    ln_msec now = now_ms();
    erase_bar(f);
    if (!status_gauge(firmware, &gauge)) {
        f->rate = (struct gauge_rate) { .count = 0 };
        return;
    }
    gauge_rate_note(&f->rate, gauge.offset, now);
    gauge_line("download", gauge.offset, gauge.has_total ? &gauge.total : NULL,
               gauge_rate_of(&f->rate, gauge.offset, now), columns, line);
    fprintf(f->out, "%.*s", columns - 1, line);
    f->drawn = true;
}

static void show(struct follow *f, cJSON *status)
{
    size_t number = 0;
    const cJSON *server = NULL;
    const cJSON *firmware = agent_member(status, "firmware");
    agent_make_printable(status);
    cJSON_ArrayForEach(server, agent_member(status, "servers"))
    {
        if (number < SERVER_MAX)
            tell_server(f, &f->servers[number++], server);
    }
    tell_firmware(f, firmware);
    tell_problems(f, agent_member(status, "problems"));
    if (f->moving)
        draw_bar(f, firmware);
}

static bool print_line(FILE *out, const cJSON *status)
{
    char *text = cJSON_PrintUnformatted(status);
    if (text != NULL)
        fprintf(out, "%s\n", text);
    cJSON_free(text);
    return text != NULL;
}

int status_follow(struct control *control, const struct agent_args *args)
{
    static struct follow f;
    struct control_failure failure;
    cJSON *status = NULL;
    bool refused = false;
    f = (struct follow) { .out = stdout, .moving = isatty(STDOUT_FILENO) != 0 };
    while (!refused && (status = control_line(control, true, &failure)) != NULL) {
        refused = control_is_refusal(status, &failure);
        if (!refused && !args->json)
            show(&f, status);
        if (!refused && args->json && !print_line(stdout, status))
            refused = true;
        cJSON_Delete(status);
        if (fflush(stdout) != 0) /* nobody reads it any more */
            return EXIT_FINE;
    }
    erase_bar(&f);
    return agent_complain("status", args, &failure);
}
