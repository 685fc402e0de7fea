#!/usr/bin/env bash
# Goal: `detente-relay witness` is a C2SP tlog-witness that other logs can ask: the recorded session of the shared vectors
# is answered over HTTP by the status table, before and after a restart, and every refusal on the command line is clear.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
vectors=${DETENTE_SHARED:-$top/../shared}/vectors/tlog/gen
vkey_of() { # ROLE: the verifier keys of that role in the vectors
    python3 -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    key = json.loads(line)
    if key["role"] == sys.argv[2]:
        print(key["vkey"])' "$vectors/keys.jsonl" "$1"
}
umask 077
check 'a key of its own' "$detente" witness keygen --name witness.example/others --out others.key
PORT=$(free_port)
witness() { # OPTION...: one run in the foreground, which ends by itself
    "$relay_program" witness --key others.key --state others.state --listen "127.0.0.1:$PORT" "$@"
}

check_status 'no log: refused' 2 witness
check_line 'and it says so' '1 to [0-9]+ logs are needed' err
check_status 'a log that is none: refused' 2 witness --log 'not+a+key'
check_status 'a file of logs that is not there: refused' 3 witness --logs nowhere.policy
check_status "a witness's key among the logs: refused" 2 witness --log "$("$detente" witness keygen --name x --out x.key)"
[ -e others.state ] && fail 'a refused start made a state file' || pass 'a refused start makes no state file'

if [ ! -f "$vectors/add_checkpoint.jsonl" ]; then
    skip 'the shared vectors are not beside the tree: the recorded session was not replayed'
    scenario_end
fi
log=$(vkey_of log | head -n 1)
origin=${log%%+*}
check_status 'no key file: refused' 3 "$relay_program" witness --key no.key --state s --listen 127.0.0.1:0 --log "$log"
start() {
    start_daemon witness "$relay_program" witness --key others.key --state others.state --listen "127.0.0.1:$PORT" "$@"
    wait_port "$PORT" || { fail 'the witness did not start'; tail "$run_dir/witness.log"; scenario_end; }
}
session() {
    python3 "$top/tests/e2e/witness_session.py" "http://127.0.0.1:$PORT" "$vectors" "$origin"
}
seen() { # what a monitor sees
    python3 -c 'import hashlib, sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen("%s/%s/checkpoint" % (sys.argv[1], hashlib.sha256(sys.argv[2].encode()).hexdigest())).read())' \
        "http://127.0.0.1:$PORT" "$origin"
}

start --log "$log"
check 'the recorded session, step by step' session
seen >before.note
check_status 'a second process with this state: refused' 4 witness --log "$log"
cp others.state copy.state
stop_daemon witness
check_line 'it stops as told' 'witness: stopped' "$run_dir/witness.log"

# From a policy file, with the same state.
printf '# logs that we witness\nlog %s\nquorum none\n' "$log" >logs.policy
start --logs logs.policy
seen >after.note
check_same 'a monitor sees the same after the restart' before.note after.note
if session >again.out; then
    fail 'the session began anew, from a state that was lost'
else
    pass 'the session does not begin anew'
fi
check_line 'its first request meets the stored size' '^step 1 .*status 409, not 200' again.out
seen >again.note
check_line 'and the size is as it was, or larger' "^$(sed -n 2p before.note)\$" again.note
stop_daemon witness

# More connections at once than an address may open are closed; a second later there is one again.
start --log "$log" --address-rate 1
check 'an address may open four at once' python3 -c 'import socket, sys, time
def answered():
    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 10)
    try:
        s.sendall(b"GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
        return s.recv(12) == b"HTTP/1.1 404"
    except OSError:
        return False
time.sleep(5)
n = sum(answered() for _ in range(20))
time.sleep(1.2)
print("answered: %d of 20 connections at once" % n)
sys.exit(not (4 <= n < 16 and answered()))' "$PORT"
stop_daemon witness

# The state of one key is not the state of another.
check 'another key' "$detente" witness keygen --name witness.example/second --out second.key
check_status 'with the state of the first: refused' 1 "$relay_program" witness --key second.key --state others.state \
    --listen 127.0.0.1:0 --log "$log"
check_line 'and it says why' 'another witness.s key' err
if grep -qE 'Sanitizer|runtime error' "$run_dir/witness.log"; then
    fail 'a sanitizer reported'
fi
scenario_end
