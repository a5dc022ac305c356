import { join } from "@std/path";
import { REPOSITORY } from "../repository.ts";
import { readPages } from "./pages.ts";
import { withGeneratedParts } from "./readme_tables.ts";
import { listRepositoryFiles } from "./rules.ts";

const files = await listRepositoryFiles(REPOSITORY);
for (const [path, page] of await withGeneratedParts(await readPages(REPOSITORY), files)) {
  await Deno.writeTextFile(join(REPOSITORY, path), page);
}
