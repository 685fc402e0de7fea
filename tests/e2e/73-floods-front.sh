#!/usr/bin/env bash
# Goal: behind each of the two fronts of packaging/nginx/, slow peers are ended in time, one address has its number of
# connections and no more, and floods keep nobody else waiting.
# builds: build-clang
# waits
# seconds: 200
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
need_programs
need_nginx
ulimit -n "$(ulimit -H -n)"
bare_relay --connections 256
read -r pid _ <"$run_dir/relay.pid"
register=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants/north.grant)
front_ca relay || fail 'set-up: certificates'
for kind in stream http; do
    t=$(free_port) p=$(free_port)
    start_front "nginx-$kind" "$(front_config $kind "$t" "$p" "$PORT" relay)" "$t"
    findings python3 "$top/tests/tools/floods.py" $kind --at "tls:$t:relay.ca" --flood-at "plain:$p" \
        --relay "plain:$PORT" --token "$TOKEN" --pid "$pid" --register "$register" --connections 256 --per-address 64
    stop_daemon "nginx-$kind"
done
stop_daemon relay
check_line 'the relay stopped in order' 'detente-relay: stopped' "$run_dir/relay.log"
scenario_end
