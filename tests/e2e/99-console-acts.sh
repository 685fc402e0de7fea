#!/usr/bin/env bash
# Goal: the acts of a forum's life by clicks in three browsers: the charter in words, an amendment looked at, signed, merged and
# taken in; letters, one of them revoked; a line test confirmed and an outage announced; a shift, a backup and an archive that
# are good on the command line; leave asked, given and used; a courier key from hand to hand until it is in use.
# builds: build-clang build-gcc build
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
charter_options=(--line-test 1m --open heartbeat=author)
. "$top/tests/e2e/browser.sh"
plenary
home late south 'Lena Late'
for who in us ru med; do need 'letter' as $who letter import late.letter; done
need 'caucus' as med found caucus --kind caucus --with 'Ana North'
settle med us
need 'accept' as us accept caucus
settle us med ru
entry ru 'one subject'
round

# ---- what the pages need of the command line
need 'next root' "$detente" root new --out next.root
need 'an amendment' as us charter amend --successor north=next.root.pub --out amendment
cp amendment before
check_status 'an amendment of the home'\''s charter, shown by the home' 1 as ru charter show --here amendment
check_line 'says whose successor is announced' 'successor of north from then on' out
check_status 'signed by the home'\''s charter, into another file' 0 as ru charter sign --here --root south.root --out amendment.south amendment
check_same 'and what was read is as it was' before amendment
check_status 'and the same for the mediator' 0 as med charter sign --here --root neutral.root --out amendment.neutral amendment
check_status 'copies become one in another file' 0 as ru charter merge --here --out amendment.two amendment.south amendment.neutral
check_status 'which lacks one yet' 1 as ru charter show --here --json amendment.two
check_status '--here goes with no --charter' 2 as ru charter show --here --charter charter amendment
check_status 'a letter is written out' 0 as us letter save 'Boris South' --out boris.letter
check_same 'as it came in' ru.letter boris.letter

start_witnesses north south neutral
unset XDG_RUNTIME_DIR # what is handed to a console lies in its home
consoles_of us ru med
browse_seconds=280 browse acts "$DT_WORK" "${given[@]}"
find us ru med -path '*/console/*' -type f >left
check_status 'nothing that was handed to a console is left with it, a root'\''s key least of all' 1 grep . left
consoles_whole us ru med
check_status 'the amendment that was signed by a click has every signature' 0 "$detente" charter show --charter charter clicked.amendment
check_status 'the backup that was made by a click is whole' 0 "$detente" restore --check clicked.backup
check_status 'and so is the archive' 0 "$detente" archive verify clicked.archive --count "$(cat archive.count)" --root "$(cat archive.root)"
check_status 'the revocation that was made by a click is taken in elsewhere' 0 as med letter import --revocation clicked.revocation
check_status 'the shift is known to the command line' 0 as us shift list
check_line 'with its note' 'note: South owes an answer' out
scenario_end
