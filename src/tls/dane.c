/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dane.c
 * Contract: dane.h.
 */
#include "tls/dane.h"

#include "base/try.h"
#include "codec/x509.h"

/* Selectors, RFC 6698 7.3. */
#define SELECTOR_CERTIFICATE 0
#define SELECTOR_SPKI 1

/* Usage, selector, matching type and the length of the data in front of each record's data. */
#define RECORD_HEAD 7

/* ---- one record ---- */

static bool has_known_values(const struct ln_tlsa *r)
{
    bool matching = r->matching == LN_TLSA_EXACT || r->matching == LN_TLSA_SHA256 ||
                    r->matching == LN_TLSA_SHA512 || r->matching == LN_TLSA_SHA384;
    return r->usage <= LN_TLSA_DANE_EE && r->selector <= SELECTOR_SPKI && matching;
}

/* The hash of a matching type that has one. */
static enum ln_hash hash_of(uint8_t matching)
{
    if (matching == LN_TLSA_SHA256)
        return LN_SHA256;
    return matching == LN_TLSA_SHA384 ? LN_SHA384 : LN_SHA512;
}

static const char *exact_fault(const struct ln_tlsa *r)
{
    struct ln_x509 ignored;
    if (r->selector == SELECTOR_CERTIFICATE && ln__x509_read(r->data, &ignored) != LN_OK)
        return "its data is not one whole certificate";
    if (r->selector == SELECTOR_SPKI && ln__x509_spki_check(r->data) != LN_OK)
        return "its data is not one whole public key (SubjectPublicKeyInfo)";
    return NULL;
}

const char *ln__tlsa_fault(const struct ln_tlsa *record)
{
    if (record->data.data == NULL || record->data.len == 0)
        return "it has no data";
    if (record->data.len > LN_CREDENTIAL_MAX)
        return "its data is too long";
    if (!has_known_values(record))
        return NULL;
    if (record->matching == LN_TLSA_EXACT)
        return exact_fault(record);
    if (record->data.len != ln_hash_len(hash_of(record->matching)))
        return "its data has another length than the digest of its matching type";
    return NULL;
}

/* ---- sets ---- */

static enum ln_status fail(struct ln_diag *diag, enum ln_status status, size_t index,
                           const char *fault)
{
    return ln_diag_set(diag, status, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE, "tlsa[%zu]: %s",
                       index, fault);
}

/* The room for all records' data with their heads. */
static enum ln_status measure(const struct ln_tlsa *records, size_t count, struct ln_diag *diag,
                              size_t *bytes)
{
    size_t sum = 0;
    if (records == NULL || count == 0 || count > LN_TLSA_MAX)
        return ln_diag_set(diag, LN_BAD_ARG, LN_CAT_CONFIGURATION, LN_PHASE_CONFIGURE,
                           "tlsa: between 1 and %d records are possible", LN_TLSA_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *fault = ln__tlsa_fault(&records[i]);
        if (fault != NULL)
            return fail(diag, LN_BAD_ARG, i, fault);
        sum += RECORD_HEAD + records[i].data.len; /* at most 32 times 4 MiB */
    }
    *bytes = sum;
    return LN_OK;
}

/* Write head and data; the copy's data points to what was written. Returns the bytes written. */
static size_t copy_record(const struct ln_tlsa *from, uint8_t *at, struct ln_tlsa *copy)
{
    size_t len = from->data.len;
    const uint8_t head[RECORD_HEAD] = {
        from->usage,          from->selector,      from->matching,        (uint8_t)(len >> 24),
        (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)(len & 0xff),
    };
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, from->data.data, len);
    *copy = *from;
    copy->data = ln_span(at + sizeof head, len);
    return sizeof head + len;
}

enum ln_status ln__tlsa_set_new(const struct ln_env *env, const struct ln_tlsa *records,
                                size_t count, struct ln_diag *diag, struct ln_tlsa_set **out)
{
    size_t bytes = 0;
    TRY(measure(records, count, diag, &bytes));
    size_t head = sizeof(struct ln_tlsa_set) + count * sizeof(struct ln_tlsa);
    uint8_t *block = ln_calloc(env, 1, head + bytes);
    if (block == NULL)
        return ln_diag_set(diag, LN_NO_MEMORY, LN_CAT_OUT_OF_MEMORY, LN_PHASE_CONFIGURE,
                           "no memory for TLSA records");
    struct ln_tlsa_set *set = (void *)block;
    size_t at = head;
    set->bytes = ln_span(block + head, bytes);
    set->count = count;
    for (size_t i = 0; i < count; i++)
        at += copy_record(&records[i], block + at, &set->records[i]);
    *out = set;
    return LN_OK;
}

void ln__tlsa_set_free(const struct ln_env *env, struct ln_tlsa_set *set)
{
    ln_free(env, set);
}

/* ---- which records count ---- */

bool ln__tlsa_is_usable(const struct ln_tlsa *record, bool opportunistic)
{
    bool needs_pkix = record->usage == LN_TLSA_PKIX_TA || record->usage == LN_TLSA_PKIX_EE;
    return has_known_values(record) && !(opportunistic && needs_pkix);
}

enum ln_dane_plan ln__dane_plan(const struct ln_tlsa_set *set, bool opportunistic)
{
    if (set == NULL)
        return opportunistic ? LN_DANE_NOBODY : LN_DANE_PKIX;
    for (size_t i = 0; i < set->count; i++) {
        if (ln__tlsa_is_usable(&set->records[i], opportunistic))
            return LN_DANE_RECORDS;
    }
    return opportunistic ? LN_DANE_NOBODY : LN_DANE_REFUSE;
}

/* ---- matching ---- */

bool ln__tlsa_matches(const struct ln_tlsa *record, struct ln_span cert, ln_tlsa_hash hash)
{
    struct ln_x509 read;
    if (!has_known_values(record) || ln__x509_read(cert, &read) != LN_OK)
        return false;
    struct ln_span data = record->selector == SELECTOR_SPKI ? read.spki : read.der;
    if (record->matching == LN_TLSA_EXACT)
        return ln_span_equal(record->data, data) != 0;
    uint8_t digest[LN_HASH_MAX] = { 0 };
    enum ln_hash which = hash_of(record->matching);
    if (hash(which, &data, 1, digest) != LN_OK)
        return false;
    return ln_span_equal(record->data, ln_span(digest, ln_hash_len(which))) != 0;
}
