/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_INPUT_H
#define LAB_INPUT_H
/**
 * @file input.h
 * Where commands come from: a script, a pipe, or a person at a prompt with history and completion.
 */
#include <stdbool.h>
#include <stddef.h>

struct lab;
struct input;

/** @return NULL; what failed was told on standard error */
struct input *input_new(struct lab *lab);

/** To wait for; -1: nothing to wait for now. */
int input_fd(const struct input *input);

/** The next line can be carried out: a prompt shows itself. */
void input_ready(struct input *input);

/** The descriptor is readable. */
void input_process(struct input *input);

/** The next line, to free(); NULL: there is none yet, or any more. */
char *input_line(struct input *input);

/** No line will come any more. */
bool input_ended(const struct input *input);

/** Whether a person waits for the answer, so that an interrupt is about the command. */
bool input_is_prompt(const struct input *input);

/** "demo.lab:12: " for messages about the line that came last; "" without a file. free() it. */
char *input_place(const struct input *input);

/** Whether a failure ends it: it is a script. */
bool input_is_script(const struct input *input);

/** Before and after something is printed: a prompt steps aside. */
void input_step_aside(struct input *input);
void input_come_back(struct input *input);

void input_free(struct input *input);

/* prompt.c */

/** `line` gets each line, to free(), and NULL at the end. Nothing shows yet. */
void prompt_start(struct lab *lab, void (*line)(char *text));
/** Show the prompt, until there is a line. */
void prompt_show(void);
void prompt_read(void);
void prompt_step_aside(void);
void prompt_come_back(void);
void prompt_stop(void);

#endif
