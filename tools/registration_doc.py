#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write docs/registration.md from the table in src/lwm2m/register.c, or check that it is up to date.

usage: registration_doc.py [--check]
exit:  0 written, or up to date; 1 out of date
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/lwm2m/register.c"
PAGE = ROOT / "docs/registration.md"

EDGE = re.compile(r"\{\s*LN_REG_(\w+),\s*LN_REG_EV_(\w+),\s*LN_REG_(\w+),\s*LN_REG_DO_(\w+),\s*"
                  r"LN__REASON\(\"([^\"]*)\"\)\s*\}", re.S)
NAME = re.compile(r"\[LN_REG_(EV_|DO_)?(\w+)\]\s*=\s*\"([^\"]*)\"")

HEAD = """# How a client registers, and what it does when that fails

<!-- Made by tools/registration_doc.py from the table in src/lwm2m/register.c: change that. -->

Every move of a registration is a row below; what is not there does not happen. *count and wait* means:
one attempt more has failed, and the counters decide.

| setting | resource | default |
|---|---|---|
| attempts in a sequence (C) | /1/x/17 | 5 |
| wait between attempts (T), doubling each time | /1/x/18 | 60 s; 0 counts as 3 s |
| wait between sequences (D) | /1/x/19 | 86,400 s; 4,294,967,295 = no further sequence |
| sequences (S) | /1/x/20 | 1 |
| initial delay, served once | /1/x/14 | 0 |
| silence after Disable | /1/x/5 | 86,400 s |

- The wait before attempt n + 1 of a sequence is T * 2^(n-1), stretched at random to 1.0 to 1.5 times, so
  that devices that failed together do not return together. With the defaults: 60, 120, 240 and 480 s.
- After C attempts the client rests D (stretched likewise) and begins a new sequence. After S sequences it
  says that it gave up (the application may want a bootstrap, /1/x/16), rests D and begins anew: a device
  in the field never stops trying, unless D says so.
- An attempt includes its connection: DNS, handshake, one Register with all its retransmissions. Silence
  ends it after MAX_TRANSMIT_WAIT, 93 s with the defaults of RFC 7252.
- The periodic Update goes out MAX_TRANSMIT_WAIT before the lifetime ends (at half of it if it is short),
  and up to a tenth earlier, at random.
- A lost DTLS state at the server costs MAX_TRANSMIT_WAIT and one handshake: the Update stays without an
  answer, the connection is made anew, and whether the session was resumed decides between Update and
  Register. A second Update in vain counts as a failed attempt.

"""


def tables():
    text = SOURCE.read_text()
    names = {(kind or "", name): words for kind, name, words in NAME.findall(text)}
    edges = EDGE.findall(text)
    assert len(edges) > 40, "the table was not understood"
    page = HEAD + "| state | what happened | next state | what is done | why |\n|---|---|---|---|---|\n"
    last = None
    for state, event, after, action, why in edges:
        shown = f"**{names['', state]}**" if state != last else ""
        page += (f"| {shown} | {names['EV_', event]} | {names['', after]} | "
                 f"{names['DO_', action]} | {why} |\n")
        last = state
    return page


def main(arguments):
    page = tables()
    if "--check" in arguments:
        if PAGE.exists() and PAGE.read_text() == page:
            return 0
        print("docs/registration.md is out of date: run tools/registration_doc.py")
        return 1
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
