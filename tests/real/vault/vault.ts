/**
 * HashiCorp Vault or OpenBao: the program that `VAULT_BIN` names. Each test starts a server of its own with it.
 *
 * @module
 */

import type { RealSystem } from "../real_system.ts";

/** The row of the table. */
export const vault: RealSystem = {
  name: "vault",
  files: ["tests/real/vault/vault_contract_test.ts"],
  async prepare() {
    const program = Deno.env.get("VAULT_BIN") ?? "";
    if (program === "") return "VAULT_BIN is not set";
    try {
      const { success, stdout } = await new Deno.Command(program, { args: ["version"] }).output();
      if (!success) return `${program} version fails`;
      const version = new TextDecoder().decode(stdout).trim().split(/[\n,]/, 1)[0] ?? "";
      return { version, env: { VAULT_BIN: program }, [Symbol.asyncDispose]: () => Promise.resolve() };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return `there is no ${program}`;
    }
  },
};
