/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LN_PORT_POSIX_H
#define LN_PORT_POSIX_H
/*
 * Internal: the pieces of the POSIX environment, and two knobs for tests.
 *
 * env.c puts the pieces together. All but the resolver are constant and need no context, so one
 * environment may be shared by threads. Sockets: src/net/posix.
 */
#include <linnet/env.h>

extern const struct ln_alloc ln__posix_alloc;
extern const struct ln_clock ln__posix_clock;
extern const struct ln_random ln__posix_random;
extern const struct ln_log ln__posix_log;
extern const struct ln_files ln__posix_files;

/* ---- files ---- */

/* The `replace` of struct ln_files. */
enum ln_status ln__posix_replace(void *ctx, const char *path, struct ln_span data);
/* The `remove` of struct ln_files. */
enum ln_status ln__posix_remove(void *ctx, const char *path);
/* What an errno of the file system means to the caller of struct ln_files. */
enum ln_status ln__posix_file_status(int error);
/* Whether a name is the one that replace() writes under before it renames: ".name.new". */
bool ln__posix_is_temporary(const char *name);

/* ---- resolver ---- */

/* What the resolver asks, and how long. Lives in the environment; written before it is used. */
struct ln__posix_dns {
    char *servers;  /* NULL = those of the system; owned */
    int timeout_ms; /* of the first round of questions */
    int tries;      /* rounds */
};

/* Of two files one is built: resolver_cares.c, or resolver_none.c, which gives no operations.
 * `dns` is borrowed for the life of the environment. */
enum ln_status ln__posix_resolver_init(struct ln__posix_dns *dns, struct ln_resolver *out);

/*
 * Ask these name servers instead of the system's: "127.0.0.1:5300,[::1]:53".
 *
 * For tests, on an environment of ln_env_posix_new(), before the first lookup. The text is copied
 * here and read by each lookup: one that c-ares cannot read makes lookups fail, not this call.
 * /etc/hosts and localhost are still looked at first. NULL: the system's again.
 * Returns LN_NO_MEMORY, and then nothing has changed.
 */
enum ln_status ln__posix_set_dns_servers(struct ln_env *env, const char *csv);

/* Wait so long for the first answer, and ask in so many rounds, each with twice the time of the one
 * before. For tests, as above. Both must be positive. */
void ln__posix_set_dns_timing(struct ln_env *env, int timeout_ms, int tries);

#endif
