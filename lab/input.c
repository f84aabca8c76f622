/* SPDX-License-Identifier: Apache-2.0 */
/** @file input.c  See input.h. */
#include "input.h"

#include "lab.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_NONE, KIND_SCRIPT, KIND_PIPE, KIND_PROMPT };

struct input {
    struct lab *lab;
    enum kind kind;
    int fd;
    unsigned number; /**< of the line that came last */
    char *buffer;    /**< what was read and not taken */
    size_t len;
    bool ended; /**< nothing more can be read */
};

static struct input *prompting; /* the library of the prompt calls back without a context */

static void on_prompt_line(char *text)
{
    struct input *in = prompting;
    if (text == NULL) {
        in->ended = true;
        return;
    }
    size_t len = strlen(text);
    in->buffer = lab_resize(in->buffer, in->len + len + 1);
    memcpy(in->buffer + in->len, text, len);
    in->len += len;
    in->buffer[in->len++] = '\n';
    free(text);
}

static void read_more(struct input *in)
{
    char chunk[4096];
    ssize_t len = read(in->fd, chunk, sizeof chunk);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        in->ended = true;
        return;
    }
    in->buffer = lab_resize(in->buffer, in->len + (size_t)len);
    memcpy(in->buffer + in->len, chunk, (size_t)len);
    in->len += (size_t)len;
}

static bool open_script(struct input *in, const char *path)
{
    in->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
        fprintf(stderr, "linnet-lab: %s: %s\n", path, strerror(errno));
        return false;
    }
    while (!in->ended)
        read_more(in);
    close(in->fd);
    in->fd = -1;
    return true;
}

struct input *input_new(struct lab *lab)
{
    const struct options *o = lab->options;
    struct input *in = lab_alloc(sizeof *in);
    in->lab = lab;
    in->fd = -1;
    if (o->serve) {
        in->kind = KIND_NONE;
        return in;
    }
    if (o->script != NULL) {
        in->kind = KIND_SCRIPT;
        if (open_script(in, o->script))
            return in;
        free(in);
        return NULL;
    }
    in->fd = STDIN_FILENO;
    in->kind = isatty(STDIN_FILENO) && !o->json ? KIND_PROMPT : KIND_PIPE;
    if (in->kind == KIND_PROMPT) {
        prompting = in;
        prompt_start(lab, on_prompt_line);
    }
    return in;
}

int input_fd(const struct input *in)
{
    return in->ended ? -1 : in->fd;
}

void input_ready(struct input *in)
{
    if (in->kind == KIND_PROMPT && !in->ended)
        prompt_show();
}

void input_process(struct input *in)
{
    if (in->kind == KIND_PROMPT)
        prompt_read();
    else
        read_more(in);
}

char *input_line(struct input *in)
{
    const char *end = in->len == 0 ? NULL : memchr(in->buffer, '\n', in->len);
    if (end == NULL && (!in->ended || in->len == 0))
        return NULL;
    size_t len = end == NULL ? in->len : (size_t)(end - in->buffer);
    char *line = lab_copy(in->buffer, len);
    size_t used = end == NULL ? len : len + 1;
    in->len -= used;
    memmove(in->buffer, in->buffer + used, in->len);
    in->number++;
    return line;
}

bool input_ended(const struct input *in)
{
    return in->kind != KIND_NONE && in->ended && in->len == 0;
}

bool input_is_prompt(const struct input *in)
{
    return in->kind == KIND_PROMPT;
}

bool input_is_script(const struct input *in)
{
    return in->kind == KIND_SCRIPT;
}

char *input_place(const struct input *in)
{
    if (in->kind == KIND_SCRIPT)
        return lab_format("%s:%u: ", in->lab->options->script, in->number);
    return lab_text("");
}

void input_step_aside(struct input *in)
{
    if (in != NULL && in->kind == KIND_PROMPT)
        prompt_step_aside();
}

void input_come_back(struct input *in)
{
    if (in != NULL && in->kind == KIND_PROMPT)
        prompt_come_back();
}

void input_free(struct input *in)
{
    if (in == NULL)
        return;
    if (in->kind == KIND_PROMPT)
        prompt_stop();
    free(in->buffer);
    free(in);
}
