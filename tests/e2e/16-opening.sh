#!/usr/bin/env bash
# Goal: what is opened by consent is a small file that carries all it relies on: at most 16 KiB for a contact with four
# fields opened, of a forum of three parties.
# seconds: 120
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
proof_max=16384
fields=mode,parties,started_at,time_precision
forum
plenary

cosign() { # PARTY...
    local p
    for p in "$@"; do
        need "a cosignature of $p" "$detente" witness run --once --key "$p.witness" --state "$p.state" \
            --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
    done
}
# round: all sync, all witnesses cosign, all see it
round() {
    settle us ru med
    cosign north south neutral
    settle us ru med
}

# ---- a proof file is small ----
entry us 'one subject'
round
need 'countersign' as ru countersign 1 --yes
for p in us ru; do need 'consent' as $p consent 1 --yes --fields $fields --audience public; done
round
need 'open' as us open 1 --fields $fields --out one.proof
check_status 'four fields opened, with the consent of both' 0 "$detente" verify one.proof --forum "$forum_id" --json
for what in '"verdict": "verified"' 'countersigned by' 'consent of'; do check_line "that says: $what" "$what" out; done
bytes=$(wc -c <one.proof)
[ "$bytes" -le $proof_max ] && pass "$bytes bytes of proof file, with charter, letters, answer, consents and register proofs" ||
    fail "a proof file of $bytes bytes, more than $proof_max"
# Four register paths that are 20 hashes longer, each a line of 45 characters in base64 twice: a million entries more.
grown=$((bytes + 4 * 20 * 45 * 4 / 3 * 77 / 76))
[ "$grown" -le $proof_max ] && pass "at most $grown bytes with a million entries" || fail "$grown bytes with a million entries"
scenario_end
