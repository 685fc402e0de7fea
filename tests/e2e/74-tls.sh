#!/usr/bin/env bash
# Goal: a relay that speaks TLS itself, without a front. A forum, a witness and a stranger work through it with an
# authority of their own; older TLS, plain HTTP and another authority get nothing; the thirteen malformed requests are
# refused as ever; a new certificate is taken up while it serves, and a broken one is not.
# builds: build-asan
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/front.sh"
need_programs
front_ca relay || fail 'set-up: certificates'
front_ca other || fail 'set-up: certificates'
cp relay.crt served.crt
cp relay.key served.key

start_relay() {
    start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" --tls-cert served.crt \
        --tls-key served.key
    wait_port "$PORT" || { fail 'set-up: the relay did not start'; tail "$run_dir/relay.log"; scenario_end; }
}
as() {
    local who=$1
    shift
    "$detente" --home "$who" --relay "https://localhost:$PORT" --ca "${authority:-relay.ca}" "$@"
}
forum
plenary
need 'send' as us send plenary 'in TLS, and no front'
settle us ru med
as ru read plenary >out 2>err
check_line 'agents talk through it' 'in TLS, and no front' out
entry us one
settle us ru med
check 'a witness cosigns through it' "$detente" witness run --once --key north.witness --state north.state \
    --register "https://localhost:$PORT$register" --vkey "$vkey" --ca relay.ca
DETENTE_CA=relay.ca check_status 'a stranger checks the register through it' 0 "$detente" register check \
    --charter charter --forum "$forum_id" --relay "https://localhost:$PORT"
for trust in '' other.ca; do
    check_status "${trust:-without --ca}: not the relay's authority, so nothing is said" 3 \
        "$detente" --home us --relay "https://localhost:$PORT" ${trust:+--ca $trust} sync
    check_line 'and the error says why' 'localhost:[0-9]+: its certificate is' err
done
check_status 'plain HTTP gets no answer' 3 "$detente" --home us --relay "http://localhost:$PORT" sync
check_status 'TLS 1.2 is not spoken' 1 openssl s_client -connect "127.0.0.1:$PORT" -tls1_2
{ sleep 0.3; echo R; sleep 0.3; } | openssl s_client -connect "127.0.0.1:$PORT" -CAfile relay.ca -tls1_3 >tls 2>&1
check_line 'TLS 1.3 is' 'New, TLSv1\.3, Cipher is' tls
check_no_line 'no ticket is given' 'New Session Ticket|Session-ID: [0-9A-F]' tls
TOKEN=$(sed -nE 's/.*"queue_token": *"([0-9a-f]+)".*/\1/p' grants/north.grant)
findings python3 "$top/tests/tools/raw_requests.py" thirteen --as relay --at "tls:$PORT:relay.ca" \
    --relay "tls:$PORT:relay.ca" --token "$TOKEN"

# Certificates change on SIGHUP, and only for a pair that fits.
pid=$(cut -d' ' -f1 "$run_dir/relay.pid")
log_line() {
    local i
    for ((i = 0; i < 100; i++)); do
        grep -q "$1" "$run_dir/relay.log" && return
        sleep 0.05
    done
    return 1
}
cp other.crt served.crt
kill -HUP "$pid"
check 'a certificate without its key is not taken' log_line 'certificate not replaced: served.crt and served.key: '
check 'and the old one stays' as us sync
cp other.key served.key
kill -HUP "$pid"
check 'the pair is' log_line 'certificate read again'
authority=other.ca check 'and new connections get it' as us sync
check_status 'they get the old one no more' 3 as us sync

stop_daemon relay
check_line 'the relay stopped in order' 'detente-relay: stopped' "$run_dir/relay.log"
check_no_line 'and named no address, token or queue' '127\.0\.0|[0-9a-f]{32}' "$run_dir/relay.log"
for wrong in '--tls-cert served.crt' '--tls-key served.key'; do
    # shellcheck disable=SC2086 # two words
    check_status "$wrong alone is refused" 2 "$relay_program" serve --store relay.db --listen 127.0.0.1:0 $wrong
done
scenario_end
