/**
 * The bill of materials in CycloneDX 1.6: what the gateway consists of, for scanners and for those who ask.
 *
 * @module
 */

import { VERSION } from "../../../src/version.ts";
import type { Package } from "./packages.ts";

const GATEWAY = `pkg:generic/core-webhook-module@${VERSION}`;

/** The document. It says no time and no serial number, so that the same packages make the same bytes. */
export function billOfMaterials(packages: readonly Package[], denoVersion: string): unknown {
  const deno = {
    type: "platform",
    "bom-ref": `pkg:generic/deno@${denoVersion}`,
    name: "deno",
    version: denoVersion,
    licenses: [{ license: { id: "MIT" } }],
    purl: `pkg:generic/deno@${denoVersion}`,
  };
  const refs = new Map(packages.map(({ name, version }) => [`${name}@${version}`, purlOf(name, version)]));
  const needed = new Set(packages.flatMap(({ dependencies }) => dependencies));
  const direct = [...refs].filter(([id]) => !needed.has(id)).map(([, ref]) => ref);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": GATEWAY,
        name: "core-webhook-module",
        version: VERSION,
        licenses: [{ license: { id: "MIT" } }],
        purl: GATEWAY,
      },
    },
    components: [deno, ...packages.map(componentOf)],
    dependencies: [
      { ref: GATEWAY, dependsOn: [deno["bom-ref"], ...direct] },
      { ref: deno["bom-ref"] },
      ...packages.map(({ name, version, dependencies }) => ({
        ref: purlOf(name, version),
        ...(dependencies.length === 0
          ? {}
          : { dependsOn: [...new Set(dependencies.flatMap((id) => refs.get(id) ?? []))] }),
      })),
    ],
  };
}

function componentOf({ name, version, licence, description, sha512 }: Package): unknown {
  const [group, plain] = name.startsWith("@") ? name.split("/") as [string, string] : [undefined, name];
  const purl = purlOf(name, version);
  return {
    type: "library",
    "bom-ref": purl,
    ...(group === undefined ? {} : { group }),
    name: plain,
    version,
    ...(description === "" ? {} : { description }),
    scope: "required",
    hashes: [{ alg: "SHA-512", content: sha512 }],
    licenses: [/[\s()]/.test(licence) ? { expression: licence } : { license: { id: licence } }],
    purl,
  };
}

/** A package URL: the `@` of a scope is escaped (purl-spec, type `npm`). */
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
}
