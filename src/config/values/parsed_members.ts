/**
 * The members of a configuration file, parsed one by one: of a hundred thousand webhooks, all at once would hold up
 * everything else for a second, and take several times the memory.
 *
 * @module
 */

import { type MemberPlace, MemberScanner } from "../../json/members/scanner.ts";
import { describeErrorPlace, findErrorPosition, type TextPlace } from "../../json/text.ts";
import { Pace } from "../../time/pace.ts";
import type { ProblemReason } from "../problem.ts";
import { MAX_VALUE_BYTES } from "./json_value.ts";
import { invalidJson, NOT_AN_OBJECT, NOT_UTF8, parseJsonObject } from "./json_file.ts";

/** What is not an object is parsed as a whole up to this many bytes, to say what is wrong with it. */
const PARSED_WHOLE = 64 * 1024;

/** After how many bytes of a search the clock is looked at. */
const BYTES_AT_A_TIME = 64 * 1024;

const NEWLINE = 0x0a;

/** One member. Of those with the same name, each is one. */
export interface ParsedMember {
  readonly name: string;
  /** The text of its value; empty where that is too large. */
  readonly text: string;
  readonly value: unknown;
  /** How long the text of its value is where that is too large to be parsed, in bytes. */
  readonly unparsedBytes?: number;
  /** Whether a member before has the same name, however it is spelt. */
  readonly isRepeated: boolean;
  /** Where it stands in the bytes. */
  readonly place: MemberPlace;
}

/**
 * Parses the members of a file whose top level must be a JSON object, and lets everything else run in between.
 *
 * @param visit is given each member in the order of the file, up to the problem if there is one
 * @returns why the file cannot be used
 */
export async function parseMembers(
  bytes: Uint8Array<ArrayBuffer>,
  visit: (member: ParsedMember) => void,
): Promise<{ readonly problem: ProblemReason } | undefined> {
  const scanner = new MemberScanner(bytes);
  if (!scanner.isObject) return await problemOfOther(bytes);
  const names = new Set<string>();
  const pace = new Pace();
  for (;;) {
    const place = await paced(scanner.next(), pace);
    if (place === undefined) break;
    const name = parsePart(bytes, place.nameStart, place.nameEnd);
    if ("error" in name) return await problemOf(name, bytes, scanner.start, pace);
    const key = String(name.json);
    const isRepeated = names.has(key);
    names.add(key);
    const length = place.valueEnd - place.valueStart;
    if (length > MAX_VALUE_BYTES) {
      visit({ name: key, text: "", value: undefined, isRepeated, unparsedBytes: length, place });
      continue;
    }
    const part = parsePart(bytes, place.valueStart, place.valueEnd);
    if ("error" in part) return await problemOf(part, bytes, scanner.start, pace);
    visit({ name: key, text: part.text, value: part.json, isRepeated, place });
  }
  const { errorAt } = scanner;
  return errorAt === undefined ? undefined : await problemOf({ error: errorAt }, bytes, scanner.start, pace);
}

/** The result of steps, between which everything else runs. */
async function paced<Result>(steps: Iterator<void, Result>, pace: Pace): Promise<Result> {
  for (let step = steps.next();; step = steps.next()) {
    await pace.keep();
    if (step.done === true) return step.value;
  }
}

/** A name or a value, or what is wrong with it: the index of the byte with which it stops being JSON, if known. */
type Part = { readonly text: string; readonly json: unknown } | FailedPart;

interface FailedPart {
  readonly error: number | "not_utf8" | "somewhere";
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

function parsePart(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): Part {
  if (start === end) return { error: start };
  let text: string;
  try {
    text = decoder.decode(bytes.subarray(start, end));
  } catch {
    return { error: "not_utf8" };
  }
  try {
    return { text, json: JSON.parse(text) };
  } catch (error) {
    const position = findErrorPosition(text, error);
    if (position === undefined) return { error: "somewhere" };
    return { error: start + encoder.encode(text.slice(0, position)).length };
  }
}

async function problemOfOther(bytes: Uint8Array<ArrayBuffer>): Promise<{ readonly problem: ProblemReason }> {
  if (bytes.length > PARSED_WHOLE) return NOT_AN_OBJECT;
  const parsed = await parseJsonObject(bytes);
  return "problem" in parsed ? parsed : NOT_AN_OBJECT;
}

async function problemOf(
  { error }: FailedPart,
  bytes: Uint8Array,
  start: number,
  pace: Pace,
): Promise<{ readonly problem: ProblemReason }> {
  if (error === "not_utf8") return NOT_UTF8;
  if (error === "somewhere") return invalidJson("The file is not valid JSON");
  const place = await placeOf(bytes, start, error, pace);
  return invalidJson(`The file is not valid JSON${describeErrorPlace(place)}`);
}

async function placeOf(bytes: Uint8Array, start: number, end: number, pace: Pace): Promise<TextPlace> {
  let position = 0;
  let line = 1;
  let lineStart = 0;
  for (let at = start; at < end; at++) {
    if (at % BYTES_AT_A_TIME === 0) await pace.keep();
    position += codeUnitsBegunBy(bytes[at]!);
    if (bytes[at] !== NEWLINE) continue;
    line++;
    lineStart = position;
  }
  return { position, line, column: position - lineStart + 1 };
}

/** How many UTF-16 code units the character takes that begins with this byte of UTF-8; 0 within a character. */
function codeUnitsBegunBy(byte: number): number {
  if ((byte & 0xc0) === 0x80) return 0;
  return byte >= 0xf0 ? 2 : 1;
}
