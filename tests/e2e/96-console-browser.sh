#!/usr/bin/env bash
# Goal: in a real browser, a page from elsewhere gets nothing from the console and cannot use its key; our own page keeps no
# secret where it does not belong, turns no text into markup, asks no other host, and goes on when it is loaded again.
# builds: build-clang build-gcc build
# seconds: 240
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/browser.sh"
need_programs
need_browser
forum
plenary
console_of us || scenario_end
trap 'kill $consoles 2>/dev/null; stop_daemons' EXIT
browse attacks "$address" "$DT_WORK"
check_no_line 'nothing went wrong inside' 'Sanitizer|runtime error' us.console.err
stop_consoles
scenario_end
