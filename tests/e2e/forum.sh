# shellcheck shell=bash
# A small forum for scenarios: relay, charter, delegates us, ru, med with letters, and a plenary that all
# have joined. Sourced after lib.sh. Homes are folders of the same names.

export DETENTE_PASSPHRASE_FILE=$DT_WORK/passphrase

# as WHO COMMAND...
as() {
    local who=$1
    shift
    "$detente" --home "$who" "$@"
}

# need WHAT COMMAND...: a step of the set-up; the scenario ends when it fails.
need() {
    local what=$1
    shift
    if ! "$@" >"$DT_WORK/need.out" 2>"$DT_WORK/need.err" </dev/null; then
        fail "set-up: $what: $*"
        tail -n 20 "$DT_WORK/need.out" "$DT_WORK/need.err"
        scenario_end
    fi
}

# settle WHO...: syncs until nobody has anything left to say; fails after 20 rounds.
settle() {
    local round who busy
    for ((round = 0; round < 20; round++)); do
        busy=no
        for who in "$@"; do
            need 'sync' as "$who" sync --json
            grep -qE '"(received|sent|waiting|seals_submitted)": [1-9]' "$DT_WORK/need.out" && busy=yes
        done
        [ "$busy" = yes ] || return 0
    done
    fail "no rest after 20 rounds: $*"
}

# home WHO PARTY NAME: a delegate with a letter, known to nobody yet
home() {
    local who=$1 party=$2 name=$3
    need 'init' "$detente" --home "$who" init --charter charter --grant "grants/$party.grant" --party "$party" \
        --name "$name" --title 'Delegate (exercise)'
    need 'request' as "$who" letter request --out "$who.request"
    need 'letter' "$detente" letter issue --root "$party.root" --charter charter --request "$who.request" \
        --out "$who.letter"
    need 'own letter' as "$who" letter import "$who.letter"
}

start_relay() {
    start_daemon relay "$relay_program" serve --store "${store:-relay.db}" --listen "127.0.0.1:$PORT"
    wait_port "$PORT" || { fail 'set-up: the relay did not start'; tail "$run_dir/relay.log"; scenario_end; }
}

# forum: everything up to letters, relay running; the grant is made with ${grant_options[@]}. Sets ${register}, the
# register's path at the relay, its ${vkey}, and ${forum_id}.
grant_options=()
charter_options=("${charter_options[@]}") # of its draft; browser.sh makes a forum at once
forum() {
    local p witnesses=()
    umask 077
    echo 'a passphrase for the exercise' >"$DT_WORK/passphrase"
    PORT=$(free_port)
    for p in north south neutral; do
        need 'root' "$detente" root new --out "$p.root"
        need 'witness key' "$detente" witness keygen --name "witness.example/$p" --out "$p.witness"
        witnesses+=(--witness "$p=$(cat "$DT_WORK/need.out")")
    done
    need 'grant' "$relay_program" grant --store "${store:-relay.db}" --url "http://127.0.0.1:$PORT" --out grants \
        --party north --party south --party neutral "${witnesses[@]}" "${grant_options[@]}"
    need 'charter' "$detente" charter draft --grant grants/neutral.grant --title 'Exercise' --out charter \
        --party north=north.root.pub --party south=south.root.pub --mediator neutral=neutral.root.pub \
        "${charter_options[@]}"
    for p in north south neutral; do
        need 'signature' "$detente" charter sign --root "$p.root" charter
    done
    start_relay
    home us north 'Ana North'
    home ru south 'Boris South'
    home med neutral 'Mira Mediator'
    for p in us ru med; do
        need 'letters' as "$p" letter import us.letter ru.letter med.letter
    done
    settle us ru med
    # shellcheck disable=SC2034 # for the scenarios
    {
        register=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants/neutral.grant)
        vkey=$("$detente" charter show --json charter | sed -nE 's|.*"register_vkey": "(.*)".*|\1|p' | sed 's|\\/|/|g')
        forum_id=$("$detente" charter show --id charter)
    }
}

# plenary: a channel of the three, open on all sides
plenary() {
    need 'found' as med found plenary --with 'Ana North' --with 'Boris South'
    settle med us ru
    need 'accept' as us accept plenary
    need 'accept' as ru accept plenary
    settle us ru med
    local who
    for who in us ru med; do
        need 'channels' as "$who" channels --json
        grep -q '"confirmed": true' "$DT_WORK/need.out" || { fail "set-up: $who has not joined"; scenario_end; }
    done
}

# entry WHO SUBJECT: a contact record, which is in the register with the next sync of WHO
entry() {
    need 'record' as "$1" record contact plenary --yes --quiet --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys' --set "subjects=$2"
}

# size_at WHO: entries of the register that WHO holds
size_at() {
    "$detente" --home "$1" register status --json | sed -nE 's/^  "size": ([0-9]+),?$/\1/p'
}

# cosign [PARTY...]: their witnesses, without a name all, look at the register once and cosign what it has
cosign() {
    local p
    [ $# -gt 0 ] || set -- north south neutral
    for p in "$@"; do
        need "a cosignature of $p" "$detente" witness run --once --key "$p.witness" --state "$p.state" \
            --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
    done
}

# round [PARTY...]: what was made is in the register, those witnesses cosign it, and all see it
round() {
    settle us ru med
    cosign "$@"
    settle us ru med
}

# stores_whole WHO...
stores_whole() {
    local who
    for who in "$@"; do
        check_status "$who: every row of the store is whole" 0 "$detente" --home "$who" check
    done
}

# times WHO TEXT: how often WHO has a message with exactly this text
times() {
    "$detente" --home "$1" read plenary --json >"$DT_WORK/times.json" || return 1
    grep -cF "\"text\": \"$2\"" "$DT_WORK/times.json"
}
