#!/usr/bin/env bash
# Goal: an agent is killed at its n-th write, sync or send, n spread over a run. After the restart every
# acknowledged message is there exactly once on all sides, and no ratchet generation was used twice.
# builds: build-clang build-gcc build
# seconds: 2400
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
shim=$DT_BIN/tests/tools/killshim.so
[ -e "$shim" ] || { skip "no kill shim in $DT_BIN"; scenario_end; }
kills=${DT_KILL_LOOP:-30}
forum
plenary

# counted COMMAND...: how many writes, syncs and sends a run of it makes
counted() {
    rm -f count
    DT_KILL_PROGRAM=detente DT_KILL_COUNT_FILE=$DT_WORK/count LD_PRELOAD=$shim "$@" >/dev/null 2>&1 </dev/null
    cat count
}

in_send=$(counted as us send plenary 'how long is a send')
in_sync=$(counted as us sync)
settle us ru med
if [ "${in_send:-0}" -gt 3 ] && [ "${in_sync:-0}" -gt 3 ]; then
    pass "a send makes $in_send calls, a sync with something to send $in_sync"
else
    fail "the shim counted ${in_send:-nothing} and ${in_sync:-nothing}"
    scenario_end
fi

killed=0
sure=()
maybe=()
for ((i = 0; i < kills; i++)); do
    text="message $i of the exercise"
    other="answer $i of the exercise"
    need 'the other side talks' as ru send plenary "$other"
    need 'the other side syncs' as ru sync
    # Every third kill in the send itself, the others in the sync that carries it.
    if [ $((i % 3)) = 0 ]; then
        n=$((1 + i * (in_send - 1) / kills))
        DT_KILL_PROGRAM=detente DT_KILL_AT=$n LD_PRELOAD=$shim as us send plenary "$text" >sent 2>sent.err </dev/null
        rc=$?
    else
        need 'send' as us send plenary "$text"
        cp need.out sent
        n=$((1 + i * (in_sync - 1) / kills))
        DT_KILL_PROGRAM=detente DT_KILL_AT=$n LD_PRELOAD=$shim as us sync >sync.out 2>sync.err </dev/null
        rc=$?
    fi
    [ $rc = 137 ] && killed=$((killed + 1))
    # Acknowledged to the user is what printed an id.
    if [ -s sent ]; then sure+=("$text"); else maybe+=("$text"); fi
    sure+=("$other")
    [ $((i % 5)) != 4 ] || settle us ru med
done
settle us ru med
[ "$killed" -ge $((kills * 2 / 3)) ] && pass "$killed of $kills runs were killed" || fail "only $killed of $kills runs were killed"

for who in us ru med; do
    "$detente" --home $who read plenary --json >"$who.json" 2>err || fail "$who cannot read: $(cat err)"
    wrong=0
    for text in "${sure[@]}"; do
        n=$(grep -cF "\"text\": \"$text\"" "$who.json")
        [ "$n" = 1 ] || { wrong=$((wrong + 1)); echo "$who has '$text' $n times"; }
    done
    for text in "${maybe[@]}"; do
        n=$(grep -cF "\"text\": \"$text\"" "$who.json")
        [ "$n" -le 1 ] || { wrong=$((wrong + 1)); echo "$who has '$text' $n times"; }
    done
    [ $wrong = 0 ] && pass "$who has every one of ${#sure[@]} acknowledged messages exactly once" ||
        fail "$who: $wrong messages are missing or doubled"
    # Sender, epoch and generation of everything received: none twice.
    tr -d '\n' <"$who.json" | grep -oE '"epoch": [0-9]+[^}]*\{[^}]*\}[^}]*"generation": [0-9]+[^}]*"leaf": [0-9]+' |
        sed -E 's/"epoch": ([0-9]+).*"generation": ([0-9]+).*"leaf": ([0-9]+)/\1 \2 \3/' | sort >"$who.generations"
    if [ "$(uniq -d <"$who.generations" | wc -l)" = 0 ] && [ "$(wc -l <"$who.generations")" -ge ${#sure[@]} ]; then
        pass "$who: $(wc -l <"$who.generations") messages, no generation twice"
    else
        fail "$who: a generation was used twice, or not all were counted ($(wc -l <"$who.generations"))"
    fi
    "$detente" --home $who alarms >alarms 2>&1
    [ ! -s alarms ] && pass "$who has no alarm" || { fail "$who has alarms"; head -n 5 alarms; }
    check_status "$who: every row of the store is whole" 0 "$detente" --home $who check
done
scenario_end
