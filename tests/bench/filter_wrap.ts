/**
 * What `wrap` adds to an accepted request: both in the processor time of one process, in turns.
 *
 * @module
 */

import { join } from "@std/path";
import process from "node:process";
import { EventBody } from "../../src/event/event.ts";
import { ownEvent } from "../../src/event/verified_event.ts";
import { EventPayload } from "../../src/filters/payload/payload.ts";
import { NOTHING_HIDDEN } from "../../src/filters/variables.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import { standardLineWriter } from "../../src/io/line_writer.ts";
import { setUpLogging } from "../../src/observability/logging.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { PUSH_BODY } from "./bodies.ts";
import { judge, median, print, row } from "./etcd_report.ts";
import { luaScript, runWrk } from "./http_load.ts";
import { nullModule } from "./servers/null_module.ts";

/** At most this share of an accepted request. */
const TARGET = 0.02;

const ROUNDS = 10;
const EVENTS = 100_000;
const CONNECTIONS = 32;

/** What an event is wrapped as where a webhook says `"wrap": "cloudevents"` and nothing else. */
const WRAP = new EventPayload({
  cuts: [],
  template: undefined,
  wrapping: {},
  isJson: true,
  hidden: NOTHING_HIDDEN,
  maxLength: PUSH_BODY.length,
});

/** Prints what wrapping an event costs beside the request that brings it, and returns whether the target is met. */
export async function benchWrap(): Promise<boolean> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  const [config, script] = [join(directory, "webhooks.json"), join(directory, "request.lua")];
  await Deno.writeTextFile(config, JSON.stringify({ default: { module: "null" } }));
  await Deno.writeTextFile(script, luaScript({ body: PUSH_BODY }));
  const lines = standardLineWriter("stderr");
  setUpLogging({ level: "warning", format: "json", writer: lines });
  const settings = loadSettings(
    { PORT: "0", WEBHOOKS_CONFIG_FILE: config, REQUEST_ID_HEADER: "errors" },
    { logIsTerminal: false },
  );
  const gateway = await Gateway.start({ settings, environment: {}, lines, modules: [nullModule] });
  const rounds: { readonly wrap: number; readonly request: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push({
      request: await timeOf(async () => {
        const url = `http://127.0.0.1:${gateway.port}/webhook/default`;
        return (await runWrk(url, script, 1, CONNECTIONS)).requests;
      }),
      wrap: await timeOf(wrapAll) - await timeOf(copyAll),
    });
  }
  await gateway[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
  const [wrap, request] = [
    median(rounds.map((round) => round.wrap)),
    median(rounds.map((round) => round.request)),
  ];
  const ratio = median(rounds.map((round) => round.wrap / round.request));
  const figures = row("wrap as a CloudEvent, against a request", [wrap.toFixed(0), request.toFixed(0)]);
  print(`${figures}  ${judge(ratio, TARGET)}`);
  return ratio <= TARGET;
}

const HEADERS = new Headers({ "content-type": "application/json" });

function newEvent() {
  return ownEvent({
    id: "0123456789abcdef-0",
    namespace: "default",
    webhook: "default",
    receivedAt: 0,
    headers: HEADERS,
    body: EventBody.fromJson(PUSH_BODY),
  });
}

let seen: unknown;

function wrapAll(): number {
  for (let index = 0; index < EVENTS; index++) seen = WRAP.reshape(newEvent());
  return EVENTS;
}

/** The same without wrapping. */
function copyAll(): number {
  for (let index = 0; index < EVENTS; index++) seen = newEvent();
  return EVENTS;
}

/** Processor time of one of many, in nanoseconds. */
async function timeOf(work: () => number | Promise<number>): Promise<number> {
  const begun = process.cpuUsage();
  const count = await work();
  const { user, system } = process.cpuUsage(begun);
  if (seen === null) throw new TypeError("Nothing was made");
  return (user + system) * 1_000 / count;
}
