#!/usr/bin/env bash
# Goal: a real HAProxy with each shipped configuration stands before the relay: of the thirteen malformed requests all are
# refused behind the tcp front, and as many as the table says behind the HTTP front; two requests never come of one; agents'
# long polls and large bodies pass, too large ones are refused in words; no log names a client.
# builds: build-asan
# waits
# seconds: 240
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
need_programs
need_haproxy
front_ca relay || fail 'set-up: certificates'
bare_relay --connections 256
declare -A as=([tcp]=stream [http]=haproxy)
for kind in tcp http; do
    t=$(free_port) p=$(free_port)
    conf=$(haproxy_config $kind "$t" "$p" "$PORT" relay)
    check "$kind: haproxy -c passes on the shipped file" front_user "$haproxy" -c -q -f "$conf"
    start_haproxy "haproxy-$kind" "$conf" "$t"
    findings python3 "$top/tests/tools/raw_requests.py" thirteen --as "${as[$kind]}" --at "tls:$t:relay.ca" --at "plain:$p" \
        --relay "plain:$PORT" --token "$TOKEN"
    findings python3 "$top/tests/tools/front_requests.py" sizes --as "${as[$kind]}" --at "tls:$t:relay.ca" \
        --relay "plain:$PORT" --token "$TOKEN"
    findings python3 "$top/tests/tools/front_requests.py" poll --as "${as[$kind]}" --at "tls:$t:relay.ca" --relay "plain:$PORT" \
        --token "$TOKEN" --wait 4
    check_status "$kind: TLS 1.2 is not spoken" 1 openssl s_client -connect "127.0.0.1:$t" -tls1_2
    # A second front of the kind, to a tap that hands on to the relay and sees what comes.
    t=$(free_port) p=$(free_port) tap=$(free_port)
    conf=$(haproxy_config $kind "$t" "$p" "$tap" relay tapped-)
    start_haproxy "haproxy-tapped-$kind" "$conf" "$t"
    findings python3 "$top/tests/tools/raw_requests.py" pairs --as "${as[$kind]}" --at "tls:$t:relay.ca" \
        --relay "plain:$PORT" --token "$TOKEN" --tap "$tap"
    for name in "haproxy-$kind" "haproxy-tapped-$kind"; do
        stop_daemon "$name"
        check_no_line "$name: its log names no client" '127\.0\.0\.1:[0-9]' "$run_dir/$name.log"
    done
done
stop_daemon relay
check_no_line 'the relay named none either' '127\.0\.0' "$run_dir/relay.log"
scenario_end
