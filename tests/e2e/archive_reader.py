"""Reads an archive by docs/archive.md alone.

Use: archive_reader.py FILE PASSPHRASE_FILE FOLDER
Prints count and root as computed from the items, and puts the items into FOLDER. Exit status 1 when anything is not as the
document says.
"""
import hashlib
import io
import json
import os
import re
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sealed_file  # noqa: E402

NAME = re.compile(r'[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*')


def tree(leaves):
    """RFC 6962 section 2.1."""
    if not leaves:
        return hashlib.sha256(b'').digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b'\x01' + tree(leaves[:k]) + tree(leaves[k:])).digest()


def main():
    path, passphrase_file, folder = sys.argv[1:]
    with open(passphrase_file, 'rb') as f:
        passphrase = f.readline().rstrip(b'\n')
    text = sealed_file.open_file(path, b'detente 1 archive\n', passphrase)
    if sealed_file.open_by_hand(path, b'detente 1 archive\n', passphrase, 1) != text[:sealed_file.PIECE]:
        sys.exit('the stream is not as the document has it')
    if text[-1024:] != bytes(1024) or len(text) % 512:
        sys.exit('the end of the tar is not as it should be')
    leaves, end, size = [], None, 0
    with tarfile.open(fileobj=io.BytesIO(text), mode='r:') as tar:
        for member in tar:
            if end is not None:
                sys.exit('an item behind the end')
            content = tar.extractfile(member).read()
            size += 512 + (len(content) + 511) // 512 * 512
            if not member.isreg() or not NAME.fullmatch(member.name) or len(member.name) > 99 or member.mode != 0o600:
                sys.exit('an item is not as it should be: ' + member.name)
            if member.name == 'end':
                end = content
                continue
            leaves.append(hashlib.sha256(b'\0' + member.name.encode() + b'\0' + content).digest())
            if member.name.endswith('.json') and json.loads(content.decode('utf-8'))['format'] != 1:
                sys.exit('not of format 1: ' + member.name)
            out = os.path.join(folder, member.name)
            os.makedirs(os.path.dirname(out), exist_ok=True)
            with open(out, 'xb') as f:
                f.write(content)
    if size + 1024 != len(text):
        sys.exit('something stands between the items')
    said = 'items %d\nroot %s\n' % (len(leaves), tree(leaves).hex())
    if end is None or end.decode() != said:
        sys.exit('count or root is another: %r, not %r' % (end, said))
    print(said, end='')


main()
