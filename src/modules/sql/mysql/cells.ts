/**
 * Texts of events in the forms that columns of MySQL and MariaDB take. The servers are strict about much; what they would
 * change in silence all the same is refused here.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../../errors.ts";
import type { Cell, TableColumn } from "../columns.ts";

type Encode = NonNullable<TableColumn["encode"]>;

/** A type as the server writes it, such as `int(10) unsigned`. */
export interface ColumnType {
  /** Such as `int`. */
  readonly base: string;
  /** What stands in its brackets. */
  readonly argument: string;
  /** Empty where the column holds no text. */
  readonly collation: string;
}

/** How a column of a type wants texts; `undefined`: as they are. */
export function encodingOf(type: ColumnType): Encode | undefined {
  if (TEXT_BYTES[type.base] !== undefined || type.base === "char" || type.base === "varchar") {
    return textWithin(type);
  }
  if (type.base === "tinyint" || type.base === "bit") return flagOrInteger;
  return ENCODINGS[type.base]?.(type);
}

const TEXT_BYTES: Readonly<Record<string, number>> = {
  tinytext: 2 ** 8 - 1,
  text: 2 ** 16 - 1,
  mediumtext: 2 ** 24 - 1,
};

const ENCODINGS: Readonly<Record<string, (type: ColumnType) => Encode>> = {
  smallint: () => integer,
  mediumint: () => integer,
  int: () => integer,
  bigint: () => integer,
  year: () => integer,
  datetime: () => remembered(instant),
  timestamp: () => remembered(instant),
  date: () => date,
  time: () => timeOfDay,
  enum: members,
  set: members,
};

function refuse(reason: string): never {
  throw new DeliveryError("output_rejected", `${reason}, and the server would change it in silence`);
}

/** What is too long is an error, but for white space at its end. */
function textWithin({ base, argument, collation }: ColumnType): Encode | undefined {
  const bytes = TEXT_BYTES[base];
  const limit = bytes ?? Number(argument);
  const isByBytes = bytes !== undefined && collation.startsWith("utf8");
  return (text) => {
    if (text.length * 4 <= limit || !/\s$/.test(text)) return text;
    const length = isByBytes ? Buffer.byteLength(text) : [...text].length;
    if (length > limit) refuse("A text is too long for its column");
    return text;
  };
}

const DECIMAL = /^\s*([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?\s*$/i;

/** Most digits of an integer that any column takes. */
const MAX_DIGITS = 20;

/** Other numbers would be rounded. Whole ones may have a fraction or an exponent, as JSON may write them. */
function integer(text: string): Cell {
  const [, sign = "", whole = "", fraction = "", exponent] = DECIMAL.exec(text) ?? [];
  if (fraction === "" && exponent === undefined) return text;
  const shift = Number(exponent ?? 0);
  const digits = whole + fraction.replace(/0+$/, "");
  const places = digits.length - whole.length - shift;
  if (places > 0 && /[1-9]/.test(digits.slice(-places))) refuse("A number is not whole");
  const integral = places > 0 ? digits.slice(0, -places) : digits + "0".repeat(Math.min(-places, MAX_DIGITS));
  return `${sign}${integral === "" ? "0" : integral}`;
}

/** The server has no booleans: it writes them as 0 and 1. */
function flagOrInteger(text: string): Cell {
  if (text === "true") return "1";
  return text === "false" ? "0" : integer(text);
}

/** A number in the place of a member would count as its index. */
function members({ argument }: ColumnType): Encode {
  return (text) => {
    const plain = text.trim();
    if (/^[+-]?\d+$/.test(plain) && !argument.includes(`'${plain}'`)) {
      refuse("A value is no member of its column");
    }
    return text;
  };
}

/** Date and time of day with the zone that the server does not read. RFC 3339, section 5.6. */
const DATE_TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(\.\d+)?(?:(Z)|([+-])(\d\d):?(\d\d)?)?$/i;

/** Events come close together, so the last text is often asked for again. */
function remembered(encode: Encode): Encode {
  let [lastText, lastCell]: [string, Cell] = ["", ""];
  return (text) => {
    if (text !== lastText) [lastText, lastCell] = [text, encode(text)];
    return lastCell;
  };
}

/** An instant in UTC, as the session's zone has it. */
function instant(text: string): Cell {
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
function date(text: string): Cell {
  return DATE_TIME.exec(text)?.[1] ?? text;
}

/** The time of day as it is written, whatever the zone. */
function timeOfDay(text: string): Cell {
  const [, , time, fraction = ""] = DATE_TIME.exec(text) ?? [];
  if (time !== undefined) return time + fraction;
  return /^(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:Z|[+-]\d\d(?::?\d\d)?)$/i.exec(text)?.[1] ?? text;
}
