#!/usr/bin/env bash
# Goal: the main job of ./run works on the real input, goes on from its state, and c11 is no entry to a stranger
# until it is opened.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
job() {
    PORT=$PORT DT_BIN=$DT_BIN DT_STATE=$DT_WORK/var DT_RUN_DIR=$run_dir DT_INPUT=$top/examples/contacts \
        bash "$top/examples/contacts/main-job.sh" >"$1" 2>&1
}
# Whole days from the end of contact c10 to now; its time is precise to the day, so the day's end counts.
days_after_c10() {
    local day
    day=$(awk -F, '$1 == "c10" { print substr($6, 1, 10) }' "$top/examples/contacts/contacts.csv")
    echo $((($(date +%s) - $(date -u -d "$day + 1 day" +%s)) / 86400))
}
PORT=$(free_port)
mkdir var
first_day=$(days_after_c10)
check 'the main job is done' job first.out || { tail -n 30 first.out; scenario_end; }
check_line 'key words of each root are shown' 'key words: ([a-z]+ ){7}[a-z]+$' first.out
check_line 'a missing approval is refused by name' 'refused: no approval from (United States|Mediator)' first.out
check_line 'entries are held before anyone cosigned' '3 entries: 0 attested, 0 final' first.out
check_line 'with one witness stopped they are attested, not final' 'one witness stopped: 5 entries: 5 attested, 3 final' first.out
check_line 'with all back they are final' '5 entries: 5 attested, 5 final' first.out
check_line 'an altered proof is refused with what is wrong' 'one bit changed: REFUSED: .' first.out
check_line 'members see c11 as asserted by one' 'to members:  c11: asserted by one' first.out
check_same 'the claims check equals expected.csv' "$top/examples/contacts/expected.csv" var/files/claims-result.csv
check_line 'each proof says when it was entered' "entered ($first_day|$(days_after_c10)) days after the event" first.out

# All that was sent from c11 on: consent of both, opening, and the stranger's line changes.
as() {
    local who=$1
    shift
    "$detente" --home "var/homes/$who" --passphrase-file "var/pass/$who" --quiet "$@"
}
forum=$("$detente" charter show --id var/charter)
fields=mode,parties,started_at,time_precision
c11=$(cat var/files/c11.commitment)
check 'consent of the first side to open c11' as us consent "$c11" --fields $fields --yes
check_status 'without the other side it is not opened' 4 "$detente" --home var/homes/us --passphrase-file var/pass/us \
    open "$c11" --fields $fields --out c11.proof
check 'consent of the other side to open c11' as ru consent "$c11" --fields $fields --yes
for round in 1 2 3; do
    for who in us ru med; do as $who sync || fail "sync of $who"; done
    sleep 1
done
for who in us ru med; do as $who sync || fail "sync of $who"; done
check 'c11 is opened' as us open "$c11" --fields $fields --out c11.proof
check 'its proof verifies' "$detente" verify c11.proof --forum "$forum"
"$detente" claims check "$top/examples/contacts/claims.csv" --proof var/proofs/c10.proof --proof var/proofs/c12.proof \
    --proof c11.proof --forum "$forum" >claims.out
check_line 'now c11 is asserted by one to the stranger' '^c11: asserted by one \(entry 1\); contradicted by claim c12$' claims.out

# Key words in place of the forum id: these roots are vouched for, the others are not.
words=$("$detente" root words var/roots/united-states.key.pub)
check_status 'one root known: the rest is not checked' 1 "$detente" verify c11.proof --root-words "$words"
check_line 'and it says so' 'not checked' out
check_status 'another forum id is refused' 1 "$detente" verify c11.proof --forum "$(printf '0%.0s' $(seq 64))"
check_status 'neither: consistent, but whose?' 1 "$detente" verify c11.proof
check_line 'and it says so' 'consistent, but whose\?' out

# Opened without consent: possible, and every verifier says so.
check 'a member can open without consent' as us open "$c11" --fields $fields,level --without-consent --out bare.proof
check_status 'a verifier says so' 1 "$detente" verify bare.proof --forum "$forum"
check_line 'in words' 'opened without consent' out

stop_daemons
PORT=$(free_port)
check 'a second run goes on from its state, on another port' job second.out || tail -n 30 second.out
check_line 'and does no step again' 'done by an earlier run' second.out
scenario_end
