// A list of any length of which only what is near the screen is drawn. Heights are measured; what was at the top of the
// window stays there when something is put before it.
import {html, useEffect, useLayoutEffect, useRef, useState} from '../html.js';

const GUESS = 96;
const NEAR = 1500; // to the begin: what is before it is asked for
const ABOVE = 48; // of what stands before an item that was gone to
const SPARE = 900; // drawn beyond either edge, in pixels

/**
 * items with a key each, oldest first; draw(item, i) gives an <article>; onTop() is called when the begin is near.
 * total, when known, is how many there are altogether; when toEnd grows, the end is gone to. after() focuses what follows. A new
 * goal, {key}, is gone to and gets the focus as soon as its item is there.
 */
export function Feed({items, draw, onTop, total, label, busy, toEnd, after, goal}) {
    const box = useRef();
    const heights = useRef(new Map());
    const anchor = useRef({end: true});
    const [, redraw] = useState(0);
    const range = useRef([0, 0]);
    const went = useRef(toEnd);
    if (went.current !== toEnd) {
        went.current = toEnd;
        anchor.current = {end: true};
    }
    const reached = useRef(null);
    const focusOn = useRef(null);
    if (goal && goal !== reached.current && items.some((x) => x.key === goal.key)) {
        reached.current = goal;
        focusOn.current = goal.key;
        anchor.current = {key: goal.key, off: -ABOVE};
    }
    const own = useRef(-1); // where we scrolled to ourselves

    const h = (i) => heights.current.get(items[i].key) || GUESS;
    let top = 0;
    const at = items.map((_, i) => {
        const y = top;
        top += h(i);
        return y;
    });
    const all = top;
    const view = box.current;
    const height = view ? view.clientHeight : 700;
    // Where the window is: at the end, or where the item that it was fixed to is now.
    let y;
    if (anchor.current.end) y = Math.max(0, all - height);
    else {
        const i = items.findIndex((x) => x.key === anchor.current.key);
        y = i < 0 ? (view ? view.scrollTop : 0) : at[i] + anchor.current.off;
    }
    let from = 0;
    while (from < items.length && at[from] + h(from) < y - SPARE) from++;
    let to = from;
    while (to < items.length && at[to] < y + height + SPARE) to++;
    range.current = [from, to];

    const measure = () => {
        let changed = false;
        for (const el of box.current.querySelectorAll(':scope > [data-key]')) {
            const was = heights.current.get(el.dataset.key);
            const is = el.offsetHeight;
            if (is > 0 && was !== is) {
                heights.current.set(el.dataset.key, is);
                changed = true;
            }
        }
        return changed;
    };
    useLayoutEffect(() => {
        if (measure()) redraw((n) => n + 1);
        const b = box.current;
        const to = anchor.current.end ? b.scrollHeight - b.clientHeight : Math.min(y, b.scrollHeight - b.clientHeight);
        if (Math.abs(b.scrollTop - to) > 1) b.scrollTop = to;
        own.current = b.scrollTop;
        const article = focusOn.current && [...b.children].find((x) => x.dataset.key === focusOn.current);
        if (article) {
            focusOn.current = null;
            article.focus({preventScroll: true});
        }
        if (onTop && items.length && b.scrollTop < NEAR) onTop();
    });
    useEffect(() => {
        const b = box.current;
        const o = new ResizeObserver(() => {
            if (!box.current) return;
            measure();
            redraw((n) => n + 1);
        });
        o.observe(b);
        return () => o.disconnect();
    }, []);

    const scrolled = () => {
        const b = box.current;
        if (!b) return;
        const now = b.scrollTop;
        if (Math.abs(now - own.current) <= 1) return;
        own.current = -1; // who comes back to where we had scrolled to has come there by themselves
        if (now + b.clientHeight >= b.scrollHeight - 4) anchor.current = {end: true};
        else {
            let i = 0;
            while (i + 1 < items.length && at[i + 1] <= now) i++;
            if (items.length) anchor.current = {key: items[i].key, off: now - at[i]};
        }
        const [a, z] = range.current;
        if ((a > 0 && at[a] > now - SPARE / 3) || (z < items.length && at[z] < now + b.clientHeight + SPARE / 3)) redraw((n) => n + 1);
        if (now < NEAR && onTop) onTop();
    };

    // As the feed pattern of ARIA has it: Page Up and Page Down go from article to article.
    const key = (e) => {
        const article = e.target.closest('[data-key]');
        if (e.key === 'Home' && e.ctrlKey && items.length) anchor.current = {key: items[0].key, off: 0};
        else if (e.key === 'End' && e.ctrlKey) {
            anchor.current = {end: true};
            after();
        }
        else if (article && e.target === article && (e.key === 'PageDown' || e.key === 'PageUp')) {
            const next = e.key === 'PageDown' ? article.nextElementSibling : article.previousElementSibling;
            if (next && next.dataset.key) next.focus();
        } else return;
        e.preventDefault();
        redraw((n) => n + 1);
    };

    return html`<div class="feed" role="feed" aria-label=${label} aria-busy=${busy ? 'true' : 'false'} tabindex="0" ref=${box} onScroll=${scrolled} onKeyDown=${key}>
        <div class="gap" style=${{height: (items.length ? at[from] || 0 : 0) + 'px'}}></div>
        ${items.slice(from, to).map((item, k) => html`<article key=${item.key} data-key=${item.key} tabindex="-1" class="entry" aria-label=${item.label} aria-posinset=${(total ? total - items.length : 0) + from + k + 1} aria-setsize=${total || -1}><div class=${item.class}>${draw(item, from + k)}</div></article>`)}
        <div class="gap" style=${{height: (to < items.length ? all - at[to] : 0) + 'px'}}></div>
    </div>`;
}
