#!/usr/bin/env bash
# The main job: two delegations and a mediator talk, seal three contacts, open two; a stranger verifies.
# Started by ./run, or by a test, with:
#   DT_BIN    folder of detente and detente-relay      DT_STATE  where homes, keys and proofs are kept
#   DT_RUN_DIR logs and process ids of the daemons     DT_INPUT  folder with claims.csv, contacts.csv, expected.csv
#   PORT      where the relay listens on 127.0.0.1
# Every step leaves a mark in DT_STATE/done when it is finished, so that a later run goes on from there.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../../tools/lib.sh
. "$here/../../tools/lib.sh"

detente=$DT_BIN/detente
relay_program=$DT_BIN/detente-relay
run_dir=$DT_RUN_DIR
url=http://127.0.0.1:$PORT
export DETENTE_RELAY=$url # a later run may move the relay to another port; the grants name the first one
cd "$DT_STATE" || exit 1
mkdir -p done pass roots files letters proofs
chmod 700 pass roots

# ---- small tools ----

line() {
    printf '    %s\n' "$*"
}

fail_step() {
    printf 'main job: %s\n' "$*" >&2
    exit 1
}

# must COMMAND...: run it; on failure show what it said and stop.
must() {
    "$@" >"$DT_STATE/last.out" 2>"$DT_STATE/last.err" || {
        printf 'main job: exit status %d of: %s\n' "$?" "$*" >&2
        cat "$DT_STATE/last.out" "$DT_STATE/last.err" >&2
        exit 1
    }
}

# refused STATUS REGEX COMMAND...: it must exit with that status and say so.
refused() {
    local want=$1 regex=$2 rc
    shift 2
    "$@" >"$DT_STATE/last.out" 2>"$DT_STATE/last.err"
    rc=$?
    [ "$rc" = "$want" ] && cat "$DT_STATE/last.out" "$DT_STATE/last.err" | grep -qE -- "$regex" || {
        printf 'main job: expected exit status %s and "%s", got %d from: %s\n' "$want" "$regex" "$rc" "$*" >&2
        cat "$DT_STATE/last.out" "$DT_STATE/last.err" >&2
        exit 1
    }
}

# step NAME TITLE: begins a step; returns 1 when an earlier run has finished it.
step() {
    this_step=$1
    say "$2"
    [ ! -e "done/$1" ] || { line '(done by an earlier run)'; return 1; }
}
finish() {
    : >"done/$this_step"
}

# secret NAME: a passphrase file of its own for each key and home.
secret() {
    [ -s "pass/$1" ] || (umask 077; head -c 24 /dev/urandom | base64 >"pass/$1")
}

# as WHO COMMAND...: detente on the home of WHO
as() {
    local who=$1
    shift
    "$detente" --home "homes/$who" --passphrase-file "pass/$who" --quiet "$@"
}

# settle WHO...: all of them exchange with relay and register until nobody has anything left to say.
settle() {
    local round who busy
    for ((round = 0; round < 20; round++)); do
        busy=no
        for who in "$@"; do
            must as "$who" sync --json
            grep -qE '"(received|sent|waiting|seals_submitted)": [1-9]' last.out && busy=yes
        done
        [ "$busy" = yes ] || return 0
    done
    fail_step "agents have not come to rest after 20 rounds: $*"
}

# register_has WHO held|attested|final N: syncs until the agent of WHO sees at least N such entries.
register_has() {
    local i n key=size
    [ "$2" = held ] || key=$2
    for ((i = 0; i < 150; i++)); do
        must as "$1" sync
        must as "$1" register status --json
        n=$(sed -nE "s/^  \"$key\": ([0-9]+),?$/\1/p" last.out)
        [ "${n:-0}" -lt "$3" ] || return 0
        sleep 0.2
    done
    fail_step "the register did not come to $3 $2 entries in time"
}

register_line() {
    must as "$1" register status
    head -n 1 last.out | sed 's/;.*//'
}

witness() { # start the witness of a party
    start_daemon "witness-$1" "$detente" witness run --key "roots/witness-$1.key" --state "files/witness-$1.state" \
        --register "$url/r/$register" --vkey "$register_vkey"
}

# once NAME COMMAND...: must, unless this or an earlier run has done it. A run that was killed between the command and
# its mark leaves only "begun": then the command may say that it has been done (exit status 1 or 4).
once() {
    local mark=done/$this_step-$1 rc
    shift
    [ -e "$mark" ] && return 0
    if [ -e "$mark.begun" ]; then
        "$@" >last.out 2>last.err
        rc=$?
        case $rc in
        0) ;;
        1 | 4) line "an earlier run was killed here; what it did stands: $(sed 's/^detente: //' last.err)" ;;
        *)
            cat last.out last.err >&2
            fail_step "exit status $rc of: $*"
            ;;
        esac
    else
        : >"$mark.begun"
        must "$@"
    fi
    : >"$mark"
}

# found NAME ARGUMENT...: the mediator founds a channel, unless there is one of that name.
found() {
    must as med channels
    grep -qE "^[0-9a-f]+ +$1 " last.out || must as med found "$@"
}

# enter CLAIM: the record of that claim; its commitment is kept in files/CLAIM.commitment.
enter() {
    local after
    [ -s "files/$1.commitment" ] && return 0
    # The records are entered in order, so a later one than those whose commitment is kept is this one.
    after=$(cat files/c1?.commitment 2>/dev/null)
    must as us records --json
    sed -nE 's/^.*"commitment": "([0-9a-f]{64})".*$/\1/p' last.out | grep -vxF "${after:-none}" >last.new
    if [ ! -s last.new ]; then
        must as us record contact plenary --csv "$DT_INPUT/contacts.csv" --row "$1" --yes
        cp last.out last.new
    fi
    mv last.new "files/$1.commitment"
}

# ---- 1. grant, roots, charter ----

names=(united-states russia mediator)
title_of() { case $1 in united-states) echo 'United States' ;; russia) echo Russia ;; *) echo Mediator ;; esac; }

if step 1 'keys: a root for each party, a witness for each party, and the relay'\''s grant'; then
    witnesses=()
    for n in "${names[@]}"; do
        secret "root-$n"
        [ -e "roots/$n.key" ] || must "$detente" root new --passphrase-file "pass/root-$n" --out "roots/$n.key"
        rm -f "roots/witness-$n.key"
        must "$detente" witness keygen --name "witness.example/$n" --out "roots/witness-$n.key"
        witnesses+=(--witness "$n=$(cat last.out)")
    done
    rm -rf grants && mkdir -m 700 grants
    must "$relay_program" grant --store relay.db --url "$url" --out grants \
        --party united-states --party russia --party mediator "${witnesses[@]}"
    finish
fi
for n in "${names[@]}"; do
    must "$detente" root words "roots/$n.key.pub"
    line "$(printf '%-14s key words: %s' "$(title_of "$n")" "$(cat last.out)")"
done
line '(people compare these words by voice before anything is signed: all later trust rests on them)'

if step 2 'charter: drafted by the mediator, signed by all three roots'; then
    rm -f charter
    must "$detente" charter draft --grant grants/mediator.grant --title 'Exercise: contacts between capitals' \
        --party 'United States=roots/united-states.key.pub' --party 'Russia=roots/russia.key.pub' \
        --mediator 'Mediator=roots/mediator.key.pub' --out charter
    for n in "${names[@]}"; do
        must "$detente" charter sign --root "roots/$n.key" --passphrase-file "pass/root-$n" charter
    done
    finish
fi
must "$detente" charter show --id charter
forum=$(cat last.out)
line "forum $forum"
line '(the hash of the charter: whoever has it from someone trusted can check every later proof)'
must "$detente" charter show --json charter
register=$(sed -nE 's|.*"register_path": "/r/([0-9a-f]+)/?".*|\1|p' last.out)
register_vkey=$(sed -nE 's|.*"register_vkey": "(.*)".*|\1|p' last.out | sed 's|\\/|/|g')

start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT"
wait_port "$PORT" || fail_step "the relay did not start; see $run_dir/relay.log"

# ---- 2. delegates ----

# accredit WHO PARTY NAME TITLE: home, request, letter by the party's root, letter taken in
accredit() {
    local slug
    slug=$(printf '%s' "$2" | tr 'A-Z ' 'a-z-')
    secret "$1"
    [ -e "homes/$1" ] || must "$detente" init --home "homes/$1" --passphrase-file "pass/$1" --charter charter \
        --grant "grants/$slug.grant" --party "$2" --name "$3" --title "$4"
    must as "$1" letter request --out "letters/$1.request"
    must "$detente" letter issue --root "roots/$slug.key" --passphrase-file "pass/root-$slug" --charter charter \
        --request "letters/$1.request" --out "letters/$1.letter"
    must as "$1" letter import "letters/$1.letter"
}

if step 3 'delegates: keys, inboxes, letters of credence bound to the forum'; then
    mkdir -p homes
    accredit us 'United States' 'Jordan Ellis' 'Special envoy (exercise)'
    accredit ru Russia 'Irina Sokolova' 'Special representative (exercise)'
    accredit med Mediator 'Noor Haddad' 'Head of the mediation team (exercise)'
    for who in us ru med; do
        must as "$who" letter import letters/us.letter letters/ru.letter letters/med.letter
    done
    settle us ru med
    line 'Jordan Ellis for United States, Irina Sokolova for Russia, Noor Haddad for the Mediator'
    finish
fi

# ---- 3. channels ----

if step 4 'channels: a plenary and two caucuses are founded through the inboxes'; then
    found plenary --kind plenary --with 'Jordan Ellis' --with 'Irina Sokolova'
    found caucus-us --kind caucus --with 'Jordan Ellis'
    found caucus-ru --kind caucus --with 'Irina Sokolova'
    settle med us ru
    for c in plenary caucus-us; do once "us-$c" as us accept "$c"; done
    for c in plenary caucus-ru; do once "ru-$c" as ru accept "$c"; done
    settle us ru med
    finish
fi
must as med channels
while read -r _ name kind state _; do line "$(printf '%-10s %s, %s' "$name" "$kind" "$state")"; done <last.out

# ---- 4. talk ----

if step 5 'talk: both ways in plenary and caucus, and a file of 300 KB'; then
    [ -s files/annex.bin ] || head -c 307200 /dev/urandom >files/annex.bin
    once say1 as us send plenary 'Good morning. We propose to begin with the record of contacts.'
    once say3 as ru send plenary 'Добрый день. Согласны.'
    once say6 as med send caucus-us 'Is the list of contacts complete on your side?'
    once say2 as us send caucus-us 'It is, as far as the capital has told us.'
    once say4 as ru send caucus-ru 'We will dispute one of the dates.'
    once say7 as med send caucus-ru 'Noted; please do so field by field.'
    [ -s files/annex.id ] || { must as us send plenary --file files/annex.bin; cp last.out files/annex.id; }
    annex=$(cat files/annex.id)
    settle us ru med
    for who in ru med; do
        rm -f "files/annex-$who.bin"
        must as "$who" save plenary "$annex" --out "files/annex-$who.bin"
        must cmp files/annex.bin "files/annex-$who.bin"
    done
    must as ru read plenary
    grep -q 'begin with the record of contacts' last.out || fail_step 'a message has not arrived'
    must as med read caucus-ru
    grep -q 'dispute one of the dates' last.out || fail_step 'a message has not arrived'
    line 'six messages and 307,200 bytes arrived, byte for byte'
    finish
fi

# ---- 5. a second delegate comes and goes ----

if step 6 'a second delegate: refused for want of an approval, then added by all, then removed'; then
    accredit ru2 Russia 'Pavel Orlov' 'Adviser (exercise)'
    for who in us ru med; do
        must as "$who" letter import letters/ru2.letter
        must as ru2 letter import "letters/$who.letter"
    done
    settle ru2
    [ -s files/request ] || { must as ru admit ask plenary 'Pavel Orlov'; cp last.out files/request; }
    request=$(cat files/request)
    settle ru us med ru2
    once accept as ru2 accept plenary
    settle ru2 ru
    if [ ! -e done/6-approved ]; then
        refused 4 'no approval from' as ru admit commit "$request"
        line "refused: $(sed 's/^detente: //' last.err)"
    fi
    : >done/6-approved
    once us-approves as us admit approve "$request"
    once med-approves as med admit approve "$request"
    settle us med ru
    once commit as ru admit commit "$request"
    settle ru us med ru2
    if [ ! -e done/6-remove ] && [ ! -e done/6-remove.begun ]; then # an earlier run may have come as far as the removal
        must as us roster plenary
        grep -q 'Pavel Orlov' last.out || fail_step 'the second delegate is not in the roster'
        must as ru2 send plenary 'Present.'
        settle ru2 us ru med
    fi
    must as us read plenary
    grep -q 'Present\.' last.out || fail_step 'the second delegate was not heard'
    line 'added: all three parties approved, every member checked it, and he was heard'
    once remove as ru remove plenary 'Pavel Orlov'
    settle ru us med
    must as us roster plenary
    ! grep -q 'Pavel Orlov' last.out || fail_step 'the second delegate is still in the roster'
    once say5 as med send plenary 'We go on as before.'
    settle med us ru
    must as ru read plenary
    grep -q 'go on as before' last.out || fail_step 'the new queue does not work'
    must as us channels --json
    grep -q '"queue_number": 2' last.out || fail_step 'no new queue has begun with the removal'
    line 'removed by his own party; what is said from here on is out of his reach'
    finish
fi

# ---- 6. records ----

# record_of CLAIM: the commitment of the record entered for it
record_of() {
    cat "files/$1.commitment"
}

if step 7 'records: three contacts entered by one delegation'; then
    for claim in c10 c11 c12; do enter "$claim"; done
    settle us ru med
    register_has us held 3
    line "in the register: $(register_line us)"
    finish
fi

say 'witnesses: three of them check that the register only grew'
for n in "${names[@]}"; do witness "$n"; done
line '(attested: the witnesses of two sides have cosigned; final: those of all three)'

if step 8 'answers: c10 countersigned, c12 disputed, c11 left without answer; one witness is stopped'; then
    register_has us final 3
    line "all three at work:   $(register_line us)"
    stop_daemon witness-russia
    once countersign as ru countersign "$(record_of c10)" --yes
    once dispute as ru dispute "$(record_of c12)" --should-be started_at=2025-01-01T00:00:00Z --yes
    settle ru us med
    register_has us attested 5
    line "one witness stopped: $(register_line us)"
    witness russia
    register_has us final 5
    line "it is back:          $(register_line us)"
    finish
fi

# ---- 7. opening ----

fields=mode,parties,started_at,time_precision
if step 9 'opening: by consent of both, four fields of c10 and of c12'; then
    refused 4 'no consent from' as us open "$(record_of c10)" --fields "$fields" --out proofs/c10.proof
    line "refused: $(sed 's/^detente: //' last.err)"
    for claim in c10 c12; do
        for who in us ru; do
            once "consent-$who-$claim" as "$who" consent "$(record_of "$claim")" --fields "$fields" --yes
        done
    done
    settle us ru med
    register_has us attested 9
    settle us ru med
    for claim in c10 c12; do
        must as us open "$(record_of "$claim")" --fields "$fields" --out "proofs/$claim.proof"
    done
    register_has us final 9
    line 'both consented; the proofs are two files: proofs/c10.proof and proofs/c12.proof'
    finish
fi

# ---- 8. the stranger ----

say 'a stranger, offline: no key, no home, only the two proofs and the forum id'
for claim in c10 c12; do
    must "$detente" verify "proofs/$claim.proof" --forum "$forum"
    sed 's/^/    /' last.out
    echo
    grep -qE 'entered [0-9]+ days after the event' last.out || fail_step 'the proof does not say when it was entered'
    refused 1 'consistent, but whose\?' "$detente" verify "proofs/$claim.proof"
done
line 'without the forum id: consistent, but whose?'
cp proofs/c10.proof files/altered.proof
# One bit of a byte in the middle.
middle=$(($(wc -c <files/altered.proof) / 2))
byte=$(od -An -tu1 -j "$middle" -N 1 files/altered.proof)
# shellcheck disable=SC2059
printf "\\x$(printf %x $((byte ^ 1)))" | dd of=files/altered.proof bs=1 seek="$middle" conv=notrunc status=none
refused 1 'REFUSED' "$detente" verify files/altered.proof --forum "$forum"
line "one bit changed: $(sed 's/^[^:]*: //' last.out | head -n 1)"
must "$detente" register check --proof proofs/c10.proof --forum "$forum"
line "the register: $(cat last.out)"
say 'the 21 published claims, against what was opened'
must "$detente" claims check "$DT_INPUT/claims.csv" --proof proofs/c10.proof --proof proofs/c12.proof --forum "$forum"
sed 's/^/    /' last.out
must "$detente" claims check "$DT_INPUT/claims.csv" --proof proofs/c10.proof --proof proofs/c12.proof --forum "$forum" --csv
cp last.out files/claims-result.csv
cmp files/claims-result.csv "$DT_INPUT/expected.csv" ||
    fail_step 'the result of the claims check differs from expected.csv'
must as ru claims check "$DT_INPUT/claims.csv" --as-member
line "to members:  $(grep '^c11' last.out)"
line '(c11 was sealed and not opened: it supports nothing in public)'

say 'what this shows'
cat <<'TXT'
    Three parties talked over a relay that none of them trusts; it saw padded, sealed cells and no names.
    Nobody could be added until every party had approved, and the removal began a new, separate queue.
    Three contacts were sealed. Their entries are in a register that each side's own witness watches.
    One contact is countersigned, one is disputed with both accounts side by side, one nobody else has answered.
    With both consents four fields of two of them were opened; a stranger checked them offline, and nothing else.
TXT
here_from() { # PATH: as it is typed in the folder that ./run is started in
    local top_of
    top_of=$(cd "$here/../.." && pwd)
    printf '%s' "${1#"$top_of"/}"
}
say 'to look for yourself'
line "$(here_from "$detente") verify $(here_from "$PWD")/proofs/c10.proof --forum $forum"
line "in a browser, with $(here_from "$PWD")/proofs/c10.proof and nothing of ours: $url/#register=/r/$register&forum=$forum"
line "$(here_from "$detente") --home $(here_from "$PWD")/homes/us --passphrase-file $(here_from "$PWD")/pass/us read plenary"
line "$(here_from "$detente") --home $(here_from "$PWD")/homes/us --passphrase-file $(here_from "$PWD")/pass/us records"
