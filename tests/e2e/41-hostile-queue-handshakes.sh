#!/usr/bin/env bash
# Goal: the cells that a relay keeps back or spoils are Commits, invitations and Welcomes. The member that was shown
# something else joins and follows as soon as it is shown the truth; where it followed another Commit than the others
# it says that they have parted, and re-joins.
# builds: build-clang build-gcc build
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/hostile.sh"
need_programs
forum
hostile ru

# The inbox first: every cell of the founding is spoiled, doubled or kept back once.
mode=(garbage hide double garbage)
step=0
# meet NAME: everybody syncs; then the next attack on what ru's inbox has got by that; then the truth
meet() {
    local who
    for who in ru us med; do need 'sync' as $who sync; done
    attack ru "${mode[step++ % 4]}" inbox
    try ru sync
    clean "$1: an attack on the inbox (${mode[(step - 1) % 4]}) ends with one line at most" ru
    lied "$1" ru
    attack ru honest
    sleep 1.2 # the first review found the lie once more, the next is due after a second
    for who in ru med us ru; do
        try $who sync
        [ $rc = 0 ] || fail "$1: $who: $(cat $who.err)"
    done
}
found() { # NAME
    need 'found' as med found "$1" --with 'Ana North' --with 'Boris South'
    meet "$1, invitation"
    need 'accept' as us accept "$1"
    check "$1: the invitation is there all the same" as ru accept "$1"
    meet "$1, Welcome"
    settle us ru med
}
found plenary
found second
for who in us ru med; do
    "$detente" --home $who channels --json >out
    [ "$(grep -c '"confirmed": true' out)" = 2 ] && pass "$who has joined both channels" || fail "$who: $(cat out)"
done
"$detente" --home ru alarms >alarms
check_line 'what was spoiled in the inbox is told' 'in the inbox was passed over' alarms
check_line 'what was shown again is told' 'in the inbox again what it showed at position' alarms

# Then Commits.
epoch_of() {
    "$detente" --home "$1" channels --json | sed -nE 's/^ +"epoch_authenticator": "([0-9a-f]+)",?$/\1/p' | tr '\n' ' '
}
: >said
for name in garbage drop swap reorder; do
    attack ru $name
    need 'rotate' as us rotate plenary
    need 'sync' as us sync
    says us "$name: after the Commit"
    need 'sync' as us sync
    need 'sync' as med sync
    says med "$name: and another"
    need 'sync' as med sync
    try ru sync
    clean "$name: a Commit that is not shown ends in one line at most" ru
    sound "$name: nothing wrong is shown" us ru med
    attack ru honest
    whole "$name: followed as soon as it is shown" 30 us ru med
    settle us ru med
    [ "$(epoch_of us)" = "$(epoch_of ru)" ] && [ "$(epoch_of us)" = "$(epoch_of med)" ] &&
        pass "$name: all are in one epoch" || fail "$name: $(epoch_of us)/ $(epoch_of ru)/ $(epoch_of med)"
done
"$detente" --home ru alarms >alarms
check_line 'messages of an epoch that was not reached are told' 'its epoch [0-9]+ is not reached' alarms

# Both commit, and ru is shown its own alone: it goes where nobody else is.
attack ru drop
need 'rotate' as us rotate plenary
need 'sync' as us sync
need 'rotate' as ru rotate plenary
try ru sync
try ru sync
says us 'said where the others are'
need 'sync' as us sync
need 'sync' as med sync
attack ru honest
for ((i = 0; i < 20; i++)); do
    try ru sync
    "$detente" --home ru alarms | grep -q 'kept a Commit back' && break
    sleep 0.5
done
"$detente" --home ru alarms >alarms
check_line 'that they have parted is told' 'the relay kept a Commit back from us .* we may have parted .* re-join' alarms
check_line 'and the channel is not used any more' 'broken' <("$detente" --home ru channels)
says us 'a word before the return'
need 'sync' as us sync
check 'it asks to be put in anew' as ru rejoin plenary
for ((i = 0; i < 4; i++)); do
    for who in ru us med; do try $who sync; done
done
settle us ru med
[ "$(epoch_of us)" = "$(epoch_of ru)" ] && pass 'it is back, in the epoch of the others' || fail "epochs $(epoch_of us)/ $(epoch_of ru)"
need 'talk' as us send plenary 'welcome back'
settle us ru med
[ "$(times ru 'welcome back')" = 1 ] && pass 'and reads on' || fail 'ru does not read on'
stores_whole us ru med
scenario_end
