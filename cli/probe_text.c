/* SPDX-License-Identifier: Apache-2.0 */
/* Words that the text and the JSON of `linnet probe` share. */
#include "probe.h"

#include <time.h>

const char *probe_verify_word(enum ln_verify verify)
{
    switch (verify) {
    case LN_VERIFY_NOT_DONE:
        return "not_done";
    case LN_VERIFY_OK:
        return "ok";
    case LN_VERIFY_UNTRUSTED:
        return "untrusted";
    case LN_VERIFY_INCOMPLETE:
        return "chain_incomplete";
    case LN_VERIFY_EXPIRED:
        return "expired";
    case LN_VERIFY_NOT_YET_VALID:
        return "not_yet_valid";
    case LN_VERIFY_WRONG_NAME:
        return "wrong_name";
    case LN_VERIFY_REVOKED:
        return "revoked";
    case LN_VERIFY_CRL_EXPIRED:
        return "crl_expired";
    case LN_VERIFY_CRL_BAD:
        return "crl_bad";
    case LN_VERIFY_WEAK:
        return "weak";
    case LN_VERIFY_BAD_SIGNATURE:
        return "bad_signature";
    case LN_VERIFY_BAD_USAGE:
        return "bad_usage";
    case LN_VERIFY_DANE:
        return "dane_mismatch";
    case LN_VERIFY_MALFORMED:
        return "malformed";
    case LN_VERIFY_UNWANTED:
        return "unwanted";
    }
    return "unknown";
}

void probe_date(int64_t seconds, bool time_of_day, char text[32])
{
    struct tm tm;
    time_t when = (time_t)seconds;
    if (gmtime_r(&when, &tm) == NULL ||
        strftime(text, 32, time_of_day ? "%Y-%m-%dT%H:%M:%SZ" : "%Y-%m-%d", &tm) == 0)
        snprintf(text, 32, "?");
}

int64_t probe_days(int64_t now, int64_t then)
{
    int64_t seconds = then - now;
    int64_t days = seconds / 86400;
    return seconds < 0 && seconds % 86400 != 0 ? days - 1 : days;
}
