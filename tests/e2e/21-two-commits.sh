#!/usr/bin/env bash
# Goal: two members commit at once. The first in queue order counts, the other redoes, nothing is lost.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

epoch_of() {
    "$detente" --home "$1" channels --json | sed -nE 's/^ +"epoch": ([0-9]+),?$/\1/p'
}
auth_of() {
    "$detente" --home "$1" channels --json | sed -nE 's/^ +"epoch_authenticator": "([0-9a-f]+)",?$/\1/p'
}
serial_of() { # of NAME as WHO sees it
    "$detente" --home "$1" roster plenary --json | tr -d '\n' |
        grep -oE '"serial": [0-9]+[^}]*"name": "'"$2"'"' | grep -oE '"serial": [0-9]+' | grep -oE '[0-9]+'
}

before=$(epoch_of us)
for round in 1 2 3; do
    need 'rotate' as us rotate plenary
    need 'rotate' as ru rotate plenary
    need 'talk' as us send plenary "from us in round $round"
    need 'talk' as ru send plenary "from ru in round $round"
    need 'talk' as med send plenary "from med in round $round"
    # Both syncs at the same time: both Commits are made for the same epoch.
    as us sync >us.out 2>us.err &
    one=$!
    as ru sync >ru.out 2>ru.err &
    two=$!
    wait $one && wait $two && pass "round $round: both could sync" || {
        fail "round $round: a sync failed"
        cat us.err ru.err
    }
    settle us ru med
    if [ "$(epoch_of us)" = "$(epoch_of ru)" ] && [ "$(epoch_of us)" = "$(epoch_of med)" ] &&
        [ "$(auth_of us)" = "$(auth_of ru)" ] && [ "$(auth_of us)" = "$(auth_of med)" ]; then
        pass "round $round: all are in epoch $(epoch_of us) with the same authenticator"
    else
        fail "round $round: epochs $(epoch_of us) $(epoch_of ru) $(epoch_of med)"
    fi
    for reader in us ru med; do
        for from in us ru med; do
            n=$(times $reader "from $from in round $round")
            [ "$n" = 1 ] && pass "round $round: $reader has the message from $from once" ||
                fail "round $round: $reader has the message from $from $n times"
        done
    done
done
[ "$(epoch_of us)" -ge $((before + 6)) ] && pass 'every rotation of both was done in the end' ||
    fail "six rotations, but only $(($(epoch_of us) - before)) epochs"
check_status 'no alarm was raised' 0 "$detente" --home med alarms
[ ! -s "$DT_WORK/out" ] && pass 'no alarm at the mediator' || fail "alarms: $(cat "$DT_WORK/out")"
scenario_end
