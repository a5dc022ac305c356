import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { BlockingCalls } from "../../../../src/io/blocking_calls.ts";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { DirectoryOutput, type FileRules } from "../../../../src/modules/save_to_disk/output.ts";
import { diskWriters } from "../../../../src/modules/save_to_disk/writer/disk_writer.ts";
import { FileSetWriter } from "../../../../src/modules/save_to_disk/writer/file_set.ts";
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

/** Bounds of a test's own, and the threads of the process. */
function open(rules: Rules, calls = new BlockingCalls({ total: 8, perKey: 4 })): DirectoryOutput<undefined> {
  return new DirectoryOutput<undefined>(rules, calls, diskWriters);
}

function save(
  output: DirectoryOutput<undefined>,
  ids: readonly string[],
  signal = new AbortController().signal,
): Promise<readonly DeliveryResult[]> {
  const batch = ids.map((id) => ({ event: verifiedEvent({ id, body: `"${id}"` }), config: undefined }));
  return output.deliver(batch, { number: 1, signal });
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).sort();
}

const IDS = Array.from({ length: 200 }, (_, index) => `event-${String(index).padStart(3, "0")}`);
const ALL_DELIVERED: readonly DeliveryResult[] = IDS.map(() => "delivered");

Deno.test("files of one batch share one look at their directory, and each is whole", async () => {
  await using dir = await TempDir.create();
  const rules = new Rules(dir.path, 1);
  await using output = open(rules);
  assertEquals(await save(output, IDS), ALL_DELIVERED);
  assertEquals(await namesIn(dir.path), IDS);
  for (const id of IDS) assertEquals(await Deno.readTextFile(dir.file(id)), `"${id}"`);
  assertEquals(rules.looks, 1);
});

Deno.test("a file that cannot be written fails alone among those that are written together", async () => {
  await using dir = await TempDir.create();
  await Deno.mkdir(dir.file(IDS[5]!));
  await using output = open(new Rules(dir.path, 1));
  const results = await save(output, IDS);
  assertInstanceOf(results[5], DeliveryError);
  assertEquals(results.toSpliced(5, 1), ALL_DELIVERED.slice(1));
  assertEquals(await namesIn(dir.path), IDS);
});

Deno.test("batches of several outputs are written at once, by whichever thread their disk has", async () => {
  await using dir = await TempDir.create();
  const devices = Array.from({ length: 12 }, (_, device) => device);
  const outputs = devices.map((device) => open(new Rules(dir.path, device)));
  const idsOf = (device: number) => IDS.slice(0, 20).map((id) => `${id}-${device}`);
  const results = await Promise.all(devices.map((device) => save(outputs[device]!, idsOf(device))));
  assertEquals(results.flat(), devices.flatMap(() => ALL_DELIVERED.slice(0, 20)));
  assertEquals(await namesIn(dir.path), devices.flatMap(idsOf).sort());
  for (const output of outputs) await output[Symbol.asyncDispose]();
});

Deno.test("a directory whose disk hangs holds up its own events until their time is up, and no others", async () => {
  await using hanging = await TempDir.create();
  await using healthy = await TempDir.create();
  const calls = new BlockingCalls({ total: 4, perKey: 2 });
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
  await using frozen = open(new Rules(hanging.path, 1, thawed), calls);
  await using fine = open(new Rules(healthy.path, 2), calls);
  const timeUp = new AbortController();
  const stuck = Promise.all(IDS.map((id) => save(frozen, [id], timeUp.signal)));
  assertEquals(await save(fine, IDS), ALL_DELIVERED);
  assertEquals(calls.underWay, 2);
  timeUp.abort();
  thaw();
  for (const result of (await stuck).flat()) {
    assert(result instanceof DeliveryError && result.code === "output_timeout");
  }
  assertEquals(calls.underWay, 0);
  // Nobody waited for them any more, so none was begun.
  assertEquals(await namesIn(hanging.path), []);
});

Deno.test("files that nobody waits for any more get no names, and leave nothing behind", async () => {
  await using dir = await TempDir.create();
  const outcomes = await new FileSetWriter().write(
    dir.path,
    IDS.map((id) => ({ name: id, content: new Uint8Array(8), isSameIfExists: true })),
    () => true,
  );
  assertEquals(outcomes, IDS.map(() => "cancelled"));
  assertEquals(await namesIn(dir.path), []);
});
