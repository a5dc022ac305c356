/**
 * What the gateway promises about secrets of Vault and OpenBao, as one suite of tests: against the stand-in in
 * `deno task test`, against the real server in `deno task test:real`.
 *
 * @module
 */

import { testVaultLogins } from "./vault_login_contract.ts";
import { testVaultReads } from "./vault_read_contract.ts";
import { testVaultTokens } from "./vault_token_contract.ts";
import { type VaultBackend, VaultWorld } from "./vault_world.ts";

/** Registers one test of the suite; each has a world of its own. */
export type TestInWorld = (behaviour: string, run: (world: VaultWorld) => Promise<void>) => void;

/**
 * Registers the suite.
 *
 * @param name of the server, before the sentence of each test
 */
export function testVaultContract(
  name: string,
  startBackend: () => VaultBackend | Promise<VaultBackend>,
): void {
  const test: TestInWorld = (behaviour, run) =>
    Deno.test(`secrets of ${name}: ${behaviour}`, async () => {
      await using world = await VaultWorld.start(startBackend);
      await run(world);
    });
  testVaultReads(test);
  testVaultLogins(test);
  testVaultTokens(test);
}
