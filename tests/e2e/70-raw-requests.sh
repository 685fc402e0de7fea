#!/usr/bin/env bash
# Goal: of thirteen malformed or ambiguous requests that servers are known to let through, sent as raw bytes, a serving
# relay refuses every one by itself: nothing of them reaches a queue, and the next connection is served. Bytes in which
# one reader sees one request and another sees two never become two.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/front.sh"
need_programs
bare_relay --connections 64
findings python3 "$top/tests/tools/raw_requests.py" thirteen --as relay --at "plain:$PORT" --relay "plain:$PORT" \
    --token "$TOKEN"
findings python3 "$top/tests/tools/raw_requests.py" pairs --as relay --at "plain:$PORT" --relay "plain:$PORT" \
    --token "$TOKEN"
stop_daemon relay
check_line 'the relay stopped in order' 'detente-relay: stopped' "$run_dir/relay.log"
check_no_line 'and named no address' '127\.0\.0' "$run_dir/relay.log"
scenario_end
