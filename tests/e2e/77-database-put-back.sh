#!/usr/bin/env bash
# Goal: a relay on a PostgreSQL database that it reaches by TLS and with a password, from its sandbox, also when the connection
# is made anew; and the database put back from an older pg_dump: a relay that remembers what it signed does not start on it,
# nothing in it is signed before somebody says how large the register was, and then it goes on where it was.
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
server=$top/tests/tools/postgres
eval "$(declare -f stop_daemons | sed '1s/stop_daemons/stop_programs/')"
stop_daemons() {
    stop_programs
    [ ! -d "$DT_WORK/pg" ] || "$server" stop "$DT_WORK/pg"
}
chmod 711 "$DT_WORK" # the server runs as a user without rights
"$server" --tls start "$DT_WORK/pg" >pg.url || { fail 'no PostgreSQL'; scenario_end; }
port=$(cat pg/port)
at_socket() { echo "postgresql://detente@/$1?host=$(sed 's/.*host=//' pg.url)"; } # DATABASE
sql() { # DATABASE TEXT
    psql -q -X -At -v ON_ERROR_STOP=1 "$(at_socket "$1")" -c "$2"
}
sql postgres "CREATE ROLE relay LOGIN PASSWORD 'of the exercise'"
sql postgres 'CREATE DATABASE first OWNER relay'
echo "localhost:$port:*:relay:of the exercise" >pgpass
chmod 600 pgpass
# verify-full needs the name that the certificate has.
url() { # DATABASE [CERTIFICATE]
    echo "postgresql://relay@localhost:$port/$1?sslmode=verify-full&sslrootcert=${2:-$DT_WORK/pg/cert.pem}&passfile=$DT_WORK/pgpass"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>/dev/null
head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >sealing.key
chmod 600 sealing.key
keyed=(--sealing-key sealing.key)

PORT=$(free_port)
serve() { # DATABASE SIGNED
    start_daemon relay "$relay_program" serve --store "$(url "$1")" --listen "127.0.0.1:$PORT" "${keyed[@]}" --signed "$2"
    wait_port "$PORT"
}
check_status 'another certificate is not taken' 3 "$relay_program" serve --store "$(url first "$DT_WORK/other.pem")" \
    --listen "127.0.0.1:$PORT" "${keyed[@]}" --signed one.signed
check_line 'in words' 'certificate verify failed' err
serve first one.signed || { fail 'the relay does not start'; cat "$run_dir/relay.log"; scenario_end; }
for p in north south; do
    "$detente" witness keygen --name "witness.example/$p" --out "$p.witness" >"$p.vkey"
done
check_status 'a grant by TLS and password' 0 "$relay_program" grant --store "$(url first)" "${keyed[@]}" --url "http://127.0.0.1:$PORT" \
    --out grants --party north --party south --witness "north=$(cat north.vkey)" --witness "south=$(cat south.vkey)"
prefix=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+/?)".*|\1|p' grants/north.grant)
prefix=${prefix%/}
id=${prefix#/r/}
key=$(sed -nE 's|.*"append_key": *"([0-9a-f]+)".*|\1|p' grants/north.grant)
entry() { # TEXT: its status
    { printf '\1' && printf '%s' "$1" | openssl dgst -sha256 -binary; } |
        curl -s -m 20 -o answer -w '%{http_code}' -H "Authorization: Bearer $key" --data-binary @- "http://127.0.0.1:$PORT$prefix/append"
}
entries() { # FROM TO: all are taken, where each may be tried again for a while
    local i status tries
    for ((i = $1; i <= $2; i++)); do
        for ((tries = 0; tries < 40; tries++)); do
            status=$(entry "entry $i")
            [ "$status" = 503 ] || break
            sleep 0.1
        done
        [ "$status" = 200 ] || { fail "entry $i: $status"; return; }
    done
    pass "entries $1 to $2 are taken"
}
entries 1 3
[ "$(sql postgres "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.usename = 'relay' AND s.ssl")" -ge 3 ] &&
    pass 'all over TLS' || fail 'connections without TLS'
sql postgres "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'" >/dev/null
entries 4 5
check_status 'backup says that a database has its own means' 1 "$relay_program" backup copy.db --store "$(url first)"
check_line 'and which' 'pg_dump copies a database' err
pg_dump -Fc -d "$(at_socket first)" -f older.dump && pass 'dumped while it is served' || fail 'pg_dump'
entries 6 9
curl -s "http://127.0.0.1:$PORT$prefix/checkpoint.held" >newest
curl -s "http://127.0.0.1:$PORT$prefix/tile/entries/000.p/9" >tile
python3 -c 'import sys; b = open("tile", "rb").read(); open("entries", "wb").write(b"".join(b[i + 2:i + 35] for i in range(0, len(b), 35)))'
stop_daemon relay

# The database is lost, and an older one stands in its place.
again() { # DATABASE
    sql postgres "CREATE DATABASE $1 OWNER relay" && pg_restore -d "$(at_socket "$1")" older.dump || fail "pg_restore into $1"
}
again second
check_status 'a relay that remembers does not serve it' 4 timeout -s KILL 20 "$relay_program" serve --store "$(url second)" \
    --listen "127.0.0.1:$PORT" "${keyed[@]}" --signed one.signed
check_line 'and says why' 'it was put back from an older copy' err
check_status 'a file is no way to put a database back' 2 "$relay_program" restore older.dump --store "$(url second)"
check_line 'and it says which is' 'pg_restore; then: restore in-place' err
check_status 'it is marked as put back' 0 "$relay_program" restore in-place --store "$(url second)" --json
check_line 'with what is in it' '"registers": 1, "entries": 5' out
serve second one.signed || { fail 'it does not start'; tail -n 3 "$run_dir/relay.log"; scenario_end; }
[ "$(entry 'too early')" = 503 ] && pass 'nothing is signed yet' || fail 'an entry was taken before resume'
curl -s "http://127.0.0.1:$PORT$prefix/checkpoint.held" | sed -n 2p >size
[ "$(cat size)" = 5 ] && pass 'what was there is served' || fail "size $(cat size)"
stop_daemon relay
resume=("$relay_program" resume --store "$(url second)" --register "$id" "${keyed[@]}" --signed one.signed)
check_status 'without the entries it is not signed again' 1 "${resume[@]}" --checkpoint newest
check_status 'nor with another history' 1 "${resume[@]}" --checkpoint newest --entries <(tail -c +34 entries; head -c 33 entries)
check_status 'with them it is' 0 "${resume[@]}" --checkpoint newest --entries entries
serve second one.signed || { fail 'it does not start'; tail -n 3 "$run_dir/relay.log"; scenario_end; }
entries 10 11
curl -s "http://127.0.0.1:$PORT$prefix/checkpoint.held" | sed -n 2p >size
[ "$(cat size)" = 11 ] && pass 'it goes on where it was' || fail "size $(cat size)"
curl -s "http://127.0.0.1:$PORT$prefix/tile/entries/000.p/9" >tile.again
check_same 'with all that was there' tile tile.again
stop_daemon relay
check_status 'the store is sound' 0 "$relay_program" verify --store "$(url second)"
scenario_end
