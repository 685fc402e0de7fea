#!/usr/bin/env bash
# Goal: what is opened by consent is a small file that carries all it relies on: at most 16 KiB for a contact with four
# fields opened, of a forum of three parties. It is published beside the register, where observers find it, or sealed to one
# person; and a record's withdrawal is shown with it from then on.
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
proof_max=16384
fields=mode,parties,started_at,time_precision
forum
plenary

# ---- a proof file is small ----
entry us 'one subject'
round
need 'countersign' as ru countersign 1 --yes
for p in us ru; do need 'consent' as $p consent 1 --yes --fields $fields --audience public; done
round
need 'open' as us open 1 --fields $fields --out one.proof
check_status 'four fields opened, with the consent of both' 0 "$detente" verify one.proof --forum "$forum_id" --json
for what in '"verdict": "verified"' 'countersigned by' 'consent of'; do check_line "that says: $what" "$what" out; done
bytes=$(wc -c <one.proof)
[ "$bytes" -le $proof_max ] && pass "$bytes bytes of proof file, with charter, letters, answer, consents and register proofs" ||
    fail "a proof file of $bytes bytes, more than $proof_max"
# Four register paths that are 20 hashes longer, each a line of 45 characters in base64 twice: a million entries more.
grown=$((bytes + 4 * 20 * 45 * 4 / 3 * 77 / 76))
[ "$grown" -le $proof_max ] && pass "at most $grown bytes with a million entries" || fail "$grown bytes with a million entries"

# ---- one field, several, all ----
check_status 'one field' 0 as us open 1 --fields mode --out few.proof
check_status 'holds' 0 "$detente" verify few.proof --forum "$forum_id" --json
[ "$(python3 -c 'import json,sys; print(*json.load(open(sys.argv[1]))["fields"])' out)" = mode ] &&
    pass 'and is all that is opened' || fail 'more than one field is opened'
check_status 'another one, and one of the envelope, without consent' 0 as us open 1 --fields level,@channel --out few.proof \
    --without-consent
check_status 'of which everyone is told' 1 "$detente" verify few.proof --forum "$forum_id"
check_line 'which' 'opened without the consent of south: @channel' out
check_line 'and that' 'opened without the consent of south: level' out
check_status 'all is more than was consented to' 4 as us open 1 --all --out whole.proof
check_line 'as is said before' 'opened without the consent of south: subjects' err
check_status 'fields and all at once' 2 as us open 1 --all --fields mode --out whole.proof
for p in us ru; do need 'consent' as $p consent 1 --yes --all; done
round
check_status 'with consent to all' 0 as us open 1 --all --out whole.proof
check_status 'all is opened' 0 "$detente" verify whole.proof --forum "$forum_id" --json
[ "$(python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["fields"]))' out)" = "$("$detente" template show contact --json |
    python3 -c 'import json,sys; print(len(json.load(sys.stdin)["fields"]))')" ] && pass 'each field' || fail 'not each field'
check_no_line 'and no more' '"@channel"' out

# ---- published ----
url=http://127.0.0.1:$PORT$register
# published N: so many files are listed beside the register
published() {
    curl -sf "$url/openings/index" >index
    [ "$(wc -l <index)" = "$1" ] && pass "$1 published" || fail "$(wc -l <index) published, expected $1"
}
published 0
check_status 'nothing is published without a yes' 4 as us open 1 --fields $fields --out pub.proof --publish
published 0
check_status 'with one it is' 0 as us open 1 --fields $fields --out pub.proof --publish --yes
check_line 'and said before that it stays' 'cannot be taken back' err
published 1
check_status 'a second time' 0 as us open 1 --fields $fields --out pub.proof --publish --yes
published 1
name=$(cat index)
check_same 'its name is its hash' <(sha256sum <pub.proof | cut -d' ' -f1) index
curl -sf -D headers "$url/openings/$name.proof" -o found.proof
check_same 'everyone finds the same file' pub.proof found.proof
for what in 'Access-Control-Allow-Origin: \*' 'Content-Type: text/plain; charset=utf-8' 'Cache-Control: public, max-age=[0-9]+, immutable'; do
    check_line "with the header $what" "^$what" headers
done
check_status 'and verifies it by itself' 0 "$detente" verify found.proof --forum "$forum_id"
"$detente" charter show --policy charter >policy
check_status 'an observer finds it' 0 "$detente" observe --policy policy --forum "$forum_id" --state seen.db "$url"
check_line 'and says what it says' 'entry 0, contact: verified' out

# ---- for one person ----
entry ru 'another subject'
round
need 'records' as us records --json
second=$(python3 -c 'import json,sys; print([r["commitment"] for r in json.load(sys.stdin)["records"] if r["kind"] == "contact"][-1])' <need.out)
for p in us ru; do need 'consent' as $p consent "$second" --yes --fields $fields --audience 'Mira Mediator'; done
round
check_status 'what is for one person is not for everyone' 4 as us open "$second" --fields $fields --out x.proof --publish --yes
check_line 'it says whose consent there is not' "no consent from (north|south) in the register to open these fields to 'public'" err
check_status 'nor for another person' 4 as us open "$second" --fields $fields --out x.proof --for 'Boris South'
[ -e x.proof ] && fail 'a file was written' || pass 'no file is written'
published 1
check_status 'but for that one' 0 as us open "$second" --fields $fields --out mira.proof --for 'Mira Mediator'
check_status 'who opens it with their home' 0 as med verify mira.proof --forum "$forum_id"
check_line 'and sees to whom it was opened' "consent of (north|south) to open to 'Mira Mediator'" out
check_status 'and no other' 1 as ru verify mira.proof --forum "$forum_id"
check_line 'as it says' 'sealed to another person' err
grep -qa "$forum_id" mira.proof && fail 'the forum is in the clear' || pass 'nothing of it is in the clear'
check_status 'sealed to another one all the same' 0 as us open "$second" --fields $fields --out slip.proof --for 'Boris South' \
    --without-consent
check_status 'that one sees that it was not to be' 1 as ru verify slip.proof --forum "$forum_id"
check_line 'and why' 'is to others than those to whom this was opened' out
printf 'x' | dd of=mira.proof bs=1 seek=500 conv=notrunc status=none
check_status 'not when it is altered' 1 as med verify mira.proof --forum "$forum_id"
check_status 'what is for everyone is for one person too' 0 as us open 1 --fields $fields --out boris.proof --for 'Boris South'
check_status 'who opens it' 0 as ru verify boris.proof --forum "$forum_id"

# ---- withdrawn ----
need 'withdraw' as us withdraw 1 --yes
round
check_status 'a withdrawn record is opened as before' 0 as us open 1 --fields $fields --out later.proof --publish --yes
check_status 'and holds' 0 "$detente" verify later.proof --forum "$forum_id"
check_line 'with the withdrawal' 'standing: countersigned by south; withdrawn by its author' out
check_line 'in words' 'withdrawn by its author, which undoes nothing' out
check_line 'and all its fields' 'opened: mode = call' out
check_status 'by the other side too' 0 as ru open 1 --fields $fields --out theirs.proof
check_status 'which holds' 0 "$detente" verify theirs.proof --forum "$forum_id"
check_line 'and shows it' 'withdrawn by its author' out
published 2
check_same 'the first one stays the first' <(echo "$name") <(head -n 1 index)
check_status 'an observer sees both' 0 "$detente" observe --policy policy --forum "$forum_id" --state seen.db "$url" --json
check_line 'the later one with the withdrawal' 'withdrawn by its author' out
check_line 'and with the earlier one that there is one' '"withdrawn_in_another": true' out
check_status 'in words too' 0 "$detente" observe --policy policy --forum "$forum_id" --state seen.db --svg seen.svg "$url"
check_line 'which' 'another opening shows that its author withdrew it, which undoes nothing' out
check_line 'and in the picture' 'another opening shows it withdrawn' seen.svg
check_status 'a member who lists its records' 0 as ru records
check_line 'sees it' 'withdrawn' out
check_status 'or shows the record' 0 as ru show 1
check_line 'sees it too' 'withdrawn' out
check_status 'or counts' 0 as ru tally 0 "$(($(size_at ru) - 1))"
check_line 'how many of them' 'withdrawn since +1, which count all the same' out
cp "$top/examples/contacts/claims.csv" claims.csv
stop_daemon relay
start_relay
published 2
scenario_end
