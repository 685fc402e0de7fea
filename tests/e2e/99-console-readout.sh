#!/usr/bin/env bash
# Goal: a joint readout by clicks in three browsers: begun, two lines in three languages side by side, objected to once,
# agreed by all sides, printed, consented to and published; and what was published verifies on the command line.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/browser.sh"
plenary
entry us 'one subject'
settle us ru med
start_witnesses north south neutral
consoles_of us ru med
browse_seconds=280 browse readout "$DT_WORK" "${given[@]}"
consoles_whole us ru med
curl -sf "http://127.0.0.1:$PORT$register/openings/index" >index
[ "$(wc -l <index)" = 3 ] && pass 'the head and two lines are published beside the register' || fail "$(wc -l <index) published"
check_status 'the files that the command line writes' 0 as us readout release "$(cat readout.id)" --out released
check_status 'verify' 0 "$detente" readout verify released/*.proof --forum "$forum_id"
check_line 'with what was typed in a browser' '^ +2 \[ar\] سيلتقون مرة أخرى\.$' out
check_same 'and the plain text of the page is that of the program' plain.txt released/readout.txt
scenario_end
