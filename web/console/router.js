// Where we are: #/screen/part. The one-time key comes in the fragment, too, and is taken out of it at once.
import {useEffect, useState} from './html.js';

export const read = () => location.hash.replace(/^#\/?/, '').split('/').map((p) => {
    try {
        return decodeURIComponent(p);
    } catch (_) {
        return '';
    }
});

export const href = (...parts) => '#/' + parts.map(encodeURIComponent).join('/');

export const go = (...parts) => {
    location.hash = href(...parts);
};

export function useRoute() {
    const [route, setRoute] = useState(read());
    useEffect(() => {
        const f = () => setRoute(read());
        addEventListener('hashchange', f);
        return () => removeEventListener('hashchange', f);
    }, []);
    return route;
}

/** The key of #k=..., taken out of the address and of the history; or null. */
export function takeKey() {
    const m = /^#k=([0-9A-Za-z_-]+)$/.exec(location.hash);
    if (!m) return null;
    history.replaceState(null, '', location.pathname);
    return m[1];
}
