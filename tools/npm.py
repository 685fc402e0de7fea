"""An npm package that a test wants, by its lock file: installed once into a folder of the user's cache."""
import hashlib
import os
import shutil
import subprocess
import tempfile

NODE_LEAST = 18


def node_missing():
    """Why node cannot be used here; None when it can."""
    for program in ('node', 'npm'):
        if shutil.which(program) is None:
            return '%s is not here' % program
    said = subprocess.run(['node', '--version'], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()
    major = said.lstrip('v').split('.')[0]
    if not major.isdigit() or int(major) < NODE_LEAST:
        return 'node %s is older than %d' % (said, NODE_LEAST)
    return None


def modules(here, name, package):
    """(node_modules, None) of ${here}'s package.json and package-lock.json, or (None, why not)."""
    why = node_missing()
    if why:
        return None, why
    with open(os.path.join(here, 'package-lock.json'), 'rb') as f:
        name += '-' + hashlib.sha256(f.read()).hexdigest()[:16]
    cache = os.environ.get('DETENTE_INTEROP_CACHE') or os.path.join(os.path.expanduser('~'), '.cache/detente')
    folder = os.path.join(cache, name)
    if not os.path.isdir(folder):
        os.makedirs(cache, exist_ok=True)
        fresh = tempfile.mkdtemp(prefix=name + '.', dir=cache)
        for file in ('package.json', 'package-lock.json'):
            shutil.copy(os.path.join(here, file), fresh)
        # The lock file names a hash for every package, and no script of a package runs.
        try:
            done = subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], cwd=fresh, timeout=240,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            why = '' if done.returncode == 0 else 'npm ci ended with status %d' % done.returncode
        except subprocess.TimeoutExpired:
            why = 'npm ci took more than 4 minutes'
        if why:
            shutil.rmtree(fresh)
            return None, 'the package %s could not be installed: %s' % (package, why)
        try:
            os.rename(fresh, folder)
        except OSError:             # another run was first
            shutil.rmtree(fresh)
    return os.path.join(folder, 'node_modules'), None
