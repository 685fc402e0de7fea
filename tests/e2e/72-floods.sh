#!/usr/bin/env bash
# Goal: who takes his time, in every way, is ended when the documented time is up; more connections than there are, silent,
# half said or waiting, keep nobody else waiting; memory and descriptors have an end, and are free again afterwards.
# builds: build-clang
# waits
# seconds: 200
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
need_programs
ulimit -n "$(ulimit -H -n)"
bare_relay --connections 256 --address-connections 100
read -r pid _ <"$run_dir/relay.pid"
register=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants/north.grant)
findings python3 "$top/tests/tools/floods.py" relay --at "plain:$PORT" --relay "plain:$PORT" --token "$TOKEN" --pid "$pid" \
    --register "$register" --connections 256 --per-address 100
stop_daemon relay
check_line 'the relay stopped in order' 'detente-relay: stopped' "$run_dir/relay.log"
start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT"
wait_port "$PORT" || { fail 'the relay does not start again'; scenario_end; }
read -r pid _ <"$run_dir/relay.pid"
findings python3 "$top/tests/tools/floods.py" hoard --at "plain:$PORT" --relay "plain:$PORT" --token "$TOKEN" --pid "$pid" \
    --register "$register" --connections 1024
scenario_end
