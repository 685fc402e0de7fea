"""What is in the file of a store, and what is not in it any more.

Use: store_search.py rows STORE PASSPHRASE_FILE NEEDLE...   in how many rows, opened, each text (or hex:...) stands
     store_search.py sealed STORE TABLE FILE                the rows of TABLE as they are sealed, into FILE
     store_search.py left STORE FILE                        of how many of these a piece is left in STORE or its -wal
"""
import os
import pickle
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from backup_search import store_rows  # noqa: E402


def rows(store, passphrase_file, *needles):
    with open(passphrase_file, 'rb') as f:
        passphrase = f.readline().rstrip(b'\n')
    wanted = [bytes.fromhex(n[4:]) if n.startswith('hex:') else n.encode() for n in needles]
    counts = [0] * len(wanted)
    for table, key, value in store_rows(store, passphrase):
        for i, n in enumerate(wanted):
            counts[i] += n in key or n in value
    print(' '.join(str(c) for c in counts))


def sealed(store, table, out):
    db = sqlite3.connect('file:%s?mode=ro' % store, uri=True)
    values = [v for (v,) in db.execute('SELECT value FROM row WHERE tab = ?', (table,))]
    with open(out, 'wb') as f:
        pickle.dump(values, f)
    print(len(values))


def left(store, saved):
    with open(saved, 'rb') as f:
        values = pickle.load(f)
    data = b''
    for path in (store, store + '-wal'):
        if os.path.exists(path):
            with open(path, 'rb') as f:
                data += f.read()
    print(sum(any(v[at:at + 32] in data for at in range(0, len(v) - 31, 32)) for v in values))


{'rows': rows, 'sealed': sealed, 'left': left}[sys.argv[1]](*sys.argv[2:])
