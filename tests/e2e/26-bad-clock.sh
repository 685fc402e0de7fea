#!/usr/bin/env bash
# Goal: the clock of agent, witness or relay is an hour or a year off, or jumps back: nothing is lost, refused or
# accepted wrongly, and whose clock differs by how much is said.
# builds: build-clang build-gcc build
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
hour=3600
year=$((365 * 24 * 3600))

at() { # OFFSET COMMAND...: with a clock that is off by so many seconds
    local offset=$1
    shift
    DT_CLOCK_OFFSET=$offset LD_PRELOAD=$shim "$@"
}
forum
plenary
sed 's/United States/north/g; s/Russia/south/g' "$top/examples/contacts/contacts.csv" >contacts.csv
REGISTER=http://127.0.0.1:$PORT$register
# witness OFFSET NAME OPTION...
witness() {
    local offset=$1 name=$2
    shift 2
    at "$offset" "$detente" witness run --once --key "$name.witness" --state "$name.state" --register "$REGISTER" \
        --vkey "$vkey" "$@"
}
rows=(c10 c11 c12)
row=0
grow() { # the register grows by one entry, and us has seen how large it was before
    need 'sync before' as us sync
    need 'record' as ru record contact plenary --csv contacts.csv --row "${rows[$((row % 3))]}" --yes --quiet
    row=$((row + 1))
    settle ru us med
}
clock_of() { # GROUP: what status --json says of its clock
    "$detente" --home us status --json >status.json
    python3 - "$1" <<'PY'
import json, sys
for g in json.load(open('status.json'))['register']['groups']:
    if g['name'] == sys.argv[1]:
        print(g['clock_off_seconds'])
PY
}
near() { # WHAT VALUE EXPECTED: within two minutes
    local d=$(($2 - $3))
    [ ${d#-} -le 120 ] && pass "$1: $2 s" || fail "$1: $2 s, expected about $3"
}

# ---- a witness's clock ----
grow
need 'witness' witness 240 north
need 'witness' witness 0 south
settle us ru med
near 'a right clock is not flagged' "$(clock_of south)" 0
near 'four minutes are not flagged' "$(clock_of north)" 0
"$detente" --home us status >out
check_no_line 'status says nothing of clocks' 'CLOCK' out

grow
need 'witness' witness -$hour south --clock-was-ahead
need 'witness' witness $hour neutral
settle us ru med
near "the neutral witness's clock is an hour ahead" "$(clock_of neutral)" $hour
near "south's is an hour behind" "$(clock_of south)" -$hour
"$detente" --home us status >out
check_line 'status says whose clock, how much and which way' 'CLOCK: the witness of neutral .*(1 h|5[89] min).* after' out
check_line 'and of the other' 'CLOCK: the witness of south .*(1 h|5[89] min|1 h 1 min).* before' out
"$detente" --home us register status >out
check_line 'so does register status' 'CLOCK: the witness of south' out

# A clock that goes back: an earlier time for a larger tree is never given.
grow
check_status 'a witness whose clock went back an hour signs nothing' 4 witness 0 neutral
check_line 'it says so, and what to do' '^detente: not signed: the clock is .* behind the last cosignature .*--clock-was-ahead' err
[ "$(wc -l <err)" = 1 ] && pass 'in one line' || fail 'more than one line'
check_status 'a step back of a minute is no matter' 0 witness $((hour - 60)) neutral
grow
check_status 'told that the clock was ahead it goes on' 0 witness 0 neutral --clock-was-ahead
settle us ru med
grow
check_status 'and needs telling once only' 0 witness 0 neutral
need 'witness' witness 0 north
settle us ru med
near 'its clock is right again' "$(clock_of neutral)" 0

grow
need 'witness' witness $year north
need 'witness' witness -$year south --clock-was-ahead
settle us ru med
near 'a year ahead' "$(clock_of north)" $year
near 'a year behind' "$(clock_of south)" -$year

# ---- the agent's own clock ----
for offset in $hour -$hour $year -$year; do
    check_status "an agent off by $offset s reads" 0 at $offset as us read plenary
    check_status "an agent off by $offset s syncs" 0 at $offset timeout 60 "$detente" --home us sync
    check_status "its store is whole ($offset s)" 0 as us check
    need 'send by another' as ru send plenary "while us was off by $offset"
    settle ru med us
    [ "$(times us "while us was off by $offset")" = 1 ] && pass "nothing is lost ($offset s)" || fail "a message is lost ($offset s)"
done
# An hour ahead it says and is heard as always. An hour behind its letter, minutes old, is not valid yet.
check_status 'an agent an hour ahead sends' 0 at $hour as us send plenary 'from us, an hour ahead'
need 'sync' at $hour as us sync
settle us ru med
for who in us ru med; do
    [ "$(times $who 'from us, an hour ahead')" = 1 ] && pass "$who has what was sent an hour ahead, once" ||
        fail "$who misses what was sent an hour ahead"
done
check_status 'before its letter begins an agent sends nothing' 4 at -$hour as us send plenary 'from an hour ago'
check_line 'and says why' '^detente: our letter of credence: .* not yet valid' err
at $year as us send plenary 'from next year' >out 2>err </dev/null
rc=$?
[ $rc = 0 ] || { [ "$(grep -c '^detente: ' err)" = 1 ] && [ $rc = 4 ] && pass "a year ahead the own letter is over, and it says so: $(cat err)"; } ||
    fail "send a year ahead: $rc $(cat err)"
at -$year as us send plenary 'from last year' >out 2>err </dev/null
rc=$?
[ $rc = 0 ] || { [ "$(grep -c '^detente: ' err)" = 1 ] && [ $rc = 4 ] && pass "a year behind the own letter is not valid yet: $(cat err)"; } ||
    fail "send a year behind: $rc $(cat err)"
check_status 'back in the present it sends' 0 as us send plenary 'from now'
settle us ru med
for who in us ru med; do
    [ "$(times $who 'from now')" = 1 ] || fail "$who misses a message after the clock was set right"
    # A year ahead there was nothing to vouch by: that is told, once, and nothing else.
    as $who alarms 2>err | grep -v 'our own Commit was not made: our letter of credence: the letter of credence has ended' >out
    [ ! -s out ] && pass "$who has no other alarm" || { fail "$who has alarms"; head -n 5 out; }
    check_status "$who: the store is whole" 0 as $who check
done

# ---- the relay's clock, and one that jumps while it runs ----
stop_daemon relay
echo $year >relay.clock
start_daemon relay env DT_CLOCK_FILE="$DT_WORK/relay.clock" LD_PRELOAD="$shim" "$relay_program" serve --store relay.db \
    --listen "127.0.0.1:$PORT"
wait_port "$PORT" || fail 'a relay a year ahead does not start'
for offset in $year 0 -$year $hour; do
    echo $offset >relay.clock
    need 'send' as us send plenary "relay at $offset"
    grow
    settle us ru med
    [ "$(times ru "relay at $offset")" = 1 ] && pass "a relay off by $offset s serves" || fail "a relay off by $offset s"
done
check_status 'witnesses go on' 0 witness 0 neutral
scenario_end
