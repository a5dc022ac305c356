/**
 * Texts of events in the forms that columns of MySQL and MariaDB take. The servers are strict about much; what they would
 * change in silence all the same is refused here.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { dateOf, type Encode, instant, integer, refuse, remembered, timeOfDay } from "../texts.ts";

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
  year: () => fullYear,
  datetime: () => remembered((text) => instant(withFullYear(text))),
  timestamp: () => remembered((text) => instant(withFullYear(text))),
  date: () => (text) => dateOf(withFullYear(text)),
  time: () => clockTime,
  enum: members,
  set: members,
};

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

/** The server has no booleans: it writes them as 0 and 1. */
function flagOrInteger(text: string): string {
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

/** Of other lengths it would be a year of this or the last century. */
function fullYear(text: string): string {
  const year = integer(text);
  if (/^\s*[+-]?\d+\s*$/.test(year) && !/^\s*\d{4}\s*$/.test(year)) {
    refuse("A year does not have four digits");
  }
  return year;
}

/** What begins otherwise, such as a number of seconds, would be a date of this or the last century, or none at all. */
function withFullYear(text: string): string {
  const isWhole = /^\s*(?:\d{4}[^\d.]|(?:\d{8}|\d{14})(?:\.\d*)?\s*$)/.test(text);
  if (/^\s*[+-]?\d/.test(text) && !isWhole) refuse("A date does not begin with a year of four digits");
  return text;
}

/** A number without colons would be read from its end: 130 as 1 minute and 30 seconds. */
function clockTime(text: string): string {
  if (/^\s*[+-]?\d+(?:\.\d*)?(?:e.*)?\s*$/i.test(text)) refuse("A time of day has no colons");
  return timeOfDay(text);
}
