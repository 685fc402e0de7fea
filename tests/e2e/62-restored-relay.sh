#!/usr/bin/env bash
# Goal: a relay put back from yesterday's copy gives positions out a second time. Every agent notices before it takes
# anything in on top, says what happened, and takes in all that is new; nobody loses what it had. What only the relay had is
# told as missing.
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

kinds_of() { # WHO KIND: how many alarms of that kind
    "$detente" --home "$1" alarms --json | grep -cF "\"kind\": \"$2\""
}
meet() { # WHO...: six rounds of syncs, whatever waits somewhere
    local round who
    for ((round = 0; round < 6; round++)); do
        for who in "$@"; do
            as "$who" sync >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null
        done
    done
}

need 'send' as us send plenary 'before the copy'
settle us ru med
stop_daemon relay
for f in relay.db*; do cp "$f" "early.$f"; done
start_relay

need 'send' as us send plenary 'read by all'
settle us ru med
need 'send' as us send plenary 'read by one'
need 'sync' as us sync
need 'sync' as ru sync
n=$(times ru 'read by one')
[ "$n" = 1 ] && pass 'ru has the last message, med was away' || fail "ru has it $n times"

stop_daemon relay
rm -f relay.db*
for f in early.relay.db*; do cp "$f" "${f#early.}"; done
start_relay
need 'send' as ru send plenary 'on the restored relay'
meet us ru med us ru med
for who in us ru med; do
    for text in 'before the copy' 'read by all' 'on the restored relay'; do
        n=$(times $who "$text")
        [ "$n" = 1 ] && pass "$who has '$text' once" || fail "$who has '$text' $n times"
    done
    k=$(("$(kinds_of $who behind)" + "$(kinds_of $who relay)"))
    [ $k -ge 1 ] && pass "$who says that the relay went back" || fail "$who says nothing"
done
# What the relay forgot before med read it is at the others: med is told that it misses something of Ana's.
"$detente" --home med alarms >alarms
check_line 'med is told whose messages it misses' 'Ana North \(north\): earlier messages of this sender were not shown' alarms
n=$(times med 'read by one')
[ "$n" -le 1 ] && pass "and has that message $n times" || fail "med has it $n times"
need 'send' as med send plenary 'and on'
meet us ru med
for who in us ru med; do
    n=$(times $who 'and on')
    [ "$n" = 1 ] && pass "$who has what was said afterwards" || fail "$who has it $n times"
    check_status "$who: every row of the store is whole" 0 "$detente" --home $who check
done
scenario_end
