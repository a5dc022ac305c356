import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";
import { examples, EXAMPLES_FOLDER, withExamples } from "./examples.ts";
import { readPages } from "./pages.ts";
import { withGeneratedParts } from "./readme_tables.ts";
import { listRepositoryFiles } from "./rules.ts";

const files = await listRepositoryFiles(REPOSITORY);
for (const [path, page] of await withGeneratedParts(await readPages(REPOSITORY), files)) {
  await Deno.writeTextFile(join(REPOSITORY, path), page);
}

const folder = join(REPOSITORY, EXAMPLES_FOLDER);
const all = await examples();
for (const { files: contents } of all) {
  for (const [name, text] of Object.entries(contents)) await Deno.writeTextFile(join(folder, name), text);
}
const page = join(folder, "README.md");
await Deno.writeTextFile(page, withExamples(await Deno.readTextFile(page), all));
