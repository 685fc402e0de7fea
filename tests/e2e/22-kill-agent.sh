#!/usr/bin/env bash
# Goal: an agent is killed at its n-th write, sync or send, n spread over the run: single commands alone, single commands
# beside the same home's background agent, and that agent itself. Afterwards every acknowledged message and record is
# there once on all sides and in one order, no ratchet generation was used twice, and all have come to rest by ordinary
# syncs, without an alarm.
# builds: build-clang build-gcc build
# seconds: 2400
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/kills.sh"
need_shim
grant_options=(--daily-entries 100000)
forum
plenary
watch_register
third=$((kills / 3))
number=0 # of what is said

# others N: N messages of the other side, on their way
others() {
    local i
    for ((i = 0; i < $1; i++)); do
        number=$((number + 1))
        say_as ru "answer $number" || fail 'the other side cannot talk'
    done
    need 'the other side syncs' as ru sync
}

# ---- alone: a sync that carries a message, a record or a Commit, and takes in what others said; and a send

# alone KIND: something to do, and then the command under the shim
alone() {
    number=$((number + 1))
    case $1 in
    0 | 3) say_as us "message $number" || fail 'a send failed' ;;
    1) enter_as us "record $number" || fail 'a record failed' ;;
    2)
        say_as us "message $number $1" "${under[@]}"
        return
        ;;
    esac
    [ "$1" != 3 ] || need 'rotate' as us rotate plenary
    others 3
    "${under[@]}" "$detente" --home us sync >sync.out 2>sync.err </dev/null
}
alone_calls=()
for kind in 0 1 2 3; do
    shimmed detente
    alone $kind
    counted "a command alone, of kind $kind"
    alone_calls+=("$calls")
done
settle us ru med
for ((i = 0; i < third; i++)); do
    kill_one detente "$i" "$third" "${alone_calls[i % 4]}" alone $((i % 4)) || break
    [ $((i % 5)) != 4 ] || settle us ru med
done
settle us ru med

# ---- beside the background agent of the same home

# beside KIND: likewise
beside() {
    number=$((number + 1))
    case $1 in
    0) say_as us "message $number" "${under[@]}" ;;
    1) enter_as us "record $number" "${under[@]}" ;;
    2)
        others 1
        "${under[@]}" "$detente" --home us sync >sync.out 2>sync.err </dev/null
        ;;
    3)
        need 'sync' as us sync # with one rotation waiting there is nothing to do for another
        "${under[@]}" "$detente" --home us rotate plenary >rotate.out 2>rotate.err </dev/null
        ;;
    esac
}
start_daemon agent "$detente" --home us agent
beside_calls=()
for kind in 0 1 2 3; do
    shimmed detente
    beside $kind
    counted "a command beside the agent, of kind $kind"
    beside_calls+=("$calls")
done
for ((i = 0; i < third; i++)); do
    kill_one detente "$i" "$third" "${beside_calls[i % 4]}" beside $((i % 4)) || break
    [ $((i % 5)) != 4 ] || others 1 # wakes the agent
done
stop_daemon agent
settle us ru med

# ---- the background agent itself, with both sides talking

# talkers: both sides, until told to stop; bounded, should that not come
talkers() {
    local n
    for ((n = 0; n < 20000; n++)); do
        [ ! -e quiet ] || return 0
        say_as us "by the way $n"
        say_as ru "and so $n"
        [ $((n % 3)) != 1 ] || enter_as us "entry $n"
        [ $((n % 5)) != 2 ] || { say_as med "noted $n"; as med sync; }
        [ $((n % 7)) != 3 ] || as us rotate plenary
        as ru sync
    done
}
run_agent() {
    "${under[@]}" timeout -s TERM "${1:-30}" "$detente" --home us agent >agent.out 2>agent.err </dev/null
}
talkers >talkers.out 2>&1 </dev/null &
talking=$!
shimmed detente
run_agent 4
counted 'four seconds of the background agent'
longest=$((kills < 100 ? 600 : 1800)) # what it reaches in a few seconds on a slower day as well
[ "$calls" -lt $longest ] || calls=$longest
for ((i = 0; i < kills - 2 * third; i++)); do
    kill_one detente "$i" $((kills - 2 * third)) "$calls" run_agent || break
done
: >quiet
wait $talking
settle us ru med

final_register
settle us ru med
gather us ru med
verdict
# The -wal is moved into the file behind each Commit, so that what it wiped is gone: a part of the work like the others.
histogram transaction request store
scenario_end
