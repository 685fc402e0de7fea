// The map, loaded when a place is to be picked: coarse outlines, drawn here, nothing fetched from elsewhere. It is given
// what it writes with, so that it shares no code with the other parts and its size is its own.
import {geoGraticule10, geoEquirectangular, geoPath} from 'd3-geo';
import {feature} from 'topojson-client';

const W = 960;
const H = 480;
let land = null;

async function outlines() {
    if (!land) {
        const world = await (await fetch('world.json')).json();
        land = feature(world, world.objects.land);
    }
    return land;
}

const clamp = (x, a, b) => Math.max(a, Math.min(b, x));
const round = (x) => Math.round(x * 100) / 100;

/** "lat,lon" or "lat,lon rKM" */
function read(value) {
    const m = /^\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)(?:\s+r([\d.]+))?\s*$/.exec(value || '');
    return m ? {lat: +m[1], lon: +m[2], r: m[3] ? +m[3] : 5} : null;
}

/** Pick a place, with a pointer or with the arrow keys; for an area, its radius, too. */
export const mapPicker = ({html, useEffect, useRef, useState, t}) => function MapPicker({value, area, onPick, onClose}) {
    const [at, setAt] = useState(read(value) || {lat: 0, lon: 0, r: 5});
    const [zoom, setZoom] = useState(read(value) ? 4 : 1);
    const [shape, setShape] = useState(null);
    const svg = useRef();
    useEffect(() => {
        outlines().then(setShape);
    }, []);
    const center = zoom === 1 ? [0, 0] : [at.lon, clamp(at.lat, -90 + 90 / zoom, 90 - 90 / zoom)];
    const projection = geoEquirectangular().scale((W / (2 * Math.PI)) * zoom).center(center).translate([W / 2, H / 2]);
    const path = geoPath(projection);
    const [x, y] = projection([at.lon, at.lat]);
    const step = 5 / zoom;
    const move = (lat, lon) => setAt({...at, lat: round(clamp(lat, -90, 90)), lon: round(((((lon + 180) % 360) + 360) % 360) - 180)});
    const key = (e) => {
        const d = {ArrowUp: [step, 0], ArrowDown: [-step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step]}[e.key];
        if (d) move(at.lat + d[0], at.lon + d[1]);
        else if (e.key === '+' || e.key === '=') setZoom(Math.min(64, zoom * 2));
        else if (e.key === '-') setZoom(Math.max(1, zoom / 2));
        else return;
        e.preventDefault();
    };
    const click = (e) => {
        const b = svg.current.getBoundingClientRect();
        const p = projection.invert([((e.clientX - b.left) / b.width) * W, ((e.clientY - b.top) / b.height) * H]);
        if (p) move(p[1], p[0]);
    };
    const km = (W / (2 * Math.PI)) * zoom / 6371;
    return html`<div class="mapbox"><p class="hint" id="map-help">${t('map.help')}</p>
        <svg ref=${svg} class="map" dir="ltr" viewBox=${'0 0 ' + W + ' ' + H} tabindex="0" role="application" aria-label=${t('map.aria')} aria-describedby="map-help" onKeyDown=${key} onClick=${click}>
            <rect class="sea" width=${W} height=${H} /><path class="grid" d=${path(geoGraticule10())} />${shape ? html`<path class="land" d=${path(shape)} />` : null}
            ${area ? html`<ellipse class="area" cx=${x} cy=${y} rx=${Math.max(3, (at.r * km) / Math.max(0.05, Math.cos((at.lat * Math.PI) / 180)))} ry=${Math.max(3, at.r * km)} />` : null}
            <path class="pin" d=${'M' + (x - 12) + ' ' + y + 'h24M' + x + ' ' + (y - 12) + 'v24'} /></svg>
        <div class="row"><button type="button" onClick=${() => setZoom(Math.min(64, zoom * 2))}>${t('map.closer')}</button><button type="button" disabled=${zoom === 1} onClick=${() => setZoom(Math.max(1, zoom / 2))}>${t('map.further')}</button>
            <label>${t('map.lat')}<input dir="ltr" inputmode="decimal" value=${at.lat} onChange=${(e) => move(+e.target.value || 0, at.lon)} /></label><label>${t('map.lon')}<input dir="ltr" inputmode="decimal" value=${at.lon} onChange=${(e) => move(at.lat, +e.target.value || 0)} /></label>
            ${area ? html`<label>${t('map.radius')}<input dir="ltr" inputmode="decimal" value=${at.r} onChange=${(e) => setAt({...at, r: Math.max(0.1, +e.target.value || 5)})} /></label>` : null}</div>
        <p role="status" dir="ltr">${at.lat}, ${at.lon}${area ? ' r' + at.r + ' km' : ''}</p>
        <p class="buttons"><button type="button" class="main" onClick=${() => onPick(at.lat + ',' + at.lon + (area ? ' r' + at.r : ''))}>${t('map.take')}</button><button type="button" onClick=${onClose}>${t('cancel')}</button></p></div>`;
};
