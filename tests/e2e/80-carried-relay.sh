#!/usr/bin/env bash
# Goal: the whole main job over a stick that is passed between three machines that never meet a network: each is a network
# namespace without any link, with a folder of its own, and has the stick only while it is plugged in there.
# builds: build-clang
# seconds: 300
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
need_programs
unshare -n true 2>/dev/null || { skip 'no network namespaces here'; scenario_end; }
umask 077
echo 'a passphrase for the exercise' >passphrase
export DETENTE_PASSPHRASE_FILE=$DT_WORK/passphrase
unset DETENTE_RELAY

# ---- three machines, one stick ----
declare -A party=([us]=north [ru]=south [med]=neutral) space=()
for m in us ru med; do
    mkdir -p "$m/port"
    start_daemon "machine-$m" unshare -n sleep 900
    read -r space[$m] _ <"$run_dir/machine-$m.pid"
done
for i in $(seq 50); do # until each has left our namespace
    n=0
    for m in us ru med; do
        [ "$(readlink "/proc/${space[$m]}/ns/net")" != "$(readlink /proc/self/ns/net)" ] && n=$((n + 1))
    done
    [ $n = 3 ] && break
    sleep 0.1
done
mkdir stick
holder=
plug() { # MACHINE: the stick is there now, and nowhere else; each machine has another name for the place
    [ "$holder" = "$1" ] && return
    if [ -n "$holder" ]; then mv "$holder/port/stick-$holder" "$1/port/stick-$1"; else mv stick "$1/port/stick-$1"; fi
    holder=$1
}
at() { # MACHINE COMMAND...: in its folder and its namespace
    local m=$1
    shift
    (cd "$m" && exec nsenter --net="/proc/${space[$m]}/ns/net" "$@")
}
as() { # MACHINE COMMAND...: detente there, with the stick plugged in
    local m=$1
    shift
    plug "$m"
    at "$m" "$detente" --home home --quiet "$@"
}
need() { # a step without which nothing else is worth a look
    "$@" >"$DT_WORK/out" 2>"$DT_WORK/err" </dev/null && return
    fail "exit status $?: $*"
    tail -n 20 "$DT_WORK/out" "$DT_WORK/err"
    scenario_end
}
round=0
settle() { # MACHINE...: the stick goes round until nobody has anything left to say
    local busy m
    for ((round = 1; round <= 20; round++)); do
        busy=no
        for m in "$@"; do
            need as "$m" sync --json
            grep -qE '"(received|sent|waiting|seals_submitted)": [1-9]' "$DT_WORK/out" && busy=yes
        done
        [ $busy = yes ] || return 0
    done
    fail "no rest after 20 rounds: $*"
}
witness_at() { # MACHINE: its party's witness looks at the stick once
    local m=$1 p=${party[$1]}
    plug "$m"
    need at "$m" "$detente" witness run --once --key "$p.witness" --state "$p.state" \
        --register "file:port/stick-$m/forum.detente$register" --vkey "$vkey"
}

for m in us ru med; do
    at "$m" cat /proc/net/dev >out
    check_line "machine $m is in a network namespace of its own" '^ *lo: +0 ' out
    check_no_line "machine $m has no link but its own" '^ *(l[^o:]|[^l :|])[^:|]*:' out
    check_status "and that one is down at $m" 1 at "$m" bash -c 'echo >/dev/tcp/127.0.0.1/9'
    check_line 'so that nothing is reached' 'unreachable' err
done

# ---- keys, grant, charter: by file, as ever; the grant's register is made on the stick ----
witnesses=()
for m in us ru med; do
    p=${party[$m]}
    need at "$m" "$detente" root new --out "$p.root"
    need at "$m" "$detente" witness keygen --name "witness.example/$p" --out "$p.witness"
    witnesses+=(--witness "$p=$(cat out)")
done
plug med
need at med "$relay_program" grant --store port/stick-med/forum.detente --url file:forum.detente --out grants \
    --party north --party south --party neutral "${witnesses[@]}"
files=$(ls -A med/port/stick-med)
[ "$files" = forum.detente ] && pass 'on the stick there is one file' || fail "on the stick there is: $files"
mkdir desk # papers that are handed over: charter, letters, proofs
for m in us ru; do
    mkdir -m 700 "$m/grants"
    mv "med/grants/${party[$m]}.grant" "$m/grants/"
    cp "$m/${party[$m]}.root.pub" desk/
done
cp med/neutral.root.pub desk/
need at med "$detente" charter draft --grant grants/neutral.grant --title Exercise --out ../desk/charter \
    --party north=../desk/north.root.pub --party south=../desk/south.root.pub --mediator neutral=../desk/neutral.root.pub
for m in us ru med; do need at "$m" "$detente" charter sign --root "${party[$m]}.root" ../desk/charter; done
need "$detente" charter show --json desk/charter
register=$(sed -nE 's|.*"register_path": "(/r/[0-9a-f]+)/?".*|\1|p' out)
vkey=$(sed -nE 's|.*"register_vkey": "(.*)".*|\1|p' out | sed 's|\\/|/|g')
check_line 'the charter names the file' '"file:forum\.detente"' out
forum=$("$detente" charter show --id desk/charter)

name_of() { case $1 in us) echo 'Ana North' ;; ru) echo 'Boris South' ;; *) echo 'Mira Mediator' ;; esac; }
for m in us ru med; do
    p=${party[$m]}
    need at "$m" "$detente" --home home init --charter ../desk/charter --grant "grants/$p.grant" --party "$p" \
        --name "$(name_of "$m")" --title 'Delegate (exercise)'
    need as "$m" letter request --out "$m.request"
    need at "$m" "$detente" letter issue --root "$p.root" --charter ../desk/charter --request "$m.request" \
        --out "../desk/$m.letter"
done
for m in us ru med; do need as "$m" letter import ../desk/{us,ru,med}.letter; done

plug med
check_status 'a stick that is not there is told' 3 at us "$detente" --home home --relay file:port/stick-us/forum.detente sync
check_line 'in words' 'is the stick in its place\?' err
plug us
check 'the first use says where the stick is' at us "$detente" --home home --relay file:port/stick-us/forum.detente sync
check 'from then on it is known' as us sync
for m in ru med; do
    plug $m
    need at $m "$detente" --home home --relay "file:port/stick-$m/forum.detente" sync
done

# ---- channel, talk ----
need as med found plenary --kind plenary --with 'Ana North' --with 'Boris South'
settle med us ru
need as us accept plenary
need as ru accept plenary
settle us ru med
head -c 307200 /dev/urandom >us/annex
need as us send plenary 'We begin with the record of contacts.'
need as us send plenary --file annex
annex=$(cat out)
need as ru send plenary 'Agreed.'
settle us ru med
for m in us ru med; do
    need as $m read plenary
    check_line "$m has what was said" 'record of contacts' out
    check_line "and the answer" 'Agreed' out
done
need as med save plenary "$annex" --out annex
check_same 'and 300 KB, byte for byte' us/annex med/annex

# ---- records, witnesses, answers ----
record_as() {
    need as "$1" record contact plenary --yes --set mode=call --set initiated_by=both --set 'parties=north;south' \
        --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z --set time_precision=exact \
        --set level=envoy --set 'participants=two envoys' --set "subjects=$2"
    commitment=$(cat out)
}
record_as us 'one contact'
first=$commitment
settle us ru med
for m in us ru med; do witness_at $m; done
settle us ru med
need as ru register status --json
check_line 'the entry is in the register' '"size": 1,' out
check_line 'cosigned by every party'\''s witness' '"final": 1,' out
need as ru countersign "$first" --yes
settle ru us med
fields=mode,parties,started_at
need as us consent "$first" --fields $fields --yes
need as ru consent "$first" --fields $fields --yes
settle us ru med
for m in us ru med; do witness_at $m; done
settle us ru med

# ---- a second delegate is refused for want of an approval; receipts ----
need as us status --json
check_no_line 'nobody owes a receipt' '"overdue": true' out
for m in us ru med; do
    need as $m alarms --json
    check_no_line "$m has no alarm" '"kind"' out
    check_status "$m: every row of the store is whole" 0 as $m check
done

# ---- the stranger ----
plug us
check 'it is opened' as us open "$first" --fields $fields --out ../desk/c.proof
check 'a stranger verifies the proof offline' at ru "$detente" verify ../desk/c.proof --forum "$forum"
plug ru
check 'and looks into the register on the stick' at ru "$detente" register check --proof ../desk/c.proof --forum "$forum" \
    --relay file:port/stick-ru/forum.detente
check 'whose store is sound' at ru "$relay_program" check-config --store port/stick-ru/forum.detente
files=$(ls -A "$holder/port/stick-$holder")
[ "$files" = forum.detente ] && pass 'and on the stick there is still one file' || fail "on the stick there is: $files"

# ---- copies of the stick ----
plug med
cp med/port/stick-med/forum.detente old-copy
need as us send plenary 'After the copy.'
need as us sync
need as us sync
plug us
cp us/port/stick-us/forum.detente newest
cp old-copy us/port/stick-us/forum.detente
need as us send plenary 'Waits.'
check_status 'an older copy of the stick is not used' 1 as us sync
check_line 'and told as what it is' 'an older state of it: it is not used' err
check_same 'nothing was written to it' old-copy us/port/stick-us/forum.detente
need as ru send plenary 'On the copy.'
need as ru sync # who has seen nothing newer cannot know
plug us
check_status 'nor is one that went on elsewhere' 1 as us sync
check_line 'in other words' 'went on without what was there then: it is not used' err
# What was said on the copy alone is told as missing, by those who miss it and by who said it.
cp newest us/port/stick-us/forum.detente
check 'the newest one is taken again' as us sync
plug ru
check_status 'and not by who went on with the copy' 1 as ru sync
check 'until told to' as ru stick accept
settle ru us med ru
need as ru send plenary 'And on.'
settle ru us med
for m in us ru med; do
    need as $m read plenary
    for text in 'After the copy' 'Waits' 'And on'; do
        n=$(grep -c "$text" out)
        [ "$n" = 1 ] && pass "$m has '$text' once" || fail "$m has '$text' $n times"
    done
    need as $m alarms
    case $m in
    ru) check_line 'who went on with the copy is told that it was another' 'another cell here than when it was read before' out ;;
    *) check_line "$m is told whose message is missing" 'Boris South.*earlier messages of this sender were not shown' out ;;
    esac
done
scenario_end
