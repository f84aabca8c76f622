/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file names.c
 * Names: the zone of a world, and the resolver that answers from it. The zone is read when an
 * answer comes due, so that a name may change while it is asked for.
 */
#include <stdio.h>

#include "testkit/machine.h"

enum { ADDRESSES_MAX = 16 };

struct ln__mem_name {
    struct ln__mem_name *next;
    struct ln_testkit_answer answers[2]; /* IPv4, IPv6 */
    size_t count;
    struct ln_addr addresses[ADDRESSES_MAX];
    char text[]; /* "" stands for all that are not in the zone */
};

/* ---- the zone ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* RFC 4343: case does not count; a final dot does not either. */
static bool same_name(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    a += a[0] == '.' && a[1] == '\0';
    b += b[0] == '.' && b[1] == '\0';
    return *a == '\0' && *b == '\0';
}

static struct ln__mem_name *find(const struct ln_testkit *kit, const char *text)
{
    struct ln__mem_name *name = kit->names;
    while (name != NULL && !same_name(name->text, text))
        name = name->next;
    return name;
}

static struct ln__mem_name *find_or_make(struct ln_testkit *kit, const char *text)
{
    struct ln__mem_name *name = find(kit, text);
    if (name != NULL)
        return name;
    size_t len = strlen(text) + 1;
    name = ln__mem_zeroed(kit, sizeof *name + len);
    if (name == NULL)
        return NULL;
    memcpy(name->text, text, len);
    name->next = kit->names;
    kit->names = name;
    return name;
}

static enum ln_status parse_addresses(struct ln_testkit *kit, const char *at, struct ln_addr *out,
                                      size_t *count)
{
    char word[LN_ADDR_TEXT_MAX];
    *count = 0;
    while (*(at += strspn(at, " ")) != '\0') {
        size_t len = strcspn(at, " ");
        (void)snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : 0, at);
        if (*count == ADDRESSES_MAX || ln_addr_parse(word, 0, &out[*count]) != LN_OK) {
            ln__mem_text(kit, "\"%s\" is not an address, or one too many", word);
            return LN_BAD_ARG;
        }
        ++*count;
        at += len;
    }
    return LN_OK;
}

enum ln_status ln_testkit_name(struct ln_testkit *kit, const char *text, const char *addresses)
{
    struct ln_addr parsed[ADDRESSES_MAX] = { { .family = LN_FAMILY_ANY } };
    size_t count = 0;
    enum ln_status st = parse_addresses(kit, addresses != NULL ? addresses : "", parsed, &count);
    if (st != LN_OK)
        return st;
    struct ln__mem_name *name = find_or_make(kit, text);
    if (name == NULL)
        return LN_NO_MEMORY;
    memcpy(name->addresses, parsed, sizeof parsed);
    name->count = count;
    return LN_OK;
}

enum ln_status ln_testkit_name_answer(struct ln_testkit *kit, const char *text,
                                      enum ln_family family, const struct ln_testkit_answer *answer)
{
    struct ln__mem_name *name = text != NULL ? find(kit, text) : find_or_make(kit, "");
    if (name == NULL)
        return text != NULL ? LN_NOT_FOUND : LN_NO_MEMORY;
    if (family != LN_IPV6)
        name->answers[0] = *answer;
    if (family != LN_IPV4)
        name->answers[1] = *answer;
    return LN_OK;
}

void ln__testkit_names_free(struct ln_testkit *kit)
{
    while (kit->names != NULL) {
        struct ln__mem_name *name = kit->names;
        kit->names = name->next;
        ln__mem_free(kit, name);
    }
}

/* ---- the resolver ---- */

struct lookup {
    struct ln_lookup base; /* first */
    const struct ln_env *env;
    struct ln_testkit *kit;
    enum ln_family family;
    ln_msec asked_at;
    char host[];
};

static struct ln_testkit_answer answer_of(const struct lookup *lookup)
{
    const struct ln__mem_name *name = find(lookup->kit, lookup->host);
    if (name == NULL)
        name = find(lookup->kit, "");
    return name != NULL ? name->answers[lookup->family == LN_IPV6]
                        : (struct ln_testkit_answer) { .delay_ms = 0 };
}

static ln_msec answer_at(const struct lookup *lookup)
{
    struct ln_testkit_answer answer = answer_of(lookup);
    return answer.silent ? LN_NEVER : lookup->asked_at + answer.delay_ms;
}

static enum ln_status fail(struct ln_diag *diag, enum ln_status status, const char *host)
{
    (void)ln_diag_set(diag, status, LN_CAT_DNS, LN_PHASE_RESOLVE, "cannot resolve %s: %s", host,
                      ln_status_meaning(status));
    ln_diag_native(diag, "testkit", 0, "scripted answer");
    return status;
}

static enum ln_status lookup_start(void *ctx, const struct ln_env *env, const char *host,
                                   enum ln_family family, struct ln_diag *diag,
                                   struct ln_lookup **out)
{
    struct ln_testkit_host *machine = ctx;
    enum ln_status st = LN_OK;
    *out = NULL;
    if (ln__testkit_point_fails(machine, LN_TESTKIT_RESOLVE, &st))
        return fail(diag, st, host);
    size_t len = strlen(host) + 1;
    struct lookup *lookup = ln_calloc(env, 1, sizeof *lookup + len);
    if (lookup == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_RESOLVE,
                           "no memory for a question");
    *lookup = (struct lookup) { .base = { .ops = &ln__testkit_machine_resolver_ops },
                                .env = env,
                                .kit = machine->kit,
                                .family = family,
                                .asked_at = ln_testkit_now(machine->kit) };
    memcpy(lookup->host, host, len);
    *out = &lookup->base;
    return LN_OK;
}

static enum ln_status lookup_poll(struct ln_lookup *base, ln_msec now, struct ln_addr *out,
                                  size_t room, size_t *count, struct ln_diag *diag)
{
    const struct lookup *lookup = (const struct lookup *)base;
    struct ln_testkit_answer answer = answer_of(lookup);
    *count = 0;
    if (now < answer_at(lookup))
        return LN_AGAIN;
    if (answer.status != LN_OK)
        return fail(diag, answer.status, lookup->host);
    const struct ln__mem_name *name = find(lookup->kit, lookup->host);
    for (size_t i = 0; name != NULL && i < name->count && *count < room; i++) {
        if (name->addresses[i].family == lookup->family)
            out[(*count)++] = name->addresses[i];
    }
    return *count > 0 ? LN_OK : fail(diag, LN_NOT_FOUND, lookup->host);
}

static void lookup_interest(const struct ln_lookup *base, struct ln_interest *want)
{
    ln_interest_until(want, answer_at((const struct lookup *)base));
}

static void lookup_cancel(struct ln_lookup *base)
{
    struct lookup *lookup = (struct lookup *)base;
    ln_free(lookup->env, lookup);
}

const struct ln_resolver_ops ln__testkit_machine_resolver_ops = {
    .start = lookup_start,
    .poll = lookup_poll,
    .interest = lookup_interest,
    .cancel = lookup_cancel,
};
