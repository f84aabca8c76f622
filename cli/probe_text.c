/* SPDX-License-Identifier: Apache-2.0 */
/* Words that the text and the JSON of `linnet probe` share. */
#include "probe.h"

#include <time.h>

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
