// verify/known.js - the templates that every program of ours knows, by id and hash.
//
// Source: tests/record/template_hashes.inc, with which web/test compares this. A template that is carried in a proof
// under one of these ids, with another hash, is told to be unknown.

export const KNOWN_TEMPLATES = {
  letter: '8721f7e272512965e08f20c706e834c095571523a8747870dd1333c24638add4',
  amendment: '071326242e11cadafb0cd9054afe91198185e0a3118a513425d49e5641de64ea',
  receipt: '594bb1b9e7dfb0e0e9e3a0e611a5ed73a1780866eb3751d49c1600ec626faa21',
  countersign: '89c6b216b0f12d195c67fa1ebfbcb15eeee173449451cef53c7201a29922f91b',
  answer: 'abc6e24ddf2b10e0303f7680bdffac235612a2cbba3efcf6e87ed54de9da1adc',
  dispute: 'baff4fdd28903c9117168bdddb48a99ad522ddc2970c0161fab56d10250b433f',
  withdraw: '71475d356287a62e9fdf8c7527f56b33aa41eec4316d98a53bf7845af02a21e7',
  consent: 'c9a525d5c49707ad660368da2a4812a3f46355b0b9e4a78f336807d78477edd4',
  tally: 'c7e1b8401754024f4aaf557261a1c6617c90a445a1ae5a1482fae885a9b60920',
  cover: 'b7ff981ce39d8f8756a0cb9ac708f7bb46811a901b46e84f8580d17e1697846f',
  activity: 'a7de420ff531e8e219619b6f99b5ec1a036371ffd7e86e0c27f38fab1e5c367b',
  calendar: '8d5c4db0f001563ae056fba69638052292cba53ec3dec4f07a1cd121e90d5ea9',
  concern: '2bf92b1652f446b351a0b1cd7d3c1ad6035c5ae2938026efaac519000e2645d2',
  contact: '571e30c5caae3e31b2c85acbefc9cc97d44ad4fae9dcd6ae0a6c20e4a26fb356',
  declaration: '00e9ea9c6b2c6124ec162267bd435507bcc74a7a48fffea04ab3be87aa4d0b31',
  explanation: '273a651ba7e5d7a2f51d8de0dc577639cf9fae3723813447392f2f07bf4882f7',
  finding: '24012a557fcf3a9cfb75c607c22339ca16fb790051ba88c866f4c04e86bc586c',
  heartbeat: '050080fd2f1cc6634cfbe838912b36f25c8f6a9c3c921f94fcbfe955351c8c5f',
  incident: '28cedde7567bcc079f92493f73ff9cde81e2d234200a8d7945f294aa2a1e8985',
  launch: '900a043ac16de3277655c3ab75d625b4ff1e35569740936de9fee102ca09f3ac',
  outcome: 'd775d628f6a16d11a178c4f57fc8aa61cf5332ba189d54d55edaf033f4d72010',
  passage: 'b1687ca3aacb148a2e44da8e7f2134ff539a44f405c8c2376e9f02fe3b5e8c23',
  persons: '9b227e21671bfa2eaaaaf4cc81a7ed2b1eabb092d926583b5682c4b4f23aee9a',
  question: '9ce25d4b9b459d3b41421bf4b6361b39acab80b6b152e7bdfa2223f074c0c532',
  readout: '191ea5f48e44ba82ab5ec8091e1994aac38680db87c685768aab5ba0e305006e',
  undertaking: 'c6db2f5de44824857fc7e8ef2c3291f888968ef2dd368bf883367f3d3f972c44',
  visit: 'c08522b69b09e23e9c92e254fea9b2b15be1c3cc24101792ad0b2d15697720d1',
  visit_report: '0afcd4ff819a34d5e41ae59fa52ff41ccda45aefe3fb74292dfbec22fcb85d47',
  carried: '1eab4ec12169a1ecdef17a066afeb1ab92a56f4663c641f36dabf8adc62077cc',
  readout_line: '846e75cb751327cb68dbba4426cf7f844917be975f7191d4243cb789ef465a7e',
};
