/**
 * The pages of the output modules, each made whole from what its module declares.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../../src/modules/documentation.ts";
import type { DocumentedModule } from "../../../src/modules/module.ts";
import { outputModules } from "../../../src/modules/registry.ts";
import { schemaList } from "./schema_list.ts";

/** The page of each module, by its path. */
export async function modulePages(files: readonly string[]): Promise<Map<string, string>> {
  const pages = await Promise.all(outputModules.map(async (module): Promise<[string, string]> => {
    const { documentation } = await module.documentation();
    return [pageOf(module, files), page(module, documentation)];
  }));
  return new Map(pages);
}

/** The modules, as links from a page, a line each. */
export function moduleList(from: string, files: readonly string[]): string {
  const up = "../".repeat(from.split("/").length - 1);
  const folder = from.slice(0, from.lastIndexOf("/") + 1);
  const links = outputModules.map((module) => {
    const path = pageOf(module, files);
    const link = folder !== "" && path.startsWith(folder) ? path.slice(folder.length) : up + path;
    return { link: `[\`${module.name}\`](${link})`, summary: module.summary };
  });
  // The first page has the names alone, since it has to stay short.
  if (folder === "") return links.map(({ link }) => link).join(", ");
  return links.map(({ link, summary }) => `- ${link}: ${summary}`).join("\n");
}

/** A module's page stands in the room of its door. */
function pageOf({ name }: DocumentedModule, files: readonly string[]): string {
  const door = files.find((file) => file.startsWith("src/modules/") && file.endsWith(`/${name}.ts`));
  if (door === undefined) throw new Error(`The module ${name} has no file of its name below src/modules`);
  return door.replace(/[^/]*$/, "README.md");
}

function page(module: DocumentedModule, documentation: ModuleDocumentation): string {
  const { description, example, notes, connection, connectionNotes, ownConnection } = documentation;
  const { connectionTypes, connectionSchema, ownConnectionSchema } = module;
  return [
    `# Module \`${module.name}\``,
    description.join("\n"),
    "In `webhooks.json`:",
    jsonBlock(example.webhooks),
    ...(example.connections === undefined ? [] : ["In `connections.json`:", jsonBlock(example.connections)]),
    "## Settings",
    "The keys of `module-config`:",
    schemaList(module.configSchema),
    ...texts(notes),
    ...(ownConnectionSchema === undefined ? [] : [
      "## A connection of the webhook's own",
      ...texts(ownConnection),
      schemaList(ownConnectionSchema),
    ]),
    ...(connection === undefined || connectionSchema === undefined ? [] : [
      "## Connection",
      `A connection of type ${connectionTypes.map((type) => `\`${type}\``).join(" or ")}.`,
      ...texts(connection),
      schemaList(connectionSchema),
      ...texts(connectionNotes),
    ]),
  ].join("\n\n") + "\n";
}

function texts(lines: readonly string[] | undefined): string[] {
  return lines === undefined || lines.length === 0 ? [] : [lines.join("\n")];
}

/** A value as a block of JSON. */
export function jsonBlock(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}
