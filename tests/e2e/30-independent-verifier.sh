#!/usr/bin/env bash
# Goal: a verifier written from the documents alone (tests/interop) says the same of every proof file as ours does:
# verdict, fields, entry, time, standing; and both refuse the same altered files.
# builds: build-clang build-gcc build
# seconds: 400
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    skip 'python3 (3.9 or newer) is not here: the independent verifier was not run'
    scenario_end
fi
second() {
    PYTHONDONTWRITEBYTECODE=1 python3 "$top/tests/interop/verify_proof.py" "$@"
}
PORT=$(free_port)
mkdir var
job() {
    PORT=$PORT DT_BIN=$DT_BIN DT_STATE=$DT_WORK/var DT_RUN_DIR=$run_dir DT_INPUT=$top/examples/contacts \
        bash "$top/examples/contacts/main-job.sh" >"$1" 2>&1
}
check 'the main job is done' job job.out || { tail -n 30 job.out; scenario_end; }
as() {
    local who=$1
    shift
    "$detente" --home "var/homes/$who" --passphrase-file "var/pass/$who" --quiet "$@"
}
forum=$("$detente" charter show --id var/charter)
us=$("$detente" root words var/roots/united-states.key.pub)
ru=$("$detente" root words var/roots/russia.key.pub)
med=$("$detente" root words var/roots/mediator.key.pub)

# agree WHAT STATUS PROOF OPTION...: both verifiers end with that status and say the same.
agree() {
    local what=$1 want=$2 proof=$3 a b
    shift 3
    "$detente" verify "$proof" --json "$@" >first.json 2>err
    a=$?
    second "$proof" --words "$top/data/words.txt" "$@" >second.json 2>>err
    b=$?
    if [ "$a" = "$want" ] && [ "$b" = "$want" ] && second --compare first.json second.json >differ; then
        pass "both say the same: $what"
    else
        fail "$what: exit status $a and $b, expected $want"
        cat differ err first.json second.json
    fi
}

# More proofs than the main job makes: an account that changed, every field, names, an absent field, no consent.
c10=$(cat var/files/c10.commitment)
c11=$(cat var/files/c11.commitment)
c12=$(cat var/files/c12.commitment)
as ru dispute "$c10" --should-be level=envoy --yes >/dev/null || fail 'the other side changes its mind on c10'
as ru countersign "$c12" --yes >/dev/null || fail 'and on c12'
for round in 1 2 3; do
    for who in us ru med; do as $who sync >/dev/null || fail "sync of $who"; done
    sleep 1
done
for who in us ru med; do as $who sync >/dev/null || fail "sync of $who"; done
all=mode,initiated_by,parties,started_at,ended_at,time_precision,level,participants,place,subjects,language,follow_up
envelope=@channel,@written_at,@references,@languages,@carried_from
check 'c10 is opened again, disputed now' as us open "$c10" --fields mode,parties,started_at,time_precision --out again10.proof
check 'c12 is opened again, countersigned now' as ru open "$c12" --fields mode,started_at,time_precision --names --out again12.proof
check 'c11 is opened whole' as us open "$c11" --fields $all,$envelope --names --without-consent --out whole.proof
check 'c11 without its precision' as us open "$c11" --fields started_at --without-consent --out vague.proof

agree 'c10 under the forum id' 0 var/proofs/c10.proof --forum "$forum"
agree 'c12 under the forum id' 0 var/proofs/c12.proof --forum "$forum"
agree 'c10 after the other side disputed it' 0 again10.proof --forum "$forum"
check_line 'which is what both say' '"standing": "disputed by Russia"' second.json
agree 'c12 after the other side countersigned it' 0 again12.proof --forum "$forum"
check_line 'which is what both say' '"standing": "countersigned by Russia"' second.json
agree 'every field, and names' 1 whole.proof --forum "$forum"
agree 'days after the event are not given without the precision' 1 vague.proof --forum "$forum"
check_no_line 'so neither gives them' days_after second.json
for f in var/proofs/c10.proof again10.proof whole.proof; do
    agree "${f##*/} with nothing from elsewhere" 1 "$f"
    agree "${f##*/} under one root" 1 "$f" --root-words "$us"
    agree "${f##*/} under the other root" 1 "$f" --root-words "$ru"
    agree "${f##*/} under another forum id" 1 "$f" --forum "${forum//[0-7]/8}"
done
agree 'all three roots by their words' 0 var/proofs/c10.proof --root-words "$us" --root-words "$ru" --root-words "$med"

# Said to be under a later checkpoint than the first: a bound, and no days.
second --alter late var/proofs/c10.proof >late.proof
agree 'not by the first checkpoint' 0 late.proof --forum "$forum"
check_line 'that is a bound' '"not_later_than"' first.json
check_no_line 'and no entry time' '"entered"' first.json

# Altered: each refused by both. First in the text, then a bit here and there in the structure.
refused_by_both() {
    agree "$1" 1 "$2" --forum "$forum"
    check_line "$1: refused" '"verdict": "refused"' second.json
}
sed 's/$/\r/' again10.proof >crlf.proof
refused_by_both 'carriage returns' crlf.proof
head -c -1 again10.proof >cut.proof
refused_by_both 'its last line feed cut off' cut.proof
{ cat again10.proof; echo; } >more.proof
refused_by_both 'an empty line more' more.proof
second --alter trailing again10.proof >trailing.proof
refused_by_both 'a byte more in the structure' trailing.proof
second --alter version again10.proof >version.proof
refused_by_both 'another version' version.proof
for ((n = 3; n < 1000; n += 71)); do
    second --alter bit:$n again10.proof >bit.proof
    refused_by_both "a bit $n thousandths into it" bit.proof
done
scenario_end
