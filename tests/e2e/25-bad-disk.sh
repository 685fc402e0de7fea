#!/usr/bin/env bash
# Goal: full disk, read-only and unreadable home and store, no more descriptors: one clear line, nothing acknowledged
# is lost, and everything goes on when the disk has room, the mode is right or descriptors are free.
# builds: build-clang build-gcc build build-asan
# seconds: 600
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# A file system of our own needs root, or a user namespace with a mount namespace: then this script runs in one.
# One that may not mount says so below, and goes on with the rest.
if [ "$(id -u)" != 0 ] && [ -z "${DT_IN_NAMESPACE:-}" ] && unshare -Urm true 2>/dev/null; then
    DT_IN_NAMESPACE=1 exec unshare -Urm bash "$0" "$@"
fi
. "$top/tests/e2e/forum.sh"
need_programs

# refused WHAT STATUS REGEX COMMAND...: ends with STATUS and exactly one line, which says REGEX.
refused() {
    local what=$1 status=$2 regex=$3
    shift 3
    check_status "$what" "$status" "$@" || return
    if [ "$(wc -l <err)" = 1 ] && grep -qE -- "^detente(-relay)?: .*($regex)" err; then
        pass "$what: says so in one line: $(cat err)"
    else
        fail "$what: expected one line with '$regex': $(cat err)"
    fi
}

# small_disk DIR: 1 MiB of its own at DIR
small_disk() {
    mkdir -p "$1"
    mount -t tmpfs -o size=1m tmpfs "$1" 2>/dev/null && mounted+=("$1")
}
mounted=()
unmount_all() {
    local m
    stop_daemons
    for m in "${mounted[@]}"; do umount "$m" 2>/dev/null || umount -l "$m"; done
}
trap unmount_all EXIT
# Also when a step of the set-up ends the scenario: its folder could not be removed otherwise.
eval "$(declare -f scenario_end | sed '1s/.*/end_of_any()/')"
scenario_end() {
    unmount_all
    mounted=()
    end_of_any
}

fill() {
    dd if=/dev/zero of="$1/filler" bs=1k >/dev/null 2>&1 || true
    [ -s "$1/filler" ]
}

forum
plenary
REGISTER=http://127.0.0.1:$PORT$register
witness() { # NAME STATE
    "$detente" witness run --once --key "$1.witness" --state "$2" --register "$REGISTER" --vkey "$vkey"
}
sed 's/United States/north/g; s/Russia/south/g' "$top/examples/contacts/contacts.csv" >contacts.csv
contact() { # ROW: seals something, so that the register grows
    as ru record contact plenary --csv contacts.csv --row "$1" --yes --quiet
}

# ---- a full disk ----
if small_disk disk-us; then
    cp -r us/. disk-us/ && chmod 700 disk-us
    "$detente" --home disk-us send plenary 'while there was room' >sent 2>err || fail "send on a small disk: $(cat err)"
    if fill disk-us; then pass 'the disk of the home is full'; else fail 'the disk could not be filled'; fi
    full=0
    for i in 1 2 3 4 5 6; do
        "$detente" --home disk-us send plenary "full $i" >sent.$i 2>err.$i </dev/null
        rc=$?
        case $rc in
        0) [ -s sent.$i ] || fail "send $i said done without an id" ;;
        3)
            full=$((full + 1))
            cp err.$i err
            [ "$(wc -l <err)" = 1 ] && [ ! -s sent.$i ] || fail "send $i on a full disk: $(cat err)"
            ;;
        *) fail "send $i on a full disk: status $rc: $(cat err.$i)" ;;
        esac
    done
    [ $full -gt 0 ] && check_line "$full of 6 sends on a full disk are refused in one line" '^detente: .*(space|full|disk)' err
    rm disk-us/filler
    check_status 'the store is whole' 0 "$detente" --home disk-us check
    check_status 'there is room again: send' 0 "$detente" --home disk-us send plenary 'there is room again'
    need 'sync' "$detente" --home disk-us sync
    settle ru med
    need 'sync' "$detente" --home disk-us sync
    "$detente" --home ru read plenary --json >ru.json
    wrong=0
    for i in 1 2 3 4 5 6; do
        want=0
        [ -s sent.$i ] && want=1
        [ "$(grep -cF "\"text\": \"full $i\"" ru.json)" = $want ] || { wrong=1; echo "full $i: expected $want"; }
    done
    for text in 'while there was room' 'there is room again'; do
        [ "$(grep -cF "\"text\": \"$text\"" ru.json)" = 1 ] || { wrong=1; echo "$text is not there once"; }
    done
    [ $wrong = 0 ] && pass 'what was acknowledged arrived once, what was refused did not' || fail 'full disk: wrong messages'
    rm -rf us && cp -r disk-us us # the one store goes on; the copy before it is gone

    # the relay's store
    stop_daemon relay
    small_disk disk-relay
    cp relay.db relay.db.sealing-key relay.db.signed disk-relay/
    store=$DT_WORK/disk-relay/relay.db
    start_daemon relay "$relay_program" serve --store "$store" --listen "127.0.0.1:$PORT"
    wait_port "$PORT" || fail 'the relay does not start on a small disk'
    fill disk-relay || fail 'the relay'\''s disk could not be filled'
    need 'send' as us send plenary 'to a full relay'
    refused_once=0
    for i in 1 2 3 4; do
        as us sync >out 2>err </dev/null || { refused_once=$((refused_once + 1)) && cp err full.err; }
        as ru send plenary "to a full relay $i" >/dev/null
        as ru sync >/dev/null 2>&1
    done
    [ $refused_once -gt 0 ] && pass "syncs with a relay on a full disk are refused: $(tail -n 1 full.err)" ||
        fail 'a relay on a full disk took everything'
    check_line 'and it is said why' 'answered 503 \(its disk is full\)' full.err
    rm disk-relay/filler
    settle us ru med
    for who in us ru med; do
        [ "$(times $who 'to a full relay')" = 1 ] && [ "$(times $who 'to a full relay 4')" = 1 ] ||
            fail "$who has not everything once after the relay's disk was full"
    done
    pass 'the relay goes on by itself when there is room'
    stop_daemon relay
    check_status "the relay's store is sound" 0 "$relay_program" check-config --store "$store"
    cp disk-relay/relay.db* .
    store=relay.db # the small disk has done its work
    start_relay

    # a witness's state
    small_disk disk-witness
    need 'record' contact c10
    settle us ru med
    check_status 'a witness on a small disk' 0 witness north disk-witness/state
    fill disk-witness || fail 'the disk of the witness could not be filled'
    need 'record' contact c11
    settle us ru med
    if witness north disk-witness/state >out 2>err; then
        pass 'a witness found room in its own file'
    else
        refused 'a witness on a full disk' 3 'space|full|disk' witness north disk-witness/state
        rm disk-witness/filler
        check_status 'goes on when there is room' 0 witness north disk-witness/state
    fi
else
    skip 'no file system of our own can be mounted here: full disks were not tried'
fi

# ---- modes, as a user who is not root ----
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && setpriv --reuid nobody --regid nogroup --clear-groups true 2>/dev/null &&
    setpriv --reuid nobody --regid nogroup --clear-groups test -x "$detente"; then
    nobody() { setpriv --reuid nobody --regid nogroup --clear-groups "$@"; }
elif [ "$(id -u)" != 0 ]; then
    nobody() { "$@"; }
else
    nobody() { return 99; }
    skip "another user cannot run $detente here: modes were not tried"
fi
nobody true
if [ $? != 99 ]; then
    mkdir modes && cp -r us modes/us && cp passphrase modes/ && cp relay.db relay.db.sealing-key modes/
    chmod 755 "$DT_WORK"
    [ "$(id -u)" != 0 ] || chown -R nobody:nogroup modes
    export DETENTE_PASSPHRASE_FILE=$DT_WORK/modes/passphrase
    check_status 'the other user reads its home' 0 nobody "$detente" --home modes/us read plenary
    chmod 500 modes/us && chmod 400 modes/us/*
    sha256sum modes/us/store.db >before
    refused 'a read-only home' 3 'read-only|cannot be opened|ermission' nobody "$detente" --home modes/us send plenary 'no'
    sha256sum modes/us/store.db >after
    check_same 'a read-only home stays as it is' before after
    chmod 000 modes/us
    refused 'an unreadable home' 3 'ermission' nobody "$detente" --home modes/us read plenary
    chmod 700 modes/us && chmod 600 modes/us/*
    check_status 'with its modes back it goes on' 0 nobody "$detente" --home modes/us send plenary 'yes'
    chmod 400 modes/relay.db
    refused 'a read-only store of the relay' 3 'read-only|cannot be opened|ermission' nobody "$relay_program" serve \
        --store modes/relay.db --listen "127.0.0.1:$(free_port)"
    chmod 600 modes/relay.db && chmod 500 modes
    rm -f modes/relay.db.serving modes/relay.db.signed
    refused 'a folder where the relay may make no file' 3 'ermission|cannot open' nobody "$relay_program" serve \
        --store modes/relay.db --listen "127.0.0.1:$(free_port)"
    chmod 700 modes
    export DETENTE_PASSPHRASE_FILE=$DT_WORK/passphrase
fi

# ---- no more descriptors ----
few() { # N COMMAND...
    # shellcheck disable=SC2016
    bash -c 'ulimit -n "$1"; shift; exec "$@"' few "$@"
}
for n in 3 4 5 6 8; do
    few $n "$detente" --home med read plenary >out 2>err </dev/null
    rc=$?
    if [ $rc = 3 ] && [ "$(grep -c '' err)" = 1 ] && grep -q '^detente: ' err; then
        pass "with $n descriptors the agent says: $(cat err)"
    elif [ $rc = 0 ]; then
        pass "$n descriptors are enough to read"
    elif grep -q 'error while loading shared libraries\|Sanitizer' err; then
        pass "with $n descriptors the program cannot be loaded"
    else
        fail "with $n descriptors: status $rc: $(cat err)"
    fi
done
check_status 'the store is whole' 0 as med check
# The witness: each time there is something to sign.
for n in 4 5 6 7 8; do
    need 'record' contact c1$((n % 3))
    need 'sync' as ru sync
    few $n "$detente" witness run --once --key south.witness --state south.state --register "$REGISTER" --vkey "$vkey" \
        >out 2>err </dev/null
    rc=$?
    if [ $rc = 3 ] && [ "$(grep -c '' err)" = 1 ] && grep -q '^detente: ' err; then
        pass "with $n descriptors the witness says: $(cat err)"
    elif [ $rc = 0 ] && grep -q 'cosigned size' err; then
        pass "$n descriptors are enough to cosign"
    elif grep -q 'error while loading shared libraries\|Sanitizer' err; then
        pass "with $n descriptors the program cannot be loaded"
    else
        fail "with $n descriptors the witness: status $rc: $(cat err)"
    fi
    check_status '  with enough it goes on' 0 witness south south.state
done
stop_daemon relay
few 40 "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" >out 2>err </dev/null
rc=$?
[ $rc = 2 ] && [ "$(wc -l <err)" = 1 ] && pass "a relay with too few descriptors does not start: $(cat err)" ||
    fail "a relay with too few descriptors: status $rc: $(cat err)"
# shellcheck disable=SC2016
start_daemon relay bash -c 'ulimit -n 80; exec "$@"' few "$relay_program" serve --store relay.db --connections 16 \
    --listen "127.0.0.1:$PORT"
wait_port "$PORT" || fail 'the relay does not start with 80 descriptors'
# Hold so many connections that none is left; those inside are served, the relay does not spin, and goes on after.
python3 - "$PORT" <<'PY' &
import socket, sys, time
held = []
for _ in range(120):
    s = socket.socket()
    s.settimeout(1)
    try:
        s.connect(('127.0.0.1', int(sys.argv[1])))
        held.append(s)
    except OSError:
        pass
print(len(held), flush=True)
time.sleep(6)
PY
holder=$!
sleep 1.5
read -r pid _ <"$run_dir/relay.pid"
ticks() { sed 's/.*) //' "/proc/$pid/stat" | awk '{print $12 + $13}'; }
was=$(ticks)
sleep 3
spent=$(($(ticks) - was))
[ $spent -lt 100 ] && pass "out of descriptors the relay takes $spent hundredths of a second in three" ||
    fail "out of descriptors the relay spins: $spent hundredths of a second in three"
wait $holder
need 'send' as med send plenary 'when descriptors are free again'
settle us ru med
[ "$(times us 'when descriptors are free again')" = 1 ] && pass 'it goes on when descriptors are free' ||
    fail 'the relay did not go on'
scenario_end
