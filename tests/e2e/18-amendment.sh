#!/usr/bin/env bash
# Goal: when a relay dies for good, with its store and the register's key, the forum goes on from what an agent holds: all
# roots sign an amendment that names the last good size and root, another relay's register continues from there, everyone
# takes it in, records of before and after open and hold for a stranger who has nothing but the forum id, and what the lost
# key signs from then on counts for nothing.
# seconds: 300
# builds: build-clang build-gcc build
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
fields=mode,parties,started_at,time_precision
forum
plenary
url=http://127.0.0.1:$PORT$register

# cosign URL VKEY STATE PARTY...: the witnesses look at the register once
cosign() {
    local u=$1 k=$2 state=$3 p
    shift 3
    for p in "$@"; do
        need "a cosignature of $p" "$detente" witness run --once --key "$p.witness" --state "$p.$state" --register "$u" \
            --vkey "$k" "${witness_options[@]}"
    done
}
witness_options=()
# json KEY FILE: a number at the top of a document
json() {
    python3 -c 'import json,sys; print(json.load(open(sys.argv[2]))[sys.argv[1]])' "$1" "$2"
}
# last_of WHO: the number of the last contact of WHO's own
last_of() {
    as "$1" records --json | python3 -c 'import json,sys; print([r["number"] for r in json.load(sys.stdin)["records"] if r["kind"] == "contact" and r["author"]["self"]][-1])'
}
consents() { # NUMBER at ru, NUMBER at us
    need 'countersign' as ru countersign "$1" --yes
    need 'consent' as ru consent "$1" --yes --fields $fields --audience public
    need 'consent' as us consent "$2" --yes --fields $fields --audience public
}

# ---- a forum at work ----
need 'talk' as us send plenary 'before'
entry us 'a subject of before'
settle us ru med
consents 1 1
settle us ru med
cosign "$url" "$vkey" state north south neutral
settle us ru med
check_status 'a record of before opens' 0 as us open 1 --fields $fields --out before.proof
check_status 'and holds' 0 "$detente" verify before.proof --forum "$forum_id"
# What stands behind the last attested checkpoint when the relay dies.
entry ru 'lost with the relay'
need 'sync' as ru sync
need 'sync' as med sync
stop_daemon relay
cp relay.db thief.db # whoever gets at the machine has the register's key, sealed, and what it is sealed with
cp relay.db.sealing-key thief.db.sealing-key

# ---- it is gone ----
rm -f relay.db*
check_status 'nobody reaches anything' 3 as us sync
need 'status' as med register status --json
good=$(json attested need.out)
held=$(json size need.out)
[ "$held" -gt "$good" ] && pass "$((held - good)) entry was not attested when the relay died" ||
    fail "all $held entries are attested: nothing can be lost"

# ---- another relay continues from an agent's own copy ----
check_status 'an agent writes out what it holds' 0 as us register export --out entries
check_line 'as far as it is attested' "^$good entries in entries, root " out
root=$(sed -nE 's/.*, root (.*)/\1/p' out)
need 'export' as ru register export --out entries.ru
check_same 'another agent holds the same' entries entries.ru
PORT2=$(free_port)
witnesses=()
for p in north south neutral; do witnesses+=(--witness "$p=$(sed -nE "s/.*witness  of $p: (.*)/\1/p" <("$detente" charter show charter))"); done
grant2() { # STORE DIR OPTION...
    "$relay_program" grant --store "$1" --url "http://127.0.0.1:$PORT2" --out "$2" --party north --party south \
        --party neutral "${witnesses[@]}" "${@:3}"
}
check_status 'not with entries of another root' 1 grant2 x.db x --continue entries --root "AAAA${root:4}"
[ -e x/north.grant ] && fail 'a grant all the same' || pass 'then no grant is given'
check_status 'a register that continues it' 0 grant2 relay2.db grants2 --continue entries --root "$root"
"$relay_program" serve --store relay2.db --listen "127.0.0.1:$PORT2" --check >need.out 2>&1 && pass 'is whole' || fail "is not whole: $(cat need.out)"
start_daemon relay2 "$relay_program" serve --store relay2.db --listen "127.0.0.1:$PORT2"
wait_port "$PORT2" || { fail 'set-up: the second relay did not start'; scenario_end; }

# ---- the amendment ----
check_status 'a delegate drafts the amendment' 0 as med charter amend --grant grants2/neutral.grant --out amendment
cp amendment other # signed apart
check_status 'one who has only the charter sees what it says' 1 "$detente" charter show --charter charter amendment
for what in "good     the first $good entries of the register until now, root ${root//+/\\+}" "to   http://127.0.0.1:$PORT2" \
    "from http://127.0.0.1:$PORT\$" 'witness  of north, as before' 'north    NOT SIGNED YET'; do
    check_line "that says: $what" "$what" out
done
check_status 'without --charter it is said what it is' 2 "$detente" charter show amendment
check_status 'a root signs' 0 "$detente" charter sign --root north.root --charter charter amendment
check_status 'another' 0 "$detente" charter sign --root south.root --charter charter amendment
check_status 'nobody takes in what a root has not signed' 1 as us charter adopt amendment --grant grants2/north.grant
check_line 'and it is said whose signature lacks' 'neutral' err
check_status 'the third one signs elsewhere' 0 "$detente" charter sign --root neutral.root --charter charter other
check_status 'and the two are merged' 0 "$detente" charter merge --charter charter amendment other
check_status 'now it is complete' 0 "$detente" charter show --charter charter amendment

# ---- refused ----
need 'a draft of a smaller size' as us charter amend --grant grants2/north.grant --size 2 --out smaller
for p in north south neutral; do need 'signature' "$detente" charter sign --root $p.root --charter charter smaller; done
check_status 'what would lose attested entries is not taken in' 4 as us charter adopt smaller --grant grants2/north.grant
check_line 'and it is said how many' "$((good - 2)) more that the charter's quorum cosigned" err
check_status 'a grant of the old relay does not go with it' 1 as us charter adopt amendment --grant grants/north.grant
printf 'x' | dd of=smaller bs=1 seek=300 conv=notrunc status=none
check_status 'nor does one that was altered' 1 as us charter adopt smaller --grant grants2/north.grant

# ---- everyone takes it in ----
cp -r us fooled # a home that will not hear of it
check_status 'the first takes it in' 0 as us charter adopt amendment --grant grants2/north.grant
check_line 'as its own copy has that root' 'our own copy has the root that was named' out
check_status 'a second time does no harm' 0 as us charter adopt amendment --grant grants2/north.grant
check_line 'and says so' 'nothing new' out
check_status 'the next, who has the entry that is lost' 0 as ru charter adopt amendment --grant grants2/south.grant
check_line 'hears that it does not count' '[1-9] entr.* of our copy do not count any more, 0 of them cosigned' out
check_status 'and the third' 0 as med charter adopt amendment --grant grants2/neutral.grant
settle us ru med
for p in us ru med; do
    need 'channels' as $p channels --json
    grep -q '"confirmed": true' need.out && pass "$p: the channel is confirmed again" || fail "$p: the channel is not confirmed"
done
need 'status' as us register status --json
[ "$(json size need.out)" -gt "$good" ] && pass 'the register grew: the amendment and what was lost are in it' ||
    fail "$(json size need.out) entries after the amendment"

check_status 'status says so' 0 as med status
check_line 'with the entry and the new relay' "amendments of the charter: 1; the register was replaced at entry $good, the relay is http://127.0.0.1:$PORT2" out

# ---- work goes on ----
need 'talk' as ru send plenary 'after'
entry us 'a subject of after'
settle us ru med
after=$(last_of us)
for_ru=$(as ru records --json | python3 -c 'import json,sys; print([r["number"] for r in json.load(sys.stdin)["records"] if r["kind"] == "contact" and r["author"]["party"] == "north"][-1])')
consents "$for_ru" "$after"
settle us ru med
register2=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants2/neutral.grant)
url2=http://127.0.0.1:$PORT2$register2
vkey2=$("$detente" charter show --json --amendment amendment charter | sed -nE 's|.*"register_vkey": "(.*)".*|\1|p' | sed 's|\\/|/|g')
witness_options=(--continues "$good:AAAA${root:4}")
check_status 'a witness that is told another beginning signs nothing' 1 "$detente" witness run --once --key north.witness \
    --state wrong.state --register "$url2" --vkey "$vkey2" "${witness_options[@]}"
check_line 'and says why' 'does not begin with' err
witness_options=(--continues "$good:$root")
cosign "$url2" "$vkey2" state2 north south neutral
settle us ru med
[ "$(times med after)" = 1 ] && pass 'what is said arrives' || fail "'after' arrived $(times med after) times"
check_status 'a stranger counts the new register' 0 "$detente" register check --charter charter --amendment amendment --forum "$forum_id"
check_line 'as one that grew' "[0-9]+ entries, [0-9]+ attested" out
check_status 'an observer follows it' 0 "$detente" observe --charter charter --amendment amendment --forum "$forum_id" \
    --state seen.db "$url2"
check_status 'and not by the charter alone' 3 "$detente" register check --charter charter --forum "$forum_id"

# ---- records of before and after ----
check_status 'the record of before opens again' 0 as us open 1 --fields $fields --out again.proof
check_status 'and holds' 0 "$detente" verify again.proof --forum "$forum_id"
check_line 'with the amendment' "amendment 1, signed by all roots: the register was replaced at entry $good" out
check_line 'under the register that ended' 'entry [0-9]+ of the register that amendment 1 ended, entered' out
check_status 'its proof of before holds as it did' 0 "$detente" verify before.proof --forum "$forum_id"
check_status 'the record of after opens' 0 as us open "$after" --fields $fields --out after.proof
check_status 'and holds' 0 "$detente" verify after.proof --forum "$forum_id"
check_line 'under the new register' 'time: entry [0-9]+, entered' out
check_line 'verified' 'verdict: verified' out
if python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    second=$top/tests/interop/verify_proof.py # written from the documents alone
    for p in again after; do
        "$detente" verify $p.proof --json --forum "$forum_id" >first.json
        PYTHONDONTWRITEBYTECODE=1 python3 "$second" $p.proof --words "$top/data/words.txt" --forum "$forum_id" >second.json
        check "an independent verifier says the same of $p.proof" python3 "$second" --compare first.json second.json
    done
else
    skip 'python3 (3.9 or newer) is not here: the independent verifier was not run'
fi
check_status 'what was lost was handed in again' 0 as ru records
check_no_line 'nothing waits' 'waiting' out

# ---- a home made later ----
check_status 'the charter alone does not fit the new grant' 1 "$detente" --home late init --charter charter \
    --grant grants2/south.grant --party south --name 'Late South' --title 'Delegate (exercise)'
check_status 'with the amendment it does' 0 "$detente" --home late init --charter charter --amendment amendment \
    --grant grants2/south.grant --party south --name 'Late South' --title 'Delegate (exercise)'
check_status 'and syncs' 0 as late sync
need 'status' as late register status --json
[ "$(json size need.out)" -gt "$good" ] && pass 'with the whole register' || fail 'without the register'

# ---- the thief goes on under the lost key ----
start_daemon thief "$relay_program" serve --store thief.db --listen "127.0.0.1:$PORT"
wait_port "$PORT" || { fail 'set-up: the thief did not start'; scenario_end; }
witness_options=()
entry fooled 'a forgery'
need 'sync' as fooled sync
cosign "$url" "$vkey" state north south # as if these keys were stolen too
need 'sync' as fooled sync
need 'forgery' as fooled open "$(last_of fooled)" --fields $fields --out forged.proof --without-consent
check_status 'who knows of the amendment refuses what that key signed later' 1 "$detente" verify forged.proof \
    --forum "$forum_id" --amendment amendment
check_line 'in words' "amendment 1 says that only the first $good of that register count" out
check_status 'and so does everyone, where the proof carries it' 0 "$detente" verify after.proof --forum "$forum_id" \
    --amendment amendment
stop_daemon thief
stores_whole us ru med
scenario_end
