// verify/time.js - times as people read them: the same words as our programs print.
//
// Times are whole milliseconds since 1970-01-01T00:00:00Z, below the year 10000.

export const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR, WEEK = 7 * DAY;
export const TIME_MAX = 0xe677d21fdbff;

/** 2026-11-22T10:00:00Z, with milliseconds only where there are some. */
export function timeText(ms) {
  const text = new Date(Math.min(Math.max(ms, 0), TIME_MAX)).toISOString();
  return ms % SECOND === 0 ? text.replace('.000Z', 'Z') : text;
}

export function dateText(ms) {
  return timeText(ms).slice(0, 10);
}

/** Days since 1970 as a date; years 1 to 9999. */
export function dayText(days) {
  const text = new Date(days * DAY).toISOString();
  return text.slice(0, 10);
}

/** Days since 1970 of YYYY-MM-DD, or null when there is no such day in the years 1 to 9999. */
export function readDay(text) {
  const m = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  if (!m || m[1] === '0000')
    return null;
  const ms = Date.parse(text + 'T00:00:00Z');
  return Number.isNaN(ms) || dayText(ms / DAY) !== text ? null : ms / DAY;
}

/** "3 days", "1 day 4 h", "2 h 5 min", "40 s". */
export function spanText(ms) {
  const days = Math.floor(ms / DAY), hours = Math.floor(ms % DAY / HOUR), minutes = Math.floor(ms % HOUR / MINUTE);
  const d = days + ' day' + (days === 1 ? '' : 's');
  if (days >= 3 || (days > 0 && hours === 0))
    return d;
  if (days > 0)
    return d + ' ' + hours + ' h';
  if (hours > 0)
    return hours + ' h' + (minutes > 0 ? ' ' + minutes + ' min' : '');
  return minutes > 0 ? minutes + ' min' : Math.floor(ms / SECOND) + ' s';
}

/** ISO 8601, in whole seconds: P2DT30M. */
export function durationText(ms) {
  const days = Math.floor(ms / DAY), hours = Math.floor(ms % DAY / HOUR), minutes = Math.floor(ms % HOUR / MINUTE);
  const seconds = Math.floor(ms % MINUTE / SECOND);
  let out = 'P' + (days > 0 ? days + 'D' : '');
  if (ms % DAY !== 0 || days === 0)
    out += 'T';
  if (hours > 0)
    out += hours + 'H';
  if (minutes > 0)
    out += minutes + 'M';
  if (seconds > 0 || ms < SECOND)
    out += seconds + 'S';
  return out;
}
