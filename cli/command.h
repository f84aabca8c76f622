/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_CLI_COMMAND_H
#define LN_CLI_COMMAND_H
/**
 * @file command.h
 * The subcommands of `linnet`: one file each, one row each in the table of main.c.
 */

/** Exit statuses that all subcommands share; a failed connection is EXIT_CATEGORY + its category. */
enum exit_status {
    EXIT_FINE = 0,
    EXIT_USAGE = 2,     /**< the command line, or a setting on it, is wrong */
    EXIT_CATEGORY = 20, /**< + the position in LN_CATEGORY_LIST (linnet/diag.h) */
};

/** argv[0] is the first argument behind the name of the subcommand. @return the exit status */
int probe_main(int argc, char **argv);
int download_main(int argc, char **argv);
int status_main(int argc, char **argv);
int get_main(int argc, char **argv);
int set_main(int argc, char **argv);
int update_main(int argc, char **argv);
int notify_main(int argc, char **argv);
int why_main(int argc, char **argv);

/** The version of this program, such as "0.1.0". */
const char *program_version(void);

#endif
