#!/usr/bin/env bash
# Goal: a wrong passphrase and a damaged or newer store give one clear line, and nothing on disk changes.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
need 'send' as us send plenary 'before the bad day'
settle us ru med

# unchanged WHAT: home us is as it was in the copy "good" or "bad"
fingerprint() {
    (cd "$1" && find . -type f ! -name '*-shm' -exec sha256sum {} + | sort)
}

# one_line WHAT REGEX: standard error of the last command is one line that says so
one_line() {
    if [ "$(grep -c . "$DT_WORK/err")" = 1 ] && grep -qE -- "$2" "$DT_WORK/err"; then
        pass "$1: $(cat "$DT_WORK/err")"
    else
        fail "$1: not one clear line matching $2"
        cat "$DT_WORK/err"
    fi
}

echo 'another passphrase' >wrong
fingerprint us >before
check_status 'a wrong passphrase is exit status 4' 4 "$detente" --home us --passphrase-file wrong status
one_line 'wrong passphrase' 'passphrase'
fingerprint us >after
check_same 'a wrong passphrase changes nothing on disk' before after

# bad NAME REGEX: home "bad" is damaged; status must fail with one line, and leave every byte
bad() {
    fingerprint bad >before
    "$detente" --home bad status >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null
    rc=$?
    if [ $rc -ge 1 ] && [ $rc -le 4 ]; then pass "$1: refused (exit status $rc)"; else fail "$1: exit status $rc"; fi
    one_line "$1" "$2"
    fingerprint bad >after
    check_same "$1: nothing changed on disk" before after
}

size=$(wc -c <us/store.db)
for keep in 0 100 4096 $((size / 2)) $((size - 512)); do
    rm -rf bad && cp -a us bad && truncate -s "$keep" bad/store.db
    bad "truncated to $keep bytes" 'store'
done
RANDOM=20261122
for ((i = 0; i < 12; i++)); do
    at=$(((RANDOM * 32768 + RANDOM) % size))
    rm -rf bad && cp -a us bad
    byte=$(od -An -tu1 -j "$at" -N 1 bad/store.db)
    # shellcheck disable=SC2059
    printf "\\x$(printf %x $((byte ^ (1 << (RANDOM % 8)))))" | dd of=bad/store.db bs=1 seek="$at" conv=notrunc status=none
    fingerprint bad >before
    "$detente" --home bad check >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null
    rc=$?
    fingerprint bad >after
    # A bit in a page that nothing uses may go unnoticed; then everything must still be there.
    if [ $rc = 0 ]; then
        "$detente" --home bad read plenary >"$DT_WORK/out" 2>"$DT_WORK/err"
        check_line "a flipped bit at byte $at lies in unused space: all is still there" 'before the bad day' "$DT_WORK/out"
    else
        one_line "a flipped bit at byte $at" .
        check_same "a flipped bit at byte $at: nothing changed on disk" before after
    fi
done

# The schema's version is SQLite's user_version: bytes 60 to 63 of the file.
rm -rf bad && cp -a us bad
printf '\x00\x00\x03\xe7' | dd of=bad/store.db bs=1 seek=60 conv=notrunc status=none
bad 'a store of a newer version' 'newer'

rm -rf bad && cp -a us bad
"$detente" --home bad read plenary >"$DT_WORK/out" 2>"$DT_WORK/err"
check_line 'an untouched copy still reads' 'before the bad day' "$DT_WORK/out"

# ---- rows taken away by who can write to the file: noticed by who reads them, and by what looks at all ----

# without TABLE: home "bad" is "us" without the rows of that table
without() {
    rm -rf bad && cp -a us bad
    python3 - "$1" <<'PY'
import sqlite3
import sys
db = sqlite3.connect('bad/store.db')
if not db.execute('DELETE FROM row WHERE tab = ?', (sys.argv[1],)).rowcount:
    sys.exit('no rows of table ' + sys.argv[1])
db.commit()
db.close()
PY
}

# refuses WHAT COMMAND...: it fails for the rows
refuses() {
    what=$1
    shift
    check_status "$what: refused" 1 timeout 60 "$detente" --home bad "$@" </dev/null
    check_line "$what: says why" 'rows were altered, removed or put back' "$DT_WORK/err"
}

need 'talk is there to be taken away' without talk
refuses 'talk that was removed is not taken for none' read plenary
refuses 'check' check
need 'something that nobody asks for is' without shown
refuses 'check' check
refuses 'the agent' agent
refuses 'a backup' backup bad.backup
[ ! -e bad.backup ] && pass 'and none is made' || fail 'a backup was made all the same'

# ---- a relay's store of some megabytes, which is served before all its pages are looked at ----
stop_daemon relay
python3 - <<'PY'
import sqlite3
db = sqlite3.connect('relay.db')
db.execute('PRAGMA secure_delete=ON')
reg, = db.execute('SELECT id FROM register').fetchone()
db.executemany('INSERT INTO seen(register, mark, idx) VALUES (?, ?, ?)',
               ((reg, (i * 0x9e3779b97f4a7c15) & (2**63 - 1), 2**40 + i) for i in range(120000)))
db.commit()
db.close()
PY
size=$(wc -c <relay.db)
[ "$size" -gt $((2 << 20)) ] && [ "$size" -lt $((16 << 20)) ] && pass "a store of $size bytes" || fail "a store of $size bytes"
cp relay.db whole.db
start_relay
sleep 1
daemon_alive relay && pass 'is served, and goes on' || fail "it ended: $(cat "$run_dir/relay.log")"
stop_daemon relay
rm -f relay.db-wal relay.db-shm
cp whole.db relay.db
head -c 64 /dev/zero | dd of=relay.db bs=4096 seek=$((size / 8192)) conv=notrunc status=none
check_status 'one with a damaged page is not served for long' 1 timeout 30 "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT"
check_line 'and says why' 'relay\.db: is damaged: its pages do not fit together' err
scenario_end
