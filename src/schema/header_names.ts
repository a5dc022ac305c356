/**
 * Names of headers in configurations: how they are written, and what happens to some of them on their way. Some proxies
 * drop headers by their names without a word, which nobody can see here: whoever configures such a name is warned.
 *
 * @module
 */

import { z } from "zod";

/** A header's name: `token` of RFC 9110, section 5.6.2. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * A header's value: `field-value` of RFC 9110, section 5.5, a character a byte. No control character but the tab: one
 * that had them could forge headers.
 */
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Names that every proxy passes on. */
const PLAIN_NAME = /^[0-9A-Za-z-]+$/;

/** Meta data of a schema whose text is the name of a header. */
export const NAMES_HEADER = { namesHeader: "text" } as const;

/** Meta data of a schema of an object whose keys are names of headers. */
export const KEYS_NAME_HEADERS = { namesHeader: "keys" } as const;

/** The name of a header, in any case. @param error what to say of a text that is none */
export function headerNameField(error = "Must be the name of a header"): z.ZodString {
  return z.string().regex(HEADER_NAME, { error }).meta(NAMES_HEADER);
}

/** How a header with this name gets through proxies that drop it; `undefined` for a name that all of them pass on. */
export function cureForHeader(name: string): string | undefined {
  if (PLAIN_NAME.test(name)) return undefined;
  // nginx 1.22: `underscores_in_headers`, `ignore_invalid_headers`. Caddy drops such names from 2.11.4 on.
  return PLAIN_NAME.test(name.replaceAll("_", ""))
    ? "nginx without 'underscores_in_headers on', Caddy without 'expected_underscore_headers'"
    : "nginx without 'ignore_invalid_headers off', Caddy always";
}

/** What to know of a name that some proxies drop; `undefined` of others. */
export function doubtAboutHeader(name: string): string | undefined {
  const cure = cureForHeader(name);
  return cure === undefined
    ? undefined
    : `Some proxies drop headers whose names have more than letters, digits and '-': ${cure}`;
}

/** Where a configuration names a header that some proxies drop. */
export interface DoubtfulHeader {
  readonly path: string;
  readonly message: string;
}

/**
 * The headers that a value names and some proxies drop, wherever its schema says that a header is named: by
 * {@linkcode headerNameField} and the meta data above.
 *
 * @param path of the value
 */
export function doubtfulHeadersIn(
  value: unknown,
  schema: z.ZodType,
  path: string,
): readonly DoubtfulHeader[] {
  if (value === undefined || !mayNameHeaders(schema)) return NONE;
  const found: DoubtfulHeader[] = [];
  finderOf(schema)(value, path, found);
  return found;
}

const NONE: readonly DoubtfulHeader[] = [];

/** Adds what it finds in a value, which has a path. */
type Finder = (value: unknown, path: string, found: DoubtfulHeader[]) => void;

const finders = new WeakMap<z.ZodType, Finder>();

/** What looks at the places only that may name a header. Made once a schema: there may be hundreds of thousands of values. */
function finderOf(schema: z.ZodType): Finder {
  let finder = finders.get(schema);
  if (finder === undefined) {
    // For schemas that hold themselves.
    finders.set(schema, (value, path, found) => finderOf(schema)(value, path, found));
    finders.set(schema, finder = makeFinder(schema));
  }
  return finder;
}

function makeFinder(schema: z.ZodType): Finder {
  const named = namedBy(schema);
  if (named === "text") {
    return (value, path, found) => {
      if (typeof value === "string") addDoubts([value], path, found);
    };
  }
  const ofSame = finderOfAll(inside(schema));
  const ofObject = named === "keys" ? findInKeys : makeObjectFinder(definition(schema)) ?? ofSame;
  return (value, path, found) =>
    (typeof value === "object" && value !== null ? ofObject : ofSame)(value, path, found);
}

/** `undefined` where the schema's definition says nothing of parts. */
function makeObjectFinder({ element, shape }: Definition): Finder | undefined {
  if (element !== undefined) {
    const find = finderOfAll([element]);
    return (value, path, found) => {
      for (const [index, item] of Object.entries(value as object)) find(item, `${path}.${index}`, found);
    };
  }
  if (shape === undefined) return undefined;
  const fields = Object.entries(shape).filter(([, field]) => mayNameHeaders(field))
    .map(([key, field]) => [key, finderOf(field)] as const);
  return (value, path, found) => {
    for (const [key, find] of fields) {
      const member = (value as Readonly<Record<string, unknown>>)[key];
      if (member !== undefined) find(member, path === "" ? key : `${path}.${key}`, found);
    }
  };
}

function finderOfAll(schemas: readonly z.ZodType[]): Finder {
  const all = schemas.filter(mayNameHeaders).map(finderOf);
  return (value, path, found) => {
    for (const find of all) find(value, path, found);
  };
}

function findInKeys(value: unknown, path: string, found: DoubtfulHeader[]): void {
  addDoubts(Object.keys(value as object), path, found);
}

function addDoubts(names: readonly string[], path: string, found: DoubtfulHeader[]): void {
  for (const name of names) {
    const message = doubtAboutHeader(name);
    if (message !== undefined) found.push({ path, message });
  }
}

/** What of a schema's definition leads on to others. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly element?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

function definition(schema: z.ZodType): Definition {
  return schema.def as unknown as Definition;
}

/** The schemas that judge the same value, within a wrapper, a pipe or a union. */
function inside(schema: z.ZodType): readonly z.ZodType[] {
  const { innerType, in: input, out, options } = definition(schema);
  return [innerType, input, out, ...options ?? []].filter((inner) => inner !== undefined);
}

function namedBy(schema: z.ZodType): unknown {
  return schema.meta()?.["namesHeader"];
}

const marked = new WeakMap<z.ZodType, boolean>();

/** Whether something in a schema names a header. Looked up once a schema. */
function mayNameHeaders(schema: z.ZodType): boolean {
  let known = marked.get(schema);
  if (known === undefined) {
    // For schemas that hold themselves.
    marked.set(schema, false);
    const { element, shape } = definition(schema);
    const further = [
      ...inside(schema),
      ...(element === undefined ? [] : [element]),
      ...Object.values(shape ?? {}),
    ];
    marked.set(schema, known = namedBy(schema) !== undefined || further.some(mayNameHeaders));
  }
  return known;
}
