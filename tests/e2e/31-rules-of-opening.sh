#!/usr/bin/env bash
# Goal: whose consent it takes to open a record is a rule of the charter, by kind of record; who opens, everyone who
# verifies, and a second verifier go by it alike. And once a record is open in public, each party says its own words beside
# it, asking nobody, and opens nothing else by it.
# seconds: 400
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
fields=mode,parties,started_at,time_precision
charter_options=(--open heartbeat=author --open default=all --open contact=both --open 'tally=after 2020-01-01')
forum
check_status 'a rule on a kind that is not there is none' 1 "$detente" charter draft --grant grants/neutral.grant --title X \
    --out x --party north=north.root.pub --party south=south.root.pub --mediator neutral=neutral.root.pub --open contac=both
for bad in contact contact= =both contact=nobody 'contact=after 2040-1-1' 'contact=all after 2040-01-01'; do
    "$detente" charter draft --grant grants/neutral.grant --title X --out x --party north=north.root.pub \
        --party south=south.root.pub --mediator neutral=neutral.root.pub --open "$bad" >out 2>err && fail "accepted: --open $bad"
    [ -e x ] && fail "a draft with --open $bad"
done
check_status 'a charter says its rules in words' 0 "$detente" charter show charter
for what in "kind 'contact' is opened by consent of: every side and the author's party" \
    "kind 'heartbeat' is opened by consent of: the author's party alone" "any other record is opened by consent of: every party" \
    "kind 'tally' is opened by consent of: .*; from 2020-01-01 on any one of these alone"; do
    check_line "namely: $what" "$what" out
done
plenary

# made KIND OPTION...: by us; its commitment
made() {
    as us record "$1" plenary --yes --json "${@:2}" 2>/dev/null | sed -nE 's/.*"commitment": "([0-9a-f]+)".*/\1/p'
}
# agree WHAT STATUS PROOF: both verifiers end with that status and say the same
agree() {
    check_status "$1" "$2" "$detente" verify "$3" --forum "$forum_id" --json || return 0
    cp out first.json
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || return 0
    PYTHONDONTWRITEBYTECODE=1 python3 "$top/tests/interop/verify_proof.py" "$3" --words "$top/data/words.txt" \
        --forum "$forum_id" >second.json 2>err
    PYTHONDONTWRITEBYTECODE=1 python3 "$top/tests/interop/verify_proof.py" --compare first.json second.json >differ ||
        { fail "$1: the verifiers differ"; cat differ err first.json second.json; }
}

# ---- by rule ----
entry us 'one subject'
need 'records' as us records --json
contact=$(python3 -c 'import json,sys; print(json.load(sys.stdin)["records"][-1]["commitment"])' <need.out)
beat=$(made heartbeat --set station=north --set number=1 --set status=normal)
list=$(made calendar --set year=2026 --set items= --set item_count=0 --set nil=true)
settle us ru med
tally=$(as us tally 0 2 --record plenary --yes --json 2>/dev/null | sed -nE 's/.*"commitment": "([0-9a-f]+)".*/\1/p')
round
for kind in contact beat list tally; do [ -n "${!kind}" ] || { fail "set-up: no $kind"; scenario_end; }; done

check_status 'nobody opens it without its author' 4 as ru open "$beat" --all --out beat.proof
check_line 'as is said' 'no consent from north' err
check_line 'with the rule' "the charter lets the author's party alone open a record of kind 'heartbeat'" err
need 'consent' as us consent "$beat" --yes --all
round
check_status 'its author does so alone' 0 as us open "$beat" --all --out beat.proof
check_line 'by that rule' "the charter lets the author's party alone open" err
agree 'and it is verified' 0 beat.proof

need 'consent' as ru consent "$contact" --yes --fields $fields
round
check_status 'a contact takes both' 4 as us open "$contact" --fields $fields --out c.proof
check_line 'whose is missing' 'no consent from north' err
check_line 'and whose is there' 'consent of south to open to .public., until ' err
check_status 'opened all the same' 0 as us open "$contact" --fields $fields --out c.proof --without-consent
agree 'everyone sees that' 1 c.proof
check_line 'and of whom' 'opened without consent of north' out

for p in us ru; do need 'consent' as $p consent "$list" --yes --all; done
round
check_status 'another record takes all three' 4 as ru open "$list" --all --out list.proof
check_line 'the mediator too' 'no consent from neutral' err
as ru open "$list" --all --out list.proof --without-consent 2>/dev/null
agree 'for everyone' 1 list.proof
need 'consent' as med consent "$list" --yes --all
round
check_status 'who then has said yes' 0 as ru open "$list" --all --out list.proof
agree 'so that it is verified' 0 list.proof

check_status 'after its day a tally takes someone' 4 as ru open "$tally" --all --out tally.proof
need 'consent' as ru consent "$tally" --yes --all
round
check_status 'and no matter whom' 0 as ru open "$tally" --all --out tally.proof
agree 'which everyone sees' 0 tally.proof
check_line 'with the day, and the clock' "from 2020-01-01 on the charter lets any one side, or the author.s party, open .* by the clock of this check it is 20" out

# ---- the right of reply ----
url=http://127.0.0.1:$PORT$register
need 'answer' as ru answer "$contact" --yes --set text='It was a short call.'
need 'dispute' as ru dispute "$contact" --yes --should-be level=minister --set text='Not at that level.'
round
check_status 'no reply to what is not open' 4 as ru open "$contact" --reply --out reply.proof
check_line 'as is said' 'not open in public' err
need 'consent' as us consent "$contact" --yes --fields $fields --audience 'Boris South'
round
check_status 'one who may read it is not everyone' 4 as ru open "$contact" --reply --out reply.proof
need 'consent' as us consent "$contact" --yes --fields $fields
round
check_status 'that both consented does not make it public' 4 as ru open "$contact" --reply --out reply.proof
check_status 'it is opened' 0 as us open "$contact" --fields $fields --out public.proof --publish --yes
agree 'and verified' 0 public.proof
check_line 'the dispute with it' 'standing.*disputed by south' first.json
check_no_line 'but not of which field' 'minister|at that level' first.json
check_no_line 'nor the answer' 'short call' first.json
check_status 'now there is a reply' 0 as ru open "$contact" --reply --out reply.proof --publish --yes
check_line 'to that one' "in reply to openings/$(sha256sum <public.proof | cut -d' ' -f1).proof" err
agree 'which is verified' 0 reply.proof
check_line 'with its words' 'reply of south: It was a short call.' first.json
check_line 'those of the dispute too' 'reply of south: Not at that level.' first.json
check_no_line 'and not of which field, or its value' 'minister' first.json
check_status 'whoever said nothing has no reply' 4 as us open "$contact" --reply --out x.proof
check_line 'as is said' 'nothing in the register that it said' err
check_status 'a reply opens no other fields' 2 as ru open "$contact" --reply --fields level --out x.proof
"$detente" charter show --policy charter >policy
check_status 'an observer finds both' 0 "$detente" observe --policy policy --forum "$forum_id" --state seen.db "$url"
check_line 'the one' 'entry [0-9]+, contact: verified \(seen' out
check_line 'and the other with it' 'contact: verified, with a reply to what is opened above \(seen' out
check_line 'with its words' 'reply of south: It was a short call.' out

# ---- withdrawn, with a reason ----
need 'withdraw' as us withdraw "$contact" --yes --set reason='A mistake of ours.'
round
check_status 'a reason is a reply' 0 as us open "$contact" --reply --out reason.proof --publish --yes
agree 'that everyone reads' 0 reason.proof
check_line 'beside the record' 'reply of north: A mistake of ours.' first.json
check_line 'which is as open as before' '"mode": "call"' first.json
check_line 'and withdrawn' 'withdrawn by its author' first.json
scenario_end
