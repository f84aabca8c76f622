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
    problems->changes++;
    p->since = problems->env->clock.wall(problems->env->clock.ctx);
    log_line(LN_LOG_ERROR, "%s: %s", words[matter], line);
}

void problem_clear(struct problems *problems, enum problem_matter matter)
{
    if (!problems->of[matter].is)
        return;
    problems->of[matter].is = false;
    problems->changes++;
    log_line(LN_LOG_INFO, "%s: all is well again", words[matter]);
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

/* What to do about an answer of CoAP that is no success. */
static const char *answer_advice(uint8_t code)
{
    switch (code) {
    case LN_COAP_UNAUTHORIZED:
    case LN_COAP_FORBIDDEN:
        return "it does not accept this endpoint with these credentials: check the endpoint name and the "
               "identity on both sides";
    case LN_COAP_PRECONDITION_FAILED:
        return "it does not speak this version of LwM2M: set lwm2m in [agent] to a lower one";
    case LN_COAP_BAD_REQUEST:
        return "it does not accept this registration: see its log, and check endpoint, binding and lifetime";
    default:
        return ln_category_advice(LN_CAT_ANSWER);
    }
}

void failure_words(const struct failure *failure, struct failure_words *out)
{
    const struct ln_diag *d = &failure->diag;
    if (d->status != LN_OK) {
        out->category = ln_category_word(d->category);
        out->advice = ln_category_advice(d->category);
        (void)snprintf(out->text, sizeof out->text, "%s", d->text);
    } else if (failure->code != 0) {
        out->category = ln_category_word(LN_CAT_ANSWER);
        out->advice = answer_advice(failure->code);
        (void)snprintf(out->text, sizeof out->text, "the server answered %u.%02u",
                       failure->code >> 5, failure->code & 31u);
    } else {
        out->category = ln_category_word(LN_CAT_NO_ANSWER);
        out->advice = ln_category_advice(LN_CAT_NO_ANSWER);
        (void)snprintf(out->text, sizeof out->text, "the server did not answer");
    }
}

void failure_text(const struct failure *failure, char *text, size_t size)
{
    struct failure_words words_of;
    if (failure->diag.status != LN_OK) {
        ln_diag_line(&failure->diag, text, size);
        return;
    }
    failure_words(failure, &words_of);
    (void)snprintf(text, size, "%s: %s", words_of.text, words_of.advice);
}
