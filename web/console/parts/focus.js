// Focus is never lost: where what had it is taken away, or cannot be used for a while, it goes to what is nearest.

let path = []; // from what had the focus last, upwards
let off = false; // it is there, and cannot be used just now
let look = () => {};

/** To the box for a message, if there is one here. */
export function toMessage() {
    const box = document.querySelector('.composer textarea') || document.querySelector('.composer input');
    if (box) box.focus();
    return box !== null;
}

/** Where the focus is, with all that it stands in. */
export function whereFocusIs() {
    const found = [];
    for (let x = document.activeElement; x && x !== document.body; x = x.parentElement) found.push(x);
    return found;
}

/** Back to there, or to what is nearest of it. */
export function focusBack(where) {
    if (where.length && where[0].isConnected) where[0].focus({preventScroll: true});
    path = where;
    off = where.length > 0 && where[0].matches(':disabled');
    look();
}

/** Watch over all that is under root. */
export function keepFocus(root) {
    const place = (e) => {
        // The nearest that is left: a heading in it that can take the focus, else itself.
        const heading = e.querySelector('h1[tabindex], h2[tabindex]') || e;
        if (!heading.hasAttribute('tabindex') && heading.tabIndex < 0) heading.tabIndex = -1;
        heading.focus({preventScroll: true});
    };
    look = () => {
        const now = document.activeElement;
        if (!path.length || (now && now !== document.body)) return;
        const [own] = path;
        if (own.isConnected && own.matches(':disabled')) {
            off = true;
            return;
        }
        if (own.isConnected) {
            if (off) own.focus({preventScroll: true});
            off = false;
            return;
        }
        const left = path.find((e) => e.isConnected && e !== root && root.contains(e) && !e.matches('nav, header'));
        path = [];
        off = false;
        const main = root.querySelector('main');
        if (left || main) place(left || main);
    };
    document.addEventListener('focusin', () => {
        path = whereFocusIs();
        off = false;
    });
    // What a person leaves for nothing, by a click beside it, was not lost.
    document.addEventListener('pointerdown', (e) => {
        if (path.length && !path[0].contains(e.target)) path = [];
    });
    // One turn later: a screen that moves the focus itself has done so.
    new MutationObserver(() => setTimeout(look)).observe(root, {childList: true, subtree: true, attributes: true, attributeFilter: ['disabled']});
}
