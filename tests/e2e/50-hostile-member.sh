#!/usr/bin/env bash
# Goal: a delegate's agent with the checks taken out does what a member can do. The other two pass it over, name
# her with party, position and reason, go on together, and have lost nothing.
# builds: build-clang
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
hostile_member=$DT_BIN/tests/tools/hostile_member
[ -x "$hostile_member" ] || { fail "$hostile_member is not built"; scenario_end; }
forum
plenary

# alarms WHO [TEXT]: how often WHO was alarmed, and text, name, party and position of the last alarm (with TEXT in it),
# into alarm_*
alarms() {
    as "$1" alarms --json >alarms.json || return 1
    # shellcheck disable=SC2034
    { read -r alarm_count; read -r alarm_text; read -r alarm_name; read -r alarm_party; read -r alarm_position; } < <(
        python3 - alarms.json "${2-}" <<'PYTHON'
import json, sys
alarms = json.load(open(sys.argv[1]))['alarms']
last = max((a for a in alarms if sys.argv[2] in a['text']), key=lambda a: (a['last_time'], a['last_position']), default=None)
print(sum(a['count'] for a in alarms))
for v in (last['text'], last.get('who', {}).get('name', '-'), last.get('who', {}).get('party', '-'),
          last['last_position']) if last else ('-', '-', '-', 0):
    print(v)
PYTHON
    )
}

state_of() { # WHO: "STATE EPOCH AUTHENTICATOR" of the plenary
    as "$1" channels --json | python3 -c '
import json, sys
c = [c for c in json.load(sys.stdin)["channels"] if c["name"] == "plenary"][-1]
print(c["state"], c["epoch"], c["epoch_authenticator"])'
}

round=0
everyone_says() { # WHEN
    local who
    for who in us ru med; do need 'talk' as $who send plenary "$1 $round of $who"; done
}
everyone_has() { # what was said before and around, once
    local who when from n missing=no
    for who in us ru med; do
        as $who read plenary --json >read.json
        for when in before around; do
            for from in us ru med; do
                n=$(grep -cF "\"text\": \"$when $round of $from\"" read.json)
                [ "$n" = 1 ] || { fail "$what: $who has '$when $round of $from' $n times"; missing=yes; }
            done
        done
    done
    [ $missing = yes ] || pass "$what: what was said before and around it is with all once"
}

# misbehaves WHAT ARGUMENT...: us does it, between what everyone says. The position is in $position.
misbehaves() {
    what=$1
    shift
    round=$((round + 1))
    everyone_says before
    settle us ru med
    epoch=$(state_of med)
    for who in med ru; do
        alarms $who
        declare -g "before_$who=$alarm_count"
    done
    if ! "$hostile_member" us plenary "$@" >hostile.out 2>hostile.err; then
        fail "$what: hostile_member $*"
        cat hostile.err
        return 1
    fi
    position=$(tail -n 1 hostile.out)
    everyone_says around
}

# named N REASON: med and ru were alarmed N times, and the last alarm is of this position, for this reason
named() {
    local who before
    for who in med ru; do
        before=before_$who
        alarms $who
        if [ "$alarm_count" = $((${!before} + $1)) ] && [ "$alarm_name ($alarm_party)" = 'Ana North (north)' ] &&
            [ "$alarm_position" = "$position" ] && [[ $alarm_text == *"$2"* ]]; then
            pass "$what: $who names Ana North of north: $2"
        else
            fail "$what: $who was alarmed $((alarm_count - ${!before})) times, last: $alarm_name ($alarm_party) at $alarm_position, not $position: $alarm_text"
        fi
    done
}

goes_on() {
    local who one
    one=$(state_of med)
    for who in us ru; do
        [ "$(state_of $who)" = "$one" ] && pass "$what: $who is in one epoch with med" ||
            fail "$what: med $one, $who $(state_of $who)"
    done
    everyone_has
}

passed_over() { # N REASON
    settle us ru med
    [ "$(state_of med)" = "$epoch" ] || fail "$what: it counted"
    named "$1" "$2"
    goes_on
}

# A second delegate of the hostile party, its colleague; and one whom she asks to admit, twice, with all approvals.
home us2 north 'Carl North'
home ru2 south 'Dora South'
for who in us ru med us2 ru2; do
    need 'letters' as $who letter import us.letter ru.letter med.letter us2.letter ru2.letter
done
settle us2 ru2
ask() { # CHANNEL
    need 'ask' as us admit ask "$1" 'Dora South'
    settle us ru med ru2
    need 'answer' as ru2 accept "$1"
    for who in ru med; do
        for id in $(as $who admit list --json | python3 -c '
import json, sys
for a in json.load(sys.stdin)["admissions"]:
    if not a["ours"] and not a["approved_by_us"]: print(a["request_id"])'); do
            need 'approve' as $who admit approve "$id"
        done
    done
    settle us ru med ru2
}
need 'track' as med found --kind track corridor --with 'Ana North' --with 'Boris South'
settle med us ru
for who in us ru; do need 'accept' as $who accept corridor; done
settle us ru med
ask plenary
ask corridor

misbehaves 'a Commit without a warrant' commit-without-warrant && passed_over 1 'without a warrant'
misbehaves 'a Commit without approvals' commit-without-approvals && passed_over 1 'an approval is missing'
misbehaves 'forged approvals' commit-forged-approvals && passed_over 1 'another party'
misbehaves 'approvals of another channel' commit-approvals-of-another-channel corridor && passed_over 1 'for something else'
misbehaves 'expelling the mediator' commit-expel 'Mira Mediator' && passed_over 1 'without a ground'
misbehaves "a colleague's letter in an Update" commit-colleagues-letter us2 && passed_over 1 'a rotation changes more'
misbehaves 'an external Commit' external-commit && passed_over 1 'an external Commit'
misbehaves 'a key package used twice' commit-key-package-twice && passed_over 1 'was passed over'
misbehaves '10,000 proposals' commit-proposals 10000 && passed_over 1 'more than 2048 proposals'
misbehaves 'a hundred garbage Commits' garbage-commits 100 && passed_over 100 'passed over'
[ "$(as med alarms | wc -l)" -lt 20 ] && pass 'the alarms are still a list one can read' || fail "$(as med alarms | wc -l) alarms"
misbehaves '500,000 bytes of padding' padding 500000 && { settle us ru med; named 1 'padding of its own'; goes_on; }
"$hostile_member" us plenary padding 1048576 >hostile.out 2>hostile.err && fail 'the relay took 1 MiB' ||
    pass 'a cell of 1 MiB of padding is taken by no relay'

# Records, and proof files of them.
forum_id=$("$detente" charter show --id charter)
contact() { # WHO CHANNEL
    need 'record' as "$1" record contact "$2" --yes --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys'
    tr -d '\n' <"$DT_WORK/need.out"
}
misbehaves 'a seal whose signature fails' record-bad-signature signature.proof && passed_over 1 'signature does not hold'
check_status 'a proof file of it is refused' 1 "$detente" verify signature.proof --forum "$forum_id"
check_line 'for the signature' 'signature' out
misbehaves 'the author field of someone else' record-other-author author.proof 'Boris South' && passed_over 1 'signature does not hold'
check_status 'a proof file of it is refused' 1 "$detente" verify author.proof --forum "$forum_id"
check_line 'for the signature' 'signature' out
record=$(contact ru corridor)
settle us ru med
misbehaves 'a record of another channel replayed' record-replay "$record" && passed_over 1 'from another channel'
record=$(contact ru plenary)
settle us ru med
misbehaves 'a record of another member replayed' record-replay "$record" && passed_over 1 'not the member who sent it'
misbehaves 'consent to slots that are not there' consent-beyond "$record" && passed_over 1 'slots that the record does not have'
need 'consent' as ru consent "$record" --fields mode --yes
consent=$(tr -d '\n' <"$DT_WORK/need.out")
settle us ru med
check 'a proof that opens more than was consented to is made' "$hostile_member" us plenary open-beyond "$record" "$consent" beyond.proof
check_status 'a verifier says so' 1 "$detente" verify beyond.proof --forum "$forum_id"
check_line 'opened without consent' 'opened without consent' out

# One whom a path does not reach says so, and comes back. What the others said while it was away is sealed for an epoch
# that it does not have; what it said itself arrives.
misbehaves 'a path that one member cannot follow' commit-path-without 'Boris South' && {
    for r in 1 2; do
        for who in us med ru; do need 'sync' as $who sync; done
    done
    alarms ru 'cannot be followed'
    [ "$alarm_name ($alarm_party)" = 'Ana North (north)' ] && [ "$alarm_position" = "$position" ] &&
        [[ $alarm_text == *'cannot be followed'* ]] && pass "$what: ru names Ana North of north" ||
        fail "$what: ru has $alarm_name ($alarm_party): $alarm_text"
    if [[ $(state_of ru) == broken* ]]; then need 're-join' as ru rejoin plenary; fi
    settle us med ru
    for who in us med; do
        n=$(times $who "around $round of ru")
        [ "$n" = 1 ] && pass "$what: $who has what ru said" || fail "$what: $who has it $n times"
    done
    round=$((round + 1))
    everyone_says before
    everyone_says around
    settle us med ru
    goes_on
}

# What counts, because members judge alike: who knows better says so.
misbehaves 'a voucher that had run out' commit-expired-voucher && {
    settle ru med
    named 1 'a voucher that had run out'
    settle us ru med
    goes_on
}
need 'revocation' "$detente" letter revoke --root neutral.root --out med.revocation med.letter
need 'ru is told' as ru letter import --revocation med.revocation
misbehaves 'an approval under a revoked letter' commit-approvals-as-they-are && {
    settle us ru med
    before_med=$((before_med - 1)) # it does not know
    who=ru
    alarms ru 'that was revoked'
    [ "$alarm_name ($alarm_party)" = 'Ana North (north)' ] && [[ $alarm_text == *'under a letter of neutral that was revoked'* ]] &&
        pass "$what: ru names Ana North" || fail "$what: ru has $alarm_name ($alarm_party): $alarm_text"
    goes_on
}

scenario_end
