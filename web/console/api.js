// The page's only way to the program: calls of detente's commands, uploads, downloads, events, drafts.
// The token is held in this module's memory alone: a reload forgets it.

let token = '';
let askPassphrase = null; // async (message) => passphrase, or null when the person says no
let onEnd = () => {};
let onLock = () => {};

/** What went wrong, in the program's words, and what to do about it. */
export class ApiError extends Error {
    constructor(status, body) {
        super(body.error || 'status ' + status);
        this.status = status;
        this.code = body.code || '';
        this.advice = body.advice || '';
        this.notes = body.notes || [];
    }
}

/** Who asks for a passphrase, and what happens when the session has ended, and when it is locked. */
export function handlers(ask, end, lock) {
    askPassphrase = ask;
    onEnd = end;
    onLock = lock;
}

export const signedIn = () => token !== '';

async function request(method, path, body, options = {}) {
    const headers = {};
    if (token) headers.Authorization = 'Bearer ' + token;
    let sent = body;
    if (body instanceof Blob) headers['Content-Type'] = 'application/octet-stream';
    else if (body !== undefined) {
        headers['Content-Type'] = 'application/json';
        sent = JSON.stringify(body);
    }
    let answer;
    try {
        answer = await fetch(path, {method, headers, body: sent, signal: options.signal, cache: 'no-store', credentials: 'omit'});
    } catch (e) {
        if (e.name === 'AbortError') throw e;
        throw new ApiError(0, {error: 'unreachable', code: 'unreachable'});
    }
    if (options.blob && answer.ok) return answer.blob();
    let said = {};
    try {
        said = await answer.json();
    } catch (_) {
        // no JSON: the status says enough
    }
    if (answer.ok) return said;
    const error = new ApiError(answer.status, said);
    if (answer.status === 401 && token) {
        token = '';
        onEnd();
    } else if (answer.status === 423 && token) onLock();
    throw error;
}

/** Exchange the one-time key of the URL for a token. Gives {locked, lock_after}, the latter in seconds. */
export async function session(key) {
    token = '';
    const {token: own, ...how} = await request('POST', '/api/session', {key});
    token = own;
    return how;
}

/** Somebody is at the page. */
export const present = () => request('POST', '/api/present', {}).catch(() => {});
export const unlock = (passphrase) => request('POST', '/api/unlock', {passphrase});
export const lock = () => request('POST', '/api/lock', {});

const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

/**
 * Run a command of detente. Resolves to {status, result, text, notes, files}; status 1 is a "no" and no error.
 * An act that wants the passphrase again asks for it here, and says which act it is for
 * (more.act), and whose that is where it is not the home's (more.whose). A call
 * whose signal is aborted is cancelled in the program, too, which says whether it could still be: an AbortError; or it is done.
 */
export async function call(command, operands = [], options = {}, more = {}) {
    const body = {command, operands, options, id: random()}; // by its id long work is shown, and cancelled
    if (more.passphrase) body.passphrase = more.passphrase;
    if (more.signal) {
        more.signal.throwIfAborted();
        more.signal.addEventListener('abort', async () => {
            // It can be quicker there than the call itself.
            while (!over && (await cancel(body.id).then(() => false, (e) => e.status === 404))) await new Promise((soon) => setTimeout(soon, 100));
        }, {once: true});
    }
    let over = false;
    try {
        return await request('POST', '/api/call', body);
    } catch (e) {
        if (more.signal && more.signal.aborted && e.status === 409) e.name = 'AbortError';
        if ((e.code !== 'passphrase' && e.code !== 'wrong-passphrase') || !askPassphrase) throw e;
        e.whose = more.whose || '';
        e.act = more.act || '';
        const passphrase = await askPassphrase(e);
        if (!passphrase) {
            e.declined = true;
            throw e;
        }
        return call(command, operands, options, {...more, passphrase});
    } finally {
        over = true;
    }
}

const PIECE = 1 << 20;

/** Hand a file to the program, a piece after the other; progress(done, of). Gives what stands for it in a call. */
export async function upload(file, progress = () => {}, signal) {
    const {upload: id} = await request('POST', '/api/upload', {name: file.name, size: file.size}, {signal});
    try {
        for (let at = 0; at < file.size; at += PIECE) {
            progress(at, file.size);
            await request('POST', '/api/upload/' + encodeURIComponent(id), file.slice(at, at + PIECE), {signal});
        }
        progress(file.size, file.size);
    } catch (e) {
        cancel(id).catch(() => {}); // what has come of it is of no use to anybody
        throw e;
    }
    return {upload: id};
}

/** A file that a call has made, as a Blob. */
export const download = (id) => request('GET', '/api/download/' + encodeURIComponent(id), undefined, {blob: true});

/** Let the person save these bytes. */
export function saveBlob(blob, name) {
    const url = URL.createObjectURL(blob);
    const a = document.createElement('a');
    a.href = url;
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** Let the person save a file that a call has made. */
export const save = async (file) => saveBlob(await download(file.download), file.name);

export const events = (after, signal) => request('GET', '/api/events?after=' + after, undefined, {signal});
/** Stop a call, or forget a file. */
export const cancel = (id) => request('POST', '/api/cancel', {id});

/** Keep what was begun to be written; empty: forget it. */
export const putDraft = (key, text) => call('draft put', [key, text]);

/** Drafts by their keys. */
export async function drafts() {
    const {result} = await call('draft list');
    return {...((result && result.drafts) || {})};
}

/** As the page is left: keep a draft, without an answer. */
export function putDraftLast(key, text) {
    if (token) leave('/api/call', {command: 'draft put', operands: [key, text]});
}

const leave = (path, body) => fetch(path, {method: 'POST', keepalive: true, headers: {'Content-Type': 'application/json', Authorization: 'Bearer ' + token}, body: JSON.stringify(body), credentials: 'omit'}).catch(() => {});

/** As the page is left: a key for its next load, told to the program; good for twenty seconds and once. Or null. */
export function resume() {
    if (!token) return null;
    const key = random();
    leave('/api/resume', {key});
    return key;
}

export async function end() {
    try {
        await request('POST', '/api/end', {});
    } finally {
        token = '';
        onEnd();
    }
}
