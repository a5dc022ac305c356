/**
 * Expressions beside the same conditions and objects written by hand.
 *
 * @module
 */

import {
  Budget,
  type Expression,
  ExpressionLanguage,
  type Texts,
} from "../../src/expressions/expressions.ts";
import type { Contest } from "./filter.ts";

const EVENT_AND_PREFIX = "headers['x-github-event'] == 'push' && body.ref.startsWith('refs/heads/main')";

const NESTED_LISTS = "body.commits.exists(commit, " +
  "commit.added.exists(file, file.startsWith('deploy/')) || commit.modified.exists(file, file.endsWith('.sql')))";

const TEN_FIELDS = `{
  "ref": body.ref, "repository": body.repository.full_name, "id": body.repository.id, "pusher": body.pusher.name,
  "email": body.pusher.email, "event": headers["x-github-event"], "count": size(body.commits),
  "first": body.commits[0].id, "ids": body.commits.map(commit, commit.id), "after": body.after
}`;

interface Commit {
  readonly id: string;
  readonly added: readonly string[];
  readonly modified: readonly string[];
}

interface Push {
  readonly ref: string;
  readonly after: string;
  readonly repository: { readonly id: number; readonly full_name: string };
  readonly pusher: { readonly name: string; readonly email: string };
  readonly commits: readonly Commit[];
}

/** A push as GitHub sends it, with so many commits; twenty of them are 19 KB. */
function push(commits: number): Push {
  const person = { name: "Somebody", email: "somebody@shop.example", username: "somebody" };
  const text = JSON.stringify({
    ref: "refs/heads/main",
    before: "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
    after: "0000000000000000000000000000000000000000",
    repository: { id: 186853002, full_name: "codertocat/hello-world", private: false },
    pusher: { name: "codertocat", email: "21031067+codertocat@users.noreply.example" },
    commits: Array.from({ length: commits }, (_, index) => ({
      id: `${index}`.padStart(40, "c"),
      tree_id: `${index}`.padStart(40, "7"),
      distinct: true,
      message: `Change number ${index}: what was wrong with the list of items is mended`,
      timestamp: "2026-11-30T15:20:41+01:00",
      url: `https://github.example/codertocat/hello-world/commit/${`${index}`.padStart(40, "c")}`,
      author: person,
      committer: person,
      added: [`docs/page-${index}.md`, `src/part-${index}/new.ts`],
      removed: [],
      modified: [`src/part-${index}/old.ts`, `src/part-${index}/other.ts`, "CHANGELOG.md"],
    })),
  });
  return JSON.parse(text) as Push;
}

/** Headers of a request; a floor asks them in the same way. */
function headersOf(entries: Readonly<Record<string, string>>): Texts {
  const texts = new Map(Object.entries(entries));
  return { get: (name) => texts.get(name), names: () => [...texts.keys()] };
}

interface World {
  readonly [name: string]: unknown;
  readonly body: Push;
  readonly headers: Texts;
}

/** The contests of the language, with the targets that it was built for. */
export async function expressionContests(): Promise<Contest[]> {
  const language = await ExpressionLanguage.load({ body: { kind: "json" }, headers: { kind: "texts" } });
  const headers = headersOf({ "x-github-event": "push", "user-agent": "GitHub-Hookshot/1", accept: "*/*" });
  const world: World = { body: push(20), headers };
  const ping = { body: { zen: "Keep it logically awesome.", hook_id: 30 }, headers };
  const condition = compile(language, EVENT_AND_PREFIX);
  const lists = compile(language, NESTED_LISTS);
  const fields = compile(language, TEN_FIELDS);
  const hit = () => condition.test(world, new Budget());
  return [
    {
      name: "event type and prefix",
      gateway: hit,
      floor: () => eventAndPrefix(world),
      target: { speedAtLeast: 0.3 },
    },
    {
      name: "nested lists over 19 KB",
      gateway: () => lists.test(world, new Budget()),
      floor: () => nestedLists(world),
      target: { speedAtLeast: 0.15 },
    },
    {
      name: "an object of ten fields",
      gateway: () => fields.evaluate(world, new Budget()),
      floor: () => tenFields(world),
      target: { speedAtLeast: 0.06 },
    },
    {
      name: "a missing field, against a hit",
      gateway: () => condition.test(ping, new Budget()),
      floor: hit,
      target: { timeAtMost: 2 },
    },
  ];
}

function compile(language: ExpressionLanguage, text: string): Expression {
  const compilation = language.compile(text);
  if ("expression" in compilation) return compilation.expression;
  throw new TypeError(`${text}: ${compilation.problems[0].message}`);
}

function eventAndPrefix({ body, headers }: World): boolean {
  return headers.get("x-github-event") === "push" && body.ref.startsWith("refs/heads/main");
}

function nestedLists({ body }: World): boolean {
  return body.commits.some((commit) =>
    commit.added.some((file) => file.startsWith("deploy/")) ||
    commit.modified.some((file) => file.endsWith(".sql"))
  );
}

function tenFields({ body, headers }: World): unknown {
  return {
    ref: body.ref,
    repository: body.repository.full_name,
    id: body.repository.id,
    pusher: body.pusher.name,
    email: body.pusher.email,
    event: headers.get("x-github-event"),
    count: body.commits.length,
    first: body.commits[0]?.id,
    ids: body.commits.map((commit) => commit.id),
    after: body.after,
  };
}
