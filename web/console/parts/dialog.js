// Dialogs of the browser's own kind: focus stays inside, Escape closes.
import {html, useLayoutEffect, useRef, useState} from '../html.js';
import {t} from '../i18n.js';
import {set, useStore} from '../store.js';
import {Peer} from './text.js';
import {focusBack, whereFocusIs} from './focus.js';

export function Dialog({title, onClose, children, wide}) {
    const ref = useRef();
    // Its end comes before the dialog is taken away, so that the focus goes back before anything looks where it is.
    useLayoutEffect(() => {
        const before = whereFocusIs();
        const dialog = ref.current;
        dialog.showModal();
        return () => {
            const now = document.activeElement;
            dialog.close(); // what is behind it takes no focus before
            // Whoever was led elsewhere as it closed stays there.
            if (now && now !== document.body && !dialog.contains(now)) now.focus({preventScroll: true});
            else focusBack(before);
        };
    }, []);
    return html`<dialog ref=${ref} class=${wide ? 'wide' : ''} aria-labelledby="dialog-title" onCancel=${(e) => {
        e.preventDefault();
        onClose();
    }}><h2 id="dialog-title">${title}</h2>${children}</dialog>`;
}

/** Ask for the passphrase of the home, for one act: the promise gives it, or null. */
export const askPassphrase = (error) => new Promise((done) => set({asks: {error, done}}));

export function PassphraseDialog() {
    const {asks} = useStore();
    const [text, setText] = useState('');
    if (!asks) return null;
    const end = (value) => {
        setText('');
        set({asks: null});
        asks.done(value);
    };
    const whose = asks.error.whose;
    return html`<${Dialog} title=${whose ? t('passphrase.of_' + whose) : t('passphrase.title')} onClose=${() => end(null)}>
        ${asks.error.act ? html`<p><strong><${Peer} text=${asks.error.act} /></strong></p>` : null}${asks.error.code === 'wrong-passphrase' ? html`<p class="trouble" role="alert">${t('passphrase.wrong')}</p>` : null}<p>${whose ? t('passphrase.why_' + whose) : t('passphrase.why')}</p>
        <form onSubmit=${(e) => {
            e.preventDefault();
            end(text);
        }}>
            <label>${whose ? t('passphrase.label_' + whose) : t('passphrase.label')}<input type="password" autocomplete="off" required value=${text} onInput=${(e) => setText(e.target.value)} /></label>
            <p class="buttons"><button class="main">${t('passphrase.go')}</button><button type="button" onClick=${() => end(null)}>${t('cancel')}</button></p>
        </form>
    <//>`;
}

/** What went wrong, and what to do. */
export const Trouble = ({error}) =>
    error
        ? html`<div class="trouble" role="alert"><p dir="auto"><strong>${error.code === 'unreachable' ? t('unreachable.title') : error.message}</strong></p>${error.code === 'unreachable' ? html`<p>${t('unreachable.text')}</p>` : null}${error.advice ? html`<p dir="auto">${error.advice}</p>` : null}</div>`
        : null;

/** Runs an act once at a time; {run, busy, error}. */
export function useAct(act) {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState(null);
    const run = async (...args) => {
        if (busy) return undefined;
        setBusy(true);
        setError(null);
        try {
            return await act(...args);
        } catch (e) {
            if (!e.declined) setError(e);
            return undefined;
        } finally {
            setBusy(false);
        }
    };
    return {run, busy, error, clear: () => setError(null)};
}
