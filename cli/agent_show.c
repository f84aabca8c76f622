/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the agent's answers, as text for people. See agent.h. */
#include "agent.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* ---- what may be printed ---- */

/* C0, DEL, and C1 as UTF-8 has it: a terminal takes these for commands. */
static void clean(char *text)
{
    for (unsigned char *at = (unsigned char *)text; at != NULL && *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7F)
            *at = '?';
        else if (*at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0)
            at[0] = at[1] = '?';
    }
}

void agent_make_printable(cJSON *tree)
{
    for (cJSON *item = tree; item != NULL; item = item->next) {
        clean(item->string);
        clean(item->valuestring);
        agent_make_printable(item->child);
    }
}

/* ---- members ---- */

const cJSON *agent_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *agent_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(agent_member(object, name));
    return text != NULL ? text : "";
}

double agent_number(const cJSON *object, const char *name)
{
    const cJSON *item = agent_member(object, name);
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    return value >= 0 && value < 9e15 ? value : -1;
}

bool agent_is(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(agent_member(object, name)) != 0;
}

/* ---- times ---- */

static void two_units(char *text, uint64_t value, unsigned per, const char *big, const char *small)
{
    uint64_t rest = value % per;
    if (rest > 0)
        snprintf(text, 48, "%" PRIu64 " %s %" PRIu64 " %s", value / per, big, rest, small);
    else
        snprintf(text, 48, "%" PRIu64 " %s", value / per, big);
}

const char *agent_duration(double ms, char text[48])
{
    uint64_t s = ms > 0 ? (uint64_t)(ms / 1000) : 0;
    if (ms < 0)
        snprintf(text, 48, "never");
    else if (s < 10)
        snprintf(text, 48, "%.1f s", ms / 1000);
    else if (s < 60)
        snprintf(text, 48, "%" PRIu64 " s", s);
    else if (s < 3600)
        two_units(text, s, 60, "min", "s");
    else if (s < 48 * 3600u)
        two_units(text, s / 60, 60, "h", "min");
    else
        two_units(text, s / 3600, 24, "days", "h");
    return text;
}

const char *agent_clock(double wall_s, char text[48])
{
    struct tm parts;
    time_t when = (time_t)wall_s;
    if (wall_s < 0 || gmtime_r(&when, &parts) == NULL ||
        strftime(text, 48, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        snprintf(text, 48, "at an unknown time");
    return text;
}

/* ---- what several answers have ---- */

void agent_show_wait(FILE *out, int indent, const cJSON *object)
{
    char text[48];
    const char *what = agent_text(object, "waits_for");
    double ms = agent_number(object, "waits_ms");
    if (*what == '\0')
        return;
    fprintf(out, "%*swaits for %s", indent, "", what);
    if (ms >= 0)
        fprintf(out, ", in %s", agent_duration(ms, text));
    fputc('\n', out);
}

void agent_show_failure(FILE *out, int indent, const cJSON *object)
{
    char text[48];
    const cJSON *failure = agent_member(object, "failure");
    const char *advice = agent_text(failure, "advice");
    if (!cJSON_IsObject(failure))
        return;
    fprintf(out, "%*sFAILED: %s\n", indent, "", agent_text(failure, "category"));
    fprintf(out, "%*s  what  %s\n", indent, "", agent_text(failure, "text"));
    if (*advice != '\0')
        fprintf(out, "%*s  try   %s\n", indent, "", advice);
    if (agent_number(failure, "since") >= 0)
        fprintf(out, "%*s  since %s\n", indent, "",
                agent_clock(agent_number(failure, "since"), text));
}
