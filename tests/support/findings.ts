import { assertEquals } from "@std/assert";
import { TestGateway, type TestGatewayOptions } from "./gateway.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface ListedFinding {
  readonly key: string;
  readonly path: string;
  readonly message: string;
  readonly code: string;
}

/** What a gateway says of its configuration. */
export interface Findings {
  /** `path: message (code)` of every problem, by `webhook default/id` or `connection name`. */
  readonly problems: Readonly<Record<string, readonly string[]>>;
  /** The same of the warnings. */
  readonly warnings: Readonly<Record<string, readonly string[]>>;
}

/** Starts a gateway with a configuration and asks `/admin/config` what is wrong with it. */
export async function findingsOf(options: TestGatewayOptions): Promise<Findings> {
  await using gateway = await TestGateway.start({
    ...options,
    environment: { ADMIN_TOKEN, ...options.environment },
  });
  const answer = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assertEquals(answer.status, 200);
  const { problems, warnings } = JSON.parse(answer.text) as Record<string, ListedFinding[]>;
  return { problems: byKey(problems ?? []), warnings: byKey(warnings ?? []) };
}

function byKey(findings: readonly ListedFinding[]): Record<string, string[]> {
  const lines: Record<string, string[]> = {};
  for (const { key, path, message, code } of findings) {
    (lines[key] ??= []).push(`${path}: ${message} (${code})`);
  }
  return lines;
}
