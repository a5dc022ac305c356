/**
 * `cwm verify`: judges captured requests as the gateway would.
 *
 * @module
 */

import { z } from "zod";
import { signatureSchema } from "../../auth/signature/settings.ts";
import { StartupError } from "../../errors.ts";
import { readCommandLine, usageError } from "../command_line.ts";
import { print } from "../terminal.ts";
import { capturedSchema, judgeCaptured } from "./captured.ts";

const HELP = `Judges captured requests as a webhook with "signature" would

Usage: cwm verify --cases FILE

  --cases FILE   A JSON array of cases: {"preset": "stripe", "config": {"secret": "..."}, "now": 1776763545,
                 "request": {"method": "POST", "url": "...", "headers": {...}, "bodyBase64": "..."}}.
                 'now' is the clock at which the request is judged, in seconds since 1970. Prints one line a
                 case: {"index": 0, "preset": "stripe", "accepted": true, "reason": null}

Options:
  -h, --help     Print this help

Exit status: 0 every case was judged; 1 the file cannot be read; 2 wrong usage`;

const casesSchema = z.array(z.object({
  preset: z.string(),
  config: z.record(z.string(), z.unknown()),
  now: z.number(),
  request: capturedSchema,
}));

type Case = z.output<typeof casesSchema>[number];

/** Runs the command. Returns the exit status. @param args what follows `verify` on the command line */
export async function verify(args: readonly string[]): Promise<number> {
  const line = readCommandLine("verify", args);
  if (line === "help") {
    print(HELP);
    return 0;
  }
  const file = line.options["cases"];
  if (typeof file !== "string" || file === "") throw usageError("verify", "--cases is missing");
  for (const [index, each] of readCases(file).entries()) {
    const reason = await judge(each);
    print(JSON.stringify({ index, preset: each.preset, accepted: reason === null, reason }));
  }
  return 0;
}

function readCases(file: string): readonly Case[] {
  try {
    return casesSchema.parse(JSON.parse(Deno.readTextFileSync(file)));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new StartupError("usage", [`${file} cannot be read: ${reason}`]);
  }
}

/** `null` when the case is accepted. */
async function judge({ preset, config, now, request }: Case): Promise<string | null> {
  const settings = Object.fromEntries(
    Object.entries(config).map(([name, value]) => [snakeCase(name), value]),
  );
  const parsed = signatureSchema.safeParse({ provider: preset, ...settings });
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => `${["signature", ...path].join(".")}: ${message}`)
      .join("; ");
  }
  return await judgeCaptured(request, parsed.data, now * 1000) ?? null;
}

/** Cases may name settings as JavaScript does. */
function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
