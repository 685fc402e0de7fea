#!/usr/bin/env bash
# Goal: a backup made while the agent runs is whole; a home restored from it has all records and talk, comes back into
# its channels by itself, and the lost one, found again, is recognised as a copy; nothing that must not be in the file is
# in it; altered, cut off and under another passphrase it makes no home.
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
here=$top/tests/e2e
state_of() { # WHO FIELD: of the plenary
    "$detente" --home "$1" channels --json | sed -nE 's/^ +"'"$2"'": "?([^",]*)"?,?$/\1/p'
}

need 'send' as us send plenary 'before the backup'
entry ru 'before the backup'
settle us ru med
need 'receipt' as us receipt 1 --yes
head -c 200000 /dev/urandom >file.bin
need 'file' as us send plenary --file file.bin
settle us ru med
need 'understood' as ru understood plenary 1 'that there was something before'
settle us ru med
need 'rightly' as us understood plenary 1 --right
settle us ru med
need 'hand-over' as us shift hand-over --to 'Ana, first watch'
check_status 'status' 0 as us status
check_line 'no backup yet' '^backup: none was made yet' "$DT_WORK/out"

# Made while the agent runs and others write.
start_daemon agent "$detente" --home us agent
sleep 1
check_status 'the backup' 0 as us backup us.backup
check_line 'says what is in it' '^backup made 20.*: 1 channel, 2 records and answers, 2 pieces of talk' "$DT_WORK/out"
[ "$(stat -c %a us.backup)" = 600 ] && pass 'for its owner alone' || fail "mode $(stat -c %a us.backup)"
check_status 'never over another file' 1 as us backup us.backup
check_status 'checked' 0 "$detente" restore --check us.backup
check_line 'whole' '^a whole backup, made 20.*: 1 channel, 2 records' "$DT_WORK/out"
stop_daemons
ls | grep -q '\.part' && fail 'something half-made is left' || pass 'nothing half-made is left'
check_status 'status' 0 as us status
check_line 'the last backup' '^backup: the last was made .* ago' "$DT_WORK/out"
start_relay

# What is in it.
need 'a rotation' as us send plenary 'waits to be sent'
check_status 'what must not be in it is not' 0 python3 "$here/backup_search.py" us.backup us/store.db "$DT_WORK/passphrase"
cat "$DT_WORK/out"
python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import sealed_file as s
a = b"detente 1 backup\n", open(sys.argv[2], "rb").readline().rstrip(b"\n")
text, hand = s.open_file("us.backup", *a), s.open_by_hand("us.backup", *a, 1)
sys.exit(text[:65536] != hand)' "$here" "$DT_WORK/passphrase" && pass 'opened by the document alone, without the library' ||
    fail 'the document and the file differ'
check_line 'what must be in it is' 'tables: .*channel channel_number letter record .*self shift talk talk_data understood' "$DT_WORK/out"
settle us ru med

# The home is lost; meanwhile others go on.
need 'send' as us send plenary 'after the backup'
settle us ru med
mv us us.lost
need 'send' as ru send plenary 'while it was gone'
settle ru med
bad() { # WHAT FILE STATUS REGEX: makes no home
    check_status "$1" "$3" "$detente" --home us restore "$2"
    check_line "$1: says why" "$4" "$DT_WORK/err"
    [ ! -e us ] && [ ! -e us.part ] && pass "$1: no home" || fail "$1: there is a home"
}
python3 - <<'P'
data = open('us.backup', 'rb').read()
n = len(data)
def put(name, b):
    open(name, 'wb').write(b)
put('flipped', data[:n // 2] + bytes([data[n // 2] ^ 1]) + data[n // 2 + 1:])
put('cut', data[:n - 100])
put('piece', data[:65 + 65553])
put('longer', data + b'x')
put('salt', data[:20] + bytes([data[20] ^ 1]) + data[21:])
P
bad 'one bit' flipped 1 'was altered or cut off'
bad 'cut off' cut 1 'was altered or cut off'
bad 'cut off behind a piece' piece 1 'was altered or cut off'
bad 'longer' longer 1 'was altered or cut off'
bad 'another salt' salt 4 'the passphrase is wrong, or the file was altered'
bad 'another file' charter 1 'is something else'
bad 'no file' nothing 3 'nothing: cannot be opened: No such file'
echo 'another one' >wrong
check_status 'a wrong passphrase' 4 "$detente" --home us restore us.backup --backup-passphrase-file wrong
check_status 'not over a home' 1 "$detente" --home ru restore us.backup
check_status 'that home is as it was' 0 as ru status

echo 'a new passphrase for the new home' >fresh
check_status 'restored, under a new passphrase' 0 "$detente" --home us restore us.backup --passphrase-file fresh \
    --backup-passphrase-file "$DT_WORK/passphrase"
check_line 'from when' '^restored from the backup made 20' "$DT_WORK/out"
check_status 'the old passphrase does not open it' 4 as us status
us() { "$detente" --home us "$@" --passphrase-file "$DT_WORK/fresh"; }
check_status 'status' 0 us status
check_line 'says what it is' '^this home was made of a backup of 20' "$DT_WORK/out"
check_line 'the desk is there' 'Ana, first watch has the desk' "$DT_WORK/out"
check_line 'the channel is to be joined anew' 'plenary +broken: re-join' "$DT_WORK/out"
check_status 'nothing is said under no state' 1 us send plenary 'too early'
check_status 'records' 0 us records --json
grep -c '"commitment"' "$DT_WORK/out" >n
[ "$(cat n)" = 2 ] && pass 'both records are there' || fail "$(cat n) records"
check_status 'talk' 0 us read plenary
check_line 'is there' 'before the backup' "$DT_WORK/out"
check_no_line 'what was said later is not' 'after the backup' "$DT_WORK/out"
id=$(us read plenary --json | python3 -c 'import json, sys
print([m["id"] for m in json.load(sys.stdin)["talk"] if m.get("kind") == "file" or m.get("file")][0])')
check_status 'the file that was sent' 0 us save plenary "$id" --out file.back
check_same 'byte for byte' file.bin file.back
check_status 'how it was understood' 0 us read plenary
check_line 'is there' 'that there was something before' "$DT_WORK/out"
check_status 'every row holds' 0 us check

round() { us sync >/dev/null 2>&1; as ru sync >/dev/null 2>&1; as med sync >/dev/null 2>&1; }
for i in 1 2 3 4 5 6; do round; done
us channels --json >channels
check_line 'it is back by itself' '"state": "live"' channels
check_line 'and confirmed' '"confirmed": true' channels
check_status 'it speaks' 0 us send plenary 'from the restored home'
check_status 'it makes records' 0 us receipt 1 --yes
for i in 1 2 3; do round; done
for who in ru med; do
    n=$(times $who 'from the restored home')
    [ "$n" = 1 ] && pass "$who has it once" || fail "$who has it $n times"
    n=$(times $who 'waits to be sent')
    [ "$n" = 1 ] && pass "$who has nothing twice" || fail "$who has an old one $n times"
    check_status "$who: no alarm" 0 as $who alarms
    [ ! -s "$DT_WORK/out" ] && pass "$who: no alarm" || { fail "$who: alarms"; cat "$DT_WORK/out"; }
done
us alarms >alarms
check_line 'it says that it missed something' 'cannot be read by it: ask the others' alarms

# The lost one is found again.
check_status 'the lost home syncs' 0 as us.lost sync
[ "$(state_of us.lost state)" = broken ] && [ "$(state_of us.lost lapse)" = copy ] &&
    pass 'it is recognised as a copy' || fail "it is $(state_of us.lost state), $(state_of us.lost lapse)"
check_status 'it says nothing' 1 as us.lost send plenary 'from the lost one'
for i in 1 2 3; do round; as us.lost sync >/dev/null 2>&1; done
us channels --json >channels
check_line 'the restored one keeps the seat' '"state": "live"' channels

# The old backup again, after a re-join: its seat is not there any more, and it learns which one is.
check_status 'restored once more' 0 "$detente" --home us.second restore us.backup --passphrase-file "$DT_WORK/fresh" \
    --backup-passphrase-file "$DT_WORK/passphrase" --quiet
mv us us.first
mv us.second us
for i in 1 2 3 4 5 6; do round; done
us channels --json >channels
check_line 'back by itself again' '"state": "live"' channels
stores_whole ru med
scenario_end
