"""remote: gdb's remote protocol over a Unix socket, as far as tests want it."""
import re
import socket
import time


class Remote:
    def __init__(self, path):
        self.line, self.have = socket.socket(socket.AF_UNIX), b""
        for _ in range(1200):  # a minute to be there, and to listen
            if self.line.connect_ex(str(path)) == 0:
                break
            time.sleep(0.05)
        self.line.settimeout(60)

    def reply(self):
        while not (found := re.search(rb"\$([^#]*)#..", self.have)):
            data = self.line.recv(65536)
            if not data:
                raise ConnectionError("the debugger's port was closed")
            self.have += data
        self.have = self.have[found.end():]
        self.line.sendall(b"+")
        return found[1].decode()

    def send(self, text):
        self.line.sendall(b"$%s#%02x" % (text.encode(), sum(text.encode()) & 255))

    def ask(self, text):
        self.send(text)
        return self.reply()

    def monitor(self, text):
        said, reply = "", self.ask("qRcmd," + text.encode().hex())
        while re.fullmatch("O[0-9a-f]+", reply):
            said += bytes.fromhex(reply[1:]).decode()
            reply = self.reply()
        return said + (bytes.fromhex(reply).decode() if re.fullmatch("[0-9a-f]+", reply) else "")

    def detach(self):
        """The other end may be gone before it could be thanked for its answer."""
        self.send("D")
