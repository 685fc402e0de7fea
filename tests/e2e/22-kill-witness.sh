#!/usr/bin/env bash
# Goal: each witness is killed at its n-th write, sync or send, n spread over the run, while the register grows. Afterwards
# no checkpoint contradicts another, no witness's state was ever below what it had cosigned, and all of the register is
# final, without help.
# builds: build-clang build-gcc build
# seconds: 2400
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/kills.sh"
need_shim
grant_options=(--daily-entries 100000)
forum
watch_register
start_daemon entries python3 "$top/tests/e2e/traffic.py" append grants/south.grant "$journal" $((kills < 100 ? 4 : 10))e-2

# run_witness PARTY: under the shim, until it is killed
run_witness() {
    witness_of "$1"
    "${under[@]}" timeout -s TERM 30 "${witness[@]}" >witness.out 2>witness.err </dev/null
    cosignatures witness.err "$1"
    state_of "$1"
}

# measure_witness PARTY TIMES: under the shim, until it has cosigned so often
measure_witness() {
    local i
    shimmed detente
    witness_of "$1"
    rm -f "$run_dir/measured.log"
    start_daemon measured "${under[@]}" "${witness[@]}"
    for ((i = 0; i < 600; i++)); do
        [ "$(grep -c '^cosigned' "$run_dir/measured.log")" -lt "$2" ] || break
        sleep 0.05
    done
    stop_daemon measured
    cosignatures "$run_dir/measured.log" "$1"
    state_of "$1"
    counted "the witness $1, until it has cosigned $2 times"
}

parties=(north south neutral)
for ((j = 0; j < 3; j++)); do
    p=${parties[j]}
    for other in "${parties[@]}"; do # the other two are at work meanwhile
        witness_of "$other"
        [ "$other" = "$p" ] || start_daemon "witness-$other" "${witness[@]}"
    done
    measure_witness "$p" 20
    for ((i = j; i < kills; i += 3)); do
        kill_one detente "$i" "$kills" "$calls" run_witness "$p" || break 2
    done
    for other in "${parties[@]}"; do
        [ "$other" = "$p" ] || stop_daemon "witness-$other"
    done
done
for p in "${parties[@]}"; do
    cosignatures "$run_dir/witness-$p.log" "$p"
    state_of "$p"
done
stop_daemon entries
final_register
settle us ru med
sleep 0.2 # the watch sees the last checkpoint
size=$("$detente" --home us register status --json | sed -nE 's/^  "size": ([0-9]+),?$/\1/p')
final=$("$detente" --home us register status --json | sed -nE 's/^  "final": ([0-9]+),?$/\1/p')
[ "${size:-0}" -gt 10 ] && [ "$size" = "$final" ] && pass "all $size entries are final" ||
    fail "$final of $size entries are final"
ls evidence* >/dev/null 2>&1 && fail 'there is evidence of a split view' || pass 'no witness saw a split view'
gather us
verdict
histogram transaction request waiting
scenario_end
