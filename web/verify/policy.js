// verify/policy.js - who has to have cosigned: a policy, and what a checkpoint is worth under it.
//
// Source: c2sp.org/tlog-policy; docs/protocol-register.md "Policy".

import { Refused, bytesOf, decimal, equal, need } from './bytes.js';
import { KEY_COSIGNATURE, KEY_NOTE, checkNote, parseCheckpoint, parseKey, parseNote } from './note.js';

const TEXT_MAX = 128 << 10, LOGS_MAX = 64, NODES_MAX = 128, WORD_MAX = 255, URL_MAX = 2048;
const TIME_COUNTS_MAX = 253402300799n; // 9999-12-31T23:59:59Z: what lies past it vouches for nothing

function clash(a, b) {
  return equal(a.pub, b.pub) || (a.id === b.id && a.name === b.name);
}

export class Policy {
  constructor() {
    this.logs = [];          // keys
    this.nodes = [];         // {name, key} or {name, k, members}; members stand before their group
    this.quorum = undefined; // place of a node; null: none
  }

  find(name) {
    return this.nodes.findIndex((n) => n.name === name);
  }

  addNode(name, node) {
    need(bytesOf(name).length <= WORD_MAX && name !== 'none', 'not usable as the name of a witness or group');
    need(this.find(name) < 0, 'a name is defined twice');
    need(this.nodes.length < NODES_MAX, 'too many witnesses and groups');
    this.nodes.push({ name, parent: -1, ...node });
  }

  addLog(key, url) {
    need(key.type === KEY_NOTE, 'this key is not of a type for logs');
    need(!this.logs.some((l) => clash(l, key)), 'the key of a log is there twice');
    need(this.logs.length < LOGS_MAX && bytesOf(url).length <= URL_MAX, 'too many logs');
    this.logs.push(key);
  }

  addWitness(name, key, url) {
    need(key.type === KEY_COSIGNATURE, 'this key is not of a type for witnesses');
    need(!this.nodes.some((n) => n.key && clash(n.key, key)), 'the key of a witness is there twice');
    need(bytesOf(url).length <= URL_MAX, 'an address that is too long');
    this.addNode(name, { key });
  }

  addGroup(name, k, names) {
    const members = names.map((n) => this.find(n));
    need(k >= 1 && k <= members.length, 'a group needs 1 to all of its members');
    need(members.every((m) => m >= 0), 'a group names a member that is not defined before it');
    need(new Set(members).size === members.length, 'a group names a member twice');
    need(members.every((m) => this.nodes[m].parent < 0), 'a member is in two groups');
    this.addNode(name, { k, members });
    for (const m of members)
      this.nodes[m].parent = this.nodes.length - 1;
  }

  setQuorum(name) {
    need(this.quorum === undefined, 'the quorum is there twice');
    const at = name === 'none' ? null : this.find(name);
    need(at !== -1, 'the quorum names what is not defined before it');
    this.quorum = at;
  }

  /** Places of the members of the quorum's group; without one, of the outermost groups. */
  sides() {
    if (this.quorum !== null) {
      const q = this.nodes[this.quorum];
      return q.members ? q.members : [this.quorum];
    }
    return this.nodes.flatMap((n, i) => n.members && n.parent < 0 ? [i] : []);
  }

  /** The side that the node at this place belongs to; -1: none. */
  sideOf(at) {
    const sides = this.sides();
    while (at >= 0 && !sides.includes(at))
      at = this.nodes[at].parent;
    return at;
  }
}

export async function parsePolicy(text) {
  const p = new Policy();
  need(bytesOf(text).length <= TEXT_MAX, 'a policy that is too long');
  // eslint-disable-next-line no-control-regex
  need(!/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text), 'a policy holds a control character');
  need(text === '' || text.endsWith('\n'), 'the last line of the policy has no line feed');
  for (const [n, line] of text.split('\n').entries()) {
    const w = line.split(/[ \t]+/).filter((x) => x !== '');
    if (w.length === 0 || w[0].startsWith('#'))
      continue;
    try {
      if (w[0] === 'log' && (w.length === 2 || w.length === 3))
        p.addLog(await parseKey(w[1]), w[2] || '');
      else if (w[0] === 'witness' && (w.length === 3 || w.length === 4))
        p.addWitness(w[1], await parseKey(w[2]), w[3] || '');
      else if (w[0] === 'group' && w.length >= 4)
        p.addGroup(w[1], w[2] === 'any' ? 1 : w[2] === 'all' ? w.length - 3 :
          Number(decimal(w[2], 'threshold of a group', BigInt(NODES_MAX))), w.slice(3));
      else if (w[0] === 'quorum' && w.length === 2)
        p.setQuorum(w[1]);
      else
        throw new Refused('not a log, witness, group or quorum line');
    } catch (e) {
      if (e instanceof Refused)
        throw new Refused('line ' + (n + 1) + ' of the policy: ' + e.message);
      throw e;
    }
  }
  need(p.quorum !== undefined, 'a policy has no quorum line');
  return p;
}

/** The k-th smallest time of those of these nodes that are satisfied, or null. */
function threshold(states, places, k) {
  const times = places.map((i) => states[i]).filter((t) => t !== null).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return k >= 1 && times.length >= k ? times[k - 1] : null;
}

/**
 * What a checkpoint note is worth: {checkpoint, note, states (of each node its time in seconds, or null), quorum,
 * quorumTime}. Refused when no log of the policy signed it, or a line of a known key does not hold.
 */
export async function evaluate(policy, bytes) {
  const note = parseNote(bytes), checkpoint = parseCheckpoint(note.text);
  let signed = false;
  for (const key of policy.logs) {
    const v = await checkNote(note.sigs, note.text, key);
    signed = signed || (v.ok && key.name === checkpoint.origin);
  }
  need(signed, 'no trusted log signed this checkpoint');
  const states = [];
  for (const node of policy.nodes) {
    if (node.members) {
      states.push(threshold(states, node.members, node.k));
      continue;
    }
    const v = await checkNote(note.sigs, note.text, node.key);
    states.push(v.ok && v.time > 0n && v.time <= TIME_COUNTS_MAX ? v.time : null);
  }
  const time = policy.quorum === null ? 0n : states[policy.quorum];
  return { checkpoint, note, states, quorum: time !== null, quorumTime: time };
}

/** {attested, final, attestedTime}: k sides cosigned (0: what the quorum asks for), all did. */
export function attestation(policy, state, k) {
  const sides = policy.sides();
  if (k === 0) {
    const q = policy.quorum === null ? null : policy.nodes[policy.quorum];
    k = q === null ? sides.length : q.members ? q.k : 1;
  }
  const at = threshold(state.states, sides, k);
  return { attested: at !== null, attestedTime: at, final: threshold(state.states, sides, sides.length) !== null };
}

/** {first, last} time in seconds of the sides other than this one, or null when none cosigned. */
export function timesOfOthers(policy, state, side) {
  const times = policy.sides().filter((s) => s !== side).map((s) => state.states[s]).filter((t) => t !== null);
  if (times.length === 0)
    return null;
  return { first: times.reduce((a, b) => (a < b ? a : b)), last: times.reduce((a, b) => (a > b ? a : b)) };
}
