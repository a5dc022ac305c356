import type { OutputModule } from "../../modules/module.ts";
import { nearestHint, quotedName } from "../../schema/nearest_name.ts";
import type { ProblemReason, WarningReason } from "../problem.ts";

/**
 * What is odd about a connection's type. It is written in lower case; one that no module knows may be misspelt.
 */
export function doubtsAboutType(
  type: string,
  modules: readonly OutputModule[],
): { readonly problems: readonly ProblemReason[] } | { readonly warnings?: readonly WarningReason[] } {
  const types = modules.flatMap(({ connectionTypes }) => connectionTypes);
  if (types.includes(type)) return {};
  const inLowerCase = type.trim().toLowerCase();
  if (types.includes(inLowerCase)) {
    return {
      problems: [{ code: "schema", path: "type", message: `Type '${type}' is written '${inLowerCase}'` }],
    };
  }
  const message = `No module uses connections of type ${quotedName(type)}${nearestHint(type, types)}`;
  return { warnings: [{ code: "unknown_type", path: "type", message }] };
}
