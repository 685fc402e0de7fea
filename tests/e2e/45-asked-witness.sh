#!/usr/bin/env bash
# Goal: a relay asks a witness that waits to be asked (`detente-relay witness`), beside those that come by themselves; two
# witnesses of one party count once; who lags or refuses is shown to everyone, with since when; and a witness killed again
# and again under traffic never loses what it cosigned.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
witness=$DT_BIN/detente-witness
umask 077
ASKED=$(free_port)
for w in north-2 asked; do
    "$witness" keygen --name "witness.example/$w" --out "$w.witness" >"$w.vkey" || fail 'set-up: a witness key'
done
grant_options=(--witness "north=$(cat north-2.vkey)" --witness "neutral=$(cat asked.vkey) http://127.0.0.1:$ASKED/")
forum
plenary

start_asked() { # OPTION...
    start_daemon asked "$relay_program" witness --key asked.witness --state asked.state --listen "127.0.0.1:$ASKED" "$@"
    wait_port "$ASKED" || { fail 'the witness did not start'; tail "$run_dir/asked.log"; scenario_end; }
}
shown() { # what everyone sees of the witnesses
    python3 -c 'import sys, urllib.request
sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())' "http://127.0.0.1:$PORT$register/witnesses"
}
# await REGEX: until a line of what is shown matches, in ten seconds.
await() {
    local i
    for ((i = 0; i < 100; i++)); do
        shown >shown.json
        grep -qE -- "$1" shown.json && return 0
        sleep 0.1
    done
    return 1
}
own() { # WHO: one run of a witness that comes by itself, by the program that is nothing else
    "$witness" run --once --key "$1.witness" --state "$1.state" --register "http://127.0.0.1:$PORT$register" \
        --vkey "$vkey" --evidence . >own.out 2>own.err </dev/null
}
put() {
    entry us "$1"
    need 'sync' as us sync
}
asked_sizes() { # the sizes that the asked witness cosigned, as the relay holds them
    python3 -c 'import sqlite3, sys
key = int(sys.argv[1], 16)
rows = sqlite3.connect("file:relay.db?mode=ro", uri=True).execute("SELECT size FROM cosignature WHERE key_id = ? ORDER BY size", (key,))
print(" ".join(str(r[0]) for r in rows))' "$(cut -d+ -f2 asked.vkey)"
}

# Nobody is there: entries are held all the same.
put one
[ "$(size_at us)" = 1 ] && pass 'an entry is held while the witness is gone' || fail 'the entry is not held'
check 'everyone sees that it is not reached' await '"group": "neutral", "name": "witness.example/asked".* "size": 0,.*"what": "unreached"'
register_url=http://127.0.0.1:$PORT$register
"$detente" charter show --policy charter >policy
check_status 'an observer hears it from the relay' 0 "$detente" observe --policy policy "$register_url"
check_line 'as its word alone' "^The relay's word alone" out
check_line 'of the witness and its group' '^  witness\.example/asked, for .*neutral: unreached, since ' out
# It knows another log only: it refuses.
start_asked --log 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'
check 'it refuses, and everyone sees it' await '"name": "witness.example/asked".*"what": "refuses", "status": 404, "since": [0-9]+'
stop_daemon asked
start_asked --log "$vkey"
check 'it knows the register now, and cosigns' await '"name": "witness.example/asked".* "size": 1,.*"asked": true, "trouble": null'
check_status 'nothing is said of it to an observer any more' 0 "$detente" observe --policy policy "$register_url" --json
check_line 'who asks' '"relay_says": \[\]' out
check_line 'the relay has told of it once' 'witness witness.example/asked cosigns again' "$run_dir/relay.log"

asked_check() { # STATUS WHAT OPTION...
    local want=$1 what=$2
    shift 2
    check_status "$what" "$want" "$relay_program" witness --check --key asked.witness --state asked.state --listen 127.0.0.1:1 --log "$vkey" "$@"
}
asked_check 0 'it is checked while it runs'
check_line 'key, log and state' '^the witness is ready: logs 1, registers cosigned: 1' out
check_status 'with another key it is not ready' 1 "$relay_program" witness --check --key north-2.witness --state asked.state --listen 127.0.0.1:1 --log "$vkey"
check_status 'without a key neither' 3 "$relay_program" witness --check --key nowhere --state asked.state --listen 127.0.0.1:1 --log "$vkey"
check_status 'before its first start it is' 0 "$relay_program" witness --check --key north-2.witness --state none.state --listen 127.0.0.1:1 --log "$vkey"
[ ! -e none.state ] && pass 'and nothing was made' || fail 'a check made a state'
python3 - <<'PY'
import sqlite3
src = sqlite3.connect('file:asked.state?mode=ro', uri=True)
dst = sqlite3.connect('bent.state')
src.backup(dst)
dst.execute('UPDATE tree SET size = size + 1')
dst.commit()
PY
check_status 'a state that was bent is not' 1 "$relay_program" witness --check --key asked.witness --state bent.state --listen 127.0.0.1:1 --log "$vkey"
check_line 'and it is told' 'bent.state: a checkpoint in it is not the one that was cosigned' err

# Two of north, both of which come by themselves: one side.
check 'a witness of north' own north
check 'a second one of north' own north-2
as us sync >/dev/null
as us register status >status.txt
check_line 'the entry is attested by two sides' '^1 entries: 1 attested, 0 final' status.txt
check_line 'north counts once' '^  north +cosigned 1, [^;]*$' status.txt
check_line 'south lags, with since when' '^  south +cosigned 0; behind since 20[0-9-]+T' status.txt
as us register status --json >status.json
check_line 'in JSON too' '"behind_since": "20' status.json
as us status >home.txt
check_line 'and on the first page' 'witness of south +has not cosigned anything yet, behind since 20' home.txt
shown >shown.json
check_line 'a stranger sees it as well' '"group": "south", "size": 0, "time": null, "behind": true, "behind_since": [0-9]{10}\}' shown.json
"$detente" register check --charter charter --forum "$forum_id" >check.txt 2>&1
check_line 'and by register check' '^  south +cosigned 0, behind since 20[0-9-]+T' check.txt
python3 -c 'import sys, urllib.request
note = urllib.request.urlopen(sys.argv[1]).read().decode()
print(note.count("\n\u2014 witness.example/north "), note.count("\n\u2014 witness.example/north-2 "), note.count("\n\u2014 witness.example/asked "))' \
    "http://127.0.0.1:$PORT$register/checkpoint?size=1" >lines.txt
check_line 'all three lines stand on the checkpoint' '^1 1 1$' lines.txt

# The program: the same commands as detente witness.
for c in keygen vkey run; do
    check_same "detente-witness $c has the options of detente witness $c" \
        <("$witness" $c --help | sed -n '/^Options:/,/^$/p') <("$detente" witness $c --help | sed -n '/^Options:/,/^$/p')
done
check_same 'it tells the verifier key of a key' <("$witness" vkey --key north-2.witness) north-2.vkey
check_same 'as the other does' <("$detente" witness vkey --key north-2.witness) north-2.vkey
check_status 'a key is not made twice' 1 "$witness" keygen --name witness.example/x --out north-2.witness
for words in '' 'walk' 'run --key' 'run --key north.witness' 'keygen --register x' 'vkey north'; do
    check_status "'detente-witness $words' is no call of it" 2 "$witness" $words
done
check_status 'a file that is not there' 3 "$witness" run --once --key nowhere --state x.state --register "$register_url" --vkey "$vkey" --agent-checkpoint nowhere
check_status 'its version' 0 "$witness" --version
check_line 'has its name' '^detente-witness [0-9]' out

# North's first witness is gone; its second one alone speaks for it.
put two
check 'the second one of north alone' own north-2
check 'south comes' own south
check 'the asked one was asked' await '"name": "witness.example/asked".* "size": 2,'
as us sync >/dev/null
as us register status >status.txt
check_line 'all sides: final' '^2 entries: 2 attested, 2 final' status.txt
check_no_line 'nobody lags' 'behind since' status.txt

# North's second one stays, as it is meant to.
"$witness" run --key north-2.witness --state north-2.state --register "$register_url" --vkey "$vkey" >stays.out 2>stays.err </dev/null &
stays=$!
put stays
check 'a witness that stays cosigns what comes' await '"name": "witness.example/north-2".* "size": 3,'
kill -TERM $stays
wait $stays && pass 'and ends when it is told to' || fail "it ended with $?: $(cat stays.err)"
check_line 'it told of it' 'size 3' stays.err

# It moves to another address; then it comes by itself; then it is asked again.
stop_daemon asked
stop_daemon relay
ASKED=$(free_port)
check 'its new address' "$relay_program" witness-url --store relay.db --vkey "$(cat asked.vkey)" --url "http://127.0.0.1:$ASKED"
start_relay
start_asked --log "$vkey"
put moved
check 'it is asked there' await '"name": "witness.example/asked".* "size": 4,'
stop_daemon relay
check 'no address any more' "$relay_program" witness-url --store relay.db --vkey "$(cat asked.vkey)"
start_relay
check 'it is not asked' await '"name": "witness.example/asked".*"asked": false, "trouble": null'
stop_daemon relay
check 'and again' "$relay_program" witness-url --store relay.db --vkey "$(cat asked.vkey)" --url "http://127.0.0.1:$ASKED" --quiet
check_status 'a witness that no register has: refused' 3 "$relay_program" witness-url --store relay.db \
    --vkey "$("$detente" witness keygen --name witness.example/none --out none.key)" --url http://127.0.0.1:1
check_status "a log's key: refused" 2 "$relay_program" witness-url --store relay.db --vkey "$vkey" --url http://127.0.0.1:1
check_status 'no URL: refused' 2 "$relay_program" witness-url --store relay.db --vkey "$(cat asked.vkey)" --url nowhere
check_status 'nor one with a line in it' 2 "$relay_program" witness-url --store relay.db --vkey "$(cat asked.vkey)" --url $'http://x\nquorum none'
check_status 'nor one with a comment behind it' 2 "$relay_program" witness-url --store relay.db --vkey "$(cat asked.vkey)" --url $'http://x\n#'
start_relay

# Killed again and again, while the register grows.
for ((round = 0; round < 12; round++)); do
    put "round $round"
    sleep 0.0$((RANDOM % 10))
    read -r pid _ <"$run_dir/asked.pid"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    rm -f "$run_dir/asked.pid"
    before=$(asked_sizes | awk '{ print $NF }')
    start_asked --log "$vkey"
    seen=$(python3 -c 'import hashlib, sys, urllib.request
print(urllib.request.urlopen("%s/%s/checkpoint" % (sys.argv[1], hashlib.sha256(sys.argv[2].encode()).hexdigest())).read().decode().split("\n")[1])' \
        "http://127.0.0.1:$ASKED" "${vkey%%+*}")
    if [ "$seen" -ge "$before" ]; then
        pass "killed at size $before: it knows size $seen"
    else
        fail "killed at size $before: it knows only size $seen"
    fi
done
size=$(size_at us)
check 'it ends up with all of it' await "\"name\": \"witness.example/asked\".* \"size\": $size,.*\"trouble\": null"
"$detente" register check --charter charter --forum "$forum_id" >check.txt 2>&1
check_line 'and the register holds' "^$size entries" check.txt
for log in asked relay; do
    if grep -qE 'Sanitizer|runtime error' "$run_dir/$log.log"; then
        fail "a sanitizer reported in $log.log"
    fi
done
scenario_end
