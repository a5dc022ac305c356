/**
 * `Retry-After` of answers (RFC 9110, section 10.2.3): how long whoever answered wants to be left alone.
 *
 * @module
 */

/**
 * Longest wait that is believed, in seconds: as long as the longest `max_delay` of a webhook. Each webhook's own
 * `max_delay` bounds it further.
 */
export const MAX_RETRY_AFTER_SECONDS = 7 * 24 * 60 * 60;

/** Beyond RFC 9110, which knows whole seconds: some senders give fractions. */
const SECONDS = /^\d+(?:\.\d+)?$/;

const TIME = String.raw`(?<hour>\d{2}):(?<minute>\d{2}):(?<second>\d{2})`;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTH = `(?<month>${MONTHS.join("|")})`;
const DAY_NAME = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY_NAME = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";

/** The forms of an HTTP date (RFC 9110, section 5.6.7), all of them in GMT. */
const DATES: readonly RegExp[] = [
  // IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
  new RegExp(String.raw`^${DAY_NAME}, (?<day>\d{2}) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  // RFC 850: `Sunday, 06-Nov-94 08:49:37 GMT`.
  new RegExp(String.raw`^${LONG_DAY_NAME}, (?<day>\d{2})-${MONTH}-(?<shortYear>\d{2}) ${TIME} GMT$`),
  // asctime: `Sun Nov  6 08:49:37 1994`.
  new RegExp(String.raw`^${DAY_NAME} ${MONTH} (?<day>\d{2}| \d) ${TIME} (?<year>\d{4})$`),
];

/** A year of two digits that seems to be further ahead than this is one of the past. */
const YEARS_AHEAD = 50;

/**
 * Whole seconds to wait: those of the header, a fraction rounded up, or those until its date, where a date in
 * the past is now. `undefined` for anything else, which is to be treated as if there were no header.
 *
 * @param nowMs the time, in milliseconds since 1970
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const seconds = SECONDS.test(value) ? Number(value) : (parseHttpDate(value, nowMs) - nowMs) / 1000;
  return Number.isNaN(seconds)
    ? undefined
    : Math.min(Math.max(Math.ceil(seconds), 0), MAX_RETRY_AFTER_SECONDS);
}

/**
 * An HTTP date (RFC 9110, section 5.6.7) in milliseconds since 1970; `NaN` for what is none.
 *
 * @param nowMs the time, in milliseconds since 1970: it says which century a year of two digits is in
 */
export function parseHttpDate(text: string, nowMs: number): number {
  for (const form of DATES) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const { month = "", day, hour, minute, second, year, shortYear } = parts;
    const fields = [
      MONTHS.indexOf(month),
      Number(day),
      Number(hour),
      Number(minute),
      Number(second),
    ] as const;
    if (year !== undefined) return utcTime(Number(year), ...fields);
    return timeInShortYear(Number(shortYear), fields, nowMs);
  }
  return NaN;
}

type TimeInYear = readonly [month: number, day: number, hour: number, minute: number, second: number];

function timeInShortYear(shortYear: number, fields: TimeInYear, nowMs: number): number {
  const now = new Date(nowMs);
  const latest = new Date(nowMs).setUTCFullYear(now.getUTCFullYear() + YEARS_AHEAD);
  const century = now.getUTCFullYear() - now.getUTCFullYear() % 100;
  const candidates = [century + 100, century, century - 100]
    .map((first) => utcTime(first + shortYear, ...fields));
  return candidates.find((time) => time <= latest) ?? NaN;
}

/** `NaN` for a day or a time that does not exist. A leap second is the next minute's first. */
function utcTime(year: number, ...[month, day, hour, minute, second]: TimeInYear): number {
  if (hour > 23 || minute > 59 || second > 60) return NaN;
  const date = new Date(0);
  date.setUTCFullYear(year, month, day);
  return date.getUTCDate() === day ? date.setUTCHours(hour, minute, second) : NaN;
}
