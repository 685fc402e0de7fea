#!/usr/bin/env bash
# Goal: a mediator tells in one caucus what was recorded in the other, word for word and with the author's signature, when
# the author gave leave for that channel; without leave its agent refuses. (What a mediator that keeps no rule sends is
# flagged by who gets it: tests/agent/test_carry.c.)
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum

caucus() { # NAME WHO PERSON
    need 'found' as med found "$1" --kind caucus --with "$3"
    settle med "$2"
    need 'accept' as "$2" accept "$1"
    settle "$2" med "$2"
}
caucus with-north us 'Ana North'
caucus with-south ru 'Boris South'

check_status 'the id of the other caucus' 0 as med carry id with-south
id=$(cat out)
need 'record' as us record concern with-north --yes --quiet --set title='The bridge' --set raised_by=north \
    --set issue='Shelling of the bridge on Monday.' --set severity=serious --set wanted='Not to be told.' \
    --set answer_due=2027-01-31 --set state=open
concern=$(cat need.out)
round
check_status 'without leave nothing is carried' 4 as med carry send "$concern" with-south --yes
check_line 'as it says' 'gave no leave to tell this in that channel' err
check_status 'nor by hand' 4 as med record carried with-south --yes --set "@carried_from=$concern" --set proof=00
check_line 'as it says too' 'nothing is carried without leave of its author' err
check_status 'the mediator gives no leave for the author' 4 as med carry leave "$concern" --to "$id" --all --yes
check_status 'the author gives it, for two fields' 0 as us carry leave "$concern" --to "$id" --fields title,issue --yes
check_line 'and is told what it is not' 'It is no consent to open them to anyone else' err
check_status 'before it has its entry' 4 as med carry send "$concern" with-south --yes
round
check_status 'with leave' 0 as med carry send "$concern" with-south --yes
check_line 'it says what carrying is not' 'says nothing of what you think of it' err
round
check_status 'the other side' 0 as ru records
check_line 'has it' ' carried +Mira Mediator \(neutral\)' out
check_status 'and sees' 0 as ru show 1
check_line 'by whom, and with whose leave' '^  carried by neutral with leave of north$' out
check_line 'whose it is' '^  told: concern, signed by north, entry 0$' out
check_line 'word for word' 'issue +Shelling of the bridge on Monday\.$' out
check_no_line 'and nothing else' 'Not to be told' out
check_status 'as JSON' 0 as ru show 1 --json
check_line 'with leave' '"leave": "given"' out
check_line 'the record that it is' "\"commitment\": \"$concern\"" out
python3 -c '
import json
open("inside.proof", "wb").write(bytes.fromhex(json.load(open("out"))["fields"]["proof"]))'
check_status 'shows anyone that it is signed, and that it was not for everyone' 1 "$detente" verify inside.proof --forum "$forum_id"
check_line 'whose' 'record: .*concern.* north' out
check_line 'for whom' "consent of north .*'channel $id'" out
check_status 'an independent verifier says the same' 1 python3 "$top/tests/interop/verify_proof.py" inside.proof --forum "$forum_id"
check_status 'nobody is alarmed' 0 as ru alarms
check_no_line 'about it' 'leave' out
# Leave that has ended, or for another channel, is none.
need 'record' as us record concern with-north --yes --quiet --set title='The road' --set raised_by=north \
    --set issue='Mines.' --set severity=remark --set wanted='x' --set answer_due=2027-01-31 --set state=open
road=$(cat need.out)
need 'leave' as us carry leave "$road" --to "$(printf '%064d' 7)" --all --yes
round
check_status 'leave for another channel' 4 as med carry send "$road" with-south --yes
need 'leave' as us carry leave "$road" --to "$id" --all --expires 2020-01-01 --yes
round
check_status 'leave that has ended' 4 as med carry send "$road" with-south --yes
check_line 'as it says' 'has ended' err
check_status 'a member of neither side cannot carry what it does not hold' 1 as ru carry send "$road" with-south --yes
scenario_end
