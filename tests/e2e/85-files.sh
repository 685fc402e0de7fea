#!/usr/bin/env bash
# Goal: a file of 64 MiB goes through a channel in pieces, while both sides are killed in the middle; it comes out as it
# went in, nobody needs memory for the whole of it, and half of it is never shown as the file.
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
charter_options=(--file-max 64)
forum
check_status 'the charter says how long a file may be' 0 "$detente" charter show charter
check_line 'in words' 'files    at most 64 MiB each' out
plenary

# The most memory that a command had, in KiB, in peak; its status is the command's.
peak() {
    python3 - "$@" <<'END'
import resource, subprocess, sys
rc = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=open('out', 'wb'), stderr=open('err', 'wb')).returncode
open('peak', 'w').write('%d\n' % resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(rc)
END
}
bounded() { # WHAT COMMAND...: succeeds with less than 60 MB
    local what=$1
    shift
    if peak "$@"; then pass "$what"; else fail "$what: $(tail -n 3 err)"; fi
    if nm -D "$detente" 2>/dev/null | grep -q __asan_init; then
        skip "$what: memory, of which a sanitizer takes its own"
        return
    fi
    [ "$(cat peak)" -lt 60000 ] && pass "$what: $(cat peak) KiB" || fail "$what: $(cat peak) KiB of memory"
}
# killed WHO SECONDS: a sync of WHO that is killed
killed() {
    "$detente" --home "$1" sync >/dev/null 2>&1 &
    local pid=$!
    sleep "$2"
    kill -9 $pid 2>/dev/null && pass "$1 is killed in the middle of a sync" || skip "$1's sync was over sooner"
    wait $pid 2>/dev/null
}

head -c $((64 << 20)) /dev/urandom >big.bin
sum=$(sha256sum <big.bin)
head -c $(((64 << 20) + 1)) /dev/zero >bigger.bin
check_status 'more than the limit' 1 "$detente" --home us send plenary --file bigger.bin
rm bigger.bin
"$detente" --home us read plenary >read.0
"$detente" --home us send plenary --file big.bin >/dev/null 2>&1 &
pid=$!
sleep 0.4
kill -9 $pid 2>/dev/null && pass 'killed while it takes the file in' || skip 'the file was taken in sooner'
wait $pid 2>/dev/null
if "$detente" --home us read plenary | grep -q big.bin; then
    skip 'it had been taken in whole'
else
    pass 'then there is nothing of it'
    bounded 'a file of 64 MiB is taken in' "$detente" --home us send plenary --file big.bin
fi
check_status 'read' 0 "$detente" --home us read plenary
check_line 'it is on its way' "under way: file 'big.bin' of Ana North .*67108864 bytes: 0 of 137 pieces are in the channel" out
killed us 1.5
killed us 1
for i in $(seq 40); do
    need 'sync' as us sync --json
    grep -q '"waiting": 0' "$DT_WORK/need.out" && break
    sleep 0.5
done
check_status 'read' 0 "$detente" --home us read plenary
check_no_line 'all pieces are in the channel' 'under way' out
# However fast the machine: a little later each time, until it is in the middle.
for t in 0.1 0.15 0.2 0.3 0.5 0.8 1.2 2 4; do
    killed ru $t
    "$detente" --home ru read plenary >out 2>&1
    grep -qE 'under way|detente save' out && break
done
if grep -q 'detente save' out; then
    skip 'the file arrived between two kills'
else
    check_line 'some have arrived' 'under way: file .big.bin. of Ana North .* pieces have arrived' out
    check_no_line 'and that is not shown as the file' 'detente save' out
fi
killed ru 0.1
bounded 'the rest arrives' "$detente" --home ru sync
for i in 1 2 3 4 5; do need 'sync' as ru sync; done
check_status 'read' 0 "$detente" --home ru read plenary
check_no_line 'nothing is under way' 'under way' out
check_line 'the file is there' "file 'big.bin', 67108864 bytes" out
number=$(sed -nE "s/.*detente save plenary ([0-9]+) .*/\1/p" out | tail -1)
: >got.bin
check_status 'what is there is not overwritten' 1 "$detente" --home ru save plenary "$number" --out got.bin
rm got.bin
bounded 'saved' "$detente" --home ru save plenary "$number" --out got.bin
[ "$(sha256sum <got.bin)" = "$sum" ] && pass 'byte for byte' || fail 'another file came out'
[ ! -e got.bin.part ] && [ "$(stat -c %a got.bin)" = 600 ] && pass 'whole, and for its owner alone' || fail "$(ls -l)"
"$detente" --home us save plenary "$("$detente" --home us read plenary | sed -nE "s/.*detente save plenary ([0-9]+) .*/\1/p")" \
    --out - | sha256sum >own.sum
[ "$(cat own.sum)" = "$sum" ] && pass 'its sender has it too' || fail 'its sender has another file'
need 'sync' as us sync
check_status 'read' 0 "$detente" --home us read plenary
check_line 'and knows by the receipt that it arrived' 'arrived at 1 of 2' out

# On a terminal it is seen that it moves, from the first second on.
: >script
began=$(date +%s%N)
python3 "$top/tests/e2e/terminal.py" script "$detente" --home med sync >shown 2>&1
took=$((($(date +%s%N) - began) / 1000000))
if grep -qE 'sync: [1-9][0-9]* received, 0 sent' shown; then
    pass 'on a terminal a long sync shows that it moves'
elif [ $took -lt 1500 ]; then
    skip "the sync took $took ms: nothing is shown of it"
else
    fail "a sync of $took ms showed nothing: $(tail -n 3 shown)"
fi
python3 "$top/tests/e2e/terminal.py" script "$detente" --home med sync >shown.after 2>&1
check_no_line 'a short one shows nothing' 'sync: ' shown.after

# A record with a file
head -c 700000 /dev/urandom >photo.jpg
incident=(--field reporter=monitor --field observer_position=52.08,4.31 --field observed_from=2026-11-20T10:00:00Z
    --field observed_to=2026-11-20T10:04:00Z --field means=heard --field place_precision=within_5km --field kind=burst
    --field count=3 --field weapon=unknown --field confidence=medium)
check_status 'no yes' 4 "$detente" --home us record incident plenary "${incident[@]}" --attach photo.jpg
check_status 'read' 0 "$detente" --home us read plenary
check_no_line 'nothing leaves before the yes' 'photo.jpg' out
check_status 'a kind that has no place for it' 2 "$detente" --home us record heartbeat plenary --yes --attach photo.jpg
check_status 'a record with a file' 0 "$detente" --home us record incident plenary --yes "${incident[@]}" --attach photo.jpg
settle us ru med
check_status 'the record' 0 "$detente" --home ru show 1
check_line 'has its hash' "evidence +$(sha256sum <photo.jpg | cut -c1-64)" out
check_status 'read' 0 "$detente" --home ru read plenary
number=$(sed -nE "s/.*file 'photo.jpg', 700000 bytes: detente save plenary ([0-9]+) .*/\1/p" out)
check_status 'and the file is there' 0 "$detente" --home ru save plenary "$number" --out photo.out
check_same 'the same' photo.jpg photo.out

# Files are in a backup
bounded 'a backup' "$detente" --home ru backup ru.backup
check_status 'restored' 0 "$detente" --home ru3 restore ru.backup
check_status 'the file in pieces is in it' 0 "$detente" --home ru3 save plenary "$number" --out photo.again
check_same 'whole' photo.jpg photo.again
stores_whole us ru ru3
scenario_end
