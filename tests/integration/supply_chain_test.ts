import { assert, assertEquals } from "@std/assert";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { licenceTable, unknownLicences } from "../support/supply_chain/licences.ts";
import { type Package, runtimePackages } from "../support/supply_chain/packages.ts";
import { PAGE, withTable } from "../support/supply_chain/page.ts";
import { billOfMaterials } from "../support/supply_chain/sbom.ts";

const packages = await runtimePackages();

const WITHOUT_LICENCE: Package = {
  name: "somebody",
  version: "1.0.0",
  licence: "",
  description: "",
  sha512: "",
  dependencies: [],
};

Deno.test("every package that the gateway runs with has a permissive licence", () => {
  assert(packages.length > 30);
  assertEquals(unknownLicences(packages), []);
  const others = [WITHOUT_LICENCE, { ...WITHOUT_LICENCE, licence: "(MIT OR GPL-3.0)" }];
  assertEquals(unknownLicences(others).length, 2);
});

Deno.test("the page of packages lists those of the lock file: deno task sbom", async () => {
  const page = await Deno.readTextFile(PAGE);
  assertEquals(page, withTable(page, licenceTable(packages)));
});

Deno.test("the bill of materials names each package once, with its hash, and who needs it", () => {
  const { components, dependencies } = billOfMaterials(packages, Deno.version.deno) as {
    readonly components: readonly { readonly "bom-ref": string; readonly name: string }[];
    readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  };
  const refs = components.map((component) => component["bom-ref"]);
  assertEquals(new Set(refs).size, packages.length + 1);
  for (const { ref, dependsOn = [] } of dependencies) {
    for (const other of dependsOn) assert(refs.includes(other), `${ref} needs ${other}`);
  }
  const reached = new Set(dependencies.flatMap(({ dependsOn = [] }) => dependsOn));
  assertEquals(refs.filter((ref) => !reached.has(ref)), []);
});

Deno.test("the bill of materials is one that CycloneDX takes", async () => {
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot6);
  const text = JSON.stringify(billOfMaterials(packages, Deno.version.deno));
  assertEquals(await validator.validate(text), null);
  assert(await validator.validate(text.replace('"type":"library"', '"type":"thing"')) !== null);
});
