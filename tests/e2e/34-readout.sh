#!/usr/bin/env bash
# Goal: a joint readout in two languages, agreed on line by line. Lines that both sides agreed to are released together, at
# the time that was agreed; the others stay sealed; and what was published is what was sealed, as two verifiers say.
# seconds: 420
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

independent=$top/tests/interop/verify_proof.py

entry us 'one subject'
round
check_status 'a readout of the contact' 0 as us readout draft plenary --contact 1 --languages 'en;ru' --yes
r=$(cat out)
settle us ru med
check_status 'a line in two languages' 0 as us readout line "$r" 1 --text 'en=They met for half an hour.' \
    --text 'ru=Встреча длилась полчаса.' --yes
check_status 'a second' 0 as us readout line "$r" 2 --text 'en=They agreed on a list.' --text 'ru=Они согласовали список.' --yes
settle us ru
check_status 'and one by the other side' 0 as ru readout line "$r" 3 --text 'en=They will meet again.' \
    --text 'ru=Они встретятся снова.' --yes
check_status 'one by the mediator' 0 as med readout line "$r" 4 --text 'en=They thank the host.' --text 'ru=Они благодарят хозяев.' --yes
settle us ru med
check_status 'a line without a language' 2 as us readout line "$r" 5 --text 'They met.' --yes
check_status 'a language twice' 1 as us readout line "$r" 5 --text en=a --text en=b --yes
check_status 'a line without a number' 2 as us readout line "$r" 0 --text en=a --yes
check_status 'no readout' 1 as us readout show 1

# ---- agreed or not, by each side ----
check_status 'the other side agrees to how it is released, and to one line' 0 as ru readout agree "$r" 1 --head --yes
check_line 'which it is shown' '^ +1 \[en\] They met for half an hour\.$' out
check_line 'and told what it is not' 'It releases nothing' err
check_status 'objects to another' 0 as ru readout object "$r" 2 --text 'en=They spoke of a list.' --text 'ru=Они говорили о списке.' \
    --why 'Nothing was agreed on.' --yes
check_status 'this side agrees to all that is open to it' 0 as us readout agree "$r" --yes
settle us ru med
check_status 'seen by the mediator' 0 as med readout show "$r"
check_line 'agreed' 'record [0-9]+: agreed by all sides$' out
check_line 'by whom' 'south agrees$' out
check_line 'not agreed' 'not agreed by all sides: stays sealed' out
check_line 'what it should be' 'south objects: it should be: They spoke of a list\. / ' out
check_line 'nothing is released' '^Not released: consents lack$' out
check_status 'there is nothing left to agree to' 1 as us readout agree "$r" --yes

# ---- a change in one language, after the agreement ----
check_status 'a line is changed in one language' 0 as us readout line "$r" 1 --text 'en=They met for half an hour.' \
    --text 'ru=Встреча не состоялась.' --yes
check_line 'said to its author' 'on which all sides had agreed: they have to agree anew' err
settle us ru med
check_status 'the other side' 0 as ru readout show "$r"
check_line 'sees in which' '^ +1 \[ru\] .*<- CHANGED after it was agreed on$' out
check_no_line 'and that the other one stands' '^ +1 \[en\] .*CHANGED' out
check_line 'and is warned' 'CHANGED in some languages only, after all sides had agreed' out
check_status 'as JSON' 0 as ru readout show "$r" --json
check_line 'too' '"changed_after_agreement": true' out
cp out shown.json
cat >parties.py <<'PY'
import json
x = json.load(open('shown.json'))
assert x['languages'] == ['en', 'ru'] and len(x['group_id']) == 64, x
party = lambda l, name: next(p for p in l['parties'] if p['party'] == name)
north, south = party(x['lines'][1], 'north'), party(x['lines'][1], 'south')
assert north['wrote'] and north['side'] and not north['self'] and 'objection' not in north, north
assert south['self'] and not south['wrote'] and south['objects'], south
want = south['objection']
assert want['texts'] == ['They spoke of a list.', 'Они говорили о списке.'] and want['why'] == 'Nothing was agreed on.', want
assert not party(x['lines'][1], 'neutral')['side'], x
assert not x['consents_complete'] and x['is_time'], x
PY
check 'what each party says, for programs' python3 parties.py
before=$(as us readout show "$r" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["lines"][0]["commitment"])')
check_status 'back as it was' 0 as us readout line "$r" 1 --text 'en=They met for half an hour.' --text 'ru=Встреча длилась полчаса.' --yes
settle us ru med
check_status 'not to a version that has gone' 1 as ru readout agree "$r" "$before" --yes
check_line 'as it says' 'no line of the readout is in force with this commitment' err
now=$(as us readout show "$r" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["lines"][0]["commitment"])')
check_status 'the other side agrees to it as it read it, and to the line of the mediator' 0 as ru readout agree "$r" "$now" 4 --yes --json
cp out made.json
check 'in JSON alone' python3 -c 'import json; assert len(json.load(open("made.json"))["records"]) == 2'
settle us ru med

# ---- released together ----
check_status 'no file without the consents' 0 as us readout release "$r" --yes # gives its own
check_line 'as it says' 'your consent to open [45] records to everyone' err
round
check_status 'nor with those of one side' 1 as us readout release "$r" --out out1
check_line 'whose lack is said' '^south: [45] consents lack' out
check_line 'and the author of a line, too' '^neutral: 1 consents lack' out
check_status 'nor as JSON' 1 as us readout release "$r" --out out1 --json
cp out lacking.json
check 'with whose lack' python3 -c 'import json
x = json.load(open("lacking.json"))
assert not x["released"] and [p["party"] for p in x["lacking"]] == ["south", "neutral"] and x["lacking"][0]["consents"] in (4, 5), x'
[ -e out1 ] && fail 'there are files' || pass 'there is no file'
check_status 'nor a line alone' 4 as us open "$(as us readout show "$r" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["lines"][0]["commitment"])')" \
    --all --out one.proof
check_status 'the other side consents' 0 as ru readout release "$r" --yes
check_status 'and the mediator, to the line that it wrote' 0 as med readout release "$r" --yes
round
check_status 'both have' 0 as ru readout release "$r" --out released --publish --yes
check_line 'together' '^They met for half an hour\.$' out
check_same 'three lines, and the head' <(ls released) <(printf '%s\n' head.proof line-001.proof line-003.proof line-004.proof readout.txt)
check_status 'anyone verifies it' 0 "$detente" readout verify released/*.proof --forum "$forum_id"
check_line 'line by line' '^ +3 \[ru\] Они встретятся снова\.$' out
check_line 'and sees that a number is not shown' 'numbers before 3 are not shown' out
check_line 'verified' '^verified: each line is what was sealed' out
check_no_line 'and nothing of what was not agreed' 'list' out
printf '%s\n' 'They met for half an hour.' 'They will meet again.' 'They thank the host.' >press
check_status 'what the press has is what was sealed' 0 "$detente" readout verify released/*.proof --forum "$forum_id" --text press --language en
sed 's/half an hour/an hour/' press >other
check_status 'and this is not' 1 "$detente" readout verify released/*.proof --forum "$forum_id" --text other --language en
check_line 'as it says' 'not the text that was sealed' out
check_status 'without its head' 1 "$detente" readout verify released/line-*.proof --forum "$forum_id"
check_status 'with a line twice' 1 "$detente" readout verify released/*.proof released/line-001.proof --forum "$forum_id"
sed '5s/./A/' released/line-003.proof >altered
check_status 'altered' 1 "$detente" readout verify released/head.proof altered --forum "$forum_id"
check_status 'as JSON' 0 "$detente" readout verify released/*.proof --forum "$forum_id" --json
check_line 'too' '"verified": true' out
for f in head line-001 line-003 line-004; do
    check_status "the verifier of proofs: $f" 0 "$detente" verify "released/$f.proof" --forum "$forum_id" --json
    cp out theirs.json
    check_status "an independent one: $f" 0 python3 "$independent" "released/$f.proof" --forum "$forum_id"
    check "they say the same of $f" python3 "$independent" --compare theirs.json out
done
check_status 'again, as JSON' 0 as ru readout release "$r" --out again --json
cp out again.json
check 'with the text that was written' python3 -c 'import json
x = json.load(open("again.json"))
assert x["released"] and x["text"] == open("again/readout.txt").read() and "They will meet again." in x["text"], x'
curl -sf "http://127.0.0.1:$PORT$register/openings/index" >index
[ "$(wc -l <index)" = 4 ] && pass 'four are published beside the register' || fail "$(wc -l <index) published"

# ---- at an agreed time, by the mediator ----
check_status 'another readout, with a time' 0 as us readout draft plenary --contact 1 --release-at +1d --releaser mediator --yes
late=$(cat out)
settle us ru med
check_status 'of one line' 0 as us readout line "$late" 1 --text 'en=They met.' --yes
settle us ru med
check_status 'not before all sides agreed on the time' 4 as us readout release "$late" --yes
check_line 'as it says' 'not all sides have agreed on how and when' err
check_status 'agreed' 0 as ru readout agree "$late" --yes
settle us ru med
check_status 'not before its time' 4 as us readout release "$late" --yes
check_line 'it says which' 'it is not released before 2[0-9-]+T' err
check_status 'consents are given ahead' 0 as us readout release "$late" --ahead --yes
check_status 'by both' 0 as ru readout release "$late" --ahead --yes
round
check_status 'and nothing is written' 4 as med readout release "$late" --out early
check_line 'before its time' 'it is not released before' err
check_status 'shown' 0 as med readout show "$late"
check_line 'as that' '^All consents are there; it is not time yet$' out
check_line 'by whom' 'released by the mediator, not before' out
scenario_end
