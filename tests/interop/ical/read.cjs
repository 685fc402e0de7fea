// What ical.js reads from a calendar file: one JSON object. Use: node read.cjs NODE_MODULES FILE
'use strict';
const fs = require('fs');
const path = require('path');

(async () => {
  const [modules, file] = process.argv.slice(2);
  const ICAL = require(path.join(modules, 'ical.js', 'dist', 'ical.es5.cjs'));
  const calendar = new ICAL.Component(ICAL.parse(fs.readFileSync(file, 'utf8')));
  const events = calendar.getAllSubcomponents('vevent').map((v) => {
    const event = new ICAL.Event(v);
    return {
      uid: event.uid,
      summary: event.summary,
      description: event.description,
      start: event.startDate.toJSDate().getTime(),
      utc: event.startDate.zone === ICAL.Timezone.utcTimezone,
      stamp: v.getFirstPropertyValue('dtstamp').toJSDate().getTime(),
      alarms: v.getAllSubcomponents('valarm').map((a) => ({
        action: a.getFirstPropertyValue('action'),
        before: -a.getFirstPropertyValue('trigger').toSeconds() * 1000,
        text: a.getFirstPropertyValue('description'),
      })),
    };
  });
  process.stdout.write(JSON.stringify({
    version: calendar.getFirstPropertyValue('version'),
    prodid: calendar.getFirstPropertyValue('prodid'),
    name: calendar.getFirstPropertyValue('x-wr-calname'),
    events,
  }));
})();
