#!/usr/bin/env bash
# Goal: a week in a forum (examples/week): notices on time and late, a question and its 48 hours, and on each day what is due,
# the same for all, with the exit status that cron wants; as a calendar, which another's parser reads.
# builds: build-clang build-gcc build
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/examples/week/week.sh"
need_programs
shim=$DT_BIN/tests/tools/faultshim.so
[ -e "$shim" ] || { skip "no fault shim in $DT_BIN"; scenario_end; }

# Every program goes by the clock that is set here.
mkdir bin
for p in detente detente-relay; do
    printf '#!/bin/sh\nDT_CLOCK_FILE=%s LD_PRELOAD=%s exec %s "$@"\n' "$DT_WORK/clock" "$shim" "$DT_BIN/$p" >"bin/$p"
    chmod +x "bin/$p"
done
detente=$DT_WORK/bin/detente
relay_program=$DT_WORK/bin/detente-relay
clock_set() { # SECONDS: it is that time, and nobody has looked
    echo $(($1 - $(date +%s))) >"$DT_WORK/clock.new"
    mv "$DT_WORK/clock.new" "$DT_WORK/clock"
    clock_now=$1
}
clock_is() { # TIME [WHO...]: it is that time, and all, or these, have had their agents running, which test their lines twice a day
    local to at
    to=$(date -u -d "$1" +%s)
    shift
    [ $# -gt 0 ] || set -- us ru med
    if [ -n "${forum_id:-}" ]; then
        for ((at = (clock_now / 43200 + 1) * 43200 + 600; at < to; at += 43200)); do
            clock_set "$at"
            settle "$@" # rotations, and what waited
        done
    fi
    clock_set "$to"
    [ -z "${forum_id:-}" ] || settle "$@"
}
attest() { # PARTY...: what was made is in the register, and their witnesses cosign it
    round "$@"
}
lines() { # of the JSON in $1: state, who, what, by when (to the hour)
    python3 - "$1" <<'PY'
import datetime, json, sys
d = json.load(open(sys.argv[1]))
assert d['format'] == 1
def hour(text):
    t = datetime.datetime.strptime(text[:19], '%Y-%m-%dT%H:%M:%S') + datetime.timedelta(minutes=30)
    return t.strftime('%a %Y-%m-%d %H:00')
out = []
for o in d['due']:
    what = o.get('acknowledgement') and '%s for the %s of %s' % (o['acknowledgement'], o['kind'], o['to']) or \
        (o['what'] == 'reply' and '%s in reply to %s' % (o['kind'], o['to'])) or o['kind']
    out.append('%s: %s, %s, by %s' % (o['state'], o['party'], what, hour(o['by'])))
print('\n'.join(out) or 'nothing is due')
PY
}
said() { # DAY WHO...: what each is told is what is expected
    local day=$1 who
    shift
    for who in "$@"; do
        as "$who" due --json >"$who.json"
        lines "$who.json" >"$who.said"
        check_same "$day: what $who is told" "$top/examples/week/expected/$day.txt" "$who.said"
    done
}
said_all() { # likewise, with what is settled
    local day=$1 who
    shift
    for who in "$@"; do
        as "$who" due --all --json >"$who.json"
        lines "$who.json" >"$who.said"
        check_same "$day: how it all went, by $who" "$top/examples/week/expected/$day.txt" "$who.said"
    done
}

clock_is 2027-03-01T07:00:00Z
charter_options=(--line-test 12h)
forum
plenary
week

# ---- as a calendar ----
clock_is 2027-03-08T09:00:00Z
need 'another question' question
attest north south neutral
check_status 'a calendar is written' 0 as ru due --ics due.ics
check_line 'it is said what that means' 'due.ics: 2 entries. It is not sealed' err
[ "$(stat -c %a due.ics)" = 600 ] && pass 'for the owner alone' || fail "due.ics has mode $(stat -c %a due.ics)"
as ru due >table
python3 "$top/tests/interop/ical/check.py" --calendar due.ics >ics.json
case $? in
0)
    python3 - ics.json >ics.lines <<'PY'
import datetime, json, sys
for e in json.load(open(sys.argv[1]))['events']:
    t = datetime.datetime.fromtimestamp(e['start'] / 1000, datetime.timezone.utc)
    print(t.strftime('%Y-%m-%d %H:%M'), e['summary'], [a['before'] // 3600000 for a in e['alarms']])
PY
    check_line 'the receipt' '^2027-03-08 1[12]:.* south owes: receipt for entry [0-9]+ \(question of north\) \[24, 1\]$' ics.lines
    check_line 'the explanation' '^2027-03-10 09:.* south owes: explanation in reply to entry [0-9]+ of north \[24, 1\]$' ics.lines
    cut -c 1-16 table >table.by
    cut -c 1-16 ics.lines >ics.by
    check_same 'at the times of the table' table.by ics.by
    cp ics.json first.json
    as ru due --quiet --ics due.ics >/dev/null
    python3 "$top/tests/interop/ical/check.py" --calendar due.ics >ics.json
    same=$(python3 -c 'import json; print([[e["uid"] for e in json.load(open(f))["events"]] for f in ("first.json", "ics.json")].count([e["uid"] for e in json.load(open("first.json"))["events"]]))')
    [ "$same" = 2 ] && pass 'written again, it has the same ids' || fail 'the ids of the calendar have changed'
    ;;
77) skip 'ical.js is not here' ;;
*) fail 'ical.js does not read the calendar' ;;
esac
check_no_line 'no colours where there is no terminal' "$(printf '\033')" table
script -qec "TERM=xterm $detente --home ru due" tty.out >/dev/null 2>&1
check_line 'colours on one, beside the words' "$(printf '\033')\\[33mdue in" tty.out
script -qec "TERM=xterm NO_COLOR=1 $detente --home ru due" tty.out >/dev/null 2>&1
check_no_line 'none for who wants none' "$(printf '\033')\\[" tty.out

# ---- the relay is out of reach for two whole slots: the clock of the question stands ----
clock_is 2027-03-08T12:30:00Z
by() { # of the explanation that is owed
    python3 -c 'import json, sys; print([o["by"] for o in json.load(open(sys.argv[1]))["due"] if o["what"] == "reply" and o["state"] != "met"][0])' "$1"
}
as us due --json >us.json
was=$(by us.json)
clock_set "$(date -u -d 2027-03-10T00:30:00Z +%s)"
as us due --json >us.json
check 'what was not read stops nothing' [ "$(by us.json)" = "$was" ]
settle us ru med
for who in us ru med; do
    as "$who" due --json >"$who.json"
    check "$who: a day more for the explanation" [ "$(date -u -d "$(by "$who.json")" +%s)" = $(($(date -u -d "$was" +%s) + 86400)) ]
    check_line "$who: when it stood, as JSON" '"to": "2027-03-10T00:00:00Z"' "$who.json"
    as "$who" due >out
    check_line "$who: and in words" '^plenary: the clock stood for 1 day, from 2027-03-09 00:00 to 2027-03-10 00:00: the line tests of all sides' out
done

# ---- the answers: what each is not, before it is sent and when it is shown, and which of them acknowledges ----
contact() {
    as us record contact plenary --yes --quiet --set mode=call --set initiated_by=both --set 'parties=north;south' \
        --set started_at=2027-03-08T07:00:00Z --set ended_at=2027-03-08T07:30:00Z --set time_precision=exact --set level=envoy \
        --set 'participants=two envoys'
}
answered() { # WHO IS_NOT ANSWER OPTION...: to the contact
    local who=$1 is_not=$2 answer=$3
    shift 3
    check_status "$answer: is sent" 0 as "$who" "$answer" "$contact" --yes --quiet "$@"
    check_line "$answer: it is said before what it is not" "^$answer: .*$is_not" err
    as "$who" show "$(cat out)" >shown
    check_line "$answer: and whenever it is shown" "^[A-Z].*$is_not" shown
    attest north south neutral
}
owed() { # WHAT STATE: of the countersignature
    as med due --all --json >due.json
    got=$(python3 -c 'import json, sys; print([o["state"] for o in json.load(open("due.json"))["due"] if o.get("commitment") == sys.argv[1] and o["what"] == "acknowledgement"])' "$contact")
    [ "$got" = "['$2']" ] && pass "$1" || fail "$1: $got, not $2"
}
need 'a contact' contact
contact=$(cat "$DT_WORK/need.out")
attest north south neutral
owed 'a contact asks for a countersignature' due
answered ru 'no approval' receipt
owed 'a receipt is none' due
answered ru 'neither attests nor disputes' answer --set 'text=en:We look into it.'
owed 'nor is an answer' due
answered ru 'no countersignature' consent --fields mode
owed 'nor a consent' due
answered ru 'does not change the record' dispute --should-be level=official
owed 'a dispute is: the other side entered a difference' met
answered ru 'no approval' countersign
owed 'and a countersignature' met
answered us 'undoes nothing' withdraw
owed 'and what was met stays so' met
need 'another contact' contact
contact=$(cat "$DT_WORK/need.out")
attest north south neutral
answered us 'undoes nothing' withdraw
owed 'nothing is owed for a record that was withdrawn' waived
as ru receipt "$contact" --yes --quiet 2>err >out
check_line 'who sends a receipt is told that it is not what was asked for' '^The record asks for a countersignature within 1 day: a receipt is none.$' err
stores_whole us ru med
scenario_end
