# shellcheck shell=bash
# A real nginx with a configuration of packaging/nginx/ in front of a relay, for scenarios. Sourced after lib.sh. nginx
# runs as an unprivileged user, on free ports of loopback, in $DT_WORK/front.

nginx=$(command -v nginx || echo /usr/sbin/nginx)
front_modules=/usr/lib/nginx/modules
front_dir=$DT_WORK/front

# need_nginx: ends the scenario with a visible skip when there is none
need_nginx() {
    local what
    for what in "$nginx" "$front_modules/ngx_stream_module.so" "$(command -v openssl || echo openssl)"; do
        if [ ! -e "$what" ]; then
            skip "nginx, its stream module and openssl are needed (tools/packages.txt): $what is not there"
            scenario_end
        fi
    done
}

# front_user COMMAND...: in place of this shell, as nobody when we are root, else as we are; call it in a shell of its own
front_user() {
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
    else
        exec "$@"
    fi
}

# front_ca NAME: a certificate authority of our own, NAME.ca, and a certificate of it for localhost and 127.0.0.1,
# NAME.crt with NAME.key
front_ca() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=$1 authority" \
        -keyout "$1.ca.key" -out "$1.ca" 2>/dev/null &&
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj '/CN=localhost' \
            -keyout "$1.key" -out "$1.csr" 2>/dev/null &&
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >"$1.ext" &&
        openssl x509 -req -in "$1.csr" -CA "$1.ca" -CAkey "$1.ca.key" -CAcreateserial -days 30 -extfile "$1.ext" \
            -out "$1.crt" 2>/dev/null
}

# front_config KIND TLS PLAIN RELAY CERT [PREFIX]: the shipped file for KIND (stream, http) with what it says is to be edited
# edited, and a plain listener beside; and an nginx.conf that includes it as its head says, both with PREFIX before
# their names. Prints the name of the latter.
front_config() {
    local kind=$1 tls=$2 plain=$3 relay=$4 cert=$5 dir=$front_dir own=${6:-}$1 what
    mkdir -p "$dir"
    chmod 711 "$DT_WORK"
    cp "$cert.crt" "$cert.key" "$dir/"
    sed -e "s|listen 443 ssl;|listen 127.0.0.1:$tls ssl; listen 127.0.0.1:$plain;|" \
        -e "s|listen \[::\]:443 ssl;||" \
        -e "s|127\.0\.0\.1:8080|127.0.0.1:$relay|" \
        -e "s|/etc/detente-relay/tls\.|$dir/$cert.|" \
        -e "s|server_name relay\.example;|server_name localhost 127.0.0.1;|" \
        -e "s|/var/log/nginx/detente-relay\.log|$dir/$own.log|" \
        "$top/packaging/nginx/detente-relay-$kind.conf" >"$dir/$own.conf"
    {
        [ "$kind" != stream ] || echo "load_module $front_modules/ngx_stream_module.so;"
        echo "pid $dir/$own.pid; error_log $dir/$own.start.log crit; worker_processes 1; worker_rlimit_nofile 4096;"
        echo 'events { worker_connections 2048; }'
        if [ "$kind" = stream ]; then
            echo "include $dir/$own.conf;"
        else
            echo 'http {'
            for what in client_body proxy fastcgi uwsgi scgi; do
                echo "${what}_temp_path $dir/$own.$what;"
            done
            echo "include $dir/$own.conf; }"
        fi
    } >"$dir/$own.nginx.conf"
    [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$dir"
    echo "$dir/$own.nginx.conf"
}

# need_haproxy: ends the scenario with a visible skip when there is none
need_haproxy() {
    haproxy=$(command -v haproxy || echo /usr/sbin/haproxy)
    [ -e "$haproxy" ] || { skip "haproxy is needed (tools/packages.txt)"; scenario_end; }
}

# haproxy_config KIND TLS PLAIN RELAY CERT [PREFIX]: the shipped file for KIND (tcp, http) with what it says is to be
# edited edited, a plain listener beside, and the "global" of a main file before it. Prints its name.
haproxy_config() {
    local kind=$1 tls=$2 plain=$3 relay=$4 cert=$5 dir=$front_dir own=${6:-}$1
    mkdir -p "$dir"
    chmod 711 "$DT_WORK"
    cat "$cert.crt" "$cert.key" >"$dir/$cert.pem"
    {
        echo 'global'
        echo '    maxconn 2048'
        sed -e "s|bind :443 ssl|bind 127.0.0.1:$plain\n    bind 127.0.0.1:$tls ssl|" \
            -e "s|127\.0\.0\.1:8080|127.0.0.1:$relay|" -e "s|/etc/detente-relay/tls\.pem|$dir/$cert.pem|" \
            "$top/packaging/haproxy/detente-relay-$kind.cfg"
    } >"$dir/$own.cfg"
    [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$dir"
    echo "$dir/$own.cfg"
}

# start_haproxy NAME CONF PORT
start_haproxy() {
    port_free "$3" || { fail "set-up: port $3 is taken"; scenario_end; }
    start_daemon "$1" front_user "$haproxy" -db -f "$2"
    wait_port "$3" || { fail "set-up: haproxy did not start"; tail "$run_dir/$1.log"; scenario_end; }
}

# start_front NAME CONF PORT
start_front() {
    port_free "$3" || { fail "set-up: port $3 is taken"; scenario_end; }
    start_daemon "$1" front_user "$nginx" -p "$front_dir" -e stderr -c "$2" -g 'daemon off;'
    wait_port "$3" || { fail "set-up: nginx did not start"; tail "$run_dir/$1.log"; scenario_end; }
}

# findings COMMAND...: a tool that prints lines "ok: WHAT", "FAILED: WHAT" and, free, others; each is a check. One that
# ends with an error and no failed line, or says nothing at all, is a failed check.
findings() {
    local line rc n=0 bad=0
    "$@" >"$DT_WORK/findings" 2>&1 </dev/null
    rc=$?
    while IFS= read -r line; do
        case $line in
        'ok: '*) n=$((n + 1)); pass "${line#ok: }" ;;
        'FAILED: '*) n=$((n + 1)); bad=1; fail "${line#FAILED: }" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$DT_WORK/findings"
    if [ "$n" = 0 ] || { [ "$rc" != 0 ] && [ "$bad" = 0 ]; }; then
        fail "exit status $rc after $n checks: $*"
    fi
}

# bare_relay OPTION...: a relay with a grant and nobody using it; PORT, and TOKEN of its queues
bare_relay() {
    PORT=$(free_port)
    local p
    for p in north south; do
        "$detente" witness keygen --name "witness.example/$p" --out "$p.witness" >"$p.vkey" ||
            { fail 'set-up: witness key'; scenario_end; }
    done
    "$relay_program" grant --quiet --store relay.db --url "http://127.0.0.1:$PORT" --out grants --party north \
        --party south --witness "north=$(cat north.vkey)" --witness "south=$(cat south.vkey)" ||
        { fail 'set-up: grant'; scenario_end; }
    # shellcheck disable=SC2034 # for the scenarios
    TOKEN=$(sed -nE 's/.*"queue_token": *"([0-9a-f]+)".*/\1/p' grants/north.grant)
    start_daemon relay "$relay_program" serve --store relay.db --listen "127.0.0.1:$PORT" "$@"
    wait_port "$PORT" || { fail 'set-up: the relay did not start'; tail "$run_dir/relay.log"; scenario_end; }
}
