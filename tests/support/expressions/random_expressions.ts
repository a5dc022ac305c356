/**
 * Random expressions over random documents, of everything that the language has.
 *
 * @module
 */

import fc from "fast-check";

/** Names of members; documents and expressions share them, so that they meet. */
const NAMES = ["a", "b", "c", "list", "size", "toString", "length"];

const name = fc.constantFrom(...NAMES);

const text = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "b",
    "push",
    "refs/heads/main",
    "Aé",
    "ß",
    "10",
    "-7",
    "1.5",
    "true",
    "x,y,x",
    " a ",
  ),
  fc.string({ unit: fc.constantFrom("a", "b", "/", "é", "日", "Z"), maxLength: 6 }),
);

/** Texts that write a number; others are one of the differences. */
const number = fc.constantFrom("'10'", "'-7'", "'9223372036854775807'");

/** Documents without what is listed as a difference: nulls, members called `constructor`, and pairs of surrogates. */
export const documents = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.boolean(),
    fc.integer({ min: -3, max: 12 }),
    fc.double({ min: -100, max: 100, noNaN: true }),
    text,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("object"),
  ),
  object: fc.dictionary(name, tie("value"), { maxKeys: 5 }),
})).object;

/** What is replaced; nothing, between all characters, is one of the differences. */
const sought = text.filter((value) => value !== "");

function quoted(value: string): string {
  return JSON.stringify(value);
}

const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
const MACROS = ["all", "exists", "exists_one", "filter", "map"];
const TESTS = ["contains", "startsWith", "endsWith"];
const CHANGES = ["lowerAscii()", "upperAscii()", "trim()", "size()", "split(',')", "split('')"];

/** Expressions; arithmetic is of numbers of one type, as numbers of a document and ints are one of the differences. */
export const expressions = fc.letrec<
  Record<"any" | "bool" | "path" | "text" | "int" | "double" | "list", string>
>(
  (tie) => ({
    path: fc.oneof(
      { maxDepth: 3, depthIdentifier: "path" },
      fc.constant("body"),
      fc.constant("x"),
      fc.tuple(tie("path"), name).map(([holder, member]) => `${holder}.${member}`),
      fc.tuple(tie("path"), name).map(([holder, member]) => `${holder}[${quoted(member)}]`),
      fc.tuple(tie("path"), fc.nat(3)).map(([holder, index]) => `${holder}[${index}]`),
    ),
    text: fc.oneof(
      { maxDepth: 3, depthIdentifier: "text" },
      text.map(quoted),
      tie("path"),
      fc.tuple(tie("text"), tie("text")).map(([left, right]) => `(${left} + ${right})`),
      fc.tuple(tie("text"), fc.constantFrom(...CHANGES)).map(([value, change]) => `${value}.${change}`),
      fc.tuple(tie("text"), sought, text).map(([value, from, to]) =>
        `${value}.replace(${quoted(from)}, ${quoted(to)})`
      ),
      fc.tuple(tie("text"), fc.nat(4)).map(([value, from]) => `${value}.substring(${from})`),
      fc.tuple(tie("text"), fc.nat(4), fc.nat(4)).map(([value, from, to]) =>
        `${value}.substring(${from}, ${to})`
      ),
      fc.tuple(tie("text"), fc.nat(4)).map(([value, from]) => `${value}.charAt(${from})`),
      tie("any").map((value) => `string(${value})`),
      tie("list").map((list) => `${list}.join(",")`),
    ),
    int: fc.oneof(
      { maxDepth: 3, depthIdentifier: "int" },
      fc.integer({ min: -5, max: 12 }).map(String),
      fc.constantFrom("9223372036854775807", "-9223372036854775808", "9007199254740993"),
      fc.tuple(tie("int"), fc.constantFrom("+", "-", "*", "/", "%"), tie("int")).map((parts) =>
        `(${parts.join(" ")})`
      ),
      tie("any").map((value) => `size(${value})`),
      number.map((value) => `int(${value})`),
      fc.tuple(tie("text"), text).map(([value, sought]) => `${value}.indexOf(${quoted(sought)})`),
      fc.tuple(tie("text"), text).map(([value, sought]) => `${value}.lastIndexOf(${quoted(sought)})`),
      tie("int").map((value) => `-(${value})`),
    ),
    double: fc.oneof(
      { maxDepth: 3, depthIdentifier: "double" },
      fc.constantFrom("0.0", "-0.5", "1.0", "2.5", "1e20", "9223372036854775808.0"),
      fc.tuple(tie("double"), fc.constantFrom("+", "-", "*", "/"), tie("double")).map((parts) =>
        `(${parts.join(" ")})`
      ),
      number.map((value) => `double(${value})`),
      tie("int").map((value) => `double(${value})`),
    ),
    list: fc.oneof(
      { maxDepth: 3, depthIdentifier: "list" },
      tie("path"),
      fc.array(tie("any"), { maxLength: 3 }).map((elements) => `[${elements.join(", ")}]`),
      fc.tuple(tie("list"), tie("list")).map(([left, right]) => `(${left} + ${right})`),
      fc.tuple(tie("list"), fc.constantFrom("filter"), tie("bool")).map(macro),
      fc.tuple(tie("list"), fc.constantFrom("map"), tie("any")).map(macro),
    ),
    bool: fc.oneof(
      { maxDepth: 4, depthIdentifier: "bool" },
      fc.constantFrom("true", "false"),
      tie("path"),
      fc.tuple(tie("any"), fc.constantFrom(...COMPARISONS), tie("any")).map((parts) =>
        `(${parts.join(" ")})`
      ),
      fc.tuple(tie("bool"), fc.constantFrom("&&", "||"), tie("bool")).map((parts) => `(${parts.join(" ")})`),
      tie("bool").map((value) => `!(${value})`),
      fc.tuple(tie("any"), tie("list")).map(([value, list]) => `(${value} in ${list})`),
      fc.tuple(tie("list"), fc.constantFrom(...MACROS), tie("bool")).map(macro),
      fc.tuple(tie("text"), fc.constantFrom(...TESTS), tie("text")).map(([value, test, with_]) => {
        return `${value}.${test}(${with_})`;
      }),
      fc.tuple(tie("text"), fc.constantFrom("^a", "[ab]+$", "é|日", "^.{2}$")).map(([value, pattern]) => {
        return `${value}.matches(${quoted(pattern)})`;
      }),
      name.map((member) => `has(body.${member})`),
    ),
    any: fc.oneof(
      { maxDepth: 4, depthIdentifier: "any" },
      tie("path"),
      tie("text"),
      tie("int"),
      tie("double"),
      tie("bool"),
      tie("list"),
      fc.tuple(tie("bool"), tie("any"), tie("any")).map(([test, left, right]) =>
        `(${test} ? ${left} : ${right})`
      ),
      fc.dictionary(name, tie("any"), { maxKeys: 3 }).map((members) => {
        return `{${Object.entries(members).map(([key, value]) => `${quoted(key)}: ${value}`).join(", ")}}`;
      }),
    ),
  }),
).any.map((expression) => `[body].map(x, ${expression})[0]`);

function macro([list, called, body]: readonly [string, string, string]): string {
  return `${list}.${called}(x, ${body})`;
}
