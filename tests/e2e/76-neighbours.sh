#!/usr/bin/env bash
# Goal: active senders beside thousands of idle long polls, and beside silent, slow, garbled and bursting peers, are
# acknowledged within three times their normal time; a relay that is told to stop with all of that open ends in two seconds,
# and has what it acknowledged. DT_IDLE_POLLS=10000 under ./test --long.
# builds: build-clang
# waits
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
need_programs
ulimit -n "$(ulimit -H -n)"
idle=${DT_IDLE_POLLS:-2000}
[ "$(ulimit -n)" -gt $((idle * 5 / 4 + 2100)) ] || { skip "$idle connections need more than $(ulimit -n) descriptors"; scenario_end; }
bare_relay --connections $((idle * 5 / 4 + 2000)) --address-connections 300
# What else this machine does at the time is in the times too: what one of three tries shows can be done.
for try in 1 2 3; do
    read -r pid _ <"$run_dir/relay.pid"
    python3 "$top/tests/tools/neighbours.py" --at "$PORT" --token "$TOKEN" --pid "$pid" --idle "$idle" >"try" 2>&1 </dev/null
    stop_daemon relay
    check_line 'the relay stopped in order' 'detente-relay: stopped' "$run_dir/relay.log"
    grep -qE '^FAILED|^Traceback' try && [ $try != 3 ] && sed 's/^FAILED: /try '$try': /' try
    start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" --connections $((idle * 5 / 4 + 2000)) \
        --address-connections 300
    wait_port "$PORT" || { fail 'the relay does not start again'; scenario_end; }
    findings python3 "$top/tests/tools/neighbours.py" --at "$PORT" --check
    grep -qE '^FAILED|^Traceback' try || break
done
findings cat try
check_no_line 'the tool came to its end' '^Traceback' try
scenario_end
