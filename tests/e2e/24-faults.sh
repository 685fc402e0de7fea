#!/usr/bin/env bash
# Goal: the n-th allocation, random call, write, sync, open, connect and read of agent, relay, witness and stranger fail, one
# after the other: one clear line and a documented exit status, a whole store, before or after and nothing between,
# nothing acknowledged is lost, and the same again without a fault does its work.
# builds: build-clang build-gcc build
# seconds: 20000
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
seed=${DT_SEED:-$RANDOM}
# How many places of each kind of call; DT_FAULT_PLACES=all goes through every one, for hours.
places=${DT_FAULT_PLACES:-1}
how=(--each "$places")
[ "$places" != all ] || how=(--all)
# Which drivers, when not all of them.
parts=${DT_FAULT_PARTS:-relay agent files witness sync}
echo "places: $places, DT_SEED=$seed, of $parts"

# lines FILE: the driver's verdicts become ours.
lines() {
    local line
    while IFS= read -r line; do
        case $line in
        ok:*) pass "${line#ok: }" ;;
        FAILED:*) fail "${line#FAILED: }" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$1"
}

# torture NAME COMMAND...: a driver; one that ends without a verdict is a failure.
torture() {
    local name=$1
    [[ " $parts " == *" $name "* ]] || return 0
    shift
    python3 "$@" "$DT_BIN" "$shim" "${how[@]}" --seed "$seed" >"$name.verdicts" 2>&1
    lines "$name.verdicts"
    grep -qE '^(ok|FAILED):' "$name.verdicts" || fail "$name: no verdict"
    ! grep -q '^Traceback' "$name.verdicts" || fail "$name: the driver broke"
}

# Each run of the witness needs an entry of its own.
grant_options=(--daily-entries 1000000)
forum
plenary
need 'send' as us send plenary 'before all'
sed 's/United States/north/g; s/Russia/south/g' "$top/examples/contacts/contacts.csv" >contacts.csv
settle us ru med
need 'record' as us record contact plenary --csv contacts.csv --row c10 --yes
tail -n 1 need.out >record
settle us ru med
need 'countersign' as ru countersign "$(cat record)" --yes
for who in us ru; do
    need 'consent' as $who consent "$(cat record)" --fields mode,started_at --yes
done
settle us ru med
echo "$forum_id" >forum
for p in north south neutral; do
    need 'witness' "$detente" witness run --once --key $p.witness --state $p.state \
        --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
done
settle us ru med
need 'open' as us open "$(cat record)" --fields mode,started_at --out c.proof
home med2 neutral 'Max Mediator'
mkdir relay-alone
cp -r us us.pristine

# Two at a time: the relay by itself, and the agent.
(cd relay-alone && torture relay "$top/tests/tools/torture_relay.py") >relay.verdicts 2>&1 &
relay_driver=$!
torture agent "$top/tests/tools/torture.py" agent
torture files "$top/tests/tools/torture.py" files
torture witness "$top/tests/tools/torture.py" witness
rm -rf us && cp -r us.pristine us
torture sync "$top/tests/tools/torture.py" sync
wait $relay_driver
lines relay.verdicts
scenario_end
