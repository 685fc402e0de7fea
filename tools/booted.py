"""The service under a systemd that runs: a Debian tree is booted in namespaces of its own, and what the unit promises
is tried there. For check-package; needs root, and a kernel with cgroup version 2.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

UNIT = 'detente-relay.service'
STORE = '/var/lib/detente/relay.db'
SECRET = '/etc/relay-secret'
DROP_IN = '/etc/systemd/system/%s.d' % UNIT
ENV = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LC_ALL': 'C.UTF-8', 'DEBIAN_FRONTEND': 'noninteractive',
       'SYSTEMD_PAGER': 'cat'}

# All in a mount namespace, and so gone with it. Credentials are mounted by a helper of systemd, and seen by others
# because mounts below / are shared.
BOOT = r'''set -e
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs sys/fs
mkdir sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do
    mknod -m 666 dev/$name c $(stat -c '0x%t 0x%T' /dev/$name)
done
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o ptmxmode=666,newinstance devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir -p old
pivot_root . old
cd /
umount -l old
rmdir old
mount --make-rshared /
exec env -i container=other PATH="$PATH" /lib/systemd/systemd --system --show-status=no
'''

ASK = 'import sys, urllib.request; sys.exit(urllib.request.urlopen(sys.argv[1], timeout=5).status != 200)'


class Booted:
    """with Booted(root) as b: b.why is None when it runs, or says why it does not."""

    def __init__(self, root):
        self.root, self.why, self.init, self.proc = root, None, None, None
        self.mounted = self.group = None

    def __enter__(self):
        try:
            self.boot()
        except OSError as e:
            self.why = str(e)
        return self

    def __exit__(self, *_):
        if self.init is not None:
            os.kill(self.init, signal.SIGKILL)  # and with it all in its namespace
        if self.proc is not None:
            self.proc.kill()
            self.proc.wait()
        for _ in range(50):
            if self.group is None or self.remove_group():
                break
            time.sleep(0.1)
        if self.mounted is not None:
            subprocess.run(['umount', self.mounted], check=False)
            shutil.rmtree(self.mounted, ignore_errors=True)

    def remove_group(self):
        try:
            for folder, _, _ in os.walk(self.group, topdown=False):
                os.rmdir(folder)
        except OSError:
            return False
        return True

    def groups(self):
        """Where groups of version 2 are mounted here."""
        with open('/proc/mounts', encoding='utf-8') as f:
            for line in f:
                if line.split()[2] == 'cgroup2':
                    return line.split()[1]
        self.mounted = tempfile.mkdtemp(prefix='detente-groups-')
        if subprocess.run(['mount', '-t', 'cgroup2', 'none', self.mounted], check=False).returncode != 0:
            raise OSError('no groups of version 2')
        return self.mounted

    def boot(self):
        self.group = '%s/detente-%d' % (self.groups(), os.getpid())
        os.mkdir(self.group)

        def join():
            with open(self.group + '/cgroup.procs', 'w', encoding='ascii') as f:
                f.write(str(os.getpid()))

        self.proc = subprocess.Popen(
            ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--uts', '--ipc', '--net', '--cgroup', 'bash', '-c', BOOT,
             'bash', self.root], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=join, start_new_session=True, env=ENV)
        children, state = '/proc/%d/task/%d/children' % (self.proc.pid, self.proc.pid), ''
        for _ in range(300):
            with open(children, encoding='ascii') as f:
                self.init = int((f.read().split() or [0])[0]) or None
            if self.init is not None and os.path.exists('/proc/%d/root/run/systemd/system' % self.init):
                state = self.run('systemctl', 'is-system-running').stdout.strip()
                if state in ('running', 'degraded'):
                    return
            if self.proc.poll() is not None:
                break
            time.sleep(0.2)
        raise OSError('systemd does not come up (%s)' % (state or 'nothing'))

    def enter(self, args, everything=True):
        where = ['-m', '-p', '-u', '-i', '-C', '--root=/proc/%d/root' % self.init, '--wd=/proc/%d/root' % self.init]
        return ['nsenter', '-t', str(self.init), '-n'] + (where if everything else []) + args

    def run(self, *words):
        return subprocess.run(self.enter(list(words)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, env=ENV, timeout=300, check=False)

    def answers(self, url):
        for _ in range(50):
            if subprocess.run(self.enter([sys.executable, '-c', ASK, url], False), stderr=subprocess.DEVNULL,
                              check=False).returncode == 0:
                return True
            time.sleep(0.1)
        return False


class Service:
    def __init__(self, booted, count, url):
        self.b, self.count, self.url = booted, count, url

    def control(self, what, *words, status=0):
        done = self.b.run('systemctl', *words)
        self.count.check(done.returncode == status, '%s: exit status %s:\n%s' % (what, done.returncode, done.stdout[-2000:]))

    def show(self, name):
        return self.b.run('systemctl', 'show', '-p', name, '--value', UNIT).stdout.strip()

    def pid(self):
        return self.show('MainPID')

    def log(self):
        return self.b.run('journalctl', '-u', UNIT, '-o', 'cat').stdout

    def serves(self, what):
        self.count.check(self.show('ActiveState') == 'active' and self.b.answers(self.url),
                         '%s: it does not serve: %s\n%s' % (what, self.show('ActiveState'), self.log()[-2000:]))

    def other_than(self, pid, what, seconds):
        """A new process serves."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (self.pid() in (pid, '0') or self.show('ActiveState') != 'active'):
            time.sleep(0.2)
        self.count.check(self.pid() not in (pid, '0'), '%s: no new process after %d s' % (what, seconds))
        self.serves(what)


def restrained(s):
    text = s.b.run('cat', '/proc/%s/status' % s.pid()).stdout
    for line in ('NoNewPrivs:\t1', 'Seccomp:\t2', 'CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000'):
        s.count.check(line in text, 'its process has not: %s' % line)


def ends_and_begins(s):
    pid = s.pid()
    s.control('reload', 'reload', UNIT)
    s.count.check('read again' in s.log() and s.pid() == pid, 'after a reload: process %s, before it %s' % (s.pid(), pid))
    s.b.run('kill', '-KILL', pid)
    s.other_than(pid, 'killed', 20)
    pid = s.pid()
    s.b.run('kill', '-STOP', pid)  # WatchdogSec=30
    s.other_than(pid, 'stopped, seen by the watchdog', 90)
    pid = s.pid()
    s.control('restart', 'restart', UNIT)
    s.count.check(s.pid() != pid, 'a restart leaves the process')
    s.serves('restarted')
    s.control('stop', 'stop', UNIT)
    s.count.check(s.show('Result') == 'success', 'stopped: %s' % s.show('Result'))


def credential(s):
    """The sealing key lies where the relay cannot read it, and systemd hands it over."""
    s.b.run('mkdir', '-m', '700', SECRET)
    s.b.run('mv', STORE + '.sealing-key', SECRET + '/sealing-key')
    s.control('no key anywhere', 'start', UNIT, status=1)
    s.count.check('sealing key of this store is not there' in s.log(), 'without its key: it does not say what lacks')
    s.control('the end of that', 'stop', UNIT)
    s.b.run('mkdir', '-p', DROP_IN)
    s.b.run('sh', '-c', 'printf "[Service]\\nLoadCredential=sealing-key:%s/sealing-key\\n" >%s/key.conf' % (SECRET, DROP_IN))
    s.control('daemon-reload', 'daemon-reload')
    s.control('reset', 'reset-failed', UNIT)
    s.control('start with a credential', 'start', UNIT)
    s.serves('with a credential')
    s.count.check(s.b.run('test', '-e', STORE + '.sealing-key').returncode != 0, 'a key was made beside the store')


def replaced(s, deb):
    pid = s.pid()
    done = s.b.run('dpkg', '-i', deb)
    s.count.check(done.returncode == 0, 'upgrade: %s' % done.stdout[-2000:])
    s.other_than(pid, 'upgraded', 20)
    done = s.b.run('dpkg', '--remove', 'detente-relay')
    s.count.check(done.returncode == 0 and s.show('ActiveState') != 'active', 'removed: %s\n%s' % (s.show('ActiveState'),
                                                                                                 done.stdout[-2000:]))
    done = s.b.run('dpkg', '-i', deb)
    s.count.check(done.returncode == 0 and s.show('ActiveState') != 'active',
                  'installed again: %s\n%s' % (s.show('ActiveState'), done.stdout[-2000:]))


def check_booted(root, deb, url, count):
    """The unit of the package that is installed and configured in ${root}; ${deb} is its path there. All is as before
    afterwards."""
    with Booted(root) as b:
        if b.why is not None:
            count.skip('the service under systemd: %s' % b.why)
            return
        s = Service(b, count, url)
        s.control('enable and start', 'enable', '--now', UNIT)
        s.serves('started')
        s.count.check(s.show('StatusText') == 'serving', 'it tells systemd: %s' % s.show('StatusText'))
        restrained(s)
        ends_and_begins(s)
        credential(s)
        replaced(s, deb)
        s.control('disable', 'disable', UNIT)
        b.run('mv', SECRET + '/sealing-key', STORE + '.sealing-key')
        b.run('rm', '-r', SECRET, DROP_IN)
