#!/usr/bin/env python3
"""How much memory a relay takes for connections in TLS that say nothing.

Use: tests/tools/tls_idle.py PROGRAM N [--plain]
Starts PROGRAM (detente-relay) with a certificate made by openssl, opens N connections to it that each have made one
request, and prints one line: connections, resident and private memory before and with them, bytes a connection.
"""
import os
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time

REQUEST = b'GET /v1/health HTTP/1.1\r\nHost: a\r\n\r\n'


def memory(pid):
    """(VmRSS, Pss) in KiB"""
    with open('/proc/%d/status' % pid) as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))
    with open('/proc/%d/smaps_rollup' % pid) as f:
        pss = next(int(line.split()[1]) for line in f if line.startswith('Pss:'))
    return rss, pss


def main():
    program, n, plain = sys.argv[1], int(sys.argv[2]), '--plain' in sys.argv
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix='detente-tls-') as work:
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                        '-days', '2', '-subj', '/CN=localhost', '-keyout', 'key', '-out', 'cert'],
                       cwd=work, check=True, stderr=subprocess.DEVNULL)
        tls = [] if plain else ['--tls-cert', 'cert', '--tls-key', 'key']
        relay = subprocess.Popen([program, 'serve', '--store', 'store.db', '--listen', '127.0.0.1:0', '--port-file', 'port',
                                  '--connections', str(n + n // 4 + 64)] + tls, cwd=work, stderr=subprocess.PIPE)
        try:
            for _ in range(300):
                if os.path.exists(work + '/port'):
                    break
                time.sleep(0.1)
            with open(work + '/port') as f:
                port = int(f.read())
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            before = memory(relay.pid)
            kept, began = [], time.monotonic()
            for i in range(n):
                s = socket.create_connection(('127.0.0.%d' % (1 + i // 20000), port))
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s = s if plain else context.wrap_socket(s)
                s.sendall(REQUEST)
                if not s.recv(4096).startswith(b'HTTP/1.1 200'):
                    sys.exit('connection %d was not answered' % i)
                kept.append(s)
                if time.monotonic() - began > 60:  # they must not be ended for being idle before the count
                    sys.exit('too slow: %d connections in 60 s' % len(kept))
            after = memory(relay.pid)
            there = len(os.listdir('/proc/%d/fd' % relay.pid))
            print('%d connections (%d descriptors), %s: %.1f MB resident (%.1f MB private) before, %.1f (%.1f) with them: '
                  '%d bytes a connection' % (n, there, 'plain' if plain else 'TLS 1.3', before[0] / 1024, before[1] / 1024,
                                             after[0] / 1024, after[1] / 1024, (after[0] - before[0]) * 1024 // n))
        finally:
            relay.terminate()
            relay.wait()


if __name__ == '__main__':
    main()
