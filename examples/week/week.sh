# shellcheck shell=bash
# The steps of the week, for tests/e2e/87-week.sh: it gives clock_is, attest, said and the forum. README.md tells the story.

launch_notice() {
    as us record launch plenary --yes --quiet --set vehicle_class=sounding_rocket --set number=1 --set azimuth=71.5 \
        --set 'launch_area=69.3,16.0 r5' --set window_start=2027-03-03T06:00:00Z --set window_end=2027-03-03T10:00:00Z
}

visit_notice() {
    as ru record visit plenary --yes --quiet --set kind=evaluation --set "basis=$1" --set 'entry_point=North Airport' \
        --set eta=2027-03-03T12:00:00Z --set transport=road --set language=en --set team_size=2 \
        --set "team_list=$(printf '%064d;%064d' 1 2)"
}

question() {
    as us record question plenary --yes --quiet --set seen_from=2027-03-01T04:00:00Z --set 'area=52.08,4.31 r20' \
        --set 'description=Forty trucks on the coast road' --set 'concern=No notice was given' \
        --set 'questions=What are they?;How long do they stay?' --set meeting_asked=false
}

explanation() {
    as ru record explanation plenary --yes --quiet --set "question=$1" --set 'answers=A march;Until Sunday' \
        --set cause=exercise --set visit_offered=true
}

week() {
    local notice visit asked explained who

    clock_is 2027-03-01T09:00:00Z
    need 'a word that is to pass' as us send plenary --destroy-after 2d 'The crew is twelve people.'
    need 'notice of a launch' launch_notice
    notice=$(cat "$DT_WORK/need.out")
    attest north south neutral
    said monday us ru med
    clock_is 2027-03-01T12:00:00Z
    need 'its receipt' as ru receipt "$notice" --yes --quiet --set 'desk=Watch desk'
    attest north south neutral
    said monday-evening us ru med
    as ru read plenary >out
    check_line 'it is read' '^    The crew is twelve people\.$' out
    check_line 'with the time at which it goes' '^    to be destroyed on 2027-03-03' out

    clock_is 2027-03-02T10:00:00Z
    need 'notice of a visit' visit_notice "$notice"
    visit=$(cat "$DT_WORK/need.out")
    need 'a question' question
    asked=$(cat "$DT_WORK/need.out")
    attest north south neutral
    said tuesday us ru med
    clock_is 2027-03-02T15:00:00Z
    need 'receipt of the visit' as us receipt "$visit" --yes --quiet
    need 'receipt of the question' as ru receipt "$asked" --yes --quiet
    attest north south neutral
    said tuesday-evening us ru med

    clock_is 2027-03-04T12:00:00Z
    attest north south neutral
    said thursday us ru med
    for who in us ru med; do
        as "$who" read plenary >out
        check_line "$who: that it was, and by which rule it went" '^    destroyed by rule on 2027-03-0[34].* \(2 days, its own rule\)$' out
        check_no_line "$who: not what it was" 'twelve people' out
    done
    as ru read plenary >out
    check_line 'and that the others destroyed theirs' '^    Ana North \(north\) says that it was destroyed there on 2027-03-0[34]' out
    check_status 'who owes nothing that is overdue: exit status 0' 0 as us due
    check_status 'who does: 1, for cron' 1 as ru due
    check_line 'in words' '^2027-03-04 1[01]:[0-9]{2}  OVERDUE by [12] h.*  south \(us\)  explanation in reply to entry [0-9]+ of north, in plenary$' out
    check_status 'not when it is the other one that is asked for' 0 as ru due --party north
    check_status 'by the channel, too' 1 as ru due --channel plenary

    clock_is 2027-03-05T09:00:00Z
    need 'the explanation' explanation "$asked"
    explained=$(cat "$DT_WORK/need.out")
    attest north south neutral
    said friday us ru med

    clock_is 2027-03-06T09:00:00Z
    need 'the answer to it' as us answer "$explained" --yes --quiet --set 'text=en:That settles it.'
    attest south neutral # its author's own group adds nothing
    said saturday us ru med
    said_all week us ru med
    joint_readout
    session_keys
    line_tests
}

# Twice a day every agent tested its line; on Sunday the agent of south is off, and that is told from a relay that is gone.
line_tests() {
    as us line plenary >out
    check_line 'the line to south is tested' 'line to Boris South .south.: tested .* ago, no\. [0-9]+' out
    clock_is 2027-03-07T09:00:00Z us med
    clock_is 2027-03-07T21:30:00Z us med
    as us line plenary >out
    check_line 'on Sunday south is not heard, while the relay was reached' 'line to Boris South .south.: .*the relay was reached' out
    check_line 'the mediator is' 'line to Mira Mediator .neutral.: tested' out
    clock_is 2027-03-07T22:00:00Z
    as us line plenary >out
    check_line 'and when it is back, what was missed stands there' 'missed no\. [0-9]+' out
    check_line 'nobody at its desk has confirmed all week' \
        '^  NOT CONFIRMED by a person of south: our test no\. [0-9]+ of 2027-03-01T07:.*; overdue since 2027-03-01T08:.* \(6 days' out
    as us status >out
    check_line 'the status says so, too' '^ +NOT CONFIRMED by a person of south: ' out
    check_line 'and what waits for a person of north' '^ +their test no\. [0-9]+, here since .*: detente line confirm$' out
    as us alarms >out
    [ "$(grep -c 'no person of south has confirmed our line test of 2027-03-01T07' out)" = 1 ] && pass 'it was told, once' ||
        fail "it was told $(grep -c 'no person of south' out) times"
    need 'a person is at the desk of south' as ru line confirm plenary
    settle us ru med
    as us line plenary >out
    check_no_line 'then nothing is overdue there' 'NOT CONFIRMED by a person of south' out
    as us line plenary --json >out
    check_line 'nor in JSON' '"asked_number": 0' out
    as us alarms >out
    check_line 'and that is told as well' 'a person of south has confirmed our line test after 6 days' out
}

# On Saturday the two sides say in public, in two languages, what they agree on of a call; a line that one of them does not agree
# to stays sealed.
joint_readout() {
    local readout
    need 'a contact' as us record contact plenary --yes --quiet --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2027-03-06T07:00:00Z --set ended_at=2027-03-06T07:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys'
    readout=$(cat "$DT_WORK/need.out")
    settle us ru med
    need 'its countersignature' as ru countersign "$readout" --yes --quiet
    need 'a readout of it' as us readout draft plenary --contact "$readout" --languages 'en;ru' --yes
    readout=$(cat "$DT_WORK/need.out")
    settle us ru med
    need 'a line' as us readout line "$readout" 1 --text 'en=They spoke for half an hour.' \
        --text 'ru=Они говорили полчаса.' --yes
    need 'another' as us readout line "$readout" 2 --text 'en=North warned South.' --text 'ru=Север предупредил Юг.' --yes
    attest north south neutral
    need 'south agrees to the first' as ru readout agree "$readout" 1 --head --yes
    need 'and objects to the second' as ru readout object "$readout" 2 --text 'en=They spoke of the trucks.' \
        --text 'ru=Они говорили о грузовиках.' --yes
    attest north south neutral
    need 'north consents' as us readout release "$readout" --yes
    need 'south consents' as ru readout release "$readout" --yes
    attest north south neutral
    check_status 'the readout is released' 0 as ru readout release "$readout" --out readout --yes
    check_status 'anyone verifies it' 0 "$detente" readout verify readout/*.proof --forum "$forum_id"
    check_line 'in one language' '^ +1 \[en\] They spoke for half an hour\.$' out
    check_line 'and in the other' '^ +1 \[ru\] Они говорили полчаса\.$' out
    check_line 'each line what was sealed' '^verified: each line is what was sealed' out
    check_no_line 'and nothing of the line that was not agreed' 'warned' out
}

# What was said on Monday was signed by keys that are released by now: it can be denied.
session_keys() {
    local who
    for who in us ru med; do
        as "$who" status >out
        check_line "$who: session keys of the first days are released" 'released: [1-9][0-9]* session keys' out
    done
}
