import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseMembers } from "../../../../src/config/values/parsed_members.ts";
import { describeErrorPosition } from "../../../../src/json/text.ts";
import { breathe } from "../../../../src/time/pace.ts";

const encoder = new TextEncoder();

/** The names and values of a text's members, or why there are none. */
async function membersOf(text: string): Promise<[name: string, value: unknown][] | string> {
  const members: [string, unknown][] = [];
  const broken = await parseMembers(encoder.encode(text), ({ name, value }) => members.push([name, value]));
  return broken?.problem.message ?? members;
}

Deno.test("the members of a file are what JSON.parse finds, in the order of the file", async () => {
  await fc.assert(fc.asyncProperty(
    fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue()),
    fc.constantFrom("", " ", "\n\t"),
    async (object, space) => {
      const members: [string, unknown][] = Object.entries(JSON.parse(JSON.stringify(object)) as object);
      const text = members.map(([name, value]) =>
        JSON.stringify(name) + `${space}:` + JSON.stringify(value, null, space)
      );
      assertEquals(
        await membersOf(`${space}{${space}${text.join(`${space},${space}`)}${space}}${space}`),
        members,
      );
    },
  ));
});

Deno.test("what is no JSON object has the place of its first error, wherever that is", async () => {
  const whole = '{"é😀": [1, {"b": "\\u00e9\\n"}], "c": -1.5e3,\n "d": {"e": null, "f": [true, false]}}';
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.nat(3),
      fc.constantFrom("", ",", "}", "]", '"', ":", "x", "\\", "1", "\u0001", "é"),
      async (at, removed, inserted) => {
        const text = whole.slice(0, at) + inserted + whole.slice(at + removed);
        // Half a character is no text: what is written into a file is another one.
        fc.pre(text.isWellFormed() && text.startsWith("{"));
        const found = await membersOf(text);
        try {
          const entries = Object.entries(JSON.parse(text) as object);
          assertEquals(Object.fromEntries(found as [string, unknown][]), Object.fromEntries(entries));
        } catch (error) {
          const told = describeErrorPosition(text, error);
          if (told !== "") assertEquals(found, `The file is not valid JSON${told}`);
          else assert(typeof found === "string");
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

Deno.test("a file of no object, of no text and of nothing is said to be just that, however long it is", async () => {
  const long = `[${Array(50_000).fill("{}").join()}]`;
  for (const text of ["[]", '"a"', "1", long, long.slice(0, -1)]) {
    assertEquals(await membersOf(text), "The file must hold a JSON object at its top level");
  }
  assertEquals(await membersOf(" \n"), "The file is empty");
  const broken = await parseMembers(
    Uint8Array.of(...encoder.encode('{"a":"'), 0xff, ...encoder.encode('"}')),
    () => {},
  );
  assertEquals(broken?.problem.message, "The file is not valid UTF-8");
});

Deno.test("a name that stands more than once is said to be repeated, however it is spelt", async () => {
  const repeated: boolean[] = [];
  const text = '{"a": 1, "b": 2, "\\u0061": 3}';
  await parseMembers(encoder.encode(text), ({ isRepeated }) => repeated.push(isRepeated));
  assertEquals(repeated, [false, false, true]);
});

Deno.test("a member that is too large is not parsed, and its end is looked for in pieces", async () => {
  const length = 20_000_000;
  const values = [
    `"${"x".repeat(length)}"`,
    `{"a": [${"1,".repeat(length / 2)}1]}`,
    `"${'\\"'.repeat(length / 2)}"`,
  ];
  const text = `{"before": 1, ${values.map((value, index) => `"large-${index}": ${value}`)}, "behind": 2}`;
  const members: (readonly [name: string, value: unknown])[] = [];
  let isOver = false;
  let turns = 0;
  const parsing = parseMembers(
    encoder.encode(text),
    ({ name, value, unparsedBytes }) => members.push([name, unparsedBytes ?? value]),
  ).finally(() => isOver = true);
  while (!isOver) {
    await breathe();
    turns++;
  }
  assertEquals(await parsing, undefined);
  assertEquals(members, [
    ["before", 1],
    ...values.map((value, index) => [`large-${index}`, value.length] as const),
    ["behind", 2],
  ]);
  assert(turns > 3, `${turns} turns of others`);
});

Deno.test("other work is done while the members of a large file are parsed", async () => {
  const members = Array.from(
    { length: 30_000 },
    (_, index) => `"hook-${index}": {"module": "log", "authorization": "Bearer ${"x".repeat(100)}"}`,
  );
  let visited = 0;
  let longest = 0;
  const parsing = parseMembers(encoder.encode(`{${members.join()}}`), () => visited++);
  for (let before = visited; visited < members.length; before = visited) {
    await breathe();
    longest = Math.max(longest, visited - before);
  }
  assertEquals(await parsing, undefined);
  // Far more than are parsed in 5 ms, and far fewer than all.
  assert(longest < members.length / 2, `${longest} members were parsed at a stretch`);
});
