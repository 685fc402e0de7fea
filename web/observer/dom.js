// observer/dom.js - elements made by hand: no text is ever read as markup.

/** An element with attributes and children: texts, elements, or lists of them; null and false are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function fill(e, attributes, children) {
  for (const [name, value] of Object.entries(attributes))
    if (typeof value === 'function')
      e.addEventListener(name, value);
    else if (value === true)
      e.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined)
      e.setAttribute(name, value);
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== false && c !== undefined));
  return e;
}

/** What others wrote, apart from the text around it: characters that turn the direction of what follows are shown. */
export function peer(text) {
  return h('bdi', {}, text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '\ufffd'));
}

/** A table with a caption; head: texts; rows: lists of cells, the first of which names its row. */
export function table(caption, head, rows, numbers = []) {
  const cell = (tag, c, i, more) => h(tag, { ...more, class: numbers.includes(i) ? 'number' : null }, c);
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption }, h('table', {},
    h('caption', {}, caption),
    h('thead', {}, h('tr', {}, head.map((c, i) => cell('th', c, i, { scope: 'col' })))),
    h('tbody', {}, rows.map((row) => h('tr', {}, row.map((c, i) =>
      (i === 0 ? cell('th', c, i, { scope: 'row' }) : cell('td', c, i, {}))))))));
}

export function list(items) {
  return h('ul', {}, items.map((x) => h('li', {}, x)));
}

/** Let a person keep bytes as a file. */
export function download(name, bytes, type = 'application/octet-stream') {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const a = h('a', { href: url, download: name });
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
