import { verifierKinds } from "../../../src/auth/registry.ts";
import { testVerifierContract } from "../../contracts/verifier.ts";
import { verifierWorld } from "../../worlds/worlds.ts";

for (const kind of verifierKinds) testVerifierContract(kind, await verifierWorld(kind.key));
