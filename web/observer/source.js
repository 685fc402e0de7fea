// observer/source.js - where a register's files come from: a web address, or a folder of this machine.
//
// Nothing that comes from here is trusted; sizes are bounded before anything is read.

/** The register could not be reached, or gave something else than was asked for. */
export class Trouble extends Error {}

const NOTE_MAX = 256 << 10;

/** By HTTP: no cookies, no referrer, nothing from a cache, no way to another host. readKey: 64 hex digits, or ''. */
export class WebSource {
  constructor(url, readKey = '') {
    this.url = url;
    this.readKey = readKey;
    this.asks = true; // a relay answers questions; a server of files does not know them
  }

  get name() {
    return this.url;
  }

  async file(path, max = NOTE_MAX, signal = undefined) {
    let r;
    try {
      r = await fetch(this.url + '/' + path, { cache: 'no-store', credentials: 'omit', redirect: 'error',
        referrerPolicy: 'no-referrer', signal, headers: this.readKey === '' ? {} : { Authorization: 'Bearer ' + this.readKey } });
    } catch (e) {
      if (e.name === 'AbortError')
        throw e;
      throw new Trouble('The register at ' + this.url + ' could not be reached, or does not let other pages read it.' +
        (this.readKey === '' ? '' : ' With a read key it is read only by the page that its own relay offers, at ' + new URL(this.url).origin + '/.'));
    }
    if (r.status === 404)
      return null;
    if (r.status === 401 || r.status === 403)
      throw new Trouble(this.readKey === '' ? 'The register at ' + this.url + ' is read with a key: give its read key.' :
        'The register at ' + this.url + ' is read with another key than this one.');
    if (!r.ok)
      throw new Trouble('The register at ' + this.url + ' answered ' + path + ' with status ' + r.status + '.');
    const parts = [], reader = r.body.getReader();
    for (let n = 0, next = await reader.read(); !next.done; next = await reader.read()) {
      n += next.value.length;
      if (n > max) {
        await reader.cancel();
        throw new Trouble('The register gave more than ' + max + ' bytes for ' + path + '.');
      }
      parts.push(next.value);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  }
}

/** The address of a register as people type it; null when it is none. What lies below the page itself may be relative. */
export function readAddress(text) {
  let url;
  try {
    url = new URL(text.trim(), /^https?:$/.test(location.protocol) ? location.href : undefined);
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return null;
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/** A folder that was chosen or dropped: files by their path below it. */
export class FolderSource {
  constructor(files, prefix) {
    this.files = files;
    this.prefix = prefix;
    this.asks = false;
  }

  get name() {
    return 'the folder ' + (this.prefix === '' ? 'that was chosen' : this.prefix.replace(/\/$/, ''));
  }

  async file(path, max = NOTE_MAX) {
    const f = this.files.get(this.prefix + path);
    if (!f)
      return null;
    if (f.size > max)
      throw new Trouble('The file ' + path + ' has more than ' + max + ' bytes.');
    return new Uint8Array(await f.arrayBuffer());
  }

  /** Names of files below a folder, for one without an index. */
  under(path) {
    const all = this.prefix + path + '/';
    return [...this.files.keys()].filter((n) => n.startsWith(all) && !n.slice(all.length).includes('/'))
      .map((n) => n.slice(all.length));
  }
}

/** Every folder among these files that has a register's checkpoint. files: of each {path, file}. */
export function foldersOf(list) {
  const files = new Map(list.map(({ path, file }) => [path, file])), prefixes = new Set();
  for (const path of files.keys()) {
    const m = /^(.*\/)?checkpoint(\.held)?$/.exec(path);
    if (m)
      prefixes.add(m[1] || '');
  }
  return [...prefixes].sort().map((p) => new FolderSource(files, p));
}
