import { verifierKinds } from "../../auth/registry.ts";
import { type PlacedSecrets, placedSecretsIn } from "../../auth/several_secrets.ts";
import type { Verifier, VerifierKind } from "../../auth/verifier.ts";
import type { Compiled, ProblemReason, WarningReason } from "../problem.ts";

type Config = Readonly<Record<string, unknown>>;

/** Who lets the requests of a webhook in. */
interface CompiledVerifiers {
  readonly verifiers: readonly Verifier[];
  /** Where several secrets are valid. */
  readonly severalSecrets: readonly PlacedSecrets[];
}

/** Compiles the verifiers that a webhook asks for, in the order of the registry. */
export function compileVerifiers(config: Config): Compiled<CompiledVerifiers> {
  const used = verifierKinds.filter(({ key }) => config[key] !== undefined);
  const problems = strayKeys(config, used);
  if (problems.length > 0) return { problems };
  const verifiers = used.map((kind) => kind.compile(config[kind.key], config));
  const severalSecrets = placedSecretsOf(used, config);
  const warnings = used.flatMap((kind) => warningsOf(kind, config));
  return { value: { verifiers, severalSecrets }, ...(warnings.length === 0 ? {} : { warnings }) };
}

/** One list for all webhooks that have one secret a verifier, as most do. */
const NONE: readonly PlacedSecrets[] = [];

function placedSecretsOf(used: readonly VerifierKind[], config: Config): readonly PlacedSecrets[] {
  const placed = used.flatMap(({ key }) => placedSecretsIn(key, config[key]));
  return placed.length === 0 ? NONE : placed;
}

/** The kinds whose keys stand beside others, which few webhooks have. */
const KINDS_WITH_KEYS_BESIDE = verifierKinds.filter(({ keysBeside }) => keysBeside !== undefined);

/** Keys that are read with another one, which is not there: whoever wrote them expects something of them. */
function strayKeys(config: Config, used: readonly VerifierKind[]): ProblemReason[] {
  return KINDS_WITH_KEYS_BESIDE.filter((kind) => !used.includes(kind)).flatMap(({ key, keysBeside }) =>
    Object.keys(keysBeside ?? {}).filter((beside) => config[beside] !== undefined).map((beside) => ({
      code: "schema" as const,
      path: beside,
      message: `Key '${beside}' is read with '${key}' only`,
    }))
  );
}

function warningsOf({ key, notices }: VerifierKind, config: Config): WarningReason[] {
  return (notices?.(config[key]) ?? []).map(({ path, message }) => ({
    code: "auth_notice",
    path: path === "" ? key : `${key}.${path}`,
    message,
  }));
}
