#!/usr/bin/env bash
# Goal: a letter is revoked. What its holder entered before stays provable, and the proof shows the revocation;
# what was entered afterwards is refused.
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
register=$(sed -nE 's|.*"prefix": *"(/r/[0-9a-f]+)/?".*|\1|p' grants/neutral.grant)
vkey=$("$detente" charter show --json charter | sed -nE 's|.*"register_vkey": "(.*)".*|\1|p' | sed 's|\\/|/|g')
cosign() {
    for p in north neutral; do
        need 'cosign' "$detente" witness run --once --key $p.witness --state $p.state \
            --register "http://127.0.0.1:$PORT$register" --vkey "$vkey"
    done
}
contact() { # WHO
    need 'record' as "$1" record contact plenary --yes --set mode=call --set initiated_by=both \
        --set 'parties=north;south' --set started_at=2026-11-20T10:00:00Z --set ended_at=2026-11-20T10:30:00Z \
        --set time_precision=exact --set level=envoy --set 'participants=two envoys'
    tr -d '\n' <"$DT_WORK/need.out"
}
fields=mode,parties
consents() { # RECORD by both
    for who in us ru; do need 'consent' as $who consent "$1" --fields $fields --yes; done
    settle us ru med
    cosign
    settle us ru med
}
forum_id=$("$detente" charter show --id charter)

before=$(contact us)
settle us ru med
consents "$before"
check 'before the revocation the record opens' as med open "$before" --fields $fields --out before.proof
check 'and verifies' "$detente" verify before.proof --forum "$forum_id"
need 'revocation' "$detente" letter revoke --root north.root --out us.revocation us.letter
after=$(contact us) # its agent does not know yet
settle us ru med
consents "$after"
for who in ru med; do
    need 'the revocation is taken in' as $who letter import --revocation us.revocation
done
check_status 'a revocation that is not registered yet keeps an opening back' 1 as med open "$before" --fields $fields --out no.proof
check_line 'and it says what to do' 'sync, and try again' err
settle ru med
cosign
settle ru med
check 'what was entered before still opens' as med open "$before" --fields $fields --out before2.proof
check 'and verifies' "$detente" verify before2.proof --forum "$forum_id"
cp "$DT_WORK/out" out 2>/dev/null
"$detente" verify before2.proof --forum "$forum_id" >said
check_line 'and the proof names the revocation' 'revo' said
# A later record, entered when the revocation was in the register already.
late=$(contact us)
settle us ru med
cosign
settle us ru med
check_status 'what was entered afterwards is refused' 4 as med open "$late" --fields $fields --without-consent --out late.proof
check_line 'for the revoked letter' 'revoked' err
scenario_end
