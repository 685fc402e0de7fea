#!/usr/bin/env bash
# Goal: the tour by hand in README.md works, line by line, as it is printed there.
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs

awk '/^```sh tour$/ { on = 1; next } /^```$/ { on = 0 } on' "$top/README.md" >tour.sh
check_line 'the README has a tour' '^detente verify c10.proof' tour.sh
mkdir folder
PORT=$(free_port)
export PORT EXAMPLES=$top/examples/contacts PATH=$DT_BIN:$PATH
# The shell that runs it is strict where a reader would stop and look.
(cd folder && bash -eu -o pipefail ../tour.sh) >tour.out 2>tour.err
rc=$?
[ "$rc" = 0 ] && pass 'every command of the tour succeeds' || {
    fail "the tour stopped with exit status $rc"
    tail -n 30 tour.out tour.err
}
check_line 'the other side reads what was said' 'Shall we begin with the record of contacts' tour.out
check_line 'the first proof verifies' '^c10.proof: verified' tour.out
check_line 'without the forum id nobody knows whose it is' 'consistent, but whose' tour.out
check_line 'c10 is countersigned' '^c10: countersigned' tour.out
check_line 'c12 is disputed' '^c12: disputed' tour.out
check_line 'c11 supports nothing to the stranger' '^c11: no entry' tour.out
pkill -P $$ detente-relay 2>/dev/null
scenario_end
