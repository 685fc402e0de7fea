"""Members of MLS groups as processes: ours (mls-peer) and another implementation's (ts_peer.mjs).

One process is one member and speaks the line protocol of README.md. A process is used again by the next scenario:
`init` makes it forget everything.
"""
import os
import select
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 90


class Broken(Exception):
    """What a scenario found: the answer was not the one that must come."""


class Peer:
    """A process that answers one line for each line."""

    def __init__(self, kind, command, log):
        self.kind = kind
        self.log = log
        self.rest = b''
        self.proc = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)

    def send(self, line):
        try:
            data = line.encode() + b'\n'
            while data:
                data = data[os.write(self.proc.stdin.fileno(), data):]
        except BrokenPipeError:
            raise Broken('%s is gone, exit status %s' % (self.kind, self.proc.wait()))

    def receive(self):
        until = time.monotonic() + PATIENCE_S
        parts = [self.rest]
        while b'\n' not in parts[-1]:
            ready, _, _ = select.select([self.proc.stdout], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise Broken('%s gave no answer in %d s' % (self.kind, PATIENCE_S))
            got = os.read(self.proc.stdout.fileno(), 1 << 16)
            if not got:
                raise Broken('%s is gone, exit status %s' % (self.kind, self.proc.wait()))
            parts.append(got)
        line, _, self.rest = b''.join(parts).partition(b'\n')
        return line.decode()

    def stop(self):
        """The exit status after its input ended: a sanitizer's findings show there."""
        self.proc.stdin.close()
        try:
            return self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            return self.proc.wait()


class Pool:
    """Processes of each kind, lent to one scenario at a time."""

    def __init__(self, commands, log):
        self.commands = commands
        self.log = log
        self.idle = {kind: [] for kind in commands}
        self.lent = []
        self.bad_exits = []

    def lend(self, kind):
        peer = self.idle[kind].pop() if self.idle[kind] else Peer(kind, self.commands[kind], self.log)
        self.lent.append(peer)
        return peer

    def take_back(self, good):
        """After a scenario. What a failed one leaves is not used again."""
        for peer in self.lent:
            if good:
                self.idle[peer.kind].append(peer)
            else:
                self.end(peer)
        self.lent = []

    def end(self, peer):
        status = peer.stop()
        if status != 0:
            self.bad_exits.append('%s ended with status %s' % (peer.kind, status))

    def close(self):
        self.take_back(True)
        for kind in self.idle:
            for peer in self.idle[kind]:
                self.end(peer)
            self.idle[kind] = []
