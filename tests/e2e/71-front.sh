#!/usr/bin/env bash
# Goal: a real nginx with the shipped configuration stands before the relay. Each of the thirteen malformed requests is
# refused behind the stream front, twelve behind the HTTP front; two requests never come of one; agents work through TLS
# with an authority of their own; long polls of 60 s last, large bodies pass, too large ones are refused in words.
# builds: build-asan
# waits
# seconds: 280
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/front.sh"
need_programs
need_nginx
front_ca relay || fail 'set-up: certificates'
front_ca other || fail 'set-up: certificates'
declare -A tls plain

# The relay is up: before anybody uses it, its fronts.
start_relay() {
    local kind conf
    start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" --connections 256
    wait_port "$PORT" || { fail 'set-up: the relay did not start'; scenario_end; }
    TOKEN=$(sed -nE 's/.*"queue_token": *"([0-9a-f]+)".*/\1/p' grants/north.grant)
    for kind in stream http; do
        tls[$kind]=$(free_port)
        plain[$kind]=$(free_port)
        conf=$(front_config $kind "${tls[$kind]}" "${plain[$kind]}" "$PORT" relay)
        check "$kind: nginx -t passes on the shipped file" front_user "$nginx" -t -p "$front_dir" -e stderr -c "$conf"
        start_front "nginx-$kind" "$conf" "${tls[$kind]}"
        python3 "$top/tests/tools/front_requests.py" poll --as $kind --at "tls:${tls[$kind]}:relay.ca" \
            --relay "plain:$PORT" --token "$TOKEN" >"poll-$kind" 2>&1 </dev/null &
        polls+=($!)
    done
}
polls=()

# Ana and Mira come through the stream front, Boris through the other; all of them trust relay.ca and nothing else.
as() {
    local who=$1 kind=stream
    shift
    [ "$who" != ru ] || kind=http
    "$detente" --home "$who" --relay "https://localhost:${tls[$kind]}" --ca relay.ca "$@"
}
forum
plenary

need 'send' as us send plenary 'through nginx, in TLS'
settle us ru med
as ru read plenary >out 2>err
check_line 'agents talk through both fronts' 'through nginx, in TLS' out
entry us one
settle us ru med
for kind in stream http; do
    check "$kind: a witness cosigns through it" "$detente" witness run --once --key north.witness --state north.state \
        --register "https://localhost:${tls[$kind]}$register" --vkey "$vkey" --ca relay.ca
done
DETENTE_CA=relay.ca check_status 'a stranger checks the register through it' 0 "$detente" register check \
    --charter charter --forum "$forum_id" --relay "https://localhost:${tls[http]}"
for trust in '' other.ca; do
    check_status "${trust:-without --ca}: not the relay's authority, so nothing is said" 3 \
        "$detente" --home us --relay "https://localhost:${tls[stream]}" ${trust:+--ca $trust} sync
    check_line 'and the error says why' 'localhost:[0-9]+: its certificate is' err
done
check_status 'an authority file that is not there is named' 3 \
    "$detente" --home us --relay "https://localhost:${tls[stream]}" --ca nowhere.ca sync
check_line '  by its name' 'nowhere\.ca: no certificates' err

raw() { # WHAT KIND TLS PLAIN [TAP]
    findings python3 "$top/tests/tools/raw_requests.py" "$1" --as "$2" --at "tls:$3:relay.ca" --at "plain:$4" \
        --relay "plain:$PORT" --token "$TOKEN" ${5:+--tap "$5"}
}
for kind in stream http; do
    raw thirteen $kind "${tls[$kind]}" "${plain[$kind]}"
    findings python3 "$top/tests/tools/front_requests.py" sizes --as $kind --at "tls:${tls[$kind]}:relay.ca" \
        --relay "plain:$PORT" --token "$TOKEN"
    check_status "$kind: TLS 1.2 is not spoken" 1 openssl s_client -connect "127.0.0.1:${tls[$kind]}" -tls1_2
    # A second front of the kind, to a tap that hands on to the relay and sees what comes.
    t=$(free_port) p=$(free_port) tap=$(free_port)
    conf=$(front_config $kind "$t" "$p" "$tap" relay tapped-)
    start_front "nginx-tapped-$kind" "$conf" "$t"
    raw pairs $kind "$t" "$p" "$tap"
    stop_daemon "nginx-tapped-$kind"
done

# max_conns counts over all worker processes: only because of the upstream's zone. With one for each connection, by
# reuseport, the kernel spreads them.
t=$(free_port) p=$(free_port)
conf=$(front_config http "$t" "$p" "$PORT" relay spread-)
check_line 'the shipped file has a zone for its upstream' '^ +zone detente_relay_upstream 64k;' "$front_dir/spread-http.conf"
sed -i -e 's/max_conns=1000/max_conns=4/' -e "s/listen 127\.0\.0\.1:$p;/listen 127.0.0.1:$p reuseport;/" "$front_dir/spread-http.conf"
sed -i 's/worker_processes 1;/worker_processes 4;/' "$conf"
start_front nginx-spread-http "$conf" "$t"
findings python3 "$top/tests/tools/front_requests.py" most --as http --at "plain:$p" --relay "plain:$PORT" --token "$TOKEN" \
    --most 4
stop_daemon nginx-spread-http

for kind in stream http; do
    wait "${polls[0]}"
    polls=("${polls[@]:1}")
    findings cat "poll-$kind"
done
for kind in stream http; do
    stop_daemon "nginx-$kind"
    cat "$front_dir"/*"$kind"*.log "$run_dir"/nginx-*"$kind".log >logs 2>/dev/null
    check_no_line "$kind: no log of the front names a client" 'client|127\.0\.0\.1' logs
done
stop_daemon relay
check_no_line 'the relay named none either' '127\.0\.0' "$run_dir/relay.log"
scenario_end
