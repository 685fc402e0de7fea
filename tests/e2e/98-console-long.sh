#!/usr/bin/env bash
# Goal: a channel with 10,000 records opens in the console in less than half a second and scrolls without long tasks, and
# what is asked of the program for it stays small.
# builds: build-clang build-gcc build
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/browser.sh"
plenary
stop_daemons # nothing goes out: what is tried is the page, and the program behind it
python3 - <<'PY'
import json
for k in range(10):
    entries = [{'mode': 'call', 'initiated_by': 'both', 'parties': ['north', 'south %d' % (i + 1)],
                'started_at': '2026-%02d-%02dT10:00:00Z' % (1 + i % 11, 1 + i % 28),
                'ended_at': '2026-%02d-%02dT10:30:00Z' % (1 + i % 11, 1 + i % 28), 'time_precision': 'exact', 'level': 'envoy',
                'participants': ['two envoys'], 'subjects': ['number %d' % i]} for i in range(1000 * k, 1000 * (k + 1))]
    with open('many%d.json' % k, 'w') as f:
        json.dump(entries, f)
PY
for k in 0 1 2 3 4 5 6 7 8 9; do need 'a thousand records' as us record contact plenary --from "many$k.json" --yes --quiet; done
# seconds_of COMMAND...: processor time, in hundredths of a second, which does not count what others do to the machine
seconds_of() {
    local TIMEFORMAT='%U %S'
    { time "$@" >timed.out 2>timed.err </dev/null; } 2>&1 | awk '{ printf "%d", 100 * ($1 + $2) }'
}
n=$(seconds_of as us records plenary --last 60 --json)
[ "$(grep -c '"commitment"' timed.out)" = 60 ] && [ "$n" -lt 50 ] && pass "the last 60 of 10,000 records: $n hundredths of a second" ||
    fail "the last 60 of 10,000 records: $n hundredths of a second"
n=$(seconds_of as us records plenary --find 'NUMBER 9999' --last 1 --json)
grep -q '"number": 10000,\?$' timed.out && [ "$n" -lt 50 ] && pass "one found near the end: $n hundredths of a second" || fail "one found near the end: $n"
need 'channels' as us channels --json
channel=$(sed -nE 's/.*"group_id": "([0-9a-f]+)".*/\1/p' need.out | head -n 1)
console_of us || scenario_end
browse long "$address" "$channel" 10000 ${consoles##* }
consoles_whole us
scenario_end
