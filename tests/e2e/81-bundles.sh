#!/usr/bin/env bash
# Goal: a member who reaches no relay takes part over a link that carries little, by bundles through a member who does:
# 200 characters take at most 420 bytes, an acknowledgement at most 40; what is damaged is named as that.
# builds: build-clang
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
size() { wc -c <"$1"; }
at_most() { # WHAT MAX FILE
    local bytes
    bytes=$(size "$3")
    [ "$bytes" -le "$2" ] && pass "$1: $bytes bytes, at most $2" || fail "$1: $bytes bytes, more than $2"
}
position() { "$detente" --home "$1" channels --json | sed -nE 's/^ *"position": ([0-9]+),?$/\1/p' | head -n 1; }

# ---- med is far away from here on: no sync of his reaches anything ----
export DETENTE_RELAY=
far() { as med --relay http://127.0.0.1:1 "$@"; }
check_status 'who is far away reaches no relay' 3 far sync
n=$(position med)
text=$(printf 'Two hundred characters, counted: %0167d' 7)
[ ${#text} = 200 ] && pass 'a text of 200 characters' || fail "a text of ${#text} characters"
need 'send' as us send plenary "$text"
need 'sync' as us sync
need 'sync' as us sync
check 'a bundle of what is behind his position' as us bundle export plenary --since "$n" --unpadded --out one
at_most '200 characters, unpadded, all in' 420 one
check 'and padded' as us bundle export plenary --since "$n" --out padded
at_most 'padded' 545 padded
check_status 'it is taken in' 0 far bundle import one
check_line 'and says how far' '1 of 1 cells taken in' out
check_status 'read' 0 far read plenary
check_line 'the text is there' 'Two hundred characters' out
check_status 'a second time it changes nothing' 0 far bundle import padded
check_line 'and says so' '0 of 1 cells taken in' out
check 'an acknowledgement' far bundle export plenary --ack --out ack
at_most 'an acknowledgement' 40 ack
check_status 'is understood' 0 as us bundle import ack
check_line 'by its position' "read up to position $(position med)" out

# ---- and he answers ----
need 'send' far send plenary "$text"
need 'empty bundle' as us bundle export plenary --since "$(position med)" --out nothing
check 'with nothing new, what waits is sealed' far bundle import nothing
check 'his own goes into a bundle' far bundle export plenary --outgoing --unpadded --out his
at_most '200 characters and the receipt that is owed, unpadded' 1000 his
check_status 'and is handed to the relay in his stead' 0 as us bundle import his
check_line 'and says so' 'cells handed to the relay' out
check 'twice is once' as us bundle import his
settle us ru
for who in us ru; do
    need 'read' as $who read plenary --json
    k=$(grep -c 'Two hundred characters' need.out)
    [ "$k" = 2 ] && pass "$who has both, each once" || fail "$who has $k"
done
need 'bundle' as ru bundle export plenary --since "$(position med)" --unpadded --out back
check 'read back, it is confirmed' far bundle import back
check_status 'nothing is left to send' 0 far channels --json
check_line 'in the outbox either' '"to_send": 0,?$' out
for who in us ru med; do
    "$detente" --home $who alarms --json >alarms
    check_no_line "$who has no alarm" '"kind"' alarms
    check_status "$who: every row of the store is whole" 0 "$detente" --home $who check
done

# ---- what is not right ----
n=$(position med)
for i in 1 2 3; do
    need 'send' as us send plenary "number $i"
    need 'sync' as us sync
done
settle us ru
need 'bundle' as us bundle export plenary --since $((n + 1)) --unpadded --out later
check_status 'cells that are missing are told' 1 far bundle import later
check_line 'by the position from which to ask' "has read up to $n: ask for one from there" err
need 'bundle' as us bundle export plenary --since "$n" --unpadded --out batch
bytes=$(size batch)
for at in 0 6 9 40 $((bytes / 2)) $((bytes - 1)); do
    cp batch bad
    byte=$(od -An -tu1 -j "$at" -N 1 bad)
    # shellcheck disable=SC2059
    printf "\\x$(printf %x $((byte ^ 64)))" | dd of=bad bs=1 seek="$at" conv=notrunc status=none
    check_status "a bit flipped at byte $at is noticed" 1 far bundle import bad
done
head -c $((bytes - 5)) batch >short
check_status 'and a bundle that is cut' 1 far bundle import short
[ "$(position med)" = "$n" ] && pass 'nothing of these was taken in' || fail 'something was taken in'
check 'the whole one is taken in' far bundle import batch
check_status 'read' 0 far read plenary
for i in 1 2 3; do check_line "number $i is there" "number $i" out; done
unset DETENTE_RELAY
settle med us ru
for who in us ru med; do
    "$detente" --home $who alarms --json >alarms
    check_no_line "$who, all at the relay again: no alarm" '"kind"' alarms
done
scenario_end
