#!/usr/bin/env bash
# Goal: the whole main job by clicks in three browsers: found, accept, talk, record, countersign, dispute, consent, open,
# verify, admit; then by keys alone; and every screen holds by WCAG 2.2 AA, light and dark, at 200 %, right to left.
# builds: build-clang build-gcc build
# seconds: 420
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/browser.sh"
home new south 'Nina New'
for who in us ru med; do need 'letter' as $who letter import new.letter; done
need 'letters' as new letter import us.letter ru.letter med.letter
start_witnesses north south neutral
consoles_of us ru med new
browse_seconds=400 browse console "$DT_WORK" "${given[@]}"
check_status 'what was saved by a click is verified on the command line' 0 "$detente" verify clicked.proof --forum "$forum_id"
consoles_whole us ru med new
scenario_end
