#!/usr/bin/env bash
# Goal: how many contacts there were, without content: each party counts what the entries of a range are by its own records;
# one states it in a tally, the others count anew before they countersign, a wrong one is not countersigned, and a stranger
# with no home verifies it. Nothing of a channel that some are not in shows in it.
# seconds: 300
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
url="http://127.0.0.1:$PORT$register"
all=first_entry,last_entry,count,counted

# tally WHO STATUS ARGUMENT...
tally() {
    local who=$1 want=$2
    shift 2
    check_status "$who: tally $*" "$want" as "$who" tally "$@"
}
# value EXPRESSION WANT: of the JSON document d in $DT_WORK/out
value() {
    local got
    got=$(python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$DT_WORK/out" "$1" 2>&1 | tail -n 1)
    [ "$got" = "$2" ] && pass "$1 is $2" || fail "$1 is $got, expected $2"
}
attest() {
    local p
    settle us ru med
    for p in north south; do
        need "a cosignature of $p" "$detente" witness run --once --key "$p.witness" --state "$p.state" --register "$url" --vkey "$vkey"
    done
    settle us ru med
}
# by_hand FIRST LAST COUNT COUNTED: a tally of us that nobody counted; its commitment in ${made}
by_hand() {
    need 'a tally by hand' as us record tally plenary --yes --set "first_entry=$1" --set "last_entry=$2" --set "count=$3" --set "counted=$4"
    made=$(cat "$DT_WORK/need.out")
    settle us ru
}

# ---- entries 0 to 5 ----
entry us one
settle us ru med
entry ru two
settle ru us med
need 'countersign' as ru countersign 1 --yes
settle ru us med
need 'receipt' as us receipt 2 --yes
settle us ru med
need 'heartbeat' as med record heartbeat plenary --yes --set station=mediation --set number=1 --set status=normal
settle med us ru
need 'a caucus' as med found side --kind caucus --with 'Ana North'
settle med us
need 'accept' as us accept side
settle us med
need 'a contact in the caucus' as us record contact side --yes --set mode=call --set initiated_by=both --set 'parties=north;neutral' \
    --set started_at=2026-11-21T10:00:00Z --set ended_at=2026-11-21T10:30:00Z --set time_precision=exact --set level=envoy --set 'participants=an envoy'
attest

# ---- what each knows of them ----
tally us 0 0 5
check_line 'entries are called entries' '^entries 0 to 5: 6 entries, not contacts$' out
check_line 'its contacts, in both channels' '^  contacts +3$' out
check_line 'answers' '^  answers +2$' out
check_line 'by kind' '^    countersignatures +1$' out
check_line 'others' '^  others +1$' out
check_line 'nothing is unknown to it' '^  unopened or unknown +0$' out
tally ru 0 0 5 --list
check_line 'the other side has two of them' '^  contacts +2  0-1$' out
check_line 'and what it does not know is unknown' '^  unopened or unknown +1  5$' out
tally med 0 1 4 --json --list
value 'd["format"]' 1
value 'd["entries"], d["counts_are"]' "(4, 'entries, not contacts')"
value 'd["contacts"], d["all_answers"], d["countersignatures"], d["receipts"], d["others"], d["unknown"]' '(1, 2, 1, 1, 1, 0)'
value 'd["entry_numbers"]["receipts"]' '[3]'
tally us 0 2020-01-01 +1d --json
value 'd["first_entry"], d["last_entry"], d["contacts"]' '(0, 5, 3)'
tally us 1 2020-01-01 2020-12-31
tally us 1 +1d 5
tally us 1 0 6
check_line 'who has not all of it is told to sync' 'sync first' err
tally us 1 3 2
tally us 2 0 soon

# ---- stated, countersigned, opened ----
tally us 4 0 5 --record plenary
check_line 'what will be provable is said' 'entries 0 to 5: 2 of kind .contact. in this channel' err
tally us 0 0 5 --record plenary --yes
t=$(cat out)
settle us ru med
check_status 'the other side counts anew and countersigns' 0 as ru countersign "$t" --yes
check_line 'and says so, and what is unknown to it' 'the tally states 2 of kind .contact., our own records of the channel give 2; 1 entries' err
check_status 'so does the mediator, which has the caucus too' 0 as med countersign "$t" --yes
check_line 'and does not count it' 'give 2; 0 entries' err
settle us ru med
for who in us ru; do need 'consent' as $who consent "$t" --yes --fields $all --audience public; done
attest
check_status 'it is opened' 0 as ru open "$t" --fields $all --out tally.proof
mkdir stranger
stranger() {
    (cd stranger && env -u DETENTE_PASSPHRASE_FILE HOME="$PWD" "$detente" verify "../$1" --forum "$forum_id")
}
check_status 'a stranger verifies it' 0 stranger tally.proof
check_line 'how many contacts there were' '^tally: entries 0 to 5: 2 contacts, as stated by north, countersigned by south; countersigned by neutral$' out
check_line 'of what' '^note: of a tally are counted the records of one channel' out
check_no_line 'and nothing of what was in them' 'two envoys|subjects|started_at' out
[ -z "$(ls -A stranger)" ] && pass 'with no home' || fail "the stranger has $(ls -A stranger)"
check_status 'opened in part' 0 as ru open "$t" --fields count,counted --out part.proof
check_status 'it is verified as any record' 0 stranger part.proof
check_no_line 'but a count without its range is no tally' '^tally:' out

# ---- wrong ones ----
by_hand 0 5 3 contact
wrong=$made
n=$(as ru records --json | grep -c '"commitment"')
check_status 'a wrong tally is not countersigned' 4 as ru countersign "$wrong" --yes
check_line 'both numbers are said' 'the tally states 3 of kind .contact., our own records of the channel give 2; 1 entries' err
check_line 'and that it is not done' 'our own count is 2, the tally.s 3: it is not countersigned' err
[ "$(as ru records --json | grep -c '"commitment"')" = "$n" ] && pass 'nothing was made' || fail 'an answer was made'
check_status 'it is disputed' 0 as ru dispute "$wrong" --yes --should-be count=2
settle ru us
attest
check_status 'opened all the same' 0 as us open "$wrong" --fields $all --without-consent --out wrong.proof
check_status 'it says by whom it is disputed' 1 stranger wrong.proof
check_line 'in the same line' '^tally: entries 0 to 5: 3 contacts, as stated by north, disputed by south$' out
check_status 'who wants to can countersign it' 0 as med countersign "$wrong" --yes --despite-count
by_hand 2 4 9 contact
check_status 'more contacts than entries: not even so' 1 as ru countersign "$made" --yes --despite-count
check_line 'is told' 'counts more than there are entries' err
by_hand 0 99999 2 contact
check_status 'entries that are not there yet' 1 as ru countersign "$made" --yes --despite-count
by_hand 0 5 2 contacts
check_status 'something that no one knows' 1 as ru countersign "$made" --yes --despite-count
check_line 'is told' 'no template that is known here' err
by_hand 0 5 1 heartbeat
check_status 'any kind can be counted' 0 as ru countersign "$made" --yes
stores_whole us ru med
scenario_end
