/* SPDX-License-Identifier: Apache-2.0 */
#include "problems.h"

#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const words[PROBLEM_MATTERS] = {
    [PROBLEM_STATE] = "state", [PROBLEM_CLOCK] = "clock",   [PROBLEM_CONTROL] = "control",
    [PROBLEM_HOOK] = "hook",   [PROBLEM_CONFIG] = "config",
};

const char *problem_word(enum problem_matter matter)
{
    return words[matter];
}

void problem_set(struct problems *problems, enum problem_matter matter, const char *text, ...)
{
    struct problem *p = &problems->of[matter];
    char line[PROBLEM_TEXT_MAX];
    va_list values;
    va_start(values, text);
    int made = vsnprintf(line, sizeof line, text, values);
    va_end(values);
    if (made < 0 || (p->is && strcmp(p->text, line) == 0))
        return;
    memcpy(p->text, line, sizeof line);
    p->is = true;
    p->since = problems->env->clock.wall(problems->env->clock.ctx);
    log_line(LN_LOG_ERROR, "%s: %s", words[matter], line);
}

void problem_clear(struct problems *problems, enum problem_matter matter)
{
    if (problems->of[matter].is)
        log_line(LN_LOG_INFO, "%s: all is well again", words[matter]);
    problems->of[matter].is = false;
}

struct failure *problem_of_server(struct problems *problems, uint16_t ssid)
{
    for (size_t i = 0; i < CONFIG_SERVERS_MAX; i++) {
        if (problems->servers[i].ssid == 0)
            problems->servers[i].ssid = ssid;
        if (problems->servers[i].ssid == ssid)
            return &problems->servers[i].failure;
    }
    return NULL;
}

void failure_text(const struct failure *failure, char *text, size_t size)
{
    if (failure->diag.status != LN_OK)
        ln_diag_line(&failure->diag, text, size);
    else if (failure->code != 0)
        (void)snprintf(text, size, "the server answered %u.%02u; see its log", failure->code >> 5,
                       failure->code & 31u);
    else
        (void)snprintf(text, size, "the server did not answer; check that it runs and is reached");
}
