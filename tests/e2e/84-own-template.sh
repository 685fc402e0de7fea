#!/usr/bin/env bash
# Goal: a forum has a template of its own, named by the charter that all sign. Who has its file makes such records; who
# has not is shown them raw, and has them whole when the file comes; a file that the charter does not name is refused.
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
own=$top/tests/e2e/own-template.json
charter_options=(--template "$own" --open ferry=author)
forum
plenary
check_status 'the charter is shown' 0 "$detente" charter show charter
check_line 'with the template that it names' "template of the forum's own: ferry" out
check_status 'what the file asks' 0 "$detente" template show ferry --template "$own"
check_line 'in words' 'in the register at least 12 h before leaves_at' out
hash=$("$detente" template show ferry --template "$own" --json | sed -nE 's/.*"hash": "([0-9a-f]+)".*/\1/p')
grep -q "$hash" <("$detente" charter show charter) && pass 'the same hash' || fail "the charter does not name $hash"
check_status 'a kind that every agent knows is none of a forum'"'"'s own' 1 "$detente" charter draft --template \
    "$top/data/templates/contact.json" --grant grants/neutral.grant --title x --out y --party north=north.root.pub \
    --party south=south.root.pub --mediator neutral=neutral.root.pub
rm -f y

sed 's/"ferry"/"tram"/' "$own" >tram.json
sed 's/PT12H/PT13H/' "$own" >later.json
sed 's/"Name of the ship."/"What it is called."/' "$own" >words.json
check_status 'a template that the charter does not name' 4 "$detente" --home us template add tram.json
check_status 'one that was changed' 4 "$detente" --home us template add later.json
check_line 'is another one' 'not the template that the charter names' err
check_status 'no record of it yet' 1 "$detente" --home us record ferry plenary --yes --field ship=Marta
check_status 'the one that was agreed on, in other words' 0 "$detente" --home us template add words.json
check_status 'a second time' 1 "$detente" --home us template add "$own"
ferry=(--field ship=Marta --field leaves_at=2027-01-05T10:00:00Z --field 'route=52.08,4.31; 52.10,4.35')
check_status 'an error in it' 1 "$detente" --home us record ferry plenary --yes "${ferry[@]}" --field persons=many
check_line 'names field, unit and an example' 'persons: expected a whole number, in persons; for example 3 persons' err
for i in 1 2; do
    check_status "a record of it, $i" 0 "$detente" --home us record ferry plenary --yes "${ferry[@]}" --field persons=4$i
done
settle us ru med

# The others have no such file yet
for who in ru med; do
    check_status "$who: records" 0 "$detente" --home $who records plenary
    [ "$(grep -c '^raw .*ferry.*sent by Ana North.*nothing of it was checked' out)" = 2 ] && pass "$who: shown raw" || fail "$who: $(cat out)"
    check_status "$who: no alarm" 0 "$detente" --home $who alarms
    [ ! -s out ] && pass "$who: nothing wrong" || fail "$who: $(cat out)"
done
raw=$("$detente" --home ru records plenary --json | sed -nE 's/.*"id": "([0-9a-f]{64})".*/\1/p' | head -1)
check_status 'the record raw' 0 "$detente" --home ru show "${raw:0:12}"
check_line 'slot by slot' '^  slot 8 +Marta' out
check_status 'as JSON' 0 "$detente" --home ru show "$raw" --json
check_status 'the file comes' 0 "$detente" --home ru template add "$own"
check_line 'and what came before is taken in' '2 records that came before' err
check_status 'records' 0 "$detente" --home ru records plenary
check_no_line 'nothing is raw' '^raw' out
[ "$(grep -c 'ferry' out)" = 2 ] && pass 'two records' || fail "$(cat out)"
check_status 'whole' 0 "$detente" --home ru show 1
check_line 'with its fields' '^  leaves_at +2027-01-05T10:00:00Z' out
check_status 'and answered' 0 "$detente" --home ru receipt 1 --yes
settle us ru med
check_status 'register and records fit together' 0 "$detente" --home ru check

# A proof says that the parties agreed on the kind; its rule of opening is the charter's
check_status 'consent of the author' 0 "$detente" --home us consent 1 --all --yes
settle us ru med
check_status 'a proof' 0 "$detente" --home us open 1 --all --out ferry.proof
forum=$("$detente" charter show --id charter)
"$detente" verify ferry.proof --forum "$forum" >out 2>err
check_line 'its fields are there' 'ship.*Marta' out
check_no_line 'and its kind is known by the charter' 'not one that this program knows' out

# A home made with the file alongside the charter
check_status 'init with it' 0 "$detente" --home us2 init --charter charter --grant grants/north.grant --party north \
    --name 'Ana Second' --title 'Delegate (exercise)' --template "$own"
check_status 'knows it at once' 1 "$detente" --home us2 template add "$own"
check_line 'already' 'a template of this id is there' err
stores_whole us ru med
scenario_end
