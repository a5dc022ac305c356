/**
 * What it costs a client that takes gzip to be answered by an admin route: nothing where the answer is small, as it is
 * not compressed then.
 *
 * @module
 */

import { join } from "@std/path";
import { formatRequest } from "../support/http/raw_http.ts";
import { REPOSITORY } from "../support/repository.ts";
import { type Contestant, type LoadOptions, measureRounds, mediansOf, ratioOf } from "./http_load.ts";

const TOKEN = "an-admin-token-of-the-benchmark";

/** Webhooks with a problem each: their list has 140 KB. */
const PROBLEMS = 500;

/** Prints each answer with and without `Accept-Encoding: gzip`, and the ratios within each round. */
export async function benchAnswers(options: LoadOptions): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  try {
    const file = join(directory, "webhooks.json");
    const ids = Array.from({ length: PROBLEMS }, (_, index) => [`bad-${index}`, { module: "lgo" }]);
    await Deno.writeTextFile(file, JSON.stringify(Object.fromEntries(ids)));
    const environment = { WEBHOOKS_CONFIG_FILE: file, ADMIN_TOKEN: TOKEN, LOG_LEVEL: "error" };
    const contestants = ["/admin/stats", "/admin/config"].flatMap((path) => [
      contestant(path, environment, {}),
      contestant(path, environment, { "Accept-Encoding": "gzip" }),
    ]);
    const rounds = await measureRounds(contestants, options);
    for (const [name, { requestsPerSecond, cpuPer10k }] of mediansOf(rounds)) {
      print(
        `${name.padEnd(36)} ${requestsPerSecond.toFixed(0).padStart(7)}/s ${cpuPer10k.toFixed(3)} CPU-s/10k`,
      );
    }
    for (const path of ["/admin/stats", "/admin/config"]) {
      const ratio = ratioOf(rounds, nameOf(path, true), nameOf(path, false), "cpuPer10k");
      print(`${path}: with gzip taken, ${ratio.toFixed(2)} of the CPU`);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function contestant(
  path: string,
  environment: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): Contestant {
  const request = formatRequest("GET", path, { headers: { ...headers, "Authorization": `Bearer ${TOKEN}` } });
  return {
    name: nameOf(path, "Accept-Encoding" in headers),
    program: [join(REPOSITORY, "src/main.ts"), "serve"],
    environment,
    path,
    body: "",
    requests: () => Promise.resolve([request]),
  };
}

function nameOf(path: string, takesGzip: boolean): string {
  return `${path}${takesGzip ? ", gzip taken" : ""}`;
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
