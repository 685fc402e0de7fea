#!/usr/bin/env bash
# Goal: yesterday's store file put back under a running forum, and two copies of a home used in turns and at once: each
# is recognised before it sends anything, the delegate comes back by itself, nothing is said twice or lost, and two that
# go on side by side come to rest and say so.
# seconds: 600
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

state_of() { # WHO FIELD: of the plenary
    "$detente" --home "$1" channels --json | sed -nE 's/^ +"'"$2"'": "?([^",]*)"?,?$/\1/p'
}
kinds_of() { # WHO KIND: how many alarms of that kind
    "$detente" --home "$1" alarms --json | grep -cF "\"kind\": \"$2\""
}
cells() { # how many cells the relay holds, in all queues
    python3 -c 'import sqlite3
print(sqlite3.connect("file:relay.db?mode=ro", uri=True).execute("SELECT count(*) FROM cell").fetchone()[0])'
}
meet() { # WHO...: six rounds of syncs, whatever waits somewhere
    local round who
    for ((round = 0; round < 6; round++)); do
        for who in "$@"; do
            need 'sync' as "$who" sync
        done
    done
}
one_each() { # TEXT...: all three have each once
    local text who n
    for text in "$@"; do
        for who in us ru med; do
            n=$(times "$who" "$text")
            [ "$n" = 1 ] && pass "$who has '$text' once" || fail "$who has '$text' $n times"
        done
    done
}

# Yesterday's store.
need 'send' as us send plenary 'from both days'
cp -r us us.yesterday
settle us ru med
need 'send' as us send plenary 'said since'
need 'rotate' as us rotate plenary
need 'send' as ru send plenary 'heard since'
settle us ru med
rm -r us
cp -r us.yesterday us
need 'send' as us send plenary 'from the copy'
before=$(cells)
check 'the old store syncs' as us sync
after=$(cells)
[ "$(state_of us state)" = broken ] && [ "$(state_of us lapse)" = restored ] &&
    pass 'it is recognised as a restored copy' || fail "it is $(state_of us state), $(state_of us lapse)"
[ $((after - before)) = 4 ] && pass 'it sent its two requests to the two others, and nothing else' ||
    fail "it sent $((after - before)) cells"
[ "$(kinds_of us restored)" = 1 ] && pass 'it says so once' || fail "$(kinds_of us restored) alarms"
"$detente" --home us channels >channels
check_line 'and what is done about it' 'restored copy; it asked to be put in anew' channels
check_status 'nothing can be typed meanwhile' 1 as us send plenary 'too early'
settle us ru med
[ "$(state_of us state)" = live ] && pass 'it is back by itself' || fail "it is $(state_of us state)"
one_each 'from both days' 'said since' 'from the copy'
for who in ru med; do
    "$detente" --home $who alarms >alarms 2>&1
    [ ! -s alarms ] && pass "$who has no alarm" || { fail "$who has alarms"; head -n 5 alarms; }
done

# Two homes, in turns. This one was put in anew just now: from here on its user decides.
cp -r us us.two
need 'send' as us send plenary 'one'
settle us ru med
need 'send' as us.two send plenary 'two'
check 'the second copy syncs' as us.two sync
[ "$(state_of us.two state)" = broken ] && pass 'the second copy is recognised' || fail "it is $(state_of us.two state)"
"$detente" --home us.two alarms >alarms
check_line 'it was put in anew lately: its user decides' 'another copy of this home is in use' alarms
before=$(cells)
meet us.two ru med
[ "$(cells)" = "$before" ] && pass 'until then it says nothing' || fail "there are $(($(cells) - before)) more cells"
check 'the user decides' as us.two rejoin plenary
meet us.two ru med
[ "$(state_of us.two state)" = live ] && pass 'it holds the seat' || fail "it is $(state_of us.two state)"
check 'the first syncs' as us sync
[ "$(state_of us lapse)" = copy ] && pass 'the first is told that another copy holds the seat' ||
    fail "it is told: $(state_of us lapse)"
"$detente" --home us channels >channels
check_line 'and how to take it' 'another copy of this home holds the seat; to take the seat: detente rejoin plenary' channels
check_status 'it says nothing more' 1 as us send plenary 'from the one without a seat'
n=$(times ru two)
[ "$n" = 1 ] && pass 'what waited in the second was said once' || fail "it is there $n times"

# Two at the same instant, of a home that was never put in anew: both come back, one after the other.
cp -r ru ru.two
need 'send' as ru send plenary 'at once, from one'
need 'send' as ru.two send plenary 'at once, from two'
as ru sync >one.out 2>one.err &
one=$!
as ru.two sync >two.out 2>two.err &
two=$!
wait $one && wait $two && pass 'both could sync' || { fail 'a sync failed'; cat one.err two.err; }
meet ru ru.two med us.two
meet ru ru.two med us.two
live=0
for who in ru ru.two; do
    if [ "$(state_of $who state)" = live ]; then
        live=$((live + 1))
    else
        "$detente" --home $who alarms >alarms
        check_line "$who says that another copy holds the seat" 'holds our seat' alarms
    fi
done
[ $live = 1 ] && pass 'one of them holds the seat' || fail "$live of them hold the seat"
for who in us.two med; do
    for text in 'at once, from one' 'at once, from two'; do
        n=$(times $who "$text")
        [ "$n" = 1 ] && pass "$who has '$text' once" || fail "$who has '$text' $n times"
    done
done
before=$(cells)
meet ru ru.two med us.two
[ "$(cells)" = "$before" ] && pass 'and they are at rest' || fail "there are $(($(cells) - before)) more cells"
for who in us.two ru ru.two med; do
    check_status "$who: every row of the store is whole" 0 "$detente" --home $who check
done
scenario_end
