# shellcheck shell=bash
# Consoles and a real browser for scenarios. Sourced after lib.sh: a forum is made, or the scenario is skipped.
. "$top/tests/e2e/forum.sh"

consoles=

# need_browser: the scenario is skipped where chromium, node or playwright-core cannot be had. Sets ${chromium}, ${modules}.
need_browser() {
    local said
    chromium=$(command -v chromium || true)
    if [ -z "$chromium" ]; then
        skip 'chromium is not here: nothing was tried in a browser'
        scenario_end
    fi
    if ! said=$(cd "$top/tools" && python3 -c 'import sys
from npm import modules
found, why = modules("../web", "web", "playwright-core")
print(found or why)
sys.exit(0 if found else 1)'); then
        skip "$said: nothing was tried in a browser"
        scenario_end
    fi
    modules=$said
}

# console_of WHO OPTION...: starts the console of a home; its address is in ${address}, its process in ${consoles}, too.
console_of() {
    local who=$1 i pid
    shift
    rm -f "$who.console"
    "$detente" --home "$who" console "$@" >"$who.console" 2>"$who.console.err" </dev/null &
    pid=$!
    consoles="$consoles $pid"
    for ((i = 0; i < 200; i++)); do
        address=$(head -n 1 "$who.console" 2>/dev/null)
        [ -z "$address" ] || return 0
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    fail "the console of $who did not start: $(cat "$who.console.err")"
    return 1
}

# browse NAME ARGUMENT...: runs web/test/NAME.mjs, whose last line is its count
browse() {
    local name=$1 last
    shift
    timeout "${browse_seconds:-200}" node --no-warnings "$top/web/test/$name.mjs" "$modules" "$chromium" "$@" >"$name.out" 2>&1 </dev/null
    last=$(tail -n 1 "$name.out")
    if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        case_passed=$((case_passed + BASH_REMATCH[1]))
        case_failed=$((case_failed + BASH_REMATCH[2]))
        case_skipped=$((case_skipped + BASH_REMATCH[3]))
        grep -E '^(FAILED|skipped)' "$name.out" | cut -c1-600
    else
        fail "$name.mjs ended with: $last"
        tail -n 20 "$name.out"
    fi
}

stop_consoles() {
    # shellcheck disable=SC2086 # several
    [ -z "$consoles" ] || kill $consoles 2>/dev/null
    consoles=
}

# start_witnesses PARTY...: they cosign the forum's register from now on
start_witnesses() {
    local p
    for p in "$@"; do
        start_daemon "witness-$p" "$detente" witness run --key "$p.witness" --state "$p.state" \
            --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
    done
}

# consoles_of WHO...: a console for each; ${given} has what the tests in a browser are told of them
consoles_of() {
    local who
    given=()
    for who in "$@"; do
        console_of "$who" || scenario_end
        given+=("$who=$address")
    done
}

# consoles_whole WHO...: nothing went wrong inside of them; and they end, before scenario_end takes the trap away
consoles_whole() {
    local who
    for who in "$@"; do check_no_line "$who: nothing went wrong inside" 'Sanitizer|runtime error' "$who.console.err"; done
    [ -z "${DT_SHOTS:-}" ] || [ ! -d shots ] || cp shots/*.png "$DT_SHOTS/"
    stop_consoles
}

need_programs
need_browser
forum
trap 'kill $consoles 2>/dev/null; stop_daemons' EXIT
