#!/usr/bin/env bash
# Goal: someone with no key and no home follows a register, by URL and from a folder with its files: counts what is there,
# sees who cosigned, what was opened and what is missing; and is not deceived, nor loses what was seen, when the register is
# away, shrinks, is rubbish, or has two faces.
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
url="http://127.0.0.1:$PORT$register"
witnesses=()
for p in north south; do
    need 'a witness key' "$detente" witness keygen --name "other.example/$p" --out "other-$p.key"
    witnesses+=(--witness "$p=$(cat need.out)")
done
need 'another register' "$relay_program" grant --store other.relay --url http://127.0.0.1:1 --out others --party north --party south "${witnesses[@]}"
other_log=$(sed -nE 's/.*"vkey": *"(register[^"]*)".*/\1/p' others/north.grant | head -n 1)
"$detente" charter show --policy charter >policy

cosign() { # PARTY
    need "a cosignature of $1" "$detente" witness run --once --key "$1.witness" --state "$1.state" --register "$url" --vkey "$vkey"
}
# observe WHAT STATUS [OPTION...]: with the state s.db; what it prints in $DT_WORK/out and err
observe() {
    local what=$1 want=$2
    shift 2
    check_status "$what" "$want" "$detente" observe --policy policy --state s.db "$@"
}
# value EXPRESSION: of the JSON document d in $DT_WORK/out
value() {
    python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$DT_WORK/out" "$1" 2>&1 | tail -n 1
}
# check_value WHAT WANT EXPRESSION
check_value() {
    local got
    got=$(value "$3")
    [ "$got" = "$2" ] && pass "$1" || fail "$1: $3 is $got, expected $2"
}
# mirror DIR SIZE: the register's files of that size, as any web server would serve them
mirror() {
    local f
    mkdir -p "$1/tile/0" "$1/tile/entries"
    for f in checkpoint checkpoint.held; do curl -sf "$url/$f" -o "$1/$f" || rm -f "$1/$f"; done
    for f in "tile/0/000.p/$2" "tile/entries/000.p/$2"; do
        mkdir -p "$1/$(dirname "$f")"
        curl -sf "$url/$f" -o "$1/$f" || fail "set-up: no $f"
    done
}

# ---- by URL ----
observe 'an empty register' 0 "$url" --json
check_value 'has no entries' 0 'd["entries"]'
entry us one
settle us ru med
entry ru two
settle us ru med
observe 'two entries, which no one cosigned' 0 "$url"
check_line 'are counted as what they are' '2 entries, not contacts; 0 attested' out
cosign north
cosign south
observe 'two groups have cosigned' 0 "$url" --json --svg timeline.svg
check_value 'both entries are attested' 2 'd["attested"]'
check_value 'not by every group' 0 'd["cosigned_by_all"]'
check_value 'the day has them' '[2]' '[p["entries"] for p in d["days"]]'
check_value 'counts say what they count' 'entries, not contacts' 'd["counts_are"]'
check_value 'neutral is behind, since they were there' 2 '[g["lags_by"] for g in d["groups"] if g["name"].endswith("neutral")][0]'
check 'the picture is XML, of one title, with a description' python3 - <<'PY'
import xml.etree.ElementTree as x
s = x.parse('timeline.svg').getroot()
n = '{http://www.w3.org/2000/svg}'
assert s.tag == n + 'svg' and s.get('role') == 'img' and s.get('viewBox').startswith('0 0 400 ')
ids = [e.get('id') for e in s if e.tag in (n + 'title', n + 'desc')]
assert s.get('aria-labelledby').split() == ids, ids
assert '2 entries, not contacts; 2 of them attested' in s.find(n + 'desc').text
assert all(e.tag in [n + t for t in ('svg', 'title', 'desc', 'rect', 'path', 'text')] for e in s.iter())
PY
sleep 1.1
observe 'a witness that is late is a flag' 1 "$url" --late-after 1s
check_line 'that names it' '^! .*neutral has cosigned nothing yet' out
cosign neutral
observe 'not any more' 0 "$url" --late-after 1s --json
check_value 'every group has cosigned' 2 'd["cosigned_by_all"]'
check_status 'by the charter' 0 "$detente" observe --charter charter --forum "$forum_id" --state c.db "$url"
check_line 'groups are called as the parties are' '^  neutral +cosigned 2' out
check_status 'another forum than expected' 1 "$detente" observe --charter charter --forum "${forum_id//[0-9]/1}" "$url"
check_status 'by the key alone' 0 "$detente" observe --vkey "$vkey" "$url"
check_line 'no witness is known' 'no witness is known here' out
check_line 'and nothing is kept' 'no --state given' err
check_status "a witness's key is no register's" 1 "$detente" observe --vkey "${witnesses[1]#*=}" "$url"
check_status 'no key at all' 2 "$detente" observe "$url"

# ---- what was opened ----
need 'countersign' as ru countersign 1 --yes
for p in us ru; do need 'consent' as $p consent 1 --yes --fields mode,parties,started_at,time_precision --audience public; done
settle us ru med
cosign north
cosign south
settle us ru med
need 'open' as us open 1 --fields mode,parties,started_at,time_precision --out one.proof
observe 'five entries' 0 "$url" --json
check_value 'are there' 5 'd["entries"]'
mirror files 5
mkdir files/openings
cp one.proof files/openings/
sed '3s/^..../AAAA/' one.proof >files/openings/altered.proof
check_status 'from a folder' 0 "$detente" observe --policy policy --forum "$forum_id" --state f.db files
check_line 'the same count' '^  5 entries, not contacts; 5 attested' out
check_line 'and what was opened, with its verdict' 'entry 0, contact: verified \(seen since' out
check_line 'its findings' 'countersigned' out
check_line 'an altered file is none' 'altered\.proof: refused: ' out
check_status 'without anything to check it against' 0 "$detente" observe --policy policy --state f.db files --json
check_value 'whose it is, it does not say' 'consistent, but whose?' 'd["openings"][0]["verdict"]'
check_value 'but what it says' 'call' 'd["openings"][0]["fields"]["mode"]'
name=$(sha256sum one.proof | cut -d' ' -f1)
mv files/openings/one.proof "files/openings/$name.proof"
rm files/openings/altered.proof
printf '%s\n' "$name" >files/openings/index
WEB=$(free_port)
start_daemon web python3 -m http.server --bind 127.0.0.1 --directory files "$WEB"
wait_port "$WEB" || fail 'set-up: no web server'
check_status 'the same files from any web server' 0 "$detente" observe --policy policy --forum "$forum_id" --state w.db "http://127.0.0.1:$WEB" --json
check_value 'show the same' "5 verified" 'str(d["entries"]) + " " + d["openings"][0]["verdict"]'
check_value 'under the name of its hash' "$name" 'd["openings"][0]["file"]'
: >files/openings/index
check_status 'an opening that is taken away' 0 "$detente" observe --policy policy --forum "$forum_id" --state w.db "http://127.0.0.1:$WEB"
check_line 'is shown all the same' 'entry 0, contact: verified' out
check_line 'and that it is gone' 'no longer published since' out
printf '../../x\n' >files/openings/index
check_status 'an index that is none' 0 "$detente" observe --policy policy --state w.db "http://127.0.0.1:$WEB"
check_line 'is told' 'openings/index: .*no hash' out
rm -r files/openings
stop_daemon web

# ---- from an export of the relay's registers ----
need 'publish' as us open 1 --fields mode,parties,started_at,time_precision --out pub.proof --publish --yes
need 'export' "$relay_program" export-register web --store relay.db
check_status 'an exported register' 0 "$detente" observe --policy policy --forum "$forum_id" --state e.db web --json
check_value 'shows the same, openings too' "5 5 verified" 'str(d["entries"]) + " " + str(d["attested"]) + " " + d["openings"][0]["verdict"]'
check_value 'a folder has no relay to say anything' None 'd["relay_says"]'
check_line 'and it is said which' "looking at web$register" err
check_status 'named itself' 0 "$detente" observe --policy policy --forum "$forum_id" --state e.db "web$register"
check_no_line 'nothing is to be said' 'looking at' err
other_id=$(sed -nE 's|.*"prefix": *"/r/([0-9a-f]+)/?".*|\1|p' others/north.grant | head -n 1)
need 'export' "$relay_program" export-register web --store other.relay
check_status 'of two registers in a folder the one of the key' 0 "$detente" observe --policy policy --state e.db web
check_line 'is looked at' "looking at web$register" err
check_status 'the other by its own key' 0 "$detente" observe --vkey "$other_log" web
check_line 'is the other' "looking at web/r/$other_id" err
mv "web$register" web/r/00000000000000000000000000000001
check_status 'of several none is taken by guess' 2 "$detente" observe --policy policy --state e.db web
check_line 'and it is said what to name' 'web holds 2 registers, and none of the key given: name one of the folders in web/r' err
rm -r "web/r/$other_id"
check_status 'the only one is taken, whatever it is called' 0 "$detente" observe --policy policy --state e.db web
rm -r web

# ---- what a press office says ----
cat >claims.csv <<CSV
claim_id,contact_key,kind,date_from,date_to,date_precision,duration_min,party_a,party_b,count,asserted_by,stance,source_document,note
c1,a,call,2026-01-01,2026-12-31,year,,north,south,7,press office,announced,x,
c2,b,call,2026-01-01,2026-12-31,year,,north,south,3,press office,announced,x,
CSV
check_status 'claims are held against what was seen' 0 "$detente" claims check claims.csv --observed s.db
check_line 'seven contacts cannot be in five entries' '^c1: claims 7; since 2026-01-01 the register shows 5 \(entries, not contacts\): not each can' out
check_line 'three can, which supports nothing' '^c2: claims 3; .*supports nothing' out
check_status 'as JSON' 0 "$detente" claims check claims.csv --observed s.db --json
check_value 'too' 'False' 'd["claims"][0]["register"]["enough"]'
check_status 'not from what is no such state' 1 "$detente" claims check claims.csv --observed us/store.db

# ---- away, rubbish, another register ----
stop_daemon relay
observe 'a relay that is away' 3 "$url"
[ "$(wc -l <err)" = 1 ] && pass 'is told in one line' || fail "told in $(wc -l <err) lines"
mkdir rubbish
head -c 500 /dev/urandom >rubbish/checkpoint.held
observe 'a checkpoint of random bytes' 1 rubbish
[ "$(wc -l <err)" = 1 ] && pass 'is told in one line' || fail "told in $(wc -l <err) lines"
mkfifo rubbish/pipe && mv rubbish/pipe rubbish/checkpoint.held
observe 'a pipe in place of a file' 1 rubbish
observe 'a folder that is none' 1 nowhere
check_line 'is told' 'there is no checkpoint: is it a register' err
cp -r files bent
printf x | dd of=bent/tile/entries/000.p/5 bs=1 seek=40 conv=notrunc status=none
check_status 'an entry that was altered' 1 "$detente" observe --policy policy --state new.db bent
check_line 'is told' 'do not lead to its signed checkpoint' err
sed -E 's/^[0-9]+$/9/' files/checkpoint.held >bent/checkpoint.held
observe 'a checkpoint that was altered' 1 bent
check_status 'what was seen, of another register' 1 "$detente" observe --vkey "$other_log" --state s.db files
check_line 'is told' 'what was seen of another register' err
start_relay
observe 'after all that' 0 "$url" --json
check_value 'nothing that was seen is lost' 5 'd["entries"]'
printf 'not SQLite' >damaged.db
check_status 'a damaged state' 1 "$detente" observe --policy policy --state damaged.db "$url"
[ "$(cat damaged.db)" = 'not SQLite' ] && pass 'is left as it is' || fail 'a damaged state was overwritten'

# ---- going on ----
"$detente" observe --policy policy --state s.db "$url" --follow --json >followed.json 2>followed.err </dev/null &
follower=$!
for _ in $(seq 100); do grep -q '5 entries' followed.err && break; sleep 0.1; done
check_line 'it follows' '5 entries, not contacts' followed.err
cp -r files old
entry us six
need 'sync' as us sync
for _ in $(seq 100); do grep -q '6 entries' followed.err && break; sleep 0.1; done
check_line 'and sees the sixth entry come' '6 entries, not contacts' followed.err
stop_daemon relay
for _ in $(seq 400); do grep -q '^127' followed.err && break; sleep 0.1; done
[ "$(grep -c '^127' followed.err)" = 1 ] && pass 'when the relay goes away, that is told once' || fail "it said: $(cat followed.err)"
start_relay
for _ in $(seq 200); do [ "$(grep -c '6 entries' followed.err)" = 2 ] && break; sleep 0.1; done
[ "$(grep -c '6 entries' followed.err)" = 2 ] && pass 'and that it is back' || fail "it said: $(cat followed.err)"
kill -INT $follower
wait $follower && pass 'Ctrl-C ends it with a report' || fail "it ended with $?: $(cat followed.err)"
cp followed.json out
check_value 'in which nothing is missing' 6 'd["entries"]'

# ---- fewer entries than before ----
observe 'a register that shows fewer entries' 1 old
check_line 'is told, with since when' '^! since .* the register shows 5 of the 6 entries' out
observe 'shown all of it again' 0 "$url" --json
check_value 'that is over' '[]' 'd["flags"]'

# ---- two faces ----
stop_daemon relay
for f in relay.db*; do cp "$f" "fork${f#relay}"; done
start_relay
entry us seven
need 'sync' as us sync
observe 'seven entries' 0 "$url" --json
check_value 'are seen' 7 'd["entries"]'
stop_daemon relay
rm -f relay.db*
for f in fork.db*; do mv "$f" "relay${f#fork}"; done
start_relay
entry ru another
"$detente" --home ru sync >/dev/null 2>&1
mkdir evidence
observe 'a register of two faces has an exit status of its own' 5 "$url" --evidence evidence
check_line 'and a line' '^detente: split view' err
check_line 'and a flag' '^! split view, known since' out
file=$(find evidence -name 'evidence-*' | head -n 1)
check 'the evidence verifies offline, by the register key alone' "$detente" evidence verify --vkey "$vkey" "$file"
stop_daemon relay
observe 'from now on that is what is said, of a register that is away too' 5 "$url" --json --evidence evidence
check_value 'to programs as well' True 'd["split_view"]'
scenario_end
