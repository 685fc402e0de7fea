#!/usr/bin/env bash
# Goal: a relay keeps back, exchanges, doubles, reorders, replays, cuts, floods and swallows the cells of one member's
# queue. Nothing wrong is shown, the member says what it saw, and once the relay is honest again everybody has
# everything once and in one order, without help.
# builds: build-clang build-gcc build
# waits
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
. "$top/tests/e2e/hostile.sh"
need_programs
forum
hostile ru
plenary
: >said
says us 'a first word'
says ru 'an answer'
whole 'an honest relay: all is there' 20 us ru med

# round NAME WORD... -- ALARM: under attack NAME WORD... the victim's alarms or its one line match ALARM; "nothing":
# there is nothing to tell
round() {
    local name=$1 mode=$* want before
    mode=${mode% -- *}
    want=${*: -1}
    before=$(alarms_of ru)
    # shellcheck disable=SC2086
    attack ru $mode
    says us "$name: one from us"
    says us "$name: two from us"
    need 'sync' as us sync
    says med "$name: three from med"
    need 'sync' as med sync
    says ru "$name: four from ru"
    try ru sync
    clean "$name: the victim's sync ends with one line at most" ru
    cp ru.err said.err
    try ru sync
    cat ru.err >>said.err
    sound "$name: nothing wrong is shown meanwhile" us ru med
    lied "$name" ru
    "$detente" --home ru alarms >>said.err
    if [ "$want" = nothing ]; then
        [ "$(alarms_of ru)" = "$before" ] && pass "$name: it makes no difference, and is no alarm" ||
            fail "$name: $("$detente" --home ru alarms | tail -n 1)"
    else
        check_line "$name: the victim says so" "$want" said.err
        [ "$(alarms_of ru)" -gt "$before" ] || grep -q '^detente: ' said.err || fail "$name: neither alarm nor error"
    fi
    attack ru honest
    whole "$name: honest again, everything is there once" 30 us ru med
}

for name in ${DT_ATTACKS:-drop garbage hide double reorder shuffle swap replay ids cut gap flood more unsaid hangup lie}; do
    case $name in
    drop) round drop -- 'earlier messages of this sender were not shown' ;;
    garbage) round garbage -- 'a cell was passed over' ;;
    hide) round hide -- 'acknowledged a message of ours and does not show it' ;;
    double) round double -- 'shows again what it showed at position' ;;
    reorder) round reorder -- 'were not shown' ;;
    shuffle) round shuffle -- 'another transcript' ;;
    swap) round swap -- 'a cell was passed over' ;;
    replay) round replay -- 'shows again what it showed at position' ;;
    ids) round ids -- nothing ;; # they are for the relay alone
    cut) round cut -- "queue ends at [0-9]+, before position [0-9]+" ;;
    gap) round gap -- 'goes on at position [0-9]+ after [0-9]+' ;;
    flood) round flood -- 'one cell after another that cannot be read, the last at position' ;;
    more) round more -- 'there is more after position [0-9]+, and does not show it' ;;
    unsaid) round unsaid -- 'answered 503' ;;
    hangup) round hangup -- '^detente: .*127.0.0.1' ;;
    lie) round lie -- 'acknowledged a message of ours and does not show it' ;;
    *) fail "no such attack: $name" ;;
    esac
done
before=$(alarms_of ru)
says us 'afterwards, from us'
says ru 'afterwards, from ru'
whole 'it goes on' 20 us ru med
[ "$(alarms_of ru)" = "$before" ] && pass 'and an honest relay raises no alarm' ||
    fail "a new alarm under an honest relay: $("$detente" --home ru alarms | tail -n 2)"

# Receipts kept back, in the queue and in the inbox, are shown as overdue after their time, and as come when they come.
says ru 'who has this?'
need 'sync' as ru sync
attack ru hide both
need 'sync' as us sync
need 'sync' as med sync
try ru sync
sleep 2
try ru sync --receipt-within 1s
"$detente" --home ru alarms >alarms
check_line 'a receipt that is kept back is shown after its time, with the member' 'Ana North .*no receipt for our message within' alarms
"$detente" --home ru read plenary --receipt-within 1s >read
check_line 'with the message, as long as it lacks' 'arrived at [01] of 2; .*NO RECEIPT of Ana North \(north\) for' read
"$detente" --home ru due --receipt-within 1s >due
check_line 'and with what is due' '^plenary: NO RECEIPT of Ana North \(north\) for our message at position [0-9]+, sent ' due
"$detente" --home ru due --receipt-within 1s --json >due
check_line 'in JSON, too' '"receipts_missing": \[$' due
attack ru honest
whole 'the receipts are shown' 30 us ru med
try ru sync
"$detente" --home ru read plenary --receipt-within 1s >read
check_no_line 'then nothing lacks with it' 'NO RECEIPT' read
"$detente" --home ru due --receipt-within 1s >due
check_no_line 'nor below what is due' 'NO RECEIPT' due
"$detente" --home ru alarms >alarms
check_line 'and that they came in the end' 'Ana North .*(came|arrived)' alarms

stores_whole us ru med
n=$("$detente" --home ru alarms | wc -l)
[ "$n" -lt 80 ] && pass "the victim has $n alarms for $(alarms_of ru) lies" || fail "the victim has $n alarms"
"$detente" --home us alarms >alarms
[ -z "${DT_ATTACKS:-}" ] || scenario_end
check_line 'another member learns from its receipts that the victim was shown something else' \
    'Boris South .*a receipt has another transcript, so other cells than ours' alarms
check_line 'and that it was shown the same in the end' 'as this member was, and agrees' alarms
check_no_line 'the others saw nothing wrong themselves' '  (the relay|a cell|a message)' alarms
scenario_end
