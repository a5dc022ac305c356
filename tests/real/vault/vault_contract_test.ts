import { testVaultContract } from "../../support/vault/vault_contract.ts";
import { startRealVault } from "./real_vault.ts";

testVaultContract("the real server", startRealVault);
