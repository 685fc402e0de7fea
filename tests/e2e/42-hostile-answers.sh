#!/usr/bin/env bash
# Goal: a relay answers an agent, a witness, a stranger and an observer with 2 GB, with one byte a second, never, with headers without
# end, with redirects and rubbish. Each call ends in time and in bounded memory with one line that names the relay, the
# store is as it was, and an honest answer afterwards is all it takes.
# builds: build-clang build-gcc build
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/hostile.sh"
need_programs
forum
plenary
hostile ru
: >said
says us 'before all this'
settle us ru med

# ends NAME WHO LIMIT: the last call of WHO failed in one line, within LIMIT seconds and little more memory than honest
ends() {
    local rc took kib
    read -r rc took kib <"$2.took"
    if [ "$rc" != 0 ] && [ "$rc" -le 4 ] && [ "$took" -le "$3" ] && [ "$kib" -le $((honest[$2] + 24 * 1024)) ] &&
        [ "$(wc -l <"$2.said")" = 1 ] && ! grep -q 'out of memory' "$2.said"; then
        pass "$1, $2: refused after $took s with $kib KiB: $(cut -c1-120 "$2.said")"
    else
        fail "$1, $2: status $rc after $took s with $kib KiB"
        head -n 5 "$2.said"
    fi
}

# all_end NAME SECONDS LIMIT: a call of each, at the same time
all_end() {
    local who calls=()
    for who in agent witness stranger observer; do
        call $who "$2" &
        calls+=($!)
    done
    wait "${calls[@]}"
    for who in agent witness stranger observer; do
        ends "$1" $who "$3"
    done
}

declare -A honest=()
for who in agent witness stranger observer; do
    call $who 60
    read -r rc took kib <"$who.took"
    [ "$rc" = 0 ] && pass "honest: the $who takes $kib KiB" || fail "honest: $who: $(cat $who.said)"
    honest[$who]=$kib
done
cp -r ru ru.before

for name in huge chunks junk nothing redirect lines longline interim gzip headless twolengths short; do
    attack ru $name
    all_end "$name" 60 30
    lied "$name" ru 4
done

# Silence and a trickle, for all at once: 20 seconds, as docs/protocol-agent.md says.
for name in never trickle; do
    attack ru $name
    all_end "$name" 90 45
done

attack ru honest
"$detente" --home ru alarms >alarms
[ ! -s alarms ] && pass 'no answer of these is an alarm, nor fills the store' || fail "alarms: $(head -n 3 alarms)"

# In the background: rubbish for seconds keeps it neither busy nor writing.
attack ru junk
DETENTE_RELAY=${relay_url[ru]} "$top/tests/tools/measured.py" agent.took 6 "$detente" --home ru agent >agent.said 2>&1 </dev/null
n=$(told ru)
[ "$n" -gt 0 ] && [ "$n" -le 30 ] && pass "the background agent asked $n times in 6 seconds of rubbish" || fail "it asked $n times in 6 seconds"
[ "$(stat -c %s ru/store.db)" -le $(($(stat -c %s ru.before/store.db) + 262144)) ] && pass 'and its store did not grow' ||
    fail "the store grew to $(stat -c %s ru/store.db)"
attack ru honest
says us 'after all this'
says ru 'and an answer'
whole 'honest again: everything is there once' 60 us ru med
stores_whole ru
call witness 60
read -r rc took kib <witness.took
[ "$rc" = 0 ] && pass 'the witness goes on' || fail "witness: $(cat witness.said)"
call observer 60
read -r rc took kib <observer.took
[ "$rc" = 0 ] && pass 'the observer goes on' || fail "observer: $(cat observer.said)"
scenario_end
