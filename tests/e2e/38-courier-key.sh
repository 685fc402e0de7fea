#!/usr/bin/env bash
# Goal: a courier key is made, carried by hand in each of its forms, confirmed by its fingerprint, committed by real
# programs; status says from when on the channel is closed to a later quantum reader, and no longer after an Add.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary

print_of() { # WHO: the fingerprint of its one key
    "$detente" --home "$1" psk list plenary | sed -n 's/^fingerprint  //p'
}

check_status 'without a key the channel is classical only' 0 as us status
check_line 'and status says so' 'classical only: no courier key was committed' out
check_status 'us makes a key' 0 as us psk new plenary
check_line 'and is told to carry it by hand' 'never by this network' err
words=$(print_of us)
[ "$(wc -w <<<"$words")" = 8 ] && pass 'its fingerprint is eight words' || fail "its fingerprint: $words"

echo 'told by voice' >voice
check_status 'it is written out, sealed' 0 as us psk carry plenary --to key.sealed --file-passphrase-file voice
[ "$(stat -c %a key.sealed)" = 600 ] && pass 'for its owner alone' || fail 'the file can be read by others'
check_status 'as words' 0 as us psk carry plenary --words
cp out key.words
[ "$(wc -w <key.words)" = 24 ] && pass 'of which there are 24' || fail 'not 24 words'
check_status 'and as a QR code' 0 as us psk carry plenary --qr
[ "$(wc -l <out)" -gt 15 ] && pass 'that has the rows of one' || fail 'no QR code'

echo 'guessed' >guess
check_status 'with another passphrase the file stays shut' 4 as ru psk carry plenary --from key.sealed \
    --file-passphrase-file guess
check_status 'ru takes in the sealed file' 0 as ru psk carry plenary --from key.sealed --file-passphrase-file voice
sed 's/^[a-z]* /zebra /' key.words >wrong.words
check_status 'a word misheard is found' 1 as med psk carry plenary --from wrong.words
check_status 'med takes in the words' 0 as med psk carry plenary --from key.words
for who in ru med; do
    [ "$(print_of $who)" = "$words" ] && pass "$who has the same fingerprint" || fail "$who: $(print_of $who)"
done

other='able able able able able able able able'
as us psk new plenary >/dev/null 2>&1
other=$("$detente" --home us psk list plenary | sed -n 's/^fingerprint  //p' | grep -vF "$words")
check_status 'of two keys one has to be named' 1 as us psk confirm plenary --fingerprint "$words"
key=$("$detente" --home us psk list plenary | grep -F -B1 "$words" | sed -n 's/^courier key  //p')
check_status 'another fingerprint is refused' 4 as us psk confirm plenary --key "$key" --fingerprint "$other"
check_status 'without anybody to ask, it has to be said' 2 as us psk confirm plenary --key "$key"
check_status 'nothing is committed that nobody confirmed' 4 as us psk commit plenary --key "$key"
for who in us ru; do
    check_status "$who confirms" 0 as $who psk confirm plenary --key "$key" --fingerprint "$words"
done
settle us ru med
check_status 'nor what one has not' 4 as us psk commit plenary --key "$key"
check_line 'and how many have is said' 'only 2 of 3 members' err
check_status 'who has not is listed' 0 as us psk list plenary
check_line 'by name' 'Mira Mediator .neutral.: has not confirmed it' out
check_status 'med confirms' 0 as med psk confirm plenary --fingerprint "${words^^}"
settle us ru med
check_status 'ru commits it' 0 as ru psk commit plenary --renew 30d
settle us ru med
for who in us ru med; do
    check_status "$who's status" 0 as $who status
    check_line 'says from when on it holds, and what for' 'closed to a later quantum reader since .* .contents; not times' out
    check_line 'and when it is to be renewed' 'the courier key is to be renewed by' out
done
check_status 'the key is used up' 1 as ru psk commit plenary
check_status 'and not taken again' 4 as ru psk carry plenary --from key.words
check_status 'talk goes on' 0 as us send plenary 'under the courier key'
settle us ru med
check_status 'ru reads it' 0 as ru read plenary
check_line 'as it was said' 'under the courier key' out
check_status 'and no agent has an alarm' 0 as med alarms
[ -s out ] && ! grep -q 'no alarm' out && fail "alarms: $(head -2 out)"

# Somebody is added: what a Welcome tells is closed by X25519 alone.
home us2 north 'Nora North'
for who in us ru med; do need 'letter' as $who letter import us2.letter; done
for who in us ru med; do need 'letter' as us2 letter import $who.letter; done
need 'inbox' as us2 sync
need 'ask' as us admit ask plenary 'Nora North'
settle us ru med us2
id=$("$detente" --home ru admit list --json | sed -nE 's/.*"request_id": *"([0-9a-f]+)".*/\1/p' | head -1)
for who in ru med; do need 'approve' as $who admit approve "$id"; done
need 'accept' as us2 accept plenary
settle us ru med us2
need 'commit' as us admit commit "$id"
settle us ru med us2
for who in us us2; do
    check_status "after an Add, $who's status" 0 as $who status
    check_line 'says that it is classical only, and why' 'classical only: somebody was added since' out
done
check_status 'as JSON too' 0 as ru status --json
check_line 'it does not hold' '"holds": false' out
scenario_end
