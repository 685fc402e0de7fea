#!/usr/bin/env bash
# Goal: a stick that is full, that can only be read, and whose user is killed in the middle of anything: what was said waits at
# its author's and arrives once when the stick is well again, in one clear line until then; nothing that was said is lost or
# there twice, and the file stays one that opens. Likewise on FAT and exFAT where this system has them.
# DT_KILL_LOOP says how many kills.
# builds: build-clang build-gcc build
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
umask 077
echo 'a passphrase for the exercise' >passphrase
export DETENTE_PASSPHRASE_FILE=$DT_WORK/passphrase
unset DETENTE_RELAY
shim=$DT_BIN/tests/tools/killshim.so
kills=${DT_KILL_LOOP:-12}

# A file system of our own needs root, or a user namespace with a mount namespace: then this script runs in one.
if [ "$(id -u)" != 0 ] && [ -z "${DT_IN_NAMESPACE:-}" ] && unshare -Urm true 2>/dev/null; then
    DT_IN_NAMESPACE=1 exec unshare -Urm bash "$0" "$@"
fi
mounted=()
unmount_all() {
    local m
    for m in "${mounted[@]}"; do umount "$m" 2>/dev/null || umount -l "$m"; done
    mounted=()
}
trap 'unmount_all; stop_daemons' EXIT
eval "$(declare -f scenario_end | sed '1s/.*/end_of_any()/')"
scenario_end() {
    cd "$DT_WORK" || exit 1
    unmount_all
    end_of_any
}
need() { # a step without which nothing else is worth a look
    "$@" >out 2>err </dev/null && return
    fail "exit status $?: $*"
    tail -n 20 out err
    scenario_end
}
as() { # HOME COMMAND...
    local who=$1
    shift
    "$detente" --home "$who" --quiet "$@"
}
settle() { # until nobody has anything left to say
    local round busy who
    for ((round = 1; round <= 20; round++)); do
        busy=no
        for who in us ru med; do
            need as "$who" sync --json
            grep -qE '"(received|sent|waiting|seals_submitted)": [1-9]' out && busy=yes
        done
        [ $busy = yes ] || return 0
    done
    fail 'no rest after 20 rounds'
}
times() { # HOME TEXT: how often it has that message
    as "$1" read plenary --json 2>/dev/null | grep -cF "\"text\": \"$2\""
}
declare -A party=([us]=north [ru]=south [med]=neutral) name=([us]='Ana North' [ru]='Boris South' [med]='Mira Mediator')

# forum STICK: three homes, a plenary, on a new file there
forum() {
    local who p witnesses=()
    stick=$1
    rm -rf us ru med desk grants ./*.root ./*.root.pub ./*.witness
    mkdir desk
    for who in us ru med; do
        p=${party[$who]}
        need "$detente" root new --out "$p.root"
        need "$detente" witness keygen --name "witness.example/$p" --out "$p.witness"
        witnesses+=(--witness "$p=$(cat out)")
    done
    need "$relay_program" grant --store "$stick/forum.detente" --url file:forum.detente --out grants \
        --party north --party south --party neutral "${witnesses[@]}"
    need "$detente" charter draft --grant grants/neutral.grant --title Exercise --out desk/charter \
        --party north=north.root.pub --party south=south.root.pub --mediator neutral=neutral.root.pub
    for p in north south neutral; do need "$detente" charter sign --root "$p.root" desk/charter; done
    for who in us ru med; do
        p=${party[$who]}
        need "$detente" --home "$who" init --charter desk/charter --grant "grants/$p.grant" --party "$p" \
            --name "${name[$who]}" --title 'Delegate (exercise)'
        need as "$who" letter request --out "$who.request"
        need "$detente" letter issue --root "$p.root" --charter desk/charter --request "$who.request" --out "desk/$who.letter"
        rm "$who.request"
    done
    for who in us ru med; do need as "$who" letter import desk/{us,ru,med}.letter; done
    for who in us ru med; do need "$detente" --home "$who" --relay "file:$stick/forum.detente" sync; done
    need as med found plenary --kind plenary --with 'Ana North' --with 'Boris South'
    settle
    for who in us ru; do need as "$who" accept plenary; done
    settle
}
sound() { # WHAT: the file on the stick is a store that opens, alone on it
    check_status "$1: the file is sound" 0 "$relay_program" check-config --store "$stick/forum.detente"
}
# refused WHAT REGEX: sync ends with 3, and one line that says REGEX
refused() {
    check_status "$1: a sync is refused" 3 as us sync || return
    if [ "$(wc -l <err)" = 1 ] && grep -qE "^detente: .*($2)" err; then
        pass "$1: in one line: $(cat err)"
    else
        fail "$1: expected one line with '$2': $(cat err)"
    fi
}

# waits WHAT TEXT: what us said meanwhile is with ru, once
waits() {
    need as us sync
    settle
    [ "$(times ru "$2")" = 1 ] && [ "$(times us "$2")" = 1 ] && pass "$1: what was said meanwhile arrived once" ||
        fail "$1: '$2' is there $(times ru "$2") times"
}

# trouble WHAT: a full stick, and one that can only be read
trouble() {
    dd if=/dev/zero of="$stick/filler" bs=4k >/dev/null 2>&1
    dd if=/dev/zero of="$stick/filler2" bs=512 >/dev/null 2>&1
    [ -s "$stick/filler" ] || { fail "$1: it could not be filled"; return; }
    need as us send plenary 'while it was full'
    refused "$1, full" 'space|full'
    check_status "$1, full: what is there is read" 0 as ru read plenary --json
    rm -f "$stick"/filler*
    waits "$1, full" 'while it was full'
    if mount -o remount,ro "$stick" 2>/dev/null; then
        need as us send plenary 'while it was read-only'
        refused "$1, read-only" 'read-only|readonly|cannot be written|permission'
        mount -o remount,rw "$stick"
        waits "$1, read-only" 'while it was read-only'
    else
        skip "$1: cannot be made read-only here"
    fi
    sound "$1"
}

# kill_loop WHAT: who sends, and who takes in, is killed at so many places of it; the next message goes out in spite of that
kill_loop() {
    local i at calls word lost=0 twice=0 said=0 n
    [ -e "$shim" ] || { skip "$1: no kill shim in $DT_BIN"; return; }
    rm -f count
    need env DT_KILL_PROGRAM=detente LD_PRELOAD="$shim" DT_KILL_COUNT_FILE="$DT_WORK/count" "$detente" --home us --quiet \
        send plenary 'counted'
    calls=$(head -n 1 count)
    [ "${calls:-0}" -gt 20 ] || { fail "$1: only ${calls:-0} calls were counted"; return; }
    : >places
    for ((i = 0; i < kills; i++)); do
        at=$((1 + i * (calls - 1) / (kills > 1 ? kills - 1 : 1)))
        # The sending, or what the other one takes in, in turn.
        env DT_KILL_PROGRAM=detente LD_PRELOAD="$shim" DT_KILL_AT=$at DT_KILL_HOW="$([ $((i % 2)) = 0 ] && echo half || echo after)" \
            DT_KILL_PLACE_FILE="$DT_WORK/places" "$detente" --home us send plenary "kill $i" >"kill.$i" 2>/dev/null </dev/null
        env DT_KILL_PROGRAM=detente LD_PRELOAD="$shim" DT_KILL_AT=$at DT_KILL_HOW=after \
            DT_KILL_PLACE_FILE="$DT_WORK/places" "$detente" --home ru --quiet sync >/dev/null 2>&1 </dev/null
        "$detente" --home us send plenary "calm $i" >"calm.$i" 2>/dev/null </dev/null # over what the kill has left
    done 2>/dev/null
    settle
    for ((i = 0; i < kills; i++)); do
        for word in kill calm; do
            n=$(times ru "$word $i")
            [ "$n" -le 1 ] || twice=$((twice + 1))
            [ -s "$word.$i" ] || continue
            said=$((said + 1))
            [ "$n" = 1 ] || lost=$((lost + 1))
        done
    done
    n=$(wc -l <places)
    [ "$n" -ge "$kills" ] && pass "$1: $n kills in a message of $calls calls" || fail "$1: only $n kills"
    [ $said -ge "$kills" ] && [ $lost = 0 ] && [ $twice = 0 ] && pass "$1: of $((2 * kills)) messages $said were acknowledged, none is lost or there twice" ||
        fail "$1: $lost of $said acknowledged messages are lost, $twice are there twice"
    sound "$1, after kills"
}

mkdir plain
if mount -t tmpfs -o size=2m tmpfs plain 2>/dev/null; then
    mounted+=("$PWD/plain")
    forum "$PWD/plain"
    trouble 'a stick'
    kill_loop 'a stick'
else
    skip 'no file system of our own here: neither full nor read-only'
    forum "$PWD/plain"
    kill_loop 'a stick'
fi
unmount_all

# The file systems that sticks have; exFAT also from FUSE, where the kernel has it not.
mount_kind() { # KIND: the image of that name, at the folder of that name
    mount -o loop -t "$1" "$1.image" "$1" || mount -o loop -t "$1-fuse" "$1.image" "$1"
}
for kind in vfat exfat; do
    make=$(command -v mkfs.$kind) && truncate -s 4m "$kind.image" && "$make" "$kind.image" >/dev/null 2>&1 && mkdir -p "$kind" &&
        mount_kind "$kind" >mount.out 2>&1 || { skip "no $kind here"; continue; }
    mounted+=("$PWD/$kind")
    forum "$PWD/$kind"
    trouble "a stick with $kind"
    kill_loop "a stick with $kind"
    unmount_all
done
scenario_end
