import { assertEquals, assertInstanceOf } from "@std/assert";
import type { LookupAddress, LookupOneOptions } from "node:dns";
import { NameLookups, type NameLookupsOptions, type Resolver } from "../../../src/io/name_lookups.ts";
import { eventually } from "../../support/eventually.ts";

type Callback = Parameters<Resolver>[2];

const ADDRESSES: LookupAddress[] = [
  { address: "192.0.2.1", family: 4 },
  { address: "2001:db8::1", family: 6 },
];

/** A resolver that answers when it is made to, as one whose servers are silent for a while. */
class SlowResolver {
  readonly asked: string[] = [];
  readonly #waiting: Callback[] = [];
  readonly lookups: NameLookups;

  constructor(options: Partial<NameLookupsOptions> = {}) {
    this.lookups = new NameLookups({
      total: 8,
      ...options,
      resolve: (hostname, _options, callback) => {
        this.asked.push(hostname);
        this.#waiting.push(callback);
      },
    });
  }

  /** Answers the look-up that has waited longest. */
  answer(error: Error | null = null): void {
    this.#waiting.shift()!(error, error === null ? ADDRESSES : []);
  }

  /** What a caller gets who asks for all addresses. */
  async ask(hostname: string): Promise<readonly string[] | Error> {
    return await new Promise((resolve) => {
      this.lookups.resolve(hostname, { all: true }, (error, addresses) => {
        resolve(error ?? addresses.map(({ address }) => address));
      });
    });
  }
}

Deno.test("a name is looked up once for all who ask meanwhile, and for those who ask soon after", async () => {
  const resolver = new SlowResolver();
  const answers = Array.from({ length: 100 }, () => resolver.ask("a.example"));
  resolver.answer();
  for (const answer of await Promise.all(answers)) assertEquals(answer, ["192.0.2.1", "2001:db8::1"]);
  await resolver.ask("a.example");
  assertEquals(resolver.asked, ["a.example"]);
});

Deno.test("a name is looked up again when its answer is some seconds old", async () => {
  const resolver = new SlowResolver({ keptMs: 0 });
  for (let round = 0; round < 2; round++) {
    const answer = resolver.ask("a.example");
    await eventually(() => resolver.asked.length === round + 1);
    resolver.answer();
    await answer;
  }
});

Deno.test("a name that cannot be resolved says so to all who asked, and is tried again soon", async () => {
  const resolver = new SlowResolver({ failureKeptMs: 0 });
  const answers = [resolver.ask("a.example"), resolver.ask("a.example")];
  resolver.answer(new Error("ENOTFOUND"));
  for (const answer of await Promise.all(answers)) assertInstanceOf(answer, Error);
  const again = resolver.ask("a.example");
  await eventually(() => resolver.asked.length === 2);
  resolver.answer();
  assertEquals(await again, ["192.0.2.1", "2001:db8::1"]);
});

Deno.test("names that nobody answers for leave room for others, up to a bound", async () => {
  const resolver = new SlowResolver({ total: 2 });
  const answers = ["a", "a", "b", "c"].map((name) => resolver.ask(name));
  assertEquals(resolver.asked, ["a", "b"]);
  resolver.answer();
  await eventually(() => resolver.asked.length === 3);
  assertEquals(resolver.asked, ["a", "b", "c"]);
  resolver.answer();
  resolver.answer();
  await Promise.all(answers);
});

Deno.test("a socket that wants one address gets the first one", async () => {
  const resolver = new SlowResolver();
  const options = { family: 0 } as LookupOneOptions;
  const answer = new Promise((resolve) => {
    resolver.lookups.lookup(
      "a.example",
      options,
      (error, address, family) => resolve([error, address, family]),
    );
  });
  resolver.answer();
  assertEquals(await answer, [null, "192.0.2.1", 4]);
});
