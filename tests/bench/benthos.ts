/**
 * benthos, the engine of Redpanda Connect (MIT): another program that verifies webhooks and forwards them. It is built
 * from its Go module, where there is Go.
 *
 * @module
 */

import { join } from "@std/path";
import type { Contestant } from "./http_load.ts";
import { progress } from "./etcd_report.ts";

const VERSION = "4.60.0";

const MAIN = `package main

import (
	"context"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
)

func main() { service.RunCLI(context.Background()) }
`;

const MODULE = `module cwm.invalid/benthos

go 1.24

require github.com/redpanda-data/benthos/v4 v${VERSION}
`;

/**
 * Builds the program, once: it is kept in the user's cache.
 *
 * @returns its path; `undefined` where there is no Go
 * @throws {Error} when it cannot be built
 */
export async function buildBenthos(): Promise<string | undefined> {
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  const directory = join(caches, `cwm-bench-benthos-${VERSION}`);
  const program = join(directory, "benthos");
  if (await Deno.stat(program).then(() => true, () => false)) return program;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(join(directory, "main.go"), MAIN);
  await Deno.writeTextFile(join(directory, "go.mod"), MODULE);
  progress(`building benthos ${VERSION}`);
  try {
    await go(directory, ["mod", "tidy"]);
    await go(directory, ["build", "-o", "benthos", "."]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return program;
}

async function go(cwd: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("go", { args: [...args], cwd }).output();
  if (!success) throw new Error(`go ${args.join(" ")} failed: ${new TextDecoder().decode(stderr).trim()}`);
}

/** What a gateway of benthos does. */
export interface BenthosOptions {
  readonly program: string;
  readonly directory: string;
  readonly secret: string;
  /** Where events are forwarded to. @default nowhere */
  readonly url?: string;
  readonly request: Pick<Contestant, "path" | "body" | "headers">;
}

/** benthos as it verifies the signature of GitHub and forwards what passes; the answer waits for that. */
export async function benthosContestant(name: string, options: BenthosOptions): Promise<Contestant> {
  const { program, directory, secret, url, request } = options;
  const file = join(directory, `benthos_${name.replaceAll(/\W+/g, "_")}.json`);
  await Deno.writeTextFile(file, JSON.stringify(configurationOf(request.path, secret, url)));
  return { name, executable: program, program: ["run", file], ...request };
}

function configurationOf(path: string, secret: string, url: string | undefined): unknown {
  const signature = `"sha256=" + content().hash("hmac_sha256", ${JSON.stringify(secret)}).encode("hex")`;
  return {
    http: { enabled: false },
    logger: { level: "ERROR" },
    input: {
      http_server: {
        address: "127.0.0.1:${PORT}",
        path,
        sync_response: { status: '${! metadata("answer").or("200") }' },
      },
    },
    pipeline: {
      processors: [{
        mapping: `root = content()
meta answer = if metadata("X-Hub-Signature-256").or("") != ${signature} { "401" } else { "200" }`,
      }],
    },
    output: {
      switch: {
        cases: [
          { check: 'metadata("answer") == "401"', output: { sync_response: {} } },
          {
            output: url === undefined
              ? { drop: {} }
              : { http_client: { url, verb: "POST", max_in_flight: 64 } },
          },
        ],
      },
    },
  };
}
