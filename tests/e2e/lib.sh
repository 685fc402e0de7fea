# shellcheck shell=bash
# What the scenarios share. A scenario starts with
#     . "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# works in $DT_WORK, and ends with `scenario_end`. Started by tools/run-scenarios, or by hand:
#     DT_BIN=build bash tests/e2e/01-name.sh
set -u
top=${DT_TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck source=../../tools/lib.sh
. "$top/tools/lib.sh"

DT_BIN=$(cd "${DT_BIN:-$top/build}" && pwd)
DT_WORK=${DT_WORK:-$(mktemp -d "${TMPDIR:-/tmp}/detente-scenario-XXXXXX")}
run_dir=$DT_WORK/run
mkdir -p "$run_dir"
cd "$DT_WORK" || exit 1
detente=$DT_BIN/detente
# shellcheck disable=SC2034 # for the scenarios
relay_program=$DT_BIN/detente-relay
case_passed=0
case_failed=0
case_skipped=0
trap stop_daemons EXIT

pass() {
    case_passed=$((case_passed + 1))
    printf 'ok: %s\n' "$*"
}

fail() {
    case_failed=$((case_failed + 1))
    printf 'FAILED: %s\n' "$*"
}

skip() {
    case_skipped=$((case_skipped + 1))
    printf 'skipped: %s\n' "$*"
}

# check WHAT COMMAND...: passes when the command exits 0; its output is shown when it does not.
check() {
    local what=$1 out
    shift
    if out=$("$@" 2>&1); then
        pass "$what"
    else
        fail "$what: exit status $?: $*"
        printf '%s\n' "$out" | tail -n 20
        return 1
    fi
}

# check_status WHAT STATUS COMMAND...: passes when the command exits with that status, never by a signal or a
# sanitizer's report. Standard output and errors are in $DT_WORK/out and $DT_WORK/err.
check_status() {
    local what=$1 want=$2 rc
    shift 2
    "$@" >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null
    rc=$?
    if [ "$rc" = "$want" ] && ! grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error:' "$DT_WORK/err"; then
        pass "$what"
    else
        fail "$what: exit status $rc, expected $want: $*"
        tail -n 20 "$DT_WORK/out" "$DT_WORK/err"
        return 1
    fi
}

# check_same WHAT FILE FILE: byte for byte
check_same() {
    if cmp -s "$2" "$3"; then
        pass "$1"
    else
        fail "$1: $2 and $3 differ"
        diff -u "$2" "$3" | head -n 20
        return 1
    fi
}

# check_line WHAT REGEX FILE: some line matches
check_line() {
    if grep -qE -- "$2" "$3"; then
        pass "$1"
    else
        fail "$1: no line of ${3##*/} matches: $2"
        head -n 20 "$3"
        return 1
    fi
}

# check_no_line WHAT REGEX FILE: no line matches, and the file is there
check_no_line() {
    if [ -f "$3" ] && ! grep -qE -- "$2" "$3"; then
        pass "$1"
    else
        fail "$1: ${3##*/} is missing or has a line that matches: $2"
        return 1
    fi
}

# free_port: a port on which nobody listens now; two scenarios draw from different places.
free_port() {
    local port
    while :; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        if port_free "$port"; then
            echo "$port"
            return
        fi
    done
}

# need_programs: ends the scenario with one failure when the programs are not built.
need_programs() {
    local p
    for p in "$detente" "$relay_program"; do
        if [ ! -x "$p" ]; then
            fail "$p is not built"
            scenario_end
        fi
    done
}

scenario_end() {
    stop_daemons
    trap - EXIT
    printf '%d passed, %d failed, %d skipped\n' "$case_passed" "$case_failed" "$case_skipped"
    [ "$case_failed" = 0 ]
    exit
}
