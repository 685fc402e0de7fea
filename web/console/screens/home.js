// The forum's home: what waits for us, what is new, who is here, how the lines and the register stand.
import {Fragment, html} from '../html.js';
import * as api from '../api.js';
import {t, word} from '../i18n.js';
import {href} from '../router.js';
import {result, say, useData, useStore} from '../store.js';
import {Trouble, useAct} from '../parts/dialog.js';
import {Due} from '../parts/due.js';
import {State} from '../parts/icon.js';
import {Person, kindBeside} from '../parts/person.js';
import {Peer, Words} from '../parts/text.js';
import {Time} from '../parts/time.js';

function Invitation({x}) {
    const act = useAct(async (what) => {
        await api.call(what, [x.invitation_id]);
        say(t(what === 'accept' ? 'invitation.accepted' : 'invitation.declined', {channel: x.channel}));
    });
    return html`<li class="card">
        <h3>${t(x.founding ? 'invitation.found' : 'invitation.join')} <${Peer} text=${x.channel} />${x.kind ? html` <span class="tag">${word('channel_kind', x.kind)}</span>` : null}</h3>
        <p>${t('from')} <${Person} who=${x.from} title /></p>
        ${x.people ? html`<p>${t('invitation.with')}</p><ul class="plainlist">${x.people.map((p) => html`<li><${Person} who=${p.who} title /></li>`)}</ul>` : null}
        ${x.destroy_after_ms ? html`<p><strong>${t('destroyed_after', {n: Math.round(x.destroy_after_ms / 86400000)})}</strong></p>` : null}
        <${Trouble} error=${act.error} />
        <p class="buttons"><button class="main" disabled=${act.busy} onClick=${() => act.run('accept')}>${t('accept')}</button>
            <button disabled=${act.busy} onClick=${() => act.run('decline')}>${t('decline')}</button></p>
    </li>`;
}

function Waiting({data, alarms}) {
    const open = data.invitations.filter((x) => x.state === 'open');
    const ask = data.admissions.filter((x) => !x.ours && !x.approved_by_us && x.state === 'asked');
    if (!open.length && !ask.length && !alarms) return null;
    return html`<section aria-labelledby="h-wait"><h2 id="h-wait">${t('home.waiting')}</h2>
        ${alarms ? html`<p class="trouble"><${State} kind="bad">${t('n_alarms', {n: alarms})}<//> <a href="#alarms" onClick=${(e) => {
            e.preventDefault();
            document.getElementById('alarms').scrollIntoView();
            document.getElementById('alarms').focus();
        }}>${t('home.alarms_see')}</a></p>` : null}
        <ul class="cards">${open.map((x) => html`<${Invitation} key=${x.invitation_id} x=${x} />`)}
            ${ask.map((x) => html`<li class="card" key=${x.request_id}><h3>${t('admission.asked')}</h3><p><${Person} who=${x.who} title /></p>
                <p>${t('admission.asked_by')} <${Person} who=${x.from} /></p><p class="buttons"><a class="button" href=${href('admission')}>${t('admission.look')}</a></p></li>`)}</ul>
    </section>`;
}

const channelState = (c) => (c.state === 'open' ? 'ok' : c.state.startsWith('broken') ? 'bad' : 'wait');

export function lineText(l) {
    if (l.state === 'tested') return [l.last ? 'ok' : 'wait', t('line.tested')];
    if (l.state === 'outage') return ['wait', t('line.outage')];
    if (l.state === 'missed') return ['bad', t('line.missed_' + (l.why || 'silent'))];
    return ['wait', t('line.no_test_yet')];
}

function ChannelRow({c, last, seen}) {
    const late = c.receipts.filter((r) => r.overdue);
    // Talk is numbered in its channel, records in the whole home.
    const talk = last ? Math.max(0, last.last_talk - ((seen || {}).last_talk || 0)) : 0;
    const records = last ? last.records.filter((n) => n > ((seen || {}).last_record || 0)).length : 0;
    return html`<li class="card"><h3><a href=${href('channel', c.group_id)}><${Peer} text=${c.name} /></a> <${State} kind=${channelState(c)}>${word('channel_state', c.state)}<//></h3>
        <p>${t('n_members', {n: c.members})}${talk ? html` · <strong>${t('n_new_talk', {n: talk})}</strong>` : null}${records ? html` · <strong>${t('n_new_records', {n: records})}</strong>` : null}${!talk && !records ? html` · ${t('nothing_new')}` : null}${c.to_send ? html` · ${t('n_to_send', {n: c.to_send})}` : null}</p>
        ${c.destroy_after_ms ? html`<p>${t('destroyed_after', {n: Math.round(c.destroy_after_ms / 86400000)})}</p>` : null}
        ${c.courier_key ? html`<p><${State} kind=${c.courier_key.holds ? 'ok' : 'wait'}>${t(c.courier_key.holds ? 'courier.closed' : 'courier.classical')}<//>${c.courier_key.holds ? null : ': ' + t('courier.classical_is')}${c.courier_key.since ? html`, ${t('since')} <${Time} at=${c.courier_key.since} as="day" />` : null} <a href=${href('courier', c.group_id)}>${t('courier')}</a></p>` : null}
        ${late.map((r) => html`<p><${State} kind="bad">${t('receipt.overdue')}<//> <${Person} who=${r.who} />, ${t('since')} <${Time} at=${r.missing_since} /></p>`)}
        ${(c.lines || []).map((l) => {
            const [kind, text] = lineText(l);
            return html`<p><${State} kind=${kind}>${text}<//> <${Person} who=${l.who} />${l.last ? html`, ${t('line.heard')} <${Time} at=${l.last} as="ago" />` : null}${l.outage_until ? html`, ${t('until')} <${Time} at=${l.outage_until} />` : null}</p>`;
        })}
    </li>`;
}

const same = (p) => p.party + '\n' + p.name;

/** here: who is in a channel of ours; null where that is not known of all. */
function People({people, charter, here}) {
    const words = Object.fromEntries(((charter && charter.parties) || []).map((p) => [p.name, p]));
    const parties = [...new Set([...Object.keys(words), ...people.map((p) => p.person.party)])];
    return html`<section aria-labelledby="h-people"><h2 id="h-people">${t('home.people')}</h2>
        <div class="table" role="group" aria-labelledby="h-people" tabindex="0"><table>
        <thead><tr><th scope="col">${t('party')}</th><th scope="col">${t('delegates')}</th><th scope="col">${t('key_words')}</th></tr></thead>
        <tbody>${parties.map((p) => html`<tr><th scope="row"><${Peer} text=${p} />${words[p] && kindBeside(words[p]) ? html`<br /><small>${kindBeside(words[p])}</small>` : null}</th>
            <td>${people.filter((x) => x.person.party === p).map((x) => html`<p class="tight"><b><${Peer} text=${x.person.name} /></b>${x.person.self ? ' (' + t('you') + ')' : ''}<br /><small><${Peer} text=${x.person.title} /> · ${x.person.revoked ? html`<strong>${t('revoked')}</strong>` : html`${t('letter_until')} <${Time} at=${x.person.letter_not_after} as="day" />`}${here && !x.person.self && !here.has(same(x.person)) ? html` · <b>${t('home.no_channel')}</b>` : null}</small></p>`)}</td>
            <td>${words[p] ? html`<${Words} words=${words[p].words} />` : null}</td></tr>`)}</tbody></table></div>
        <p class="hint">${t('home.words_hint')}</p></section>`;
}

export function RegisterState({r}) {
    return html`<${Fragment}><dl class="figures">
            <div><dt>${t('register.size')}</dt><dd>${r.size}</dd></div>
            <div><dt>${t('register.attested')}</dt><dd>${r.attested}</dd></div>
            <div><dt>${t('register.final')}</dt><dd>${r.final}</dd></div>
            <div><dt>${t('register.waiting')}</dt><dd>${r.waiting}</dd></div></dl>
        <ul class="plainlist">${r.groups.map((g) => html`<li>${g.behind_since ? html`<${State} kind="bad">${t('register.behind')}<//>` : html`<${State} kind="ok">${t('register.cosigned')}<//>`} <b><${Peer} text=${g.name} /></b>, ${t('register.to_entry', {size: g.size})}${g.behind_since ? html`, ${t('since')} <${Time} at=${g.behind_since} />` : g.time ? html`, <${Time} at=${g.time} as="ago" />` : null}${Math.abs(g.clock_off_seconds) > 300 ? html` <strong>${t('register.clock_off')}</strong>` : null}</li>`)}</ul><//>`;
}

export function Home() {
    const s = useStore();
    const {data, error} = useData(async () => {
        const [people, due, alarms, invitations, admissions, channels, records] = await Promise.all([
            result('people'), result('due'), result('alarms'), result('invitations'), result('admit list'), result('channels'), result('records', [], {last: '200'})]);
        const rosters = await Promise.all(s.status.channels.filter((c) => c.state === 'open').map((c) => result('roster', [c.group_id]).catch(() => null)));
        const here = rosters.includes(null) ? null : new Set(rosters.flatMap((r) => r.members.map((m) => same(m.who))));
        const last = {};
        for (const c of channels.channels) last[c.group_id] = {last_talk: c.last_talk || 0, records: []};
        for (const r of records.records) if (last[r.group_id]) last[r.group_id].records.push(r.number);
        return {people: people.people, here, last, due, alarms: alarms.alarms, invitations: invitations.invitations, admissions: admissions.admissions};
    });
    const st = s.status;
    if (!data) return html`<h1 tabindex="-1">${t('nav.home')}</h1><${Trouble} error=${error} />${error ? null : html`<p>${t('loading')}</p>`}`;
    return html`<h1 tabindex="-1">${t('nav.home')}</h1>
        <${Trouble} error=${error} />
        ${st.has_letter ? null : html`<p class="trouble">${t('home.no_letter')}</p>`}
        ${st.letter_revoked ? html`<p class="trouble">${t('home.letter_revoked')}</p>` : null}
        <${Waiting} data=${data} alarms=${data.alarms.length} />
        <section aria-labelledby="h-due"><h2 id="h-due">${t('home.due')}</h2>
            ${data.due.due.length ? html`<ul class="rows">${data.due.due.slice(0, 6).map((d) => html`<${Due} key=${d.id} d=${d} />`)}</ul>` : html`<p>${t('home.nothing_due')}</p>`}
            <p><a href=${href('obligations')}>${t('home.all_due')}</a></p></section>
        <section aria-labelledby="h-channels"><h2 id="h-channels">${t('nav.channels')}</h2>
            ${st.channels.length ? html`<ul class="cards">${st.channels.map((c) => html`<${ChannelRow} key=${c.group_id} c=${c} last=${data.last[c.group_id]} seen=${s.settings.seen[c.group_id]} />`)}</ul>` : html`<p>${t('home.no_channels')}</p>`}</section>
        <section aria-labelledby="h-register"><h2 id="h-register">${t('nav.register')}</h2><${RegisterState} r=${st.register} /><p><a href=${href('register')}>${t('home.register_more')}</a></p></section>
        <${People} people=${data.people} charter=${s.charter} here=${data.here} />
        ${data.alarms.length ? html`<section aria-labelledby="alarms"><h2 id="alarms" tabindex="-1">${t('home.alarms')}</h2><ul class="rows">${data.alarms.slice().reverse().slice(0, 50).map((a) => html`<li key=${a.number}><${State} kind="bad"><${Time} at=${a.last_time || a.time} /><//> <span dir="auto"><${Peer} text=${a.text} /></span>${a.count > 1 ? html` <small>${t('n_times', {n: a.count})}</small>` : null}${a.channel ? html` <small><${Peer} text=${a.channel} /></small>` : null}</li>`)}</ul></section>` : null}`;
}
