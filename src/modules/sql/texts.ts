/**
 * Texts of payloads in the forms that columns of integers, dates and times take, whatever the server.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";

/** Puts a text into the form that a column takes. */
export type Encode = (text: string) => string;

/** @throws {DeliveryError} that the server would store something else. @param reason begins the sentence */
export function refuse(reason: string): never {
  throw new DeliveryError("output_rejected", `${reason}, and the server would change it in silence`);
}

const DECIMAL = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?\s*$/i;

/** Most digits of an integer that any column takes. */
const MAX_DIGITS = 20;

/** Other numbers would be rounded. Whole ones may have a fraction or an exponent, as JSON may write them. */
export function integer(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent] = DECIMAL.exec(text) ?? [];
  if (whole + fraction === "" || (fraction === "" && exponent === undefined)) return text;
  const shift = Number(exponent ?? 0);
  const digits = whole + fraction.replace(/0+$/, "");
  const places = digits.length - whole.length - shift;
  if (places > 0 && /[1-9]/.test(digits.slice(-places))) refuse("A number is not whole");
  const integral = places > 0 ? digits.slice(0, -places) : digits + "0".repeat(Math.min(-places, MAX_DIGITS));
  return `${sign}${integral === "" ? "0" : integral}`;
}

/** Date and time of day with the zone that the server does not read. RFC 3339, section 5.6. */
const DATE_TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d+)?(?:(Z)|([+-])(\d\d):?(\d\d)?)?$/i;

/** Events come close together, so the last text is often asked for again. */
export function remembered(encode: Encode): Encode {
  let [lastText, lastCell]: [string, string] = ["", ""];
  return (text) => {
    if (text !== lastText) [lastText, lastCell] = [text, encode(text)];
    return lastCell;
  };
}

/** An instant in UTC, as the session's zone has it. */
export function instant(text: string): string {
  const [, day = "", time = "", fraction = "", utc, sign, hours = "0", minutes = "0"] =
    DATE_TIME.exec(text) ?? [];
  if (utc === undefined && sign === undefined) return text;
  const written = Date.parse(`${day}T${time}Z`);
  // The server says what is wrong with it.
  if (Number.isNaN(written) || !new Date(written).toISOString().startsWith(day)) return text;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
  const [date = "", clock = ""] = new Date(written - offset * 60_000).toISOString().split("T");
  return `${date} ${clock.slice(0, 8)}${fraction}`;
}

/** The date as it is written, whatever the zone. */
export function dateOf(text: string): string {
  return DATE_TIME.exec(text)?.[1] ?? text;
}

/** The time of day as it is written, whatever the zone. */
export function timeOfDay(text: string): string {
  const [, , time, fraction = ""] = DATE_TIME.exec(text) ?? [];
  if (time !== undefined) return time + fraction;
  return /^(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|[+-]\d\d(?::?\d\d)?)$/i.exec(text)?.[1] ?? text;
}
