// What every screen writes with: preact's elements in plain template strings. Text is always text, never markup.
import {h} from 'preact';
import htm from 'htm';

export {Fragment, createContext, h, render} from 'preact';
export {useCallback, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks';
export const html = htm.bind(h);
