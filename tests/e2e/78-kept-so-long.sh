#!/usr/bin/env bash
# Goal: cells go from the relay when all have them and their time is over, and not before; who was away too long is
# told so, and comes back.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs

start_relay() {
    start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" --expiry 1
    wait_port "$PORT" || { fail 'set-up: the relay did not start'; tail "$run_dir/relay.log"; scenario_end; }
}

limits() {
    "$relay_program" limits --store relay.db --json "$@" >limits.json
}
cells() { # how many the relay holds
    limits && sed -nE 's/.*"used": .*"cells": ([0-9]+).*/\1/p' limits.json
}
# cells_become N: within 30 seconds
cells_become() {
    local i
    for ((i = 0; i < 300; i++)); do
        [ "$(cells)" = "$1" ] && return 0
        sleep 0.1
    done
    echo "still $(cells)"
    return 1
}

grant_options=(--keep none)
forum
plenary
need 'talk' as us send plenary 'early'
settle us ru med
before=$(cells)
[ "$before" -gt 3 ] && pass "the relay holds $before cells, and none goes by itself" || fail "the relay holds $before cells"
limits --keep 1s --keep-unread none
check 'when all have all, all goes' cells_become 0

need 'talk' as us send plenary 'after that'
settle us ru med
for who in ru med; do
    [ "$(times $who 'after that')" = 1 ] && pass "$who has what was said after that" || fail "$who has not what was said after that"
    [ "$(times $who early)" = 1 ] && pass "$who has what was said before" || fail "$who lost what was said before"
done
check_status 'no alarm' 0 "$detente" --home med alarms
[ ! -s out ] && pass 'nobody is told anything' || fail "alarms: $(cat out)"
check 'it goes as well' cells_become 0

need 'talk' as us send plenary 'while away'
settle us ru
sleep 4
[ "$(cells)" -ge 1 ] && pass 'what one has not read stays' || fail 'what one has not read is gone'
limits --keep 1s --keep-unread 1s
check 'until its time is over' cells_become 0
limits --keep none
need 'sync' as med sync
check_status 'alarms' 0 "$detente" --home med alarms
check_line 'who was away is told how much it missed' 'expired at the relay before this home read them' out
settle us ru med us ru med
need 'talk' as us send plenary 'welcome back'
settle us ru med
[ "$(times med 'welcome back')" = 1 ] && pass 'and is back' || fail "is not back: $("$detente" --home med channels)"
[ "$(times med 'while away')" = 0 ] && pass 'without what it missed' || fail 'has what was gone'
stores_whole us ru med
scenario_end
