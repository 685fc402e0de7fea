#!/usr/bin/env bash
# Goal: a relay that shows one agent a register, and later another that does not contain it, is caught by the
# agent and by a witness; nothing of the other tree is taken in, and the evidence verifies offline.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

cosign() { # PARTY
    "$detente" witness run --once --key "$1.witness" --state "$1.state" --register "http://127.0.0.1:$PORT$register" \
        --vkey "$vkey" --evidence evidence >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null
}
mkdir evidence
need 'another key' "$detente" witness keygen --name other.example/witness --out other.witness
cp need.out other.vkey

entry us one
settle us ru med
check 'a witness cosigns the first tree' cosign north
stop_daemon relay
cp relay.db fork.db
[ ! -e relay.db-wal ] || cp relay.db-wal fork.db-wal
start_relay
entry us two
need 'sync' as us sync
check 'the witness cosigns the second tree' cosign north
[ "$(size_at us)" = 2 ] && pass 'the agent holds two entries' || fail "the agent holds $(size_at us) entries"

# The same key signs another second entry.
stop_daemon relay
mv fork.db relay.db
rm -f relay.db-shm relay.db-wal relay.db.signed # a relay that is to lie lets its signer forget
[ ! -e fork.db-wal ] || mv fork.db-wal relay.db-wal
start_relay
entry ru three
need 'sync' as ru sync
"$detente" --home us sync >out 2>err </dev/null
rc=$?
[ $rc = 1 ] && pass 'the agent refuses the other tree (exit status 1)' || fail "the agent's sync: exit status $rc"
check_line 'and says why' 'the register contradicts itself' err
[ "$(size_at us)" = 2 ] && pass 'nothing of it was taken in' || fail "the agent holds $(size_at us) entries now"
"$detente" --home us alarms >alarms
check_line 'an alarm is kept' 'signed two trees' alarms
"$detente" --home us sync >/dev/null 2>&1
"$detente" --home us alarms >again
check_same 'the same again is no second alarm' alarms again
check 'the agent has evidence to show' as us evidence export --out agent.evidence
check 'and it verifies offline' "$detente" evidence verify agent.evidence
check 'with nothing but the charter for the key' "$detente" evidence verify --charter charter agent.evidence
"$detente" evidence verify --charter charter agent.evidence >out
check_line 'it says what was signed' 'signed +[0-9]+ entries, root [0-9a-f]{64}' out
check_line 'and by whom' "the register's key in the charter" out
check 'or the key itself' "$detente" evidence verify --vkey "$vkey" agent.evidence
check_status 'not under another key' 1 "$detente" evidence verify --vkey "$(cat other.vkey)" agent.evidence
check_line 'since it is about another' "another register's key than the one given" err
# What each of two members was shown, compared over any other path than the relay.
check 'one hands over its checkpoint' as ru register checkpoint --out ru.checkpoint
check_status 'the other sees that it was shown another register' 1 "$detente" --home us register compare ru.checkpoint
check_line 'and says so' 'its key signed two trees' err
check 'its own is no contradiction' as us register checkpoint --out us.checkpoint
check_status 'to itself' 0 "$detente" --home us register compare us.checkpoint
cosign north
rc=$?
[ $rc != 0 ] && pass "the witness does not cosign it (exit status $rc)" || fail 'the witness cosigned the other tree'
file=$(find evidence . -maxdepth 1 -name 'evidence-*' | head -n 1)
if [ -n "$file" ]; then
    check 'its evidence file verifies offline' "$detente" evidence verify "$file"
    cp "$file" altered
    # In what the register signed: a witness's line beside it is not part of the evidence.
    at=$(grep -abo 'register\.detente' altered | head -n 1 | cut -d: -f1)
    printf 'R' | dd of=altered bs=1 seek="$at" conv=notrunc status=none
    check_status 'an altered one does not' 1 "$detente" evidence verify altered
else
    fail 'the witness wrote no evidence'
    cat "$DT_WORK/err"
fi
scenario_end
