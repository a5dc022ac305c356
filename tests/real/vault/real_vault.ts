/** A server of the program that `VAULT_BIN` names, in its development mode, for one test. */

import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../src/secrets/vault/clock.ts";
import { ChildProcess } from "../../support/process/child_process.ts";
import { TempDir } from "../../support/temp_dir.ts";
import type { VaultBackend } from "../../support/vault/vault_world.ts";
import { startTokenReview } from "./token_review.ts";

const ROOT_TOKEN = "root-of-the-test";

/**
 * Starts a server on a free port and waits until it serves.
 *
 * @throws {Error} when `VAULT_BIN` is not set
 */
export async function startRealVault(): Promise<VaultBackend> {
  const program = Deno.env.get("VAULT_BIN");
  if (program === undefined) throw new Error("VAULT_BIN names the program to test against: it is not set");
  await using resources = new AsyncDisposableStack();
  const home = resources.use(await TempDir.create());
  const review = resources.use(startTokenReview());
  const port = freePort();
  const args = [
    "server",
    "-dev",
    `-dev-root-token-id=${ROOT_TOKEN}`,
    `-dev-listen-address=127.0.0.1:${port}`,
  ];
  const server = resources.use(ChildProcess.spawn(program, { args, env: { HOME: home.path } }));
  const [, unsealKey = ""] = await server.waitForLine(/^Unseal Key: (\S+)/);
  const health = await (await fetch(`http://127.0.0.1:${port}/v1/sys/health`)).json() as Record<
    string,
    unknown
  >;
  const owned = resources.move();
  return {
    // Only Vault says whether it is the enterprise edition.
    flavour: "enterprise" in health ? "vault" : "openbao",
    port,
    rootToken: ROOT_TOKEN,
    unsealKey,
    clock: systemClock,
    shortLife: 24,
    kubernetesHost: review.url,
    pass: (seconds) => sleep(seconds * 1000),
    passAwaited: (seconds) => sleep(seconds * 1000),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
