#!/usr/bin/env bash
# Goal: a channel's talk and records in an archive that another reader, written from docs/archive.md alone, opens; count and
# root are those that the program shows; its records and proofs verify; whatever is changed in it is found; and a delegate
# whose device was lost, with no backup, is admitted anew with a new key and is handed the archive.
# seconds: 900
. "${DT_TOP:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
. "$top/tests/e2e/forum.sh"
need_programs
forum
plenary
reader=$top/tests/e2e/archive_reader.py
field() { sed -nE 's/^ +"'"$1"'": "?([^",]*)"?,?$/\1/p' "$2"; }

need 'send' as us send plenary 'Die Straße nach Słubice bleibt offen.'
need 'send' as ru send plenary 'Принято.'
settle us ru med
head -c 150000 /dev/urandom >map.bin
need 'file' as med send plenary --file map.bin
entry us 'the road'
settle us ru med
need 'countersign' as ru countersign 1 --yes
settle us ru med
cosign
settle us ru med

check_status 'exported' 0 as us archive export plenary us.archive --json
field root "$DT_WORK/out" >root
field items "$DT_WORK/out" >items
check_status 'verified, with no home' 0 "$detente" --home nowhere archive verify us.archive --root "$(cat root)" --count "$(cat items)"
check_line 'what is in it' '3 pieces of talk, 2 records and answers, 3 letters' "$DT_WORK/out"
check_line 'of which forum' "of the forum $forum_id" "$DT_WORK/out"
check_status 'another root is told' 1 "$detente" archive verify us.archive --root "$forum_id"
check_line 'in words' 'NOT the archive of that count and root' "$DT_WORK/err"
check_status 'another count is told' 1 "$detente" archive verify us.archive --count 3
check_status 'a wrong passphrase' 4 "$detente" archive verify us.archive --archive-passphrase-file charter
check_status 'never over another file' 1 as us archive export plenary us.archive
mkdir items.d
check_status 'another reader opens it' 0 python3 "$reader" us.archive "$DT_WORK/passphrase" items.d
printf 'items %s\nroot %s\n' "$(cat items)" "$(cat root)" >want
check_same 'same count and root' "$DT_WORK/out" want
check_same 'a file that was sent' map.bin "$(ls items.d/talk/*.data)"
check_same 'the charter as it was signed' charter items.d/charter/charter
check_same 'the document is in it' "$top/docs/archive.md" items.d/readme.txt
python3 - <<'P' && pass 'talk and records are to be read' || fail 'talk or records are not as they should be'
import glob, json
talk = [json.load(open(p)) for p in sorted(glob.glob('items.d/talk/*.json'))]
assert [t.get('text') for t in talk][:2] == ['Die Straße nach Słubice bleibt offen.', 'Принято.'], talk
assert talk[0]['from']['name'] == 'Ana North' and talk[2]['file'] == 'map.bin'
rec = [json.load(open(p)) for p in sorted(glob.glob('items.d/records/*.json'))]
assert rec[0]['kind'] == 'contact' and rec[0]['fields']['subjects'] == 'the road', rec[0]
assert rec[0]['standing'] == 'countersigned' and rec[1]['kind'] == 'countersign', (rec[0]['standing'], rec[1]['kind'])
assert len(glob.glob('items.d/records/*.record')) == 2 and len(glob.glob('items.d/letters/*.letter')) == 3
P
check_status 'unpacked by the program' 0 "$detente" archive extract us.archive unpacked
rm -f items.d/end
diff -r items.d unpacked >diff.out && pass 'the same, byte for byte' || { fail 'they differ'; cat diff.out; }
check_status 'not into what is there' 1 "$detente" archive extract us.archive unpacked
check_status 'nor when the root is another' 1 "$detente" archive extract us.archive unpacked2 --root "$forum_id"
[ ! -e unpacked2 ] && pass 'nothing was unpacked' || fail 'it was unpacked'

# Nobody who is not in the channel is in it.
need 'caucus' as med found caucus --kind caucus --with 'Boris South'
settle med ru
need 'accept' as ru accept caucus
settle med ru
check_status 'the caucus' 0 as med archive export caucus caucus.archive
check_status 'is read' 0 "$detente" archive verify caucus.archive
check_line 'two letters' '0 pieces of talk, 0 records and answers, 2 letters' "$DT_WORK/out"

# Changed by who has the passphrase: sealed anew with one item altered, left out, put elsewhere, and a root that fits.
cat >forge.py <<'P'
"""forge.py HOW: us.archive sealed anew as HOW.archive."""
import ctypes, hashlib, io, os, sys, tarfile
sys.path.insert(0, os.path.join(os.environ['DT_TOP_'], 'tests/e2e'))
import sealed_file as s
how = sys.argv[1]
with open('passphrase', 'rb') as f:
    passphrase = f.readline().rstrip(b'\n')
text = s.open_file('us.archive', b'detente 1 archive\n', passphrase)
items = []
with tarfile.open(fileobj=io.BytesIO(text), mode='r:') as t:
    for m in t:
        items.append([m, t.extractfile(m).read()])
def tree(v):
    if len(v) == 1:
        return v[0]
    k = 1
    while k * 2 < len(v):
        k *= 2
    return hashlib.sha256(b'\x01' + tree(v[:k]) + tree(v[k:])).digest()
at = next(i for i, (m, c) in enumerate(items) if m.name.startswith('records/') and m.name.endswith('.record'))
if how == 'record':
    c = bytearray(items[at][1]); c[200] ^= 1; items[at][1] = bytes(c)
elif how == 'talk':
    i = next(i for i, (m, c) in enumerate(items) if m.name.startswith('talk/'))
    items[i][1] = items[i][1].replace('offen'.encode(), 'zu...'.encode())
elif how == 'missing':
    del items[at]
elif how == 'letter':
    items = [x for x in items if not x[0].name.endswith('.letter')]
elif how == 'escape':
    items[at][0].name = '../records/x.record'
elif how == 'twice':
    items.insert(at, [items[at][0], items[at][1]])
if how != 'stale':
    v = [hashlib.sha256(b'\0' + m.name.encode() + b'\0' + c).digest() for m, c in items[:-1]]
    items[-1][1] = ('items %d\nroot %s\n' % (len(v), tree(v).hex())).encode()
else:
    items[1][1] += b" "
out = io.BytesIO()
with tarfile.open(fileobj=out, mode='w:', format=tarfile.USTAR_FORMAT) as t:
    pass
raw = b''
for m, c in items:
    m.size = len(c)
    m.mode = 0o600
    h = bytearray(m.tobuf(tarfile.USTAR_FORMAT))
    h[329:345] = bytes(16)  # no device numbers, as the program writes it
    h[148:156] = b' ' * 8
    h[148:156] = b'%06o\0 ' % sum(h)
    raw += bytes(h) + c + bytes(-len(c) % 512)
raw += bytes(1024)
head = open('us.archive', 'rb').read()[:18 + 16 + 8]
key = s.argon2id(passphrase, head[18:34], int.from_bytes(head[34:38], 'big'), int.from_bytes(head[38:42], 'big'))
L = s.SODIUM
state = ctypes.create_string_buffer(L.crypto_secretstream_xchacha20poly1305_statebytes())
header = ctypes.create_string_buffer(24)
L.crypto_secretstream_xchacha20poly1305_init_push(state, header, key)
aad = head + header.raw
data = aad
for i in range(0, len(raw), s.PIECE):
    p = raw[i:i + s.PIECE]
    o = ctypes.create_string_buffer(len(p) + 17)
    L.crypto_secretstream_xchacha20poly1305_push(state, o, None, p, ctypes.c_ulonglong(len(p)), aad,
                                                 ctypes.c_ulonglong(len(aad)), 3 if i + s.PIECE >= len(raw) else 0)
    data += o.raw
    aad = b''
open(how + '.archive', 'wb').write(data)
P
export DT_TOP_=$top
for how in same record talk missing letter escape twice stale; do python3 forge.py $how || fail "forge $how"; done
check_status 'sealed anew, nothing changed' 0 "$detente" archive verify same.archive --root "$(cat root)"
check_status 'a record that was altered' 1 "$detente" archive verify record.archive
check_line 'is named' 'records/00000001.record' "$DT_WORK/err"
check_status 'without the letters' 1 "$detente" archive verify letter.archive
check_status 'a name that leaves the folder' 1 "$detente" archive verify escape.archive
check_status 'an item changed, root as before' 1 "$detente" archive verify stale.archive
check_line 'is told' 'another count or root than its items have' "$DT_WORK/err"
for how in talk missing twice; do
    check_status "$how, with a root that fits: not the one that was told" 1 "$detente" archive verify $how.archive --root "$(cat root)"
done

# A lost device without a backup. Its party has another delegate, who removes the lost one and asks for the new one: a new
# key, a new letter, admitted by all. Then the archive, with count and root by voice.
admitted() { # WHO ASKS HOME LETTER APPROVERS...
    local asks=$1 new=$2 letter=$3 who request
    shift 3
    need 'ask' as "$asks" admit ask plenary "$letter" --json
    request=$(field request_id "$DT_WORK/need.out")
    settle us2 ru med "$asks" "$new"
    for who in "$@"; do need 'approve' as "$who" admit approve "$request"; done
    need 'accept' as "$new" accept
    settle us2 ru med "$asks" "$new"
    need 'commit' as "$asks" admit commit "$request"
    settle us2 ru med "$asks" "$new"
}
letter_of() { # FILE
    "$detente" letter show --json "$1" | field letter /dev/stdin
}
home us2 north 'Nils North'
for who in us us2 ru med; do need 'letters' as $who letter import us.letter us2.letter ru.letter med.letter; done
settle us us2 ru med
admitted us us2 "$(letter_of us2.letter)" ru med
mv us us.gone
need 'revocation' "$detente" letter revoke --root north.root --out us.revocation us.letter
old=$(letter_of us.letter)
mv us.letter us.old.letter
home us north 'Ana North'
for who in us us2 ru med; do
    need 'letters' as $who letter import us.old.letter us.letter us2.letter ru.letter med.letter
    need 'the revocation, a file' as $who letter import --revocation us.revocation
done
check_status 'the lost one is removed by its party' 0 as us2 remove plenary "$old"
settle us2 ru med us
as ru roster plenary >roster
check_no_line 'it is gone from the roster' 'Ana North' roster
admitted us2 us "$(letter_of us.letter)" ru med
as us channels --json >channels
check_line 'admitted' '"state": "live"' channels
check_status 'what was said before' 0 as us read plenary
check_no_line 'it cannot read' 'bleibt offen' "$DT_WORK/out"
cosign # or the revocation has no time, and a proof would say nothing
settle us us2 ru med
check_status 'the others hand over the archive' 0 as med archive export plenary handed.archive --proof 1 --json
field root "$DT_WORK/out" >root
check_status 'and tell the root by voice' 0 "$detente" archive verify handed.archive --root "$(cat root)"
check_line 'with the proof' '2 records and answers, 5 letters, 1 proofs' "$DT_WORK/out"
check_status 'it is unpacked' 0 "$detente" archive extract handed.archive handed --root "$(cat root)"
grep -rq 'bleibt offen' handed/talk && pass 'what was said before is there' || fail 'it is not there'
check_line 'and what it lacks' '1 of the proofs are opened without the consents' "$DT_WORK/out"
check_status 'the proof stands by itself, and says so, too' 1 "$detente" verify handed/proofs/00000001.proof --forum "$forum_id"
check_line 'it holds' 'opened without consent' "$DT_WORK/out"
stores_whole us us2 ru med
scenario_end
