"""A place between programs and a PostgreSQL server that cuts a connection after its n-th byte. Not a program."""
import os
import socket
import threading


class Cutter:
    """Listens in a folder of its own as the server does in FOLDER, and hands bytes on both ways."""

    def __init__(self, folder, server):
        self.folder, self.server = os.path.abspath(folder), os.path.join(server, '.s.PGSQL.5432')
        self.lock = threading.Lock()
        self.left, self.to_server = None, False
        self.cuts = 0
        self.open = set()
        os.mkdir(self.folder)
        self.door = socket.socket(socket.AF_UNIX)
        self.door.bind(os.path.join(self.folder, '.s.PGSQL.5432'))
        self.door.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def cut_after(self, n, to_server, now=False):
        """The connection over which the n-th byte goes that way, from now on, ends behind it; with NOW all that there are first."""
        with self.lock:
            self.left, self.to_server = n, to_server
            pairs = list(self.open) if now else []
        for pair in pairs:
            self.end(pair)

    def pending(self):
        with self.lock:
            return self.left is not None

    def serve(self):
        while True:
            here, _ = self.door.accept()
            there = socket.socket(socket.AF_UNIX)
            try:
                there.connect(self.server)
            except OSError:
                here.close()
                continue
            pair = (here, there)
            with self.lock:
                self.open.add(pair)
            for a, b, to_server in ((here, there, True), (there, here, False)):
                threading.Thread(target=self.pump, args=(a, b, to_server, pair), daemon=True).start()

    def end(self, pair):
        with self.lock:
            self.open.discard(pair)
        for s in pair:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def pump(self, a, b, to_server, pair):
        try:
            while True:
                data = a.recv(1 << 16)
                if not data:
                    break
                over = False
                with self.lock:
                    if self.left is not None and to_server == self.to_server:
                        over = len(data) >= self.left
                        if over:
                            data, self.left = data[:self.left], None
                            self.cuts += 1
                        else:
                            self.left -= len(data)
                b.sendall(data)
                if over:
                    break
        except OSError:
            pass
        self.end(pair)
