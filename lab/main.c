/* SPDX-License-Identifier: Apache-2.0 */
/** @file main.c  linnet-lab: the loop, and what is told. See lab.h. */
#include "clients.h"
#include "command.h"
#include "definitions.h"
#include "exchange.h"
#include "expect.h"
#include "input.h"
#include "lab.h"
#include "report.h"
#include "server.h"
#include "util.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- telling ---- */

static void print(struct lab *lab, const cJSON *told)
{
    input_step_aside(lab->input);
    if (lab->options->json)
        report_json(stdout, told);
    else
        report_text(stdout, told);
    fflush(stdout);
    input_come_back(lab->input);
}

cJSON *lab_new_answer(const struct lab *lab)
{
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "answer", lab->command == NULL ? "?" : lab->command);
    return answer;
}

cJSON *lab_new_event(const char *kind, const char *endpoint)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddStringToObject(event, "event", kind);
    if (endpoint != NULL)
        cJSON_AddStringToObject(event, "endpoint", endpoint);
    return event;
}

static bool is_expect(const struct lab *lab)
{
    return lab->command != NULL && strcmp(lab->command, "expect") == 0;
}

void lab_answer(struct lab *lab, cJSON *answer)
{
    if (!is_expect(lab)) /* an expectation is about what was told before it */
        expect_note_answer(lab, answer);
    if (lab->options->json || !is_expect(lab))
        print(lab, answer);
    lab->command = NULL;
    cJSON_Delete(answer);
}

void lab_event(struct lab *lab, cJSON *event)
{
    print(lab, event);
    expect_note_event(lab, event);
    cJSON_Delete(event);
}

/* An expectation did not hold, or a script has a mistake: it ends there. */
/* `place` is taken. */
static void count_failure(struct lab *lab, char *place, const char *why)
{
    fprintf(stderr, "linnet-lab: %s%s\n", place, why);
    free(place);
    lab->failures++;
    if (input_is_script(lab->input))
        lab->stopping = true;
}

void lab_fail(struct lab *lab, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ln__text_clean(
        text); /* with a value of a device in it, perhaps, which may be cut in a character */
    cJSON *answer = lab_new_answer(lab);
    cJSON_AddStringToObject(answer, "error", text);
    if (is_expect(lab)) {
        cJSON_AddBoolToObject(answer, "held", false);
        count_failure(lab, input_place(lab->input), text);
    } else {
        free(lab->failed);
        lab->failed = input_place(lab->input);
    }
    lab_answer(lab, answer);
}

/* ---- signals ---- */

static int wake[2] = { -1, -1 };

static void on_signal(int number)
{
    (void)number;
    int error = errno;
    (void)!write(wake[1], "", 1);
    errno = error;
}

static bool catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    if (pipe(wake) != 0)
        return false;
    for (int i = 0; i < 2; i++) {
        if (fcntl(wake[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(wake[i], F_SETFD, FD_CLOEXEC) != 0)
            return false;
    }
    return sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0 &&
           signal(SIGPIPE, SIG_IGN) != SIG_ERR;
}

static void on_wake(struct lab *lab)
{
    char bytes[16];
    while (read(wake[0], bytes, sizeof bytes) > 0)
        ;
    if (lab->command != NULL && input_is_prompt(lab->input))
        exchanges_interrupt(lab->exchanges);
    else
        lab->stopping = true;
}

/* ---- the loop ---- */

/* A script goes on after a command that failed only to say that it should: expect error. */
static void check_failed(struct lab *lab, const char *next)
{
    if (lab->failed == NULL || !input_is_script(lab->input))
        return;
    const char *at = next == NULL ? "" : next + strspn(next, " \t");
    if (*at == '#' || (next != NULL && *at == '\0'))
        return;
    char *place = lab->failed;
    lab->failed = NULL;
    if (lab_begins(at, "expect error"))
        free(place);
    else
        count_failure(lab, place, "this command failed, and no 'expect error' follows");
}

/* All lines that can be carried out now. */
static void run_lines(struct lab *lab)
{
    while (!lab->stopping && lab->command == NULL) {
        char *line = input_line(lab->input);
        if (line != NULL || input_ended(lab->input))
            check_failed(lab, line);
        if (line == NULL) {
            if (input_ended(lab->input))
                lab->stopping = true;
            return;
        }
        if (!lab->stopping)
            command_run(lab, line);
        lab_wipe(line, strlen(line)); /* it may hold a key */
        free(line);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is over by now. @return the milliseconds to the next such time, for poll() */
static int expire(struct lab *lab)
{
    int64_t now = lab_now();
    int64_t next = clients_expire(lab->clients, now);
    next = earlier(next, exchanges_expire(lab->exchanges, now));
    next = earlier(next, expect_expire(lab, now));
    if (next == INT64_MAX)
        return -1;
    int64_t wait = next - now;
    return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

static void turn(struct lab *lab)
{
    int wait = expire(lab);
    run_lines(lab);
    if (lab->stopping)
        return;
    if (lab->command == NULL)
        input_ready(lab->input);
    server_prepare(lab->server);
    struct pollfd fds[] = {
        { .fd = server_fd(lab->server), .events = POLLIN },
        { .fd = server_front_fd(lab->server), .events = POLLIN },
        { .fd = wake[0], .events = POLLIN },
        /* while a command is not done, the next lines wait where they are */
        { .fd = lab->command == NULL ? input_fd(lab->input) : -1, .events = POLLIN },
    };
    if (lab->command != NULL) /* it was begun after the times were looked at */
        wait = expire(lab);
    if (poll(fds, sizeof fds / sizeof *fds, wait) < 0)
        return; /* a signal: the pipe tells */
    if (fds[2].revents != 0)
        on_wake(lab);
    server_process(lab->server);
    if (fds[3].revents != 0)
        input_process(lab->input);
}

static bool start(struct lab *lab)
{
    lab->timeout_ms = lab->options->timeout_ms;
    lab->clients = clients_new(lab);
    lab->exchanges = exchanges_new(lab);
    lab->expectation = expect_new(lab);
    if (!catch_signals())
        return false;
    lab->server = server_new(lab);
    if (lab->server == NULL)
        return false;
    cJSON *event = server_describe(lab->server);
    print(lab, event);
    cJSON_Delete(event);
    lab->input = input_new(lab);
    return lab->input != NULL;
}

static void stop(struct lab *lab)
{
    input_free(lab->input);
    clients_free(lab->clients); /* before the sessions that it refers to */
    server_free(lab->server);
    exchanges_free(lab->exchanges);
    expect_free(lab->expectation);
    keys_free(&lab->keys);
    free(lab->failed);
    free(lab->chosen);
    definitions_free();
}

int main(int argc, char **argv)
{
    struct options options;
    struct lab lab = { .options = &options };
    int status = 2;
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* texts of LwM2M are UTF-8, so is what is typed */
    enum options_result read = options_read(&options, &lab.keys, argc, argv);
    if (read == OPTIONS_DONE) {
        status = 0;
    } else if (read == OPTIONS_RUN && start(&lab)) {
        while (!lab.stopping)
            turn(&lab);
        status = lab.failures > 0 ? 1 : 0;
    }
    stop(&lab);
    return status;
}
