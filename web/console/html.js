// What every screen writes with: preact's elements in plain template strings. Text is always text, never markup.
import {h} from 'preact';
import htm from 'htm';

export {Fragment, createContext, h, render} from 'preact';
export {useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks';
// htm keeps what a template has without values, and with it the whole page that it last stood in: 3 says that it must not.
export const html = htm.bind(function (...given) {
    this[0] = 3;
    return h(...given);
});
