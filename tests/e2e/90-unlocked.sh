#!/usr/bin/env bash
# Goal: a home is unlocked for a time and then needs no passphrase, in commands and in the agent; locked, or when the time
# is over, it does again and the agent ends; what is kept opens this home alone; a desk is handed over, is shown, and is
# named by a receipt. Where the kernel keeps no keys, or forbids it, unlock says so and all else works as before.
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
pass_file=$DETENTE_PASSPHRASE_FILE
bare() { env -u DETENTE_PASSPHRASE_FILE "$@"; }

bare "$detente" --home us unlock --for 1m --passphrase-file "$pass_file" >out 2>err
if grep -q 'keeps no keys\|may not be used here' err; then
    skip "no keyring here: $(cat err)"
    scenario_end
fi
trap 'env -u DETENTE_PASSPHRASE_FILE "$detente" --home us lock >/dev/null 2>&1; stop_daemons' EXIT
check_line 'unlocked, and until when' '^unlocked until 20.*, for every program of this user' out
check_status 'a command needs no passphrase' 0 bare "$detente" --home us status
check_line 'status says until when' '^unlocked until 20' "$DT_WORK/out"
check_status 'so in another session of the same user' 0 bare setsid "$detente" --home us status
check_status 'another home still asks' 4 bare setsid "$detente" --home ru status
check_status 'a wrong passphrase that is given counts' 4 bare "$detente" --home us status --passphrase-file charter
check_status 'no other passphrase unlocks' 4 bare "$detente" --home ru unlock --passphrase-file charter
check_status 'and nothing was kept' 4 bare setsid "$detente" --home ru status
check_status 'for a day at most' 1 bare "$detente" --home us unlock --for 2d --passphrase-file "$pass_file"
cp -r us us.copy
check_status 'the key is for the store, wherever it is' 0 bare "$detente" --home us.copy status
rm -r us.copy

# The agent, and the lock.
env -u DETENTE_PASSPHRASE_FILE "$detente" --home us agent >agent.out 2>agent.err &
agent=$!
sleep 2
check 'the agent runs' kill -0 $agent
check_status 'unlocked anew' 0 bare "$detente" --home us unlock --for 5m --session --passphrase-file "$pass_file"
check_status 'that is in force' 0 bare "$detente" --home us unlock --for 5m --passphrase-file "$pass_file"
sleep 3
check 'the agent runs on' kill -0 $agent
check_status 'locked' 0 bare "$detente" --home us lock
check_line 'and said' '^locked; an agent' "$DT_WORK/out"
wait $agent
rc=$?
[ $rc = 4 ] && pass 'the agent ends with status 4' || fail "the agent ended with status $rc"
check_line 'and says why' 'was locked, or the time is over' agent.err
check_status 'a passphrase is needed again' 4 bare setsid "$detente" --home us status
check_status 'locked twice does no harm' 0 bare "$detente" --home us lock --json
check_line 'and is told' '"was_unlocked": false' "$DT_WORK/out"
check_status 'the passphrase works as ever' 0 "$detente" --home us status
check_no_line 'status says nothing of unlocking' 'unlocked' "$DT_WORK/out"

# Its time.
check_status 'unlocked for two seconds' 0 bare "$detente" --home us unlock --for 2s --passphrase-file "$pass_file"
check_status 'it is' 0 bare "$detente" --home us status
sleep 3
check_status 'it is not any more' 4 bare setsid "$detente" --home us status

# A kernel without keyrings, and a container that forbids them: the calls answer so.
cat >without.py <<'P'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
e = int(sys.argv[1])
numbers = {'x86_64': (248, 250), 'aarch64': (217, 219)}[os.uname().machine]
code = [(0x20, 0, 0, 0)] + [(0x15, 2 - i, 0, n) for i, n in enumerate(numbers)]
code += [(0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050000 | e)]
raw = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *c) for c in code))
class Prog(ctypes.Structure):
    _fields_ = [('n', ctypes.c_ushort), ('p', ctypes.c_void_p)]
prog = Prog(len(code), ctypes.addressof(raw))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(prog), 0, 0):
    sys.exit(99)
os.execv(sys.argv[2], sys.argv[2:])
P
check_status 'no keyring: unlock says so' 1 python3 without.py 38 "$detente" --home us unlock
check_line 'in words' 'this kernel keeps no keys' "$DT_WORK/err"
check_status 'forbidden: unlock says so' 4 python3 without.py 1 "$detente" --home us unlock
check_line 'in words' "the kernel's keyring may not be used here" "$DT_WORK/err"
check_status 'all else works as before' 0 python3 without.py 1 "$detente" --home us status

# The desk.
check_status 'handed over' 0 as us shift hand-over --to 'Ana, first watch'
check_status 'handed over again' 0 as us shift hand-over --to 'Ben, second watch' --note 'South owes us an answer'
check_status 'not to who has it' 1 as us shift hand-over --to 'Ben, second watch'
check_status 'status' 0 as us status
check_line 'who has the desk, from whom' '^desk: Ben, second watch has the desk since 20.*, from Ana, first watch; open then: 0 to send' "$DT_WORK/out"
cp "$DT_WORK/out" status.out
check_line 'and the note' '^desk:   note: South owes us an answer' "$DT_WORK/out"
check_status 'the list' 0 as us shift list --json
python3 - "$DT_WORK/out" <<'P' && pass 'both shifts, with what was open' || fail 'the list is not as it should be'
import json, sys
v = json.load(open(sys.argv[1]))['shifts']
assert [x['name'] for x in v] == ['Ana, first watch', 'Ben, second watch']
assert [x['number'] for x in v] == [1, 2] and v[1]['from'] == 'Ana, first watch' and 'from' not in v[0]
assert v[1]['open'] == {'to_send': 0, 'receipts_overdue': 0, 'alarms': 0}
P
check_line 'nothing is due' '^due: nothing' status.out
entry ru 'a call'
settle ru us med
check_status 'status' 0 as us status
check_line 'what we owe to it' '^due: 0 of ours OVERDUE, 1 due' "$DT_WORK/out"
check_status 'as JSON' 0 as us status --json
python3 - "$DT_WORK/out" <<'P' && pass 'the same' || fail 'due is not as it should be'
import json, sys
assert json.load(open(sys.argv[1]))['due']['due'] == 1
P
check_status 'a receipt' 0 as us receipt 1 --yes
check_line 'shows the desk before it is sent' 'names the desk that has it: Ben, second watch' "$DT_WORK/err"
settle us ru med
check_status 'the other side reads it' 0 as ru show 2
check_line 'with the desk that has it' 'desk +Ben, second watch' "$DT_WORK/out"
check_status 'another desk, said by hand' 0 as us receipt 1 --yes --set 'desk=the night desk'
settle us ru med
check_status 'is read' 0 as ru show 3
check_line 'as said' 'desk +the night desk' "$DT_WORK/out"
stores_whole us ru med
scenario_end
