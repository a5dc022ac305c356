import { httpWebhookModule } from "../../../src/modules/http_webhook/http_webhook.ts";
import { logModule } from "../../../src/modules/log/log.ts";
import { saveToDiskModule } from "../../../src/modules/save_to_disk/save_to_disk.ts";
import { fileLineWriter } from "../../../src/io/line_writer.ts";
import { HttpTarget } from "../../support/http/target.ts";
import { type OutputUnderTest, type ReceivedEvent, testOutputContract } from "../../contracts/output.ts";
import { TempDir } from "../../support/temp_dir.ts";

testOutputContract(httpWebhookModule, setUpHttpWebhook, {
  probe: "its destinations belong to webhooks, and a probe knows of none",
});

testOutputContract(logModule, setUpLog, {
  probe: "standard output cannot be asked",
  abort: "it waits for nothing but the operating system, for all lines at once",
  partialFailure: "all lines of a batch go the same way",
});

testOutputContract(saveToDiskModule, setUpSaveToDisk, {
  probe: "its directories belong to webhooks, and a probe knows of none",
});

async function setUpHttpWebhook(): Promise<OutputUnderTest> {
  const resources = new AsyncDisposableStack();
  const target = async (answer?: Parameters<HttpTarget["answer"]>[0]) => {
    const server = resources.use(await HttpTarget.start());
    if (answer !== undefined) server.answer(answer);
    return server;
  };
  const configFor = (url: string) => ({
    url: `${url}/hooks/path-s3cret?key=query-s3cret`,
    headers: { authorization: "Bearer header-s3cret" },
    allowed_hosts: ["127.0.0.1"],
  });
  const taking = await target();
  const failing = await target({ status: 503 });
  const refusing = await target({ status: 422 });
  const redirecting = await target({ status: 307, headers: { location: "http://127.0.0.1:1/" } });
  const dropping = await target("drop");
  const hanging = await target("hang");
  return {
    config: configFor(taking.url),
    secrets: ["path-s3cret", "query-s3cret", "header-s3cret"],
    stallingConfig: configFor(hanging.url),
    failures: [
      { when: "the destination answers 422", disposition: "dead_letter", config: configFor(refusing.url) },
      { when: "the destination answers 307", disposition: "dead_letter", config: configFor(redirecting.url) },
      { when: "the destination answers 503", disposition: "retry", config: configFor(failing.url) },
      { when: "the connection breaks", disposition: "retry", config: configFor(dropping.url) },
      { when: "nothing listens", disposition: "retry", config: configFor("http://127.0.0.1:1") },
    ],
    received: () =>
      taking.requests.map(({ headers, body }) => ({ id: headers.get("cwm-event-id") ?? "", body })),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function setUpLog(): Promise<OutputUnderTest> {
  const dir = await TempDir.create();
  const path = dir.file("standard-output");
  const file = await Deno.open(path, { append: true, create: true });
  const lines = fileLineWriter(file);
  return {
    config: { pretty_print: false },
    lines,
    failures: [{
      when: "standard output is closed",
      disposition: "retry",
      arrange: () => lines[Symbol.asyncDispose](),
    }],
    received: async () => {
      const printed = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
      return printed.map((line) => {
        const { event_id, payload } = JSON.parse(line);
        return { id: event_id, body: new TextEncoder().encode(JSON.stringify(payload)) };
      });
    },
    [Symbol.asyncDispose]: async () => {
      await lines[Symbol.asyncDispose]();
      file.close();
      await dir[Symbol.asyncDispose]();
    },
  };
}

async function setUpSaveToDisk(): Promise<OutputUnderTest> {
  const dir = await TempDir.create();
  await dir.writeText("a-file", "not a directory");
  await Deno.symlink("/", dir.file("a-way-out"));
  await Deno.symlink("/proc", dir.file("the-system"));
  const config = { base_dir: dir.path, path: "events", filename_pattern: "{event_id}" };
  return {
    config,
    failures: [
      { when: "the path is a file", disposition: "dead_letter", config: { ...config, path: "a-file" } },
      {
        when: "a part of the path is a file",
        disposition: "dead_letter",
        config: { ...config, path: "a-file/b" },
      },
      {
        when: "the path leaves base_dir",
        disposition: "dead_letter",
        config: { ...config, path: "a-way-out/tmp" },
      },
      {
        when: "the path belongs to the operating system",
        disposition: "dead_letter",
        config: { ...config, base_dir: dir.file("the-system") },
      },
    ],
    received: () => savedEvents(dir.file("events")),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** The files of a directory, which are named by their events' ids. */
async function savedEvents(directory: string): Promise<readonly ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) {
      events.push({ id: name, body: await Deno.readFile(`${directory}/${name}`) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return events;
}
