#!/usr/bin/env bash
# Goal: two relays on one PostgreSQL database, with the members of a forum split between them, do the main job: talk, records,
# proofs. The database is killed and connections are cut on the way, at any byte; relays are killed, at any send to the
# database, and started anew: nothing that was acknowledged is lost, twice or out of order. What is appended at one wakes who
# waits at the other. The store moves into a file and back, and nothing is another.
# builds: build-clang build-gcc build
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
server=$top/tests/tools/postgres
eval "$(declare -f stop_daemons | sed '1s/stop_daemons/stop_programs/')"
stop_daemons() {
    stop_programs
    [ ! -d "$DT_WORK/pg" ] || "$server" stop "$DT_WORK/pg"
}
chmod 711 "$DT_WORK" # the server runs as a user without rights
"$server" --fsync start "$DT_WORK/pg" >pg.url || { fail 'no PostgreSQL'; scenario_end; }
host=$(sed 's/.*host=//' pg.url)
sql() { # DATABASE TEXT
    psql -q -X -At -v ON_ERROR_STOP=1 "postgresql://detente@/$1?host=$host" -c "$2"
}
database() { # NAME: a new one; its URL
    sql postgres "CREATE DATABASE $1" && echo "postgresql://detente@/$1?host=$host"
}
store=$(database forum_store)

# Two relays; the member of south is at the second.
PORT2=$(free_port)
as() {
    local who=$1
    shift
    if [ "$who" = ru ]; then
        DETENTE_RELAY=http://127.0.0.1:$PORT2 "$detente" --home "$who" "$@"
    else
        "$detente" --home "$who" "$@"
    fi
}
# One key for all that use the store; what was signed each remembers for itself.
keyed=(--sealing-key sealing.key)
grant_options=("${keyed[@]}")
start_relay() {
    start_daemon relay "$relay_program" serve --store "$store" --listen "127.0.0.1:$PORT" "${keyed[@]}" --signed one.signed
    start_daemon relay2 "$relay_program" serve --store "$store" --listen "127.0.0.1:$PORT2" "${keyed[@]}" --signed two.signed
    wait_port "$PORT" && wait_port "$PORT2" || { fail 'set-up: the relays did not start'; cat "$run_dir"/relay*.log; scenario_end; }
}
forum
plenary
disconnect() {
    sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'forum_store'" >/dev/null
}
for i in 1 2 3; do
    for who in us ru med; do
        need 'a message' as "$who" send plenary "$who says $i"
        case $i$who in
        1us | 2ru) disconnect ;;
        2us) need 'the database is killed' "$server" kill "$DT_WORK/pg" && sleep 1 ;;
        3ru) need 'the database is restarted' "$server" restart "$DT_WORK/pg" && sleep 1 ;;
        esac
    done
    entry us "point $i"
    settle us ru med
done
for who in us ru med; do
    for i in 1 2 3; do
        for from in us ru med; do
            n=$(times "$who" "$from says $i")
            [ "$n" = 1 ] || fail "$who has '$from says $i' $n times"
        done
    done
    [ "$(size_at "$who")" = 3 ] && pass "$who holds all entries, and every message once" || fail "$who holds $(size_at "$who") entries"
done
for p in north south neutral; do
    check "the witness of $p cosigns through the second relay" "$detente" witness run --once --key "$p.witness" --state "$p.state" \
        --register "http://127.0.0.1:$PORT2$register" --vkey "$vkey"
done
settle us ru med
check_status 'the register is final for a member at the first' 0 as us register status --json
check_line 'to its end' '"final": 3,' out
check_no_line 'no relay said anything of an error but of the database' 'error: (format|conflict|internal)' "$run_dir/relay.log"
check_no_line 'nor the second' 'error: (format|conflict|internal)' "$run_dir/relay2.log"
stores_whole us ru med

# Into a file and back.
stop_daemon relay
stop_daemon relay2
check_status 'the store is copied into a file' 0 "$relay_program" migrate --from "$store" --to file.db --json
check_line 'and compared' '"ok": true' out
cp out there
check_status 'the same again is no error' 0 "$relay_program" migrate --from "$store" --to file.db --json
check_same 'and the same copy' there out
cp file.db other.db && python3 -c 'import sqlite3; sqlite3.connect("other.db", isolation_level=None).execute("DELETE FROM served")'
check_status 'a store with other content takes no copy' 4 "$relay_program" migrate --from "$store" --to other.db
back=$(database back_store)
check_status 'and the file into another database' 0 "$relay_program" migrate --from file.db --to "$back" --json
check_same 'every table is the same after both ways' there out
# Killed at every eighth of what it says to the database (the first is the making of tables, the last the end): run again, it goes on to the
# same end.
shim=$DT_BIN/tests/tools/killshim.so
under_shim() { # AT OUT DATABASE
    LD_PRELOAD=$shim DT_KILL_PROGRAM=detente-relay DT_KILL_PEER=PGSQL DT_KILL_HOW=after DT_KILL_AT=$1 \
        DT_KILL_COUNT_FILE=$PWD/calls "$relay_program" migrate --from file.db --to "$3" --json >"$2"
}
if [ -e "$shim" ]; then
    need 'the calls of a copy' under_shim 0 out "$(database counted)"
    calls=$(head -n 1 calls)
    for i in 1 2 3 4 5 6 7 8; do
        broken=$(database "broken_$i")
        check_status "killed at $i of 8" 137 under_shim $((calls * i / 8)) /dev/null "$broken"
        [ $i -lt 4 ] || [ $i = 8 ] || check_status 'what broke off is no store' 1 "$relay_program" check-config --store "$broken"
        check_status 'running it again goes on' 0 "$relay_program" migrate --from file.db --to "$broken" --json
        check_same 'to the same end' there out
    done
else
    skip "no kill shim in $DT_BIN"
fi
store=$back
start_relay
need 'a message' as ru send plenary 'after the move'
settle us ru med
[ "$(times us 'after the move')" = 1 ] && pass 'the forum goes on from the copy' || fail 'the forum does not go on'
stop_daemon relay
stop_daemon relay2

# Under load, with an oracle of every acknowledged cell and entry.
mkdir load
loop=${DT_KILL_LOOP:-2}
sends=(--send-kills $((loop + 1)) --shim "$shim")
[ -e "$shim" ] || sends=()
(cd load && python3 "$top/tests/tools/two_relays.py" "$DT_BIN" "$DT_WORK/pg" --relay-kills $((loop * 3 / 2)) \
    --database-kills $(((loop + 1) / 2)) --restarts $(((loop + 7) / 8)) --cuts $(((loop + 1) / 2)) \
    --byte-cuts $((loop * 2)) "${sends[@]}") >load.out 2>&1
grep -E '^(ok|FAILED)' load.out | while read -r line; do echo "$line"; done
n=$(grep -c '^ok' load.out)
case_passed=$((case_passed + n))
case_failed=$((case_failed + $(grep -c '^FAILED' load.out)))
[ "$n" -ge 15 ] || { fail 'the load was not judged'; tail -n 20 load.out; }
grep ' acts in ' load.out
scenario_end
