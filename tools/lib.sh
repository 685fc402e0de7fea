# shellcheck shell=bash
# What ./test, ./run and the scenarios share. Sourced, never run.

top=${top:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
logs=$top/build-logs

say() {
    printf '==> %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# memory_folder: a folder in memory, where a sync costs nothing, if there is one with 2 GB to spare; else the usual one.
memory_folder() {
    local free
    free=$(df -k --output=avail /dev/shm 2>/dev/null | tail -n 1)
    if [ -w /dev/shm ] && [ "${free:-0}" -gt 2000000 ]; then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}

# packages_for LEVEL: the names that tools/packages.txt lists up to that level, each with the program, if any, that
# makes it needless when it is there.
packages_for() {
    awk -v want="$1" 'BEGIN { n["run"] = 1; n["test"] = 2; n["long"] = 3 }
        /^[^#]/ && NF >= 2 && n[$2] <= n[want] { print $1, $3 }' "$top/tools/packages.txt"
}

# progress WHAT PERCENT: one line that grows by a number for every tenth of the way; in a pipe's last part only.
progress() {
    [[ $2 =~ ^[0-9]+$ ]] || return 0
    if [ "$1" != "${progress_what:-}" ]; then
        progress_end
        progress_what=$1
        progress_shown=0
        printf '    %s' "$1"
    fi
    while [ $((progress_shown + 10)) -le "$2" ]; do
        progress_shown=$((progress_shown + 10))
        printf ' %d' "$progress_shown"
    done
}
progress_end() {
    [ -z "${progress_what:-}" ] || printf ' %%\n'
    progress_what=
}

# Reads apt's status lines (kind:package:percent:text).
apt_progress() {
    local kind _ percent _rest
    while IFS=: read -r kind _ percent _rest; do
        case $kind in
        dlstatus) progress downloading "${percent%%.*}" ;;
        pmstatus) progress installing "${percent%%.*}" ;;
        esac
    done
    progress_end
}

# Reads ninja's lines ([12/345] ...).
ninja_progress() {
    local line
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] && progress compiling $((BASH_REMATCH[1] * 100 / BASH_REMATCH[2]))
    done
    progress_end
}

# need_packages LEVEL: installs from Debian's packages what is not installed yet.
need_packages() {
    local missing=() p program as_root=()
    command -v dpkg-query >/dev/null 2>&1 ||
        die "this needs Debian 12: dpkg is not here, so the packages of tools/packages.txt cannot be checked"
    while read -r p program; do
        if [ -n "$program" ] && command -v "$program" >/dev/null 2>&1; then
            continue
        fi
        [ "$(dpkg-query -W -f='${Status}' "$p" 2>/dev/null)" = 'install ok installed' ] || missing+=("$p")
    done < <(packages_for "$1")
    [ ${#missing[@]} -gt 0 ] || return 0

    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "Debian packages are missing, only root can install them, and there is no sudo here. As root:
    apt-get update && apt-get install --no-install-recommends ${missing[*]}
then start this again."
        as_root=(sudo)
        if [ "${CI:-}" = true ] || [ ! -t 0 ]; then
            as_root=(sudo -n)
        fi
    fi
    say "installing ${#missing[@]} Debian packages: ${missing[*]}"
    mkdir -p "$logs"
    "${as_root[@]}" apt-get update -q </dev/null >"$logs/apt.log" 2>&1 || {
        tail -n 5 "$logs/apt.log" >&2
        die "apt-get update failed; the whole output is in build-logs/apt.log"
    }
    # apt makes its status pipe non-blocking, so it gets one of its own: a package's script that writes to such a
    # pipe can fail. The inner shell opens it, because sudo closes what is above 2.
    # No service starts on this machine because a test wants its program: tools/no-services comes first in the PATH
    # of the packages' scripts.
    # shellcheck disable=SC2016
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c 'log=$1 first=$2; shift 2
        exec apt-get install -y -q --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 \
            -o DPkg::Path="$first:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
            -o DPkg::Lock::Timeout=300 "$@" 3>&1 >>"$log" 2>&1' sh "$logs/apt.log" "$top/tools/no-services" "${missing[@]}" \
        </dev/null | apt_progress
    if [ "${PIPESTATUS[0]}" != 0 ]; then
        tail -n 15 "$logs/apt.log" >&2
        die "apt-get install failed; the whole output is in build-logs/apt.log"
    fi
}

# cached COMPILER: the compiler's command line, through ccache when it is there.
cached() {
    if command -v ccache >/dev/null 2>&1; then
        echo "ccache $1"
    else
        echo "$1"
    fi
}

# configure DIR COMPILER OPTION...: sets a build folder up, anew when compiler or options have changed.
configure() {
    local dir=$top/$1 cc=$2 want linker=
    shift 2
    want="$cc $*"
    # The many large programs with sanitizers are linked in half the time by gold; what is released, by the usual one.
    if [[ $want == *b_sanitize=* ]] && command -v ld.gold >/dev/null 2>&1; then
        linker=gold
    fi
    if [ -f "$dir/build.ninja" ] && [ "$(cat "$dir/configured-with" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    rm -rf "$dir"
    mkdir -p "$logs"
    CC=$(cached "$cc") CC_LD=$linker meson setup "$dir" "$top" "$@" >"$logs/setup-${dir##*/}.log" 2>&1 || {
        tail -n 20 "$logs/setup-${dir##*/}.log" >&2
        return 1
    }
    printf '%s\n' "$want" >"$dir/configured-with"
}

# compile DIR [TARGET...]: builds, showing how far it is, and compiler output only when it fails.
compile() {
    local dir=$top/$1 log=$logs/compile-$1.log
    shift
    mkdir -p "$logs"
    ninja -C "$dir" "$@" 2>&1 </dev/null | tee "$log" | ninja_progress
    [ "${PIPESTATUS[0]}" = 0 ] || {
        # From the first failed rule on; without one (meson itself, a full disk) the end of the log.
        if grep -q '^FAILED' "$log"; then
            sed -n '/^FAILED/,$p' "$log" | grep -vE '^\[[0-9]+/[0-9]+\] ' | head -n 60 >&2
        else
            tail -n 40 "$log" >&2
        fi
        return 1
    }
}

# ---- Programs in the background: pid, start time and log in files, so that a later run can find and stop them.

# start_daemon NAME COMMAND...: in the background; log in $run_dir/NAME.log.
start_daemon() {
    local name=$1 pid
    shift
    mkdir -p "$run_dir"
    "$@" >>"$run_dir/$name.log" 2>&1 </dev/null 9>&- &
    pid=$!
    printf '%s %s\n' "$pid" "$(start_time "$pid")" >"$run_dir/$name.pid"
}

# start_time PID: the kernel's start time of the process, empty when it is gone; tells a reused id apart.
start_time() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# daemon_alive NAME
daemon_alive() {
    local pid when
    read -r pid when <"$run_dir/$1.pid" 2>/dev/null || return 1
    [ -n "$when" ] && [ "$(start_time "$pid")" = "$when" ] &&
        [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -c1)" != Z ]
}

# keep_daemons START NAME...: each that has ended is said, and started again by START NAME ten seconds later, twice as many
# after each time that it did not live for a minute. To be called again and again.
declare -gA daemon_ended daemon_begun daemon_pause
keep_daemons() {
    local start=$1 name
    shift
    for name in "$@"; do
        if daemon_alive "$name"; then
            [ $((SECONDS - ${daemon_begun[$name]:-$SECONDS})) -lt 60 ] || daemon_pause[$name]=${keep_pause:-10}
            continue
        fi
        if [ -z "${daemon_ended[$name]:-}" ]; then
            daemon_ended[$name]=$SECONDS
            : "${daemon_pause[$name]:=${keep_pause:-10}}"
            say "$name has ended (${run_dir#"$PWD"/}/$name.log); the rest goes on, and it is started again in ${daemon_pause[$name]} s"
        fi
        [ $((SECONDS - daemon_ended[$name])) -ge "${daemon_pause[$name]}" ] || continue
        "$start" "$name"
        daemon_ended[$name]='' daemon_begun[$name]=$SECONDS daemon_pause[$name]=$((daemon_pause[$name] * 2))
        say "$name is started again"
    done
}

# stop_daemon NAME: SIGTERM, five seconds of patience, then SIGKILL.
stop_daemon() {
    local name=$1 pid _ i
    if daemon_alive "$name"; then
        read -r pid _ <"$run_dir/$name.pid"
        kill -TERM "$pid" 2>/dev/null
        for ((i = 0; i < 100; i++)); do
            daemon_alive "$name" || break
            sleep 0.05
        done
        if daemon_alive "$name"; then
            printf '    %s did not stop in five seconds; killed\n' "$name" >&2
            kill -KILL "$pid" 2>/dev/null
        fi
        wait "$pid" 2>/dev/null
    fi
    rm -f "$run_dir/$name.pid"
}

# stop_daemons: all that start_daemon started under $run_dir, by this run or one before it.
stop_daemons() {
    local f
    for f in "${run_dir:?}"/*.pid; do
        [ -e "$f" ] || continue
        f=${f##*/}
        stop_daemon "${f%.pid}"
    done
}

# port_free PORT: nobody answers on loopback.
port_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# wait_port PORT [SECONDS]: until somebody answers there.
wait_port() {
    local i
    for ((i = 0; i < ${2:-10} * 20; i++)); do
        port_free "$1" || return 0
        sleep 0.05
    done
    return 1
}
