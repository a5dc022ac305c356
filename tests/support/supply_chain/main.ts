// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task sbom`: writes the bill of materials, and brings the table of licences on its page up to date.
 * `deno task sbom --audit` asks the npm registry that `npm` is set up for for known flaws, besides.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";
import { knownFlaws } from "./advisories.ts";
import { licenceTable, unknownLicences } from "./licences.ts";
import { runtimePackages } from "./packages.ts";
import { PAGE, withTable } from "./page.ts";
import { billOfMaterials } from "./sbom.ts";

const FILE = join(REPOSITORY, "dist/sbom.cdx.json");

const packages = await runtimePackages();
const unknown = unknownLicences(packages);
await Deno.mkdir(join(REPOSITORY, "dist"), { recursive: true });
await Deno.writeTextFile(
  FILE,
  JSON.stringify(billOfMaterials(packages, Deno.version.deno), undefined, 2) + "\n",
);
await Deno.writeTextFile(PAGE, withTable(await Deno.readTextFile(PAGE), licenceTable(packages)));
console.log(`${packages.length} packages in dist/sbom.cdx.json and docker/SUPPLY_CHAIN.md`);
for (const line of unknown) console.error(`Look at the licence of ${line}`);
if (unknown.length > 0) Deno.exitCode = 1;

if (Deno.args.includes("--audit")) {
  const { stdout } = await new Deno.Command("npm", { args: ["config", "get", "registry"] }).output();
  const flaws = await knownFlaws(packages, new TextDecoder().decode(stdout).trim());
  if ("notChecked" in flaws) console.log(`Known flaws: not checked, ${flaws.notChecked}`);
  else {
    console.log(`Known flaws: ${flaws.length}`);
    for (const line of flaws) console.error(line);
    if (flaws.length > 0) Deno.exitCode = 1;
  }
}
