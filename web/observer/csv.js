// observer/csv.js - tables as RFC 4180 has them, read strictly.

import { need, textOf } from '../verify/bytes.js';

const FILE_MAX = 8 << 20, ROWS_MAX = 20000;

/** Rows of cells; every row has as many as the first. */
export function readCsv(bytes) {
  need(bytes.length <= FILE_MAX, 'a table that is too long');
  const text = textOf(bytes, 'the table').replace(/^\ufeff/, ''), rows = [];
  need(text !== '' && !text.includes('\0'), 'an empty table, or no text');
  for (let at = 0; at < text.length;) {
    const row = [];
    need(rows.length < ROWS_MAX, 'a table of too many rows');
    for (let more = true; more;) {
      let cell = '';
      if (text[at] === '"') {
        const m = /"((?:[^"]|"")*)"(?=[,\r\n]|$)/y;
        m.lastIndex = at;
        const got = m.exec(text);
        need(got, 'row ' + (rows.length + 1) + ': a quoted field that does not end as it should');
        cell = got[1].replaceAll('""', '"');
        at += got[0].length;
      } else {
        const end = text.slice(at).search(/[,\r\n]/);
        cell = end < 0 ? text.slice(at) : text.slice(at, at + end);
        need(!cell.includes('"'), 'row ' + (rows.length + 1) + ': a quote inside a field that is not quoted');
        at += cell.length;
      }
      row.push(cell);
      more = text[at] === ',';
      if (more)
        at++;
    }
    need(text[at] !== '\r' || text[at + 1] === '\n', 'row ' + (rows.length + 1) + ': a carriage return without its line feed');
    at += text[at] === '\r' ? 2 : 1;
    need(rows.length === 0 || row.length === rows[0].length, 'row ' + (rows.length + 1) + ': another number of fields than the header');
    rows.push(row);
  }
  return rows;
}
