import { assert, assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { BlockingCalls } from "../../../../src/io/blocking_calls.ts";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { DirectoryOutput, type FileRules } from "../../../../src/modules/save_to_disk/output.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

/** Rules for a directory, which it takes some time to get at. */
class Rules implements FileRules<undefined> {
  readonly #path: string;
  readonly #device: number;
  readonly #reached: Promise<void>;
  /** How often the directory was looked at. */
  looks = 0;

  constructor(path: string, device: number, reached: Promise<void> = Promise.resolve()) {
    this.#path = path;
    this.#device = device;
    this.#reached = reached;
  }

  directoryOf = () => this.#path;

  resolve = async () => {
    this.looks++;
    await this.#reached;
    return { path: this.#path, device: this.#device };
  };

  fileOf = ({ id, body }: { readonly id: string; readonly body: { readonly bytes: Uint8Array } }) => ({
    name: id,
    content: body.bytes,
    isSameIfExists: true,
  });
}

function save(
  output: DirectoryOutput<undefined>,
  id: string,
  signal = new AbortController().signal,
): Promise<readonly DeliveryResult[]> {
  return output.deliver([{ event: verifiedEvent({ id }), config: undefined }], { number: 1, signal });
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
}

const IDS = Array.from({ length: 200 }, (_, index) => `event-${String(index).padStart(3, "0")}`);
const ALL_DELIVERED: readonly DeliveryResult[] = IDS.map(() => "delivered");

Deno.test("files that come while others are written share the looks at their directory", async () => {
  await using dir = await TempDir.create();
  const rules = new Rules(dir.path, 1);
  await using output = new DirectoryOutput<undefined>(rules, new BlockingCalls({ total: 8, perKey: 4 }));
  const results = await Promise.all(IDS.map((id) => save(output, id)));
  assertEquals(results.flat(), ALL_DELIVERED);
  assertEquals(await namesIn(dir.path), IDS);
  assertLess(rules.looks, IDS.length / 10);
});

Deno.test("a file that cannot be written fails alone among those that are written together", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file(IDS[5]!));
  await using output = new DirectoryOutput<undefined>(
    new Rules(dir.path, 1),
    new BlockingCalls({ total: 8, perKey: 4 }),
  );
  const results = (await Promise.all(IDS.map((id) => save(output, id)))).flat();
  assertInstanceOf(results[5], DeliveryError);
  assertEquals(results.toSpliced(5, 1), ALL_DELIVERED.slice(1));
});

Deno.test("a directory whose disk hangs holds up its own events until their time is up, and no others", async () => {
  await using hanging = await TempDir.create();
  await using healthy = await TempDir.create();
  const calls = new BlockingCalls({ total: 4, perKey: 2 });
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
  const frozen = new DirectoryOutput<undefined>(new Rules(hanging.path, 1, thawed), calls);
  const fine = new DirectoryOutput<undefined>(new Rules(healthy.path, 2), calls);
  const timeUp = new AbortController();
  const stuck = Promise.all(IDS.map((id) => save(frozen, id, timeUp.signal)));
  assertEquals((await Promise.all(IDS.map((id) => save(fine, id)))).flat(), ALL_DELIVERED);
  assertEquals(calls.underWay, 2);
  timeUp.abort();
  for (const result of (await stuck).flat()) {
    assert(result instanceof DeliveryError && result.code === "output_timeout");
  }
  thaw();
  await frozen[Symbol.asyncDispose]();
  assertEquals(calls.underWay, 0);
  // Nobody waited for them any more, so none was begun.
  assertEquals(await namesIn(hanging.path), []);
  await fine[Symbol.asyncDispose]();
});
