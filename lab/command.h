/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAB_COMMAND_H
#define LAB_COMMAND_H
/**
 * @file command.h
 * The commands.
 */
#include <stddef.h>

struct lab;

/** Do what a line says. Its answer comes by lab_answer() or lab_fail(), now or later; until then
 *  lab->command is set. An empty line does nothing. */
void command_run(struct lab *lab, const char *line);

/** The i-th command's name, NULL: no more. */
const char *command_name_at(size_t i);

#endif
