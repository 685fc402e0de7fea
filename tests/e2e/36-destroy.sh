#!/usr/bin/env bash
# Goal: in a channel whose parties agreed that talk is destroyed after 30 days, and for what brings a rule of its own, the
# text, the file and the paraphrase are gone from every member's store at their time, down to the sealed bytes; each says so
# to the others; a clock that is wrong destroys nothing, and a backup brings nothing back.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
minute=60 hour=3600 day=86400
now=0 # seconds by which all clocks but the relay's are ahead
search=$top/tests/e2e/store_search.py

as() { # WHO COMMAND...: with the clock of now
    local who=$1
    shift
    DT_CLOCK_OFFSET=$now LD_PRELOAD=$shim "$detente" --home "$who" "$@"
}
meet() { # each says what time it is, and all hear it
    local who
    for who in us ru med; do
        need 'send' as $who send plenary --keep 'a new day'
    done
    settle us ru med
    settle us ru med
}
is() { # WHAT VALUE EXPECTED
    [ "$2" = "$3" ] && pass "$1: $2" || fail "$1: $2, expected $3"
}
rows() { # WHO NEEDLE...
    local who=$1
    shift
    python3 "$search" rows "$who/store.db" "$DT_WORK/passphrase" "$@"
}
message() { # WHO TEXT: the number of that message
    as "$1" read plenary --json | python3 -c 'import json, sys
print([m["number"] for m in json.load(sys.stdin)["talk"] if m.get("text") == sys.argv[1]][0])' "$2"
}
told() { # WHO NUMBER EXPRESSION: of message m
    as "$1" read plenary --json | python3 -c 'import json, sys
m = [m for m in json.load(sys.stdin)["talk"] if m["number"] == int(sys.argv[1])][0]
print(eval(sys.argv[2]))' "$2" "$3"
}

# ---- agreed on at the founding ----
forum
check_status 'a span that is none' 2 as med found plenary --with 'Ana North' --destroy-after soon
check_status 'a time too short to read anything' 1 as med found plenary --with 'Ana North' --with 'Boris South' --destroy-after 10m
need 'found' as med found plenary --with 'Ana North' --with 'Boris South' --destroy-after 30d
settle med us ru
as us invitations >out
check_line 'who is invited sees the rule first' 'what is said there is destroyed after 30 days' out
need 'accept' as us accept plenary
need 'accept' as ru accept plenary
settle us ru med
as ru status >out
check_line 'status says it' 'what is said is destroyed after 30 days' out

# ---- said ----
text='the road by Aster is open for us' as_read='they leave Aster unguarded' short='not for the evening' word='to be kept for good'
head -c 700000 /dev/urandom >Aster.bin
piece=hex:$(head -c 5040 Aster.bin | tail -c 40 | od -An -tx1 | tr -d ' \n')
need 'talk' as us send plenary "$text"
need 'file' as us send plenary --file Aster.bin
need 'its own rule' as ru send plenary --destroy-after 12h "$short"
need 'kept' as ru send plenary --keep "$word"
check_status 'not both' 2 as ru send plenary --keep --destroy-after 12h 'x'
check_status 'nor less than an hour' 2 as ru send plenary --destroy-after 30m 'x'
settle us ru med
n=$(message ru "$text")
need 'understood' as ru understood plenary "$n" "$as_read"
settle us ru med
for who in us ru med; do
    set -- $(rows $who "$text" "$as_read" "$short" "$word" "$piece" Aster.bin)
    [ $# = 6 ] && ! [[ " $* " = *' 0 '* ]] && pass "$who has all of it: $*" || fail "$who: $*"
    python3 "$search" sealed $who/store.db talk_data $who.talk >out
    python3 "$search" sealed $who/store.db chunk $who.chunk >out
    python3 "$search" sealed $who/store.db understood $who.understood >out
    is "$who: sealed" "$(python3 "$search" left $who/store.db $who.talk) $(python3 "$search" left $who/store.db $who.chunk) $(
        python3 "$search" left $who/store.db $who.understood)" '4 2 1'
done
as us keep plenary >out
check_line 'the rule, and what is to go when' 'plenary: what is said is destroyed after 30 days' out
check_line 'one of them' '  message [0-9]+$' out
need 'backup' as med backup med.backup

# ---- its own rule, first ----
now=$((12 * hour + 10 * minute))
meet
for who in us ru med; do
    is "$who: what was for 12 hours is gone, and only that" "$(rows $who "$short" "$text" "$as_read")" "0 $(rows $who "$text" "$as_read")"
done

# ---- a clock that is wrong ----
now=$((4000 * day))
as us read plenary >out
check_line 'a clock years ahead: it is not shown' 'past its time since .*\(30 days, the channel.s rule\): not shown' out
check_no_line 'not its text' 'Aster' out
check_status 'and cannot be saved' 4 as us save plenary 1 --out no
check_status 'a person is asked whether the clock is right' 4 as us keep destroy
now=$((13 * hour))
as us read plenary >out
check_line 'with the right clock it is there' "$text" out

# ---- the channel's rule ----
for d in 10 20 29; do
    now=$((d * day))
    meet
done
as us read plenary >out
check_line 'not a day too early' "$text" out
now=$((31 * day))
meet
for who in us ru med; do
    is "$who: no row holds it" "$(rows $who "$text" "$as_read" "$short" "$piece" Aster.bin)" '0 0 0 0 0'
    is "$who: nor does the file, sealed" "$(python3 "$search" left $who/store.db $who.talk) $(
        python3 "$search" left $who/store.db $who.chunk) $(python3 "$search" left $who/store.db $who.understood)" '1 0 0'
    is "$who: what was to be kept is" "$(as $who read plenary | grep -c "$word")" 1
    as $who alarms >out
    is "$who has no alarm" "$(wc -l <out)" 0
done
as ru read plenary >out
check_line 'that it was, when, by which rule' '    destroyed by rule on 20.* \(30 days, the channel.s rule\)$' out
check_line 'the other rule too' '    destroyed by rule on 20.* \(12 h, its own rule\)$' out
check_line 'and who else has destroyed it' '    Ana North \(north\) says that it was destroyed there on 20' out
is 'as JSON' "$(told ru "$n" 'm["rule"], m["destroy_after_ms"], "destroyed" in m, "text" in m, len(m["destroyed_by"])')" \
    "('channel', 2592000000, True, False, 2)"
is 'of what is kept nobody says so' "$(told us "$(message us "$word")" 'm["rule"], m["destroy_after_ms"], len(m["destroyed_by"])')" "('item', 0, 0)"
check_status 'an archive holds none of it' 0 as us archive export plenary us.archive
stores_whole us ru med

# ---- a backup of before ----
need 'restore' env DT_CLOCK_OFFSET=$now LD_PRELOAD="$shim" "$detente" --home back restore med.backup
mv med med.lost
mv back med
as med read plenary >out
check_no_line 'the home made of it shows nothing of it' 'Aster' out
check_line 'but that it is past its time' 'past its time since' out
settle med us ru
meet
is 'and has nothing of it once it is back' "$(rows med "$text" "$as_read" "$short" "$piece" Aster.bin)" '0 0 0 0 0'
scenario_end
