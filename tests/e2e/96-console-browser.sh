#!/usr/bin/env bash
# Goal: in a real browser, a page from elsewhere gets nothing from the console and cannot use its key; our own page keeps no
# secret where it does not belong, turns no text into markup, asks no other host, and goes on when it is loaded again.
# builds: build-clang build-gcc build
# seconds: 240
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/browser.sh"
plenary
console_of us || scenario_end
browse attacks "$address" "$DT_WORK"
consoles_whole us
scenario_end
