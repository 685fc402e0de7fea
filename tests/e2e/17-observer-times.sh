#!/usr/bin/env bash
# Goal: an observer who begins late learns from the relay on which day each entry was attested; what was promised and cannot
# have been kept is told, and what nobody can know from looks so far apart is not called a gap; a witness that lags is told
# with since when.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }
forum
plenary
url="http://127.0.0.1:$PORT$register"
"$detente" charter show --policy charter >policy

at() { # DAYS COMMAND...: with a clock that many days on, or back
    local days=$1
    shift
    env DT_CLOCK_OFFSET=$((days * 86400)) LD_PRELOAD="$shim" "$@"
}
cosign() { # DAYS PARTY...
    local days=$1 p
    shift
    for p in "$@"; do
        need "a cosignature of $p" at "$days" "$detente" witness run --once --key "$p.witness" --state "$p.state" --register "$url" --vkey "$vkey"
    done
}
value() {
    python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$DT_WORK/out" "$1" 2>&1 | tail -n 1
}
check_value() { # WHAT WANT EXPRESSION
    local got
    got=$(value "$3")
    [ "$got" = "$2" ] && pass "$1" || fail "$1: $3 is $got, expected $2"
}
add() { # SUBJECT
    entry us "$1"
    need 'sync' as us sync
}
day() { # DAYS: the date so many days from now
    date -u -d "$1 days" +%F
}

# ---- from before there was an observer ----
add one
cosign -40 north south
add two
add three
cosign -20 north south
add four
cosign -19 north south
add five
cosign -3 north
add six
cosign 0 south
check_status 'an observer who begins late' 0 "$detente" observe --policy policy --state late.db "$url" --json --svg late.svg
check_value 'sees six entries' 6 'd["entries"]'
# North's and south's clocks agree on four; six has one cosignature alone.
check_value 'of which four are attested' 4 'd["attested"]'
check_value 'and on which days they were' "['$(day -40)', '$(day -20)', '$(day -19)', '$(day 0)']" '[p["start"][:10] for p in d["days"]]'
check_value 'as many each' '[1, 2, 1, 2]' '[p["entries"] for p in d["days"]]'
check_value 'and nothing is wrong with that' '[]' 'd["flags"]'
"$detente" observe --policy policy --state again.db "$url" >again.txt 2>/dev/null
check_line 'the table shows where there was nothing' "none from $(day -39) to $(day -21)" again.txt
check_status 'the next look keeps it' 0 "$detente" observe --policy policy --state late.db "$url" --json
check_value 'unchanged' '[1, 2, 1, 2]' '[p["entries"] for p in d["days"]]'

# ---- what was promised: an entry a day ----
promised() { # WHAT STATUS DAYS
    check_status "$1" "$2" at "$3" "$detente" observe --policy policy --state promise.db --cadence 1/1d --late-after 365d "$url" --json
}
promised 'the first look' 0 0
promised 'a day later no whole day was watched' 0 1
check_value 'so nothing is judged' 0 'd["cadence"]["periods"]'
promised 'two days later one was, and nothing came' 1 2
check_value 'which is a gap' "['gap']" '[f["flag"] for f in d["flags"]]'
check_value 'of that day' "$(day 1)T00:00:00Z" 'd["flags"][0]["from"]'
add seven
promised 'an entry comes' 1 3
check_value 'which may be that of the second day or of the third' 1 'd["cadence"]["missed"]'
check_value 'so neither is called kept' 0 'd["cadence"]["kept"]'
promised 'three more days with nothing' 1 6
check_value 'the third is no gap, the fourth and fifth are' 3 'd["cadence"]["missed"]'
check_value 'of five whole days' 5 'd["cadence"]["periods"]'
"$detente" observe --policy policy --state promise.db --cadence 1/1d "$url" >promise.txt 2>/dev/null
check_line 'in words' '^! promised entries are missing from .*: 2 periods in a row, with 0 entries at most' promise.txt

# ---- who lags ----
check_status 'a group that lags for days' 1 at 7 "$detente" observe --policy policy --state promise.db "$url"
check_line 'is told with since when' "^! .*north lags: 2 entries are not cosigned, since $(day 0)T" out
check_line 'another that did nothing at all, too' '^! .*neutral has cosigned nothing yet' out

# ---- line tests ----
lines() { # WHAT STATUS DAYS OPTION...
    local days=$3 what=$1 want=$2
    shift 3
    check_status "$what" "$want" at "$days" "$detente" observe --policy policy --forum "$forum_id" --state lines.db --late-after 365d "$url" "$@"
}
# tested NUMBER DAYS: a line test, answered and opened to everyone, that many days on
tested() {
    export DT_CLOCK_OFFSET=$(($2 * 86400)) LD_PRELOAD=$shim
    need 'line test' as us record heartbeat plenary --yes --quiet --set station=Quay --set number="$1" --set status=normal
    settle us ru med
    need 'records' as us records --json
    local id p
    id=$(python3 -c 'import json,sys; print([r["commitment"] for r in json.load(sys.stdin)["records"] if r["kind"] == "heartbeat"][-1])' <need.out)
    need 'countersign' as ru countersign "$id" --yes
    for p in us ru; do need 'consent' as $p consent "$id" --yes --fields station,number,status --audience public; done
    settle us ru med
    unset DT_CLOCK_OFFSET LD_PRELOAD
    cosign "$2" north south
    export DT_CLOCK_OFFSET=$(($2 * 86400)) LD_PRELOAD=$shim
    settle us ru med
    need 'open' as us open "$id" --fields station,number,status --out "test-$1.proof" --publish --yes
    unset DT_CLOCK_OFFSET LD_PRELOAD
}
tested 1 7
lines 'a line test' 0 7
check_line 'is told of' '^  line tests of Quay \(north\), one owed every 12 h: 1 opened, number 1 to 1; 0 missed' out
lines 'a day and a half later there is none' 0 9
tested 2 9
lines 'and then there is' 1 9 --json --svg lines.svg
check_value 'some in between were missed' "['missed line test']" '[f["flag"] for f in d["flags"]]'
check_value 'by whom' "Quay (north)" 'd["flags"][0]["station"]'
check_value 'as many as cannot have been made' 3 'd["line_tests"][0]["missed"]'
lines 'another interval may have been agreed on' 0 9 --line-tests 3d
lines 'in words' 1 9
check_line 'too' '^! 3 line tests missed by Quay \(north\): after its number 1 one was due by ' out
check 'the picture says it too' python3 - <<'PY'
import xml.etree.ElementTree as x
s = x.parse('lines.svg').getroot()
n = '{http://www.w3.org/2000/svg}'
desc = s.find(n + 'desc').text
assert '3 line tests missed by Quay (north)' in desc, desc
shown = ' '.join(t.text or '' for t in s.iter(n + 'text'))
assert 'Circle: a line test was opened. Cross: one was missed' in shown, shown
paths = [p.get('d') for p in s.iter(n + 'path')]
assert any('a6 6' in d for d in paths) and any('m0-12l-12 12' in d for d in paths), paths
PY

# ---- the observer page makes the same of it ----
# same_as_page WHAT MEMBER... [LOOKS]: of the document in out, and of what the page's modules say under node
page_says() { # [LOOKS]
    node --no-warnings "$top/web/test/observe.mjs" charter "$forum_id" "$url" "$@" >page.json 2>err
}
same_members() { # FILE MEMBER...
    python3 - "$@" <<'PY'
import json, sys
one, page = json.load(open(sys.argv[1])), json.load(open('page.json'))
one['flags'] = [f['says'] for f in one['flags']]
one['groups'] = [{k: g[k] for k in ('name', 'size', 'lags_by')} for g in one['groups']]
one['openings'] = [{k: o[k] for k in ('entry', 'verdict', 'standing', 'findings')} for o in sorted(one['openings'], key=lambda o: o['entry'])]
for key in sys.argv[2:]:
    if one[key] != page[key]:
        sys.exit('%s: %r and %r' % (key, one[key], page[key]))
PY
}
if node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' 2>/dev/null; then
    "$detente" observe --charter charter --forum "$forum_id" --json "$url" >fresh.json 2>err
    check 'the observer page looks at it for the first time' page_says
    check 'and counts, dates and judges as detente observe does' same_members fresh.json entries attested cosigned_by_all root days weeks months groups \
        line_tests openings n_refused
    python3 - <<'PY' >looks.json
import json, sqlite3
db = sqlite3.connect('file:lines.db?mode=ro', uri=True)
print(json.dumps({'shown': db.execute('SELECT size, first_ms, last_ms FROM shown ORDER BY size').fetchall(),
                  'attested': db.execute('SELECT size, time_ms, seen_ms FROM attested ORDER BY size').fetchall()}))
PY
    at 9 "$detente" observe --policy policy --forum "$forum_id" --state lines.db --late-after 365d --json "$url" >lines.json 2>err
    check 'with the looks of this observer' page_says looks.json
    check 'it finds the same line tests missed' same_members lines.json days line_tests
    check_line 'and says so' '3 line tests missed by Quay \(north\): after its number 1 one was due by ' page.json
else
    skip 'node (18 or newer) is not here: the observer page was not asked'
fi
scenario_end
