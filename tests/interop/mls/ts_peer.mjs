// tests/interop/mls/ts_peer.mjs - one member of one MLS group behind a line protocol, over the npm package ts-mls.
//
// Speaks the same lines as mls_peer.c (README.md lists them). Use: node ts_peer.mjs MODULES, where MODULES is the
// node_modules folder that holds ts-mls; it stands outside the tree, so the package is imported by its path.
// A group of ours is known here by its state before and after a commit of ours: the latter waits until the commit
// comes back, as it does in mls_peer.c.
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"
import { webcrypto } from "node:crypto"
import path from "node:path"

if (globalThis.crypto === undefined) globalThis.crypto = webcrypto // before node 20

const from = (...parts) => import(pathToFileURL(path.join(process.argv[2], ...parts)))
const mls = await from("ts-mls", "dist", "src", "index.js")
const { makeResumptionPsk } = await from("ts-mls", "dist", "src", "resumption.js")
const { createGroupInfo, createGroupInfoWithRatchetTree } = await from("ts-mls", "dist", "src", "createCommit.js")
const { decodeRatchetTree, encodeRatchetTree } = await from("ts-mls", "dist", "src", "ratchetTree.js")
const curves = await from("@noble", "curves", "nist.js")

const hex = (bytes) => Buffer.from(bytes).toString("hex")
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"))
const WEEK = 604800n
// An extension and a proposal that only these tests know, as README.md has them.
const OWN_EXTENSION = 0xf0a1
const OWN_PROPOSAL = 0xf0b1

let me

function decode(message) {
  const got = mls.decodeMlsMessage(message, 0)
  if (got === undefined || got[1] !== message.length) throw new Error("not an MLSMessage")
  return got[0]
}

function pskIndex() {
  const index = mls.makePskIndex(me.state, me.psks)
  const former = mls.makePskIndex(me.former, {})
  return { findPsk: (id) => index.findPsk(id) ?? former.findPsk(id) }
}

function treeOf(text) {
  if (text === undefined) return undefined
  const tree = bytes(text)
  const got = decodeRatchetTree(tree, 0)
  if (got === undefined || got[1] !== tree.length) throw new Error("not a ratchet tree")
  return got[0]
}

// TYPE=HEX, with a comma between two. ts-mls has names for the types that it knows.
const typed = (text) =>
  text === "" ? [] : text.split(",").map((one) => one.split("=")).map(([type, value]) => [Number(type), bytes(value)])
const extensionName = (type) =>
  Object.keys(mls.defaultExtensionTypes).find((n) => mls.defaultExtensionTypes[n] === type) ?? type
const extensionsOf = (text) =>
  typed(text).map(([type, extensionData]) => ({ extensionType: extensionName(type), extensionData }))

function proposalOf(word) {
  const [kind, value] = word.split(":")
  const pskNonce = me.impl.rng.randomBytes(me.impl.kdf.size)
  switch (kind) {
    case "add": {
      const message = decode(bytes(value))
      if (message.wireformat !== "mls_key_package") throw new Error("not a key package")
      return { proposalType: "add", add: { keyPackage: message.keyPackage } }
    }
    case "remove":
      return { proposalType: "remove", remove: { removed: Number(value) } }
    case "psk": {
      if (value === "former") // the resumption PSK with which the group before this one ended
        return { proposalType: "psk", psk: { preSharedKeyId: makeResumptionPsk(me.former, "application", me.impl).id } }
      const preSharedKeyId = { psktype: "external", pskId: bytes(value), pskNonce }
      return { proposalType: "psk", psk: { preSharedKeyId } }
    }
    case "resume": {
      const { groupId: pskGroupId } = me.state.groupContext
      const named = { psktype: "resumption", usage: "application", pskGroupId, pskEpoch: BigInt(value) }
      return { proposalType: "psk", psk: { preSharedKeyId: { ...named, pskNonce } } }
    }
    case "ext":
      return {
        proposalType: "group_context_extensions", groupContextExtensions: { extensions: extensionsOf(value) } }
    case "private": {
      const [[proposalType, proposalData]] = typed(value)
      return { proposalType, proposalData }
    }
    default:
      throw new Error("a word that a commit does not know")
  }
}

// ts-mls 1.6.4 makes ECDSA public keys as compressed points, where RFC 9420 section 5.1.1 has them uncompressed.
async function signatureKeys(suite, impl, how) {
  const keys = await impl.signature.keygen()
  const curve = { 2: curves.p256, 5: curves.p521, 7: curves.p384 }[suite]
  if (curve === undefined || how === "compressed") return keys
  return { signKey: keys.signKey, publicKey: curve.getPublicKey(keys.signKey, false) }
}

const suiteName = (suite) => Object.keys(mls.ciphersuites).find((n) => mls.ciphersuites[n] === Number(suite))
const suiteImpl = (suite) =>
  mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(suiteName(suite)), mls.nobleCryptoProvider)

async function makeKeys(suite, impl, how) {
  const credential = { credentialType: "basic", identity: me.identity }
  const now = BigInt(Math.floor(Date.now() / 1000))
  const lifetime = how === "default" ? mls.defaultLifetime : { notBefore: now - 3600n, notAfter: now + WEEK }
  const capabilities = mls.defaultCapabilities()
  capabilities.extensions.push(OWN_EXTENSION)
  capabilities.proposals.push(OWN_PROPOSAL)
  return mls.generateKeyPackageWithKey(
    credential, capabilities, lifetime, [], await signatureKeys(suite, impl, how), impl)
}

const packageMessage = (keys) =>
  hex(mls.encodeMlsMessage({ keyPackage: keys.publicPackage, wireformat: "mls_key_package", version: "mls10" }))
const welcomeMessage = (welcome) => hex(mls.encodeMlsMessage({ welcome, wireformat: "mls_welcome", version: "mls10" }))

function welcomeOf(text) {
  const message = decode(bytes(text))
  if (message.wireformat !== "mls_welcome") throw new Error("not a Welcome")
  return message.welcome
}

function groupInfoOf(text) {
  const message = decode(bytes(text))
  if (message.wireformat !== "mls_group_info") throw new Error("not a GroupInfo")
  return message.groupInfo
}

const privateUse = (proposals) =>
  proposals
    .filter((p) => typeof p.proposalType === "number")
    .map((p) => p.proposalType + "=" + hex(p.proposalData))
    .join(",")

// RFC 9420 section 12.4.3.2: external_pub is an HPKEPublicKey, a vector with its length. ts-mls 1.6.4 writes and reads
// the bare key; so the length is put before it here, and taken away where ts-mls looks the extension up. The
// extension itself stays as it came, because the signature is over it.
const lengthOf = (n) => (n < 64 ? [n] : [0x40 | (n >> 8), n & 255])
const wrapped = (key) => new Uint8Array([...lengthOf(key.length), ...key])

function bareKey(extensions) {
  extensions.find = (wanted) => {
    const found = Array.prototype.find.call(extensions, wanted)
    if (found === undefined || found.extensionType !== "external_pub") return found
    const data = found.extensionData
    const header = data[0] < 64 ? 1 : 2
    if (hex(wrapped(data.slice(header))) !== hex(data)) throw new Error("not an ExternalPub")
    return { ...found, extensionData: data.slice(header) }
  }
}

const commands = {
  async init(suite) {
    me = { suite: Number(suite), impl: await suiteImpl(suite), psks: {} }
  },
  // "kp IDENTITY default" leaves the lifetime as ts-mls has it, without an end; "compressed" its ECDSA key.
  async kp(identity, how) {
    me.identity = bytes(identity)
    me.keys = await makeKeys(me.suite, me.impl, how)
    return packageMessage(me.keys)
  },
  async create(id) {
    me.state = await mls.createGroup(bytes(id), me.keys.publicPackage, me.keys.privatePackage, [], me.impl)
  },
  async psk(id, value) {
    me.psks[mls.bytesToBase64(bytes(id))] = bytes(value)
  },
  async commit(wire, ...items) {
    // An empty commit always has a path, and a commit takes up all proposals that were received.
    const extraProposals = items.filter((w) => !["path", "cached", "apart"].includes(w)).map(proposalOf)
    const made = await mls.createCommit(
      { state: me.state, cipherSuite: me.impl, pskIndex: pskIndex() },
      { extraProposals, ratchetTreeExtension: !items.includes("apart"), wireAsPublicMessage: wire === "1" },
    )
    const commit = hex(mls.encodeMlsMessage(made.commit))
    // What is by value stands last in the Commit.
    const cached = Object.values(me.state.unappliedProposals).map((p) => p.proposal)
    me.pending = { commit, state: made.newState, privateUse: privateUse([...cached, ...extraProposals]) }
    return commit + " " + (made.welcome === undefined ? "-" : welcomeMessage(made.welcome))
  },
  async propose(wire, item) {
    const made = await mls.createProposal(me.state, wire === "1", proposalOf(item), me.impl)
    me.state = made.newState
    return hex(mls.encodeMlsMessage(made.message))
  },
  async drop() {
    me.pending = undefined
  },
  async join(text, tree) {
    const { publicPackage, privatePackage } = me.keys
    me.state = undefined
    me.state = await mls.joinGroup(welcomeOf(text), publicPackage, privatePackage, pskIndex(), me.impl, treeOf(tree))
  },
  // A key package for the group that comes after this one.
  async nextkp(suite) {
    const impl = await suiteImpl(suite)
    me.next = { suite: Number(suite), impl, keys: await makeKeys(Number(suite), impl) }
    return packageMessage(me.next.keys)
  },
  async reinit(id, suite, extensions) {
    const made = await mls.reinitGroup(
      me.state, bytes(id), "mls10", suiteName(suite), extensionsOf(extensions ?? ""), me.impl)
    const commit = hex(mls.encodeMlsMessage(made.commit))
    me.pending = { commit, state: made.newState }
    return commit
  },
  // What reinitCreateNewGroup and branchGroup do, with the tree in the Welcome where it shall be there.
  async succeed(usage, id, ...words) {
    const { suite, impl, keys } = me.next
    const packages = words.filter((w) => w !== "apart")
    const { extensions } = usage === "reinit" ? me.state.groupActiveState.reinit : me.state.groupContext
    const group = await mls.createGroup(bytes(id), keys.publicPackage, keys.privatePackage, extensions, impl)
    const psk = makeResumptionPsk(me.state, usage, impl)
    const extraProposals = packages.map((p) => proposalOf("add:" + p))
    extraProposals.push({ proposalType: "psk", psk: { preSharedKeyId: psk.id } })
    const made = await mls.createCommit(
      { state: group, cipherSuite: impl, pskIndex: pskIndex() },
      { extraProposals, ratchetTreeExtension: packages.length === words.length })
    Object.assign(me, { suite, impl, keys, former: me.state, state: made.newState, pending: undefined })
    return welcomeMessage(made.welcome)
  },
  async joinnext(text, tree) {
    const { suite, impl, keys } = me.next
    const state = await mls.joinGroup(
      welcomeOf(text), keys.publicPackage, keys.privatePackage, pskIndex(), impl, treeOf(tree), me.state)
    Object.assign(me, { suite, impl, keys, former: me.state, state, pending: undefined })
  },
  async process(text) {
    if (me.pending !== undefined && text === me.pending.commit) {
      me.state = me.pending.state
      me.privateUse = me.pending.privateUse
      me.pending = undefined
      return "own"
    }
    const message = decode(bytes(text))
    const before = me.state.groupContext.epoch
    let got, inCommit
    const see = (incoming) => {
      if (incoming.kind === "commit") inCommit = privateUse(incoming.proposals.map((p) => p.proposal))
      return "accept"
    }
    if (message.wireformat === "mls_private_message")
      got = await mls.processPrivateMessage(me.state, message.privateMessage, pskIndex(), me.impl, see)
    else if (message.wireformat === "mls_public_message")
      got = await mls.processPublicMessage(me.state, message.publicMessage, pskIndex(), me.impl, see)
    else throw new Error("not a message of a group")
    me.state = got.newState
    if (got.kind === "applicationMessage") return "message " + hex(got.message)
    if (me.state.groupActiveState.kind === "removedFromGroup") return "removed"
    if (me.state.groupContext.epoch === before) return "proposal"
    me.pending = undefined
    me.privateUse = inCommit
    return "commit"
  },
  async protect(text) {
    const aad = new TextEncoder().encode("aad")
    const made = await mls.createApplicationMessage(me.state, bytes(text), me.impl, aad)
    me.state = made.newState
    const message = { privateMessage: made.privateMessage, wireformat: "mls_private_message", version: "mls10" }
    return hex(mls.encodeMlsMessage(message))
  },
  async gi(apart) {
    const { groupContext, confirmationTag, ratchetTree, keySchedule } = me.state
    const pair = await me.impl.hpke.deriveKeyPair(keySchedule.externalSecret)
    const key = await me.impl.hpke.exportPublicKey(pair.publicKey)
    const extension = { extensionType: "external_pub", extensionData: wrapped(key) }
    const groupInfo =
      apart === "apart"
        ? await createGroupInfo(groupContext, confirmationTag, me.state, [extension], me.impl)
        : await createGroupInfoWithRatchetTree(
            groupContext, confirmationTag, me.state, ratchetTree, [extension], me.impl)
    return hex(mls.encodeMlsMessage({ groupInfo, wireformat: "mls_group_info", version: "mls10" }))
  },
  // "extjoin GROUPINFO again" replaces the leaf that the same key had before.
  async extjoin(text, ...words) {
    const groupInfo = groupInfoOf(text)
    const { publicPackage, privatePackage } = me.keys
    const tree = treeOf(words.find((w) => w.startsWith("tree:"))?.slice(5))
    bareKey(groupInfo.extensions)
    const made = await mls.joinGroupExternal(
      groupInfo, publicPackage, privatePackage, words.includes("again"), me.impl, tree)
    me.state = made.newState
    const commit = { publicMessage: made.publicMessage, wireformat: "mls_public_message", version: "mls10" }
    return hex(mls.encodeMlsMessage(commit))
  },
  // The tree of the epoch that the pending Commit begins, or else of the present one.
  async tree() {
    return hex(encodeRatchetTree((me.pending ?? me).state.ratchetTree))
  },
  async addself(text) {
    const { publicPackage, privatePackage } = me.keys
    return hex(mls.encodeMlsMessage(
      await mls.proposeAddExternal(groupInfoOf(text), publicPackage, privatePackage, me.impl)))
  },
  async private() {
    return me.privateUse === undefined || me.privateUse === "" ? "-" : me.privateUse
  },
  async extension(type) {
    const found = me.state.groupContext.extensions.find((e) => e.extensionType === extensionName(Number(type)))
    return found === undefined ? "-" : hex(found.extensionData)
  },
  async reload() {
    const saved = mls.encodeGroupState(me.state)
    const got = mls.decodeGroupState(saved, 0)
    me.state = { ...got[0], clientConfig: me.state.clientConfig }
  },
  async auth() {
    return hex(me.state.keySchedule.epochAuthenticator)
  },
  async export(label, context, n) {
    const secret = me.state.keySchedule.exporterSecret
    return hex(await mls.mlsExporter(secret, label, bytes(context), Number(n), me.impl))
  },
  async leaf() {
    return String(me.state.privatePath.leafIndex)
  },
  async members() {
    return me.state.ratchetTree
      .map((node, i) => [node, i / 2])
      .filter(([node]) => node !== undefined && node.nodeType === "leaf")
      .map(([node, i]) => i + ":" + hex(node.leaf.credential.identity))
      .join(" ")
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = line.split(" ")
  try {
    if (!Object.hasOwn(commands, name)) throw new Error("not a command")
    const said = await commands[name](...args)
    process.stdout.write(said === undefined ? "ok\n" : "ok " + said + "\n")
  } catch (e) {
    process.stdout.write("error " + e.name + " " + String(e.message).replaceAll("\n", " ") + "\n")
  }
}
