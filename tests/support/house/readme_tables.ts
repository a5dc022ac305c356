/**
 * The parts of the pages that are made from the code that they describe. `readme_test.ts` fails when a page says
 * something else; `deno task readme` puts them in.
 *
 * @module
 */

import {
  caseSchema,
  deliverySchema,
  expectationSchema,
  fileSchema,
  requestSchema,
  signSchema,
} from "../../../src/cli/cases/case_file.ts";
import {
  chainConfigSchema,
  chainItemSchema,
  idempotencySchema,
  limitsSchema,
  retrySchema,
  switchOffSchema,
} from "../../../src/config/compile/delivery_schema.ts";
import { responseSchema } from "../../../src/config/compile/response_schema.ts";
import { webhookSchema } from "../../../src/config/compile/schema.ts";
import { NOTICE_KIND_NAMES, NOTICE_KINDS } from "../../../src/notices/kinds.ts";
import { notifySchema } from "../../../src/notices/settings.ts";
import { filterObjectSchema } from "../../../src/filters/filter.ts";
import { payloadSchema } from "../../../src/filters/payload/schema.ts";
import { policySchema } from "../../../src/policy/document.ts";
import { cleanupSchema } from "../../../src/rules/cleanup/credential_cleanup.ts";
import { corsSchema } from "../../../src/rules/cors.ts";
import { rateLimitSchema } from "../../../src/rules/rate_limit.ts";
import { CONNECTOR_VARIABLES, connectorSchema, targetSchema } from "../../../src/connector/config_schema.ts";
import { ERROR_CATALOGUE } from "../../../src/errors.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { SETTING_DEFINITIONS } from "../../../src/settings/table.ts";
import { answerList, challengeList } from "./dialogue_lists.ts";
import { functionList, macroList } from "./function_lists.ts";
import { moduleList, modulePages } from "./module_pages.ts";
import { plainWordsList } from "./plain_words.ts";
import { providerList } from "./provider_list.ts";
import { list, schemaList } from "./schema_list.ts";
import { verifierList, verifierSections } from "./verifier_sections.ts";
import { pythonConfigurations } from "../python_configurations/python_configurations.ts";

/** What stands between `<!-- NAME -->` and `<!-- end -->`, by name. */
export function generatedSections(): ReadonlyMap<string, string> {
  return new Map([
    ["keys: webhook", schemaList(webhookSchema)],
    ["list of verifiers", verifierSections()],
    ["list of methods", verifierList()],
    ["list of providers", providerList()],
    ["list of challenges", challengeList()],
    ["list of answers", answerList()],
    ["keys: response", schemaList(responseSchema)],
    ["keys: cors", schemaList(corsSchema)],
    ["keys: credential_cleanup", schemaList(cleanupSchema)],
    ["keys: rate_limit", schemaList(rateLimitSchema)],
    ["keys: filter", schemaList(filterObjectSchema)],
    ["keys: payload", schemaList(payloadSchema)],
    ["keys: retry", schemaList(retrySchema)],
    ...policyLists(),
    ["keys: notify", schemaList(notifySchema)],
    ["list of notices", noticesList()],
    ["keys: limits", schemaList(limitsSchema)],
    ["keys: switch_off", schemaList(switchOffSchema)],
    ["keys: idempotency", schemaList(idempotencySchema)],
    ["keys: chain item", schemaList(chainItemSchema)],
    ["keys: chain-config", schemaList(chainConfigSchema)],
    ["keys: connector", schemaList(connectorSchema)],
    ["keys: connector target", schemaList(targetSchema)],
    ["keys: file of cases", schemaList(fileSchema)],
    ["keys: case", schemaList(caseSchema)],
    ["keys: case request", schemaList(requestSchema)],
    ["keys: case sign", schemaList(signSchema)],
    ["keys: case expect", schemaList(expectationSchema)],
    ["keys: case delivery", schemaList(deliverySchema)],
    ["list of connector variables", variablesList()],
    ["list of settings", settingsList()],
    ["list of errors", errorsList()],
    ["list of functions", functionList()],
    ["list of macros", macroList()],
    ["list of plain words", plainWordsList()],
    ["table: python configurations", pythonTable()],
    ["list: keys without effect", keysWithoutEffectList()],
  ]);
}

/**
 * The pages as the code has them: those of modules whole, the others with their generated parts filled in.
 *
 * @param pages by path
 * @param files of the repository
 * @throws {Error} when a part has no place, or a page has a place for a part that there is not
 */
export async function withGeneratedParts(
  pages: ReadonlyMap<string, string>,
  files: readonly string[],
): Promise<Map<string, string>> {
  const sections = generatedSections();
  const placed = new Set<string>();
  const filled = await modulePages(files);
  for (const [path, page] of pages) {
    if (filled.has(path)) continue;
    const place = /(<!-- ((?:keys|list|table)\b[^>]*?) -->)[^]*?(<!-- end -->)/g;
    filled.set(
      path,
      page.replaceAll(place, (_all, begin: string, name: string, end: string) => {
        const section = name === "list of outputs" ? moduleList(path, files) : sections.get(name);
        if (section === undefined) throw new Error(`${path} has a place for '${name}', which nobody makes`);
        placed.add(name);
        return begin + (name.startsWith("list: ") ? section : `\n\n${section}\n\n`) + end;
      }),
    );
  }
  const missing = [...sections.keys()].filter((name) => !placed.has(name));
  if (missing.length > 0) throw new Error(`No page has a place for: ${missing.join(", ")}`);
  return filled;
}

function settingsList(): string {
  return list(SETTING_DEFINITIONS.map((setting) => {
    const preset = setting.default.startsWith("(") ? setting.default.slice(1, -1) : `\`${setting.default}\``;
    return [setting.variable, `${setting.type}; default: ${preset}`, setting.description];
  }));
}

function variablesList(): string {
  return list(
    Object.entries(CONNECTOR_VARIABLES).map(([variable, key]) => [variable, undefined, `Sets \`${key}\`.`]),
  );
}

function errorsList(): string {
  const happens = {
    refused: "not accepted",
    retry: "may be tried again",
    dead_letter: "trying again cannot help",
  };
  return list(
    Object.entries(ERROR_CATALOGUE).map(([code, { status, disposition, message, remedy }]) => [
      code,
      `${status}, ${happens[disposition]}`,
      `${message}. ${remedy}`,
    ]),
  );
}

function policyLists(): readonly (readonly [name: string, text: string])[] {
  const rule = policySchema.shape.namespaces.unwrap().valueType;
  const { destinations, authentication, limits } = rule.shape;
  return [
    ["keys: policy", schemaList(policySchema)],
    ["keys: policy rule", schemaList(rule)],
    ["keys: policy destinations", schemaList(destinations.unwrap())],
    ["keys: policy authentication", schemaList(authentication.unwrap())],
    ["keys: policy limits", schemaList(limits.unwrap())],
  ];
}

function noticesList(): string {
  return list(NOTICE_KIND_NAMES.map((name) => {
    const { began, over, beganTitles, overTitles } = NOTICE_KINDS[name];
    return [name, undefined, `\`${began}\`, "${beganTitles[0]}"; \`${over}\`, "${overTitles[0]}".`];
  }));
}

/** What becomes of configurations in the shapes of the Python service's own files. */
function pythonTable(): string {
  const rows = pythonConfigurations().map(({ title, webhooks, expected, why }) => {
    const refused = Object.keys(expected.refused).length;
    return [
      title,
      String(Object.keys(webhooks).length),
      orNothing(expected.taken),
      orNothing(expected.in_vault),
      refused === 0 ? "" : `${refused}: ${why}`,
    ];
  });
  return table(["configuration", "webhooks", "taken", "secret in Vault", "refused"], rows);
}

/** Of each module the keys of `module-config` that do nothing. */
function keysWithoutEffectList(): string {
  return outputModules.flatMap(({ name, keysWithoutEffect }): string[] => {
    if (keysWithoutEffect === undefined) return [];
    return [`${Object.keys(keysWithoutEffect).map((key) => `\`${key}\``).join(", ")} of \`${name}\``];
  }).join("; ");
}

function orNothing(count: number): string {
  return count === 0 ? "" : String(count);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
