#!/usr/bin/env bash
# Goal: the relay is killed at its n-th write, sync or send, n spread over the run, while agents talk and enter records,
# others append to the register, and witnesses cosign. Afterwards every acknowledged message, record and entry is there
# once and where it was, no checkpoint contradicts another, and all have come to rest by ordinary syncs.
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
start_daemon entries python3 "$top/tests/e2e/traffic.py" append grants/south.grant "$journal" 0.1
for p in north south neutral; do
    witness_of "$p"
    start_daemon "witness-$p" "${witness[@]}"
done

# talker WHO: talks and enters records until told to stop, whether the relay is there or not
talker() {
    local n
    for ((n = 0; n < 20000; n++)); do
        [ ! -e quiet ] || return 0
        say_as "$1" "$1 says $n"
        [ $((n % 3)) != 1 ] || enter_as "$1" "$1 enters $n"
        [ $((n % 11)) != 7 ] || as "$1" rotate plenary
        as "$1" sync
    done
}
# run_relay [SECONDS]: under the shim
run_relay() {
    "${under[@]}" timeout -s TERM "${1:-30}" "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" \
        >relay.out 2>relay.err </dev/null
}
stop_daemon relay
start_daemon agent "$detente" --home med agent # a background agent is among them
talking=()
for who in us ru; do
    talker $who >"talker.$who" 2>&1 </dev/null &
    talking+=($!)
done
shimmed detente-relay
run_relay 3
counted 'three seconds of the relay'
longest=$((kills < 100 ? 400 : 1200)) # what it reaches in a few seconds on a slower day as well
[ "$calls" -lt $longest ] || calls=$longest
for ((i = 0; i < kills; i++)); do
    kill_one detente-relay "$i" "$kills" "$calls" run_relay || break
    [ $((i % 4)) != 3 ] || say_as med "med says $i"
done
start_relay
: >quiet
wait "${talking[@]}"
stop_daemon entries
stop_daemon agent
settle us ru med
for p in north south neutral; do
    stop_daemon "witness-$p"
    cosignatures "$run_dir/witness-$p.log" "$p"
    state_of "$p"
done
final_register
settle us ru med
sleep 0.2 # the watch sees the last checkpoint
gather us ru med
verdict
histogram transaction request
scenario_end
