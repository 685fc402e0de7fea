#!/usr/bin/env bash
# Goal: a witness whose state was put back, lost, or whose key runs on two machines never signs below or beside what was
# cosigned before: by its own largest cosignature, by what its party's agent saw, and against a relay that hides both.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

put() { # WHO SUBJECT: in the register at once
    entry "$@"
    need 'sync' as "$1" sync
}
witness() { # STATE OPTION...: one run of north's witness with this state file
    local state=$1
    shift
    "$detente" witness run --once --key north.witness --state "$state" --register "http://127.0.0.1:$PORT$register" \
        --vkey "$vkey" --evidence evidence "$@" >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null
}
fetch() { # QUERY: a checkpoint, as the relay gives it
    python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())' "http://127.0.0.1:$PORT$register/checkpoint$1"
}
signed() { # how many cosignatures of north's the relay holds, by size: all sizes, in order
    python3 -c 'import sqlite3, sys
key = int(sys.argv[1], 16)
rows = sqlite3.connect("file:relay.db?mode=ro", uri=True).execute("SELECT size FROM cosignature WHERE key_id = ? ORDER BY size", (key,))
print(" ".join(str(r[0]) for r in rows))' "$(cut -d+ -f2 north.vkey)"
}
"$detente" charter show --json charter | sed -nE 's|.*"(witness\.example/north\+[^"]+)".*|\1|p' | sed 's|\\/|/|g' | head -n 1 >north.vkey
mkdir evidence

# Yesterday's state, put back.
put us one
check 'cosigns the first tree' witness north.state
cp north.state yesterday.state
put us two
check 'cosigns the second tree' witness north.state
put us three
cp yesterday.state north.state
rm -f north.state-wal north.state-shm
check 'its state put back, it runs' witness north.state
check_line 'it takes over its own largest cosignature' 'old copy: taking over size 2 that bears our own cosignature' err
check_line 'and then cosigns what grew from there' 'cosigned size 3' err

# No state at all.
rm -f north.state*
check 'without any state it runs' witness north.state
check_line 'and takes over size 3' 'taking over size 3' err
[ "$(signed)" = '1 2 3' ] && pass 'one cosignature a size' || fail "it signed: $(signed)"
stop_daemon relay
for f in relay.db*; do cp "$f" "early.$f"; done
start_relay

# The same key on two machines, at the same time, while the register grows.
for i in 1 2 3 4; do
    put us "more $i"
    witness north.state &
    one=$!
    "$detente" witness run --once --key north.witness --state other.state --register "http://127.0.0.1:$PORT$register" \
        --vkey "$vkey" --evidence evidence >other.out 2>other.err </dev/null
    rc=$?
    wait $one && [ $rc = 0 ] && pass "round $i: both run" || { fail "round $i"; cat err other.err; }
done
[ "$(signed)" = '1 2 3 4 5 6 7' ] && pass 'one cosignature a size, of the same trees' || fail "they signed: $(signed)"
[ -z "$(ls evidence)" ] && pass 'and no split view' || fail 'there is evidence against an honest relay'
witness north.state &
one=$!
"$detente" witness run --once --key north.witness --state north.state --register "http://127.0.0.1:$PORT$register" \
    --vkey "$vkey" >other.out 2>other.err </dev/null
two=$?
wait $one
one=$?
if { [ $one = 0 ] || [ $two = 0 ]; } && cat err other.err | grep -qE 'another witness process|^$' || [ $one$two = 00 ]; then
    pass 'one state file is used by one process at a time'
else
    fail "exit status $one and $two"
    cat err other.err
fi

# A relay that was put back to size 3: it knows nothing of what was cosigned since.
fetch .held >seen.note
check_line 'what the agent saw is of size 7' '^7$' seen.note
stop_daemon relay
rm -f relay.db*
for f in early.relay.db*; do cp "$f" "${f#early.}"; done
start_relay
check 'with its own state the witness runs' witness north.state
check_line 'and does not sign below it' 'holds size 3, below the 7 cosigned before: not signed' err
cp yesterday.state stale.state
witness stale.state --agent-checkpoint seen.note
rc=$?
[ $rc != 0 ] && pass "with an old state and what the agent saw it refuses (exit status $rc)" || { fail 'it ran'; cat err; }
[ "$(signed)" = '1 2 3' ] && pass 'nothing was signed' || fail "it signed: $(signed)"
for i in 1 2 3 4 5; do
    need 'record' as ru record contact plenary --yes --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys' --set "subjects=other $i"
    as ru sync >/dev/null 2>&1
done
witness north.state
rc=$?
[ $rc != 0 ] && pass "grown past it by other entries, it is refused (exit status $rc)" || fail 'it was cosigned'
[ "$(signed)" = '1 2 3' ] && pass 'nothing was signed beside' || fail "it signed: $(signed)"
file=$(find evidence -name 'evidence-*' | head -n 1)
if [ -n "$file" ]; then
    check 'the evidence verifies offline' "$detente" evidence verify "$file"
else
    fail 'there is no evidence'
    cat err
fi
witness north.state
rc=$?
[ $rc != 0 ] && pass "and it never signs this register again (exit status $rc)" || fail 'it went on'
scenario_end
