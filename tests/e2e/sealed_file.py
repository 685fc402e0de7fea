"""Opens the sealed files of docs/archive.md, from its description alone, with libsodium."""
import ctypes
import ctypes.util

SODIUM = ctypes.CDLL(ctypes.util.find_library('sodium') or 'libsodium.so.23')
SODIUM.sodium_init()
PIECE, EXTRA = 65536, 17
FINAL = 3


class Refused(Exception):
    """The file is not what it should be."""


def argon2id(passphrase, salt, mem_kib, passes):
    out = ctypes.create_string_buffer(32)
    rc = SODIUM.crypto_pwhash(out, ctypes.c_ulonglong(32), passphrase, ctypes.c_ulonglong(len(passphrase)), salt,
                              ctypes.c_ulonglong(passes), ctypes.c_size_t(mem_kib * 1024), 2)
    if rc != 0:
        raise Refused('Argon2id')
    return out.raw


def open_file(path, magic, passphrase):
    """The text in the file ${path}, which begins with ${magic}."""
    with open(path, 'rb') as f:
        data = f.read()
    if not data.startswith(magic):
        raise Refused('another kind of file')
    n = len(magic)
    salt = data[n:n + 16]
    mem_kib = int.from_bytes(data[n + 16:n + 20], 'big')
    passes = int.from_bytes(data[n + 20:n + 24], 'big')
    header = data[n + 24:n + 48]
    aad = data[:n + 48]
    key = argon2id(passphrase, salt, mem_kib, passes)
    state = ctypes.create_string_buffer(SODIUM.crypto_secretstream_xchacha20poly1305_statebytes())
    if SODIUM.crypto_secretstream_xchacha20poly1305_init_pull(state, header, key) != 0:
        raise Refused('header')
    at, text, tag = n + 48, [], ctypes.c_ubyte(0)
    while tag.value != FINAL:
        piece = data[at:at + PIECE + EXTRA]
        at += len(piece)
        out, out_len = ctypes.create_string_buffer(PIECE), ctypes.c_ulonglong(0)
        if len(piece) < EXTRA or SODIUM.crypto_secretstream_xchacha20poly1305_pull(
                state, out, ctypes.byref(out_len), ctypes.byref(tag), piece, ctypes.c_ulonglong(len(piece)),
                aad, ctypes.c_ulonglong(len(aad))) != 0:
            raise Refused('a piece that does not open')
        text.append(out.raw[:out_len.value])
        aad = b''
    if at != len(data):
        raise Refused('something behind the end')
    return b''.join(text)


# ---- the stream without the library: see docs/archive.md ----

def _chacha(k, nonce, block, n):
    """${n} bytes of ChaCha20's key stream from ${block}; nonce of 12 bytes."""
    out = b''
    while len(out) < n:
        s = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]
        s += [int.from_bytes(k[i:i + 4], 'little') for i in range(0, 32, 4)] + [block]
        s += [int.from_bytes(nonce[i:i + 4], 'little') for i in range(0, 12, 4)]
        w = _rounds(s)
        out += b''.join(((a + b) & 0xffffffff).to_bytes(4, 'little') for a, b in zip(w, s))
        block += 1
    return out[:n]


def _rounds(s):
    w = list(s)

    def quarter(a, b, c, d):
        for x, y, z, r in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            w[x] = (w[x] + w[y]) & 0xffffffff
            w[z] ^= w[x]
            w[z] = (w[z] << r | w[z] >> (32 - r)) & 0xffffffff
    for _ in range(10):
        for a in range(4):
            quarter(a, a + 4, a + 8, a + 12)
        for a in range(4):
            quarter(a, (a + 1) % 4 + 4, (a + 2) % 4 + 8, (a + 3) % 4 + 12)
    return w


def _hchacha(key, data):
    s = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]
    s += [int.from_bytes(key[i:i + 4], 'little') for i in range(0, 32, 4)]
    s += [int.from_bytes(data[i:i + 4], 'little') for i in range(0, 16, 4)]
    w = _rounds(s)
    return b''.join(x.to_bytes(4, 'little') for x in w[:4] + w[12:])


def _poly1305(key, data):
    r = int.from_bytes(key[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    acc, p = 0, (1 << 130) - 5
    for i in range(0, len(data), 16):
        part = data[i:i + 16]
        acc = (acc + int.from_bytes(part + b'\x01', 'little')) * r % p
    return ((acc + int.from_bytes(key[16:32], 'little')) & ((1 << 128) - 1)).to_bytes(16, 'little')


def _xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def open_by_hand(path, magic, passphrase, most):
    """As open_file(), at most ${most} pieces, with nothing of the library but Argon2id."""
    with open(path, 'rb') as f:
        data = f.read()
    n = len(magic)
    key = argon2id(passphrase, data[n:n + 16], int.from_bytes(data[n + 16:n + 20], 'big'),
                   int.from_bytes(data[n + 20:n + 24], 'big'))
    header, ad, at, text = data[n + 24:n + 48], data[:n + 48], n + 48, b''
    k, counter, inonce = _hchacha(key, header[:16]), 1, header[16:24]
    for _ in range(most):
        c = data[at:at + PIECE + EXTRA]
        at += len(c)
        nonce, body = counter.to_bytes(4, 'little') + inonce, c[1:-16]
        block1 = _chacha(k, nonce, 1, 64)
        tag = c[0] ^ block1[0]
        sealed = bytes([c[0]]) + block1[1:]
        mac = _poly1305(_chacha(k, nonce, 0, 32), ad + bytes(-len(ad) % 16) + sealed + body + bytes(len(body) % 16)
                        + len(ad).to_bytes(8, 'little') + (64 + len(body)).to_bytes(8, 'little'))
        if mac != c[-16:]:
            raise Refused('a mac that does not hold')
        text += _xor(body, _chacha(k, nonce, 2, len(body)))
        inonce, counter, ad = _xor(inonce, mac[:8]), counter + 1, b''
        if tag == FINAL:
            break
    return text
