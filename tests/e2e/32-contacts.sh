#!/usr/bin/env bash
# Goal: all contacts in one table, with what each side says of them: asserted by one, countersigned, disputed side by side,
# opened. Contacts made elsewhere are kept as private notes, 2,493 of them in under 2 s, and counted as plain SQL counts
# them. For each of the 21 claims its standing and the reasons, numbers too.
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

# json EXPRESSION: of out, as d
json() {
    python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$DT_WORK/out" "$1" 2>&1 | tail -n 1
}
same() { # WHAT GOT WANTED
    [ "$2" = "$3" ] && pass "$1" || fail "$1: $2, expected $3"
}
# one WHO MODE INITIATOR FROM TO PRECISION LEVEL
one() {
    need 'record' as "$1" record contact plenary --yes --quiet --set "mode=$2" --set "initiated_by=$3" \
        --set 'parties=north;south' --set "started_at=$4" --set "ended_at=$5" --set "time_precision=$6" --set "level=$7" \
        --set 'participants=two envoys'
}

# ---- records: every standing, made elsewhere and in the channel ----
one us call north 2025-02-12T15:00:00Z 2025-02-12T16:30:00Z exact head
one us meeting south 2025-03-18T00:00:00Z 2025-03-20T00:00:00Z day minister
settle us ru # so that both number them alike
one ru letter south 2025-03-01T00:00:00Z 2025-03-31T00:00:00Z month minister
one ru message both 2025-04-02T10:00:00Z 2025-04-02T10:05:00Z exact envoy
settle ru us
one us through_third_party mediator 2026-01-01T00:00:00Z 2026-12-31T00:00:00Z year official
round
need 'countersign' as ru countersign 1 --yes
need 'dispute' as ru dispute 2 --yes --should-be started_at=2025-03-17T00:00:00Z --should-be level=envoy
need 'dispute' as us dispute 4 --yes --should-be level=official
round
need 'countersign' as us countersign 4 --yes
for p in us ru; do need 'consent' as $p consent 1 --yes --fields mode,parties,started_at,time_precision; done
round
check_status 'the table' 0 as us contacts
check_line 'a call: when, how long, whom, level, who asked, countersigned' \
    '^entry [0-9]+ +2025-02-12T15:00:00Z  call +1 h 30 min  north - south, head, asked for by north: countersigned$' out
check_line 'a meeting of three days, disputed' '^entry [0-9]+ +2025-03-18 +meeting +3 days  north - south, minister, asked for by south: disputed$' out
check_line 'with both accounts side by side' '^ +started_at differs: 2025-03-18T00:00:00Z \(north\), 2025-03-17T00:00:00Z \(south\)$' out
check_line 'of each field' '^ +level differs: minister \(north\), envoy \(south\)$' out
check_line 'a letter, of a month, by one side' '^entry [0-9]+ +2025-03  +letter +-  .*: asserted by one$' out
check_line 'a message in the channel; a dispute that was given up is shown no more' \
    '^entry [0-9]+ +2025-04-02T10:00:00Z  message +5 min  north - south, envoy, asked for by both, in the channel: countersigned$' out
check_line 'through a third party, of a year' '^entry [0-9]+ +2026  +through_third_party .*asked for by mediator: asserted by one$' out
same 'two differences, and no more' "$(grep -c differs out)" 2
same 'in the order of time' "$(awk '/^entry [0-9]+  /{print $3 $4}' out | cut -c 1-7 | tr '\n' ' ')" '2025-02 2025-03 2025-03 2025-04 2026thr '
check_status 'the other side sees the same' 0 as ru contacts --json
same 'standing by standing' "$(json '",".join(c["standing"] for c in d["contacts"])')" \
    'countersigned,asserted by one,disputed,countersigned,asserted by one'
same 'and what differs' "$(json 'd["contacts"][2]["differs"][0]["field"] + d["contacts"][2]["differs"][0]["should_be"]')" 'levelenvoy'

# ---- opened ----
need 'open' as us open 1 --fields mode,parties,started_at,time_precision --out one.proof --publish --yes
check_status 'who published it knows it' 0 as us contacts
check_line 'as opened' '^entry [0-9]+ .*: countersigned, opened$' out
check_status 'the other side does not know without looking' 0 as ru contacts
check_no_line 'as it says' 'opened' out
check_status 'and does when it looks' 0 as ru contacts --look
check_line 'as opened' '^entry [0-9]+ .*: countersigned, opened$' out
check_status 'and from then on' 0 as ru contacts
check_status 'of all records, too' 0 as ru records --json
same 'one is, that one' "$(json '[(r["kind"], r["entry"]) for r in d["records"] if r["opened"]]')" "[('contact', 0)]"
check_status 'and contacts' 0 as ru contacts
check_line 'without the network' '^entry [0-9]+ .*north - south, head, .*, opened$' out

# ---- filters, counts, picture ----
check_status 'since' 0 as us contacts --since 2025-03-10 --json
same 'three' "$(json 'len(d["contacts"])')" 3
check_status 'since a year' 0 as us contacts --since 2026 --json
same 'one' "$(json 'len(d["contacts"])')" 1
check_status 'between' 0 as us contacts --between NORTH --between south --json
same 'all' "$(json 'len(d["contacts"])')" 5
check_status 'with somebody else' 0 as us contacts --between north --between neutral --json
same 'none' "$(json 'len(d["contacts"])')" 0
check_status 'a time that is none' 2 as us contacts --since yesterday
check_status 'counts' 0 as us contacts --count
check_line 'by year and pair' '^2025 +4  north - south: countersigned 2, asserted by one 1, disputed 1, opened 1$' out
check_line 'each year' '^2026 +1  north - south: ' out
check_status 'a picture' 0 as us contacts --svg seen.svg
check 'which is XML with its words as text, and without colour' python3 - <<'PY'
import re, xml.etree.ElementTree as E
t = open('seen.svg', encoding='utf-8').read()
r = E.fromstring(t.encode())
words = ' '.join(e.text or '' for e in r.iter('{http://www.w3.org/2000/svg}text'))
assert r.get('role') == 'img' and r.find('{http://www.w3.org/2000/svg}desc').text
for w in ('2025', '2026', 'countersigned: 2', 'asserted by one: 2', 'disputed: 1', 'opened to everyone: 1', 'accounts differ'):
    assert w in words, w
colours = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]+)"', t))
assert colours == {'#111', '#fff'}, colours
PY

# ---- contacts made elsewhere, as private notes ----
cat >small.csv <<'CSV'
nr,who,begins,ends,land,what
7,president,1951-05-03,1951-05-06,"Korea, South",a visit
8,secretary,1998-07,,North,"two
lines"
CSV
map=(--column id=nr --column from=begins --column to=ends --column party=land --set 'party=United States'
    --set mode=meeting --column level=who --value level:president=head --value level:secretary=minister --column remark=what)
before=$(size_at us)
check_status 'a table of its own columns' 0 as us contacts import small.csv "${map[@]}" --source visits
check_line 'is taken' '^visits: 2 notes of contacts, in place of 0$' out
check_line 'as what it is' 'A note is no record and proves nothing' err
check_status 'again' 0 as us contacts import small.csv "${map[@]}" --source visits
check_line 'in place of the first' 'in place of 2$' out
check_status 'shown' 0 as us contacts
check_line 'before 1970 too' '^- +1951-05-03 +meeting +4 days  Korea, South - United States, head: private note$' out
check_line 'and by the month' '^- +1998-07 +meeting +-  North - United States, minister: private note$' out
check_status 'left out' 0 as us contacts --no-notes
check_no_line 'when that is asked' 'private note' out
check_status 'what was imported' 0 as us contacts --sources
check_line 'is listed' ' 2  visits$' out
settle us ru med
same 'nothing of it went to the register' "$(size_at us)" "$before"
check_status 'nor to the other side' 0 as ru contacts
check_no_line 'as it shows' 'Korea' out
# Rows that are refused: none is kept.
sed 's/1998-07/1998-13/' small.csv >bad.csv
check_status 'a month that is none' 1 as us contacts import bad.csv "${map[@]}" --source bad
check_line 'names the row' 'row 2, from' err
sed 's/secretary/clerk/' small.csv >bad.csv
check_status 'a level that is none' 1 as us contacts import bad.csv "${map[@]}" --source bad
check_line 'names it' "row 2: 'clerk' is no level of a contact" err
check_status 'a column that is not there' 2 as us contacts import small.csv --column from=start --source bad
check_line 'names it' "no column 'start'" err
check_status 'one party' 1 as us contacts import small.csv --column from=begins --column party=land --set mode=meeting --source bad
check_status 'of these' 0 as us contacts --sources
check_no_line 'none was kept' 'bad' out
check_status 'forgotten' 0 as us contacts forget visits
check_status 'is gone' 0 as us contacts
check_no_line 'from the table' 'private note' out
check_status 'and not there a second time' 1 as us contacts forget visits

visits=${DETENTE_SHARED:-$top/../shared}/data/hsg-visits/visits_1870_2009.csv
if [ -f "$visits" ]; then
    begin=$(date +%s%N)
    check_status '2,493 visits' 0 as us contacts import "$visits" --column id=id --column from=start_date \
        --column to=end_date --column party=country --set 'party=United States' --set mode=meeting --set level=head \
        --column participants=visitor --column remark=description --source visits
    took=$((($(date +%s%N) - begin) / 1000000))
    check_line 'all of them' '^visits: 2493 notes' out
    [ "$took" -lt 2000 ] && pass "in $took ms" || fail "took $took ms, at most 2000"
    check_status 'counts' 0 as us contacts --count --json
    python3 -c '
import json, collections
n = collections.Counter()
for c in json.load(open("out"))["counts"]:
    if c["private_notes"]:
        n[[p for p in c["parties"] if p != "United States"][0]] += c["private_notes"]
print("\n".join("%s|%d" % x for x in sorted(n.items())))' >ours
    sqlite3 :memory: '.mode csv' ".import '$visits' visits" '.mode list' \
        'select country, count(*) from visits group by country' | LC_ALL=C sort >theirs
    LC_ALL=C sort -o ours ours
    check_same "by country as SQL counts them ($(wc -l <theirs) countries)" ours theirs
    check_status 'by year' 0 as us contacts --count --json
    python3 -c '
import json, collections
n = collections.Counter()
for c in json.load(open("out"))["counts"]:
    n[c["year"]] += c["private_notes"]
print("\n".join("%04d|%d" % x for x in sorted(n.items()) if x[1]))' >ours
    sqlite3 :memory: '.mode csv' ".import '$visits' visits" '.mode list' \
        'select substr(start_date, 1, 4), count(*) from visits group by 1 order by 1' >theirs
    check_same 'and by year' ours theirs
    check_status '3,113 travels, of another table' 0 as us contacts import "${visits%/*}/travels_to_2009.csv" --column id=id \
        --column from=start_date --column to=end_date --column party=country --set 'party=United States' --set mode=meeting \
        --column level=role --value level:president=head --value level:secretary=minister --column participants=name \
        --column place=locale --column remark=remarks --source travels
    check_line 'all of them' '^travels: 3113 notes' out
    check_status 'of both tables' 0 as us contacts --json
    same 'by level' "$(json '[sum(c["private_note"] and c["level"] == l for c in d["contacts"]) for l in ("head", "minister")]')" '[3159, 2447]'
    check_status 'in a picture' 0 as us contacts --svg many.svg
    check 'that is XML' python3 -c 'import xml.etree.ElementTree as E; E.parse("many.svg")'
else
    skip 'the visits are not here; the small table above stands for them'
fi

# ---- the claims ----
claims=$top/examples/contacts/claims.csv
check_status 'nothing imported yet' 1 as us claims show
check_status 'a program is told the same by an empty list' 1 as us claims show --json
same 'which it is' "$(json 'd["claims"]')" '[]'
check_status 'of another source it is told what lacks' 1 as us claims show --json --source elsewhere
check_line 'in words' 'elsewhere' err
check_status 'the 21 claims' 0 as us claims import "$claims"
check_line 'are kept' '^claims.csv: 21 claims$' out
check_status 'against the register' 0 as us claims check --as-member
same 'each' "$(wc -l <out)" 21
check_line 'numbers too' '^c05: no entry; contradicted by claims c07, c08; says 7, the register proves 0, countersigned 0: the two accounts conflict$' out
check_line 'of a denial' '^c07: no entry; .*; says 0, the register proves 0, countersigned 0: the two accounts conflict$' out
# Contacts between the two of whom the claims speak, with which a member then holds them.
for year in 2022 2024; do
    need 'record' as us record contact plenary --yes --quiet --set mode=call --set initiated_by=both \
        --set 'parties=United States;Russia' --set "started_at=$year-05-01T10:00:00Z" --set "ended_at=$year-05-01T10:30:00Z" \
        --set time_precision=exact --set level=head --set 'participants=heads of state'
done
round
number=$(as ru contacts --json | python3 -c 'import json,sys; print([c["number"] for c in json.load(sys.stdin)["contacts"] if "Russia" in c["parties"] and not c["private_note"]][0])')
need 'countersign' as ru countersign "$number" --yes
round
check_status 'two calls, one countersigned' 0 as us claims check --as-member
check_line 'are counted within the time of which it speaks' '^c05: .*; says 7, the register proves 2, countersigned 1: ' out
check_line 'against a denial too' '^c07: .*; says 0, the register proves 2, countersigned 1: ' out
check_status 'one claim at length' 0 as us claims show c05
check_line 'what it says' 'Bob Woodward.*, alleged: 7 x call, United States - Russia, 2021-01-01 to \?$' out
check_line 'why it has no entry' 'without both dates no record can be told to be the one' out
check_line 'the number' 'number: it says 7, the register proves 2, countersigned 1: the two accounts conflict' out
check_line 'who speaks against it' 'against it: c07, cannot be true together with it' out
check_status 'as JSON' 0 as us claims show c05 c07 --json
same 'of both' "$(json '[(c["claim"], c["number"]["register_proves"]) for c in d["claims"]]')" "[('c05', 2), ('c07', 2)]"
check_status 'a claim that is none' 1 as us claims show c99
scenario_end
