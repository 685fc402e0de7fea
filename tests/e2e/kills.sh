# shellcheck shell=bash
# What the scenarios share that kill programs in the middle of their work. Sourced after forum.sh.
#
# A run of the program is measured first: tests/tools/killshim.c counts its writes, syncs and sends. Then it is killed
# again and again, at calls spread evenly over that count, in turn after the first half of the call's bytes and after the
# call, and now and then before it. (What outlives a kill before a call is what outlives one after the call before that,
# so this adds little.) The calls are not chosen; the runs are such that most of them are made inside a transaction or a
# request. The shim writes down what each kill hit, and a histogram is printed.
# What users were told is kept in $DT_WORK/views/journal, and oracle.py compares it with what is there at the end.

shim=$DT_BIN/tests/tools/killshim.so
ratchets=$DT_BIN/tests/tools/ratchets
kills=${DT_KILL_LOOP:-30}
views=$DT_WORK/views
journal=$views/journal
sightings=$views/sightings
places=$DT_WORK/places
hows=(half after half after half after half after before)
export PYTHONDONTWRITEBYTECODE=1

# need_shim: ends the scenario, visibly, where there is no shim (a build with a sanitizer)
need_shim() {
    need_programs
    [ -e "$shim" ] && [ -x "$ratchets" ] || { skip "no kill shim in $DT_BIN"; scenario_end; }
    mkdir -p "$views/shown"
    : >"$journal"
    : >"$places"
}

# shimmed PROGRAM [AT HOW]: the words before a command that counts its calls, or kills it there, are in the array $under
shimmed() {
    under=(env DT_KILL_PROGRAM="$1" LD_PRELOAD="$shim")
    if [ $# = 3 ]; then
        under+=(DT_KILL_AT="$2" DT_KILL_HOW="$3" DT_KILL_PLACE_FILE="$places")
    else
        rm -f count
        under+=(DT_KILL_COUNT_FILE="$DT_WORK/count")
    fi
}

# counted WHAT: how many writes, syncs and sends the last measured run made is in $calls
counted() {
    calls=$(head -n 1 count 2>/dev/null)
    if [ "${calls:-0}" -lt 4 ]; then
        fail "the shim counted ${calls:-nothing} in $1"
        scenario_end
    fi
    echo "    $1: $calls calls, made in: $(tail -n +2 count | tr '\n' ' ')"
}

# place I N CALLS: the I-th of N places, from 0, spread over that many calls
place() {
    echo $((1 + $1 * ($3 - 1) / ($2 > 1 ? $2 - 1 : 1)))
}

# kill_one PROGRAM I N CALLS COMMAND...: COMMAND is called with $under set, and is to run the program so; it is killed at
# the I-th of N places. A run may make fewer calls than the measured one: then it is done again, and killed earlier. False
# when that does not help: what is wrong then would be wrong with all that follow.
kill_one() {
    local program=$1 at tries before
    at=$(place "$2" "$3" "$4")
    local how=${hows[$2 % ${#hows[@]}]}
    shift 4
    before=$(wc -l <"$places")
    for ((tries = 0; tries < 8; tries++)); do
        shimmed "$program" "$at" "$how"
        "$@" 2>/dev/null # bash's own word about the killed
        [ "$(wc -l <"$places")" = "$before" ] || return 0
        at=$((at * 2 / 3))
        [ $at -ge 1 ] || at=1
    done
    fail "the program was not killed in $tries runs: $*"
    return 1
}

# say_as WHO TEXT [WORD...]: a message in the plenary, with the words before it; the journal has what the user was told
say_as() {
    local who=$1 text=$2 out=said.$BASHPID rc
    shift 2
    "$@" "$detente" --home "$who" send plenary "$text" >"$out" 2>"$out.err" </dev/null
    rc=$?
    told "$out" said tried "$who" "$text"
    return $rc
}

# enter_as WHO SUBJECT [WORD...]: a record, likewise
enter_as() {
    local who=$1 subject=$2 out=entered.$BASHPID rc
    shift 2
    "$@" "$detente" --home "$who" record contact plenary --yes --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys' --set "subjects=$subject" \
        >"$out" 2>"$out.err" </dev/null
    rc=$?
    told "$out" record record-tried "$who" "$subject"
    return $rc
}

# told FILE WORD OTHER WHO TEXT: acknowledged is what printed an id
told() {
    local id
    id=$(tail -n 1 "$1")
    if [[ $id =~ ^[0-9a-f]{32}([0-9a-f]{32})?$ ]]; then
        printf '%s %s %s %s\n' "$2" "$4" "$id" "$5" >>"$journal"
    else
        printf '%s %s %s\n' "$3" "$4" "$5" >>"$journal"
    fi
    rm -f "$1" "$1.err"
}

witness_of() { # PARTY [OPTION...]: the command line of its witness is in the array $witness
    local party=$1 register vkey
    shift
    register=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants/neutral.grant)
    vkey=$(sed -nE 's|.*"vkey": *"(register[^"]*)".*|\1|p' grants/neutral.grant)
    witness=("$detente" witness run --key "$party.witness" --state "$party.state"
        --register "http://127.0.0.1:$PORT$register" --vkey "$vkey" "$@")
}

# cosignatures LOG NAME: what a witness printed becomes sightings, a write for each line: others write there too
cosignatures() {
    sed -nuE "s/^cosigned size ([0-9]+)$/cosigned $2 \\1/p" "$1" >>"$sightings"
}

state_of() { # PARTY
    python3 "$top/tests/e2e/traffic.py" state "$1" "$1.state" "$sightings" || fail "the state of $1 cannot be read"
}

# watch_register: from here on every checkpoint that the relay gives out is kept
watch_register() {
    start_daemon watch python3 "$top/tests/e2e/traffic.py" watch grants/neutral.grant "$sightings"
}

# final_register: every witness cosigns what is held, until the register is final to its end
final_register() {
    local p
    for p in north south neutral; do
        witness_of "$p" --once
        check_status "the witness $p cosigns what is held" 0 "${witness[@]}"
        state_of "$p"
    done
}

# gather WHO...: what the programs of WHO say, and the register, into $views
gather() {
    local who c
    for who in "$@"; do
        as "$who" channels | grep -q . &&
            { as "$who" read plenary --json >"$views/$who.read.json" 2>err || fail "$who cannot read: $(cat err)"; }
        as "$who" records --json >"$views/$who.records.json" 2>err || fail "$who has no records: $(cat err)"
        as "$who" alarms --json >"$views/$who.alarms.json" 2>err || fail "$who has no alarms: $(cat err)"
        as "$who" status --json >"$views/$who.status.json" 2>err || fail "$who has no status: $(cat err)"
        "$ratchets" "$who" passphrase >"$views/$who.ratchets" 2>err || fail "$who has no ratchets: $(cat err)"
        check_status "$who: every row of the store is whole" 0 "$detente" --home "$who" check
        # Records that nobody was told of: what they are about.
        for c in $(sed -nE 's/^ *"commitment": "([0-9a-f]{64})".*/\1/p' "$views/$who.records.json"); do
            grep -qF " $c " "$journal" || [ -e "$views/shown/$c.json" ] ||
                as "$who" show "$c" --json >"$views/shown/$c.json" 2>err || fail "$who cannot show $c: $(cat err)"
        done
    done
    cp grants/neutral.grant "$views/grant.json"
    python3 "$top/tests/e2e/traffic.py" fetch grants/neutral.grant "$views" || fail 'the register cannot be fetched'
}

# verdict: the oracle's, a case for each rule
verdict() {
    local line rules=0
    python3 "$top/tests/e2e/oracle.py" judge "$views" >oracle.out 2>&1
    while IFS= read -r line; do
        case $line in
        'ok: '*) pass "${line#ok: }" && rules=$((rules + 1)) ;;
        'FAILED: '*) fail "${line#FAILED: }" && rules=$((rules + 1)) ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <oracle.out
    [ $rules -ge 4 ] || fail "the oracle judged by $rules rules only"
}

# histogram CLASS...: where the kills landed; enough of them inside one of the classes
histogram() {
    local n
    n=$(wc -l <"$places")
    if python3 "$top/tests/e2e/oracle.py" places "$places" "$@" >places.out; then
        cat places.out
        pass "enough of the kills landed in: $*"
    else
        cat places.out
        fail "too few of the kills landed in: $*"
    fi
    [ "$n" -ge "$kills" ] && pass "$n kills" || fail "only $n of $kills kills were made"
    cp places.out "${DT_KILL_REPORT:-/dev/null}" 2>/dev/null || true
}
