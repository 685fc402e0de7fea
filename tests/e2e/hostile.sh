# shellcheck shell=bash
# A hostile relay before some of a forum's members. Sourced after forum.sh, whose `as` it replaces: WHO with a
# hostile relay of its own reaches the real one through it, all others directly.
declare -A relay_url=()

as() {
    local who=$1
    shift
    if [ -n "${relay_url[$who]:-}" ]; then
        DETENTE_RELAY=${relay_url[$who]} "$detente" --home "$who" "$@"
    else
        "$detente" --home "$who" "$@"
    fi
}

# hostile WHO [OPTION...]: start one for WHO; honest until `attack` says otherwise
hostile() {
    local who=$1 i
    shift
    rm -f "$who.port"
    echo honest >"$who.mode"
    : >"$who.log"
    start_daemon "hostile-$who" python3 "$top/tests/tools/hostile_relay.py" --upstream "$PORT" --port-file "$who.port" \
        --mode "$who.mode" --log "$who.log" "$@"
    for ((i = 0; i < 200; i++)); do
        [ -e "$who.port" ] && break
        sleep 0.05
    done
    [ -e "$who.port" ] || { fail "set-up: the hostile relay of $who did not start"; scenario_end; }
    relay_url[$who]=http://127.0.0.1:$(cat "$who.port")
}

# attack WHO MODE...: from now on; "honest" ends it
attack() {
    local who=$1
    shift
    : >"$who.log"
    echo "$*" >"$who.mode.part" && mv "$who.mode.part" "$who.mode"
}

# told WHO: lies told to WHO since the attack began
told() {
    wc -l <"$1.log"
}

# lied WHAT WHO [N]: at least one lie was told to WHO, or N
lied() {
    if [ "$(told "$2")" -ge "${3:-1}" ]; then
        pass "$1: the relay lied $(told "$2") times"
    else
        fail "$1: the relay lied $(told "$2") times only"
    fi
}

# call WHO SECONDS: one call of agent, witness, stranger or observer through the hostile relay of ru; what it says in WHO.said,
# status, seconds and KiB in WHO.took
call() {
    local url=${relay_url[ru]}
    case $1 in
    agent) set -- "$1" "$2" "$detente" --home ru --relay "$url" sync ;;
    witness) set -- "$1" "$2" "$detente" witness run --once --key south.witness --state south.state --register "$url$register" --vkey "$vkey" ;;
    stranger) set -- "$1" "$2" "$detente" register check --charter charter --forum "$forum_id" --relay "$url" ;;
    observer) set -- "$1" "$2" "$detente" observe --charter charter --forum "$forum_id" --state observer.db "$url$register" ;;
    esac
    local who=$1 limit=$2
    shift 2
    rm -f "$who.took" # of the call before
    "$top/tests/tools/measured.py" "$who.took" "$limit" "$@" >"$who.said" 2>&1 </dev/null
}

# refused WHAT WHO: the last call of WHO failed, in one line
refused() {
    local rc took kib
    read -r rc took kib <"$2.took"
    if [ "$rc" != 0 ] && [ "$rc" -le 4 ] && [ "$(wc -l <"$2.said")" = 1 ]; then
        pass "$1: the $2 is told: $(cut -c1-120 "$2.said")"
    else
        fail "$1: the $2: status $rc after $took s with $kib KiB: $(head -n 3 "$2.said")"
    fi
}

# try WHO COMMAND...: may fail, in one line and in time; its output is in WHO.out, what it says in WHO.err, the
# status in $rc
# shellcheck disable=SC2034
try() {
    local who=$1
    shift
    as "$who" "$@" >"$who.out" 2>"$who.err" </dev/null
    rc=$?
}

# clean WHAT WHO: the last `try` of WHO ended with 0 or one clear line, by no signal and no sanitizer
clean() {
    if [ "$rc" -le 4 ] && [ "$(wc -l <"$2.err")" -le 1 ] && ! grep -qE 'Sanitizer|runtime error' "$2.err"; then
        pass "$1"
    else
        fail "$1: exit status $rc"
        head -n 20 "$2.err"
    fi
}

# says WHO TEXT: add to what was said, and send it
says() {
    need 'send' as "$1" send plenary "$2"
    echo "$2" >>said
}

# reads WHO...: what they show, in WHO.json
reads() {
    local who
    for who in "$@"; do
        "$detente" --home "$who" read plenary --json >"$who.json" 2>"$who.err" || fail "$who cannot read: $(cat "$who.err")"
    done
}

# sound WHAT WHO...: nothing wrong is shown
sound() {
    local what=$1
    shift
    reads "$@"
    check "$what" "$top/tests/tools/talk_oracle.py" sound said "${@/%/.json}"
}

# whole WHAT SECONDS WHO...: syncs until everybody shows everything that was said, once and in one order
whole() {
    local what=$1 until=$((SECONDS + $2)) who
    shift 2
    while :; do
        for who in "$@"; do
            try "$who" sync
        done
        reads "$@"
        "$top/tests/tools/talk_oracle.py" whole said "${@/%/.json}" >whole.out && break
        [ "$SECONDS" -lt "$until" ] || { fail "$what: not after all this time"; head whole.out; tail -n 3 ./*.err; return 1; }
        sleep 0.3
    done
    pass "$what"
}

# alarms_of WHO: how often there was one
alarms_of() {
    "$detente" --home "$1" alarms --json | sed -nE 's/^ +"count": ([0-9]+),?$/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}
