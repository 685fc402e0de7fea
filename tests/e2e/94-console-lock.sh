#!/usr/bin/env bash
# Goal: a page that is left alone is locked and comes back by the passphrase; one whose relay or whose program ends says so,
# loses nothing that was typed, and goes on by itself; a large file is cancelled in its middle without a trace; and by keys
# alone the focus is never lost.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/browser.sh"
plenary
need 'something said' as med send plenary 'Zanzibar-at-dawn'
settle us ru med
console_of ru --lock-after 1 || scenario_end
idle=$address
port=$(free_port)
console_of us --port "$port" || scenario_end
# What ends, and is started again, in front of the open page: the relay and the console of us.
cat >relay-again <<SH2
#!/bin/sh
exec "$relay_program" serve --store relay.db --listen 127.0.0.1:$PORT >>"$run_dir/relay.log" 2>&1
SH2
cat >console-again <<SH2
#!/bin/sh
exec "$detente" --home us console --port $port >us.again 2>>us.console.err
SH2
chmod +x relay-again console-again
browse_seconds=280 browse lock "$DT_WORK" "us=$address" "ru=$idle" "$(cut -d" " -f1 "$run_dir/relay.pid")" "${consoles##* }"
start_relay
settle ru
check_status 'what waited has come' 0 "$detente" --home ru read plenary
check_line 'the message' 'While the relay was away' "$DT_WORK/out"
check_no_line 'and nothing of the cancelled file' 'large' "$DT_WORK/out"
check_status 'nor is it at home' 0 "$detente" --home us read plenary
check_no_line 'it is not' 'large' "$DT_WORK/out"
check_no_line 'no passphrase in what the console says' "$(cat passphrase)" us.console.err
consoles_whole us ru
scenario_end
