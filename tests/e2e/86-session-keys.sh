#!/usr/bin/env bash
# Goal: session keys are replaced daily, closed by all, and released four days on; status says what is not released and for
# whom it waits; then talk made up with a released key is taken by a home of that day as the real talk is, and by no home
# of today.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/ahead.sh"
minute=60 hour=3600 day=86400

status_of() { # WHO EXPRESSION: of status --json; ch is the plenary's part
    at "$detente" --home "$1" status --json >status.json || return 1
    python3 -c 'import json, sys
ch = [c for c in json.load(open("status.json"))["channels"] if c["name"] == "plenary"][0]
print(eval(sys.argv[1]))' "$2"
}
is() { # WHAT VALUE EXPECTED
    [ "$2" = "$3" ] && pass "$1: $2" || fail "$1: $2, expected $3"
}

forum
plenary
need 'talk' as ru send plenary 'we shall open the road'
settle ru us med
cp -r us us-then
cp -r us us-other
need 'what a cheat keeps' forge keep med plenary kept
is 'nothing is replaced yet' "$(status_of us 'len(ch["not_released"])')" 0

# ---- replaced daily ----
now=$((day + minute))
meet us med ru
is 'after a day each key is replaced' "$(status_of us 'len(ch["not_released"])')" 3
is 'and nobody has closed what they signed' "$(status_of us '[k["waits"] for k in ch["not_released"]]')" '[3, 3, 3]'

# ---- closed, but by one who is away ----
now=$((now + hour + minute))
meet us med
is 'the others are awaited' \
    "$(status_of us 'sorted({w["who"]["name"] for k in ch["not_released"] for w in k["waits_for"]
        if k["who"]["name"] != "Boris South"})')" "['Boris South']"
now=$((now + day + minute))
meet us med
at "$detente" --home us status >out
check_line 'status says for whom it waits' 'not released: session key 0 of .*: waits for Boris South \(south\) to close epoch' out
check_line 'and what that means' 'talk under a released key proves nothing' out
meet us med ru
is 'who was away closes them, too' "$(status_of us '{k["waits"] for k in ch["not_released"] if k["serial"] == 0}')" '{0}'
is 'nothing is released while the vouchers hold' "$(status_of us 'ch["released"]')" 0

# ---- released ----
now=$((now + day))
meet us med ru
now=$((now + day))
meet us med ru
is 'one key each is released' "$(status_of us 'ch["released"]')" 3
is 'the other home says the same' "$(status_of ru 'ch["released"]')" 3
is 'of those none is left' "$(status_of us 'len([k for k in ch["not_released"] if k["serial"] == 0])')" 0
at "$detente" --home us status >out
check_line 'status says so' 'released: 3 session keys' out
at "$detente" --home us read plenary >out
check_line 'talk is read as before' 'we shall open the road' out
need 'talk' at "$detente" --home us send plenary 'and so shall we'
meet us ru med
at "$detente" --home ru read plenary >out
check_line 'and goes on' 'and so shall we' out
for who in us med ru; do
    at "$detente" --home $who alarms >out
    is "$who has no alarm" "$(wc -l <out)" 0
done

# ---- forged ----
check 'a member makes up what another said' forge forge med plenary kept 'Boris South' cell \
    'we shall close the road' 'on Monday'
check 'a home of that day takes it' forge show us-then plenary cell.1 cell.2
at "$detente" --home us-then read plenary --json >forged.json
python3 - <<'PY' >out
import json
for m in json.load(open('forged.json'))['talk']:
    print(m['from']['name'], '|', m['text'])
PY
check_line 'as talk of the one who never said it' '^Boris South \| we shall close the road$' out
check_line 'in its place in the transcript' '^Boris South \| on Monday$' out
at "$detente" --home us-then alarms >out
is 'and finds nothing wrong with it' "$(wc -l <out)" 0
check_status 'a home of today passes it over' 1 forge show us plenary cell.1
at "$detente" --home us read plenary >out
check_no_line 'and does not show it' 'close the road' out
check_status 'no key, no forgery' 3 forge forge med plenary kept 'Nobody' other 'nothing'
stores_whole us ru med
scenario_end
