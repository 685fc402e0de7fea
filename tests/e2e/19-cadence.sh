#!/usr/bin/env bash
# Goal: a forum with a cadence keeps it: running agents make exactly one entry a slot, killed or not; records wait for their
# slot, what cannot wait goes at once and its author is told before that this shows; who comes late fills what is due; members
# tell cover from records, nobody else does; and an observer holds the register against the charter's promise.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
grant_options=(--cadence 2/1m)
forum
plenary
url=http://127.0.0.1:$PORT$register
day=$((24 * 3600))

value() { # FILE EXPRESSION: of the JSON document d in FILE
    python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2" 2>&1 | tail -n 1
}
is() { # WHAT WANT FILE EXPRESSION
    local got
    got=$(value "$3" "$4")
    [ "$got" = "$2" ] && pass "$1" || fail "$1: $4 is $got, expected $2"
}
entries() { # in the register, by the relay's word
    curl -s "$url/checkpoint.held" | sed -n 2p
}
contact_of() { # WHO ENDED OPTION...: the command for a record of a contact that ended then, in ${command[@]}
    local who=$1 ended=$2
    shift 2
    command=("$detente" --home "$who" record contact plenary --set mode=call --set initiated_by=both --set 'parties=north;south'
        --set "started_at=$(date -u -d "@$((ended - 600))" +%FT%TZ)" --set "ended_at=$(date -u -d "@$ended" +%FT%TZ)"
        --set time_precision=exact --set level=envoy --set 'participants=two envoys' "$@")
}
contact() { # likewise, and runs it
    contact_of "$@"
    "${command[@]}"
}
typed() { # ANSWERS COMMAND...: on a terminal, with the answers (separated by commas) typed at its questions; output in tty.out
    python3 - "$@" >tty.out 2>&1 <<'PY'
import os, pty, sys
answers = sys.argv[1].split(',')
def read(fd):
    data = os.read(fd, 4096)
    if answers and data.rstrip().endswith(b']'):
        os.write(fd, (answers.pop(0) + '\n').encode())
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], read, lambda fd: b'')))
PY
}
sleep_to() { # MARK: until the seconds of the half minute are MARK
    python3 -c 'import sys,time; t = time.time(); time.sleep((float(sys.argv[1]) - t) % 30)' "$1"
}

# ---- what is promised, and where it stands ----
check_line 'the grant says it' '"cadence": "2/1m"' grants/north.grant
"$detente" charter show charter >out
check_line 'the charter promises it' 'each party appends 2 entries every 1 min' out
"$detente" charter show --json charter >out
is 'as a rule that all roots have signed' 2/1m out 'd["rules"]["cadence"]'
sed 's|2/1m|4/1m|' grants/north.grant >other.grant
check_status 'a grant that says something else is refused' 1 "$detente" --home x init --charter charter --grant other.grant --party north --name X --title X
check_line 'with both values' "the charter's cadence is 2/1m, the grant's is 4/1m" err
sed "s|\"cadence\": \"2/1m\"|\"read_key\": \"$(printf '%064d' 7)\", &|" grants/north.grant >other.grant
check_status 'one with a read key that the charter does not ask for, too' 1 "$detente" --home x init --charter charter --grant other.grant --party north --name X --title X
check_line 'which is said' 'the charter says that reading the register needs no key, the grant has one' err
check_status 'a daily quota below the promise is no grant' 2 "$relay_program" grant --store relay.db --url http://x --out g2 --party a \
    --witness "north=$(sed -n 's/.*"vkey": "\(witness[^"]*\)".*/\1/p' grants/north.grant | sed -n 1p)" \
    --witness "south=$(sed -n 's/.*"vkey": "\(witness[^"]*\)".*/\1/p' grants/north.grant | sed -n 2p)" --cadence 2/1m --daily-entries 2000

# ---- three agents, one of them killed at its slot ----
for who in us ru med; do
    start_daemon "$who" "$detente" --home "$who" agent
done
sleep_to 27 # behind the delay of one slot, before the next
before=$(entries)
check 'a record is sent while agents run' contact us "$(date +%s)" --yes --quiet
contact_hex=$(as us records --json | sed -nE 's/.*"commitment": "([0-9a-f]+)".*/\1/p' | tail -n 1)
as us show "$contact_hex" >out
check_line 'its entry waits for a slot, and it is said which' 'not in the register yet, waits for the slot at 20' out
as us status >out
check_line 'status says that one waits' 'cadence 2/1m: next slot 20.*, 1 waits' out
for ((i = 0; i < 12; i++)); do # through the slot and its delay
    sleep 0.7
    read -r pid _ <"$run_dir/ru.pid"
    kill -9 "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    start_daemon ru "$detente" --home ru agent
done
sleep_to 27
after=$(entries)
[ $((after - before)) = 3 ] && pass 'one entry of each party in the slot, although an agent was killed in it again and again' ||
    fail "$((after - before)) entries in one slot of three parties"
for who in us ru med; do
    stop_daemon "$who"
done
as us show "$contact_hex" >out
check_line 'the record has the slot' '^entry [0-9]+ .*; held; number [0-9]+ here$' out
stores_whole us ru med
as ru records --cover >cover
n=$(wc -l <cover)
[ "$n" = "$(sort -u cover | wc -l)" ] && [ "$n" -gt 0 ] && pass "ru made $n cover entries, each once" || fail "cover of ru: $n"
check_no_line 'all of them are in the register' 'not in the register' cover

# ---- urgent ----
sleep_to 12 # no slot is near
need 'sync' as us sync
before=$(entries)
soon=$(($(date +%s) - day + 300)) # to be entered within five minutes, witnesses included
check_status 'one whose slot comes too late is not made unasked' 4 contact us "$soon" --yes
check_line 'and says when, by when, and what haste shows' 'Its entry waits until 20.*, its deadline is 20.*: sent at once, and' err
check_line 'in full' 'an observer can see that something could not wait' err
check_line 'and what to say' 'say --urgent \(at once, which shows\) or --wait; no record was made' err
as us records --json >out
is 'nothing was made' 1 out 'len([r for r in d["records"] if r["kind"] == "contact"])'
contact_of us "$soon"
check_status 'on a terminal it asks, and no is no' 4 typed no "${command[@]}"
check_line 'which of the two' 'Send it at once, or let it wait\? \[urgent/wait/no\]' tty.out
check_status 'who lets it wait is asked the other question, too' 4 typed wait,no "${command[@]}"
check_line 'last' 'Make this record\? \[yes/no\]' tty.out
as us records --json >out
is 'still nothing was made' 1 out 'len([r for r in d["records"] if r["kind"] == "contact"])'
check_status 'both at once make no sense' 2 contact us "$soon" --yes --urgent --wait
check_status '--wait lets it wait' 0 contact us "$soon" --yes --wait
check_status '--urgent sends it at once' 0 contact us "$soon" --yes --urgent
check_line 'and says that this shows' 'an observer can see that something could not wait' err
need 'sync' as us sync
[ $(($(entries) - before)) = 1 ] && pass 'it is in the register before its slot, the other is not' || fail "$(($(entries) - before)) entries at once"
as us records --json >out
is 'the other waits' 1 out 'len([r for r in d["records"] if r["register"] == "waiting" and r["slot"] is not None])'
before=$(entries)
need 'revocation' "$detente" letter revoke med.letter --root neutral.root --out med.revocation
check_status 'a revocation waits for no slot' 0 as ru letter import --revocation med.revocation
check_line 'and says that this shows' 'a revocation waits for no slot: an observer can see' err
need 'sync' as ru sync
[ $(($(entries) - before)) -ge 1 ] && pass 'it is in the register' || fail 'the revocation waits'
check_status 'one that can wait says which slot it takes' 0 contact us "$(date +%s)" --yes
check_line 'like any other' 'Its entry takes the slot at 20.*, like any other' err

# ---- off for a while, and what an observer sees ----
shim=$DT_BIN/tests/tools/faultshim.so
if [ -e "$shim" ]; then
    at() { # SECONDS COMMAND...: with a clock that is ahead by so much
        DT_CLOCK_OFFSET=$1 LD_PRELOAD=$shim "${@:2}"
    }
    relay_at() { # SECONDS
        stop_daemon relay
        start_daemon relay env DT_CLOCK_OFFSET="$1" LD_PRELOAD="$shim" "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT"
        wait_port "$PORT" || fail 'the relay did not start'
    }
    observe() { # WHAT STATUS SECONDS
        check_status "$1" "$2" at "$3" "$detente" observe --charter charter --forum "$forum_id" --state seen.db --late-after 365d --json "$url"
        cp out seen.json
    }
    observe 'an observer with the charter' 0 0
    is 'holds the register against what each party promised' '(6, 60)' seen.json '(d["cadence"]["entries"], d["cadence"]["period_s"])'
    relay_at 180
    before=$(entries)
    need 'us is back' at 180 "$detente" --home us sync
    n=$(($(entries) - before))
    [ "$n" = 1 ] || [ "$n" = 2 ] && pass 'who comes late fills what is due now, and nothing of what is past' || fail "$n entries after three minutes"
    at 180 "$detente" --home us status >out
    check_line 'and is told that the promise was not kept' 'NOT KEPT in [23] periods, last in that of 20' out
    at 180 "$detente" --home us register cadence --json >out
    is 'and in how much' 2 out 'd["slots_empty_in_it"]'
    relay_at 240
    observe 'the observer flags it' 1 240
    is 'as a gap' "['gap']" seen.json 'sorted(set(f["flag"] for f in d["flags"]))'
    stop_daemon relay
    start_relay
else
    skip "no fault shim in $DT_BIN: nobody was away"
fi

# ---- who can tell ----
need 'sync' as us sync
size=$(size_at us)
as us tally 0 $((size - 1)) --json >mine
as med sync >/dev/null
as med tally 0 $((size - 1)) --json >theirs
is 'to its author cover is cover' True mine 'd["cover"] > 0'
is 'and contacts are contacts' True mine 'd["contacts"] >= 2'
is 'to another party it is unknown' True theirs 'd["unknown"] >= '"$(value mine 'd["cover"]')"
check_status 'a home shares the slots of its party' 0 as us register cadence --share 1/2
as us register status >out
check_line 'which is shown' 'cadence 2/1m \(share 1/2\): next slot' out
check_status 'no share is out of range' 1 as us register cadence --share 3/2
scenario_end
