"""What is in a backup, and what must not be: the backup and the store that it was made of are both opened.

Use: backup_search.py BACKUP STORE PASSPHRASE_FILE
Prints the tables of the backup. Exit status 1, and what it is, when something of the store is in the backup that must
not be: group state and its keys, keys of key packages, what waits to be sent, keys and positions of queues.
"""
import ctypes
import hashlib
import hmac
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sealed_file import SODIUM, argon2id, open_file  # noqa: E402

NEVER = {'group_key', 'group_state', 'epoch', 'answer', 'invitation', 'invitation_number', 'admission', 'rejoin', 'welcome', 'intent',
         'outbox', 'made', 'here', 'here_early', 'lapse', 'transcript', 'transcript_at', 'transcript_cursor', 'receipt', 'claim',
         'copy', 'coming', 'awaited', 'awaited_record', 'shown', 'shown_commit', 'review', 'told', 'register_heard'}
QUEUE_KEYS = 96
BEHIND_KEYS = 97  # of a channel's row: what stands behind the queue's keys


def vec(data, at):
    """opaque x<V> as RFC 9420 section 2.1.2 has it."""
    size = 1 << (data[at] >> 6)
    n = int.from_bytes(data[at:at + size], 'big') & ~(0xc0 << 8 * (size - 1))
    return data[at + size:at + size + n], at + size + n


def put(data):
    n = len(data)
    head = bytes([n]) if n < 64 else (n | 0x4000).to_bytes(2, 'big') if n < 16384 else (n | 0x80000000).to_bytes(4, 'big')
    return head + data


def unbox(key, aad, sealed):
    out, n = ctypes.create_string_buffer(len(sealed)), ctypes.c_ulonglong(0)
    if SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
            out, ctypes.byref(n), None, sealed[24:], ctypes.c_ulonglong(len(sealed) - 24), aad,
            ctypes.c_ulonglong(len(aad)), sealed[:24], key) != 0:
        sys.exit('the store does not open')
    return out.raw[:n.value]


def store_rows(path, passphrase):
    """(table, key, value) of every row of the store."""
    db = sqlite3.connect('file:%s?mode=ro' % path, uri=True)
    salt, mem, passes, wrapped = db.execute('SELECT salt, mem_kib, passes, wrapped FROM head').fetchone()
    aad = put(b'detente 1 store key') + salt + mem.to_bytes(4, 'big') + passes.to_bytes(4, 'big')
    store_key = unbox(argon2id(passphrase, salt, mem, passes), aad, wrapped)
    value_key = hmac.new(store_key, b'detente 1 store value\x01', hashlib.sha256).digest()
    for tab, name, parent, seq, version, value in db.execute('SELECT tab, name, parent, seq, version, value FROM row'):
        aad = (put(b'detente 1 store row') + put(tab.encode()) + put(b'value') + name + parent + seq.to_bytes(8, 'big')
               + version.to_bytes(8, 'big'))
        plain = unbox(value_key, aad, value)
        key, at = vec(plain, 0)
        yield tab, key, plain[at:]


def main():
    backup, store, passphrase_file = sys.argv[1:]
    with open(passphrase_file, 'rb') as f:
        passphrase = f.readline().rstrip(b'\n')
    text = open_file(backup, b'detente 1 backup\n', passphrase)
    at, rows, tables = 81, 0, {}
    while True:
        n = int.from_bytes(text[at:at + 4], 'big')
        at += 4
        if n == 0:
            break
        row = text[at:at + n]
        at += n
        rows += 1
        table, where = vec(row, 0)
        key, where = vec(row, where)
        tables.setdefault(table.decode(), []).append(key)
    if int.from_bytes(text[at:at + 8], 'big') != rows or at + 8 != len(text):
        sys.exit('the end of the backup is not as it should be')
    bad = NEVER & set(tables)
    if bad:
        sys.exit('tables that must not be in a backup: %s' % ', '.join(sorted(bad)))
    secrets, seen = [], {}
    for tab, key, value in store_rows(store, passphrase):
        seen[tab] = seen.get(tab, 0) + 1
        if tab == 'channel':
            keys = value[-BEHIND_KEYS - QUEUE_KEYS:-BEHIND_KEYS]
            secrets += [('queue keys', keys[i:i + 32]) for i in range(0, QUEUE_KEYS, 32)]
        elif tab in ('group_key', 'epoch'):
            secrets.append((tab, value))
        elif tab in ('group_state', 'outbox', 'intent', 'invitation'):
            secrets += [(tab, value[i:i + 32]) for i in range(0, len(value) - 32, 32)]
    # A founding list and letters stand in invitations as well as in the channel's row, and may.
    public = set()
    for tab, key, value in store_rows(store, passphrase):
        if tab in ('channel', 'letter', 'self'):
            cut = value[:-BEHIND_KEYS - QUEUE_KEYS - 34] if tab == 'channel' else value
            public.update(cut[i:i + 32] for i in range(len(cut) - 31))
    found = sorted({what for what, s in secrets if len(s) >= 16 and s not in public and s in text})
    if found:
        sys.exit('in the backup, and must not be: %s' % ', '.join(found))
    for need in ('channel', 'group_key', 'group_state', 'invitation'):
        if not seen.get(need):
            sys.exit('the store has no row of %s: nothing was searched for' % need)
    print('searched for %d secrets of %s' % (len(secrets), ', '.join(sorted(seen))))
    print('tables: %s' % ' '.join(sorted(tables)))


if __name__ == '__main__':
    main()
