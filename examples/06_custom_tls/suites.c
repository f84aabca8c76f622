/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Versions, suites, groups and signatures, by IANA id and in the caller's order -> a priority string.
 *
 * GnuTLS takes no list of suites. It takes lists of key exchanges, ciphers and MACs, and offers every
 * suite that they make: first those of TLS 1.3 in the order of the ciphers, then for each key exchange
 * the others in the order of the ciphers. So not every list can be expressed. The lists that come
 * nearest are computed, GnuTLS is asked what it makes of them, and anything but the suites that were
 * asked for, in their order, is refused. Where the caller asked for none in particular
 * (`suites_default`), the order is GnuTLS's and what would bring unwanted ones along is left out.
 */
#include "backend.h"
#include <stdio.h>

#define SUITES_MAX 64
#define ITEMS_MAX 24
#define PRIORITY_MAX 2048

/** A suite as GnuTLS takes it apart. */
struct suite {
    uint16_t id;
    bool tls13;
    gnutls_kx_algorithm_t kx;
    gnutls_cipher_algorithm_t cipher;
    gnutls_mac_algorithm_t mac;
    gnutls_protocol_t oldest; /**< that has it, of TLS */
};

struct suites {
    size_t count;
    struct suite at[SUITES_MAX];
};

/** Ids of one kind, each once. */
struct items {
    size_t count;
    int at[ITEMS_MAX];
};

/** What the priority string is written from. */
struct plan {
    struct suites wanted;
    struct items kx;
    struct items ciphers;
    struct items macs;
    bool tls13;
    bool old;
};

/* ---- what GnuTLS knows ---- */

static bool read_suite(size_t index, struct suite *out)
{
    unsigned char id[2] = { 0, 0 };
    memset(out, 0, sizeof *out);
    if (gnutls_cipher_suite_info(index, id, &out->kx, &out->cipher, &out->mac, &out->oldest) ==
        NULL)
        return false;
    out->id = (uint16_t)(id[0] << 8 | id[1]);
    out->tls13 = id[0] == 0x13;
    return true;
}

static bool find_suite(uint16_t id, struct suite *out)
{
    for (size_t i = 0; read_suite(i, out); i++) {
        if (out->id == id)
            return true;
    }
    return false;
}

uint16_t gtls_suite_id(gnutls_session_t session)
{
    return ln_suite_id(gnutls_ciphersuite_get(session));
}

/* ---- the order of the parts ---- */

static size_t index_of(const struct items *items, int id)
{
    size_t i = 0;
    while (i < items->count && items->at[i] != id)
        i++;
    return i;
}

static void add_item(struct items *items, int id)
{
    if (index_of(items, id) == items->count && items->count < ITEMS_MAX)
        items->at[items->count++] = id;
}

/* Whether the list wants cipher a before cipher b: they are compared within TLS 1.3, and within one key
 * exchange. */
static bool wants_before(const struct suites *list, int a, int b)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct suite *first = &list->at[i];
        for (size_t k = i + 1; (int)first->cipher == a && k < list->count; k++) {
            const struct suite *second = &list->at[k];
            if ((int)second->cipher == b && first->tls13 == second->tls13 &&
                first->kx == second->kx)
                return true;
        }
    }
    return false;
}

/* Those that nothing has to precede come first, each in the order in which it was named. A circle is
 * broken anywhere: the order will be found wrong when GnuTLS is asked. */
static void order_ciphers(const struct suites *list, struct items *ciphers)
{
    struct items left = *ciphers;
    ciphers->count = 0;
    while (left.count > 0) {
        size_t next = 0;
        for (size_t i = left.count; i-- > 0;) {
            bool preceded = false;
            for (size_t k = 0; k < left.count && !preceded; k++)
                preceded = k != i && wants_before(list, left.at[k], left.at[i]);
            next = preceded ? next : i;
        }
        ciphers->at[ciphers->count++] = left.at[next];
        for (size_t i = next + 1; i < left.count; i++)
            left.at[i - 1] = left.at[i];
        left.count--;
    }
}

static void take_apart(struct plan *p)
{
    p->kx.count = p->ciphers.count = p->macs.count = 0;
    for (size_t i = 0; i < p->wanted.count; i++) {
        const struct suite *s = &p->wanted.at[i];
        if (!s->tls13)
            add_item(&p->kx, (int)s->kx);
        add_item(&p->ciphers, (int)s->cipher);
        add_item(&p->macs, (int)s->mac);
    }
    order_ciphers(&p->wanted, &p->ciphers);
}

/* ---- groups and signatures ---- */

static const struct {
    uint16_t id;
    gnutls_group_t group;
} groups[] = {
    { 0x0015, GNUTLS_GROUP_SECP224R1 }, { 0x0017, GNUTLS_GROUP_SECP256R1 },
    { 0x0018, GNUTLS_GROUP_SECP384R1 }, { 0x0019, GNUTLS_GROUP_SECP521R1 },
    { 0x001d, GNUTLS_GROUP_X25519 },    { 0x001e, GNUTLS_GROUP_X448 },
    { 0x0100, GNUTLS_GROUP_FFDHE2048 }, { 0x0101, GNUTLS_GROUP_FFDHE3072 },
    { 0x0102, GNUTLS_GROUP_FFDHE4096 }, { 0x0103, GNUTLS_GROUP_FFDHE6144 },
    { 0x0104, GNUTLS_GROUP_FFDHE8192 },
};

static gnutls_group_t find_group(uint16_t id)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (groups[i].id == id)
            return groups[i].group;
    }
    return GNUTLS_GROUP_INVALID;
}

uint16_t gtls_group_id(gnutls_session_t session)
{
    gnutls_group_t group = (gnutls_group_t)gnutls_group_get(session);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (groups[i].group == group)
            return groups[i].id;
    }
    return 0;
}

/* GnuTLS has a name of its own for ECDSA of TLS 1.3, which is bound to a curve. */
static const struct {
    uint16_t id;
    bool weak;
    const char *name;
} signatures[] = {
    { 0x0403, false, "+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256" },
    { 0x0503, false, "+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SECP384R1-SHA384" },
    { 0x0603, false, "+SIGN-ECDSA-SHA512:+SIGN-ECDSA-SECP521R1-SHA512" },
    { 0x0807, false, "+SIGN-EDDSA-ED25519" },
    { 0x0808, false, "+SIGN-EDDSA-ED448" },
    { 0x0804, false, "+SIGN-RSA-PSS-RSAE-SHA256" },
    { 0x0805, false, "+SIGN-RSA-PSS-RSAE-SHA384" },
    { 0x0806, false, "+SIGN-RSA-PSS-RSAE-SHA512" },
    { 0x0809, false, "+SIGN-RSA-PSS-SHA256" },
    { 0x080a, false, "+SIGN-RSA-PSS-SHA384" },
    { 0x080b, false, "+SIGN-RSA-PSS-SHA512" },
    { 0x0401, false, "+SIGN-RSA-SHA256" },
    { 0x0501, false, "+SIGN-RSA-SHA384" },
    { 0x0601, false, "+SIGN-RSA-SHA512" },
    { 0x0203, true, "+SIGN-ECDSA-SHA1" },
    { 0x0201, true, "+SIGN-RSA-SHA1" },
};

static const size_t signature_count = sizeof signatures / sizeof signatures[0];

static const char *find_signature(uint16_t id)
{
    for (size_t i = 0; i < signature_count; i++) {
        if (signatures[i].id == id)
            return signatures[i].name;
    }
    return NULL;
}

/* ---- versions ---- */

static const struct {
    uint16_t id;
    gnutls_protocol_t version;
    bool datagram;
    const char *name;
} versions[] = {
    { LN_TLS_1_3, GNUTLS_TLS1_3, false, "+VERS-TLS1.3" },
    { LN_TLS_1_2, GNUTLS_TLS1_2, false, "+VERS-TLS1.2" },
    { LN_TLS_1_1, GNUTLS_TLS1_1, false, "+VERS-TLS1.1" },
    { LN_TLS_1_0, GNUTLS_TLS1_0, false, "+VERS-TLS1.0" },
    { LN_DTLS_1_2, GNUTLS_DTLS1_2, true, "+VERS-DTLS1.2" },
    { LN_DTLS_1_0, GNUTLS_DTLS1_0, true, "+VERS-DTLS1.0" },
};

uint16_t gtls_version_id(gnutls_session_t session)
{
    gnutls_protocol_t version = gnutls_protocol_get_version(session);
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (versions[i].version == version)
            return versions[i].id;
    }
    return 0;
}

/* The numbers of DTLS count down. */
static bool is_between(const struct ln_tls_settings *s, uint16_t id)
{
    if (s->datagram)
        return id <= s->min_version && id >= s->max_version;
    return id >= s->min_version && id <= s->max_version;
}

/* The newest version that may be agreed on, as one of TLS. */
static gnutls_protocol_t newest(const struct ln_tls_settings *s)
{
    if (s->datagram)
        return s->max_version == LN_DTLS_1_0 ? GNUTLS_TLS1_1 : GNUTLS_TLS1_2;
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (versions[i].id == s->max_version)
            return versions[i].version;
    }
    return GNUTLS_TLS1_2;
}

/* ---- the string ---- */

struct text {
    char at[PRIORITY_MAX];
    size_t len;
};

static void add(struct text *t, const char *prefix, const char *name)
{
    int len = snprintf(t->at + t->len, sizeof t->at - t->len, ":%s%s", prefix, name);
    if (len > 0 && (size_t)len < sizeof t->at - t->len)
        t->len += (size_t)len;
    else
        t->len = sizeof t->at - 1; /* GnuTLS will not like the torn word */
}

static void write_versions(const struct ln_tls_settings *s, struct text *t)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        if (versions[i].datagram == s->datagram && is_between(s, versions[i].id))
            add(t, "", versions[i].name);
    }
}

static void write_plan(const struct plan *p, const struct ln_tls_settings *s, struct text *t)
{
    memcpy(t->at, "NONE", sizeof "NONE");
    t->len = strlen(t->at);
    write_versions(s, t);
    for (size_t i = 0; i < p->kx.count; i++)
        add(t, "+", gnutls_kx_get_name((gnutls_kx_algorithm_t)p->kx.at[i]));
    for (size_t i = 0; i < p->ciphers.count; i++)
        add(t, "+", gnutls_cipher_get_name((gnutls_cipher_algorithm_t)p->ciphers.at[i]));
    for (size_t i = 0; i < p->macs.count; i++)
        add(t, "+", gnutls_mac_get_name((gnutls_mac_algorithm_t)p->macs.at[i]));
    for (size_t i = 0; i < s->group_count; i++)
        add(t, "+GROUP-", gnutls_group_get_name(find_group(s->groups[i])));
    for (size_t i = 0; i < s->signature_count; i++)
        add(t, "", find_signature(s->signatures[i]));
    for (size_t i = 0; s->signature_count == 0 && i < signature_count; i++) {
        if (!signatures[i].weak || s->insecure_old_versions)
            add(t, "", signatures[i].name);
    }
    add(t, "", "+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE");
    if (!s->insecure_old_versions)
        add(t, "", "%PROFILE_MEDIUM"); /* 112 bits, as everywhere in Linnet */
}

/* ---- what comes of it ---- */

static bool is_in(const struct suites *list, uint16_t id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i].id == id)
            return true;
    }
    return false;
}

/* The suites that a ClientHello with these priorities has. */
static void list_offered(gnutls_priority_t priority, const struct plan *p, struct suites *out)
{
    unsigned index = 0;
    int ret = 0;
    out->count = 0;
    for (unsigned i = 0; ret != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
        struct suite suite;
        ret = gnutls_priority_get_cipher_suite_index(priority, i, &index);
        if (ret < 0 || !read_suite(index, &suite) || !(suite.tls13 ? p->tls13 : p->old))
            continue;
        if (out->count < SUITES_MAX)
            out->at[out->count++] = suite;
    }
}

static int try_plan(const struct plan *p, const struct ln_tls_settings *s, gnutls_priority_t *out,
                    struct suites *offered)
{
    struct text text;
    write_plan(p, s, &text);
    int ret = gnutls_priority_init(out, text.at, NULL);
    offered->count = 0;
    if (ret >= 0)
        list_offered(*out, p, offered);
    else
        *out = NULL;
    return ret;
}

/* A client demands RFC 5746 of its server; of clients nobody can. */
static int make_client_priority(struct gtls_config *c, const struct plan *p,
                                const struct ln_tls_settings *s)
{
    struct text text;
    write_plan(p, s, &text);
    if (!s->insecure_legacy_server)
        add(&text, "", "%SAFE_RENEGOTIATION");
    int ret = gnutls_priority_init(&c->client_priority, text.at, NULL);
    if (ret < 0)
        c->client_priority = NULL;
    return ret;
}

/* A suite that was not asked for, or NULL. */
static const struct suite *uninvited(const struct plan *p, const struct suites *offered)
{
    for (size_t i = 0; i < offered->count; i++) {
        if (!is_in(&p->wanted, offered->at[i].id))
            return &offered->at[i];
    }
    return NULL;
}

static bool same_order(const struct plan *p, const struct suites *offered)
{
    bool same = p->wanted.count == offered->count;
    for (size_t i = 0; same && i < offered->count; i++)
        same = p->wanted.at[i].id == offered->at[i].id;
    return same;
}

/* ---- planning ---- */

static void drop(struct suites *list, size_t at)
{
    for (size_t i = at + 1; i < list->count; i++)
        list->at[i - 1] = list->at[i];
    list->count--;
}

/* What brings `guest` along is the last suite with its cipher that could do without. */
static bool drop_host(struct suites *list, const struct suite *guest)
{
    for (size_t i = list->count; i-- > 0;) {
        if (list->at[i].cipher == guest->cipher && !list->at[i].tls13) {
            drop(list, i);
            return true;
        }
    }
    return false;
}

/* An external key of TLS 1.3 goes with or without a fresh exchange (psk_dhe_ke, psk_ke), and GnuTLS
 * offers what its key exchanges of TLS 1.2 name. Neither must be missing. */
static bool add_psk_modes(struct plan *p, const struct ln_tls_settings *s)
{
    static const gnutls_kx_algorithm_t fresh[] = { GNUTLS_KX_ECDHE_PSK, GNUTLS_KX_DHE_PSK };
    bool has_fresh = index_of(&p->kx, GNUTLS_KX_ECDHE_PSK) < p->kx.count ||
                     index_of(&p->kx, GNUTLS_KX_DHE_PSK) < p->kx.count;
    const struct items before = p->kx;
    for (size_t i = 0; i < 2 && !has_fresh; i++) {
        gnutls_priority_t priority = NULL;
        struct suites offered;
        p->kx.count = 0;
        add_item(&p->kx, (int)fresh[i]);
        for (size_t k = 0; k < before.count; k++)
            add_item(&p->kx, before.at[k]);
        if (try_plan(p, s, &priority, &offered) < 0)
            continue;
        has_fresh = uninvited(p, &offered) == NULL;
        gnutls_priority_deinit(priority);
    }
    add_item(&p->kx, GNUTLS_KX_PSK);
    return has_fresh;
}

static enum ln_status refuse(struct ln_diag *diag, const char *field, uint16_t id, const char *name)
{
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "%s: GnuTLS does not have %s (0x%04x)", field,
                       name != NULL ? name : "the one", (unsigned)id);
}

static enum ln_status refuse_guest(struct ln_diag *diag, const struct suite *guest)
{
    const char *name = ln_suite_name(guest->id);
    return ln_diag_set(diag, LN_UNSUPPORTED, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                       "suites: GnuTLS cannot offer these without %s (0x%04x)",
                       name != NULL ? name : "another one", (unsigned)guest->id);
}

/* Which of the suites GnuTLS has, and can offer without others. */
static enum ln_status choose(struct plan *p, const struct ln_tls_settings *s, struct ln_diag *diag)
{
    for (size_t i = 0; i < s->suite_count; i++) {
        struct suite suite;
        if (!find_suite(s->suites[i], &suite) && !s->suites_default)
            return refuse(diag, "suites", s->suites[i], ln_suite_name(s->suites[i]));
        bool usable = suite.id == s->suites[i] && suite.oldest <= newest(s);
        if (usable && p->wanted.count < SUITES_MAX)
            p->wanted.at[p->wanted.count++] = suite;
    }
    if (p->wanted.count == 0)
        return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                "suites: GnuTLS has none of a version up to max_version");
    for (;;) {
        gnutls_priority_t priority = NULL;
        struct suites offered;
        take_apart(p);
        if (s->auth == LN_AUTH_PSK && p->tls13 && !add_psk_modes(p, s))
            return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                    "suites: GnuTLS cannot offer these of TLS 1.2 along with a "
                                    "fresh key exchange of TLS 1.3");
        if (try_plan(p, s, &priority, &offered) < 0)
            return LN_OK; /* the last try will tell why */
        const struct suite *guest = uninvited(p, &offered);
        gnutls_priority_deinit(priority);
        if (guest == NULL)
            return LN_OK;
        if (!s->suites_default || !drop_host(&p->wanted, guest))
            return refuse_guest(diag, guest);
    }
}

static enum ln_status check_names(const struct ln_tls_settings *s, struct ln_diag *diag)
{
    for (size_t i = 0; i < s->group_count; i++) {
        if (find_group(s->groups[i]) == GNUTLS_GROUP_INVALID)
            return refuse(diag, "groups", s->groups[i], ln_group_name(s->groups[i]));
    }
    for (size_t i = 0; i < s->signature_count; i++) {
        if (find_signature(s->signatures[i]) == NULL)
            return refuse(diag, "signatures", s->signatures[i], NULL);
    }
    return LN_OK;
}

/* GnuTLS sorts groups of curves before finite fields. A list without any key exchange has none. */
static bool groups_fit(gnutls_priority_t priority, const struct ln_tls_settings *s)
{
    const unsigned *list = NULL;
    int count = gnutls_priority_group_list(priority, &list);
    bool same = count == (int)s->group_count || count == 0;
    for (int i = 0; same && i < count; i++)
        same = list[i] == (unsigned)find_group(s->groups[i]);
    return same;
}

enum ln_status gtls_set_priority(struct gtls_config *c, const struct ln_tls_settings *s,
                                 struct ln_diag *diag)
{
    struct plan plan = { .tls13 = !s->datagram && s->max_version >= LN_TLS_1_3,
                         .old = s->datagram || s->min_version < LN_TLS_1_3 };
    struct suites offered;
    enum ln_status st = check_names(s, diag);
    if (st == LN_OK)
        st = choose(&plan, s, diag);
    if (st != LN_OK)
        return st;
    int ret = try_plan(&plan, s, &c->priority, &offered);
    if (ret >= 0)
        ret = make_client_priority(c, &plan, s);
    if (ret < 0)
        return gtls_config_fail(diag, LN_UNSUPPORTED, ret, "suites, groups, signatures");
    if (offered.count < plan.wanted.count || (!s->suites_default && !same_order(&plan, &offered)))
        return gtls_config_fail(
            diag, LN_UNSUPPORTED, 0,
            "suites: GnuTLS cannot offer them in this order; key exchanges stay "
            "together, and ciphers have one order in all of them");
    if (!groups_fit(c->priority, s))
        return gtls_config_fail(diag, LN_UNSUPPORTED, 0,
                                "groups: GnuTLS cannot offer them in this order");
    return LN_OK;
}
