#!/usr/bin/env bash
# Goal: a relay shows one member a register that stands still, one that is old, one of random bytes, and one that forked
# from what the others see. Nothing of it is taken in that was not signed, the member says what it saw, and the fork
# becomes a file that anyone checks offline.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/hostile.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
forum
FORK=$(free_port)
hostile ru --other "$FORK"
plenary
: >said

later() { # HOURS COMMAND...: with a clock that many hours on
    local hours=$1
    shift
    DT_CLOCK_OFFSET=$((hours * 3600)) LD_PRELOAD=$shim "$@"
}
witness() { # OPTION...: south's, through the hostile relay; what it says in witness.said
    "$detente" witness run --once --key south.witness --state south.state --register "${relay_url[ru]}$register" \
        --vkey "$vkey" "$@" >witness.said 2>&1 </dev/null
}
alarms() {
    "$detente" --home ru alarms >alarms
}

entry us one
settle us ru med
check 'an honest relay: the witness cosigns' witness
entry us two
settle us ru med
[ "$(size_at ru)" = 2 ] && pass 'and all hold two entries' || fail "ru holds $(size_at ru)"

# ---- random bytes for checkpoints and tiles ----
attack ru mangle
entry us three
need 'sync' as us sync
try ru sync
clean 'mangle: the sync ends in one line' ru
[ "$rc" != 0 ] && pass 'mangle: with an error' || fail 'mangle: the sync says nothing'
check_line 'mangle: which names the checkpoint' '^detente: .*checkpoint' ru.err
[ "$(size_at ru)" = 2 ] && pass 'mangle: nothing was taken in' || fail "mangle: ru holds $(size_at ru)"
call witness 30
refused 'mangle' witness
call stranger 30
refused 'mangle' stranger
lied 'mangle' ru 3
attack ru honest
settle ru
[ "$(size_at ru)" = 3 ] && pass 'honest again: three entries' || fail "ru holds $(size_at ru)"
check 'and the witness goes on' witness

# ---- a register that stands still ----
attack ru freeze
try ru sync # what it is shown now stays
entry us four
settle us med
entry ru five
try ru sync
clean 'freeze: at first there is nothing to say' ru
try ru sync
[ "$(size_at ru)" = 3 ] && pass 'freeze: it holds what it was shown' || fail "freeze: ru holds $(size_at ru)"
alarms
check_no_line 'freeze: and raises no alarm, for news may be on its way' 'register' alarms
later 2 try ru sync
clean 'freeze: hours later' ru
alarms
check_line 'freeze: its own entry does not come' 'acknowledged an entry of ours, and the register shown to us does not come to hold it' alarms
later 20 try ru sync # less than a day, or ru would rotate under a voucher of tomorrow's, which stands for nobody yet
alarms
check_line "freeze: nor does another member's record" 'Ana North .*a record of this member is not in the register shown to us' alarms
lied 'freeze' ru
attack ru honest
settle us ru med
[ "$(size_at ru)" = 5 ] && pass 'honest again: five entries' || fail "ru holds $(size_at ru)"

# ---- an old register ----
attack ru old
try ru sync
clean 'old: at first there is nothing to say' ru
[ "$(size_at ru)" = 5 ] && pass 'old: what it holds stays' || fail "old: ru holds $(size_at ru)"
later 2 try ru sync
alarms
check_line 'old: it is told' 'the relay shows a register of [0-9]+ entries, and we hold 5' alarms
check 'old: the witness runs' witness
check_line 'old: and signs nothing below' 'not signed' witness.said
lied 'old' ru
attack ru honest
settle us ru med
check 'honest again, the witness cosigns' witness

# ---- a fork, for ru alone ----
stop_daemon relay
for f in relay.db*; do cp "$f" "fork${f#relay}"; done
start_relay
start_daemon fork "$relay_program" serve --store fork.db --listen "127.0.0.1:$FORK"
wait_port "$FORK" || { fail 'set-up: the fork did not start'; scenario_end; }
entry us six
need 'sync' as us sync
check 'the witness cosigns what the others see' witness
attack ru fork
entry ru 'six as ru sees it'
try ru sync
clean 'fork: nothing is wrong in itself with what ru is shown' ru
try ru sync
[ "$(size_at ru)" = 6 ] && [ "$(size_at us)" = 6 ] && pass 'fork: both hold six entries' || fail "fork: ru holds $(size_at ru), us $(size_at us)"
# Their receipts say what each was shown.
says us 'a word on the register'
need 'sync' as us sync
try ru sync
need 'sync' as us sync
"$detente" --home us alarms >us.alarms
check_line 'fork: by the receipt us learns that ru was shown another register' 'Boris South .*this member was shown another register than we' us.alarms
check_line 'fork: which is evidence' 'signed two trees' us.alarms
check 'fork: us can show it' as us evidence export --out us.early.evidence
check 'fork: to anyone' "$detente" evidence verify --charter charter us.early.evidence
witness --evidence .
rc=$?
file=$(find . -maxdepth 1 -name 'evidence-*' | head -n 1)
[ $rc != 0 ] && [ -n "$file" ] && pass "fork: the witness that is shown it signs no more: $(tail -n 1 witness.said)" ||
    fail "fork: the witness: status $rc: $(cat witness.said)"
check 'fork: ru hands its checkpoint to us, by another path' as ru register checkpoint --out ru.checkpoint
check_status 'fork: us sees that it was shown another register' 1 "$detente" --home us register compare ru.checkpoint
check_line 'fork: and says so' 'its key signed two trees' err
attack ru honest
try ru sync
[ "$rc" = 1 ] && pass 'fork: shown the register of the others, ru refuses it (exit status 1)' || fail "fork: ru's sync: exit status $rc: $(cat ru.err)"
check_line 'fork: and says why' 'the register contradicts itself' ru.err
[ "$(size_at ru)" = 6 ] && pass 'fork: nothing of it was taken in' || fail "fork: ru holds $(size_at ru)"
alarms
check_line 'fork: an alarm is kept' 'signed two trees' alarms
says us 'talk goes on meanwhile'
need 'sync' as us sync
try ru sync
[ "$(times ru 'talk goes on meanwhile')" = 1 ] && pass 'fork: talk goes on' || fail 'fork: ru does not read on'
check 'fork: ru has evidence to show' as ru evidence export --out ru.evidence
check 'fork: so has us' as us evidence export --out us.evidence
stop_daemons
for f in "$file" ru.evidence us.evidence; do
    check "${f##*/} verifies offline, with nothing but the charter" "$detente" evidence verify --charter charter "$f"
    sed -E '0,/^[0-9]+$/s/^6$/7/' "$f" >altered
    cmp -s "$f" altered && fail "${f##*/}: nothing was altered"
    check_status '  an altered one does not' 1 "$detente" evidence verify --charter charter altered
done
stores_whole us ru
scenario_end
