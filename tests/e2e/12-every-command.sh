#!/usr/bin/env bash
# Goal: every command of detente is run on a real forum, as text and as JSON; none crashes, JSON parses and says
# its format, and no command of the table is left out.
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
charter_options=(--line-test 12h)
forum
plenary
: >ran

# yes WHAT...: the command succeeds, as text; its first two words are noted as run.
word() { printf '%s\n' "$1 $2" "$1" >>ran; }
ok() { # HOME COMMAND...
    local home=$1
    shift
    word "$1" "${2:-}"
    check_status "$*" 0 "$detente" --home "$home" "$@" || true
    cp "$DT_WORK/out" last
}
json() { # HOME COMMAND...: again with --json
    local home=$1
    shift
    word "$1" "${2:-}"
    check_status "$* --json" 0 "$detente" --home "$home" "$@" --json || return 0
    if command -v python3 >/dev/null; then
        python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); sys.exit(d["format"] != 1)' "$DT_WORK/out" ||
            fail "$*: no JSON of format 1"
    fi
    cp "$DT_WORK/out" last
}
both() {
    ok "$@"
    json "$@"
}
no() { # STATUS HOME COMMAND...: the answer is no, in an orderly way
    local want=$1 home=$2
    shift 2
    word "$1" "${2:-}"
    check_status "$* (no)" "$want" "$detente" --home "$home" "$@"
}

# Offline
ok x root new --out new.root
both x root words new.root new.root.pub
cp charter copy
"$detente" charter draft --grant grants/neutral.grant --title 'Another' --out draft --party north=north.root.pub \
    --party south=south.root.pub --mediator neutral=neutral.root.pub >/dev/null 2>&1
word charter draft
cp draft draft2
ok x charter sign --root north.root draft
ok x charter sign --root south.root draft2
ok x charter merge draft draft2
both x charter show charter
no 1 x charter show draft
both x letter show us.letter
both x template list
both x template show contact
both x template check "$top/tests/cli/records.json"
no 1 x template check charter --kind contact
ok x explain
both x explain "channel plenary: the relay says that there is more after position 17, and does not show it"
no 1 x explain nothing of the kind
no 1 x template show nothing
ok x letter revoke --root south.root --out ru.revocation ru.letter
json x witness keygen --name witness.example/x --out x.witness
json x witness vkey --key x.witness
no 1 x evidence verify charter
no 1 us evidence export --out evidence
word init ''
word letter issue
word letter request
word letter import

# In the forum
both us status
ok us shift hand-over --to 'Ana, first watch'
json us shift hand-over --to 'Ben, second watch'
both us shift list
ok us unlock --for 1m
ok us backup one.backup
json us backup two.backup
both x restore --check one.backup
ok y restore two.backup
ok y check
ok us archive export plenary one.archive
json us archive export plenary two.archive
both x archive verify one.archive
ok x archive extract one.archive unpacked
json x archive extract one.archive unpacked2
both us lock
no 4 us template add "$top/tests/e2e/own-template.json" # its charter names none
both us people
both us channels
both us roster plenary
both us invitations
both us alarms
both us register status
ok us register checkpoint --out us.checkpoint
both us register compare us.checkpoint
no 1 us register compare charter
no 1 us tally 0 0 # nothing there yet
no 2 us tally 0 yesterday
ok us check
both us sync
json us send plenary 'Good morning.'
no 2 us send plenary - # an empty message
json us read plenary
ok us read plenary --after 1
echo 'a file' >note.txt
ok us send plenary --file note.txt --type text/plain
id=$(cat last)
settle us ru med
ok ru save plenary "$id" --out saved.txt
check_same 'the file arrived' note.txt saved.txt
no 4 us understood plenary 1 'It is my own.'
json ru understood plenary 1 'You wish us a good morning.'
settle us ru med
ok us understood plenary 1 --right
ok us send plenary --destroy-after 12h 'until this evening'
both us keep
no 4 us keep destroy
json us keep destroy --yes
both us record destroyed
contact=(--set mode=call --set initiated_by=both --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z
    --set ended_at=2026-11-20T10:30:00Z --set time_precision=exact --set level=envoy --set 'participants=two envoys')
no 4 us record contact plenary "${contact[@]}"
no 1 us record contact plenary --yes --set mode=call
no 1 us record contact plenary --yes --set mode=pigeon
json us record contact plenary --yes "${contact[@]}"
ok us record contact plenary --yes "${contact[@]}"
ok med record heartbeat plenary --yes --set station=mediation --set number=1 --set status=normal
settle us ru med
both us records
both us records plenary
both us show 1
both ru show 2
json ru receipt 1 --yes
ok ru countersign 1 --yes
ok ru dispute 2 --yes --should-be level=minister
no 2 ru dispute 2 --yes
ok ru answer 2 --yes --set text='We will come back to it.'
ok us withdraw 2 --yes
no 4 ru withdraw 1 --yes
ok us consent 1 --yes --fields mode,parties,started_at,time_precision
ok ru consent 1 --yes --fields mode,parties,started_at,time_precision --expires +10d --audience public
settle us ru med
register=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants/neutral.grant)
vkey=$("$detente" charter show --json charter | sed -nE 's|.*"register_vkey": "(.*)".*|\1|p' | sed 's|\\/|/|g')
for p in north neutral; do
    ok x witness run --once --key $p.witness --state $p.state --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
done
settle us ru med
both us show 5
both us records
both us records --cover
no 2 us records plenary --cover
no 1 us register cadence # there is none
no 2 us register cadence --share half
no 2 us record contact plenary --yes --urgent --wait "${contact[@]}"
both us tally 0 3
both us due --all
both us read plenary --last 2
no 2 us read plenary --last 2 --after 1
# A part of a list: the same numbers in the same order as in the whole of it.
numbers() { "$detente" --home us "$@" --json | sed -nE 's/^ *"number": ([0-9]+),?$/\1/p' | tr '\n' ' '; }
part() { # WHAT WANTED COMMAND...
    local what=$1 want=$2 got
    shift 2
    got=$(numbers "$@")
    [ -n "$want" ] && [ "$got" = "$want" ] && pass "$what" || fail "$what: '$got', not '$want'"
}
for list in read records; do
    read -ra whole <<<"$(numbers $list plenary)"
    part "$list: the last one" "${whole[-1]} " $list plenary --last 1
    part "$list: two before the last" "${whole[-3]} ${whole[-2]} " $list plenary --last 2 --before "${whole[-1]}"
    part "$list: all before the third" "${whole[0]} ${whole[1]} " $list plenary --before "${whole[2]}"
    part "$list: more than there are" "${whole[*]} " $list plenary --last 9999
    no 2 us $list plenary --find ''
    no 2 us $list plenary --before x
done
as us records plenary --json >whole.json
as us records plenary --json --last 5 >end.json
check 'a part of the records says of each what the whole says, standing too' python3 -c 'import json
whole, end = [json.load(open(f))["records"] for f in ("whole.json", "end.json")]
assert len(end) == 5 and end == whole[-5:]'
part 'what was said, whatever its case' "$(numbers read plenary --last 9999 | cut -d' ' -f1) " read plenary --find 'GOOD m'
[ -z "$(numbers read plenary --find 'nobody said this')" ] && pass 'what nobody said' || fail 'found what nobody said'
part 'a file by its name' "$(numbers read plenary --find NOTE.txt)" read plenary --find note.TXT
json us records plenary --fields --last 9999
check_line 'what a record says stands in the list' '"participants": "two envoys"' last
no 2 us records --fields # as text there is show
part 'a record by what it says' '1 ' records plenary --find 'two ENVOYS' --before 2
both us charter show
no 1 us console --url # none runs; 95-console.sh runs one
no 2 us charter show --amendment charter
both us due --party north --channel plenary --until +30d --ics due.ics
no 1 us due --party nobody
no 2 us due --until soon
both us tally 2020-01-01 +1d --list
no 1 us tally 2020-01-01 2020-01-02
no 1 us tally 0 9999
no 1 us tally 0 3 --record plenary --yes --counted nothing
no 2 us tally 0 3 --counted contact
no 4 us tally 0 3 --record plenary
json us tally 0 3 --record plenary --yes
tally=$(sed -nE 's/.*"commitment": "([0-9a-f]+)".*/\1/p' last)
settle us ru
ok ru countersign "$tally" --yes
ok us open 1 --fields mode,parties,started_at,time_precision --names --out one.proof
forum=$("$detente" charter show --id charter)
both x verify one.proof --forum "$forum"
both x register check --charter charter --forum "$forum"
both x register check --proof one.proof --forum "$forum"
both us register check
no 2 us register check --charter charter --proof one.proof
no 2 x register check # no home there
"$detente" charter show --policy charter >policy
both x observe --charter charter --forum "$forum" --state seen.db "http://127.0.0.1:$PORT$register"
both x observe --policy policy --state seen.db --cadence 1/1d --svg seen.svg "http://127.0.0.1:$PORT$register"
no 2 x observe "http://127.0.0.1:$PORT$register"
both x claims check "$top/examples/contacts/claims.csv" --observed seen.db
both us claims check "$top/examples/contacts/claims.csv" --as-member
both x claims check "$top/examples/contacts/claims.csv" --proof one.proof --forum "$forum"
ok x claims check "$top/examples/contacts/claims.csv" --proof one.proof --forum "$forum" --csv

both us claims import "$top/examples/contacts/claims.csv"
both us claims check --as-member
both us claims show c05
json us claims show c01
check_line 'a claim tells its dates' '"from": "2017-01-01"' last
no 1 us claims show c99
printf 'begins,land\n1951-05-03,France\n' >elsewhere.csv
note=(--column from=begins --column party=land --set party=north --set mode=meeting --source notes)
both us contacts import elsewhere.csv "${note[@]}"
no 1 us contacts import elsewhere.csv --set mode=pigeon "${note[@]:0:6}"
both us contacts
both us contacts plenary --since 2026 --between north --svg contacts.svg
both us contacts --count --look
both us contacts --sources
ok us contacts forget notes
no 1 us contacts forget notes

# Line tests
both us line
both us line plenary
ok us line confirm plenary
ok us line outage plenary --until +1h --text 'a power cut'
no 2 us line outage plenary
ok us line outage plenary --over

# A courier key
both us psk new plenary
echo 'told by voice' >voice
ok us psk carry plenary --to key.sealed --file-passphrase-file voice --key "$("$detente" --home us psk list plenary | sed -n 's/^courier key  //p' | head -1)"
both ru psk carry plenary --from key.sealed --file-passphrase-file voice
both ru psk list plenary
both ru psk confirm plenary --fingerprint "$("$detente" --home ru psk list plenary | sed -n 's/^fingerprint  //p')"
no 4 ru psk commit plenary
no 4 ru psk drop plenary
ok us psk drop plenary --key "$("$detente" --home us psk list plenary | sed -n 's/^courier key  //p' | tail -1)"
json us readout draft plenary --contact 1 --yes
readout=$(sed -nE 's/.*"commitment": "([0-9a-f]+)".*/\1/p' last)
ok us readout line "$readout" 1 --text 'en=They met.' --yes
settle us ru
both ru readout show "$readout"
ok ru readout object "$readout" 1 --text 'en=They spoke.' --yes
ok ru readout agree "$readout" --yes
no 4 us readout release "$readout" --yes # not here yet
no 1 x readout verify one.proof --forum "$forum"
both us carry id plenary
ok us carry leave 1 --to "$(printf '%064d' 7)" --fields mode --yes
no 4 us carry leave 1 --to "$(printf '%064d' 7)" --fields mode
no 2 us carry leave 1 --fields mode --yes
no 4 us carry send 1 plenary --yes # it is there

# Members come and go
home ru2 south 'Boris Second'
for p in us ru med; do ok $p letter import ru2.letter; ok ru2 letter import $p.letter; done
settle ru2
json ru admit ask plenary 'Boris Second'
request=$(sed -nE 's/.*"request_id": "([0-9a-f]+)".*/\1/p' last)
settle ru us med ru2
both us admit list
ok us admit approve "$request"
ok med admit approve "$request"
ok ru2 accept
settle us med ru2 ru
ok ru admit commit "$request"
settle ru us med ru2
ok ru2 leave plenary
settle ru2 us ru med
both us roster plenary
check_no_line 'who left is gone' 'Boris Second' last
ok us rotate plenary
settle us ru med
ok us rejoin plenary
settle us ru med us
ok med found side --kind caucus --with 'Ana North'
settle med us
ok us decline side
ok x letter revoke --root south.root --out ru2.revocation ru2.letter
for p in us med; do ok $p letter import --revocation ru2.revocation; done
home us2 north 'Ana Second'
ok us letter import us2.letter
ok us letter save 'Ana Second' --out saved.letter
check_same 'as it came' us2.letter saved.letter
no 1 us letter save Nobody --out no.letter
no 4 us remove plenary 'Boris South' # of another party, and not revoked
ok us bundle export plenary --since 0 --unpadded --out cells
json us bundle export plenary --ack --out read
both med bundle import cells
ok med bundle import read
no 2 us stick accept # its relay is no file
json us register export --out entries
ok us register export --out entries
witnesses=()
for p in north south neutral; do
    witnesses+=(--witness "$p=$("$detente" charter show charter | sed -nE "s/.*witness  of $p: (.*)/\1/p")")
done
check_status 'a register that continues it' 0 "$relay_program" grant --store relay.db --url "http://127.0.0.1:$PORT" --out grants2 \
    --party north --party south --party neutral "${witnesses[@]}" --continue entries
ok us charter amend --grant grants2/north.grant --out amendment
for p in north south neutral; do ok x charter sign --root $p.root --charter charter amendment; done
cp amendment amendment2
ok x charter merge --charter charter amendment amendment2
both x charter show --charter charter amendment
both x charter show --amendment amendment charter
both us charter adopt amendment --grant grants2/north.grant
both us sync
word agent ''
"$detente" --home us agent >agent.out 2>&1 </dev/null &
agent=$!
sleep 2
kill -TERM $agent
wait $agent && pass 'agent ends on SIGTERM' || { fail "agent: exit status $?"; cat agent.out; }

no 1 us console --url
word console ''
"$detente" --home us console >console.out 2>&1 </dev/null &
console=$!
for ((i = 0; i < 100; i++)); do [ ! -s console.out ] || break; sleep 0.1; done
both us console --url
kill -TERM $console
wait $console && pass 'console ends on SIGTERM' || { fail "console: exit status $?"; cat console.out; }

# The table against what was run
"$detente" --help | sed -nE '/^Commands:/,/^Options/s/^  ([a-z]+( [a-z-]+)?)  .*/\1/p' >table
sort -u ran | sed 's/ *$//' >names
missing=$(grep -vxFf names table)
[ -z "$missing" ] && pass "all $(wc -l <table) commands were run" || fail "not run here: $(tr '\n' ',' <<<"$missing")"
scenario_end
