#!/usr/bin/env bash
# Goal: in a channel whose parties agreed that talk is destroyed after 30 days, and for what brings a rule of its own, the
# text, the file and the paraphrase, a record and what was answered to it are gone from every member's store at their time, down to the sealed bytes; each says so
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
attest() { # what was made is in the register, and all witnesses cosign it
    local p
    settle us ru med
    for p in north south neutral; do
        need "a cosignature of $p" env DT_CLOCK_OFFSET=$now LD_PRELOAD="$shim" "$detente" witness run --once \
            --key "$p.witness" --state "$p.state" --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
    done
    settle us ru med
}
record() { # WHO SUBJECT OPTIONS...
    local who=$1 subject=$2
    shift 2
    need 'record' as "$who" record contact plenary --yes --quiet "$@" --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys' --set "subjects=$subject"
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
pella='the crossing at Pella' last='the road by Petra' disputed='it was about Pella and Petra'
record us "$pella" --destroy-after 30d
check_line 'what that means is said before' 'destroys it after 30 days; that there was a record with this rule stays provable' "$DT_WORK/need.err"
record us "$last"
check_line 'one without a rule is kept, though what is said is not' 'It is KEPT: what this channel destroys is talk' "$DT_WORK/need.err"
attest
need 'dispute' as ru dispute 1 --yes --quiet --should-be "subjects=$disputed"
attest
for who in us ru med; do
    set -- $(rows $who "$pella" "$disputed" "$last")
    ! [[ " $* " = *' 0 '* ]] && [ $# = 3 ] && pass "$who has the records: $*" || fail "$who: $*"
    python3 "$search" sealed $who/store.db record $who.record >out
    is "$who: sealed" "$(python3 "$search" left $who/store.db $who.record)" 3
done
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
check_line 'and a record' '  record [0-9a-f]{12}, entry [0-9]+$' out
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

# ---- records ----
for who in us ru med; do
    is "$who: no row holds the record, nor what was answered to it" "$(rows $who "$pella" "$disputed")" '0 0'
    is "$who: nor does the file, but for the one that stays" "$(python3 "$search" left $who/store.db $who.record)" 1
    is "$who: which is there" "$(as $who records plenary --json | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(len(d["records"]), len(d["destroyed"]), sorted(len(x["destroyed_by"]) for x in d["destroyed"]))')" '1 2 [3, 3]'
done
as ru records >out
check_line 'that there was one' '^entry [0-9]+ +[0-9a-f]+  destroyed by rule on 20.* \(30 days\), of Ana North \(north\); number 1 here$' out
gone=$(sed -nE 's/^entry ([0-9]+) .*number 1 here$/\1/p' out)
check_status 'it cannot be shown' 1 as ru show 1
check_line 'for it is no more' 'there is no record 1|destroyed by rule' err
check_status 'a proof of that' 0 as ru record destroyed 1 --out gone
check_status 'likewise by its entry' 0 as ru record destroyed "entry:$gone" --out gone.entry
check_status 'which is the same proof' 0 cmp gone gone.entry
check_status 'for a stranger with the forum id alone' 0 "$detente" verify gone --forum "$forum_id"
cat "$DT_WORK/out"
check_line 'the rule' '^record: one of north, with the rule to be destroyed after 30 days$' "$DT_WORK/out"
check_line 'the entry' '^time: entry [0-9]+, 20' "$DT_WORK/out"
is 'and each party that says so' "$(grep -c '^destroyed: a delegate of ' "$DT_WORK/out")" 3
sed 1d gone | base64 -d >gone.bin
! grep -qaE 'Pella|contact|envoys' gone.bin && pass 'nothing of what it said is in it' || fail 'the proof tells what it said'
check_status 'of another forum it is not' 1 "$detente" verify gone --forum "$(printf '%064d' 7)"
check_status 'without the forum id: whose is it?' 1 "$detente" verify gone
sed '3s/./A/5' gone >bent
cmp -s gone bent && sed '3s/./B/5' gone >bent
check_status 'altered it does not hold' 1 "$detente" verify bent --forum "$forum_id"
if command -v python3 >/dev/null; then
    python3 "$top/tests/interop/verify_proof.py" --forum "$forum_id" gone >out 2>&1
    is 'a verifier of proof files alone says that it is none' "$(grep -ci 'refused\|not a proof' out)" 1
fi

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
