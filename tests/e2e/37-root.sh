#!/usr/bin/env bash
# Goal: a party's root is stolen. The successor that its charter had announced takes its place by an amendment; the thief
# cannot; letters of the stolen root are refused by members, relay and verifier; the forum goes on under the same forum id
# with new letters, and proofs of before hold for a stranger who has nothing but the forum id.
# seconds: 300
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
fields=mode,parties,started_at,time_precision
umask 077
echo 'a passphrase for the exercise' >"$DT_WORK/passphrase"
for k in north2 north3 south2 thief2; do need 'root' "$detente" root new --out $k.root; done
charter_options=(--successor north=north2.root.pub)
forum
plenary
url=http://127.0.0.1:$PORT$register

# of_north WHO: the number that WHO has for the last contact of north
of_north() {
    as "$1" records --json | python3 -c 'import json,sys; print([r["number"] for r in json.load(sys.stdin)["records"] if r["kind"] == "contact" and r["author"]["party"] == "north"][-1])'
}
consents() { # all sides on north's last contact
    need 'countersign' as ru countersign "$(of_north ru)" --yes
    need 'consent' as ru consent "$(of_north ru)" --yes --fields $fields --audience public
    need 'consent' as us consent "$(of_north us)" --yes --fields $fields --audience public
    settle us ru med
    cosign
    settle us ru med
}
# words FILE: the key words of a root
words() { "$detente" root words "$1.root.pub"; }

# ---- a forum at work ----
check_status 'the charter says who may take over' 0 "$detente" charter show charter
check_line 'by key words' "successor: $(words north2)" out
entry us 'a subject of before'
settle us ru med
consents
before=$(of_north us)
check_status 'a record of before opens' 0 as us open "$before" --fields $fields --out before.proof
check_status 'and holds' 0 "$detente" verify before.proof --forum "$forum_id"

# ---- the thief has the root, and a grant that lay beside it ----
cp north.root thief.root
home thief north 'Theo Thief'
need 'sync' as thief sync
cp -r ru unaware # a member who will not hear of it
check_status 'who knows nothing believes a letter of the stolen root' 0 as unaware letter import thief.letter
check_status 'the thief names a root of its own: nobody may' 4 as thief charter amend --root north=thief2.root.pub --out x.amendment
check_line 'as it is not the one announced' 'not the successor that was announced' err
check_status 'nor announce another successor' 1 as thief charter amend --successor north=thief2.root.pub --out x.amendment
check_line 'for the first stands' 'it stands until it takes over' err
check_status 'one amendment, one thing' 2 as us charter amend --root north=north2.root.pub --grant grants/north.grant --out x.amendment
check_status 'of a party that there is' 1 as us charter amend --root west=north2.root.pub --out x.amendment

# ---- north drafts; all others sign, and the successor for north ----
need 'status' as us register status --json
good=$(python3 -c 'import json; print(json.load(open("need.out"))["attested"])')
check_status 'north drafts, and announces the next one' 0 as us charter amend --root north=north2.root.pub \
    --successor north=north3.root.pub --out amendment
check_line 'that says where it counts from' "first $good entries" err
cp amendment stolen
check_status 'everyone sees what it says' 1 "$detente" charter show --charter charter amendment
for what in 'root     of north, REPLACED; the new one is the successor that was announced' "from $(words north)" "to   $(words north2)" \
    "successor of north from then on: $(words north3)" 'north    not asked, its successor signs' 'south    NOT SIGNED YET'; do
    check_line "that says: $what" "$what" out
done
check_status 'also as JSON' 1 "$detente" charter show --json --charter charter amendment
check 'with the words to compare' python3 -c 'import json, sys
one = json.load(open("out"))
assert not one["complete"] and one["last_size"] == int(sys.argv[1])
root, = one["roots"]
assert [root["party"], root["root_before"], root["root"], root["successor"]] == ["north", *sys.argv[2:]]
assert root["replaced"] and root["announced"] and not root["signed_by_new"]' "$good" "$(words north)" "$(words north2)" "$(words north3)"
check_status 'a root signs' 0 "$detente" charter sign --root south.root --charter charter amendment
check_status 'another' 0 "$detente" charter sign --root neutral.root --charter charter amendment
check_status 'all others together replace nobody' 1 as ru charter adopt amendment
check_line 'the successor has to sign' 'the new root of party 1 .north. has not signed' err
for k in south neutral thief; do need 'signature' "$detente" charter sign --root $k.root --charter charter stolen; done
check_status 'nor does the stolen root, with all others deceived' 1 as ru charter adopt stolen
check_status 'the thief has no key that signs for it' 1 "$detente" charter sign --root thief2.root --charter charter amendment
cp amendment other
check_status 'the successor signs elsewhere' 0 "$detente" charter sign --root north2.root --charter charter other
check_status 'and both are merged' 0 "$detente" charter merge --charter charter amendment other
check_line 'whole, without the root that is lost' 'signatures of 3 of 3 roots' err
check_status 'it is complete' 0 "$detente" charter show --charter charter amendment
check_line 'signed by the new root' 'signed by the new root' out

# ---- what north wrote meanwhile, under a letter that is going to end ----
entry us 'in the window'
settle us ru med
window=$(of_north us)
cosign
settle us ru med
cp -r us fooled # a home of north's in the thief's hands: it opens as if nothing had been
need 'forgery' as fooled open "$window" --fields $fields --out forged.proof --without-consent

# ---- everyone takes it in ----
check_status 'no grant goes with it' 2 as us charter adopt amendment --grant grants/north.grant
check_status 'the first takes it in' 0 as us charter adopt amendment
check_line 'the register stays' "letters of roots that were replaced count for its first $good entries" out
check_line 'its copy has that root' 'our own copy has the root that was named' out
check_line 'and what does not count is said' '1 records do not count any more' out
check_line 'as is what to do' 'have the new root issue another one' out
check_status 'the charter with it' 0 "$detente" charter show --amendment amendment charter
for what in "key words: $(words north2)" "took the place of the root with: $(words north)" "successor: $(words north3)" \
    'amended  1, .*roots were replaced'; do
    check_line "says: $what" "$what" out
done
check_status 'a second time does no harm' 0 as us charter adopt amendment
check_status 'the next' 0 as ru charter adopt amendment
check_status 'and the third' 0 as med charter adopt amendment
settle us ru med
check_status 'the record of the window is there apart' 0 as ru records --void
check_line 'as what it is' 'contact' out
check_status 'and not among the others' 0 as ru records --json
check_no_line 'nowhere' 'in the window' out
check_status 'north sends nothing under the old letter' 4 as us send plenary 'too early'
check_line 'and hears why' 'amendment 1 replaced the root that signed it' err
check_status 'status says so' 0 as us status
check_line 'in words' 'HOLDS NO MORE: its root was replaced' out
check_status 'also as JSON' 0 as us status --json
check_line 'of the letter' '"letter_root_replaced": true' out
check_status 'people, too' 0 as ru people
check_line 'in words' 'Ana North.*ROOT REPLACED' out

# ---- the thief's letters ----
for p in ru med; do
    check_status "$p takes no letter of the stolen root" 4 as $p letter import thief.letter
    check_line 'in words' 'amendment 1 replaced the root that signed it' err
done
check_status 'nor is one made by who keeps to the charter' 4 "$detente" letter issue --root thief.root --charter charter \
    --amendment amendment --request thief.request --out x.letter
need 'the letters of the others' as thief letter import ru.letter med.letter
need 'an invitation by the thief' as thief found trap --with 'Boris South' --with 'Mira Mediator'
need 'sync' as thief sync
settle ru med
for p in ru med; do
    check_status "invitations of $p" 0 as $p invitations --json
    check_no_line "$p: an invitation of the thief is none" 'trap' out
done
sed -E 's/"(queue_token|append_key)": *"[0-9a-f]{8}/"\1": "00000000/' grants/north.grant >none.grant
need 'a home without a grant' "$detente" --home stranger init --charter charter --grant none.grant --party north \
    --name 'Theo Thief' --title 'Delegate (exercise)'
check_status 'without a grant the relay takes nothing of it' 4 as stranger sync
check_line 'as it knows no such token' 'refused to create a queue' err

# ---- new letters, and the forum goes on ----
need 'a letter of the new root' "$detente" letter issue --root north2.root --charter charter --amendment amendment \
    --request us.request --out us2.letter
check_status 'it is of the new root' 0 "$detente" letter show us2.letter
check_line 'by key words' "$(words north2)" out
check_status 'who knows nothing does not believe it' 1 as unaware letter import us2.letter
for p in ru med us; do check_status "$p takes it in" 0 as $p letter import us2.letter; done
settle us ru med
for p in us ru med; do
    need 'channels' as $p channels --json
    grep -q '"confirmed": true' need.out && pass "$p: the channel is confirmed" || fail "$p: the channel is not confirmed"
done
need 'talk' as us send plenary 'after'
settle us ru med
[ "$(times med after)" = 1 ] && pass 'what is said arrives' || fail "'after' arrived $(times med after) times"
entry us 'in the window, made again'
settle us ru med
consents
after=$(of_north us)

# ---- proofs ----
check_status 'the record of before opens again' 0 as us open "$before" --fields $fields --out again.proof
check_status 'and holds by the forum id alone' 0 "$detente" verify again.proof --forum "$forum_id"
check_line 'with the amendment' "amendment 1, signed by all parties: the root of north was replaced at entry $good" out
check_status 'its proof of before holds as it did' 0 "$detente" verify before.proof --forum "$forum_id"
check_status 'also for who knows of the amendment' 0 "$detente" verify before.proof --forum "$forum_id" --amendment amendment
check_status 'the record of after opens' 0 as us open "$after" --fields $fields --out after.proof
check_status 'and holds' 0 "$detente" verify after.proof --forum "$forum_id"
check_line 'verified' 'verdict: verified' out
check_status 'who knows nothing of it cannot know better' 1 "$detente" verify forged.proof --forum "$forum_id"
check_line 'and says what is there' 'verdict: opened without consent' out
check_status 'who does refuses what came later under the stolen root' 1 "$detente" verify forged.proof --forum "$forum_id" \
    --amendment amendment
check_line 'in words' "amendment 1 replaced the root .* among the first $good entries" out
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    second=$top/tests/interop/verify_proof.py # written from the documents alone
    for p in before again after forged; do
        "$detente" verify $p.proof --json --forum "$forum_id" >first.json
        PYTHONDONTWRITEBYTECODE=1 python3 "$second" $p.proof --words "$top/data/words.txt" --forum "$forum_id" >second.json
        check "an independent verifier says the same of $p.proof" python3 "$second" --compare first.json second.json
    done
    for k in north north2; do
        "$detente" verify after.proof --json --root-words "$(words $k)" >first.json
        PYTHONDONTWRITEBYTECODE=1 python3 "$second" after.proof --words "$top/data/words.txt" --root-words "$(words $k)" >second.json
        check "and by the key words of $k" python3 "$second" --compare first.json second.json
        check_line 'as of one root' 'root not checked' first.json
    done
else
    skip 'python3 (3.9 or newer) is not here: the independent verifier was not run'
fi
check_status 'a stranger counts the register' 0 "$detente" register check --charter charter --amendment amendment --forum "$forum_id"
check_status 'as one follows it' 0 "$detente" observe --charter charter --amendment amendment --forum "$forum_id" --state seen.db "$url"

# ---- a home made later, and the next amendment ----
need 'a late home' "$detente" --home late init --charter charter --amendment amendment --grant grants/south.grant \
    --party south --name 'Late South' --title 'Delegate (exercise)'
check_status 'a late home takes the new letters, and no old ones' 0 as late letter import us2.letter
check_status 'none of the thief' 4 as late letter import thief.letter
check_status 'south announces a successor later' 0 as ru charter amend --successor south=south2.root.pub --out second
for k in north2 south neutral; do
    check_status "$k signs" 0 "$detente" charter sign --root $k.root --charter charter --amendment amendment second
done
check_status 'the root that was replaced signs nothing any more' 1 "$detente" charter sign --root north.root --charter charter \
    --amendment amendment second
for p in us ru med; do check_status "$p takes it in" 0 as $p charter adopt second; done
check_status 'both are there' 0 as med status
check_line 'and said' 'amendments of the charter: 2, of roots' out
settle us ru med
stores_whole us ru med
scenario_end
