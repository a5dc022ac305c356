import { testVaultContract } from "../../../support/vault/vault_contract.ts";
import { standIn } from "../../../support/vault/vault_world.ts";

testVaultContract("vault", () => standIn("vault"));
testVaultContract("openbao", () => standIn("openbao"));
