#!/usr/bin/env bash
# Goal: the whole main job by clicks in three browsers: found, accept, talk, record, countersign, dispute, consent, open,
# verify, admit; then by keys alone; and every screen holds by WCAG 2.2 AA, light and dark, at 200 %, right to left.
# builds: build-clang build-gcc build
# seconds: 420
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/browser.sh"
need_programs
need_browser
forum
home new south 'Nina New'
for who in us ru med; do need 'letter' as $who letter import new.letter; done
need 'letters' as new letter import us.letter ru.letter med.letter
for p in north south neutral; do
    start_daemon "witness-$p" "$detente" witness run --key "$p.witness" --state "$p.state" \
        --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
done
trap 'kill $consoles 2>/dev/null; stop_daemons' EXIT
given=()
for who in us ru med new; do
    console_of $who || scenario_end
    given+=("$who=$address")
done
browse_seconds=400 browse console "$DT_WORK" "${given[@]}"
check_status 'what was saved by a click is verified on the command line' 0 "$detente" verify clicked.proof --forum "$forum_id"
for who in us ru med new; do check_no_line "$who: nothing went wrong inside" 'Sanitizer|runtime error' $who.console.err; done
if [ -n "${DT_SHOTS:-}" ]; then
    cp shots/*.png "$DT_SHOTS/"
fi
stop_consoles
scenario_end
